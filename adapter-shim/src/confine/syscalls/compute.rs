//! What computing takes, and the small sets beside it.

use super::Test::{Int, IntMasked, Long, LongMasked, OwnProcess, SealedFilter};
use super::{Call, Test, call};

/// Low halves of libc's constants.
const fn int(value: i32) -> u32 {
    value.cast_unsigned()
}

/// As an argument of 64 bits. Flags are never negative.
const fn long(value: i32) -> u64 {
    value.cast_unsigned() as u64
}

const READ_WRITE: u64 = long(libc::PROT_READ | libc::PROT_WRITE);
const PRIVATE_MEMORY: u64 = long(
    libc::MAP_PRIVATE
        | libc::MAP_ANONYMOUS
        | libc::MAP_FIXED
        | libc::MAP_NORESERVE
        | libc::MAP_STACK
        | MAP_FIXED_NOREPLACE,
);
const MAP_FIXED_NOREPLACE: i32 = libc::MAP_FIXED_NOREPLACE;
const ANONYMOUS: u64 = long(libc::MAP_ANONYMOUS);

/// Memory without a file, never executable, never shared.
const ANONYMOUS_MEMORY: &[&[Test]] = &[&[
    LongMasked(2, !READ_WRITE, 0),
    LongMasked(3, !PRIVATE_MEMORY, 0),
    LongMasked(3, ANONYMOUS, ANONYMOUS),
]];
const NOT_EXECUTABLE: &[&[Test]] = &[&[LongMasked(2, !READ_WRITE, 0)]];
const MAY_MOVE: &[&[Test]] = &[&[LongMasked(3, !long(libc::MREMAP_MAYMOVE), 0)]];

const MADV_GUARD_INSTALL: u32 = 102;
const MADV_GUARD_REMOVE: u32 = 103;
const ADVICE: &[&[Test]] = &[
    &[Int(2, int(libc::MADV_NORMAL))],
    &[Int(2, int(libc::MADV_DONTNEED))],
    &[Int(2, int(libc::MADV_FREE))],
    &[Int(2, int(libc::MADV_HUGEPAGE))],
    &[Int(2, int(libc::MADV_NOHUGEPAGE))],
    &[Int(2, int(libc::MADV_DONTDUMP))],
    &[Int(2, MADV_GUARD_INSTALL)],
    &[Int(2, MADV_GUARD_REMOVE)],
];

/// The operation without the flags for private futexes and for the clock.
const FUTEX_OPERATION: u32 = !int(libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME);
const FUTEX: &[&[Test]] = &[
    &[IntMasked(1, FUTEX_OPERATION, int(libc::FUTEX_WAIT))],
    &[IntMasked(1, FUTEX_OPERATION, int(libc::FUTEX_WAKE))],
    &[IntMasked(1, FUTEX_OPERATION, int(libc::FUTEX_REQUEUE))],
    &[IntMasked(1, FUTEX_OPERATION, int(libc::FUTEX_CMP_REQUEUE))],
    &[IntMasked(1, FUTEX_OPERATION, int(libc::FUTEX_WAKE_OP))],
    &[IntMasked(1, FUTEX_OPERATION, int(libc::FUTEX_WAIT_BITSET))],
    &[IntMasked(1, FUTEX_OPERATION, int(libc::FUTEX_WAKE_BITSET))],
];

/// Clocks of the machine and of this process; negative ids are clocks of other processes.
const CLOCKS: &[&[Test]] = &[&[IntMasked(0, !7, 0)]];
const SLEEPING_CLOCKS: &[&[Test]] =
    &[&[Int(0, int(libc::CLOCK_REALTIME))], &[Int(0, int(libc::CLOCK_MONOTONIC))]];
const RANDOM: &[&[Test]] = &[&[IntMasked(2, !(libc::GRND_NONBLOCK | libc::GRND_INSECURE), 0)]];

const PR_SET_VMA: u32 = 0x5356_4d41;
const NAMES: &[&[Test]] = &[&[Int(0, int(libc::PR_SET_NAME))], &[Int(0, PR_SET_VMA), Long(1, 0)]];
const OWN_LIMITS_READ: &[&[Test]] = &[&[Int(0, 0), Long(2, 0)]];

