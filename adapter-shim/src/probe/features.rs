//! One check for each feature that is no namespace.

use super::child::{Checked, in_child, watched};
use crate::confine::ablation::LeftOut;
use crate::confine::{ConfineError, apply, seccomp};
use crate::native::sys;
use crate::native::sys::filter::install_with_listener;
use crate::native::sys::jail::{landlock_interface, pass_no_rights, refuse_exec_gain, send_signal};
use crate::native::sys::probe::{has_filter_answer, has_filters_for_every_thread, seal_a_page};
use crate::native::sys::trace;
use crate::stage::closure::standard;
use crate::stage::identity::Identity;
use crate::stage::mounts::{Mount, Use};
use nix::fcntl::{AT_FDCWD, FcntlArg, OFlag, OpenHow, ResolveFlag, SealFlag, fcntl, openat2};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::prctl::{set_dumpable, set_no_new_privs};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::{AccessFlags, access, geteuid};
use protocol::message::Plan;
use protocol::probe::{Feature, Found, Trouble};
use protocol::stage::Purpose;
use std::fs;
use std::io;

/// The oldest version of Landlock that is used at all: the first that knows truncation.
const LANDLOCK_OLDEST: u8 = 3;

/// Said of what is there for nothing.
const UNUSED: &str = "not used yet";

/// Uses `feature` once.
pub(super) fn check(feature: Feature, has_namespaces: bool) -> Found {
    let plain =
        |result: io::Result<()>| words(result.map(|()| String::new()).map_err(Trouble::from));
    match feature {
        Feature::NoNewPrivs => words(in_child(|| {
            set_no_new_privs().map_err(io::Error::from)?;
            Ok(String::new())
        })),
        Feature::Seccomp => words(filters()),
        Feature::SeccompTsync => plain(has_filters_for_every_thread()),
        Feature::SeccompKillProcess => plain(has_filter_answer(libc::SECCOMP_RET_KILL_PROCESS)),
        Feature::SeccompCount => words(own_filters().map(|count| format!("{count} inherited"))),
        Feature::Proc => words(others_status(has_namespaces)),
        Feature::Pidfd => words(pidfd()),
        Feature::Openat2 => plain(open_without_links()),
        Feature::CloseRange => plain(sys::close_from(u32::MAX)),
        Feature::Landlock => words(landlock()),
        Feature::PrivateUid => private_uid(),
        Feature::IdMappedMounts => translated_mounts(),
        Feature::Mdwe => words(in_child(|| {
            refuse_exec_gain()?;
            Ok(String::new())
        })),
        Feature::Mseal => plain(seal_a_page()),
        Feature::Ptrace => words(tracing()),
        Feature::SeccompListener => words(in_child(listening)),
        Feature::PassRights => plain(refusing_socket()),
        Feature::MemfdSeals => words(sealed_file()),
        Feature::Cgroups => words(cgroups()),
        // They are checked together.
        Feature::UserNamespace
        | Feature::MountNamespace
        | Feature::PidNamespace
        | Feature::NetworkNamespace
        | Feature::IpcNamespace
        | Feature::UtsNamespace
        | Feature::CgroupNamespace
        | Feature::Tmpfs
        | Feature::MountApi => Found::Untried("not checked".to_owned()),
    }
}

fn words(checked: Checked<String>) -> Found {
    match checked {
        Ok(words) => Found::Yes(words),
        Err(trouble) => Found::No(trouble),
    }
}

fn trouble(reason: impl Into<String>) -> Trouble {
    Trouble { errno: 0, reason: reason.into() }
}

/// The filters of a shim, in its order, on a child that stays alive under the last of them.
fn filters() -> Checked<String> {
    let install = || {
        let failed = |error: ConfineError| trouble(error.to_string());
        set_no_new_privs().map_err(io::Error::from)?;
        seccomp::install_never().map_err(failed)?;
        let (family, kind) = (AddressFamily::Unix, SockType::Stream);
        let (bell, stage) =
            socketpair(family, kind, None, SockFlag::SOCK_CLOEXEC).map_err(io::Error::from)?;
        let confined = apply(&Plan::default(), bell, LeftOut::NOTHING).map_err(failed)?;
        // Closes the listener, which has arrived there: nobody is going to answer.
        drop(stage);
        confined.narrow().map_err(failed)
    };
    // Whether they can be counted is a feature of its own.
    let count = |pid, _: &_| Ok(filters_of(&format!("/proc/{pid}/status")).ok());
    Ok(match (watched(install, count)?, own_filters()) {
        (Some(all), Ok(own)) => format!("{} filters, as for a bundle", all.saturating_sub(own)),
        _ => String::new(),
    })
}

fn own_filters() -> Checked<u64> {
    filters_of("/proc/self/status")
}

fn filters_of(path: &str) -> Checked<u64> {
    let failed = |why: &str| trouble(format!("{path}: {why}"));
    let status = fs::read_to_string(path).map_err(|error| failed(&error.to_string()))?;
    let count = status.lines().find_map(|line| line.strip_prefix("Seccomp_filters:"));
    count
        .and_then(|count| count.trim().parse().ok())
        .ok_or_else(|| failed("has no Seccomp_filters"))
}

