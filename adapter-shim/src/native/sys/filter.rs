//! System call filters: the page that holds one, and the call that installs it from there.

use super::checked;
use seccompiler::sock_filter;
use std::io;
use std::ptr::NonNull;

/// `mseal(2)`, Linux 6.10.
const SYS_MSEAL: libc::c_long = 462;

/// `struct sock_fprog`.
#[repr(C)]
struct Program {
    length: libc::c_ushort,
    filter: *const sock_filter,
}

/// A filter in memory of its own that nobody can change any more: read-only, and sealed where the
/// kernel can. Never freed.
#[derive(Debug)]
pub(crate) struct SealedFilter {
    page: NonNull<libc::c_void>,
    is_sealed: bool,
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
        // SAFETY: only our own memory is sealed.
        let sealed = checked(unsafe { libc::syscall(SYS_MSEAL, page.as_ptr(), bytes, 0) });
        Ok(Self { page, is_sealed: sealed.is_ok() })
    }

    /// Where the kernel finds it: what `seccomp(2)` takes as its third argument.
    pub(crate) fn address(&self) -> u64 {
        self.page.as_ptr().addr() as u64
    }

    /// Whether the kernel has sealed the memory.
    pub(crate) fn is_sealed(&self) -> bool {
        self.is_sealed
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
