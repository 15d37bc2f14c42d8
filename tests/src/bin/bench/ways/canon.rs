//! The lift and lower of wrun without a bundle behind them: what the dynamic types alone cost.

use anyhow::Result;
use wrun::canon::{Args, Results};

use super::{BYTES, SCALARS};
use crate::guest::{Compiled, Guest};

/// Flat values of the parameters of all functions here: two numbers, or pointer and length.
const PARAMS: usize = 2;

/// An instance whose imports take and return encoded bytes.
pub(super) fn start(compiled: &Compiled) -> Result<Guest> {
    let mut linker = compiled.linker()?;
    let mut scalars = linker.instance(SCALARS)?;
    scalars.func_wrap("add", |_, arguments: Args<PARAMS>| {
        let [a, b] = numbers(&arguments.into_bytes())?;
        Ok(Results::<1, Vec<u8>>::new(a.wrapping_add(b).to_le_bytes().to_vec()))
    })?;
    let mut bytes = linker.instance(BYTES)?;
    for name in ["echo", "records"] {
        // A list is two flat values, so as a result it lies in memory.
        bytes.func_wrap(name, |_, arguments: Args<PARAMS>| {
            Ok(Results::<0, Vec<u8>>::new(arguments.into_bytes()))
        })?;
    }
    Guest::new(compiled, &linker)
}

fn numbers(bytes: &[u8]) -> wasmtime::Result<[u32; 2]> {
    match bytes.as_chunks() {
        (&[a, b], []) => Ok([a, b].map(u32::from_le_bytes)),
        _ => wasmtime::bail!("{} bytes are no two numbers", bytes.len()),
    }
}
