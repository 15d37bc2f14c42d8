//! From what was typed to what to do: every value parsed, every source read.

use super::args::RunArgs;
use super::error::CliError;
use crate::plan::Map;
use crate::registry::Isolation;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest configuration value that is read from a file or descriptor, in bytes.
const CONFIG_VALUE_BYTES_MAX: u64 = 64 << 10;

/// A run, with nothing left to interpret.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) component: PathBuf,
    pub(super) args: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) dirs: Vec<(PathBuf, String)>,
    pub(super) invoke: Option<String>,
    pub(super) bundles: Vec<PathBuf>,
    pub(super) isolation: Isolation,
    pub(super) call_timeout: Duration,
    pub(super) config: Vec<ConfigEntry>,
    pub(super) maps: Vec<Map>,
    pub(super) cache: bool,
}

/// One value for one bundle's `init`.
pub(super) struct ConfigEntry {
    pub(super) bundle: String,
    pub(super) key: String,
    pub(super) value: String,
    /// Whether it stood on the command line, for everybody to see.
    pub(super) public: bool,
}

impl std::fmt::Debug for ConfigEntry {
    /// Values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}=…", self.bundle, self.key)
    }
}

impl Request {
    /// Interprets the arguments.
    ///
    /// # Errors
    /// [`CliError::Usage`] for what is not well formed, [`CliError::Input`] for a source that
    /// cannot be read.
    pub(super) fn new(typed: RunArgs) -> Result<Self, CliError> {
        let mut words = typed.component_and_args.into_iter();
        let component = words.next().map(PathBuf::from).unwrap_or_default();
        let mut args = vec![typed.argv0.unwrap_or_else(|| file_name(&component))];
        for word in words {
            args.push(word.into_string().map_err(|word| {
                usage(format!("argument {word:?} is not UTF-8; WebAssembly arguments must be"))
            })?);
        }
        let mut config = Vec::new();
        for text in &typed.bundle_config {
            let (bundle, key, value) = config_entry("--bundle-config", text)?;
            config.push(ConfigEntry { bundle, key, value, public: true });
        }
        for text in &typed.bundle_config_from {
            let (bundle, key, source) = config_entry("--bundle-config-from", text)?;
            let value = read_source(text, &source)?;
            config.push(ConfigEntry { bundle, key, value, public: false });
        }
        unique(&config)?;
        let isolation = if typed.in_process { Isolation::InProcess } else { Isolation::Process };
        Ok(Self {
            component,
            args,
            env: typed.env.iter().map(|text| environment(text)).collect::<Result<_, _>>()?,
            dirs: typed.dir.iter().map(|text| directory(text)).collect(),
            invoke: typed.invoke,
            bundles: typed.host_bundle,
            isolation,
            call_timeout: typed.call_timeout.into(),
            config,
            maps: typed.map.iter().map(|text| map(text)).collect::<Result<_, _>>()?,
            cache: !typed.no_cache,
        })
    }

    /// The configuration for one bundle.
    pub(super) fn config_of(&self, bundle: &str) -> BTreeMap<String, String> {
        let own = self.config.iter().filter(|entry| entry.bundle == bundle);
        own.map(|entry| (entry.key.clone(), entry.value.clone())).collect()
    }
}

fn usage(text: impl Into<String>) -> CliError {
    CliError::Usage(text.into())
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn directory(text: &str) -> (PathBuf, String) {
    match text.split_once("::") {
        Some((host, guest)) => (host.into(), guest.to_owned()),
        None => (text.into(), text.to_owned()),
    }
}

fn environment(text: &str) -> Result<(String, String), CliError> {
    if let Some((name, value)) = text.split_once('=') {
        return Ok((name.to_owned(), value.to_owned()));
    }
    match std::env::var(text) {
        Ok(value) => Ok((text.to_owned(), value)),
        Err(error) => {
            Err(usage(format!("--env {text}: {error}; give a value: --env {text}=VALUE")))
        }
    }
}

fn config_entry(option: &str, text: &str) -> Result<(String, String, String), CliError> {
    let parts = text.split_once('=').and_then(|(left, value)| {
        let (bundle, key) = left.split_once('.')?;
        (!bundle.is_empty() && !key.is_empty()).then_some((bundle, key, value))
    });
    match parts {
        Some((bundle, key, value)) => Ok((bundle.to_owned(), key.to_owned(), value.to_owned())),
        // The value may be a secret that was meant for elsewhere: do not repeat it.
        None => Err(usage(format!(
            "{option} wants NAME.KEY=VALUE with the name of a bundle, for example pkcs11.slot=0"
        ))),
    }
}

fn read_source(text: &str, source: &str) -> Result<String, CliError> {
    let path = match source.split_once(':') {
        Some(("file", path)) => PathBuf::from(path),
        Some(("fd", number)) if number.parse::<u32>().is_ok() => {
            Path::new("/proc/self/fd").join(number)
        }
        _ => {
            return Err(usage(format!(
                "--bundle-config-from {text}: the source must be file:PATH or fd:NUMBER"
            )));
        }
    };
    let fail = |why: String| CliError::Input(format!("--bundle-config-from {text}: {why}"));
    let file = std::fs::File::open(&path).map_err(|error| fail(error.to_string()))?;
    let mut value = String::new();
    let read = file.take(CONFIG_VALUE_BYTES_MAX + 1).read_to_string(&mut value);
    let count = read.map_err(|error| fail(error.to_string()))?;
    if u64::try_from(count).unwrap_or(u64::MAX) > CONFIG_VALUE_BYTES_MAX {
        return Err(fail(format!("longer than {CONFIG_VALUE_BYTES_MAX} bytes")));
    }
    if value.ends_with('\n') {
        value.pop();
    }
    Ok(value)
}

fn unique(config: &[ConfigEntry]) -> Result<(), CliError> {
    let mut seen = std::collections::BTreeSet::new();
    match config.iter().find(|entry| !seen.insert((&entry.bundle, &entry.key))) {
        Some(ConfigEntry { bundle, key, .. }) => {
            Err(usage(format!("configuration {bundle}.{key} is given twice")))
        }
        None => Ok(()),
    }
}

fn map(text: &str) -> Result<Map, CliError> {
    text.parse().map_err(|error| usage(format!("--map {text}: {error}")))
}
