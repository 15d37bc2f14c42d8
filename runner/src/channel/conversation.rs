//! Requests and their answers: what arrives is a claim until phase, id and payload agree.

use super::{Channel, ChannelError, Wait};
use protocol::error::PeerFault;
use protocol::frame::FrameBuffer;
use protocol::message::{Message as _, ToRunner, ToShim};
use protocol::phase::{Phase, carries_payload};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// The answer to one request: allowed now, meant for this request, payload still unchecked.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What the shim says.
    pub(crate) message: ToRunner,
    /// The payload, to be validated against the type that the request expects.
    pub(crate) payload: ReplyBytes,
}

/// Bytes of an answer. Their memory goes back to the conversation when they are dropped.
#[derive(Debug)]
pub(crate) struct ReplyBytes {
    buffer: FrameBuffer,
    payload: Range<usize>,
    home: Arc<Spare>,
}

/// At most one buffer that waits to be used again: a conversation has one answer at a time, and
/// the guest lowers it before it can make the next call.
type Spare = Mutex<Option<FrameBuffer>>;

impl ReplyBytes {
    /// The bytes, to rewrite handles in place.
    pub(crate) fn as_mut(&mut self) -> &mut [u8] {
        self.buffer.bytes_mut().get_mut(self.payload.clone()).unwrap_or_default()
    }
}

impl AsRef<[u8]> for ReplyBytes {
    fn as_ref(&self) -> &[u8] {
        self.buffer.bytes().get(self.payload.clone()).unwrap_or_default()
    }
}

impl Drop for ReplyBytes {
    fn drop(&mut self) {
        let mut spare = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        *spare = Some(std::mem::take(&mut self.buffer));
    }
}

/// A channel, and where the conversation on it stands.
#[derive(Debug)]
pub(crate) struct Conversation {
    channel: Channel,
    phase: Phase,
    last_id: u64,
    spare: Arc<Spare>,
}

impl Conversation {
    /// Starts at [`Phase::Start`].
    pub(crate) fn new(channel: Channel) -> Self {
        Self { channel, phase: Phase::Start, last_id: 0, spare: Arc::default() }
    }

    /// The channel underneath.
    pub(crate) fn channel(&self) -> &Channel {
        &self.channel
    }

    /// The channel underneath.
    pub(crate) fn channel_mut(&mut self) -> &mut Channel {
        &mut self.channel
    }

    /// A number for the next request.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The latest of these numbers; 0 before the first.
    pub(crate) fn last_id(&self) -> u64 {
        self.last_id
    }

    /// Sends `request` and returns its answer.
    ///
    /// After an error, or if the future is dropped, the conversation is out of step and must not
    /// be used again: end the shim.
    pub(crate) async fn ask(
        &mut self,
        request: &ToShim,
        payload: &[u8],
        wait: &impl Wait,
    ) -> Result<Answer, ChannelError> {
        self.send(request, payload, wait).await?;
        self.answer(request, wait).await
    }

    /// The first half of [`Conversation::ask`].
    pub(crate) async fn send(
        &mut self,
        request: &ToShim,
        payload: &[u8],
        wait: &impl Wait,
    ) -> Result<(), ChannelError> {
        self.phase = self.phase.request(request)?;
        self.channel.send(request, payload, wait).await
    }

    /// The second half: the answer to `request`, which was sent.
    pub(crate) async fn answer(
        &mut self,
        request: &ToShim,
        wait: &impl Wait,
    ) -> Result<Answer, ChannelError> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut buffer = spare.unwrap_or_default();
        let (message, payload) = self.channel.receive(&mut buffer, wait).await?;
        self.phase = self.phase.answer(&message)?;
        check_id(request, &message)?;
        if !payload.is_empty() && !carries_payload(message.tag()) {
            return Err(PeerFault::Payload(message.tag()).into());
        }
        let payload = ReplyBytes { buffer, payload, home: Arc::clone(&self.spare) };
        Ok(Answer { message, payload })
    }
}

/// An answer that names a request must name the one that is under way.
fn check_id(request: &ToShim, answer: &ToRunner) -> Result<(), PeerFault> {
    let expected = match request {
        ToShim::Call { id, .. } | ToShim::Drop { id, .. } => *id,
        ToShim::Hello { .. } | ToShim::Plan | ToShim::Load | ToShim::Shutdown => return Ok(()),
    };
    match answer {
        ToRunner::Return { id } | ToRunner::CallFailed { id, .. } | ToRunner::Dropped { id } => {
            if *id == expected {
                Ok(())
            } else {
                Err(PeerFault::Id { found: *id, expected })
            }
        }
        // The phase table has refused every other answer.
        _ => Ok(()),
    }
}
