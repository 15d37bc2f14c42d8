//! T1: the process does not outlive the stage, which does not outlive the runner.

use super::ConfineError;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

const LAYER: &str = "parent death";

/// Waits until the stage has mapped ids and lets this process go on.
pub(super) fn wait_for(stage: &OwnedFd) -> Result<(), ConfineError> {
    let mut byte = [0];
    loop {
        match nix::unistd::read(stage, &mut byte) {
            Ok(1) => return Ok(()),
            Ok(_) => return Err(gone()),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(ConfineError::at(LAYER, "waiting for the stage")(errno)),
        }
    }
}

/// Asks the kernel to kill this process when the stage ends, then makes sure that it has not ended
/// before: it holds the other end of `stage`. Changing ids takes the request away, so this comes
/// after; nothing below changes them.
pub(super) fn follow(stage: &OwnedFd) -> Result<(), ConfineError> {
    set_pdeathsig(Signal::SIGKILL).map_err(ConfineError::at(LAYER, "asking for the signal"))?;
    let mut ends = [PollFd::new(stage.as_fd(), PollFlags::POLLIN)];
    loop {
        match poll(&mut ends, PollTimeout::ZERO) {
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(ConfineError::at(LAYER, "looking for the stage")(errno)),
            Ok(_) => break,
        }
    }
    // The stage holds the other end until this process has told it how building the jail went.
    let is_gone = |events: PollFlags| events.contains(PollFlags::POLLHUP);
    if ends.iter().filter_map(PollFd::revents).any(is_gone) { Err(gone()) } else { Ok(()) }
}

fn gone() -> ConfineError {
    ConfineError::at(LAYER, "looking for the stage")(io::Error::from(io::ErrorKind::NotConnected))
}
