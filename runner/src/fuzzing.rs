//! Ways into parsers that are private elsewhere, for the fuzz targets and for the test of their
//! seeds. Not part of the API.

use crate::bundle;
use crate::operator::Hosts;
use std::path::Path;

/// Reads `text` as the `hosts.toml` that stands at `path`, without asking who may write it.
///
/// # Errors
/// What `wrun` would print.
pub fn hosts(path: &Path, text: &str) -> Result<Hosts, String> {
    Hosts::parse("hosts.toml", path, text).map_err(|error| error.to_string())
}

/// Reads `text` as the only WIT file of a bundle, and selects its world.
///
/// # Errors
/// What `wrun` would print.
pub fn wit(text: &str) -> Result<(), String> {
    bundle::wit_text(text).map_err(|error| error.to_string())
}
