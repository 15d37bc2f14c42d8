//! S5: watches the shim until it has ended. If the runner goes first, the shim goes with it.

use super::child::Child;
use super::control::Control;
use super::crash::{self, Record};
use super::notices::Notices;
use super::usage::{self, Status as ProcStatus};
use crate::confine::syscalls::{is_listed, name};
use crate::native::sys::trace::{self, Event};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use protocol::stage::{Crash, Ending, Status, Violation};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::{Duration, Instant};

/// How long the shim's handler may take to write down where it crashed. It takes less than a
/// millisecond, or waits for a lock that nobody will give back.
const HANDLER_TIME: Duration = Duration::from_millis(500);

/// Waits for the end, and passes on on the way what a traced process must be passed.
pub(super) fn until_end(child: &mut Child, control: &mut Control, notices: &mut Notices) -> Ending {
    let mut seen = Seen::default();
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    let children = SignalFd::with_flags(&SigSet::from(Signal::SIGCHLD), flags);
    let mut has_runner = true;
    loop {
        if let Some((status, cpu)) = seen.drain(child, notices) {
            child.reaped();
            return seen.ending(status, cpu);
        }
        seen.end_handler(child, notices);
        let Ok(children) = &children else {
            // Without it nothing could be noticed in time: nothing may run then.
            child.kill();
            continue;
        };
        let runner = has_runner.then(|| control.as_fd());
        let Happened { runner, asked } = wait(runner, children, notices, seen.timeout());
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
fn wait(
    runner: Option<BorrowedFd<'_>>,
    children: &SignalFd,
    notices: &Notices,
    timeout: PollTimeout,
) -> Happened {
    let asked = notices.descriptor();
    // What is not there is replaced by what is waited for anyway.
    let waited =
        [children.as_fd(), asked.unwrap_or(children.as_fd()), runner.unwrap_or(children.as_fd())];
    let mut events = waited.map(|fd| PollFd::new(fd, PollFlags::POLLIN));
    match poll(&mut events, timeout) {
        Ok(_) => {
            let [_, of_asked, of_runner] = events.map(|event| event.any() == Some(true));
            Happened { asked: of_asked && asked.is_some(), runner: of_runner && runner.is_some() }
        }
        Err(Errno::EINTR) => Happened { runner: false, asked: false },
        // Nothing could be noticed any more: the same as the runner's end.
        Err(_) => Happened { runner: true, asked: false },
    }
}

/// A signal of a crash that has a handler: the shim's own, or one of the library's.
#[derive(Debug, Clone, Copy)]
struct Handled {
    pid: i32,
    signal: i32,
    since: Instant,
}

/// What was noticed before the end.
#[derive(Debug, Default)]
struct Seen {
    violation: Option<Violation>,
    killed_by: Option<i32>,
    handled: Option<Handled>,
    crash: Option<Crash>,
    usage: usage::Seen,
}

impl Seen {
    /// Takes what has happened, until nothing is left or the shim has ended.
    fn drain(&mut self, child: &Child, notices: &mut Notices) -> Option<(Status, Duration)> {
        loop {
            match trace::next_event() {
                Ok(Event::Nothing) => return None,
                Ok(event) => {
                    if let Some(end) = self.note(event, child, notices) {
                        return Some(end);
                    }
                }
                // Somebody else has reaped it, which nobody can.
                Err(_) => return Some((Status::Signaled(Signal::SIGKILL as i32), Duration::ZERO)),
            }
        }
    }

    fn note(
        &mut self,
        event: Event,
        child: &Child,
        notices: &mut Notices,
    ) -> Option<(Status, Duration)> {
        match event {
            Event::Exited { pid, code, cpu } if pid == child.pid() => {
                return Some((Status::Exited(code), cpu));
            }
            Event::Signaled { pid, signal, cpu } if pid == child.pid() => {
                return Some((Status::Signaled(signal), cpu));
            }
            Event::Signal { pid, signal } => self.note_signal(pid, signal, child, notices),
            Event::Ending { pid } => {
                self.note_violation(pid);
                if pid == child.pid() {
                    self.usage.look(&ProcStatus::of(pid));
                }
                let _ = trace::resume(pid, 0);
            }
            Event::Frozen { pid } => drop(trace::leave_stopped(pid)),
            Event::Stopped { pid } => drop(trace::resume(pid, 0)),
            // A thread that has ended.
            Event::Exited { .. } | Event::Signaled { .. } | Event::Nothing => {}
        }
        None
    }

    /// Passes a signal on, or ends the process in the kernel's place.
    fn note_signal(&mut self, pid: i32, signal: i32, child: &Child, notices: &mut Notices) {
        let status = ProcStatus::of(pid);
        if !status.is_ended_by(signal) {
            if crash::is_crash(signal) {
                let handled = Handled { pid, signal, since: Instant::now() };
                self.handled.get_or_insert(handled);
            }
            let _ = trace::resume(pid, signal);
            return;
        }
        self.usage.look(&status);
        if crash::is_crash(signal) && self.crash.is_none() {
            let record = notices.crash_record().and_then(|address| Record::read(pid, address));
            // The one with which it began, if the handler has met another one on its way.
            let first = record.as_ref().map_or(signal, |record| self.first(record, signal));
            self.killed_by.get_or_insert(first);
            let inside = record.and_then(|record| record.crash(pid));
            self.crash = inside.or_else(|| crash::from_outside(pid));
        }
        if child.is_first() {
            self.killed_by.get_or_insert(signal);
            child.kill();
        } else {
            let _ = trace::resume(pid, signal);
        }
    }

    /// The signal that a record is about, if it is one that the kernel has told of.
    fn first(&self, record: &Record, last: i32) -> i32 {
        match self.handled {
            Some(handled) if handled.signal == record.signal => handled.signal,
            _ => last,
        }
    }

    /// How long to wait for the end of a handler.
    fn timeout(&self) -> PollTimeout {
        match self.handled {
            None => PollTimeout::NONE,
            Some(handled) => {
                let left = HANDLER_TIME.saturating_sub(handled.since.elapsed());
                // Up, so that the time has come when the wait ends.
                let left = left.as_millis().saturating_add(1);
                PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
            }
        }
    }

    /// Ends a process whose handler does not come to its end. A handler of the library's own, which
    /// leaves no record, may take as long as it likes.
    fn end_handler(&mut self, child: &Child, notices: &mut Notices) {
        let Some(handled) = self.handled.filter(|it| it.since.elapsed() >= HANDLER_TIME) else {
            return;
        };
        self.handled = None;
        let record = notices.crash_record();
        let Some(record) = record.and_then(|address| Record::read(handled.pid, address)) else {
            return;
        };
        self.usage.look(&ProcStatus::of(handled.pid));
        self.crash = record.crash(handled.pid);
        self.killed_by.get_or_insert(handled.signal);
        child.kill();
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

    fn ending(&mut self, status: Status, cpu: Duration) -> Ending {
        let status = match (status, self.killed_by) {
            (Status::Signaled(libc::SIGKILL), Some(signal)) => Status::Signaled(signal),
            (other, _) => other,
        };
        let (violation, crash) = (self.violation.take(), self.crash.take());
        Ending { status, violation, crash, usage: self.usage.usage(cpu) }
    }
}
