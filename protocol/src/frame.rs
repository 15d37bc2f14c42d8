//! Bytes to frames, and back. Only syntax and caps: what a message means is not known here.
//!
//! ```text
//! offset  size  content (all numbers little-endian)
//!      0     4  payload length P
//!      4     2  head length H, 1 to HEAD_BYTES_MAX
//!      6     2  MARK
//!      8     H  head: one message, encoded with postcard
//!    8+H     P  payload: values or a plan; its layout depends on the message
//! ```
//!
//! The payload is not part of the postcard message, so that arguments of a megabyte are neither
//! copied into it nor out of it.

use crate::error::FrameError;
use crate::limits::{HEAD_BYTES_MAX, PAYLOAD_BYTES_MAX};
use serde::{Serialize, de::DeserializeOwned};
use std::ops::Range;

/// Bytes of a frame header.
pub const HEADER_BYTES: usize = 8;

/// Last two bytes of a header, little-endian: shows at once when a stream is out of step.
pub const MARK: u16 = 0x7277;

/// What a frame header says, with both lengths within their caps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    head: usize,
    payload: usize,
}

impl Header {
    /// Reads a header.
    ///
    /// # Errors
    /// [`FrameError`] if the mark is wrong or a length exceeds its cap, before anything is reserved.
    pub fn parse(bytes: [u8; HEADER_BYTES], payload_max: usize) -> Result<Self, FrameError> {
        let [p0, p1, p2, p3, h0, h1, m0, m1] = bytes;
        let found = u16::from_le_bytes([m0, m1]);
        if found != MARK {
            return Err(FrameError::Mark { found, expected: MARK });
        }
        let head = usize::from(u16::from_le_bytes([h0, h1]));
        let claimed = u32::from_le_bytes([p0, p1, p2, p3]);
        let payload = usize::try_from(claimed).unwrap_or(usize::MAX);
        Self { head, payload }.within(payload_max)
    }

    fn within(self, payload_max: usize) -> Result<Self, FrameError> {
        if self.head == 0 || self.head > HEAD_BYTES_MAX {
            return Err(FrameError::Head { found: self.head, max: HEAD_BYTES_MAX });
        }
        let max = payload_max.min(PAYLOAD_BYTES_MAX);
        if self.payload > max {
            return Err(FrameError::Payload { found: self.payload, max });
        }
        Ok(self)
    }

    /// Bytes of the whole frame, header included.
    pub fn frame_bytes(self) -> usize {
        HEADER_BYTES + self.head + self.payload
    }
}

/// Encodes header and head of a frame whose payload of `payload` bytes follows on its own.
///
/// `out` is cleared first; reuse it between calls.
///
/// # Errors
/// [`FrameError`] if the message or the payload exceeds its cap: the caller's value is too large.
pub fn encode_head<M: Serialize>(
    message: &M,
    payload: usize,
    payload_max: usize,
    out: &mut Vec<u8>,
) -> Result<(), FrameError> {
    out.clear();
    out.extend_from_slice(&[0; HEADER_BYTES]);
    *out = postcard::to_extend(message, std::mem::take(out)).map_err(|_| FrameError::Message)?;
    let header = Header { head: out.len() - HEADER_BYTES, payload }.within(payload_max)?;
    let payload = u32::try_from(header.payload)
        .map_err(|_| FrameError::Payload { found: payload, max: PAYLOAD_BYTES_MAX })?;
    let head = u16::try_from(header.head)
        .map_err(|_| FrameError::Head { found: header.head, max: HEAD_BYTES_MAX })?;
    let fields = payload.to_le_bytes().into_iter().chain(head.to_le_bytes());
    for (slot, byte) in out.iter_mut().zip(fields.chain(MARK.to_le_bytes())) {
        *slot = byte;
    }
    Ok(())
}

/// Collects bytes from a stream until a frame is whole. Reused for every frame of a connection.
///
/// Memory grows with the bytes that have arrived, at most doubling, never with the length that a
/// header claims; it is kept for the next frame.
#[derive(Debug, Default)]
pub struct FrameBuffer {
    bytes: Vec<u8>,
    filled: usize,
}

