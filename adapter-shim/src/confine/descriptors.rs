//! Layer 1: what the process may reach through open descriptors.
//!
//! The runner starts the process with exactly three: 0 is the channel, 1 the bundle directory, 2 is
//! stderr. The first two move away, since a library that prints to stdout must not write into the
//! channel, and whatever else was inherited by mistake is closed.

use super::ConfineError;
use super::death;
use crate::native::sys;
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{dup2_stdin, dup2_stdout};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// What the runner handed over. Its existence shows that layers 1 and 2 are in force.
#[derive(Debug)]
pub struct Inherited {
    bundle_dir: OwnedFd,
}

impl Inherited {
    /// The bundle directory, opened with `O_PATH`.
    pub fn bundle_dir(&self) -> BorrowedFd<'_> {
        self.bundle_dir.as_fd()
    }
}

/// Why the process cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// Descriptors 0 and 1 are not a socket and a directory.
    #[error("adapter-shim is started by wrun; it is not meant to be run by hand")]
    ByHand,
    /// A layer could not be put up.
    #[error(transparent)]
    Confine(#[from] ConfineError),
}

/// Takes the descriptors and puts up layers 1 and 2. The first call of `main`.
///
/// Closes every other descriptor of the process, whoever owns it: not for use anywhere else.
///
/// # Errors
/// [`TakeError::ByHand`] before anything is changed if the descriptors are not those of a runner.
pub fn take() -> Result<(UnixStream, Inherited), TakeError> {
    let (stdin, stdout) = (io::stdin(), io::stdout());
    if !is(stdin.as_fd(), SFlag::S_IFSOCK) || !is(stdout.as_fd(), SFlag::S_IFDIR) {
        return Err(TakeError::ByHand);
    }
    sys::close_inherited().map_err(failed("closing inherited descriptors"))?;
    // Both copies are closed on exec; they become 3 and 4.
    let channel = stdin.as_fd().try_clone_to_owned().map_err(failed("moving the channel"))?;
    let bundle_dir =
        stdout.as_fd().try_clone_to_owned().map_err(failed("moving the bundle directory"))?;
    let null = File::options().read(true).write(true).open("/dev/null");
    let null = null.map_err(failed("opening /dev/null"))?;
    dup2_stdin(&null).map_err(failed("replacing stdin"))?;
    dup2_stdout(&null).map_err(failed("replacing stdout"))?;
    let channel = UnixStream::from(channel);
    death::follow_runner(&channel)?;
    Ok((channel, Inherited { bundle_dir }))
}

fn is(descriptor: BorrowedFd<'_>, kind: SFlag) -> bool {
    let mode = fstat(descriptor).map(|status| SFlag::from_bits_truncate(status.st_mode));
    mode.is_ok_and(|mode| mode & SFlag::S_IFMT == kind)
}

fn failed<E: Into<io::Error>>(step: &'static str) -> impl FnOnce(E) -> ConfineError {
    move |reason| ConfineError::System { layer: "descriptors", step, reason: reason.into() }
}
