//! What no bundle may ever call, whatever it was granted.
//!
//! Each is either a way around the other layers or reaches the whole machine. None of them is used
//! by honest libraries, so the answer is the end of the process and not an error code.

use super::{Call, call};

const fn never(name: &'static str, number: i64, why: &'static str) -> Call {
    call(name, number, &[], why, "evil")
}

/// The list, by what the calls would reach.
pub const NEVER: &[Call] = &[
    // Other processes.
    never("ptrace", libc::SYS_ptrace, "controls other processes of the user"),
    never("process_vm_readv", libc::SYS_process_vm_readv, "reads memory of other processes"),
    never("process_vm_writev", libc::SYS_process_vm_writev, "writes memory of other processes"),
    never("kcmp", libc::SYS_kcmp, "tells where the kernel keeps its objects"),
    never("pidfd_getfd", libc::SYS_pidfd_getfd, "takes descriptors of other processes"),
    never("process_madvise", libc::SYS_process_madvise, "pages out memory of other processes"),
    never("move_pages", libc::SYS_move_pages, "moves memory of other processes"),
    never("migrate_pages", libc::SYS_migrate_pages, "moves memory of other processes"),
    // The kernel itself.
    never("bpf", libc::SYS_bpf, "runs programs in the kernel"),
    never(
        "perf_event_open",
        libc::SYS_perf_event_open,
        "watches the whole machine; often exploited",
    ),
    never(
        "io_uring_setup",
        libc::SYS_io_uring_setup,
        "carries out system calls that no filter sees",
    ),
    never(
        "io_uring_enter",
        libc::SYS_io_uring_enter,
        "carries out system calls that no filter sees",
    ),
    never(
        "io_uring_register",
        libc::SYS_io_uring_register,
        "carries out system calls that no filter sees",
    ),
    never(
        "userfaultfd",
        libc::SYS_userfaultfd,
        "stops the kernel in the middle of a copy; makes races easy",
    ),
    never("memfd_secret", libc::SYS_memfd_secret, "hides memory from the kernel"),
    never("vmsplice", libc::SYS_vmsplice, "shares memory with a pipe; often exploited"),
    never("init_module", libc::SYS_init_module, "loads kernel code"),
    never("finit_module", libc::SYS_finit_module, "loads kernel code"),
    never("delete_module", libc::SYS_delete_module, "unloads kernel code"),
    never("kexec_load", libc::SYS_kexec_load, "replaces the kernel"),
    never("kexec_file_load", libc::SYS_kexec_file_load, "replaces the kernel"),
    never("lookup_dcookie", libc::SYS_lookup_dcookie, "names files for a kernel profiler"),
    // Keys.
    never("add_key", libc::SYS_add_key, "keyrings are shared with the user's other processes"),
    never(
        "request_key",
        libc::SYS_request_key,
        "keyrings are shared with the user's other processes",
    ),
    never("keyctl", libc::SYS_keyctl, "keyrings are shared with the user's other processes"),
    // Mounts and namespaces.
    never("mount", libc::SYS_mount, "changes what paths mean"),
    never("umount2", libc::SYS_umount2, "changes what paths mean"),
    never("pivot_root", libc::SYS_pivot_root, "changes what paths mean"),
    never("chroot", libc::SYS_chroot, "changes what paths mean"),
    never("open_tree", libc::SYS_open_tree, "changes what paths mean"),
    never("move_mount", libc::SYS_move_mount, "changes what paths mean"),
    never("fsopen", libc::SYS_fsopen, "mounts file systems"),
    never("fsconfig", libc::SYS_fsconfig, "mounts file systems"),
    never("fsmount", libc::SYS_fsmount, "mounts file systems"),
    never("fspick", libc::SYS_fspick, "changes mounted file systems"),
    never("mount_setattr", libc::SYS_mount_setattr, "makes a read-only mount writable"),
    never(
        "unshare",
        libc::SYS_unshare,
        "makes namespaces, in which more of the kernel can be reached",
    ),
    never("setns", libc::SYS_setns, "leaves the namespaces of the jail"),
    // Files past their paths.
    never("open_by_handle_at", libc::SYS_open_by_handle_at, "opens files outside every mount"),
    never(
        "name_to_handle_at",
        libc::SYS_name_to_handle_at,
        "makes the handles for open_by_handle_at",
    ),
    never("fanotify_init", libc::SYS_fanotify_init, "watches and blocks file access of others"),
    never("quotactl", libc::SYS_quotactl, "changes other users' quotas"),
    never("acct", libc::SYS_acct, "writes a log of every process"),
    never("swapon", libc::SYS_swapon, "changes the machine's swap"),
    never("swapoff", libc::SYS_swapoff, "changes the machine's swap"),
    // The machine.
    never(
        "personality",
        libc::SYS_personality,
        "turns off address randomisation and makes data executable",
    ),
    #[cfg(target_arch = "x86_64")]
    never("modify_ldt", libc::SYS_modify_ldt, "changes how addresses are translated"),
    #[cfg(target_arch = "x86_64")]
    never("iopl", libc::SYS_iopl, "reaches hardware ports"),
    #[cfg(target_arch = "x86_64")]
    never("ioperm", libc::SYS_ioperm, "reaches hardware ports"),
    never("reboot", libc::SYS_reboot, "stops the machine"),
    never("syslog", libc::SYS_syslog, "reads kernel addresses from the kernel's log"),
    never("settimeofday", libc::SYS_settimeofday, "sets the clock"),
    never("clock_settime", libc::SYS_clock_settime, "sets the clock"),
    never("adjtimex", libc::SYS_adjtimex, "sets the clock"),
    never("clock_adjtime", libc::SYS_clock_adjtime, "sets the clock"),
    never("sethostname", libc::SYS_sethostname, "renames the machine"),
    never("setdomainname", libc::SYS_setdomainname, "renames the machine"),
    never("vhangup", libc::SYS_vhangup, "takes the terminal from its user"),
];
