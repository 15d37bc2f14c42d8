//! What to do about a feature that is not there.

use protocol::probe::{Feature, Found, Report, Trouble};
use std::path::Path;

/// Enough for every bundle of a machine; a common default.
const NAMESPACES: &str = "15000";

/// What was found, and what can be done.
pub(super) fn words(report: &Report, feature: Feature) -> (String, Option<String>) {
    match report.found(feature) {
        Some(Found::Yes(more)) => (with_more(feature, more), None),
        Some(Found::Untried(why)) => (why.clone(), None),
        Some(Found::No(trouble)) => (trouble.reason.clone(), help(report, feature, trouble)),
        None => ("not looked at".to_owned(), None),
    }
}

/// Versions of Landlock know more and more.
fn with_more(feature: Feature, found: &str) -> String {
    let version = found.strip_prefix("version ").and_then(|text| text.parse::<u8>().ok());
    let knows = match (feature, version) {
        (Feature::Landlock, Some(0..=3)) => {
            "files, but not TCP ports (4), devices (5), signals and abstract sockets (6)"
        }
        (Feature::Landlock, Some(4)) => {
            "files and TCP ports, but not devices (5), signals and abstract sockets (6)"
        }
        (Feature::Landlock, Some(5)) => {
            "files, TCP ports and devices, but not signals and abstract sockets (6)"
        }
        (Feature::Landlock, Some(_)) => "files, TCP ports, devices, signals, abstract sockets",
        _ => return found.to_owned(),
    };
    format!("{found}: {knows}")
}

fn help(report: &Report, feature: Feature, trouble: &Trouble) -> Option<String> {
    let kernel = |since: &str| Some(format!("a newer kernel: Linux {since}"));
    match feature {
        Feature::NoNewPrivs => kernel("3.5"),
        Feature::Seccomp | Feature::SeccompTsync | Feature::SeccompKillProcess => Some(
            "a kernel with CONFIG_SECCOMP_FILTER, Linux 5.9 or newer; in a container, a profile \
             that lets programs install filters"
                .to_owned(),
        ),
        Feature::SeccompCount => kernel("5.9"),
        Feature::Proc => Some(
            "mount /proc where wrun runs, without hidepid: mount -o remount,hidepid=0 /proc"
                .to_owned(),
        ),
        Feature::Pidfd => Some(container(report, "clone3 and pidfd_send_signal", "5.3")),
        Feature::Openat2 => Some(container(report, "openat2", "5.6")),
        Feature::CloseRange => Some(container(report, "close_range", "5.9")),
        Feature::Landlock => Some(landlock(report, trouble)),
        Feature::UserNamespace => Some(user_namespace(report, trouble)),
        Feature::MountNamespace
        | Feature::PidNamespace
        | Feature::NetworkNamespace
        | Feature::IpcNamespace
        | Feature::UtsNamespace
        | Feature::CgroupNamespace => kind(report, feature, trouble),
        Feature::Tmpfs => Some(container(report, "mount in a user namespace", "5.2")),
        Feature::MountApi => {
            Some(container(report, "open_tree, mount_setattr and move_mount", "5.12"))
        }
        Feature::PrivateUid => Some(
            "start wrun as a user that is not root, or in a user namespace with all ids".to_owned(),
        ),
        Feature::IdMappedMounts => kernel("5.12, and a file system that can"),
        Feature::Mdwe => kernel("6.3"),
        Feature::Mseal => kernel("6.10"),
        Feature::PassRights => kernel("6.16"),
        Feature::Ptrace => ptrace(report),
        Feature::SeccompListener => kernel("5.5, and no supervisor that answers for wrun itself"),
        Feature::MemfdSeals | Feature::Cgroups => None,
    }
}

