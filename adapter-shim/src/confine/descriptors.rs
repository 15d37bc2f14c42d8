//! T6: what the process may reach through open descriptors.
//!
//! | number | what |
//! |---|---|
//! | 0, 1 | `/dev/null`: a library that prints to stdout must not write into the channel |
//! | 2 | the pipe for its messages |
//! | 3 | the channel |
//! | 4 | the bundle's directory, without rights; closed once the libraries are open |
//! | 5 | a socket to the stage, for two messages; closed before the library is loaded |
//!
//! Two more close by themselves when the shim is executed.

use super::{ConfineError, Jail};
use crate::native::sys;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::sys::stat::{Mode, SFlag, fstat};
use protocol::message::BUNDLE_ROOT;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

const LAYER: &str = "descriptors";
const CHANNEL: i32 = 3;
const BUNDLE: i32 = 4;
const BELL: i32 = 5;
const NOTE: i32 = 6;
const PROGRAM: i32 = 7;
const FIRST_UNUSED: u32 = 8;
/// Copies are made above this on the way, so that no number is needed twice at a time.
const ASIDE: i32 = 16;

/// The two descriptors that the child still needs for itself.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) note: File,
    pub(super) program: OwnedFd,
}

/// Puts everything in its place. What was open elsewhere is closed by [`close_others`].
pub(super) fn place(jail: &Jail, own_root: bool, note: &File) -> Result<Placed, ConfineError> {
    let failed = |step: &'static str| ConfineError::at::<nix::Error>(LAYER, step);
    let aside = |fd: &dyn AsFd| -> nix::Result<OwnedFd> {
        let copy = fcntl(fd.as_fd(), FcntlArg::F_DUPFD_CLOEXEC(ASIDE))?;
        sys::inherited(copy).ok_or(nix::Error::EBADF)
    };
    let folder = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    // In a root of its own the descriptor from outside would be a way out of it.
    let inside = if own_root { Some(open(BUNDLE_ROOT, folder, Mode::empty())) } else { None };
    let inside = inside.transpose().map_err(failed("opening the bundle"))?;
    let bundle = inside.as_ref().unwrap_or(&jail.bundle);
    let copies: [&dyn AsFd; 5] = [&jail.channel, bundle, &jail.bell, note, &jail.program];
    let [channel, bundle, bell, note, program] = copies.map(aside);
    let to = |number, keep: bool, copy: nix::Result<OwnedFd>| -> nix::Result<OwnedFd> {
        let flags = if keep { OFlag::empty() } else { OFlag::O_CLOEXEC };
        sys::place(&copy?, number, flags.bits())?;
        sys::inherited(number).ok_or(nix::Error::EBADF)
    };
    let put = || -> nix::Result<Placed> {
        for number in [0, 1] {
            sys::place(&jail.null, number, 0)?;
        }
        // They stay open under these numbers, whoever else believes to own them.
        std::mem::forget(to(CHANNEL, true, channel)?);
        std::mem::forget(to(BUNDLE, true, bundle)?);
        std::mem::forget(to(BELL, true, bell)?);
        let note = File::from(to(NOTE, false, note)?);
        Ok(Placed { note, program: to(PROGRAM, false, program)? })
    };
    put().map_err(failed("placing"))
}

/// Closes what is above: descriptors of the stage, and what a runner leaked.
pub(super) fn close_others() -> Result<(), ConfineError> {
    sys::close_from(FIRST_UNUSED).map_err(ConfineError::at(LAYER, "closing others"))
}

/// Takes over, in the shim, what the child has put in place.
///
/// `None` if the descriptors are not those of a jail: then this was started by hand.
pub fn take() -> Option<Inherited> {
    let channel = inherited(CHANNEL, SFlag::S_IFSOCK)?;
    let bundle = inherited(BUNDLE, SFlag::S_IFDIR)?;
    let bell = inherited(BELL, SFlag::S_IFSOCK)?;
    Some(Inherited { channel, bundle, bell })
}

/// What the shim starts with.
#[derive(Debug)]
pub struct Inherited {
    /// To the runner.
    pub channel: OwnedFd,
    /// The bundle's directory, without rights.
    pub bundle: OwnedFd,
    /// To the stage.
    pub bell: OwnedFd,
}

/// Takes over a descriptor that this program was started with, if it is of that kind. For each
/// number once.
pub(crate) fn inherited(number: i32, kind: SFlag) -> Option<OwnedFd> {
    let descriptor = sys::inherited(number)?;
    let mode = SFlag::from_bits_truncate(fstat(&descriptor).ok()?.st_mode);
    (mode & SFlag::S_IFMT == kind).then_some(descriptor)
}
