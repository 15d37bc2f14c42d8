//! A linked module becomes a component.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::ComponentEncoder;

/// The magic number, version and layer with which a component starts; a core module has layer 0.
const COMPONENT_HEADER: [u8; 8] = *b"\0asm\x0d\0\x01\0";

/// What a guest offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// A program with `main`: the component exports `wasi:cli/run`.
    Command,
    /// A library: the component exports the functions of its world.
    Library,
}

/// The component in `file`, or made of the core module in `file`.
///
/// A core module may import WASI preview 1, which wasmtime's adapter turns into WASI 0.2.
pub(super) fn of(file: &Path, style: Style) -> Result<Vec<u8>> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    if bytes.starts_with(&COMPONENT_HEADER) {
        return Ok(bytes);
    }
    let adapter = match style {
        Style::Command => WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
        Style::Library => WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
    };
    ComponentEncoder::default()
        .validate(true)
        .module(&bytes)
        .and_then(|encoder| encoder.adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, adapter))
        .and_then(|mut encoder| encoder.encode())
        .with_context(|| format!("cannot make a component of {}", file.display()))
}
