//! The guest `bench-guest` in a store, ready to be timed.

use anyhow::Result;
use wasmtime::component::{Component, Instance, Linker, ResourceTable, TypedFunc};
use wasmtime::{Engine, Store, error::Context as _};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::places;
use crate::workload::Workload;

/// What the store holds: the guest's standard library imports WASI.
#[derive(Default)]
pub(crate) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// The compiled component, once for all stores.
pub(crate) struct Compiled {
    pub(crate) engine: Engine,
    pub(crate) component: Component,
}

impl Compiled {
    /// Compiles what `cargo xtask guests` has built, with wasmtime's defaults.
    pub(crate) fn new() -> Result<Self> {
        let engine = Engine::default();
        let path = places::guest("bench-guest")?;
        let component = Component::from_file(&engine, &path)
            .with_context(|| format!("cannot compile {}", path.display()))?;
        Ok(Self { engine, component })
    }

    /// A linker with WASI for a store whose functions are called synchronously.
    pub(crate) fn linker(&self) -> Result<Linker<State>> {
        let mut linker = Linker::new(&self.engine);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
        Ok(linker)
    }

    /// A linker with WASI for a store whose functions are called with `call_async`.
    pub(crate) fn linker_async(&self) -> Result<Linker<State>> {
        let mut linker = Linker::new(&self.engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        Ok(linker)
    }
}

/// An instance and its loops.
pub(crate) struct Guest {
    store: Store<State>,
    add: TypedFunc<(u32,), ()>,
    bytes: TypedFunc<(u32, u32), ()>,
    records: TypedFunc<(u32, u32), ()>,
}

impl Guest {
    /// Instantiates the component with the imports of `linker`.
    pub(crate) fn new(compiled: &Compiled, linker: &Linker<State>) -> Result<Self> {
        let mut store = Store::new(&compiled.engine, State::default());
        let instance = linker.instantiate(&mut store, &compiled.component)?;
        Self::with(store, instance)
    }

    /// As [`Guest::new`], for a linker with async functions.
    pub(crate) async fn new_async(compiled: &Compiled, linker: &Linker<State>) -> Result<Self> {
        let mut store = Store::new(&compiled.engine, State::default());
        let instance = linker.instantiate_async(&mut store, &compiled.component).await?;
        Self::with(store, instance)
    }

    fn with(mut store: Store<State>, instance: Instance) -> Result<Self> {
        let add = instance.get_typed_func(&mut store, "run-add")?;
        let bytes = instance.get_typed_func(&mut store, "run-bytes")?;
        let records = instance.get_typed_func(&mut store, "run-records")?;
        Ok(Self { store, add, bytes, records })
    }

    /// Lets the guest call its import `calls` times.
    pub(crate) fn run(&mut self, workload: Workload, calls: u32) -> Result<()> {
        let store = &mut self.store;
        match workload {
            Workload::Add => self.add.call(store, (calls,)),
            Workload::Bytes(bytes) => self.bytes.call(store, (bytes, calls)),
            Workload::Records(count) => self.records.call(store, (count, calls)),
        }?;
        Ok(())
    }

    /// As [`Guest::run`], on a tokio task.
    pub(crate) async fn run_async(&mut self, workload: Workload, calls: u32) -> Result<()> {
        let store = &mut self.store;
        match workload {
            Workload::Add => self.add.call_async(store, (calls,)).await,
            Workload::Bytes(bytes) => self.bytes.call_async(store, (bytes, calls)).await,
            Workload::Records(count) => self.records.call_async(store, (count, calls)).await,
        }?;
        Ok(())
    }
}
