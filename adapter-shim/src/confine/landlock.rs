//! T5: Landlock, the second wall around files. It also keeps signals and abstract sockets in, and
//! TCP to the granted ports.

use super::{ConfineError, Jail};
use crate::native::sys::jail::landlock_version;
use crate::stage::mounts::{Mount, Use};
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, NetPort,
    PathBeneath, Ruleset, RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetStatus,
    Scope,
};
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use protocol::stage::ASK_DOCTOR;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

const LAYER: &str = "landlock";

/// The newest interface whose rights are known here; an older kernel enforces what it knows.
const NEWEST: ABI = ABI::V7;
/// The oldest with which Landlock alone keeps files in: it knows truncation.
const OLDEST: u8 = 3;

/// Restricts this process and all that it will be. Returns the version of the interface, 0 if the
/// kernel has none, which is an error for a process without a root of its own.
pub(super) fn restrict(jail: &Jail, program: &OwnedFd, own_root: bool) -> Result<u8, ConfineError> {
    let version = landlock_version();
    if version < OLDEST {
        return match own_root {
            true => Ok(0),
            false => Err(ConfineError::Weaker(format!(
                "this machine gives neither user namespaces nor Landlock (version {version}, \
                 {OLDEST} is needed), so nothing would keep the bundle from files{ASK_DOCTOR}"
            ))),
        };
    }
    let failed = |error: landlock::RulesetError| {
        ConfineError::at(LAYER, "making rules")(io::Error::other(error))
    };
    let mut rules = ruleset().map_err(failed)?;
    for mount in &jail.mounts {
        let path = if own_root { &mount.target } else { &mount.source };
        let place = open_path(path)
            .map_err(ConfineError::at(LAYER, format!("opening {}", path.display())))?;
        rules = allow(rules, &place, rights(mount), mount.is_folder()).map_err(failed)?;
    }
    let run = AccessFs::Execute | AccessFs::ReadFile;
    rules = allow(rules, program, run, false).map_err(failed)?;
    if own_root {
        rules = own_files(rules, jail).map_err(failed)?;
    }
    for destination in &jail.policy.grants.connect {
        let port = NetPort::new(destination.port, AccessNet::ConnectTcp);
        rules = rules.add_rule(port).map_err(failed)?;
    }
    let status = rules.restrict_self().map_err(failed)?;
    match status.ruleset {
        RulesetStatus::NotEnforced => {
            Err(ConfineError::Weaker("Landlock is there, but was not enforced".to_owned()))
        }
        _ => Ok(version),
    }
}

/// Everything is forbidden that has no rule: what the oldest interface knows for certain, the rest
/// as far as the kernel knows it.
fn ruleset() -> Result<RulesetCreated, landlock::RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V3))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()
}

fn allow(
    rules: RulesetCreated,
    place: &OwnedFd,
    rights: BitFlags<AccessFs>,
    is_folder: bool,
) -> Result<RulesetCreated, landlock::RulesetError> {
    let possible = if is_folder { rights } else { rights & AccessFs::from_file(NEWEST) };
    if possible.is_empty() {
        return Ok(rules);
    }
    rules.add_rule(PathBeneath::new(place.as_fd(), possible))
}

/// Files that only the jail's own root has.
fn own_files(
    mut rules: RulesetCreated,
    jail: &Jail,
) -> Result<RulesetCreated, landlock::RulesetError> {
    if jail.policy.limits.scratch_bytes > 0
        && let Ok(place) = open_path(Path::new(super::root::SCRATCH))
    {
        rules = allow(rules, &place, write(), true)?;
    }
    if let Ok(place) = open_path(Path::new(super::root::HOSTS)) {
        rules = allow(rules, &place, AccessFs::ReadFile.into(), false)?;
    }
    Ok(rules)
}

fn open_path(path: &Path) -> io::Result<OwnedFd> {
    Ok(open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())?)
}

fn rights(mount: &Mount) -> BitFlags<AccessFs> {
    match mount.usage {
        Use::Library => AccessFs::Execute | AccessFs::ReadFile,
        Use::Bundle => AccessFs::Execute | AccessFs::ReadFile | AccessFs::ReadDir,
        Use::Read => AccessFs::ReadFile | AccessFs::ReadDir,
        Use::Write => write(),
        Use::Device => AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev,
        Use::Socket => BitFlags::EMPTY,
    }
}

/// Plain files and folders. No links, which could lead other programs astray, no special files.
fn write() -> BitFlags<AccessFs> {
    AccessFs::ReadFile
        | AccessFs::ReadDir
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir
        | AccessFs::Refer
}
