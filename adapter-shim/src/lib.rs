//! The processes around one bundle: the *stage* builds a jail and watches it from outside; the
//! *shim* inside takes its channel, loads the library, serves.
//!
//! The modules in the order of the way:
//!
//! - [`stage`]: outside of the jail, until the shim has ended.
//! - [`confine`]: the jail, from inside, one file per layer.
//! - [`channel`]: whole frames over the socket.
//! - [`conversation`]: what may be said when.
//! - [`start`]: greeting, plan, confinement, loading; one function each.
//! - [`permit`]: who answers for running a bundle's code.
//! - [`native`]: the library. The only unsafe code.
//! - [`serve`]: one request, one answer.
//! - [`end`]: how the process ends.
//! - [`probe`]: what the machine gives, for `wrun doctor`; not on the way of a run.
//!
//! `wrun --in-process` uses [`native::Adapter`] alone, with a permit that says who takes the blame.

pub mod channel;
pub mod confine;
pub mod conversation;
pub mod end;
pub mod native;
pub mod permit;
pub mod probe;
pub mod serve;
pub mod stage;
pub mod start;