/// As the runner looks at a shim, which nobody may attach to. Where `/proc` hides such processes, the
/// user who made a shim's namespace sees it nevertheless.
fn others_status(has_namespaces: bool) -> Checked<String> {
    let be_a_shim = || Ok(set_dumpable(has_namespaces).map_err(io::Error::from)?);
    watched(be_a_shim, |pid, _| {
        let path = format!("/proc/{pid}/task/{pid}/status");
        match fs::read_to_string(&path) {
            Ok(_) => Ok(String::new()),
            Err(error) => Err(trouble(format!("{path}: {error}"))),
        }
    })
}

fn pidfd() -> Checked<String> {
    watched(|| Ok(()), |_, pidfd| Ok(send_signal(pidfd, 0).map(|()| String::new())?))
}

fn tracing() -> Checked<String> {
    watched(|| Ok(()), |pid, _| Ok(trace::seize(pid).map(|()| String::new())?))
}

/// Whether the stage can hear of calls that are refused.
fn listening() -> Checked<String> {
    set_no_new_privs().map_err(io::Error::from)?;
    let filter = seccomp::never().map_err(|error| trouble(error.to_string()))?;
    match install_with_listener(&filter)? {
        Some(_) => Ok(String::new()),
        None => Err(trouble("this kernel has none, or wrun itself has a supervisor that answers")),
    }
}

fn open_without_links() -> io::Result<()> {
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    openat2(AT_FDCWD, "/", how)?;
    Ok(())
}

fn landlock() -> Checked<String> {
    match landlock_interface() {
        Ok(version) if version >= LANDLOCK_OLDEST => Ok(format!("version {version}")),
        Ok(version) => Err(trouble(format!("version {version}, and {LANDLOCK_OLDEST} is needed"))),
        Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {
            Err(Trouble { errno: libc::EOPNOTSUPP, reason: "turned off at boot".to_owned() })
        }
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => {
            Err(Trouble { errno: libc::ENOSYS, reason: "this kernel has none".to_owned() })
        }
        Err(error) => Err(error.into()),
    }
}

fn private_uid() -> Found {
    if !geteuid().is_root() {
        return Found::Untried("only root can give one".to_owned());
    }
    match Identity::plan(Purpose::Confine) {
        identity if identity.is_private() => words(in_child(move || {
            identity.take()?;
            Ok(String::new())
        })),
        _ => Found::No(trouble("this user namespace does not have the ids that are used for it")),
    }
}

fn translated_mounts() -> Found {
    if !geteuid().is_root() {
        return Found::Untried("only root needs them".to_owned());
    }
    if !Identity::plan(Purpose::Confine).is_private() {
        return Found::Untried(format!("needs {}", Feature::PrivateUid.name()));
    }
    words(in_child(|| {
        let linker = standard()?.into_iter().next().ok_or_else(|| trouble("no dynamic linker"))?;
        let mount = Mount::new(&linker.file, &linker.path, Use::Library)?;
        Identity::plan(Purpose::Confine).can_translate(&mount)?;
        Ok(String::new())
    }))
}

fn refusing_socket() -> io::Result<()> {
    let (family, kind) = (AddressFamily::Unix, SockType::Stream);
    let (socket, _other) = socketpair(family, kind, None, SockFlag::SOCK_CLOEXEC)?;
    pass_no_rights(&socket)
}

fn sealed_file() -> Checked<String> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let file = memfd_create(c"wrun", flags).map_err(io::Error::from)?;
    let seals = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals)).map_err(io::Error::from)?;
    Ok(UNUSED.to_owned())
}

/// Whether a child of this process could be given limits in a cgroup of its own.
fn cgroups() -> Checked<String> {
    let own = fs::read_to_string("/proc/self/cgroup")?;
    let memberships = own.lines().filter_map(|line| {
        let (_, rest) = line.split_once(':')?;
        rest.split_once(':')
    });
    let (mut version_1, mut version_2) = (Vec::new(), Vec::new());
    for (controllers, path) in memberships {
        if controllers.is_empty() {
            version_2 = delegated(path);
        }
        for name in controllers.split(',').filter(|name| LIMITING.contains(name)) {
            if is_writable(&format!("/sys/fs/cgroup/{name}{path}")) {
                version_1.push(name.to_owned());
            }
        }
    }
    let complete = |found: &[String]| LIMITING.iter().all(|name| found.iter().any(|f| f == name));
    match (complete(&version_2), complete(&version_1)) {
        (true, _) => Ok(format!("version 2; {UNUSED}")),
        (_, true) => Ok(format!("version 1; {UNUSED}")),
        _ => Err(trouble(format!("no own cgroup can be made with {}", LIMITING.join(" and ")))),
    }
}

/// The controllers that would limit a bundle.
const LIMITING: [&str; 2] = ["memory", "pids"];

/// The controllers that a child group of `path` can have, if one can be made.
fn delegated(path: &str) -> Vec<String> {
    let group = format!("/sys/fs/cgroup{path}");
    let controllers = fs::read_to_string(format!("{group}/cgroup.controllers"));
    let writable = is_writable(&group) && is_writable(&format!("{group}/cgroup.subtree_control"));
    match controllers {
        Ok(names) if writable => names.split_whitespace().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn is_writable(path: &str) -> bool {
    access(path, AccessFlags::W_OK).is_ok()
}
