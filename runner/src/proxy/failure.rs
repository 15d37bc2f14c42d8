//! Why a call into a bundle has no result.

use crate::inprocess;
use crate::shim::{CallEnd, ShimExit};
use crate::supervise::{Restart, Unavailable};
use protocol::error::PeerFault;
use protocol::message::CallFault;
use protocol::text::ForeignText;
use std::fmt;

/// A call into a bundle that has no result. It reaches the guest as a trap, or as an error of its own
/// where the operator wants that; embedders find it by `downcast_ref::<CallError>()` on wasmtime's
/// error.
#[derive(Debug, thiserror::Error)]
pub struct CallError {
    /// Name of the bundle.
    pub bundle: String,
    /// Component name of the function, or of the resource whose destructor ran.
    pub function: String,
    /// The number of the request in its process, counted from 1, if it reached one.
    pub call: Option<u64>,
    /// What happened.
    pub why: Box<CallFailure>,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bundle `{}`: {} (in `{}`", self.bundle, self.why, self.function)?;
        if let Some(call) = self.call {
            write!(f, ", call {call}")?;
        }
        f.write_str(")")
    }
}

/// What happened to a call that has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallFailure {
    /// The adapter panicked; the bundle goes on.
    #[error("the adapter panicked: {0}")]
    Panicked(ForeignText),
    /// The library returned what is no value of the declared type; the bundle goes on.
    #[error("the library returned an invalid value: {0}")]
    BadResult(ForeignText),
    /// Arguments or result exceed what one call may carry.
    #[error("{0}")]
    TooLarge(String),
    /// The library had no memory for the arguments.
    #[error("the library could not allocate its arguments: {0}")]
    OutOfMemory(ForeignText),
    /// The bundle's process is gone, because of this call.
    #[error("{0}")]
    Ended(ShimExit),
    /// The bundle's process was gone before this call, and is not started again.
    #[error("not available any more: {0}")]
    Over(ShimExit),
    /// The bundle has failed too often, and is not started again.
    #[error(
        "in quarantine: it failed more than {} times within {:?}, at last: {last}",
        restart.budget, restart.window
    )]
    Quarantined {
        /// What its budget was.
        restart: Restart,
        /// Its last failure.
        last: ShimExit,
    },
    /// The bundle's process was gone before this call, and starting it again failed.
    #[error("it could not be started again: {0}")]
    Restart(ShimExit),
    /// The guest's handle is of a process of the bundle that has ended.
    #[error(
        "the guest's `{resource}` is gone: it was held by a process of the bundle that has ended"
    )]
    Stale {
        /// Name of the resource type.
        resource: String,
    },
    /// The guest's handle does not name a resource of the bundle.
    #[error("the resource does not exist any more")]
    UnknownHandle,
    /// The call does not fit the plan that was sent: a bug in this library.
    #[error("internal error of wrun, please report it: {0}")]
    Internal(String),
    /// The library broke its own contract, in this process.
    #[error("the library broke the contract: {0}")]
    Broken(PeerFault),
}

impl CallFailure {
    /// How the bundle's process ended, if that is what happened.
    pub fn exit(&self) -> Option<&ShimExit> {
        match self {
            Self::Ended(exit)
            | Self::Over(exit)
            | Self::Restart(exit)
            | Self::Quarantined { last: exit, .. } => Some(exit),
            _ => None,
        }
    }

    pub(super) fn from_fault(fault: CallFault, text: ForeignText) -> Self {
        match fault {
            CallFault::Panicked => Self::Panicked(text),
            CallFault::BadResult => Self::BadResult(text),
            CallFault::TooLarge => Self::TooLarge(text.to_string()),
            CallFault::OutOfMemory => Self::OutOfMemory(text),
        }
    }
}

impl From<CallEnd> for CallFailure {
    fn from(end: CallEnd) -> Self {
        match end {
            CallEnd::Failed(fault, text) => Self::from_fault(fault, text),
            CallEnd::Ended(end) | CallEnd::NotSent(end) => Self::Ended(end),
            CallEnd::TooLarge { bytes, max } => Self::TooLarge(format!(
                "the arguments take {bytes} bytes, but one call carries at most {max}"
            )),
        }
    }
}

impl From<Unavailable> for CallFailure {
    fn from(unavailable: Unavailable) -> Self {
        match unavailable {
            Unavailable::Over(end) => Self::Over(end),
            Unavailable::Quarantined { restart, last } => Self::Quarantined { restart, last },
            Unavailable::Restart(end) => Self::Restart(end),
        }
    }
}

impl From<inprocess::CallError> for CallFailure {
    fn from(error: inprocess::CallError) -> Self {
        match error {
            inprocess::CallError::Failed { fault, text } => Self::from_fault(fault, text),
            inprocess::CallError::Request(error) => Self::Internal(error.to_string()),
        }
    }
}
