//! Namespaces, as the stage makes them: by the user that the shim will be, with ids mapped from
//! outside; and what can be done in them.

use super::child::{Checked, die_with_parent, in_child, in_namespaces};
use crate::confine::root::{make_private, new_root};
use crate::native::sys::jail::{MountAttributes, detached_copy, restrict_mount};
use crate::stage::child::{INSIDE, map_ids};
use crate::stage::closure::standard;
use crate::stage::identity::Identity;
use nix::fcntl::{OFlag, open};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::Mode;
use protocol::probe::{Feature, Found, Trouble};
use protocol::stage::Purpose;
use std::io;

/// The kinds beside the user namespace.
const KINDS: [(Feature, CloneFlags); 6] = [
    (Feature::MountNamespace, CloneFlags::CLONE_NEWNS),
    (Feature::PidNamespace, CloneFlags::CLONE_NEWPID),
    (Feature::NetworkNamespace, CloneFlags::CLONE_NEWNET),
    (Feature::IpcNamespace, CloneFlags::CLONE_NEWIPC),
    (Feature::UtsNamespace, CloneFlags::CLONE_NEWUTS),
    (Feature::CgroupNamespace, CloneFlags::CLONE_NEWCGROUP),
];

/// What was found out about each of them.
type Findings = Vec<(Feature, Found)>;

/// Tries all of them in one user namespace.
pub(super) fn check() -> Findings {
    match in_user_namespace(inside) {
        Ok(findings) => {
            let user = (Feature::UserNamespace, user_namespace(&findings));
            std::iter::once(user).chain(findings).collect()
        }
        Err(trouble) => without(trouble),
    }
}

/// Systems that restrict unprivileged users let them make the namespace and give no rights in it:
/// then every use of them is refused.
fn user_namespace(findings: &[(Feature, Found)]) -> Found {
    let kinds = || findings.iter().filter(|(_, found)| !matches!(found, Found::Untried(_)));
    match kinds().all(|(_, found)| is_refused(found)) {
        true => Found::No(Trouble {
            errno: libc::EPERM,
            reason: "it can be made, but gives no rights in it".to_owned(),
        }),
        false => Found::Yes(String::new()),
    }
}

fn works(found: &Found) -> bool {
    matches!(found, Found::Yes(_))
}

fn is_refused(found: &Found) -> bool {
    let refusals = [libc::EPERM, libc::EACCES];
    matches!(found, Found::No(Trouble { errno, .. }) if refusals.contains(errno))
}

fn without(trouble: Trouble) -> Findings {
    let untried = || Found::Untried(format!("needs {}", Feature::UserNamespace.name()));
    let kinds = KINDS.iter().map(|(feature, _)| *feature);
    let others = kinds.chain([Feature::Tmpfs, Feature::MountApi]);
    let user = (Feature::UserNamespace, Found::No(trouble));
    std::iter::once(user).chain(others.map(|feature| (feature, untried()))).collect()
}

fn in_user_namespace(check: impl FnOnce() -> Checked<Findings>) -> Checked<Findings> {
    in_child(|| {
        let identity = Identity::plan(Purpose::Confine);
        if identity.is_private() {
            identity.take()?;
            die_with_parent();
        }
        let ids = (identity.uid(), identity.gid());
        in_namespaces(CloneFlags::CLONE_NEWUSER, |pid| map_ids(pid, INSIDE, ids), check)
    })
}

/// In the user namespace.
fn inside() -> Checked<Findings> {
    let mut findings: Findings = KINDS
        .iter()
        .map(|(feature, kind)| (*feature, found(unshare(*kind).map_err(io::Error::from))))
        .collect();
    let mounts = findings.iter().find(|(feature, _)| *feature == Feature::MountNamespace);
    let (api, tmpfs) = if mounts.is_some_and(|(_, found)| works(found)) {
        // In this order, as the second covers a folder.
        (found(copy_mount()), found(mount_memory()))
    } else {
        let untried = || Found::Untried(format!("needs {}", Feature::MountNamespace.name()));
        (untried(), untried())
    };
    findings.extend([(Feature::Tmpfs, tmpfs), (Feature::MountApi, api)]);
    Ok(findings)
}

fn mount_memory() -> io::Result<()> {
    make_private()?;
    new_root()?;
    Ok(())
}

fn copy_mount() -> io::Result<()> {
    let linker = standard()?.into_iter().next().ok_or(io::ErrorKind::NotFound)?;
    let file = open(&linker.file, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())?;
    let tree = detached_copy(file, false)?;
    let attributes = MountAttributes { read_only: true, no_exec: false, no_devices: true };
    restrict_mount(&tree, attributes, None)
}

/// A result without further words.
fn found(result: io::Result<()>) -> Found {
    match result {
        Ok(()) => Found::Yes(String::new()),
        Err(error) => Found::No(error.into()),
    }
}
