//! `wrun run`: compile, plan, link, run.

use super::component::{compile, engine};
use super::error::CliError;
use super::request::{Request, usage};
use super::{interrupt, invoke};
use crate::Notices;
use crate::bundle::Bundle;
use crate::operator::assemble;
use crate::plan::Unserved;
use crate::registry::{BundleOptions, Hosts, Registry};
use protocol::stage::Purpose;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::p2::bindings::Command;
use wasmtime_wasi::{FsPerms, I32Exit, WasiCtx, WasiCtxView, WasiView};

/// What a store holds for its guest.
pub(super) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// What to do about a bundle that does not start although nothing was refused.
const LEARN: &str = "`wrun policy learn` shows which grants a bundle that you trust would use";

/// Does what `request` says.
///
/// # Errors
/// [`CliError`], also for a guest that ends with an exit code other than 0.
pub(super) fn run(request: &Request) -> Result<(), CliError> {
    let notices = Notices::default();
    let ran = run_for(request, Purpose::Confine, &notices, &mut |_| {});
    // What was refused may be why it failed; where nothing failed it was not needed.
    if ran.as_ref().is_err_and(CliError::is_of_a_bundle) {
        for notice in notices.take() {
            eprintln!("note: {notice}");
        }
        if matches!(ran, Err(CliError::Bundle(_))) {
            // What lies outside of a jail is not refused there: it does not exist.
            eprintln!("note: {LEARN}");
        }
    }
    ran
}

/// The same, for a purpose; what bundles are refused, or use, goes to `notices`. `each` is shown
/// every bundle before anything of it runs.
///
/// # Errors
/// As [`run`].
pub(super) fn run_for(
    request: &Request,
    purpose: Purpose,
    notices: &Notices,
    each: &mut dyn FnMut(&Bundle),
) -> Result<(), CliError> {
    let engine = engine(request.cache)?;
    let component = compile(&engine, &request.component)?;
    let registry = registry(request, purpose, notices)?;
    registry.bundles().for_each(each);
    let plan = registry.check(&component, &is_wasi, Unserved::Refuse)?;
    for bundle in &plan.idle {
        tracing::warn!(bundle = bundle.name(), "the component imports nothing from this bundle");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Input(format!("cannot start the event loop: {error}")))?;
    let interrupted = interrupt::watch(&engine, request.timeout)?;
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).map_err(CliError::Guest)?;
    // Held until the guest and its store are gone; then the processes end.
    let mut hosts = None;
    let ran = runtime.block_on(async {
        let guest = async {
            let linked = registry.link_plan_async(&mut linker, &plan).await?;
            hosts = Some(linked);
            let mut store = Store::new(&engine, state(request)?);
            // Once the epoch moves on, the guest gives way to whoever moved it.
            store.set_epoch_deadline(1);
            store.epoch_deadline_async_yield_and_update(1);
            match &request.invoke {
                Some(call) => invoke::invoke(store, &linker, &component, call).await,
                None => command(&engine, store, &linker, &component).await,
            }
        };
        tokio::select! {
            // Asked first: a guest that computes gives way and would go on if it was asked first.
            biased;
            Ok(interruption) = interrupted => Err(CliError::Interrupted(interruption)),
            ran = guest => ran,
        }
    });
    match (&ran, &hosts) {
        (Err(CliError::Interrupted(_)), Some(hosts)) => hosts.kill(),
        // How each one ended was told if it is worth it.
        (_, Some(hosts)) => drop(hosts.shut_down()),
        (_, None) => {}
    }
    for (bundle, fault) in hosts.iter().flat_map(Hosts::pending_faults) {
        eprintln!("note: the fault {bundle}:{fault} did not come: there were not as many calls");
    }
    // What still reads from standard input is not waited for.
    runtime.shutdown_background();
    ran
}

/// Interfaces that wasmtime-wasi serves.
fn is_wasi(import: &str) -> bool {
    const SERVED: [&str; 6] = [
        "wasi:cli/",
        "wasi:clocks/",
        "wasi:filesystem/",
        "wasi:io/",
        "wasi:random/",
        "wasi:sockets/",
    ];
    SERVED.iter().any(|package| import.starts_with(package))
}

fn registry(request: &Request, purpose: Purpose, notices: &Notices) -> Result<Registry, CliError> {
    let mut registry = Registry::new();
    for assembled in assemble(&request.orders)? {
        let options = assembled.options()?;
        for map in &assembled.serves {
            registry.map(map.value.clone());
        }
        let of_bundle = request.faults.iter().filter(|(name, _)| name == assembled.bundle.name());
        let faults = of_bundle.map(|(_, fault)| *fault).collect();
        let options = BundleOptions { purpose, notices: notices.clone(), faults, ..options };
        registry.register(assembled.bundle, options)?;
    }
    for map in &request.maps {
        registry.map(map.clone());
    }
    let known = |name: &str| registry.bundles().any(|bundle| bundle.name() == name);
    match request.faults.iter().find(|(name, _)| !known(name)) {
        Some((name, fault)) => {
            Err(usage(format!("--at {name}:{fault}: there is no bundle `{name}`")))
        }
        None => Ok(registry),
    }
}

fn state(request: &Request) -> Result<State, CliError> {
    let mut wasi = WasiCtx::builder();
    wasi.inherit_stdio().args(&request.args).envs(&request.env);
    // There is one guest, and nothing else for this thread to do meanwhile.
    wasi.allow_blocking_current_thread(true);
    for (host, guest) in &request.dirs {
        wasi.preopened_dir(host, guest, FsPerms::ReadWrite).map_err(|error| {
            CliError::Input(format!("--dir {}: cannot open it: {error:#}", host.display()))
        })?;
    }
    Ok(State { wasi: wasi.build(), table: ResourceTable::new() })
}

async fn command(
    engine: &Engine,
    mut store: Store<State>,
    linker: &Linker<State>,
    component: &Component,
) -> Result<(), CliError> {
    let exports_run = component
        .component_type()
        .exports(engine)
        .any(|(name, _)| name.starts_with("wasi:cli/run@0.2"));
    if !exports_run {
        return Err(CliError::Input(invoke::no_command(engine, component)));
    }
    let command = Command::instantiate_async(&mut store, component, linker)
        .await
        .map_err(not_instantiated)?;
    match command.wasi_cli_run().call_run(&mut store).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(())) => Err(CliError::Exit(1)),
        Err(error) => Err(guest_end(error)),
    }
}

/// An exit that the guest asked for arrives as an error, but is none.
pub(super) fn guest_end(error: wasmtime::Error) -> CliError {
    match error.downcast_ref::<I32Exit>() {
        // The system keeps the low eight bits, as for any program.
        Some(exit) => CliError::Exit(exit.0.to_le_bytes()[0]),
        None => CliError::Guest(error),
    }
}

/// A guest may trap while it is set up. Anything else is a component that does not fit: it imports
/// a version of WASI that is not served here, for example.
pub(super) fn not_instantiated(error: wasmtime::Error) -> CliError {
    let by_guest = error.is::<wasmtime::Trap>() || error.is::<crate::CallError>();
    if by_guest || error.is::<I32Exit>() {
        return guest_end(error);
    }
    CliError::Input(format!("the component cannot be instantiated: {error:#}"))
}
