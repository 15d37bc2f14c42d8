//! One end of the socket to a shim: frames out, frames in, one deadline for each exchange.
//!
//! The socket never blocks. How to wait is the caller's choice ([`Wait`]): a thread that sleeps in
//! `poll(2)`, or a tokio task. Everything else exists once for both.

#[cfg(test)]
mod attack_tests;
mod conversation;
mod wait;

pub(crate) use conversation::{Answer, Conversation, ReplyBytes};
pub(crate) use wait::{Blocking, Polled, Wait, deadline_after, ready_by, run_blocking};

use nix::sys::socket::{MsgFlags, sendmsg};
use protocol::error::{FrameError, PeerFault};
use protocol::frame::{FrameBuffer, encode_head};
use protocol::limits::PAYLOAD_BYTES_MAX;
use protocol::message::{ToRunner, ToShim};
use std::io::{self, IoSlice, Read as _};
use std::ops::Range;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;

/// Why no answer was received.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChannelError {
    /// The peer closed the socket between two frames, most likely because it died.
    #[error("the connection was closed")]
    Closed,
    /// The peer had closed the socket before anything of the request was sent.
    #[error("the connection was closed before")]
    NotSent,
    /// The deadline of the exchange has passed.
    #[error("no answer before the deadline")]
    Deadline,
    /// The peer broke the protocol.
    #[error(transparent)]
    Peer(#[from] PeerFault),
    /// The system refused an operation on the socket.
    #[error("socket: {0}")]
    Io(io::Error),
}

impl From<io::Error> for ChannelError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut => Self::Deadline,
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

impl From<FrameError> for ChannelError {
    fn from(error: FrameError) -> Self {
        Self::Peer(error.into())
    }
}

/// A connected socket that sends [`ToShim`] and receives [`ToRunner`].
#[derive(Debug)]
pub(crate) struct Channel {
    stream: UnixStream,
    head: Vec<u8>,
    payload_max: usize,
}

impl Channel {
    /// Takes one end of a socket pair. Payloads are limited by the protocol alone.
    pub(crate) fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { stream, head: Vec::new(), payload_max: PAYLOAD_BYTES_MAX })
    }

    /// Limits payloads in both directions from now on.
    pub(crate) fn limit(&mut self, payload_max: usize) {
        self.payload_max = payload_max.min(PAYLOAD_BYTES_MAX);
    }

    /// Largest payload in either direction, in bytes.
    pub(crate) fn payload_max(&self) -> usize {
        self.payload_max
    }

    /// The socket, to register it with an event loop.
    pub(crate) fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// Sends one frame. Head and payload leave in one system call if the socket has room.
    pub(crate) async fn send(
        &mut self,
        message: &ToShim,
        payload: &[u8],
        wait: &impl Wait,
    ) -> Result<(), ChannelError> {
        encode_head(message, payload.len(), self.payload_max, &mut self.head)?;
        let whole = self.head.len() + payload.len();
        let mut sent = 0;
        while sent < whole {
            let head = self.head.get(sent..).unwrap_or_default();
            let rest = payload.get(sent.saturating_sub(self.head.len())..).unwrap_or_default();
            let written = wait.write(&self.stream, |stream| send_parts(stream, head, rest)).await;
            sent += match written.map_err(ChannelError::from) {
                Err(ChannelError::Closed) if sent == 0 => return Err(ChannelError::NotSent),
                other => other?,
            };
        }
        Ok(())
    }

    /// Receives one frame into `buffer`; returns its message and where its payload lies there.
    pub(crate) async fn receive(
        &self,
        buffer: &mut FrameBuffer,
        wait: &impl Wait,
    ) -> Result<(ToRunner, Range<usize>), ChannelError> {
        buffer.clear();
        loop {
            let space = buffer.space(self.payload_max)?;
            let count = wait.read(&self.stream, |mut stream| stream.read(&mut *space)).await?;
            if count == 0 {
                return Err(buffer.at_end().map_or(ChannelError::Closed, ChannelError::from));
            }
            if buffer.advance(count, self.payload_max)? {
                return Ok(buffer.message(self.payload_max)?);
            }
        }
    }
}

/// Sends as much as fits. A closed peer is an error here, never a signal to this process.
fn send_parts(stream: &UnixStream, head: &[u8], payload: &[u8]) -> io::Result<usize> {
    let parts = [IoSlice::new(head), IoSlice::new(payload)];
    sendmsg::<()>(stream.as_raw_fd(), &parts, &[], MsgFlags::MSG_NOSIGNAL, None)
        .map_err(io::Error::from)
}
