//! How a shim process can end.

use nix::sys::signal::Signal;
use protocol::stage::{Ending, Status, Violation};
use std::fmt;

/// How a shim process ended, as the kernel told the stage.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShimExit {
    /// It left by itself with this code.
    Exited(i32),
    /// A signal killed it, by number.
    Signaled(i32),
    /// It made a system call that no library may make (SIGSYS); which one, if the machine lets us
    /// look.
    ForbiddenSyscall(Option<Box<Violation>>),
    /// It used up a limit that the kernel enforces by this signal (SIGXCPU, SIGXFSZ).
    Limit(i32),
    /// It did not end by itself, and was killed by the runner.
    Killed,
    /// The stage that watched it was killed from outside, and it went with it.
    Unwatched,
}

impl From<Ending> for ShimExit {
    fn from(ending: Ending) -> Self {
        const SYS: i32 = Signal::SIGSYS as i32;
        const XCPU: i32 = Signal::SIGXCPU as i32;
        const XFSZ: i32 = Signal::SIGXFSZ as i32;
        match ending.status {
            Status::Exited(code) => Self::Exited(code),
            Status::Signaled(SYS) => Self::ForbiddenSyscall(ending.violation.map(Box::new)),
            Status::Signaled(signal @ (XCPU | XFSZ)) => Self::Limit(signal),
            Status::Signaled(signal) => Self::Signaled(signal),
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
            Self::ForbiddenSyscall(None) => {
                f.write_str("made a system call that no bundle may make, and was killed (SIGSYS)")
            }
            Self::ForbiddenSyscall(Some(call)) => write!(
                f,
                "made the system call {}, which no bundle may make, and was killed (SIGSYS)",
                CallText(call)
            ),
            Self::Limit(signal) => write!(f, "exceeded a resource limit ({})", name(*signal)),
            Self::Killed => f.write_str("did not end and was killed"),
            Self::Unwatched => f.write_str("was killed from outside"),
        }
    }
}

/// `ptrace(0x0, 0x4d2, …)`, or the number where there is no name.
struct CallText<'a>(&'a Violation);

impl fmt::Display for CallText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { number, name, args } = self.0;
        match name {
            Some(name) => write!(f, "{name}(")?,
            None => write!(f, "number {number} (")?,
        }
        for (index, arg) in args.iter().enumerate() {
            write!(f, "{}{arg:#x}", if index == 0 { "" } else { ", " })?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_is_shown_with_its_name_and_arguments() {
        let violation = |name: Option<&str>| Ending {
            status: Status::Signaled(31),
            violation: Some(Violation {
                number: 101,
                name: name.map(str::to_owned),
                args: [16, 1, 0, 0, 0, 0],
            }),
        };
        let text = ShimExit::from(violation(Some("ptrace"))).to_string();
        assert!(text.contains("ptrace(0x10, 0x1, 0x0, 0x0, 0x0, 0x0)"), "{text}");
        let text = ShimExit::from(violation(None)).to_string();
        assert!(text.contains("number 101 (0x10,"), "{text}");
    }
}
