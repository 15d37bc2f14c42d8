//! What the fuzz targets check, one module for each target: `check` takes any bytes and panics if a
//! promise of the protocol is broken.
//!
//! A decoder that merely does not panic may still accept what it must refuse. So each module has a
//! second opinion, written from `PROTOCOL.md` alone, and compares. Memory is counted as well: what
//! a decoder allocates may depend on the bytes that arrived, never on a number among them.

pub mod allocated;
pub mod conversation;
pub mod frames;
pub mod input;
pub mod messages;
pub mod model;
pub mod plans;
pub mod values;
