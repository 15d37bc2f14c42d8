//! Runs WebAssembly components whose imports are served by native host bundles.
//!
//! A *bundle* is a directory with a native shared library, the WIT that it implements, and a
//! manifest. Each bundle's library runs in an `adapter-shim` process of its own; a crash, a hang or
//! a lie of the library costs the guest an error. This library is what the program `wrun` is made
//! of, for those who embed wasmtime themselves: start with [`Registry`].
//!
//! The modules are the stages of a run, and each knows only those before it:
//!
//! - [`document`]: TOML documents, read key by key; "did you mean".
//! - [`shape`]: types and functions in one structural form, from a component or from WIT.
//! - [`bundle`]: opens a bundle directory: manifest, WIT, the library's symbols.
//! - [`plan`]: which bundle serves which import; every mismatch at once.
//! - [`trace`]: calls into bundles, one line each, without secrets.
//! - `canon`: lift and lower between guest memory and the wire. One of two unsafe folders.
//! - `channel`: one request, one answer, one deadline.
//! - `shim`: the process behind an isolated bundle.
//! - `supervise`: when that process is started again.
//! - `inprocess`: a library in this process, unprotected, on request.
//! - `proxy`: the functions as wasmtime sees them.
//! - [`registry`]: the embedding API.
//! - [`operator`]: what each bundle may reach and use, by hosts.toml and the command line.
//! - [`doctor`]: whether this machine can isolate bundles; not on the way of a run.
//! - [`cli`]: the command line.
//! - `fuzzing`: ways into parsers, for fuzz targets.

pub mod bundle;
// Public for the benchmark alone, which measures it without a bundle; not part of the API.
#[doc(hidden)]
pub mod canon;
mod channel;
pub mod cli;
pub mod doctor;
pub mod document;
// Public for the fuzz targets alone; not part of the API.
#[doc(hidden)]
pub mod fuzzing;
mod inprocess;
pub mod operator;
pub mod plan;
mod proxy;
pub mod registry;
pub mod shape;
mod shim;
mod supervise;
pub mod trace;

pub use proxy::{CallError, CallFailure};
pub use registry::{BundleOptions, Error, FAILURE_CASE, Hosts, Isolation, OnFailure, Registry};
pub use shim::{
    BundleNotice, DeadlinePhase, LimitHit, LocateError, Notices, STDERR_TARGET, ShimExit,
    Unconfined, locate,
};
pub use supervise::{BACKOFF_MAX, Deed, FAILURES_TARGET, Fault, NoFault, Restart, RestartWhen};
pub use trace::{CALLS_TARGET, Redact, Trace};
