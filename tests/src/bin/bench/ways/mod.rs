//! The ways to serve the imports of the guest: the columns of the comparison.

mod bundle;
mod canon;
pub(crate) mod ping_pong;
mod typed;
mod val;

use anyhow::{Context as _, Result};

use crate::cores::{Cores, Place};
use crate::guest::{Compiled, Guest};
use crate::workload::Workload;

/// The imports that the ways define.
const SCALARS: &str = "wrun:echo/scalars@0.1.0";
const BYTES: &str = "wrun:echo/bytes@0.1.0";

/// Something that can be called in a loop.
pub(crate) trait Way {
    /// Makes `calls` calls.
    fn run(&mut self, workload: Workload, calls: u32) -> Result<()>;
}

impl Way for Guest {
    fn run(&mut self, workload: Workload, calls: u32) -> Result<()> {
        Guest::run(self, workload, calls)
    }
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// wasmtime, with Rust types that are known at compile time.
    Typed,
    /// wasmtime, with values that are known at run time.
    Val,
    /// wrun's lift and lower, the host function being one of this program.
    Canon,
    /// wrun, the library loaded into this process.
    InProcess,
    /// wrun, the library in a process of its own, on a store with synchronous calls.
    Sync(Place),
    /// The same on a store with asynchronous calls.
    Async(Place),
    /// No WebAssembly: two processes and a socket.
    PingPong(Place),
}

impl Kind {
    /// In the order of the table.
    pub(crate) const ALL: [Self; 10] = [
        Self::Typed,
        Self::Val,
        Self::Canon,
        Self::InProcess,
        Self::PingPong(Place::SameCore),
        Self::Sync(Place::SameCore),
        Self::Async(Place::SameCore),
        Self::PingPong(Place::OtherCore),
        Self::Sync(Place::OtherCore),
        Self::Async(Place::OtherCore),
    ];

    /// As the table names it.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Typed => "wasmtime func_wrap, static types".to_owned(),
            Self::Val => "wasmtime func_new, Val".to_owned(),
            Self::Canon => "canon alone".to_owned(),
            Self::InProcess => "bundle in-process".to_owned(),
            Self::Sync(place) => format!("bundle isolated, sync store, {}", place.name()),
            Self::Async(place) => format!("bundle isolated, async store, {}", place.name()),
            Self::PingPong(place) => format!("socket ping-pong, no guest, {}", place.name()),
        }
    }

    /// Where its other process has to run, if it has one.
    pub(crate) fn place(self) -> Option<Place> {
        match self {
            Self::Typed | Self::Val | Self::Canon | Self::InProcess => None,
            Self::Sync(place) | Self::Async(place) | Self::PingPong(place) => Some(place),
        }
    }

    /// Sets it up: instance, library, process, whatever the way needs.
    pub(crate) fn start(self, compiled: &Compiled, cores: &Cores) -> Result<Box<dyn Way>> {
        let start = || -> Result<Box<dyn Way>> {
            Ok(match self {
                Self::Typed => Box::new(typed::start(compiled)?),
                Self::Val => Box::new(val::start(compiled)?),
                Self::Canon => Box::new(canon::start(compiled)?),
                Self::InProcess => Box::new(bundle::in_process(compiled)?),
                Self::Sync(_) => Box::new(bundle::isolated(compiled)?),
                Self::Async(_) => Box::new(bundle::isolated_async(compiled)?),
                Self::PingPong(_) => Box::new(ping_pong::PingPong::start()?),
            })
        };
        let started = match self.place() {
            Some(place) => cores.put(place, start),
            None => start(),
        };
        started.with_context(|| format!("cannot start `{}`", self.name()))
    }
}
