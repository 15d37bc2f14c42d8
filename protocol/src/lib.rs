//! The wire between `wrun` and one `adapter-shim`: pure functions over bytes.
//!
//! Two actors share one Unix stream socket. The *runner* asks, the *shim* answers; at most one
//! request is under way at any time. `PROTOCOL.md` beside this crate is the byte-level description.
//!
//! The modules are the layers, from bytes to meaning:
//!
//! - [`limits`]: every cap, with its reason.
//! - [`frame`]: bytes to frames. Syntax and caps only.
//! - [`version`]: which protocol both sides speak.
//! - [`message`]: what a frame's head says, one type per direction.
//! - [`phase`]: which message is allowed when.
//! - [`policy`]: what a bundle's process may do.
//! - [`probe`]: what a machine gives to a jail.
//! - [`stage`]: what builds the jail, and reports how the shim ended.
//! - [`types`]: the description of functions and types that the runner sends once.
//! - [`value`]: arguments and results, encoded by their type.
//! - [`text`]: foreign text, capped and made harmless for a terminal.
//! - [`error`]: malformed bytes, and well-formed bytes that are not allowed.
//!
//! This crate does no I/O, holds no unsafe code, and allocates nothing from a length that a peer
//! merely claims.
#![forbid(unsafe_code)]

pub mod error;
pub mod frame;
pub mod limits;
pub mod message;
pub mod phase;
pub mod policy;
pub mod probe;
pub mod stage;
pub mod text;
pub mod types;
pub mod value;
pub mod version;
