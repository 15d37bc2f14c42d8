//! Every way in which a bundle's process ends, from "not even started" to "in order".

use super::verify::Unconfined;
use nix::sys::signal::Signal;
use protocol::error::PeerFault;
use protocol::message::Step;
use protocol::stage::{Ending, Status, Violation};
use protocol::text::ForeignText;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Why a bundle's process is not there, or not there any more. Closed: what does not fit here cannot
/// happen to one.
///
/// What the library itself says (`Setup`, parts of `Protocol`) is its claim. Everything else is what
/// the kernel told the stage, or what the runner did.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ShimExit {
    /// It was asked to leave, and left.
    #[error("left in order")]
    Clean,
    /// The system refused a socket, a process or a thread.
    #[error("its adapter process could not be started: {0}")]
    NotStarted(Arc<io::Error>),
    /// The jail could not be built; nothing of the bundle has run.
    #[error("its jail could not be built: {0}")]
    Jail(ForeignText),
    /// The shim reported that a step before the first call failed.
    #[error("{}: {text}", step_words(*.step))]
    Setup {
        /// Which step.
        step: Step,
        /// Why, in the shim's or the library's words.
        text: ForeignText,
    },
    /// It is not confined as it claims.
    #[error("its process is not confined and was killed: {0}")]
    Unconfined(Unconfined),
    /// It made a system call that no library may make (SIGSYS); which one, if the machine lets the
    /// stage look.
    #[error("{}", violation_words(.0.as_deref()))]
    Violation(Option<Box<Violation>>),
    /// A signal killed it that was not sent by the runner.
    #[error("its process was killed by signal {}", signal_name(*.0))]
    Signal(i32),
    /// It used up what it may use.
    #[error("its process {0}")]
    Limit(LimitHit),
    /// It did not answer in time, and was killed.
    #[error("no answer {}within {after:?}; its process was killed", phase_words(*.phase))]
    Deadline {
        /// To what.
        phase: DeadlinePhase,
        /// The time that it had.
        after: Duration,
    },
    /// It sent what it may not send, and was killed.
    #[error("its process broke the protocol and was killed: {0}")]
    Protocol(#[from] PeerFault),
    /// It left by itself with this code. Also 0 is no success: nobody had asked it to.
    #[error("its process exited with code {0}")]
    Exited(i32),
    /// Somebody else killed it, or the stage that watches it.
    #[error("its process was killed from outside")]
    KilledFromOutside,
    /// It was killed because the caller of a call went away; nobody could use the late answer.
    #[error("its process was killed because a call was abandoned")]
    Abandoned,
    /// The runner's side of the socket failed.
    #[error("the connection to its process failed: {0}")]
    Connection(Arc<io::Error>),
}

/// To what there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadlinePhase {
    /// Starting: jail, plan, library, `init`.
    Load,
    /// A call, or a destructor.
    Call,
    /// The destructors of all that a store held which is gone.
    Reclaim,
    /// The order to leave.
    Shutdown,
}

/// A limit that ends a process. The one on what it may write to its standard error does not: more is
/// dropped and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitHit {
    /// It crashed with all of its memory in use.
    Memory,
    /// Its time on the processor.
    Cpu,
    /// It crashed with all of its threads in use.
    Threads,
    /// A file that it wrote.
    FileSize,
}

impl fmt::Display for LimitHit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "had used up its memory (limit `memory`) and crashed",
            Self::Cpu => "had used up its processor time (limit `cpu`) and was killed",
            Self::Threads => "had used up its threads (limit `threads`) and crashed",
            Self::FileSize => "wrote a file beyond its limit (limit `file-size`) and was killed",
        })
    }
}

impl ShimExit {
    /// One word for the kind of end, as events and the table of faults have it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::NotStarted(_) => "not-started",
            Self::Jail(_) => "jail",
            Self::Setup { .. } => "setup",
            Self::Unconfined(_) => "unconfined",
            Self::Violation(_) => "violation",
            Self::Signal(_) => "signal",
            Self::Limit(_) => "limit",
            Self::Deadline { .. } => "deadline",
            Self::Protocol(_) => "protocol",
            Self::Exited(_) => "exited",
            Self::KilledFromOutside => "killed",
            Self::Abandoned => "abandoned",
            Self::Connection(_) => "connection",
        }
    }

    /// What the kernel told the stage.
    pub(super) fn from_ending(ending: Ending) -> Self {
        let signal = match ending.status {
            Status::Exited(code) => return Self::Exited(code),
            Status::Signaled(signal) => signal,
        };
        match Signal::try_from(signal) {
            Ok(Signal::SIGSYS) => Self::Violation(ending.violation.map(Box::new)),
            Ok(Signal::SIGXCPU) => Self::Limit(LimitHit::Cpu),
            Ok(Signal::SIGXFSZ) => Self::Limit(LimitHit::FileSize),
            // No fault has this signal, and the runner knows when it was itself.
            Ok(Signal::SIGKILL) => Self::KilledFromOutside,
            _ => Self::Signal(signal),
        }
    }
}

impl From<io::Error> for ShimExit {
    fn from(error: io::Error) -> Self {
        Self::NotStarted(Arc::new(error))
    }
}

fn step_words(step: Step) -> &'static str {
    match step {
        Step::Plan => "its adapter process did not accept the plan",
        Step::Confine => "its adapter process could not be confined",
        Step::Load => "its library could not be loaded",
        Step::Init => "its `init` failed",
    }
}

fn phase_words(phase: DeadlinePhase) -> &'static str {
    match phase {
        DeadlinePhase::Load => "while starting ",
        DeadlinePhase::Call => "",
        DeadlinePhase::Reclaim => "to the destructors of what a dropped store held ",
        DeadlinePhase::Shutdown => "to the order to leave ",
    }
}

fn signal_name(number: i32) -> String {
    Signal::try_from(number).map_or_else(|_| number.to_string(), |signal| signal.to_string())
}

fn violation_words(violation: Option<&Violation>) -> String {
    let call = match violation {
        None => "a system call that".to_owned(),
        Some(call) => format!("the system call {}, which", CallText(call)),
    };
    format!("its process made {call} no bundle may make, and was killed (SIGSYS)")
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
    use protocol::stage::Usage;

    #[test]
    fn a_violation_is_shown_with_its_name_and_arguments() {
        let violation = |name: Option<&str>| Ending {
            status: Status::Signaled(31),
            violation: Some(Violation {
                number: 101,
                name: name.map(str::to_owned),
                args: [16, 1, 0, 0, 0, 0],
            }),
            crash: None,
            usage: Usage::default(),
        };
        let text = ShimExit::from_ending(violation(Some("ptrace"))).to_string();
        assert!(text.contains("ptrace(0x10, 0x1, 0x0, 0x0, 0x0, 0x0)"), "{text}");
        let text = ShimExit::from_ending(violation(None)).to_string();
        assert!(text.contains("number 101 (0x10,"), "{text}");
    }
}
