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
use protocol::stage::{FromStage, Notice, Purpose};
use std::collections::BTreeSet;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

/// Most different notices of one bundle. A library that tries to open a million files is told of
/// with the first ones.
const NOTICES_MAX: usize = 256;

/// The socket by which the listener comes, and then the listener.
#[derive(Debug)]
pub(super) struct Notices {
    bell: Option<OwnedFd>,
    listener: Option<OwnedFd>,
    purpose: Purpose,
    told: BTreeSet<Notice>,
}

impl Notices {
    pub(super) fn new(bell: OwnedFd, purpose: Purpose) -> Self {
        Self { bell: Some(bell), listener: None, purpose, told: BTreeSet::new() }
    }

    /// What to wait on for [`Self::serve`], if there is something to come.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.listener.as_ref().or(self.bell.as_ref()).map(|fd| fd.as_fd())
    }

    /// Takes what has come: the listener first, then one question.
    pub(super) fn serve(&mut self, control: &mut Control) {
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
