//! The operator's settings. README.md and bundle.toml list the same keys.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use wrun_bundle::Config;
use zeroize::Zeroizing;

use crate::ck::{FUNCTION_NAMES, Options};
use crate::pins::Pins;
use crate::policy::Policy;

/// Keys with this prefix set environment variables for the module.
const ENVIRONMENT_PREFIX: &str = "env.";

/// What the settings say.
#[derive(Debug)]
pub(crate) struct Settings {
    /// How to load the module.
    pub(crate) options: Options,
    /// Environment variables, to be set before that.
    pub(crate) environment: Vec<(String, String)>,
    /// What a guest may do.
    pub(crate) policy: Policy,
    /// The PINs that a guest may use without seeing them.
    pub(crate) pins: Pins,
}

impl Settings {
    /// Read the settings.
    ///
    /// # Errors
    /// What is wrong with which key, in words for the operator. Never a value.
    pub(crate) fn read(pairs: Vec<(String, String)>) -> Result<Self, String> {
        let mut environment = Vec::new();
        let mut others = Vec::new();
        for (key, value) in pairs {
            match key.strip_prefix(ENVIRONMENT_PREFIX) {
                Some(name) => environment.push((name.to_owned(), value)),
                None => others.push((key, value)),
            }
        }
        let mut config = Config::new(others)?;
        let mut options = Options {
            path: module(config.required("module")?)?,
            init_args: config.optional("init-args"),
            no_locking: config.flag("no-locking")?,
            no_threads: config.flag("no-threads")?,
            no_deinit: config.flag("no-deinit")?,
            blocked: functions(config.optional("block-functions"))?,
            max_sessions: config.parse("max-sessions")?.unwrap_or(0),
        };
        if config.flag("no-operation-state")? {
            let both = ["C_GetOperationState", "C_SetOperationState"];
            options.blocked.extend(both.map(str::to_owned));
        }
        let policy = Policy {
            token_label: config.optional("token-label"),
            token_serial: config.optional("token-serial"),
            mechanisms: numbers("allow-mechanisms", config.optional("allow-mechanisms"))?,
            read_only: config.flag("read-only")?,
            no_allowed_mechanisms: config.flag("no-allowed-mechanisms")?,
        };
        let user = pin(&mut config, "pin", "pin-file")?;
        let so = pin(&mut config, "so-pin", "so-pin-file")?;
        config.finish()?;
        Ok(Self { options, environment, policy, pins: Pins::new(user, so) })
    }
}

fn module(path: String) -> Result<PathBuf, String> {
    let path = PathBuf::from(path);
    if path.is_absolute() {
        return Ok(path);
    }
    Err("configuration key `module` must be an absolute path, such as \
         /usr/lib/softhsm/libsofthsm2.so: a bare name would be searched for"
        .to_owned())
}

/// Names with commas between them.
fn functions(list: Option<String>) -> Result<BTreeSet<String>, String> {
    let mut functions = BTreeSet::new();
    for name in items(list.as_deref()) {
        if !FUNCTION_NAMES.contains(&name) {
            return Err(format!(
                "configuration key `block-functions` names {name:?}, which is no function that a \
                 guest can reach; names are as in the specification: C_DestroyObject, C_InitToken"
            ));
        }
        functions.insert(name.to_owned());
    }
    Ok(functions)
}

/// Numbers, decimal or `0x` and hexadecimal, with commas between them.
fn numbers(key: &str, list: Option<String>) -> Result<Option<BTreeSet<u64>>, String> {
    let Some(list) = list else { return Ok(None) };
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    let mut numbers = BTreeSet::new();
    for text in items(Some(&list)) {
        let value = number(text).map_err(|_| {
            format!(
                "configuration key `{key}` must be CKM_* numbers with commas between them, such as \
                 0x1040,0x1041"
            )
        })?;
        numbers.insert(value);
    }
    Ok(Some(numbers))
}

fn items(list: Option<&str>) -> impl Iterator<Item = &str> {
    list.unwrap_or_default().split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// A PIN from one key, or from the file that another key names.
fn pin(
    config: &mut Config,
    key: &'static str,
    file_key: &'static str,
) -> Result<Option<Zeroizing<String>>, String> {
    match (config.optional(key), config.optional(file_key)) {
        (Some(_), Some(_)) => Err(format!(
            "configuration keys `{key}` and `{file_key}` are both given; leave one out"
        )),
        (Some(pin), None) => Ok(Some(without_newline(Zeroizing::new(pin)))),
        (None, Some(path)) => match read_file(Path::new(&path)) {
            Ok(pin) => Ok(Some(without_newline(pin))),
            Err(error) => Err(format!(
                "configuration key `{file_key}`: cannot read {path}: {error}; is it readable in \
                 the sandbox, and UTF-8?"
            )),
        },
        (None, None) => Ok(None),
    }
}

fn read_file(path: &Path) -> std::io::Result<Zeroizing<String>> {
    std::fs::read_to_string(path).map(Zeroizing::new)
}

/// Without the line end that editors and `echo` add. No PIN ends with one.
fn without_newline(mut pin: Zeroizing<String>) -> Zeroizing<String> {
    let end = pin.trim_end_matches(['\r', '\n']).len();
    pin.truncate(end);
    pin
}

#[cfg(test)]
mod tests;
