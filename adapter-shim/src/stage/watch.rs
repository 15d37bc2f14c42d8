//! S5: watches the shim until it has ended. If the runner goes first, the shim goes with it.

use super::child::Child;
use super::control::Control;
use super::notices::Notices;
use crate::confine::syscalls::{is_listed, name};
use crate::native::sys::trace::{self, Event};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use protocol::stage::{Ending, Status, Violation};
use std::os::fd::{AsFd as _, BorrowedFd};

/// Waits for the end, and passes on on the way what a traced process must be passed.
pub(super) fn until_end(child: &mut Child, control: &mut Control, notices: &mut Notices) -> Ending {
    let mut seen = Seen::default();
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    let children = SignalFd::with_flags(&SigSet::from(Signal::SIGCHLD), flags);
    let mut has_runner = true;
    loop {
        if let Some(status) = seen.drain(child) {
            child.reaped();
            return seen.ending(status);
        }
        let Ok(children) = &children else {
            // Without it nothing could be noticed in time: nothing may run then.
            child.kill();
            continue;
        };
        let runner = has_runner.then(|| control.as_fd());
        let Happened { runner, asked } = wait(runner, children, notices);
        // The runner has said all it has to say: whatever comes now is its end.
        if runner {
            has_runner = false;
            child.kill();
        }
        if asked {
            notices.serve(control);
        }
        while let Ok(Some(_)) = children.read_signal() {}
    }
}

/// What ended a wait, beside events of children, which are looked for after each.
struct Happened {
    /// The runner spoke, or its end of the socket is closed.
    runner: bool,
    /// A call was asked for.
    asked: bool,
}

/// Waits until something happens.
fn wait(runner: Option<BorrowedFd<'_>>, children: &SignalFd, notices: &Notices) -> Happened {
    let asked = notices.descriptor();
    // What is not there is replaced by what is waited for anyway.
    let waited =
        [children.as_fd(), asked.unwrap_or(children.as_fd()), runner.unwrap_or(children.as_fd())];
    let mut events = waited.map(|fd| PollFd::new(fd, PollFlags::POLLIN));
    match poll(&mut events, PollTimeout::NONE) {
        Ok(_) => {
            let [_, of_asked, of_runner] = events.map(|event| event.any() == Some(true));
            Happened { asked: of_asked && asked.is_some(), runner: of_runner && runner.is_some() }
        }
        Err(Errno::EINTR) => Happened { runner: false, asked: false },
        // Nothing could be noticed any more: the same as the runner's end.
        Err(_) => Happened { runner: true, asked: false },
    }
}

/// What was noticed before the end.
#[derive(Debug, Default)]
struct Seen {
    violation: Option<Violation>,
    killed_by: Option<i32>,
}

impl Seen {
    /// Takes what has happened, until nothing is left or the shim has ended.
    fn drain(&mut self, child: &Child) -> Option<Status> {
        loop {
            match trace::next_event() {
                Ok(Event::Nothing) => return None,
                Ok(event) => {
                    if let Some(status) = self.note(event, child) {
                        return Some(status);
                    }
                }
                // Somebody else has reaped it, which nobody can.
                Err(_) => return Some(Status::Signaled(Signal::SIGKILL as i32)),
            }
        }
    }

    fn note(&mut self, event: Event, child: &Child) -> Option<Status> {
        match event {
            Event::Exited { pid, code } if pid == child.pid() => return Some(Status::Exited(code)),
            Event::Signaled { pid, signal } if pid == child.pid() => {
                return Some(Status::Signaled(signal));
            }
            Event::Signal { pid, signal } if child.is_first() && ends_the_process(pid, signal) => {
                self.killed_by.get_or_insert(signal);
                child.kill();
            }
            Event::Signal { pid, signal } => drop(trace::resume(pid, signal)),
            Event::Ending { pid } => {
                self.note_violation(pid);
                let _ = trace::resume(pid, 0);
            }
            Event::Stopped { pid } => drop(trace::resume(pid, 0)),
            // A thread that has ended.
            Event::Exited { .. } | Event::Signaled { .. } | Event::Nothing => {}
        }
        None
    }

    /// If the task ends because of a system call, that is the call: the kernel's word, which the
    /// library cannot forge. All threads end then; only one of them made the call.
    fn note_violation(&mut self, pid: i32) {
        let by_filter = trace::exit_message(pid).is_ok_and(|status| status & 0x7f == libc::SIGSYS);
        if !by_filter || self.violation.is_some() {
            return;
        }
        if let Ok((number, args)) = trace::last_call(pid)
            && !is_listed(number)
        {
            let name = name(number).map(str::to_owned);
            self.violation = Some(Violation { number, name, args });
        }
    }

    fn ending(&mut self, status: Status) -> Ending {
        let status = match (status, self.killed_by) {
            (Status::Signaled(libc::SIGKILL), Some(signal)) => Status::Signaled(signal),
            (other, _) => other,
        };
        Ending { status, violation: self.violation.take() }
    }
}

/// Whether a signal would end a process that is not the first of its namespace.
///
/// The kernel ignores signals without a handler for the first process, and for a traced one even
/// those that come from a fault, which would then happen again without end. So the stage decides as
/// the kernel would for any other process.
fn ends_the_process(pid: i32, signal: i32) -> bool {
    const HARMLESS: [i32; 8] = [
        libc::SIGCHLD,
        libc::SIGURG,
        libc::SIGWINCH,
        libc::SIGCONT,
        libc::SIGSTOP,
        libc::SIGTSTP,
        libc::SIGTTIN,
        libc::SIGTTOU,
    ];
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mask = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
    };
    let bit = u32::try_from(signal - 1).ok().and_then(|bit| 1_u64.checked_shl(bit)).unwrap_or(0);
    let is_handled = (mask("SigCgt:") | mask("SigIgn:")) & bit != 0;
    !HARMLESS.contains(&signal) && !is_handled
}
