//! `files`: what a library does with granted trees. Which files those are is decided by mounts and
//! Landlock; a path is never looked at here.

use super::Test::{Int, IntMasked, LongMasked};
use super::{Call, Test, call};

const fn int(value: i32) -> u32 {
    value.cast_unsigned()
}

/// Everything but handles without rights (`O_PATH`), signals on data (`O_ASYNC`), and files without
/// a name, which only make sense for linking them by `/proc`.
const OPEN: u32 = int(libc::O_ACCMODE
    | libc::O_CREAT
    | libc::O_EXCL
    | libc::O_NOCTTY
    | libc::O_TRUNC
    | libc::O_APPEND
    | libc::O_NONBLOCK
    | libc::O_SYNC
    | libc::O_DIRECT
    | 0o100_000 // O_LARGEFILE, as the kernel has it
    | libc::O_DIRECTORY
    | libc::O_NOFOLLOW
    | libc::O_NOATIME
    | libc::O_CLOEXEC);
const OPEN_AT: &[&[Test]] = &[&[IntMasked(2, !OPEN, 0)]];
#[cfg(target_arch = "x86_64")]
const OPEN_PATH: &[&[Test]] = &[&[IntMasked(1, !OPEN, 0)]];

/// Status flags, close-on-exec, copies, and locks; not whom to send signals to.
const FCNTL: &[&[Test]] = &[
    &[Int(1, int(libc::F_GETFD))],
    &[Int(1, int(libc::F_SETFD))],
    &[Int(1, int(libc::F_GETFL))],
    &[Int(1, int(libc::F_SETFL)), IntMasked(2, int(libc::O_ASYNC), 0)],
    &[Int(1, int(libc::F_DUPFD_CLOEXEC))],
    &[Int(1, int(libc::F_GETLK))],
    &[Int(1, int(libc::F_SETLK))],
    &[Int(1, int(libc::F_SETLKW))],
    &[Int(1, int(libc::F_OFD_GETLK))],
    &[Int(1, int(libc::F_OFD_SETLK))],
    &[Int(1, int(libc::F_OFD_SETLKW))],
];

/// Shared with a file, or a private copy of it; never executable.
const MAP_FILE: &[&[Test]] = &[&[
    LongMasked(2, !(int(libc::PROT_READ | libc::PROT_WRITE) as u64), 0),
    LongMasked(
        3,
        !(int(libc::MAP_SHARED
            | libc::MAP_PRIVATE
            | libc::MAP_FIXED
            | libc::MAP_NORESERVE
            | libc::MAP_POPULATE) as u64),
        0,
    ),
]];

const PLAIN: &[&[Test]] = &[];

const fn file(
    name: &'static str,
    number: i64,
    when: &'static [&'static [Test]],
    why: &'static str,
) -> Call {
    call(name, number, when, why, "pkcs11")
}

