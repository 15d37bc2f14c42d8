//! An instance that calls the bundle `moods` and outlives its failures, on either kind of store.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::runtime::{Builder, Runtime};
use wasmtime::component::{Component, Linker, TypedFunc};
use wasmtime::{Engine, Store};
use wrun::{BundleOptions, Hosts, OnFailure, Registry, Restart};

use crate::places;

/// What the library shall do; the number is that of the case in `tests/fixtures/moods`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// Return a number.
    Answer = 0,
    /// Write through a null pointer.
    Crash = 1,
    /// Sleep.
    Hang = 11,
}

/// The kind of store, and with it how a caller waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// A thread that sleeps.
    Sync,
    /// A tokio task, as in the program `wrun`.
    Async,
}

impl Way {
    pub(super) const ALL: [Self; 2] = [Self::Sync, Self::Async];

    /// As the table names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync store",
            Self::Async => "async store",
        }
    }
}

/// The compiled component and the packed bundle, once for all.
pub(super) struct Compiled {
    engine: Engine,
    component: Component,
    bundle: PathBuf,
}

impl Compiled {
    /// Packs the bundle into `folder`.
    pub(super) fn new(folder: &Path) -> Result<Self> {
        let engine = Engine::default();
        let binary = wat::parse_str(include_str!("caller.wat"))?;
        let component = Component::from_binary(&engine, &binary)?;
        Ok(Self { engine, component, bundle: tests::fixture("moods", None, folder) })
    }

    /// Where the bundle is.
    pub(super) fn bundle(&self) -> &Path {
        &self.bundle
    }

    fn registry(&self, call_timeout: Duration) -> Result<Registry> {
        let mut registry = Registry::new();
        registry.shim_program(places::program("adapter-shim")?);
        let restart = Restart { budget: u32::MAX, backoff: Duration::ZERO, ..Restart::default() };
        let on_failure = OnFailure::Error { case: None };
        let options =
            BundleOptions { call_timeout, restart, on_failure, ..BundleOptions::default() };
        registry.register_bundle(&self.bundle, options)?;
        Ok(registry)
    }
}

/// The instance, ready to call.
pub(super) struct Caller {
    store: Store<()>,
    call: TypedFunc<(u32,), (Result<u32, String>,)>,
    _hosts: Hosts,
    /// Only for an async store.
    runtime: Option<Runtime>,
}

impl Caller {
    /// Starts the bundle's process and instantiates the component.
    pub(super) fn start(compiled: &Compiled, way: Way, call_timeout: Duration) -> Result<Self> {
        let registry = compiled.registry(call_timeout)?;
        let (engine, component) = (&compiled.engine, &compiled.component);
        let mut linker = Linker::new(engine);
        let mut store = Store::new(engine, ());
        let (hosts, instance, runtime) = match way {
            Way::Sync => {
                let hosts = registry.link_all(&mut linker, component)?;
                (hosts, linker.instantiate(&mut store, component)?, None)
            }
            Way::Async => {
                let runtime = Builder::new_current_thread().enable_all().build();
                let runtime = runtime.context("cannot start tokio")?;
                let (hosts, instance) = runtime.block_on(async {
                    let hosts = registry.link_all_async(&mut linker, component).await?;
                    anyhow::Ok((hosts, linker.instantiate_async(&mut store, component).await?))
                })?;
                (hosts, instance, Some(runtime))
            }
        };
        let call = instance.get_typed_func(&mut store, "call")?;
        Ok(Self { store, call, _hosts: hosts, runtime })
    }

    /// What the guest got, and seconds until then.
    pub(super) fn time(&mut self, deed: Deed) -> Result<(Result<u32, String>, f64)> {
        let (store, words) = (&mut self.store, (deed as u32,));
        let begin = Instant::now();
        let (got,) = match &self.runtime {
            None => self.call.call(store, words)?,
            Some(runtime) => runtime.block_on(self.call.call_async(store, words))?,
        };
        Ok((got, begin.elapsed().as_secs_f64()))
    }

    /// Seconds until an answer.
    pub(super) fn answer(&mut self) -> Result<f64> {
        match self.time(Deed::Answer)? {
            (Ok(42), seconds) => Ok(seconds),
            (other, _) => bail!("no answer: {other:?}"),
        }
    }

    /// Has a process again, one that answers in time.
    pub(super) fn settle(&mut self) -> Result<()> {
        // A busy machine may miss a short deadline.
        for _ in 0..10 {
            if let (Ok(42), _) = self.time(Deed::Answer)? {
                return Ok(());
            }
        }
        bail!("the bundle does not answer in time")
    }

    /// Seconds until the guest has seen an error whose text has `why`.
    pub(super) fn failure(&mut self, deed: Deed, why: &str) -> Result<f64> {
        match self.time(deed)? {
            (Err(text), seconds) if text.contains(why) => Ok(seconds),
            (other, _) => bail!("instead of an error with `{why}`: {other:?}"),
        }
    }
}
