//! The bundles of a run, each with what the operator said about it.

mod error;

pub use error::OperatorError;

use super::closure::{Search, is_standard};
use super::config::ConfigValue;
use super::hosts::{Declared, Hosts};
use super::limit::{self, Limit};
use super::resolve::{self, Protected, Resolved, Resolver};
use super::settings::{Origin, Settings, Sourced};
use super::supervision::{self, Supervision};
use crate::bundle::Bundle;
use crate::document::nearest::nearest;
use crate::plan::Map;
use crate::registry::{BundleOptions, Isolation, is_secret};
use crate::trace::{Redact, Trace};
use protocol::policy::{Grants, Limits};
use protocol::stage::Layer;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What an operator said, before any bundle is opened.
#[derive(Debug, Default)]
pub struct Orders {
    /// Directories of bundles from the command line.
    pub bundles: Vec<PathBuf>,
    /// hosts.toml.
    pub hosts: Option<Hosts>,
    /// Whether the bundles of hosts.toml take part, or only say something about `bundles`.
    pub with_declared: bool,
    /// Grants and limits from the command line, by bundle.
    pub settings: BTreeMap<String, Settings>,
    /// Rules for failures from the command line, by bundle.
    pub supervision: BTreeMap<String, Supervision>,
    /// Configuration from the command line, by bundle and key.
    pub config: BTreeMap<(String, String), ConfigValue>,
    /// Time for one call into any bundle, from the command line.
    pub call_timeout: Option<Duration>,
    /// Layers of the jail that are required on the command line.
    pub required: Vec<Layer>,
    /// Where the libraries run.
    pub isolation: Isolation,
    /// Whether calls are traced.
    pub trace_calls: bool,
}

/// A bundle with everything that was said about it.
#[derive(Debug)]
pub struct Assembled {
    /// The bundle.
    pub bundle: Bundle,
    /// Where its path comes from.
    pub origin: Origin,
    /// Which imports it serves, as far as hosts.toml says.
    pub serves: Vec<Sourced<Map>>,
    /// Values for its `init`, by key.
    pub config: BTreeMap<String, Sourced<ConfigValue>>,
    /// Its grants and limits.
    pub settings: Settings,
    /// What its grants come to on this machine.
    pub resolved: Vec<Resolved>,
    /// What traces of its calls must not show, as far as hosts.toml says.
    pub redact: Vec<Sourced<Redact>>,
    /// Layers of the jail without which it must not start.
    pub required: Vec<Sourced<Layer>>,
    /// Libraries that it needs and was not granted.
    pub lacking: Vec<Lacking>,
    isolation: Isolation,
    trace_calls: bool,
}

/// A library that a bundle needs and was not granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// Its name.
    pub name: String,
    /// Where it is on this machine.
    pub path: Option<PathBuf>,
}

/// A bundle that was opened, and who named it.
struct Opened {
    bundle: Bundle,
    origin: Origin,
    declared: Declared,
}

/// Opens the bundles, merges what was said about each, and resolves it on this machine.
///
/// # Errors
/// [`OperatorError`].
pub fn assemble(orders: &Orders) -> Result<Vec<Assembled>, OperatorError> {
    let opened = open(orders)?;
    check_strangers(orders, &opened)?;
    let required = required(orders)?;
    let resolver = Resolver::of_machine().map_err(OperatorError::Machine)?;
    let resolvers: Vec<_> =
        opened.iter().map(|own| resolver.protecting(protected(orders, own, &opened))).collect();
    let parts = opened.into_iter().zip(resolvers);
    parts.map(|(opened, resolver)| one(orders, opened, &resolver, &required)).collect()
}

fn one(
    orders: &Orders,
    opened: Opened,
    resolver: &Resolver,
    required: &[Sourced<Layer>],
) -> Result<Assembled, OperatorError> {
    let settings = settings_of(orders, &opened);
    let Opened { bundle, origin, declared } = opened;
    check_serves(&bundle, &declared)?;
    check_redact(&bundle, &declared)?;
    let config = config_of(orders, &bundle, declared.config)?;
    let resolved = resolver.all(bundle.name(), &settings)?;
    Ok(Assembled {
        lacking: lacking(&bundle, &resolved, resolver.search()),
        bundle,
        origin,
        serves: declared.serves,
        config,
        settings,
        resolved,
        redact: declared.redact,
        required: required.to_vec(),
        isolation: orders.isolation,
        trace_calls: orders.trace_calls,
    })
}

