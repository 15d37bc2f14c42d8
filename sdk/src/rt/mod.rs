//! What generated code calls. Not an interface for authors: it changes with the macros.
//!
//! The flow of a call: `guard` (panics) lets the generated function lift its arguments, with
//! `table` for handles and `raw` for memory, calls the author's code and lowers the result.

mod map;
mod panics;
#[allow(unsafe_code, reason = "the one module with the memory of the native ABI")]
mod raw;
mod table;

pub use bitflags;
pub use map::{Map, WitMap};
pub use panics::{Flat, guard};
pub use raw::{
    Cleanup, Resource, ResourceRep, cabi_realloc, list_from_raw, resource_new, take_panic,
};
pub use table::{Exported, borrow, claim, release, resource_drop, resource_dtor, resource_rep};
