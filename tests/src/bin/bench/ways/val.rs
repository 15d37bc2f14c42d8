//! wasmtime's `func_new`: values of types that are known at run time, each element boxed.

use anyhow::Result;
use wasmtime::component::Val;

use super::{BYTES, SCALARS};
use crate::guest::{Compiled, Guest};

/// An instance whose imports take and return `Val`.
pub(super) fn start(compiled: &Compiled) -> Result<Guest> {
    let mut linker = compiled.linker()?;
    let mut scalars = linker.instance(SCALARS)?;
    scalars.func_new("add", |_, _, arguments, results| {
        let ([Val::U32(a), Val::U32(b)], [result]) = (arguments, results) else {
            wasmtime::bail!("add was called with other types")
        };
        *result = Val::U32(a.wrapping_add(*b));
        Ok(())
    })?;
    let mut bytes = linker.instance(BYTES)?;
    for name in ["echo", "records"] {
        bytes.func_new(name, |_, _, arguments, results| {
            results.clone_from_slice(arguments);
            Ok(())
        })?;
    }
    Guest::new(compiled, &linker)
}