/// What every library may do: work with memory, with what is open, with time and its own signals.
/// Nothing here makes a descriptor, takes a path, makes a process, or maps memory that is shared or
/// executable.
pub const COMPUTE: &[Call] = &[
    call("read", libc::SYS_read, &[], "takes requests", "echo"),
    call("write", libc::SYS_write, &[], "prints to stderr", "fault"),
    call("writev", libc::SYS_writev, &[], "sends answers", "echo"),
    call("close", libc::SYS_close, &[], "closes a library's file", "echo"),
    #[cfg(target_arch = "x86_64")]
    call("poll", libc::SYS_poll, &[], "waits on what is open", "evil"),
    call("ppoll", libc::SYS_ppoll, &[], "waits on what is open", "evil"),
    call("munmap", libc::SYS_munmap, &[], "frees memory", "echo"),
    call("brk", libc::SYS_brk, &[], "allocates memory", "echo"),
    call("mmap", libc::SYS_mmap, ANONYMOUS_MEMORY, "allocates memory", "echo"),
    call("mprotect", libc::SYS_mprotect, NOT_EXECUTABLE, "guards stacks and heaps", "echo"),
    call("mremap", libc::SYS_mremap, MAY_MOVE, "grows memory", "echo"),
    call("madvise", libc::SYS_madvise, ADVICE, "gives memory back", "echo"),
    call("futex", libc::SYS_futex, FUTEX, "waits for locks", "evil"),
    call("set_robust_list", libc::SYS_set_robust_list, &[], "starts threads", "evil"),
    call("rseq", libc::SYS_rseq, &[], "starts threads", "evil"),
    call("sched_yield", libc::SYS_sched_yield, &[], "lets others run", "evil"),
    call(
        "sched_getaffinity",
        libc::SYS_sched_getaffinity,
        &[&[Int(0, 0)]],
        "counts processors",
        "evil",
    ),
    call("gettid", libc::SYS_gettid, &[], "raises signals in itself", "fault"),
    call("getpid", libc::SYS_getpid, &[], "raises signals in itself", "fault"),
    call("exit", libc::SYS_exit, &[], "ends a thread", "evil"),
    call("exit_group", libc::SYS_exit_group, &[], "ends the process", "fault"),
    call("rt_sigaction", libc::SYS_rt_sigaction, &[], "handles own signals", "fault"),
    call("rt_sigprocmask", libc::SYS_rt_sigprocmask, &[], "handles own signals", "fault"),
    call("rt_sigreturn", libc::SYS_rt_sigreturn, &[], "handles own signals", "fault"),
    call("sigaltstack", libc::SYS_sigaltstack, &[], "handles own signals", "evil"),
    call("restart_syscall", libc::SYS_restart_syscall, &[], "goes on after a stop", "fault"),
    call("tgkill", libc::SYS_tgkill, &[&[OwnProcess(0)]], "raises signals in itself", "fault"),
    call("clock_gettime", libc::SYS_clock_gettime, CLOCKS, "tells the time", "evil"),
    call("clock_nanosleep", libc::SYS_clock_nanosleep, SLEEPING_CLOCKS, "sleeps", "evil"),
    call("nanosleep", libc::SYS_nanosleep, &[], "sleeps", "evil"),
    call("getrandom", libc::SYS_getrandom, RANDOM, "seeds hash tables and keys", "pkcs11"),
    call("prctl", libc::SYS_prctl, NAMES, "names threads and memory", "evil"),
    call("prlimit64", libc::SYS_prlimit64, OWN_LIMITS_READ, "reads its own limits", "evil"),
];

/// What glibc asks for when it starts a thread; musl asks for the same and `CLONE_DETACHED`.
const THREAD: u64 = 0x003d_0f00;
const THREAD_MUSL: u64 = 0x007d_0f00;

/// `threads`: exactly the flags of a thread, so never a process and never a namespace.
pub const THREADS: &[Call] = &[call(
    "clone",
    libc::SYS_clone,
    &[&[Long(0, THREAD)], &[Long(0, THREAD_MUSL)]],
    "starts threads",
    "evil",
)];

/// `devices`: commands for what `files` has opened.
pub const DEVICES: &[Call] =
    &[call("ioctl", libc::SYS_ioctl, NOT_THE_TERMINAL, "controls a granted device", "jail")];

/// Any command whose second byte is not `T`, the letter of the terminals, whose commands type into
/// them. The kernel reads the low half. "Not equal" is "differs in one of eight bits".
const NOT_THE_TERMINAL: &[&[Test]] = &[
    &[IntMasked(1, 1 << 8, 1 << 8)],
    &[IntMasked(1, 1 << 9, 1 << 9)],
    &[IntMasked(1, 1 << 10, 0)],
    &[IntMasked(1, 1 << 11, 1 << 11)],
    &[IntMasked(1, 1 << 12, 0)],
    &[IntMasked(1, 1 << 13, 1 << 13)],
    &[IntMasked(1, 1 << 14, 0)],
    &[IntMasked(1, 1 << 15, 1 << 15)],
];

/// Reading, and nothing that makes or changes a file.
const OPEN_TO_READ: &[&[Test]] =
    &[&[IntMasked(2, !int(libc::O_CLOEXEC | O_LARGEFILE | libc::O_NOFOLLOW), 0)]];
/// What the kernel, not libc, calls so.
const O_LARGEFILE: i32 = 0o100_000;

const FILE_FLAGS: u64 = long(libc::MAP_PRIVATE | libc::MAP_FIXED | libc::MAP_DENYWRITE);
const PRIVATE: u64 = long(libc::MAP_PRIVATE);
/// A file, privately: to read, to read and write, or to read and execute. Never both of the latter.
const LIBRARY_PARTS: &[&[Test]] = &[
    &[
        LongMasked(2, !READ_WRITE, 0),
        LongMasked(3, !FILE_FLAGS, 0),
        LongMasked(3, PRIVATE, PRIVATE),
    ],
    &[
        LongMasked(2, !long(libc::PROT_READ | libc::PROT_EXEC), 0),
        LongMasked(3, !FILE_FLAGS, 0),
        LongMasked(3, PRIVATE, PRIVATE),
    ],
];
/// Only the steady filter, from its sealed page, on all threads.
const NARROW: &[&[Test]] = &[&[
    Int(0, libc::SECCOMP_SET_MODE_FILTER),
    Long(1, libc::SECCOMP_FILTER_FLAG_TSYNC),
    SealedFilter(2),
]];

/// What the dynamic linker does, and the step to the steady filter. Until `init` has returned.
pub const LOAD: &[Call] = &[
    call("openat", libc::SYS_openat, OPEN_TO_READ, "opens libraries", "echo"),
    call("newfstatat", libc::SYS_newfstatat, &[], "tells libraries apart", "echo"),
    call("fstat", libc::SYS_fstat, &[], "tells libraries apart", "echo"),
    call("pread64", libc::SYS_pread64, &[], "reads a library's tables", "echo"),
    call("lseek", libc::SYS_lseek, &[], "reads a library's tables", "echo"),
    call("mmap", libc::SYS_mmap, LIBRARY_PARTS, "maps libraries", "echo"),
    call("seccomp", libc::SYS_seccomp, NARROW, "takes the rights to load away", "echo"),
];
