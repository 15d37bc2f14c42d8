//! From what was typed to what to do: every value parsed, every source read.

use super::args::{OperatorArgs, RunArgs};
use super::error::CliError;
use super::orders::orders;
use crate::Fault;
use crate::operator::Orders;
use crate::plan::Map;
use crate::registry::Isolation;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A run, with nothing left to interpret.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) component: PathBuf,
    pub(super) args: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) dirs: Vec<(PathBuf, String)>,
    pub(super) invoke: Option<String>,
    pub(super) orders: Orders,
    pub(super) maps: Vec<Map>,
    pub(super) cache: bool,
    pub(super) timeout: Option<Duration>,
    /// Faults on purpose, by bundle.
    pub(super) faults: Vec<(String, Fault)>,
}

impl Request {
    /// Interprets the arguments.
    ///
    /// # Errors
    /// [`CliError::Usage`] for what is not well formed, [`CliError::Input`] for a hosts.toml that
    /// cannot be used.
    pub(super) fn new(typed: RunArgs, operator: OperatorArgs) -> Result<Self, CliError> {
        let mut words = typed.component_and_args.into_iter();
        let component = words.next().map(PathBuf::from).unwrap_or_default();
        let mut args = vec![typed.argv0.unwrap_or_else(|| file_name(&component))];
        for word in words {
            args.push(word.into_string().map_err(|word| {
                usage(format!("argument {word:?} is not UTF-8; WebAssembly arguments must be"))
            })?);
        }
        let isolation = if typed.in_process { Isolation::InProcess } else { Isolation::Process };
        let orders = orders(operator, typed.host_bundle)?;
        Ok(Self {
            component,
            args,
            env: typed.env.iter().map(|text| environment(text)).collect::<Result<_, _>>()?,
            dirs: typed.dir.iter().map(|text| directory(text)).collect(),
            invoke: typed.invoke,
            orders: Orders { isolation, trace_calls: typed.trace_calls, ..orders },
            maps: typed.map.iter().map(|text| map(text)).collect::<Result<_, _>>()?,
            cache: !typed.no_cache,
            timeout: typed.timeout.map(Into::into),
            faults: Vec::new(),
        })
    }
}

pub(super) fn usage(text: impl Into<String>) -> CliError {
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

fn map(text: &str) -> Result<Map, CliError> {
    text.parse().map_err(|error| usage(format!("--map {text}: {error}")))
}