impl Assembled {
    /// The options with which the bundle is registered. Reads the values of its configuration.
    ///
    /// # Errors
    /// [`OperatorError`] for a value that cannot be read, and for a library that the bundle needs
    /// and was not granted.
    pub fn options(&self) -> Result<BundleOptions, OperatorError> {
        if self.isolation == Isolation::Process && !self.lacking.is_empty() {
            let bundle = self.bundle.name().to_owned();
            return Err(OperatorError::Lacking { bundle, libraries: self.lacking.clone() });
        }
        let mut options = BundleOptions {
            isolation: self.isolation,
            required: self.required.iter().map(|layer| layer.value).collect(),
            trace: self.trace(),
            ..self.limited()
        };
        options.policy.grants = self.grants();
        for (key, value) in &self.config {
            let read = value.value.read().map_err(|why| OperatorError::Value {
                bundle: self.bundle.name().to_owned(),
                key: key.clone(),
                value: value.clone(),
                why,
            })?;
            options.config.insert(key.clone(), read);
        }
        Ok(options)
    }

    fn trace(&self) -> Option<Trace> {
        let redact = self.redact.iter().map(|redact| redact.value.clone());
        self.trace_calls.then(|| Trace { redact: redact.collect() })
    }

    /// The limits of its policy.
    pub fn limits(&self) -> Limits {
        self.limited().policy.limits
    }

    /// The grants of its policy.
    pub fn grants(&self) -> Grants {
        resolve::policy(&self.resolved)
    }

    /// Default options, but for limits and supervision.
    fn limited(&self) -> BundleOptions {
        let mut options = BundleOptions::default();
        let limits = self.settings.limits.iter().map(|(limit, amount)| (*limit, amount.value));
        limit::apply(&limits.collect(), &mut options);
        supervision::apply(&self.settings.supervision, &mut options);
        options
    }
}

/// Those of the command line, then those of the file.
fn open(orders: &Orders) -> Result<Vec<Opened>, OperatorError> {
    let mut opened: Vec<Opened> = Vec::new();
    let none = BTreeMap::new();
    let declared = orders.hosts.as_ref().map_or(&none, |hosts| &hosts.bundles);
    for path in &orders.bundles {
        let bundle = Bundle::open(path)?;
        let declared = declared.get(bundle.name()).cloned().unwrap_or_default();
        // A bundle chooses its own name. One that is called like a bundle of the file, but is
        // another, must not get what was granted to that one.
        if let Some(declared) = &declared.path
            && !same(path, &declared.value)
        {
            return Err(OperatorError::Impostor {
                name: bundle.name().to_owned(),
                path: path.clone(),
                declared: declared.clone(),
            });
        }
        opened.push(Opened { bundle, origin: Origin::CommandLine, declared });
    }
    for (name, declared) in declared.iter().filter(|_| orders.with_declared) {
        let Some(Sourced { value: path, origin }) = &declared.path else { continue };
        if opened.iter().any(|opened| opened.bundle.name() == name) {
            continue;
        }
        let bundle = Bundle::open(path)?;
        if bundle.name() != name {
            return Err(OperatorError::OtherName {
                section: name.clone(),
                name: bundle.name().to_owned(),
                origin: origin.clone(),
            });
        }
        opened.push(Opened { bundle, origin: origin.clone(), declared: declared.clone() });
    }
    Ok(opened)
}

