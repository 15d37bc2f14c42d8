//! The processes behind one isolated bundle: spawn, talk, end.
//!
//! Each bundle has its own `adapter-shim`, twice: the *stage* builds the jail and watches from
//! outside, the *shim* in it loads the library. The stage gets three descriptors: a control socket
//! as 0, the bundle directory as 1, a pipe for messages as 2. The environment of both is empty.
//! Before the first call the shim is looked at from outside ([`verify`]).

mod crash;
mod exit;
mod launch;
mod limits;
mod locate;
mod notices;
mod process;
pub(crate) mod rehearsal;
mod session;
mod spawner;
mod stderr;
mod verify;

pub(crate) use crash::Symbols;
pub use exit::{DeadlinePhase, LimitHit, ShimExit};
pub(crate) use launch::{Recipe, Timeouts};
pub use locate::{LocateError, locate};
pub use notices::{BundleNotice, Notices};
pub(crate) use session::{CallEnd, Session, Spoil};
pub use stderr::STDERR_TARGET;
pub use verify::Unconfined;
