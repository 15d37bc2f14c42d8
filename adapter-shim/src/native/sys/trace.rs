//! Watching a child from outside: `ptrace(2)` and `waitpid(2)` with plain numbers, since nix knows
//! no real-time signals.

use super::checked;
use std::io;
use std::time::Duration;

/// What the kernel tells of a traced task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// Nothing has happened.
    Nothing,
    /// The process left by itself, after it had used processors for this long.
    Exited { pid: i32, code: i32, cpu: Duration },
    /// A signal killed the process, after it had used processors for this long.
    Signaled { pid: i32, signal: i32, cpu: Duration },
    /// The task is about to get a signal.
    Signal { pid: i32, signal: i32 },
    /// The task is about to end.
    Ending { pid: i32 },
    /// The task was stopped, as by SIGSTOP, and stays so until somebody lets it go on.
    Frozen { pid: i32 },
    /// The task stopped for something else: it has a new thread, or is one.
    Stopped { pid: i32 },
}

/// Becomes the tracer of a child: hears of its signals, its threads, and its end, and takes it
/// along when this process ends.
pub(crate) fn seize(pid: i32) -> io::Result<()> {
    let options = libc::PTRACE_O_TRACEEXIT | libc::PTRACE_O_TRACECLONE | libc::PTRACE_O_EXITKILL;
    let nothing = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: this request takes numbers only.
    let seized =
        unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, nothing, libc::c_long::from(options)) };
    checked(seized).map(drop)
}

/// Lets a stopped task go on, with `signal` delivered to it, or 0.
pub(crate) fn resume(pid: i32, signal: i32) -> io::Result<()> {
    let nothing = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: this request takes numbers only.
    let resumed =
        unsafe { libc::ptrace(libc::PTRACE_CONT, pid, nothing, libc::c_long::from(signal)) };
    checked(resumed).map(drop)
}

/// Leaves a task stopped that somebody has stopped, until SIGCONT.
pub(crate) fn leave_stopped(pid: i32) -> io::Result<()> {
    let nothing = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: this request takes numbers only.
    checked(unsafe { libc::ptrace(libc::PTRACE_LISTEN, pid, nothing, nothing) }).map(drop)
}

/// What has happened to any child, without waiting.
///
/// # Errors
/// `ECHILD` if there is none left.
pub(crate) fn next_event() -> io::Result<Event> {
    let mut status = 0;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    let flags = libc::__WALL | libc::WNOHANG;
    // SAFETY: `status` and `usage` live through the call.
    let pid = unsafe { libc::wait4(-1, &raw mut status, flags, usage.as_mut_ptr()) };
    if checked(pid.into())? == 0 {
        return Ok(Event::Nothing);
    }
    // SAFETY: every bit pattern, zeros too, is a value of it.
    let usage = unsafe { usage.assume_init() };
    let cpu = duration(usage.ru_utime).saturating_add(duration(usage.ru_stime));
    Ok(if libc::WIFEXITED(status) {
        Event::Exited { pid, code: libc::WEXITSTATUS(status), cpu }
    } else if libc::WIFSIGNALED(status) {
        Event::Signaled { pid, signal: libc::WTERMSIG(status), cpu }
    } else {
        match status >> 16 {
            0 => Event::Signal { pid, signal: libc::WSTOPSIG(status) },
            libc::PTRACE_EVENT_EXIT => Event::Ending { pid },
            libc::PTRACE_EVENT_STOP if libc::WSTOPSIG(status) != libc::SIGTRAP => {
                Event::Frozen { pid }
            }
            _ => Event::Stopped { pid },
        }
    })
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0));
    seconds.saturating_add(Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0)))
}

/// How the task that stopped at its end will have ended: a status as `waitpid(2)` tells it.
pub(crate) fn exit_message(pid: i32) -> io::Result<i32> {
    let mut message: libc::c_ulong = 0;
    let nothing = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: `message` is what this request writes to, and lives through the call.
    let read = unsafe { libc::ptrace(libc::PTRACE_GETEVENTMSG, pid, nothing, &raw mut message) };
    checked(read)?;
    i32::try_from(message).map_err(io::Error::other)
}

/// The system call that a stopped task made last, and its arguments.
#[cfg(target_arch = "x86_64")]
pub(crate) fn last_call(pid: i32) -> io::Result<(u64, [u64; 6])> {
    let registers = registers(pid)?;
    let args =
        [registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9];
    // A refused call is rolled back, which leaves its number in the register it was passed in.
    Ok((registers.rax, args))
}

/// As above.
#[cfg(target_arch = "aarch64")]
pub(crate) fn last_call(pid: i32) -> io::Result<(u64, [u64; 6])> {
    let registers = registers(pid)?;
    let [a, b, c, d, e, f, _, _, number, ..] = registers.regs;
    Ok((number, [a, b, c, d, e, f]))
}

/// Where a stopped task is: the address of its instruction, and its frame pointer, if it uses that
/// register as one.
pub(crate) fn place(pid: i32) -> io::Result<(u64, u64)> {
    let registers = registers(pid)?;
    #[cfg(target_arch = "x86_64")]
    let place = (registers.rip, registers.rbp);
    #[cfg(target_arch = "aarch64")]
    let place = {
        let [.., frame, _] = registers.regs;
        (registers.pc, frame)
    };
    Ok(place)
}

fn registers(pid: i32) -> io::Result<libc::user_regs_struct> {
    const NT_PRSTATUS: usize = 1;
    let mut registers = std::mem::MaybeUninit::<libc::user_regs_struct>::zeroed();
    let mut place =
        libc::iovec { iov_base: registers.as_mut_ptr().cast(), iov_len: size_of_val(&registers) };
    let set = std::ptr::without_provenance_mut::<libc::c_void>(NT_PRSTATUS);
    // SAFETY: `place` gives the address and the size of `registers`, which live through the call.
    let read = unsafe { libc::ptrace(libc::PTRACE_GETREGSET, pid, set, &raw mut place) };
    checked(read)?;
    // SAFETY: the kernel has written it, and every bit pattern, zeros too, is a value of it.
    Ok(unsafe { registers.assume_init() })
}