/// Whether both paths lead to one directory.
fn same(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

/// Refuses grants and configuration for bundles that are not there: the name is misspelt, or the
/// bundle.
fn check_strangers(orders: &Orders, opened: &[Opened]) -> Result<(), OperatorError> {
    let names: Vec<&str> = opened.iter().map(|opened| opened.bundle.name()).collect();
    let known = |name: &str| names.contains(&name);
    let config = orders.config.keys().find(|(bundle, _)| !known(bundle));
    let config = config.map(|(bundle, key)| (bundle, format!("configuration {bundle}.{key}")));
    let grant = || {
        let (bundle, settings) = orders.settings.iter().find(|(bundle, _)| !known(bundle))?;
        let grant = settings.grants.first().map(|grant| grant.value.to_string());
        let limit = settings.limits.iter().next();
        let limit = limit.map(|(limit, amount)| format!("{}={}", limit.name(), amount.value));
        let what = grant.or(limit).unwrap_or_default();
        Some((bundle, format!("--grant {bundle}:{what}")))
    };
    let rule = || {
        let (bundle, rules) = orders.supervision.iter().find(|(bundle, _)| !known(bundle))?;
        let (rule, value) = rules.iter().next()?;
        Some((bundle, format!("--supervise {bundle}:{}={}", rule.name(), value.value)))
    };
    let Some((bundle, what)) = config.or_else(grant).or_else(rule) else { return Ok(()) };
    let near = nearest(bundle, names.iter().copied(), 1).first().map(|name| (*name).to_owned());
    let names = names.into_iter().map(str::to_owned).collect();
    Err(OperatorError::Stranger { what, names, near })
}

/// All layers that anybody requires, each once.
fn required(orders: &Orders) -> Result<Vec<Sourced<Layer>>, OperatorError> {
    let mut required: Vec<Sourced<Layer>> = Vec::new();
    let typed = orders.required.iter().map(|layer| Sourced::new(*layer, Origin::CommandLine));
    let of_file = orders.hosts.iter().flat_map(|hosts| hosts.required.iter().cloned());
    for layer in of_file.chain(typed) {
        if !required.iter().any(|known| known.value == layer.value) {
            required.push(layer);
        }
    }
    match required.first() {
        Some(layer) if orders.isolation == Isolation::InProcess => {
            Err(OperatorError::NoJail(layer.clone()))
        }
        _ => Ok(required),
    }
}

/// What this bundle must not be able to write.
fn protected(orders: &Orders, own: &Opened, all: &[Opened]) -> Vec<Protected> {
    let mut protected = Vec::new();
    let mut add = |path: &Path, what: String| {
        // What is not there cannot be replaced.
        protected.extend(path.canonicalize().ok().map(|path| Protected { path, what }));
    };
    for opened in all {
        let what = match opened.bundle.name() {
            name if name == own.bundle.name() => "its own library".to_owned(),
            name => format!("the bundle `{name}`"),
        };
        add(opened.bundle.path(), what);
    }
    if let Some(hosts) = &orders.hosts {
        add(&hosts.path, "the file that grants".to_owned());
    }
    if let Ok(program) = std::env::current_exe() {
        add(&program, "wrun".to_owned());
    }
    protected
}

fn settings_of(orders: &Orders, opened: &Opened) -> Settings {
    let mut settings = Settings::defaults().with(&opened.declared.settings);
    if let Some(timeout) = orders.call_timeout {
        let amount = super::Amount::Time(timeout);
        settings.limits.insert(Limit::CallTimeout, Sourced::new(amount, Origin::CommandLine));
    }
    let name = opened.bundle.name();
    let typed = orders.settings.get(name).cloned().unwrap_or_default();
    let supervision = orders.supervision.get(name).cloned().unwrap_or_default();
    settings.with(&Settings { supervision, ..typed })
}

/// A misspelt interface would silently have no effect.
fn check_serves(bundle: &Bundle, declared: &Declared) -> Result<(), OperatorError> {
    let world = &bundle.exports().world;
    let interfaces = world.interfaces.iter().map(|interface| interface.name.as_str());
    let functions = world.functions.iter().map(|function| function.name.as_str());
    let exports: Vec<&str> = interfaces.chain(functions).collect();
    let wrong =
        declared.serves.iter().find(|map| !exports.iter().any(|name| map.value.means(name)));
    match wrong {
        None => Ok(()),
        Some(map) => Err(OperatorError::ServesNothing {
            map: Box::new(map.clone()),
            exports: exports.into_iter().map(str::to_owned).collect(),
        }),
    }
}

/// A misspelt function or parameter would show what it is to hide; whether or not calls are traced
/// now.
fn check_redact(bundle: &Bundle, declared: &Declared) -> Result<(), OperatorError> {
    declared.redact.iter().try_for_each(|redact| {
        redact
            .value
            .check(bundle.exports())
            .map_err(Box::new)
            .map_err(|fault| OperatorError::Redact { origin: redact.origin.clone(), fault })
    })
}

/// The command line's values over those of the file. Secrets may be in neither.
fn config_of(
    orders: &Orders,
    bundle: &Bundle,
    mut config: BTreeMap<String, Sourced<ConfigValue>>,
) -> Result<BTreeMap<String, Sourced<ConfigValue>>, OperatorError> {
    let typed = orders.config.iter().filter(|((name, _), _)| name == bundle.name());
    config.extend(
        typed.map(|((_, key), value)| {
            (key.clone(), Sourced::new(value.clone(), Origin::CommandLine))
        }),
    );
    let open = config
        .iter()
        .find(|(key, value)| matches!(value.value, ConfigValue::Text(_)) && is_secret(bundle, key));
    match open {
        None => Ok(config),
        Some((key, value)) => Err(OperatorError::Secret {
            bundle: bundle.name().to_owned(),
            key: key.clone(),
            origin: value.origin.clone(),
        }),
    }
}

fn lacking(bundle: &Bundle, resolved: &[Resolved], search: &Search) -> Vec<Lacking> {
    let granted = resolve::policy(resolved).libraries;
    let has = |name: &str| {
        granted.iter().any(|it| Path::new(&it.path).file_name() == Some(name.as_ref()))
    };
    let needed = bundle.needed().into_iter().filter(|name| !is_standard(name) && !has(name));
    needed.map(|name| Lacking { name: name.to_owned(), path: search.locate(name) }).collect()
}
