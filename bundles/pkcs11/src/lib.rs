//! The PKCS#11 bundle: a module's functions for WebAssembly components.
//!
//! The way of a call: `adapter` implements the traits that are generated from `wit/`; `convert`
//! turns WIT values into those of PKCS#11; `ck` calls the module. `config` reads the operator's
//! settings once, `host` holds what came of them, `policy` and `pins` decide what a guest may do.
//!
//! **Invariant:** only `ck` is unsafe, and only `ck` calls the module.

mod adapter;
pub mod ck;
mod config;
mod convert;
mod host;
mod pins;
mod policy;

wrun_bundle::generate!({
    path: "wit",
    world: "bundle",
});

/// The bundle.
#[derive(Debug)]
pub struct Bundle;

export!(Bundle);

pub use adapter::{ObjectResource, SessionResource};
pub use host::shutdown;
