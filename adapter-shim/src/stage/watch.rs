//! S5: watches the shim until it has ended. If the runner goes first, the shim goes with it.

use super::child::Child;
use super::control::Control;
use crate::confine::syscalls::{is_listed, name};
use crate::native::sys::trace::{self, Event};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use protocol::stage::{Ending, Status, Violation};
use std::os::fd::AsFd as _;

/// Waits for the end, and passes on on the way what a traced process must be passed.
pub(super) fn until_end(child: &mut Child, control: &Control) -> Ending {
    let mut seen = Seen::default();
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    let children = SignalFd::with_flags(&SigSet::from(Signal::SIGCHLD), flags);
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
        let mut events = [
            PollFd::new(control.as_fd(), PollFlags::POLLIN),
            PollFd::new(children.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut events, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => child.kill(),
        }
        // The runner has said all it has to say: whatever comes now is its end.
        if events.first().and_then(PollFd::any) == Some(true) {
            child.kill();
            // Its end comes by the other descriptor alone from here on.
            return seen.wait(child);
        }
        while let Ok(Some(_)) = children.read_signal() {}
    }
}

/// What was noticed before the end.
#[derive(Debug, Default)]
struct Seen {
    violation: Option<Violation>,
    signals: [i32; 2],
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
            Event::Signal { pid, signal } => {
                let [_, last] = self.signals;
                self.signals = [last, signal];
                let _ = trace::resume(pid, signal);
            }
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

    fn wait(&mut self, child: &mut Child) -> Ending {
        let mut ended = [PollFd::new(child.pidfd().as_fd(), PollFlags::POLLIN)];
        loop {
            if let Some(status) = self.drain(child) {
                child.reaped();
                return self.ending(status);
            }
            // In small steps: stops on the way to the end do not show in this descriptor.
            let _ = poll(&mut ended, 1_u8);
        }
    }

    /// The first process of a namespace cannot be killed by `abort`: the C library raises SIGABRT,
    /// which is ignored there, and then runs an instruction that faults. What was meant counts.
    fn ending(&mut self, status: Status) -> Ending {
        const ABORTED: [i32; 2] = [Signal::SIGABRT as i32, Signal::SIGSEGV as i32];
        let status = match status {
            Status::Signaled(libc::SIGSEGV) if self.signals == ABORTED => {
                Status::Signaled(libc::SIGABRT)
            }
            other => other,
        };
        Ending { status, violation: self.violation.take() }
    }
}
