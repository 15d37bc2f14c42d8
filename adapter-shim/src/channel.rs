//! Whole frames over the socket. Blocking: the process has nothing else to do.

use crate::native::sys::inherited;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use protocol::error::FrameError;
use protocol::frame::{FrameBuffer, encode_head};
use protocol::limits::PAYLOAD_BYTES_MAX;
use serde::{Serialize, de::DeserializeOwned};
use std::fs::File;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

/// One end of a conversation with the runner.
#[derive(Debug)]
pub struct Channel {
    /// As a file: `read` and `writev` are calls that a jailed process may make, `recvfrom` is not.
    socket: File,
    received: FrameBuffer,
    head: Vec<u8>,
    payload_max: usize,
}

/// Why no frame can be received or sent.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The runner closed its end between two frames.
    #[error("the runner closed the channel")]
    Closed,
    /// The socket failed.
    #[error("the channel failed: {0}")]
    Io(#[from] io::Error),
    /// The bytes are no frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

impl Channel {
    /// Frames over `socket`, which must be blocking.
    pub fn new(socket: OwnedFd) -> Self {
        Self {
            socket: File::from(socket),
            received: FrameBuffer::new(),
            head: Vec::new(),
            payload_max: PAYLOAD_BYTES_MAX,
        }
    }

    /// From now on no payload may be larger than `bytes`, in either direction.
    pub fn limit_payload(&mut self, bytes: usize) {
        self.payload_max = bytes.min(PAYLOAD_BYTES_MAX);
    }

    /// Waits for the next frame, and forgets the one before.
    ///
    /// Returns its message, and where [`Self::payload`] finds its payload.
    ///
    /// # Errors
    /// [`ChannelError`]; the conversation is over then.
    pub fn receive<M: DeserializeOwned>(&mut self) -> Result<(M, Range<usize>), ChannelError> {
        self.received.clear();
        loop {
            let space = self.received.space(self.payload_max)?;
            let count = match self.socket.read(space) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            if count == 0 {
                return Err(self.received.at_end().map_or(ChannelError::Closed, Into::into));
            }
            if self.received.advance(count, self.payload_max)? {
                return Ok(self.received.message(self.payload_max)?);
            }
        }
    }

    /// The payload of the last frame, by the range from [`Self::receive`].
    pub fn payload(&self, range: Range<usize>) -> &[u8] {
        self.received.bytes().get(range).unwrap_or_default()
    }

    /// Sends a frame, head and payload with one system call unless the socket is full.
    ///
    /// # Errors
    /// [`ChannelError`]; the conversation is over then.
    pub fn send<M: Serialize>(&mut self, message: &M, payload: &[u8]) -> Result<(), ChannelError> {
        encode_head(message, payload.len(), self.payload_max, &mut self.head)?;
        let mut slices = [IoSlice::new(&self.head), IoSlice::new(payload)];
        let mut left = &mut slices[..];
        // Drops empty slices from the front, so that nothing left means all is written.
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            match self.socket.write_vectored(left) {
                Ok(0) => return Err(io::Error::from(ErrorKind::WriteZero).into()),
                Ok(count) => IoSlice::advance_slices(&mut left, count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Sends bytes, with descriptors on the first of them. For a few bytes into an empty socket: they fit,
/// or the peer is gone.
///
/// # Errors
/// Those of `sendmsg(2)`, and if only a part was sent.
pub(crate) fn send_descriptors(
    socket: impl AsFd,
    bytes: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let numbers: Vec<_> = descriptors.iter().map(|descriptor| descriptor.as_raw_fd()).collect();
    let rights = [ControlMessage::ScmRights(&numbers)];
    let (socket, parts) = (socket.as_fd().as_raw_fd(), [IoSlice::new(bytes)]);
    match sendmsg::<()>(socket, &parts, &rights, MsgFlags::MSG_NOSIGNAL, None)? {
        whole if whole == bytes.len() => Ok(()),
        _ => Err(ErrorKind::WriteZero.into()),
    }
}

/// Waits for a message of any content that carries a descriptor; `None` at the end of the stream, or
/// if it carries none.
///
/// # Errors
/// Those of `recvmsg(2)`.
pub(crate) fn receive_descriptor(socket: impl AsFd) -> io::Result<Option<OwnedFd>> {
    let mut byte = [0];
    let mut parts = [IoSliceMut::new(&mut byte)];
    let mut room = nix::cmsg_space!([std::os::fd::RawFd; 1]);
    let socket = socket.as_fd().as_raw_fd();
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(socket, &mut parts, Some(&mut room), flags)?;
    for part in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = part {
            return Ok(numbers.first().copied().and_then(inherited));
        }
    }
    Ok(None)
}
