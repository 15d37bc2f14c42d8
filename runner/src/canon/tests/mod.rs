//! `canon` against wasmtime's public `Val` path, and against guests and replies that lie.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod corpus;
mod differential;
mod edges;
mod fuel;
mod guest;
mod host;
mod hostile_guest;
mod linking;
mod malformed_reply;
mod reference;
mod resources;
mod roundtrip;
mod strings;
mod types;
mod values;
mod vectors;
