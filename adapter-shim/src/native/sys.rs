//! System calls for which no crate in use has a safe function.

use std::io;

/// Marks every descriptor from 3 upwards as closed.
///
/// Only for the start of `main`, before this process has opened anything: it closes descriptors
/// whoever owns them.
pub(crate) fn close_inherited() -> io::Result<()> {
    // SAFETY: closing a descriptor touches no memory. That no owner of one exists is what the
    // caller answers for.
    match unsafe { libc::close_range(3, libc::c_uint::MAX, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Makes the kernel report a write beyond the file size limit as an error instead of a signal.
pub(crate) fn ignore_file_size_signal() -> io::Result<()> {
    // SAFETY: SIG_IGN is no handler, so no code of ours ever runs in a signal.
    match unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) } {
        libc::SIG_ERR => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Ends the process without destructors: those of a library are foreign code.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: ends the process, nothing runs afterwards.
    unsafe { libc::_exit(code) }
}
