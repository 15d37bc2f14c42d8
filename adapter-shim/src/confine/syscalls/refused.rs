//! What honest code tries and can do without. It gets an error; the call is not made.
//!
//! A panic in Rust looks for debug information, glibc looks for a terminal, a threading library
//! looks for newer system calls. None of that is a reason to end a process.

use super::Test::IntMasked;
use super::{Call, Test, call};

const fn refused(name: &'static str, number: i64) -> Call {
    call(name, number, &[], "not granted", "evil")
}

const fn absent(name: &'static str, number: i64, why: &'static str) -> Call {
    call(name, number, &[], why, "evil")
}

/// Locks that inherit priorities: glibc asks for one of these to find out whether there are any.
const PRIORITY_FUTEX: &[&[Test]] = &[
    &[IntMasked(1, OPERATION, libc::FUTEX_LOCK_PI.cast_unsigned())],
    &[IntMasked(1, OPERATION, libc::FUTEX_UNLOCK_PI.cast_unsigned())],
    &[IntMasked(1, OPERATION, libc::FUTEX_TRYLOCK_PI.cast_unsigned())],
    &[IntMasked(1, OPERATION, libc::FUTEX_WAIT_REQUEUE_PI.cast_unsigned())],
    &[IntMasked(1, OPERATION, libc::FUTEX_CMP_REQUEUE_PI.cast_unsigned())],
    &[IntMasked(1, OPERATION, 13)], // FUTEX_LOCK_PI2
];
const OPERATION: u32 = !(libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME).cast_unsigned();

/// `ENOSYS`: as on a kernel that does not have the call, for which every caller has another way.
pub const ABSENT: &[Call] = &[
    absent("clone3", libc::SYS_clone3, "its arguments are in memory, where no filter sees them"),
    absent("openat2", libc::SYS_openat2, "its arguments are in memory, where no filter sees them"),
    absent("futex_waitv", libc::SYS_futex_waitv, "not needed"),
    absent("futex_wake", 454, "not needed"),
    absent("futex_wait", 455, "not needed"),
    absent("futex_requeue", 456, "not needed"),
    absent("membarrier", libc::SYS_membarrier, "reaches other processors"),
    absent("getcpu", libc::SYS_getcpu, "not needed"),
    absent("pidfd_open", libc::SYS_pidfd_open, "names processes"),
    absent("pidfd_send_signal", libc::SYS_pidfd_send_signal, "sends signals"),
    absent("io_setup", libc::SYS_io_setup, "makes queues in the kernel"),
    call("futex", libc::SYS_futex, PRIORITY_FUTEX, "inherits priorities", "evil"),
];

