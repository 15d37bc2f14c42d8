//! Why a run cannot be put together.

use super::super::config::ConfigValue;
use super::super::hosts::HostsError;
use super::super::resolve::ResolveError;
use super::super::settings::{GrantError, Origin, Sourced};
use super::Lacking;
use crate::bundle::BundleError;
use crate::plan::Map;
use crate::trace::RedactFault;
use protocol::stage::Layer;
use protocol::text::{ForeignText, shell_word};
use std::io;
use std::path::PathBuf;

/// Why a run cannot be put together. `Display` says what, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperatorError {
    /// A bundle cannot be used as it is.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A `--grant` makes no sense.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// hosts.toml cannot be used.
    #[error(transparent)]
    Hosts(#[from] HostsError),
    /// A grant cannot be carried out, or must not be.
    #[error(transparent)]
    Resolve(#[from] Box<ResolveError>),
    /// The kernel does not tell what is mounted.
    #[error("cannot read what is mounted on this machine: {0}")]
    Machine(io::Error),
    /// Something is meant for a bundle that is not there.
    #[error(
        "{what} is for a bundle that is not there; {}",
        match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => "bundles of this run: none".to_owned(),
            None => format!("bundles of this run: {}", names.join(", ")),
        }
    )]
    Stranger {
        /// What was said.
        what: String,
        /// Names of the bundles of this run.
        names: Vec<String>,
        /// The one that may have been meant.
        near: Option<String>,
    },
    /// A secret where others can read it.
    #[error("{}", secret(bundle, key, origin))]
    Secret {
        /// Name of the bundle.
        bundle: String,
        /// Key of its configuration.
        key: String,
        /// Where the secret stands.
        origin: Origin,
    },
    /// A value of the configuration cannot be read.
    #[error("{}: {why}", source_words(bundle, key, value))]
    Value {
        /// Name of the bundle.
        bundle: String,
        /// Key of its configuration.
        key: String,
        /// Where it is to be read.
        value: Sourced<ConfigValue>,
        /// Why it cannot be.
        why: io::Error,
    },
    /// A bundle has the name of another one that hosts.toml declares.
    #[error(
        "the bundle {} is called `{name}`, as is {} ({}): what is granted there is not for it\n  \
         help: leave out --host-bundle, or remove `path` there if any bundle of this name may \
         have these grants",
        path.display(), declared.value.display(), declared.origin
    )]
    Impostor {
        /// The name.
        name: String,
        /// Its directory.
        path: PathBuf,
        /// That of the other.
        declared: Sourced<PathBuf>,
    },
    /// A bundle is not called as hosts.toml calls it.
    #[error(
        "{origin}: this bundle is called `{name}`, not `{section}`\n  help: write [bundle.{name}]"
    )]
    OtherName {
        /// The name in hosts.toml.
        section: String,
        /// Its own.
        name: String,
        /// Where its path stands.
        origin: Origin,
    },
    /// A bundle does not export what it is to serve.
    #[error(
        "{}: the bundle exports nothing of that name; it exports: {}",
        map.value, exports.iter().map(|name| ForeignText::new(name).to_string())
            .collect::<Vec<_>>().join(", ")
    )]
    ServesNothing {
        /// What it is to serve.
        map: Box<Sourced<Map>>,
        /// What it exports.
        exports: Vec<String>,
    },
    /// A bundle has not what traces of its calls must not show.
    #[error("{origin}: {fault}")]
    Redact {
        /// Where it stands.
        origin: Origin,
        /// What is wrong.
        fault: Box<RedactFault>,
    },
    /// A layer of the jail is required where there is no jail.
    #[error("the layer `{}` is required ({}), but --in-process has no jail", .0.value.name(), .0.origin)]
    NoJail(Sourced<Layer>),
    /// Libraries that the bundle needs were not granted.
    #[error("{}", lacking_words(bundle, libraries))]
    Lacking {
        /// Name of the bundle.
        bundle: String,
        /// The libraries.
        libraries: Vec<Lacking>,
    },
}

impl OperatorError {
    /// Whether the mistake is on the command line itself.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Grant(_) | Self::Stranger { .. } | Self::Impostor { .. } | Self::NoJail(_) => {
                true
            }
            Self::Secret { origin, .. } => *origin == Origin::CommandLine,
            _ => false,
        }
    }
}

fn secret(bundle: &str, key: &str, origin: &Origin) -> String {
    match origin {
        Origin::File { .. } => format!(
            "{origin}: {bundle}.{key} is a secret, and this file gets copied and shown\n  \
             help: write {key} = {{ file = \"PATH\" }}"
        ),
        Origin::CommandLine | Origin::Default => format!(
            "{bundle}.{key} is a secret, and everybody can read a command line\n  \
             help: use --bundle-config-from {bundle}.{key}=file:PATH, or fd:NUMBER"
        ),
    }
}

fn source_words(bundle: &str, key: &str, value: &Sourced<ConfigValue>) -> String {
    let source = match &value.value {
        ConfigValue::Text(_) => String::new(),
        ConfigValue::File(path) => format!("=file:{}", path.display()),
        ConfigValue::Descriptor(number) => format!("=fd:{number}"),
    };
    match &value.origin {
        Origin::File { .. } => format!("{}: {bundle}.{key}{source}", value.origin),
        Origin::CommandLine | Origin::Default => {
            format!("--bundle-config-from {bundle}.{key}{source}")
        }
    }
}

fn lacking_words(bundle: &str, libraries: &[Lacking]) -> String {
    let line = |library: &Lacking| {
        let name = ForeignText::new(&library.name);
        match &library.path {
            Some(path) => {
                let grant = format!("{bundle}:library={}", path.display());
                format!("\n  {name}\n    help: add --grant {}", shell_word(&grant))
            }
            None => format!("\n  {name}\n    help: install it; it is not on this machine"),
        }
    };
    let lines: String = libraries.iter().map(line).collect();
    format!("bundle `{bundle}` needs libraries that are not granted:{lines}")
}
