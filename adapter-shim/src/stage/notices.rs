//! What the library asks for and does not get: calls that the filter puts to the stage.
//!
//! The stage refuses them, as the kernel would, and tells the runner of each once, with the grant
//! that would allow it. In [`Purpose::Learn`] it lets them be made instead, and tells just the same.
//!
//! What a call is about is read from the library's memory, which the library can change: it is told
//! to people and decides nothing.

mod decode;

use super::control::Control;
use crate::channel::receive_descriptor;
use crate::confine::syscalls::{is_allowed_by_some, name};
use crate::native::sys::notify::{Answer, answer, receive};
use nix::sys::socket::{MsgFlags, recv};
use protocol::stage::{FromStage, Notice, Purpose};
use std::collections::BTreeSet;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};

/// Most different notices of one bundle. A library that tries to open a million files is told of
/// with the first ones.
const NOTICES_MAX: usize = 256;

/// The socket by which the listener comes, and then the listener. Before it comes where the shim
/// writes down a crash.
#[derive(Debug)]
pub(super) struct Notices {
    bell: Option<OwnedFd>,
    record: Option<u64>,
    listener: Option<OwnedFd>,
    purpose: Purpose,
    told: BTreeSet<Notice>,
}

impl Notices {
    pub(super) fn new(bell: OwnedFd, purpose: Purpose) -> Self {
        Self { bell: Some(bell), record: None, listener: None, purpose, told: BTreeSet::new() }
    }

    /// What to wait on for [`Self::serve`], if there is something to come.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.listener.as_ref().or(self.bell.as_ref()).map(|fd| fd.as_fd())
    }

    /// The address in the shim's memory where it writes down a crash, if it does. It was told before
    /// the library was loaded, so it has come before anything that the library does.
    pub(super) fn crash_record(&mut self) -> Option<u64> {
        if self.record.is_none()
            && let Some(bell) = &self.bell
        {
            let mut address = [0; size_of::<u64>()];
            // Exactly these bytes: what follows carries the listener.
            let count = recv(bell.as_raw_fd(), &mut address, MsgFlags::MSG_DONTWAIT);
            self.record = (count == Ok(address.len())).then(|| u64::from_ne_bytes(address));
        }
        self.record.filter(|address| *address != 0)
    }

    /// Takes what has come: where a crash is written down, the listener, then one question.
    pub(super) fn serve(&mut self, control: &mut Control) {
        if self.record.is_none() && self.bell.is_some() {
            self.crash_record();
            if self.record.is_none() {
                // The shim has ended, or makes no sense: there is nothing more to come.
                self.bell = None;
            }
            return;
        }
        if let Some(bell) = self.bell.take() {
            // Without a listener the kernel refuses by itself, and nobody hears.
            self.listener = receive_descriptor(&bell).ok().flatten();
            return;
        }
        let Some(listener) = &self.listener else { return };
        let question = match receive(listener) {
            Ok(question) => question,
            // Whoever asked was killed meanwhile.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return,
            // No process has the filter any more.
            Err(_) => {
                self.listener = None;
                return;
            }
        };
        let reply = match self.purpose {
            Purpose::Confine => Answer::Refuse(libc::EACCES),
            Purpose::Learn => Answer::Make,
        };
        // Looked at before the answer: afterwards the library goes on and changes its memory.
        let notices = match self.told.len() < NOTICES_MAX {
            true => decode::notices(name(question.number).unwrap_or("?"), &question, self.purpose),
            false => Vec::new(),
        };
        // An error means that whoever asked is gone.
        let _ = answer(listener, question.id, reply);
        // A call that a grant allows, with nothing that would tell which: another one tells it, the
        // one that opened what this one uses.
        let tells = |notice: &Notice| {
            notice.grant.is_some()
                || self.purpose == Purpose::Confine
                || !is_allowed_by_some(question.number)
        };
        for notice in notices.into_iter().filter(tells) {
            if self.told.insert(notice.clone()) {
                // If the runner is gone there is nobody to tell.
                let _ = control.send(&FromStage::Noticed(notice));
            }
        }
    }
}
