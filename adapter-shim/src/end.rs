//! How the process ends: every way it can, and the exit code that the runner sees.

use crate::native::sys;
use crate::stage::StageError;
use protocol::error::PeerFault;
use protocol::message::Step;
use std::io::Write;

/// Why the process ends.
#[derive(Debug, thiserror::Error)]
pub enum End {
    /// The runner asked for it.
    #[error("finished")]
    Finished,
    /// It could not start: see [`StageError`].
    #[error(transparent)]
    Start(#[from] StageError),
    /// The runner speaks other versions, and was told so.
    #[error("no common protocol version")]
    Refused,
    /// A step before the first call failed, and the runner was told so.
    #[error("the step {0:?} failed")]
    Failed(Step),
    /// The runner sent what it may not send.
    #[error("the runner broke the protocol: {0}")]
    Violation(String),
    /// The runner is gone, or the socket failed.
    #[error("the channel ended{}", .0.as_ref().map_or_else(String::new, |e| format!(": {e}")))]
    Disconnected(Option<std::io::Error>),
}

impl End {
    /// The exit code.
    ///
    /// | code | why |
    /// |---|---|
    /// | 0 | the runner asked for the end |
    /// | 2 | started by hand |
    /// | 3 | a step before the first call failed; the runner knows which |
    /// | 4 | the runner broke the protocol |
    /// | 5 | the runner is gone |
    pub fn code(&self) -> i32 {
        match self {
            Self::Finished => 0,
            Self::Start(error) => error.code(),
            Self::Refused | Self::Failed(_) => 3,
            Self::Violation(_) => 4,
            Self::Disconnected(_) => 5,
        }
    }

    /// Prints what the runner was not told, and ends the process at once: destructors of a library
    /// are foreign code, and there is nobody left to serve.
    pub fn exit(&self) -> ! {
        let mut stderr = std::io::stderr();
        // Nobody may be reading; then there is nobody to tell.
        let _ = match self {
            Self::Finished | Self::Refused | Self::Failed(_) | Self::Disconnected(None) => Ok(()),
            Self::Start(StageError::ByHand) => writeln!(stderr, "{self}"),
            // The runner was told.
            Self::Start(StageError::Step { .. } | StageError::Weaker(_)) => Ok(()),
            other => writeln!(stderr, "adapter-shim: {other}"),
        };
        sys::exit_now(self.code())
    }
}

impl From<PeerFault> for End {
    fn from(fault: PeerFault) -> Self {
        Self::Violation(fault.to_string())
    }
}
