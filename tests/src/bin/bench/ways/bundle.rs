//! The bundle `echo`, as a user would link it.

use anyhow::{Context as _, Result};
use tokio::runtime::{Builder, Runtime};
use wrun::{BundleOptions, Hosts, Isolation, Registry};

use super::Way;
use crate::guest::{Compiled, Guest};
use crate::places;
use crate::workload::Workload;

/// An instance on a store with synchronous calls.
pub(super) struct Sync {
    guest: Guest,
    _hosts: Hosts,
}

/// An instance on a store with asynchronous calls, and the runtime that drives it.
pub(super) struct Async {
    guest: Guest,
    _hosts: Hosts,
    runtime: Runtime,
}

/// The library in this process.
pub(super) fn in_process(compiled: &Compiled) -> Result<Sync> {
    sync(compiled, Isolation::InProcess)
}

/// The library in a process of its own.
pub(super) fn isolated(compiled: &Compiled) -> Result<Sync> {
    sync(compiled, Isolation::Process)
}

/// The same, for a store with asynchronous calls, as the program `wrun` has one.
pub(super) fn isolated_async(compiled: &Compiled) -> Result<Async> {
    let runtime =
        Builder::new_current_thread().enable_all().build().context("cannot start tokio")?;
    let (guest, hosts) = runtime.block_on(async {
        let mut linker = compiled.linker_async()?;
        let registry = registry(Isolation::Process)?;
        let hosts = registry.link_all_async(&mut linker, &compiled.component).await?;
        let guest = Guest::new_async(compiled, &linker).await?;
        anyhow::Ok((guest, hosts))
    })?;
    Ok(Async { guest, _hosts: hosts, runtime })
}

fn sync(compiled: &Compiled, isolation: Isolation) -> Result<Sync> {
    let mut linker = compiled.linker()?;
    let hosts = registry(isolation)?.link_all(&mut linker, &compiled.component)?;
    Ok(Sync { guest: Guest::new(compiled, &linker)?, _hosts: hosts })
}

fn registry(isolation: Isolation) -> Result<Registry> {
    let mut registry = Registry::new();
    registry.shim_program(places::program("adapter-shim")?);
    let options = BundleOptions { isolation, ..BundleOptions::default() };
    registry.register_bundle(places::bundle("echo")?, options)?;
    Ok(registry)
}

impl Way for Sync {
    fn run(&mut self, workload: Workload, calls: u32) -> Result<()> {
        self.guest.run(workload, calls)
    }
}

impl Way for Async {
    fn run(&mut self, workload: Workload, calls: u32) -> Result<()> {
        self.runtime.block_on(self.guest.run_async(workload, calls))
    }
}