/// `EACCES`, together with every call of a set that is not granted. The calls of [`super::LOAD`]
/// are refused with `EPERM` after loading.
pub const REFUSED: &[Call] = &[
    // Files.
    refused("openat", libc::SYS_openat),
    refused("newfstatat", libc::SYS_newfstatat),
    refused("faccessat", libc::SYS_faccessat),
    refused("readlinkat", libc::SYS_readlinkat),
    refused("linkat", libc::SYS_linkat),
    refused("symlinkat", libc::SYS_symlinkat),
    refused("mknodat", libc::SYS_mknodat),
    refused("fchownat", libc::SYS_fchownat),
    refused("fchown", libc::SYS_fchown),
    refused("getcwd", libc::SYS_getcwd),
    refused("chdir", libc::SYS_chdir),
    refused("fchdir", libc::SYS_fchdir),
    refused("fstat", libc::SYS_fstat),
    refused("lseek", libc::SYS_lseek),
    refused("pread64", libc::SYS_pread64),
    refused("dup", libc::SYS_dup),
    refused("dup3", libc::SYS_dup3),
    refused("copy_file_range", libc::SYS_copy_file_range),
    refused("sendfile", libc::SYS_sendfile),
    // Sockets and what waits for them.
    refused("socketpair", libc::SYS_socketpair),
    refused("bind", libc::SYS_bind),
    refused("listen", libc::SYS_listen),
    refused("accept", libc::SYS_accept),
    refused("accept4", libc::SYS_accept4),
    refused("sendmsg", libc::SYS_sendmsg),
    refused("recvmsg", libc::SYS_recvmsg),
    refused("sendmmsg", libc::SYS_sendmmsg),
    refused("recvmmsg", libc::SYS_recvmmsg),
    refused("memfd_create", libc::SYS_memfd_create),
    refused("timerfd_create", libc::SYS_timerfd_create),
    refused("signalfd4", libc::SYS_signalfd4),
    refused("inotify_init1", libc::SYS_inotify_init1),
    // Processes.
    refused("clone", libc::SYS_clone),
    refused("execve", libc::SYS_execve),
    refused("execveat", libc::SYS_execveat),
    refused("wait4", libc::SYS_wait4),
    refused("waitid", libc::SYS_waitid),
    refused("kill", libc::SYS_kill),
    refused("tkill", libc::SYS_tkill),
    refused("rt_sigqueueinfo", libc::SYS_rt_sigqueueinfo),
    refused("rt_tgsigqueueinfo", libc::SYS_rt_tgsigqueueinfo),
    refused("rt_sigtimedwait", libc::SYS_rt_sigtimedwait),
    refused("rt_sigsuspend", libc::SYS_rt_sigsuspend),
    refused("setsid", libc::SYS_setsid),
    refused("setpgid", libc::SYS_setpgid),
    refused("getppid", libc::SYS_getppid),
    // Who it is, and what the machine is.
    refused("getresuid", libc::SYS_getresuid),
    refused("getresgid", libc::SYS_getresgid),
    refused("getgroups", libc::SYS_getgroups),
    refused("setuid", libc::SYS_setuid),
    refused("setgid", libc::SYS_setgid),
    refused("setreuid", libc::SYS_setreuid),
    refused("setregid", libc::SYS_setregid),
    refused("setresuid", libc::SYS_setresuid),
    refused("setresgid", libc::SYS_setresgid),
    refused("setgroups", libc::SYS_setgroups),
    refused("setfsuid", libc::SYS_setfsuid),
    refused("setfsgid", libc::SYS_setfsgid),
    refused("capget", libc::SYS_capget),
    refused("capset", libc::SYS_capset),
    refused("uname", libc::SYS_uname),
    refused("sysinfo", libc::SYS_sysinfo),
    refused("times", libc::SYS_times),
    refused("gettimeofday", libc::SYS_gettimeofday),
    refused("clock_getres", libc::SYS_clock_getres),
    // Scheduling and limits.
    refused("getrusage", libc::SYS_getrusage),
    refused("setrlimit", libc::SYS_setrlimit),
    refused("getrlimit", libc::SYS_getrlimit),
    refused("sched_setaffinity", libc::SYS_sched_setaffinity),
    refused("sched_setscheduler", libc::SYS_sched_setscheduler),
    refused("sched_getscheduler", libc::SYS_sched_getscheduler),
    refused("sched_setparam", libc::SYS_sched_setparam),
    refused("sched_getparam", libc::SYS_sched_getparam),
    refused("sched_setattr", libc::SYS_sched_setattr),
    refused("sched_getattr", libc::SYS_sched_getattr),
    refused("setpriority", libc::SYS_setpriority),
    refused("getpriority", libc::SYS_getpriority),
    refused("ioprio_set", libc::SYS_ioprio_set),
    refused("mlock", libc::SYS_mlock),
    refused("mlock2", libc::SYS_mlock2),
    refused("mlockall", libc::SYS_mlockall),
    refused("munlock", libc::SYS_munlock),
    refused("mincore", libc::SYS_mincore),
    refused("getitimer", libc::SYS_getitimer),
    refused("setitimer", libc::SYS_setitimer),
    refused("mq_open", libc::SYS_mq_open),
    #[cfg(target_arch = "x86_64")]
    refused("creat", libc::SYS_creat),
    #[cfg(target_arch = "x86_64")]
    refused("link", libc::SYS_link),
    #[cfg(target_arch = "x86_64")]
    refused("symlink", libc::SYS_symlink),
    #[cfg(target_arch = "x86_64")]
    refused("mknod", libc::SYS_mknod),
    #[cfg(target_arch = "x86_64")]
    refused("chown", libc::SYS_chown),
    #[cfg(target_arch = "x86_64")]
    refused("lchown", libc::SYS_lchown),
    #[cfg(target_arch = "x86_64")]
    refused("getdents", libc::SYS_getdents),
    #[cfg(target_arch = "x86_64")]
    refused("fork", libc::SYS_fork),
    #[cfg(target_arch = "x86_64")]
    refused("vfork", libc::SYS_vfork),
    #[cfg(target_arch = "x86_64")]
    refused("dup2", libc::SYS_dup2),
    #[cfg(target_arch = "x86_64")]
    refused("pipe", libc::SYS_pipe),
    #[cfg(target_arch = "x86_64")]
    refused("eventfd", libc::SYS_eventfd),
    #[cfg(target_arch = "x86_64")]
    refused("signalfd", libc::SYS_signalfd),
    #[cfg(target_arch = "x86_64")]
    refused("inotify_init", libc::SYS_inotify_init),
    #[cfg(target_arch = "x86_64")]
    refused("epoll_create", libc::SYS_epoll_create),
    #[cfg(target_arch = "x86_64")]
    refused("time", libc::SYS_time),
    #[cfg(target_arch = "x86_64")]
    refused("pause", libc::SYS_pause),
    #[cfg(target_arch = "x86_64")]
    refused("alarm", libc::SYS_alarm),
    #[cfg(target_arch = "x86_64")]
    refused("getpgrp", libc::SYS_getpgrp),
    #[cfg(target_arch = "x86_64")]
    refused("arch_prctl", libc::SYS_arch_prctl),
];
