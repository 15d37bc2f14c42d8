//! Whatever a bundle comes to, an honest one beside it in the same process of the runner goes on,
//! and the runner holds afterwards what it held before.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::time::Duration;
use tests::{Count, Evil, bundle, guest, program};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::p2::bindings::sync::Command;
use wasmtime_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wrun::{BundleOptions, Registry};

struct State(WasiCtx, ResourceTable);

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.0, table: &mut self.1 }
    }
}

/// An engine with the guest compiled, for all cases.
struct Runner {
    engine: Engine,
    component: Component,
}

impl Runner {
    fn new() -> Self {
        let engine = Engine::default();
        let component = Component::from_file(&engine, guest("prowl")).unwrap();
        Self { engine, component }
    }

    /// Has a guest do what `words` say, then another ask the neighbour. Returns what they printed.
    fn run(&self, constructor: &[&str], words: &[&str]) -> [String; 2] {
        // Only what does not end by itself is ended.
        let seconds = if words.contains(&"spin") { 1 } else { 10 };
        let folder = tempfile::tempdir().unwrap();
        let evil = Evil::default();
        let evil = evil.bundle(&evil.library(constructor), folder.path());
        let mut options =
            BundleOptions { call_timeout: Duration::from_secs(seconds), ..Default::default() };
        options.policy.limits.threads = 8;
        let mut registry = Registry::new();
        registry.shim_program(program("adapter-shim"));
        registry.register_bundle(evil, options).unwrap();
        registry.register_bundle(bundle("echo"), BundleOptions::default()).unwrap();
        let mut linker = Linker::new(&self.engine);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker).unwrap();
        // A bundle that does not start takes no honest one with it either.
        let Ok(_hosts) = registry.link_all(&mut linker, &self.component) else {
            return [String::new(), String::new()];
        };
        [self.guest(&linker, words), self.guest(&linker, &["neighbour"])]
    }

    /// What is made once for all runs is made now, also what a trap needs to be printed: with
    /// `RUST_BACKTRACE` that is the debug information of this whole program.
    fn warm_up(&self) {
        self.run(&[], &["look-around"]);
        self.run(&[], &["call", "trace_parent"]);
    }

    fn guest(&self, linker: &Linker<State>, words: &[&str]) -> String {
        let stdout = MemoryOutputPipe::new(1 << 20);
        let mut wasi = WasiCtx::builder();
        wasi.arg("prowl").args(words).stdin(MemoryInputPipe::new("megabytes=2\n"));
        wasi.stdout(stdout.clone());
        let mut store = Store::new(&self.engine, State(wasi.build(), ResourceTable::new()));
        let command = Command::instantiate(&mut store, &self.component, linker).unwrap();
        let ended = command.wasi_cli_run().call_run(&mut store);
        let printed = String::from_utf8(stdout.contents().to_vec()).unwrap();
        match ended {
            Ok(Ok(())) => printed,
            Ok(Err(())) => format!("{printed}failed"),
            Err(error) => format!("{printed}{error:?}\nended"),
        }
    }
}

/// What a probe does in a call, and how its guest ends: the last thing that it prints.
const DEEDS: [(&str, &str); 11] = [
    ("open_absolute", "neighbour: 42\n"),
    ("trace_parent", "ended"),
    ("gate_of_i386", "ended"),
    ("handled_sigsys", "ended"),
    ("deep_recursion", "ended"),
    ("spin", "ended"),
    ("all_memory", "neighbour: 42\n"),
    ("thread_bomb", "neighbour: 42\n"),
    ("descriptor_bomb", "neighbour: 42\n"),
    ("send_descriptor", "neighbour: 42\n"),
    ("flood_of_text", "neighbour: 42\n"),
];

#[test]
fn whatever_a_call_comes_to_the_neighbour_answers_and_nothing_is_left() {
    let runner = Runner::new();
    runner.warm_up();
    let before = Count::now();
    for (deed, end) in DEEDS {
        let [attack, neighbour] = runner.run(&[], &["call", deed]);
        assert!(attack.starts_with("neighbour: 42\n"), "{deed}: {attack}");
        assert!(attack.ends_with(end), "{deed}: {attack}");
        assert_eq!(neighbour, "neighbour: 42\n", "after {deed}");
        before.assert_again();
    }
}

#[test]
fn a_bundle_that_ends_while_it_is_refused_something_is_noticed() {
    let runner = Runner::new();
    for _ in 0..30 {
        let [attack, neighbour] = runner.run(&[], &["call", "exit_while_asking"]);
        assert!(attack.contains("exited with code 7"), "{attack}");
        assert_eq!(neighbour, "neighbour: 42\n");
    }
}

#[test]
fn whatever_a_load_comes_to_nothing_is_left() {
    let runner = Runner::new();
    runner.warm_up();
    let before = Count::now();
    for deed in ["fake_ready", "deep_recursion", "trace_parent", "gate_of_i386", "own_filter"] {
        let [_, neighbour] = runner.run(&[deed], &["look-around"]);
        assert!(neighbour.is_empty() || neighbour == "neighbour: 42\n", "after {deed}");
        before.assert_again();
    }
}