/// Filters on wrun itself are a container's, as a rule.
fn container(report: &Report, calls: &str, since: &str) -> String {
    match report.found(Feature::SeccompCount) {
        Some(Found::Yes(count)) if !count.starts_with("0 ") => format!(
            "wrun itself runs under filters, as in a container: give it a seccomp profile that \
             allows {calls} (podman, docker: --security-opt seccomp=PROFILE)"
        ),
        _ => format!("a kernel that gives {calls}: Linux {since} or newer"),
    }
}

fn landlock(report: &Report, trouble: &Trouble) -> String {
    if trouble.errno == nix::libc::EOPNOTSUPP {
        let modules = report.setting("lsm").filter(|modules| !modules.is_empty());
        let list = modules.map_or_else(String::new, |modules| format!(",{modules}"));
        return format!("boot parameter lsm=landlock{list}");
    }
    container(report, "Landlock (CONFIG_SECURITY_LANDLOCK)", "6.2")
}

fn user_namespace(report: &Report, trouble: &Trouble) -> String {
    let is = |name: &str, value: &str| report.setting(name) == Some(value);
    if is("user.max_user_namespaces", "0") {
        return sysctl("user.max_user_namespaces", NAMESPACES);
    }
    if trouble.errno == nix::libc::ENOSPC {
        return format!(
            "{}, on the host: wrun runs in a user namespace whose limit is lower outside",
            sysctl("user.max_user_namespaces", NAMESPACES)
        );
    }
    if is("kernel.unprivileged_userns_clone", "0") {
        return sysctl("kernel.unprivileged_userns_clone", "1");
    }
    let restricted = "kernel.apparmor_restrict_unprivileged_userns";
    if report.setting(restricted).is_some_and(|value| value != "0") {
        return format!(
            "an AppArmor profile for adapter-shim that has `flags=(unconfined)` and `userns,` \
             (see apparmor.d(5)), or for all programs: {}",
            sysctl(restricted, "0")
        );
    }
    let calls = "clone3, unshare and mount with new user namespaces";
    let advice = container(report, calls, "3.8, with CONFIG_USER_NS,");
    format!("{advice}; and run wrun outside of a chroot")
}

fn kind(report: &Report, feature: Feature, trouble: &Trouble) -> Option<String> {
    let (name, option) = match feature {
        Feature::MountNamespace => ("user.max_mnt_namespaces", "CONFIG_NAMESPACES"),
        Feature::PidNamespace => ("user.max_pid_namespaces", "CONFIG_PID_NS"),
        Feature::NetworkNamespace => ("user.max_net_namespaces", "CONFIG_NET_NS"),
        Feature::IpcNamespace => ("user.max_ipc_namespaces", "CONFIG_IPC_NS"),
        Feature::UtsNamespace => ("user.max_uts_namespaces", "CONFIG_UTS_NS"),
        Feature::CgroupNamespace => ("user.max_cgroup_namespaces", "CONFIG_CGROUPS"),
        _ => return None,
    };
    match trouble.errno {
        nix::libc::ENOSPC => Some(sysctl(name, NAMESPACES)),
        nix::libc::EINVAL => Some(format!("a kernel with {option}")),
        // The user namespace gives no rights: its own line says what to do.
        _ if !report.has(Feature::UserNamespace) => None,
        _ => Some(container(report, "unshare", "4.6")),
    }
}

fn ptrace(report: &Report) -> Option<String> {
    match report.setting("kernel.yama.ptrace_scope") {
        Some("2") => Some(sysctl("kernel.yama.ptrace_scope", "1")),
        Some("3") => Some("kernel.yama.ptrace_scope=1 at boot; 3 cannot be taken back".to_owned()),
        _ => Some(container(report, "ptrace", "3.4")),
    }
}

fn sysctl(name: &str, value: &str) -> String {
    // Containers often have it read-only, and then it is the host's to set.
    let path = Path::new("/etc/sysctl.d/wrun.conf");
    format!("sysctl -w {name}={value}, and the same in {} to keep it", path.display())
}
