//! The process behind one isolated bundle: spawn, talk, end.
//!
//! Each bundle has its own `adapter-shim`. It gets three descriptors: the channel as 0, the bundle
//! directory as 1, a pipe for its messages as 2. Its environment is empty.

mod exit;
mod locate;
mod process;
mod session;
mod spawner;
mod stderr;

pub use exit::ShimExit;
pub use locate::{LocateError, locate};
pub(crate) use session::{CallEnd, Launched, Session};
pub use session::{SessionEnd, StartError};
