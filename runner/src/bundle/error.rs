//! What can be wrong with a bundle.

use super::directory::FileError;
use super::exports::ExportError;
use super::library::LibraryFault;
use super::manifest::{FILE, ManifestError, NAME_BYTES_MAX};
use super::path::RelativePath;
use super::target;
use super::wit::WitError;
use protocol::text::ForeignText;
use std::io;
use std::path::PathBuf;

/// A bundle that cannot be used. `Display` says what, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[error(
    "bundle {}: {fault}{}",
    ForeignText::new(path.to_string_lossy()),
    fault.help().map_or_else(String::new, |help| format!("\n  help: {help}"))
)]
pub struct BundleError {
    /// The bundle's directory, as it was given.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: BundleFault,
}

/// What is wrong with a bundle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleFault {
    /// The directory cannot be opened.
    #[error("cannot open the directory: {0}")]
    Open(#[source] io::Error),
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The manifest is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// There is no manifest, and the directory is not called after a bundle.
    #[error("there is no {FILE}, and the directory is not called NAME_host")]
    Name,
    /// There is no manifest, and not exactly one library.
    #[error(
        "there is no {FILE}, and {}",
        if found.is_empty() {
            "no lib/lib*.so".to_owned()
        } else {
            format!("more than one library: {}", found.join(", "))
        }
    )]
    Libraries {
        /// Those that were found.
        found: Vec<String>,
    },
    /// The manifest has no library for this machine.
    #[error(
        "there is no library for {}; {FILE} has: {}",
        target::TRIPLE, targets.join(", ")
    )]
    Target {
        /// Triples that there is a library for.
        targets: Vec<String>,
    },
    /// The library is not one that can be loaded.
    #[error("{path}: {fault}")]
    Library {
        /// Which one, relative to the bundle.
        path: RelativePath,
        /// What is wrong with it.
        fault: LibraryFault,
    },
    /// The WIT is wrong.
    #[error(transparent)]
    Wit(#[from] WitError),
    /// The world is not one for a bundle.
    #[error(transparent)]
    Exports(#[from] ExportError),
    /// `[symbols]` names a function that the world does not export.
    #[error(
        "{FILE}: [symbols] names `{}`, which the world does not export{}",
        ForeignText::new(function),
        nearest.as_ref().map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
    )]
    UnknownSymbol {
        /// The name in the manifest.
        function: String,
        /// The function with the most similar name.
        nearest: Option<String>,
    },
    /// A vendor library is also the library.
    #[error("{FILE}: `{0}` is both the library and a vendor library")]
    VendorIsLibrary(RelativePath),
}

impl BundleFault {
    /// What to do about it, where the fault itself does not say.
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Open(_) => {
                "give the directory of a bundle: it holds bundle.toml, or lib/lib*.so and wit/"
            }
            Self::File(error) => error.fault.help(),
            Self::Manifest(_) | Self::UnknownSymbol { .. } => return None,
            Self::Name => {
                return Some(format!(
                    "write a {FILE}, or rename the directory; NAME is letters, digits, `-` and \
                     `_`, at most {NAME_BYTES_MAX} in all"
                ));
            }
            Self::Libraries { .. } => {
                return Some(format!("write a {FILE} whose [library] names the library"));
            }
            Self::Target { .. } => {
                "build the library for this target; `wrun bundle pack` adds it to the bundle"
            }
            Self::Library { fault: LibraryFault::Io(_), .. } => {
                "see that the file can be read by this user"
            }
            Self::Library { .. } => {
                return Some(format!(
                    "build it as a shared library for {} (crate-type cdylib, or cc -shared)",
                    target::TRIPLE
                ));
            }
            Self::Wit(error) => error.help(),
            Self::Exports(error) => error.help(),
            Self::VendorIsLibrary(_) => "remove it from vendor",
        };
        Some(help.to_owned())
    }
}
