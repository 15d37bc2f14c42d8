//! The functions that a component imports, as wasmtime sees them.
//!
//! One way: `link` defines a function for each import of the plan; a call lifts its arguments
//! (`canon`), translates handles (`handles`), goes through the `host` to the library, and comes
//! back as bytes that are checked against the declared type before they are lowered. What a guest
//! held when it went is destroyed by `reclaim`.

mod backend;
mod carrier;
mod failure;
mod handles;
mod host;
mod link;
mod reclaim;
mod reply;
mod traced;

pub(crate) use backend::Backend;
pub(crate) use carrier::Carrier;
pub use failure::{CallError, CallFailure};
pub(crate) use host::{Host, Treatment};
pub(crate) use link::{Mode, define};
