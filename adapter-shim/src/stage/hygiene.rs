//! S1: what a parent can leave behind in a child is thrown away.

use super::StageError;
use crate::confine::ablation::{LeftOut, Part};
use crate::confine::descriptors::inherited;
use crate::native::sys;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::stat::{Mode, SFlag, umask};
use nix::unistd::setsid;
use std::io;
use std::os::fd::OwnedFd;

/// Takes the two descriptors that the runner handed over.
///
/// # Errors
/// [`StageError::ByHand`] if they are not a socket and a folder.
pub(super) fn descriptors() -> Result<(OwnedFd, OwnedFd), StageError> {
    match (inherited(0, SFlag::S_IFSOCK), inherited(1, SFlag::S_IFDIR)) {
        (Some(control), Some(bundle)) => Ok((control, bundle)),
        _ => Err(StageError::ByHand),
    }
}

/// Signals as the kernel gives them to a new program, no other descriptors, a session of its own:
/// with the runner's terminal as controlling terminal a library could type into it.
pub(super) fn clean_up(left_out: LeftOut) -> io::Result<()> {
    if !left_out.has(Part::Descriptors) {
        sys::close_from(3)?;
    }
    sys::reset_signals()?;
    // The end of the child is read from a descriptor, and must not be missed before that is open.
    let only_children = SigSet::from(Signal::SIGCHLD);
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&only_children), None)?;
    umask(Mode::from_bits_truncate(0o077));
    // Fails only for a process that leads a group, and then it has a session or a terminal of its
    // own making.
    let _ = setsid();
    Ok(())
}
