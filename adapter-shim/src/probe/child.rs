//! Checks that change the process that makes them are made by a child, which ends with them.

use crate::native::sys::exit_now;
use crate::native::sys::jail::{Side, clone_child};
use crate::stage::child::reap;
use nix::fcntl::OFlag;
use nix::sched::CloneFlags;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use protocol::probe::Trouble;
use serde::{Serialize, de::DeserializeOwned};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;

/// What a check has found.
pub(super) type Checked<T> = Result<T, Trouble>;

/// Makes a check in a child, and returns what it found there.
pub(super) fn in_child<T>(check: impl FnOnce() -> Checked<T>) -> Checked<T>
where
    T: Serialize + DeserializeOwned,
{
    in_namespaces(CloneFlags::empty(), |_| Ok(()), check)
}

/// As [`in_child`], in new namespaces; `prepare` is called with the child's number before.
pub(super) fn in_namespaces<T>(
    namespaces: CloneFlags,
    prepare: impl FnOnce(i32) -> io::Result<()>,
    check: impl FnOnce() -> Checked<T>,
) -> Checked<T>
where
    T: Serialize + DeserializeOwned,
{
    let mut child = Started::new(namespaces, check)?;
    prepare(child.pid)?;
    child.answer()
}

/// As [`in_child`], and looks at the child, by its number and a descriptor of it, while it waits
/// after its check. Returns what was seen.
pub(super) fn watched<S>(
    check: impl FnOnce() -> Checked<()>,
    look: impl FnOnce(i32, &OwnedFd) -> Checked<S>,
) -> Checked<S> {
    let mut child = Started::new(CloneFlags::empty(), check)?;
    child.answer::<()>()?;
    look(child.pid, &child.pidfd)
}

/// A child. It is reaped when this is dropped, and ends by itself then.
struct Started {
    pid: i32,
    pidfd: OwnedFd,
    go: Option<File>,
    answer: File,
}

impl Started {
    fn new<T: Serialize>(
        namespaces: CloneFlags,
        check: impl FnOnce() -> Checked<T>,
    ) -> io::Result<Self> {
        let ((wait, go), (answer, tell)) = (pipe()?, pipe()?);
        match clone_child(namespaces.bits())? {
            Side::Parent { pid, pidfd } => Ok(Self { pid, pidfd, go: Some(go), answer }),
            Side::Child => {
                drop((go, answer));
                be(wait, tell, check)
            }
        }
    }

    /// Lets the child make its check.
    fn answer<T: DeserializeOwned>(&mut self) -> Checked<T> {
        if let Some(go) = &mut self.go {
            go.write_all(b"!")?;
        }
        let mut bytes = Vec::new();
        self.answer.read_to_end(&mut bytes)?;
        match postcard::from_bytes::<Checked<T>>(&bytes) {
            Ok(found) => found,
            Err(_) => {
                Err(Trouble { errno: 0, reason: "the process that tried it was killed".to_owned() })
            }
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // The child waits for this.
        self.go = None;
        reap(self.pid);
    }
}

fn pipe() -> io::Result<(File, File)> {
    let (out, into) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    Ok((File::from(out), File::from(into)))
}

/// The child. It ends with the other end of `wait`, at the latest.
fn be<T: Serialize>(mut wait: File, mut tell: File, check: impl FnOnce() -> Checked<T>) -> ! {
    die_with_parent();
    let mut byte = [0];
    if wait.read_exact(&mut byte).is_ok() {
        let found = postcard::to_stdvec(&check()).unwrap_or_default();
        // If nobody reads, nobody waits either.
        let _ = tell.write_all(&found);
        drop(tell);
        let _ = wait.read(&mut byte);
    }
    exit_now(0)
}

/// Asks to be killed when the parent ends. Changing ids takes the request away.
pub(super) fn die_with_parent() {
    // It cannot fail with a signal that exists.
    let _ = set_pdeathsig(Signal::SIGKILL);
}
