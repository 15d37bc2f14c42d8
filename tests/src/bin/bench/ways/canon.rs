//! The lift and lower of wrun without a bundle behind them: what the dynamic types alone cost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, bail};
use wrun::canon::{Args, Results};

use super::{BYTES, SCALARS};
use crate::guest::{Compiled, Guest};
use crate::workload::Workload;

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
    let lifted = Arc::new(AtomicUsize::new(0));
    let mut bytes = linker.instance(BYTES)?;
    for name in ["echo", "records"] {
        let lifted = Arc::clone(&lifted);
        // A list is two flat values, so as a result it lies in memory.
        bytes.func_wrap(name, move |_, arguments: Args<PARAMS>| {
            let bytes = arguments.into_bytes();
            lifted.store(bytes.len(), Ordering::Relaxed);
            Ok(Results::<0, Vec<u8>>::new(bytes))
        })?;
    }
    let mut guest = Guest::new(compiled, &linker)?;
    check_sizes(&mut guest, &lifted)?;
    Ok(guest)
}

fn numbers(bytes: &[u8]) -> wasmtime::Result<[u32; 2]> {
    match bytes.as_chunks() {
        (&[a, b], []) => Ok([a, b].map(u32::from_le_bytes)),
        _ => wasmtime::bail!("{} bytes are no two numbers", bytes.len()),
    }
}

/// The ping-pong sends as many bytes as a call only if this program computes them rightly.
fn check_sizes(guest: &mut Guest, lifted: &AtomicUsize) -> Result<()> {
    for workload in Workload::ALL.into_iter().filter(|workload| *workload != Workload::Add) {
        guest.run(workload, 1)?;
        let (computed, found) = (workload.wire_bytes().0, lifted.load(Ordering::Relaxed));
        if computed != found {
            bail!("{} is {found} bytes on the wire, not {computed}", workload.name());
        }
    }
    Ok(())
}
