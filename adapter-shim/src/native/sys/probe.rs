//! What the kernel can do for filters. Nothing is installed by asking.

use super::checked;
use super::filter::SYS_MSEAL;
use std::io;

/// Whether filters can have this answer (`SECCOMP_RET_*`).
pub(crate) fn has_filter_answer(answer: u32) -> io::Result<()> {
    let operation = libc::SECCOMP_GET_ACTION_AVAIL;
    // SAFETY: the kernel reads one word, which lives through the call.
    checked(unsafe { libc::syscall(libc::SYS_seccomp, operation, 0, &raw const answer) }).map(drop)
}

/// Whether a filter can be put on every thread at once.
pub(crate) fn has_filters_for_every_thread() -> io::Result<()> {
    let (mode, flag) = (libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_TSYNC);
    let nothing = std::ptr::null::<libc::c_void>();
    // SAFETY: the kernel does not follow null; it says so.
    match checked(unsafe { libc::syscall(libc::SYS_seccomp, mode, flag, nothing) }) {
        // It looks at flags first: an unknown one is EINVAL.
        Err(error) if error.raw_os_error() == Some(libc::EFAULT) => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Seals a page of memory, which stays until the process ends.
pub(crate) fn seal_a_page() -> io::Result<()> {
    /// The kernel rounds up to a whole page.
    const BYTES: usize = 1;
    let private = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: asks for new memory.
    let page = unsafe { libc::mmap(std::ptr::null_mut(), BYTES, libc::PROT_READ, private, -1, 0) };
    if page == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: only our own memory is sealed.
    checked(unsafe { libc::syscall(SYS_MSEAL, page, BYTES, 0) }).map(drop)
}
