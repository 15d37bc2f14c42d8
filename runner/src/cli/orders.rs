//! What was typed about bundles, made sense of.

use super::args::OperatorArgs;
use super::error::CliError;
use super::request::usage;
use crate::operator::{ConfigValue, Hosts, Orders, from_command_line, layers, rules};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The orders that `typed` gives, for the bundles in the directories `bundles` and those that
/// hosts.toml declares.
///
/// # Errors
/// [`CliError::Usage`] for what is not well formed, [`CliError::Input`] for a hosts.toml that
/// cannot be used.
pub(super) fn orders(typed: OperatorArgs, bundles: Vec<PathBuf>) -> Result<Orders, CliError> {
    let here = std::env::current_dir()
        .map_err(|error| CliError::Input(format!("cannot find the working directory: {error}")))?;
    let mut config = BTreeMap::new();
    for text in &typed.bundle_config {
        let (bundle, key, value) = config_entry("--bundle-config", text)?;
        put(&mut config, bundle, key, ConfigValue::Text(value))?;
    }
    for text in &typed.bundle_config_from {
        let (bundle, key, source) = config_entry("--bundle-config-from", text)?;
        put(&mut config, bundle, key, config_source(text, &source)?)?;
    }
    let mut required = Vec::new();
    for text in &typed.jail {
        required.extend(layers(text).map_err(|error| usage(format!("--jail {text}: {error}")))?);
    }
    let settings =
        from_command_line(&typed.grant, &here).map_err(|error| usage(error.to_string()))?;
    let supervision = rules(&typed.supervise).map_err(|error| usage(error.to_string()))?;
    let hosts = typed.host_config.as_deref().map(Hosts::read).transpose();
    Ok(Orders {
        bundles,
        hosts: hosts.map_err(|error| CliError::Input(error.to_string()))?,
        with_declared: true,
        settings,
        supervision,
        config,
        call_timeout: typed.call_timeout.map(Into::into),
        required,
        ..Orders::default()
    })
}

fn put(
    config: &mut BTreeMap<(String, String), ConfigValue>,
    bundle: String,
    key: String,
    value: ConfigValue,
) -> Result<(), CliError> {
    let twice = format!("configuration {bundle}.{key} is given twice");
    match config.insert((bundle, key), value) {
        Some(_) => Err(usage(twice)),
        None => Ok(()),
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

fn config_source(text: &str, source: &str) -> Result<ConfigValue, CliError> {
    match source.split_once(':') {
        Some(("file", path)) => Some(ConfigValue::File(path.into())),
        Some(("fd", number)) => number.parse().ok().map(ConfigValue::Descriptor),
        _ => None,
    }
    .ok_or_else(|| {
        usage(format!("--bundle-config-from {text}: the source must be file:PATH or fd:NUMBER"))
    })
}
