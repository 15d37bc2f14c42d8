//! wasmtime's `func_wrap` with the types that its `bindgen!` would generate.

use anyhow::Result;
use wasmtime::component::{ComponentType, Lift, Lower};

use super::{BYTES, SCALARS};
use crate::guest::{Compiled, Guest};

/// The record `row`.
#[derive(Debug, ComponentType, Lift, Lower)]
#[component(record)]
struct Row {
    id: u32,
    name: String,
    value: f64,
}

/// An instance whose imports are typed closures.
pub(super) fn start(compiled: &Compiled) -> Result<Guest> {
    let mut linker = compiled.linker()?;
    let mut scalars = linker.instance(SCALARS)?;
    scalars.func_wrap("add", |_, (a, b): (u32, u32)| Ok((a.wrapping_add(b),)))?;
    let mut bytes = linker.instance(BYTES)?;
    bytes.func_wrap("echo", |_, (bytes,): (Vec<u8>,)| Ok((bytes,)))?;
    bytes.func_wrap("records", |_, (rows,): (Vec<Row>,)| Ok((rows,)))?;
    Guest::new(compiled, &linker)
}
