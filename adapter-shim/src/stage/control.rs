//! The socket between the runner and the stage.

use super::StageError;
use crate::channel::{Channel, ChannelError, send_descriptors};
use protocol::frame::encode_head;
use protocol::limits::PAYLOAD_BYTES_MAX;
use protocol::stage::{FromStage, JailSpec, ToStage};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The stage's end.
#[derive(Debug)]
pub(super) struct Control {
    channel: Channel,
}

impl Control {
    pub(super) fn new(socket: OwnedFd) -> Self {
        Self { channel: Channel::new(socket) }
    }

    /// Waits for what is to be built.
    pub(super) fn spec(&mut self) -> Result<JailSpec, StageError> {
        let failed = |error: ChannelError| StageError::Control(error.to_string());
        let (ToStage::Jail, payload) = self.channel.receive::<ToStage>().map_err(failed)?;
        match postcard::take_from_bytes::<JailSpec>(self.channel.payload(payload)) {
            Ok((spec, [])) => Ok(spec),
            _ => Err(StageError::Control("the jail's description is malformed".to_owned())),
        }
    }

    /// Reports.
    pub(super) fn send(&mut self, message: &FromStage) -> Result<(), StageError> {
        let sent = self.channel.send(message, &[]);
        sent.map_err(|error| StageError::Control(error.to_string()))
    }

    /// Reports, with descriptors on the first byte.
    pub(super) fn send_with(
        &mut self,
        message: &FromStage,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), StageError> {
        let failed = |error: io::Error| StageError::Control(error.to_string());
        let mut bytes = Vec::new();
        encode_head(message, 0, PAYLOAD_BYTES_MAX, &mut bytes)
            .map_err(|error| failed(io::Error::other(error)))?;
        send_descriptors(self.as_fd(), &bytes, descriptors).map_err(failed)
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }
}
