//! How a shim process can end.

use nix::sys::signal::Signal;
use std::fmt;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

/// How a shim process ended, as far as its exit status tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShimExit {
    /// It left by itself with this code.
    Exited(i32),
    /// A signal killed it, by number.
    Signaled(i32),
    /// It made a system call that the jail forbids (SIGSYS).
    ForbiddenSyscall,
    /// It used up a limit that the kernel enforces by this signal (SIGXCPU, SIGXFSZ).
    Limit(i32),
    /// It did not end by itself, and was killed by the runner.
    Killed,
    /// The kernel did not tell.
    Unknown,
}

impl From<ExitStatus> for ShimExit {
    fn from(status: ExitStatus) -> Self {
        const SYS: i32 = Signal::SIGSYS as i32;
        const XCPU: i32 = Signal::SIGXCPU as i32;
        const XFSZ: i32 = Signal::SIGXFSZ as i32;
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exited(code),
            (None, Some(SYS)) => Self::ForbiddenSyscall,
            (None, Some(signal @ (XCPU | XFSZ))) => Self::Limit(signal),
            (None, Some(signal)) => Self::Signaled(signal),
            (None, None) => Self::Unknown,
        }
    }
}

impl fmt::Display for ShimExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |number: i32| {
            Signal::try_from(number).map_or_else(|_| number.to_string(), |s| s.to_string())
        };
        match self {
            Self::Exited(code) => write!(f, "exited with code {code}"),
            Self::Signaled(signal) => write!(f, "was killed by signal {}", name(*signal)),
            Self::ForbiddenSyscall => {
                f.write_str("made a system call that its jail forbids (SIGSYS)")
            }
            Self::Limit(signal) => write!(f, "exceeded a resource limit ({})", name(*signal)),
            Self::Killed => f.write_str("did not end and was killed"),
            Self::Unknown => f.write_str("ended for an unknown reason"),
        }
    }
}
