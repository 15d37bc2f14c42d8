//! The bundle against a real module, SoftHSM, through the traits that its exports call.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed unwrap is a failed test"
)]

mod common;
mod encryption;
mod keys;
mod login;
mod objects;
mod signing;
mod slots;
