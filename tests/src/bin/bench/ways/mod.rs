//! The ways to serve the imports of the guest: the columns of the comparison.

mod bundle;
mod canon;
pub(crate) mod ping_pong;
mod typed;
mod val;

use anyhow::{Context as _, Result};

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
    IsolatedSync,
    /// The same on a store with asynchronous calls.
    IsolatedAsync,
    /// No WebAssembly: two processes and a socket.
    PingPong,
}

impl Kind {
    /// In the order of the table.
    pub(crate) const ALL: [Self; 7] = [
        Self::Typed,
        Self::Val,
        Self::Canon,
        Self::InProcess,
        Self::IsolatedSync,
        Self::IsolatedAsync,
        Self::PingPong,
    ];

    /// As the table names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Typed => "wasmtime func_wrap, static types",
            Self::Val => "wasmtime func_new, Val",
            Self::Canon => "canon alone",
            Self::InProcess => "bundle, --in-process",
            Self::IsolatedSync => "bundle, isolated, sync store",
            Self::IsolatedAsync => "bundle, isolated, async store",
            Self::PingPong => "socket ping-pong, no guest",
        }
    }

    /// Sets it up: instance, library, process, whatever the way needs.
    pub(crate) fn start(self, compiled: &Compiled) -> Result<Box<dyn Way>> {
        let started: Result<Box<dyn Way>> = match self {
            Self::Typed => typed::start(compiled).map(|way| Box::new(way) as _),
            Self::Val => val::start(compiled).map(|way| Box::new(way) as _),
            Self::Canon => canon::start(compiled).map(|way| Box::new(way) as _),
            Self::InProcess => bundle::in_process(compiled).map(|way| Box::new(way) as _),
            Self::IsolatedSync => bundle::isolated(compiled).map(|way| Box::new(way) as _),
            Self::IsolatedAsync => bundle::isolated_async(compiled).map(|way| Box::new(way) as _),
            Self::PingPong => Ok(Box::new(ping_pong::PingPong::default())),
        };
        started.with_context(|| format!("cannot start `{}`", self.name()))
    }
}
