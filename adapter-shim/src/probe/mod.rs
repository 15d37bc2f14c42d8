//! What this machine gives, for `wrun doctor`: each feature is used once, and nothing is left behind.
//!
//! The process has a single thread and reads no input. What changes a process is done in a child
//! ([`child`]); namespaces are asked for as the stage does, after root has given up being root.

mod child;
mod features;
mod namespaces;

use crate::stage::closure::standard;
use nix::unistd::geteuid;
use protocol::probe::{Feature, Finding, Found, Report, Setting};
use std::env::consts::ARCH;
use std::io::{self, Write as _};

/// A library that every system with this C library has, and that does nothing when it is loaded.
const HARMLESS: &str = "libm.so.6";

/// Settings that can take features away.
const SETTINGS: [&str; 10] = [
    "kernel.apparmor_restrict_unprivileged_userns",
    "kernel.unprivileged_userns_clone",
    "kernel.yama.ptrace_scope",
    "user.max_cgroup_namespaces",
    "user.max_ipc_namespaces",
    "user.max_mnt_namespaces",
    "user.max_net_namespaces",
    "user.max_pid_namespaces",
    "user.max_user_namespaces",
    "user.max_uts_namespaces",
];

/// The list of security modules that are turned on.
const MODULES: (&str, &str) = ("lsm", "/sys/kernel/security/lsm");

/// Writes the report to standard output.
///
/// # Errors
/// If it cannot be written.
pub fn print() -> io::Result<()> {
    let bytes = postcard::to_stdvec(&report()).map_err(io::Error::other)?;
    let mut stdout = io::stdout();
    stdout.write_all(&bytes)?;
    stdout.flush()
}

/// Only for a process with a single thread, since it makes children that go on with ordinary code.
fn report() -> Report {
    let namespaces = namespaces::check();
    let has_all = namespaces.iter().all(|(_, found)| matches!(found, Found::Yes(_)));
    let finding = |feature: &Feature| {
        let in_namespace = namespaces.iter().find(|(known, _)| known == feature);
        let found = match in_namespace {
            Some((_, found)) => found.clone(),
            None => features::check(*feature, has_all),
        };
        Finding { feature: *feature, found }
    };
    Report {
        kernel: read("/proc/sys/kernel/osrelease").unwrap_or_else(|| "unknown".to_owned()),
        machine: ARCH.to_owned(),
        is_root: geteuid().is_root(),
        findings: Feature::ALL.iter().map(finding).collect(),
        settings: settings(),
        library: library(),
    }
}

fn settings() -> Vec<Setting> {
    let of = |name: &str| (name.to_owned(), format!("/proc/sys/{}", name.replace('.', "/")));
    let places = SETTINGS.iter().map(|name| of(name));
    let modules = (MODULES.0.to_owned(), MODULES.1.to_owned());
    let read = |(name, path): (String, String)| Some(Setting { name, value: read(&path)? });
    places.chain([modules]).filter_map(read).collect()
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

/// Its file, links resolved.
fn library() -> Option<String> {
    let known = standard().ok()?;
    let found = known.into_iter().find(|library| library.path.ends_with(HARMLESS))?;
    found.file.into_os_string().into_string().ok()
}
