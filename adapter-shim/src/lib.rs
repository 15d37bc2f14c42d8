//! The process around one bundle: takes its channel, confines itself, loads the library, serves.
//!
//! The modules in the order of the way:
//!
//! - [`channel`]: whole frames over the socket.
//! - [`conversation`]: what may be said when.
//! - [`start`]: greeting, plan, confinement, loading; one function each.
//! - [`confine`]: the jail, one file per layer.
//! - [`permit`]: who answers for running a bundle's code.
//! - [`native`]: the library. The only unsafe code.
//! - [`serve`]: one request, one answer.
//! - [`end`]: how the process ends.
//!
//! `wrun --in-process` uses [`native::Adapter`] alone, with a permit that says who takes the blame.

pub mod channel;
pub mod confine;
pub mod conversation;
pub mod end;
pub mod native;
pub mod permit;
pub mod serve;
pub mod start;
