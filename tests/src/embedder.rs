//! A runner that is this process: bundles by fake shims, with a script each, beside honest ones.

use crate::{Fixture, Script, bundle, guest, program};
use std::time::Duration;
use tempfile::TempDir;
use wasmtime::component::{Component, Instance, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::p2::bindings::sync::Command;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wrun::{BundleOptions, Registry, Restart, RestartWhen};

/// What a store holds.
#[derive(Default)]
struct State(WasiCtx, ResourceTable);

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.0, table: &mut self.1 }
    }
}

/// Runs the guest `ask`, and has a neighbour that runs all the time.
#[allow(missing_debug_implementations, reason = "linkers and guests show nothing")]
pub struct Embedder {
    engine: Engine,
    ask: Component,
    neighbour: (Store<State>, Instance),
    /// How the bundles are run whose shims are fake.
    pub options: BundleOptions,
    _neighbour: wrun::Hosts,
}

/// Bundles that are linked to the guest `ask`. Dropping it ends their processes.
#[allow(missing_debug_implementations, reason = "linkers and guests show nothing")]
pub struct Started {
    engine: Engine,
    ask: Component,
    linker: Linker<State>,
    _hosts: wrun::Hosts,
    _folder: TempDir,
}

/// What a guest printed, and what the embedder was told if it was stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Standard output and standard error of the guest.
    pub printed: String,
    /// The error of the call or of the start, with all its causes; empty if the guest ended by itself.
    pub error: String,
}

impl Default for Embedder {
    fn default() -> Self {
        Self::new()
    }
}

impl Embedder {
    /// Compiles the guest and starts the neighbour.
    pub fn new() -> Self {
        let engine = Engine::default();
        let ask = Component::from_file(&engine, guest("ask")).expect("the guest `ask`");
        let looped = Component::from_file(&engine, guest("bench-guest")).expect("a guest");
        let mut registry = Registry::new();
        registry.shim_program(program("adapter-shim"));
        registry.register_bundle(bundle("echo"), BundleOptions::default()).expect("a bundle");
        let mut linker = linker(&engine);
        let hosts = registry.link_all(&mut linker, &looped).expect("an honest bundle");
        let mut store = Store::new(&engine, State::default());
        let instance = linker.instantiate(&mut store, &looped).expect("a guest of its own");
        let seconds = Duration::from_secs(60);
        // What a script does to one process is seen in that process.
        let restart = Restart { when: RestartWhen::Never, ..Restart::default() };
        let options = BundleOptions { call_timeout: seconds, restart, ..Default::default() };
        Self { engine, ask, neighbour: (store, instance), options, _neighbour: hosts }
    }

    /// The same with another deadline for calls and for starting.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.call_timeout = timeout;
        self.options.load_timeout = timeout;
        self
    }

    /// Starts the fake bundle with its script, and an honest one.
    ///
    /// # Errors
    /// What the embedder is told if the fake one cannot be started.
    pub fn start(&self, script: &Script) -> Result<Started, String> {
        let folder = TempDir::new().expect("a temporary directory");
        let fake = Fixture::new("fake").bundle(folder.path());
        script.write(&fake);
        let mut registry = Registry::new();
        registry.shim_program(program("fake-shim"));
        registry.register_bundle(fake, self.options.clone()).expect("a bundle");
        registry.register_bundle(bundle("echo"), BundleOptions::default()).expect("a bundle");
        let mut linker = linker(&self.engine);
        let hosts = registry.link_all(&mut linker, &self.ask).map_err(|error| error.to_string())?;
        let (engine, ask) = (self.engine.clone(), self.ask.clone());
        Ok(Started { engine, ask, linker, _hosts: hosts, _folder: folder })
    }

    /// Has a guest ask for `words` while the fake shim plays `script`, then another guest ask the honest
    /// bundle beside it, and the neighbour compute.
    ///
    /// # Panics
    /// If the honest ones do not answer.
    pub fn play(&mut self, script: &Script, words: &[&str]) -> Outcome {
        let outcome = match self.start(script) {
            Ok(started) => {
                let outcome = started.ask(words);
                let beside = started.ask(&["neighbour"]);
                assert_eq!(beside.printed, "neighbour: 42\n", "{}", beside.error);
                outcome
            }
            Err(error) => Outcome { printed: String::new(), error },
        };
        self.assert_neighbour();
        outcome
    }

    /// Asks the bundle that was there before and goes on afterwards.
    ///
    /// # Panics
    /// If it does not answer.
    pub fn assert_neighbour(&mut self) {
        let (store, instance) = &mut self.neighbour;
        let run = instance.get_typed_func::<(u32,), ()>(&mut *store, "run-add").expect("an export");
        run.call(store, (10,)).expect("an honest answer");
    }
}

impl Started {
    /// Runs the guest with these words.
    ///
    /// # Panics
    /// If it cannot be instantiated.
    pub fn ask(&self, words: &[&str]) -> Outcome {
        let output = MemoryOutputPipe::new(1 << 20);
        let mut wasi = WasiCtx::builder();
        wasi.arg("ask").args(words).stdout(output.clone()).stderr(output.clone());
        let mut store = Store::new(&self.engine, State(wasi.build(), ResourceTable::new()));
        let command = Command::instantiate(&mut store, &self.ask, &self.linker);
        let command = command.expect("the guest `ask`");
        let ended = command.wasi_cli_run().call_run(&mut store);
        let error = match ended {
            Ok(Ok(())) => String::new(),
            Ok(Err(())) => "the guest failed".to_owned(),
            Err(error) => format!("{error:#}"),
        };
        Outcome { printed: String::from_utf8_lossy(&output.contents()).into_owned(), error }
    }
}

fn linker(engine: &Engine) -> Linker<State> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker).expect("an empty linker");
    linker
}

impl Outcome {
    /// The guest got nothing after `printed`, and the embedder was told `rule`.
    ///
    /// # Panics
    /// If not.
    #[track_caller]
    pub fn expect_end(&self, printed: &str, rule: &str) {
        assert!(self.error.contains(rule), "instead of `{rule}`: {self:#?}");
        assert_eq!(self.printed, printed, "{}", self.error);
    }

    /// The guest ended by itself and has printed this.
    ///
    /// # Panics
    /// If not.
    #[track_caller]
    pub fn expect_success(&self, printed: &str) {
        assert_eq!((&*self.printed, &*self.error), (printed, ""));
    }
}
