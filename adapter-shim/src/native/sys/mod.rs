//! System calls for which no crate in use has a safe function.
//!
//! - this file: descriptors, signals, the end of the process.
//! - [`crash`]: handlers for the signals of a crash.
//! - [`jail`]: what building a jail takes.
//! - [`filter`]: system call filters, and the page that holds one.
//! - [`notify`]: the questions of a filter that asks.
//! - [`probe`]: what the kernel can do for filters.
//! - [`trace`]: watching a child from outside.

pub(crate) mod crash;
pub(crate) mod filter;
pub(crate) mod jail;
pub(crate) mod notify;
pub(crate) mod probe;
pub(crate) mod trace;

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, FromRawFd as _, OwnedFd};

/// What a system call returned, with its error.
fn checked(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Marks every descriptor from `first` upwards as closed.
///
/// Only for a process that owns nothing from there on: it closes descriptors whoever owns them.
pub(crate) fn close_from(first: u32) -> io::Result<()> {
    // SAFETY: closing a descriptor touches no memory. That no owner of one exists is what the
    // caller answers for.
    checked(unsafe { libc::close_range(first, libc::c_uint::MAX, 0) }.into()).map(drop)
}

/// Takes over a descriptor by its number.
///
/// Only for numbers that this program was started with, each once.
pub(crate) fn inherited(number: i32) -> Option<OwnedFd> {
    // SAFETY: asks only whether the number is open.
    let is_open = unsafe { libc::fcntl(number, libc::F_GETFD) } >= 0;
    // SAFETY: it is open, and nobody else owns it: the caller takes each number once.
    is_open.then(|| unsafe { OwnedFd::from_raw_fd(number) })
}

/// Makes `number` another name of `fd`, with these flags (`O_CLOEXEC`), whatever it named before.
///
/// Only for a process that is about to execute a program: others may believe to own the number.
pub(crate) fn place(fd: impl AsFd, number: i32, flags: i32) -> nix::Result<()> {
    // SAFETY: no pointers. That nobody relies on the number is what the caller answers for.
    nix::errno::Errno::result(unsafe { libc::dup3(fd.as_fd().as_raw_fd(), number, flags) })
        .map(drop)
}

/// Makes the kernel report a write beyond the file size limit as an error instead of a signal.
pub(crate) fn ignore_file_size_signal() -> io::Result<()> {
    set_handler(libc::SIGXFSZ, libc::SIG_IGN)
}

/// Gives the signals for memory faults back to the kernel. Rust's runtime has handlers for them,
/// which would let a library survive one `raise`.
pub(crate) fn default_fault_signals() -> io::Result<()> {
    set_handler(libc::SIGSEGV, libc::SIG_DFL)?;
    set_handler(libc::SIGBUS, libc::SIG_DFL)
}

/// Undoes what a parent can leave behind in a child: ignored and blocked signals.
pub(crate) fn reset_signals() -> io::Result<()> {
    for signal in [libc::SIGCHLD, libc::SIGHUP, libc::SIGINT, libc::SIGTERM, libc::SIGQUIT] {
        set_handler(signal, libc::SIG_DFL)?;
    }
    // A closed connection is an error here, never a signal.
    set_handler(libc::SIGPIPE, libc::SIG_IGN)
}

fn set_handler(signal: i32, handler: libc::sighandler_t) -> io::Result<()> {
    // SAFETY: neither SIG_IGN nor SIG_DFL is a handler, so no code of ours runs in a signal.
    match unsafe { libc::signal(signal, handler) } {
        libc::SIG_ERR => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Ends the process without destructors: those of a library are foreign code.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: ends the process, nothing runs afterwards.
    unsafe { libc::_exit(code) }
}
