//! Serves a component's imports from a bundle, inside another program:
//!
//!     cargo run --example embed -- target/debug/adapter-shim ECHO_BUNDLE BENCH_GUEST
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

#[derive(Default)]
struct State(WasiCtx, ResourceTable);

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.0, table: &mut self.1 }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [shim, bundle, component] = &arguments[..] else {
        return Err("usage: embed ADAPTER_SHIM BUNDLE COMPONENT".into());
    };
    let engine = Engine::default();
    let component = Component::from_file(&engine, component)?;
    let mut linker = Linker::new(&engine);
    // What the program itself offers, WASI for example, stands beside the bundles' functions.
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    let mut registry = wrun::Registry::new();
    registry.shim_program(shim).register_bundle(bundle, wrun::BundleOptions::default())?;
    let hosts = registry.link_all(&mut linker, &component)?;
    println!("started: {}", hosts.names().collect::<Vec<_>>().join(", "));
    let mut store = Store::new(&engine, State::default());
    let instance = linker.instantiate(&mut store, &component)?;
    let run = instance.get_typed_func::<(u32,), ()>(&mut store, "run-add")?;
    run.call(&mut store, (1000,))?;
    println!("1000 calls of wrun:echo/scalars.add were right");
    Ok(())
}