/// Room offered to the first read of a frame. Most calls fit into it whole.
///
/// The longest head comes on top of a round number, so that doubling never stops just short of the
/// largest payload: old and new memory together stay below twice that payload while it grows.
const FIRST_READ_BYTES: usize = (64 << 10) + HEADER_BYTES + HEAD_BYTES_MAX;

impl FrameBuffer {
    /// An empty buffer; allocates on first use.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the next read should put its bytes. Never empty.
    ///
    /// Never offers room beyond the end of the frame once its header is known: bytes of a
    /// following frame stay in the socket.
    ///
    /// # Errors
    /// [`FrameError`] if the header that has arrived is not acceptable.
    pub fn space(&mut self, payload_max: usize) -> Result<&mut [u8], FrameError> {
        let whole = self.header(payload_max)?.map_or(FIRST_READ_BYTES, Header::frame_bytes);
        if self.filled == self.bytes.len() {
            // Room for the rest, but at most as much again as has arrived.
            let end = whole.min(FIRST_READ_BYTES.max(self.filled * 2));
            self.bytes.reserve_exact(end.saturating_sub(self.filled));
            self.bytes.resize(end, 0);
        }
        let end = whole.min(self.bytes.len());
        self.bytes.get_mut(self.filled..end).ok_or(FrameError::Truncated { received: self.filled })
    }

    /// As [`Self::space`], for a stream on which frames may follow each other unasked: offers room
    /// for the header alone until that is known, at the price of a second read for each frame.
    ///
    /// # Errors
    /// [`FrameError`] if the header that has arrived is not acceptable.
    pub fn exact_space(&mut self, payload_max: usize) -> Result<&mut [u8], FrameError> {
        let is_known = self.header(payload_max)?.is_some();
        let filled = self.filled;
        let space = self.space(payload_max)?;
        let end = if is_known { space.len() } else { HEADER_BYTES.saturating_sub(filled) };
        space.get_mut(..end).ok_or(FrameError::Truncated { received: filled })
    }

    /// Records that `count` bytes were put into [`Self::space`], and returns the frame if whole.
    ///
    /// # Errors
    /// [`FrameError`] if the header is not acceptable, or if bytes follow the frame: neither side
    /// may send before it was answered.
    pub fn advance(&mut self, count: usize, payload_max: usize) -> Result<bool, FrameError> {
        self.filled = self.filled.saturating_add(count).min(self.bytes.len());
        let Some(header) = self.header(payload_max)? else { return Ok(false) };
        if self.filled > header.frame_bytes() {
            let found = self.filled - HEADER_BYTES - header.head;
            return Err(FrameError::Payload { found, max: header.payload });
        }
        Ok(self.filled == header.frame_bytes())
    }

    /// The error to report when the stream ends now; `None` if it ended between two frames.
    pub fn at_end(&self) -> Option<FrameError> {
        (self.filled > 0).then_some(FrameError::Truncated { received: self.filled })
    }

    /// The message of the whole frame and where its payload lies in [`Self::bytes`].
    ///
    /// Call it after [`Self::advance`] returned `true`, and [`Self::clear`] when done.
    ///
    /// # Errors
    /// [`FrameError::Message`] if the head is not exactly one message of type `M`.
    pub fn message<M: DeserializeOwned>(
        &self,
        payload_max: usize,
    ) -> Result<(M, Range<usize>), FrameError> {
        let header = self.header(payload_max)?.ok_or(FrameError::Message)?;
        let start = HEADER_BYTES + header.head;
        let head = self.bytes.get(HEADER_BYTES..start).ok_or(FrameError::Message)?;
        match postcard::take_from_bytes(head) {
            Ok((message, [])) => Ok((message, start..start + header.payload)),
            _ => Err(FrameError::Message),
        }
    }

    /// All bytes collected; index it with the range from [`Self::message`].
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }

    /// As [`Self::bytes`], to rewrite handles in place.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..self.filled).unwrap_or_default()
    }

    /// Forgets the frame and keeps the memory.
    pub fn clear(&mut self) {
        self.filled = 0;
    }

    fn header(&self, payload_max: usize) -> Result<Option<Header>, FrameError> {
        match self.bytes().first_chunk() {
            Some(bytes) => Header::parse(*bytes, payload_max).map(Some),
            None => Ok(None),
        }
    }
}
