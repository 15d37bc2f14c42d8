//! The decoders of messages, in both directions and with the stage.
//!
//! Input: which type, then its encoding.

use crate::allocated;
use crate::input::Input;
use protocol::frame::{FrameBuffer, HEADER_BYTES, encode_head};
use protocol::limits::{PAYLOAD_BYTES_MAX, TEXT_BYTES_MAX};
use protocol::message::{Message, Plan, ToRunner, ToShim};
use protocol::phase::carries_payload;
use protocol::probe::Report;
use protocol::stage::{FromStage, JailSpec, ToStage};
use protocol::text::ForeignText;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// Checks one input.
///
/// # Panics
/// If a decoder breaks a promise.
pub fn check(data: &[u8]) {
    let mut input = Input(data);
    let kind = input.byte();
    let bytes = input.rest();
    match kind % 7 {
        0 => {
            // From a library that is not trusted: no more than the bytes that arrived.
            if let Some(answer) = decoded::<ToRunner>(bytes, bytes.len()) {
                text(&answer);
                framed(&answer);
            }
        }
        1 => {
            if let Some(request) = decoded::<ToShim>(bytes, bytes.len()) {
                framed(&request);
            }
        }
        // From those who are trusted. A list reserves at most a mebibyte before it is read, and
        // small entries take more room in memory than on the wire.
        2 => drop(decoded::<FromStage>(bytes, trusted(bytes))),
        3 => drop(decoded::<ToStage>(bytes, trusted(bytes))),
        4 => drop(decoded::<JailSpec>(bytes, trusted(bytes))),
        5 => drop(decoded::<Plan>(bytes, trusted(bytes))),
        _ => drop(decoded::<Report>(bytes, trusted(bytes))),
    }
}

/// Lists inside each other may each reserve their mebibyte; no message has more than three levels.
fn trusted(bytes: &[u8]) -> usize {
    (3 << 20) + 128 * bytes.len()
}

/// A time of a thousand million nanoseconds and more is read as seconds, whose number may then need
/// one more byte.
const CARRIED: usize = 1;

/// The message at the front of `bytes`: encoded again, it is the same, and no longer.
fn decoded<M>(bytes: &[u8], limit: usize) -> Option<M>
where
    M: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let decode = || postcard::take_from_bytes::<M>(bytes);
    let (message, rest) = allocated::at_most(limit, decode).ok()?;
    let again = postcard::to_stdvec(&message).expect("what was decoded can be encoded");
    let read = bytes.len() - rest.len();
    assert!(again.len() <= read + CARRIED, "{message:?} grew");
    assert_eq!(postcard::from_bytes::<M>(&again).as_ref(), Ok(&message));
    Some(message)
}

/// Texts are within their limit, and harmless when they are shown.
fn text(answer: &ToRunner) {
    let (ToRunner::Failed { text, .. } | ToRunner::CallFailed { text, .. }) = answer else {
        return;
    };
    assert!(text.as_raw().len() <= TEXT_BYTES_MAX);
    assert_eq!(&ForeignText::new(text.as_raw()), text);
    let shown = text.to_string();
    let acts = |c: char| c.is_control() && !"\n\t".contains(c);
    assert!(!shown.contains(acts), "{shown:?}");
    assert!(!shown.contains(['\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}']), "{shown:?}");
}

/// Through a frame, the message is the same.
fn framed<M: Message + PartialEq + Debug>(message: &M) {
    let payload: &[u8] = if carries_payload(message.tag()) { b"payload" } else { b"" };
    let mut frame = Vec::new();
    encode_head(message, payload.len(), PAYLOAD_BYTES_MAX, &mut frame).expect("within the caps");
    assert!(frame.len() > HEADER_BYTES);
    frame.extend_from_slice(payload);
    let mut buffer = FrameBuffer::new();
    buffer.space(PAYLOAD_BYTES_MAX).expect("room")[..frame.len()].copy_from_slice(&frame);
    assert_eq!(buffer.advance(frame.len(), PAYLOAD_BYTES_MAX), Ok(true));
    let (again, range) = buffer.message::<M>(PAYLOAD_BYTES_MAX).expect("a message");
    assert_eq!((&again, &buffer.bytes()[range]), (message, payload));
}