/// Open, read, write, lock and arrange files.
pub const FILES: &[Call] = &[
    file("openat", libc::SYS_openat, OPEN_AT, "opens files"),
    file("mmap", libc::SYS_mmap, MAP_FILE, "maps files"),
    file("msync", libc::SYS_msync, PLAIN, "writes mapped files back"),
    file("fcntl", libc::SYS_fcntl, FCNTL, "locks files, sets flags"),
    file("flock", libc::SYS_flock, PLAIN, "locks files"),
    file("newfstatat", libc::SYS_newfstatat, PLAIN, "looks at files"),
    file("fstat", libc::SYS_fstat, PLAIN, "looks at files"),
    file("statx", libc::SYS_statx, PLAIN, "looks at files"),
    file("statfs", libc::SYS_statfs, PLAIN, "looks at file systems"),
    file("fstatfs", libc::SYS_fstatfs, PLAIN, "looks at file systems"),
    file("getdents64", libc::SYS_getdents64, PLAIN, "lists folders"),
    file("lseek", libc::SYS_lseek, PLAIN, "moves in files"),
    file("pread64", libc::SYS_pread64, PLAIN, "reads files"),
    file("preadv", libc::SYS_preadv, PLAIN, "reads files"),
    file("readv", libc::SYS_readv, PLAIN, "reads files"),
    file("pwrite64", libc::SYS_pwrite64, PLAIN, "writes files"),
    file("pwritev", libc::SYS_pwritev, PLAIN, "writes files"),
    file("ftruncate", libc::SYS_ftruncate, PLAIN, "sets lengths"),
    file("truncate", libc::SYS_truncate, PLAIN, "sets lengths"),
    file("fallocate", libc::SYS_fallocate, PLAIN, "reserves room"),
    file("fsync", libc::SYS_fsync, PLAIN, "writes to the disk"),
    file("fdatasync", libc::SYS_fdatasync, PLAIN, "writes to the disk"),
    file("sync_file_range", libc::SYS_sync_file_range, PLAIN, "writes to the disk"),
    file("fadvise64", libc::SYS_fadvise64, PLAIN, "says how it will read"),
    file("readahead", libc::SYS_readahead, PLAIN, "says how it will read"),
    file("faccessat", libc::SYS_faccessat, PLAIN, "asks for rights"),
    file("faccessat2", libc::SYS_faccessat2, PLAIN, "asks for rights"),
    file("readlinkat", libc::SYS_readlinkat, PLAIN, "reads links"),
    file("mkdirat", libc::SYS_mkdirat, PLAIN, "makes folders"),
    file("unlinkat", libc::SYS_unlinkat, PLAIN, "removes files"),
    file("renameat", libc::SYS_renameat, PLAIN, "renames files"),
    file("renameat2", libc::SYS_renameat2, PLAIN, "renames files"),
    file("fchmod", libc::SYS_fchmod, PLAIN, "sets modes of its files"),
    file("fchmodat", libc::SYS_fchmodat, PLAIN, "sets modes of its files"),
    file("utimensat", libc::SYS_utimensat, PLAIN, "sets times of its files"),
    file("umask", libc::SYS_umask, PLAIN, "sets modes of new files"),
    file("getcwd", libc::SYS_getcwd, PLAIN, "makes paths absolute"),
    file("getuid", libc::SYS_getuid, PLAIN, "compares owners"),
    file("geteuid", libc::SYS_geteuid, PLAIN, "compares owners"),
    file("getgid", libc::SYS_getgid, PLAIN, "compares owners"),
    file("getegid", libc::SYS_getegid, PLAIN, "compares owners"),
    #[cfg(target_arch = "x86_64")]
    file("open", libc::SYS_open, OPEN_PATH, "opens files"),
    #[cfg(target_arch = "x86_64")]
    file("stat", libc::SYS_stat, PLAIN, "looks at files"),
    #[cfg(target_arch = "x86_64")]
    file("lstat", libc::SYS_lstat, PLAIN, "looks at files"),
    #[cfg(target_arch = "x86_64")]
    file("access", libc::SYS_access, PLAIN, "asks for rights"),
    #[cfg(target_arch = "x86_64")]
    file("readlink", libc::SYS_readlink, PLAIN, "reads links"),
    #[cfg(target_arch = "x86_64")]
    file("mkdir", libc::SYS_mkdir, PLAIN, "makes folders"),
    #[cfg(target_arch = "x86_64")]
    file("rmdir", libc::SYS_rmdir, PLAIN, "removes folders"),
    #[cfg(target_arch = "x86_64")]
    file("unlink", libc::SYS_unlink, PLAIN, "removes files"),
    #[cfg(target_arch = "x86_64")]
    file("rename", libc::SYS_rename, PLAIN, "renames files"),
    #[cfg(target_arch = "x86_64")]
    file("chmod", libc::SYS_chmod, PLAIN, "sets modes of its files"),
];
