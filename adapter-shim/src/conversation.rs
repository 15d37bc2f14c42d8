//! What was said and what may be said next: frames in, frames out, each allowed by its phase.

use crate::channel::{Channel, ChannelError};
use crate::end::End;
use protocol::error::PeerFault;
use protocol::message::{Message, Step, ToRunner, ToShim};
use protocol::phase::{Phase, carries_payload};
use protocol::text::ForeignText;
use std::ops::Range;
use std::os::fd::OwnedFd;

/// The conversation with the runner.
#[derive(Debug)]
pub struct Conversation {
    channel: Channel,
    phase: Phase,
}

impl Conversation {
    /// Starts over `socket`; nothing was said yet.
    pub fn new(socket: OwnedFd) -> Self {
        Self { channel: Channel::new(socket), phase: Phase::Start }
    }

    /// Waits for a request that is allowed now. [`Self::payload`] takes the range.
    ///
    /// # Errors
    /// [`End::Violation`] for a request that is not allowed now, [`End::Disconnected`].
    pub fn request(&mut self) -> Result<(ToShim, Range<usize>), End> {
        let (request, payload) = self.channel.receive::<ToShim>()?;
        self.phase = self.phase.request(&request)?;
        if !payload.is_empty() && !carries_payload(request.tag()) {
            return Err(PeerFault::Payload(request.tag()).into());
        }
        Ok((request, payload))
    }

    /// The payload of the last request.
    pub fn payload(&self, range: Range<usize>) -> &[u8] {
        self.channel.payload(range)
    }

    /// Answers the last request.
    ///
    /// # Errors
    /// [`End::Disconnected`] if the runner is gone.
    pub fn answer(&mut self, answer: &ToRunner, payload: &[u8]) -> Result<(), End> {
        self.phase = self.phase.answer(answer)?;
        Ok(self.channel.send(answer, payload)?)
    }

    /// Answers that `step` failed, after which the process ends.
    pub fn fail(&mut self, step: Step, reason: impl std::fmt::Display) -> End {
        let text = ForeignText::new(reason.to_string());
        match self.answer(&ToRunner::Failed { step, text }, &[]) {
            Ok(()) => End::Failed(step),
            Err(end) => end,
        }
    }

    /// The end that a request deserves which its phase should not have let through.
    pub fn not_now(&self, request: &ToShim) -> End {
        PeerFault::NotNow { tag: request.tag(), phase: self.phase }.into()
    }

    /// From now on no payload may be larger than `bytes`, in either direction.
    pub fn limit_payload(&mut self, bytes: u32) {
        self.channel.limit_payload(usize::try_from(bytes).unwrap_or(usize::MAX));
    }
}

impl From<ChannelError> for End {
    fn from(error: ChannelError) -> Self {
        match error {
            ChannelError::Frame(fault) => Self::Violation(fault.to_string()),
            ChannelError::Closed => Self::Disconnected(None),
            ChannelError::Io(error) => Self::Disconnected(Some(error)),
        }
    }
}
