//! S2: root gives up being root. The shim gets a user id that no other process has.
//!
//! Limits on the number of processes do not hold for the kernel's user 0, not even mapped to
//! another number in a user namespace. And two bundles of one user could reach each other wherever
//! a layer is missing.
//!
//! What root could read the new user cannot. So the mounts for the jail are made before, and
//! translate ids: what the owner of a granted tree owns belongs, through that mount, to the shim.

use super::child::{map_ids, reap};
use super::mounts::Mount;
use crate::native::sys::jail::{Side, clone_child, detached_copy, restrict_mount};
use nix::fcntl::{OFlag, open};
use nix::sched::CloneFlags;
use nix::sys::prctl::set_dumpable;
use nix::sys::stat::{Mode, fstat};
use nix::unistd::{Gid, Uid, getegid, geteuid, setgroups, setresgid, setresuid};
use protocol::stage::Purpose;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;

/// Private user ids are this plus the stage's process id. Beyond what systemd and container tools
/// give out (up to 0x6fff_ffff), below where ids would be negative.
const PRIVATE_IDS: u32 = 0x7000_0000;

/// Who the shim will be.
#[derive(Debug)]
pub(crate) struct Identity {
    uid: Uid,
    gid: Gid,
    is_private: bool,
}

impl Identity {
    /// A private id if this is root and such ids exist in its namespace, else who we are; also to
    /// learn, where the bundle is to reach what its user reaches.
    pub(crate) fn plan(purpose: Purpose) -> Self {
        let (uid, gid) = (geteuid(), getegid());
        let private = PRIVATE_IDS.wrapping_add(std::process::id());
        let exists =
            |map: &str| std::fs::read_to_string(map).is_ok_and(|text| maps(&text, private));
        let confine = purpose == Purpose::Confine;
        if confine && uid.is_root() && exists("/proc/self/uid_map") && exists("/proc/self/gid_map")
        {
            let (uid, gid) = (Uid::from_raw(private), Gid::from_raw(private));
            return Self { uid, gid, is_private: true };
        }
        Self { uid, gid, is_private: false }
    }

    pub(crate) fn is_private(&self) -> bool {
        self.is_private
    }

    pub(crate) fn uid(&self) -> u32 {
        self.uid.as_raw()
    }

    pub(crate) fn gid(&self) -> u32 {
        self.gid.as_raw()
    }

    /// Makes the mounts that only root can make. Where the kernel or the file system cannot
    /// translate ids, the mount is made later, without: then the file's mode decides.
    pub(super) fn prepare(&self, mounts: &mut [Mount]) {
        let mut namespaces = BTreeMap::new();
        for mount in mounts {
            mount.tree = self.translated(mount, &mut namespaces).ok();
        }
    }

    /// Whether `mount` can be made so that it translates ids.
    ///
    /// # Errors
    /// The system's, if it cannot.
    pub(crate) fn can_translate(&self, mount: &Mount) -> io::Result<()> {
        self.translated(mount, &mut BTreeMap::new()).map(drop)
    }

    fn translated(
        &self,
        mount: &Mount,
        namespaces: &mut BTreeMap<(u32, u32), OwnedFd>,
    ) -> io::Result<OwnedFd> {
        let place = mount.open()?;
        let status = fstat(&place)?;
        let owner = (status.st_uid, status.st_gid);
        let namespace = match namespaces.entry(owner) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => new.insert(self.translation(owner)?),
        };
        let tree = detached_copy(&place, mount.is_folder())?;
        restrict_mount(&tree, mount.attributes(), Some(namespace))?;
        Ok(tree)
    }

    /// A user namespace in which `owner` is the private id outside. Namespaces live as long as a
    /// descriptor of them, so the child that makes it can go at once.
    fn translation(&self, owner: (u32, u32)) -> io::Result<OwnedFd> {
        let (wait, go) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
        match clone_child(CloneFlags::CLONE_NEWUSER.bits())? {
            Side::Child => {
                drop(go);
                // Ends with the other end of the pipe.
                let _ = nix::unistd::read(&wait, &mut [0]);
                crate::native::sys::exit_now(0)
            }
            Side::Parent { pid, pidfd: _pidfd } => {
                let made = map_ids(pid, owner, (self.uid(), self.gid())).and_then(|()| {
                    let path = format!("/proc/{pid}/ns/user");
                    Ok(open(path.as_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?)
                });
                drop(go);
                reap(pid);
                made
            }
        }
    }

    /// Becomes that user, for good.
    pub(crate) fn take(&self) -> io::Result<()> {
        setgroups(&[])?;
        setresgid(self.gid, self.gid, self.gid)?;
        setresuid(self.uid, self.uid, self.uid)?;
        // Changing ids takes it away, and with it the right to write the child's id maps.
        Ok(set_dumpable(true)?)
    }
}

/// Whether a map of `/proc/PID/uid_map` has `id`.
fn maps(map: &str, id: u32) -> bool {
    map.lines().any(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u64>);
        match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(Ok(inside)), Some(Ok(_)), Some(Ok(count))) => {
                (inside..inside.saturating_add(count)).contains(&u64::from(id))
            }
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_id_is_taken_only_where_it_exists() {
        assert!(maps("         0          0 4294967295\n", PRIVATE_IDS + 4711));
        assert!(!maps("         0       1000          1\n", PRIVATE_IDS + 4711));
        assert!(!maps("0 100000 65536\n", PRIVATE_IDS + 4711));
        assert!(!maps("nonsense\n", 0));
    }
}
