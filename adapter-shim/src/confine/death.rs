//! Layer 2: the process does not outlive the runner.

use super::ConfineError;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use std::io;
use std::os::fd::AsFd;

/// Asks the kernel to kill this process when the thread that started it ends, then makes sure that
/// it has not ended before: it holds the other end of `channel`.
///
/// # Errors
/// [`ConfineError::System`] if the runner is gone or the kernel refuses.
pub fn follow_runner(channel: impl AsFd) -> Result<(), ConfineError> {
    set_pdeathsig(Signal::SIGKILL).map_err(|e| failed("asking for the death signal", e.into()))?;
    let mut ends = [PollFd::new(channel.as_fd(), PollFlags::POLLIN)];
    loop {
        match poll(&mut ends, PollTimeout::ZERO) {
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(failed("looking for the runner", errno.into())),
            Ok(_) => break,
        }
    }
    let gone = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
    match ends.iter().filter_map(PollFd::revents).any(|events| events.intersects(gone)) {
        true => Err(failed("looking for the runner", io::ErrorKind::NotConnected.into())),
        false => Ok(()),
    }
}

fn failed(step: &'static str, reason: io::Error) -> ConfineError {
    ConfineError::System { layer: "parent death", step, reason }
}
