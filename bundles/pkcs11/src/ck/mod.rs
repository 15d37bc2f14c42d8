//! A PKCS#11 module behind safe types. THE ONLY UNSAFE FOLDER of this crate.
//!
//! The module is native code in the same process: it can do anything, and the process is the
//! boundary around it. What this folder guarantees is that *we* keep the C interface's rules (live
//! pointers, true lengths, one thread), and that what the module claims is checked before it is
//! believed: lengths are capped ([`limits`]), and a length larger than its buffer is an error.
//!
//! Flow: [`Module`] loads and initializes, [`Session`] opens, [`Object`] is found or made. Data
//! goes in as [`Mechanism`] and [`Attribute`], errors come out as [`Error`].
//!
//! Nothing here can be sent to another thread: a bundle is called from one.
#![allow(unsafe_code, reason = "the C interface of PKCS#11 is called here and nowhere else")]

pub mod environment;
mod error;
mod find;
mod keys;
mod kind;
pub mod limits;
mod mechanism;
mod memory;
mod module;
mod names;
mod object;
mod operation;
mod output;
mod read;
mod session;
mod slots;
mod template;
mod text;
mod ulong;

pub use error::{Error, Origin, Result};
pub use kind::is_template;
pub use mechanism::{Field, Mechanism, Parameter};
pub use module::{FUNCTION_NAMES, LoadError, Module, Options};
pub use object::Object;
pub use operation::{Feed, Finish, Keyed, Transform};
pub use read::Reading;
pub use session::{Session, User};
pub use template::{Attribute, Value};
pub use text::text;
pub use ulong::{UNAVAILABLE, narrow, widen};

/// The raw types and numbers of PKCS#11.
pub use cryptoki_sys as sys;
