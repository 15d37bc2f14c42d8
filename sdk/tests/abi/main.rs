//! Generates bindings natively and calls the exported symbols as a C caller would.

#![allow(
    unsafe_code,
    clippy::undocumented_unsafe_blocks,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "a test that is the caller of a native ABI, and panics to fail"
)]

mod bundle;
mod resources;
mod symbols;
mod values;
