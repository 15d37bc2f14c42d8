//! Which message is allowed when. Everything that the tables do not list ends the peer.
//!
//! The conversation is strictly one request, one answer. A phase names the request that is under
//! way, and so the answers that may come; the shim reads the same phases from its side.

use crate::error::PeerFault;
use crate::message::{Message, Tag, ToRunner, ToShim};

/// Where a conversation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Connected; nothing was said.
    Start,
    /// The runner's `Hello` is under way.
    Greeting,
    /// A version is agreed on.
    Greeted,
    /// The plan is under way, and the shim confines itself.
    Confining,
    /// The shim is confined; no foreign code has run.
    Confined,
    /// The library is being loaded. From here on the shim is not trusted.
    Loading,
    /// No request is under way.
    Idle,
    /// A call is under way.
    InCall,
    /// A destructor is under way.
    InDrop,
    /// The runner asked the shim to end.
    Closing,
    /// Nothing may be sent any more.
    Ended,
}

/// Requests: in which phase the runner may send what, and which phase follows.
pub const REQUESTS: &[(Phase, Tag, Phase)] = &[
    (Phase::Start, Tag::Hello, Phase::Greeting),
    (Phase::Greeted, Tag::Plan, Phase::Confining),
    (Phase::Confined, Tag::Load, Phase::Loading),
    (Phase::Idle, Tag::Call, Phase::InCall),
    (Phase::Idle, Tag::Drop, Phase::InDrop),
    (Phase::Idle, Tag::Shutdown, Phase::Closing),
];

/// Answers: in which phase the shim may send what, and which phase follows.
pub const ANSWERS: &[(Phase, Tag, Phase)] = &[
    (Phase::Greeting, Tag::Hello, Phase::Greeted),
    (Phase::Greeting, Tag::Refused, Phase::Ended),
    (Phase::Confining, Tag::Confined, Phase::Confined),
    (Phase::Confining, Tag::Failed, Phase::Ended),
    (Phase::Loading, Tag::Ready, Phase::Idle),
    (Phase::Loading, Tag::Failed, Phase::Ended),
    (Phase::InCall, Tag::Return, Phase::Idle),
    (Phase::InCall, Tag::CallFailed, Phase::Idle),
    (Phase::InDrop, Tag::Dropped, Phase::Idle),
    (Phase::InDrop, Tag::CallFailed, Phase::Idle),
    (Phase::Closing, Tag::Bye, Phase::Ended),
];

impl Phase {
    /// The phase after the runner sent `request`.
    ///
    /// # Errors
    /// [`PeerFault::NotNow`] if the request is not allowed in this phase.
    pub fn request(self, request: &ToShim) -> Result<Self, PeerFault> {
        self.step(REQUESTS, request.tag())
    }

    /// The phase after the shim sent `answer`.
    ///
    /// # Errors
    /// [`PeerFault::NotNow`] if the answer is not allowed in this phase.
    pub fn answer(self, answer: &ToRunner) -> Result<Self, PeerFault> {
        self.step(ANSWERS, answer.tag())
    }

    fn step(self, table: &[(Phase, Tag, Phase)], tag: Tag) -> Result<Self, PeerFault> {
        table
            .iter()
            .find(|(phase, allowed, _)| (*phase, *allowed) == (self, tag))
            .map(|(_, _, next)| *next)
            .ok_or(PeerFault::NotNow { tag, phase: self })
    }
}

/// Whether a frame with this message may carry a payload.
pub fn carries_payload(tag: Tag) -> bool {
    matches!(tag, Tag::Plan | Tag::Load | Tag::Call | Tag::Return)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_without_a_request_is_refused() {
        let answer = ToRunner::Return { id: 1 };
        assert_eq!(
            Phase::Idle.answer(&answer),
            Err(PeerFault::NotNow { tag: Tag::Return, phase: Phase::Idle })
        );
    }

    #[test]
    fn every_phase_but_the_last_has_exactly_one_side_to_speak() {
        for phase in [Phase::Start, Phase::Greeted, Phase::Confined, Phase::Idle] {
            assert!(REQUESTS.iter().any(|(from, ..)| *from == phase), "{phase:?}");
            assert!(!ANSWERS.iter().any(|(from, ..)| *from == phase), "{phase:?}");
        }
        for (_, _, waiting) in REQUESTS {
            assert!(ANSWERS.iter().any(|(from, ..)| from == waiting), "{waiting:?}");
            assert!(!REQUESTS.iter().any(|(from, ..)| from == waiting), "{waiting:?}");
        }
    }
}
