//! The jail, one file per layer. Each layer is in force before a byte of the bundle is executed.
//!
//! 1. [`descriptors`]: only the channel, the bundle directory and stderr are open.
//! 2. [`death`]: the process does not outlive the runner.
//! 3. [`privileges`]: nothing can be gained by executing a program, nobody may inspect the process.
//! 4. [`limits`]: memory, files, descriptors.
//! 5. [`seccomp`]: system calls that no library needs end the process.
//!
//! The first two are put up before the runner has said anything, the others once the plan is known.

pub mod death;
pub mod descriptors;
pub mod limits;
pub mod privileges;
pub mod seccomp;
pub mod syscalls;

use crate::permit::LoadPermit;
use descriptors::Inherited;
use protocol::policy::Limits;

/// Witness that every layer is in force. There is no other way to get one than [`apply`].
#[derive(Debug)]
pub struct Confined(());

impl Confined {
    /// A confined process may load the bundle it was made for.
    pub fn permit(&self) -> LoadPermit {
        LoadPermit::confined()
    }
}

/// A layer that could not be put up. The process must not load anything then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfineError {
    /// A system call of a layer failed.
    #[error("{layer}: {step} failed: {reason}")]
    System {
        /// Which layer.
        layer: &'static str,
        /// Which step of it.
        step: &'static str,
        /// What the system says.
        reason: std::io::Error,
    },
    /// The system call filter could not be compiled or installed.
    #[error("system call filter: {0}")]
    Seccomp(#[from] seccompiler::Error),
    /// The system call filter is not known for this machine.
    #[error("system call filter: no list of system calls for {0}")]
    Architecture(&'static str),
}

/// Puts up the layers that depend on the plan. [`Inherited`] shows that the others are in force.
///
/// # Errors
/// [`ConfineError`]; the layers before the failed one stay in force.
pub fn apply(_inherited: &Inherited, limits: &Limits) -> Result<Confined, ConfineError> {
    privileges::give_up()?;
    limits::apply(limits)?;
    // Last: from here on a system call of the list ends the process.
    seccomp::install()?;
    Ok(Confined(()))
}
