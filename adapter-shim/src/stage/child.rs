//! S4: the child that becomes the shim.

use super::StageError;
use super::identity::Identity;
use crate::confine::{Jail, Note, enter};
use crate::native::sys::jail::{Side, clone_child, send_signal};
use crate::native::sys::trace;
use nix::fcntl::OFlag;
use nix::sched::CloneFlags;
use nix::sys::signal::Signal;
use protocol::stage::Layers;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;

/// More than a child can have to say.
const NOTES_BYTES_MAX: u64 = 64 << 10;

/// The user and group inside a user namespace: nobody.
pub(crate) const INSIDE: (u32, u32) = (65534, 65534);

/// A started shim. Dropping it kills and reaps it.
#[derive(Debug)]
pub(super) struct Child {
    pid: i32,
    pidfd: OwnedFd,
    is_first: bool,
    is_reaped: bool,
}

/// Why there is no shim.
#[derive(Debug)]
pub(super) enum NotStarted {
    /// The machine gives no namespaces; without them it may go.
    NoNamespaces(String),
    /// It may not go at all.
    Refused(StageError),
}

impl Child {
    /// Clones this process, lets the copy build its jail from inside and execute the shim.
    pub(super) fn spawn(
        jail: &Jail,
        identity: &Identity,
        with_namespaces: bool,
    ) -> Result<(Self, Layers), NotStarted> {
        let system =
            |error: io::Error| NotStarted::Refused(StageError::step("starting a process")(error));
        let (wait, go) = nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(|e| system(e.into()))?;
        let (notes, note) = nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(|e| system(e.into()))?;
        let flags = if with_namespaces { namespaces(jail) } else { CloneFlags::empty() };
        let (pid, pidfd) = match clone_child(flags.bits()) {
            Ok(Side::Parent { pid, pidfd }) => (pid, pidfd),
            Ok(Side::Child) => {
                drop((go, notes));
                enter(jail, wait, note, with_namespaces)
            }
            Err(error) if with_namespaces => {
                return Err(NotStarted::NoNamespaces(error.to_string()));
            }
            Err(error) => return Err(system(error)),
        };
        let child = Self { pid, pidfd, is_first: with_namespaces, is_reaped: false };
        drop((wait, note));
        if with_namespaces {
            let mapped = map_ids(pid, INSIDE, (identity.uid(), identity.gid()));
            mapped.map_err(|error| NotStarted::NoNamespaces(format!("mapping ids: {error}")))?;
        }
        let mut go = File::from(go);
        go.write_all(b"!").map_err(system)?;
        let mut said = Vec::new();
        // To their end: when the child executes the shim, or dies.
        File::from(notes).take(NOTES_BYTES_MAX).read_to_end(&mut said).map_err(system)?;
        let started = child.understand(&said, with_namespaces)?;
        // Until here the child could tell by this pipe whether its parent lives.
        drop(go);
        // Now, since a traced child that dies would wait for us while we wait for its notes. The
        // shim runs nothing of the bundle before it is spoken to. Where tracing is forbidden a
        // violation stays without a name; nothing else changes.
        let _ = trace::seize(pid);
        Ok(started)
    }

    fn understand(
        self,
        mut said: &[u8],
        with_namespaces: bool,
    ) -> Result<(Self, Layers), NotStarted> {
        let mut layers = None;
        while let Ok((note, rest)) = postcard::take_from_bytes::<Note>(said) {
            said = rest;
            match note {
                Note::Ready(found) => layers = Some(found),
                Note::Unavailable(text) if with_namespaces => {
                    return Err(NotStarted::NoNamespaces(text));
                }
                Note::Failed(text) | Note::Unavailable(text) => {
                    return Err(NotStarted::Refused(StageError::Weaker(text)));
                }
            }
        }
        let died = || StageError::Weaker("the process died while it built its jail".to_owned());
        layers.map(|layers| (self, layers)).ok_or_else(|| NotStarted::Refused(died()))
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    /// Whether it is the first process of its namespace.
    pub(super) fn is_first(&self) -> bool {
        self.is_first
    }

    pub(super) fn pidfd(&self) -> &OwnedFd {
        &self.pidfd
    }

    /// Kills the process and, if it is the first of its namespace, all others there.
    pub(super) fn kill(&self) {
        // An error means that it is gone already: a pidfd never names another process.
        let _ = send_signal(&self.pidfd, Signal::SIGKILL as i32);
    }

    /// The parent has heard of its end.
    pub(super) fn reaped(&mut self) {
        self.is_reaped = true;
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.is_reaped {
            return;
        }
        self.kill();
        reap(self.pid);
    }
}

/// Waits for a child that is about to end.
pub(crate) fn reap(pid: i32) {
    let flags = nix::sys::wait::WaitPidFlag::__WALL;
    // Stops on the way to its end come first, if it is traced.
    while let Ok(status) = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(pid), Some(flags)) {
        use nix::sys::wait::WaitStatus::{Exited, Signaled};
        match status {
            Exited(..) | Signaled(..) => break,
            _ => drop(trace::resume(pid, 0)),
        }
    }
}

/// All kinds. A bundle that was granted a destination on the network shares the network of the host;
/// ports are then Landlock's matter.
fn namespaces(jail: &Jail) -> CloneFlags {
    let network = match jail.policy.grants.connect.as_slice() {
        [] => CloneFlags::CLONE_NEWNET,
        _ => CloneFlags::empty(),
    };
    network
        | CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP
}

/// Writes the id maps of the user namespace of `pid`: one user and one group.
pub(crate) fn map_ids(pid: i32, inside: (u32, u32), outside: (u32, u32)) -> io::Result<()> {
    let write = |file: &str, text: String| {
        File::options().write(true).open(format!("/proc/{pid}/{file}"))?.write_all(text.as_bytes())
    };
    write("setgroups", "deny".to_owned())?;
    write("uid_map", format!("{} {} 1", inside.0, outside.0))?;
    write("gid_map", format!("{} {} 1", inside.1, outside.1))
}
