//! Faults on purpose: a process is hit in the middle of a call, to see what a guest makes of it.
//!
//! Nothing is simulated. The process really gets the signal, and everything from there on is what
//! happens to any other that fails.

use crate::shim::Spoil;
use rustix::process::Signal;
use std::fmt;
use std::str::FromStr;

/// A fault that is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// In which call into the bundle, destructors included, counted from 1 over all its processes.
    pub call: u64,
    /// What happens.
    pub deed: Deed,
}

/// What happens to a process in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// SIGSEGV, as by a wild pointer.
    Crash,
    /// SIGABRT, as by a failed assertion.
    Abort,
    /// SIGKILL, as by somebody who needs the memory.
    Kill,
    /// It is stopped and never answers, so that the deadline passes.
    Hang,
}

/// A text that is no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "write CALL=DEED, with the number of a call from 1, and crash, abort, kill or hang, as in 3=kill"
)]
pub struct NoFault;

impl Deed {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Crash, Self::Abort, Self::Kill, Self::Hang];

    /// Its name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Abort => "abort",
            Self::Kill => "kill",
            Self::Hang => "hang",
        }
    }

    /// What becomes of a request.
    pub(crate) fn spoil(self) -> Spoil {
        match self {
            Self::Crash => Spoil::Hit(Signal::SEGV),
            Self::Abort => Spoil::Hit(Signal::ABORT),
            Self::Kill => Spoil::Hit(Signal::KILL),
            Self::Hang => Spoil::Freeze,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.call, self.deed.name())
    }
}

impl FromStr for Fault {
    type Err = NoFault;

    fn from_str(text: &str) -> Result<Self, NoFault> {
        let (call, deed) = text.split_once('=').ok_or(NoFault)?;
        let call = call.parse().ok().filter(|call| *call > 0).ok_or(NoFault)?;
        let deed = Deed::ALL.into_iter().find(|known| known.name() == deed).ok_or(NoFault)?;
        Ok(Self { call, deed })
    }
}

/// The faults of one bundle that are still to come.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pending: Vec<Fault>,
    calls: u64,
}

impl Faults {
    pub(super) fn new(pending: Vec<Fault>) -> Self {
        Self { pending, calls: 0 }
    }

    /// Counts one more call. What is to happen in it.
    pub(super) fn next(&mut self) -> Option<Deed> {
        self.calls += 1;
        let due = self.pending.iter().position(|fault| fault.call == self.calls)?;
        Some(self.pending.swap_remove(due).deed)
    }

    pub(super) fn pending(&self) -> &[Fault] {
        &self.pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_a_call_and_a_deed() {
        assert_eq!("3=kill".parse(), Ok(Fault { call: 3, deed: Deed::Kill }));
        for text in ["", "3", "0=kill", "-1=kill", "x=kill", "3=explode", "3=", "=kill"] {
            assert_eq!(text.parse::<Fault>(), Err(NoFault), "{text}");
        }
        for deed in Deed::ALL {
            let fault = Fault { call: 7, deed };
            assert_eq!(fault.to_string().parse(), Ok(fault));
        }
    }

    #[test]
    fn each_fault_comes_once_at_its_call() {
        let fault = |call, deed| Fault { call, deed };
        let mut faults = Faults::new(vec![fault(3, Deed::Hang), fault(1, Deed::Kill)]);
        let came: Vec<_> = (0..4).map(|_| faults.next()).collect();
        assert_eq!(came, [Some(Deed::Kill), None, Some(Deed::Hang), None]);
        assert!(faults.pending().is_empty());
    }
}
