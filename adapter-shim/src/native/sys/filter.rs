//! System call filters: the page that holds one, and the call that installs it from there.

use super::checked;
use seccompiler::sock_filter;
use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::ptr::NonNull;

/// `mseal(2)`, Linux 6.10.
pub(super) const SYS_MSEAL: libc::c_long = 462;

/// `struct sock_fprog`.
#[repr(C)]
struct Program {
    length: libc::c_ushort,
    filter: *const sock_filter,
}

/// Installs a filter whose `SECCOMP_RET_USER_NOTIF` answers are asked for through the descriptor that
/// is returned: whoever reads from it decides. `None` if the kernel has no such answers, or another
/// supervisor has taken them; nothing is installed then.
pub(crate) fn install_with_listener(filter: &[sock_filter]) -> io::Result<Option<OwnedFd>> {
    let length = u16::try_from(filter.len()).map_err(io::Error::other)?;
    let program = Program { length, filter: filter.as_ptr() };
    let (mode, listener) = (libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER);
    // SAFETY: the program points at as many instructions as it says, and both live through the call.
    let result =
        checked(unsafe { libc::syscall(libc::SYS_seccomp, mode, listener, &raw const program) });
    match result {
        Ok(fd) => {
            let fd = i32::try_from(fd).map_err(io::Error::other)?;
            // SAFETY: the kernel returned a new descriptor.
            Ok(Some(unsafe { OwnedFd::from_raw_fd(fd) }))
        }
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EBUSY)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A filter in memory of its own that nobody can change any more: read-only, and sealed where the
/// kernel can. Never freed.
#[derive(Debug)]
pub(crate) struct SealedFilter {
    page: NonNull<libc::c_void>,
}

// SAFETY: the memory is read-only.
unsafe impl Send for SealedFilter {}

impl SealedFilter {
    /// Copies `filter` into memory of its own and closes it.
    pub(crate) fn new(filter: &[sock_filter]) -> io::Result<Self> {
        let head = size_of::<Program>();
        let bytes = head + size_of_val(filter);
        let (rw, private) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: asks for new memory.
        let page = unsafe { libc::mmap(std::ptr::null_mut(), bytes, rw, private, -1, 0) };
        if page == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let page = NonNull::new(page).ok_or(io::ErrorKind::OutOfMemory)?;
        // SAFETY: `head` bytes lie before it, and the memory has `bytes`.
        let code = unsafe { page.byte_add(head) }.cast::<sock_filter>();
        let length = u16::try_from(filter.len()).map_err(io::Error::other)?;
        // SAFETY: the new memory is large enough for both, is aligned to a page, and `head` is a
        // multiple of the alignment of `sock_filter`; nobody else knows it.
        unsafe {
            page.cast::<Program>().write(Program { length, filter: code.as_ptr() });
            code.copy_from_nonoverlapping(NonNull::from(filter).cast(), filter.len());
        }
        // SAFETY: only our own memory is made read-only; nobody writes it from here on.
        checked(unsafe { libc::mprotect(page.as_ptr(), bytes, libc::PROT_READ) }.into())?;
        // SAFETY: only our own memory is sealed. On a kernel without the call a library could put
        // another filter in its place and keep the rights to load; `wrun doctor` says so.
        unsafe { libc::syscall(SYS_MSEAL, page.as_ptr(), bytes, 0) };
        Ok(Self { page })
    }

    /// Where the kernel finds it: what `seccomp(2)` takes as its third argument.
    pub(crate) fn address(&self) -> u64 {
        self.page.as_ptr().addr() as u64
    }

    /// Installs it on every thread of the process.
    ///
    /// # Errors
    /// Also if one thread cannot take it: the kernel then returns that thread's id, which is no
    /// success.
    pub(crate) fn install(&self) -> io::Result<()> {
        let (mode, every_thread) = (libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_TSYNC);
        // SAFETY: the page holds a `sock_fprog` that points at as many instructions as it says.
        let result =
            unsafe { libc::syscall(libc::SYS_seccomp, mode, every_thread, self.page.as_ptr()) };
        match checked(result)? {
            0 => Ok(()),
            thread => Err(io::Error::other(format!("thread {thread} has filters of its own"))),
        }
    }
}
