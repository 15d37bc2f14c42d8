//! The frame decoder, with any division of the stream into reads.
//!
//! Input: which cap, which way of reading, four lengths of reads, how many zeros follow the rest,
//! and the rest, which starts the stream. The zeros are what makes a small input a large payload.

use crate::allocated;
use crate::input::Input;
use protocol::error::FrameError;
use protocol::frame::FrameBuffer;
use protocol::limits::PAYLOAD_BYTES_MAX;
use protocol::message::{ToRunner, ToShim};

/// Bytes of a header and the longest head, as the document has them.
const HEADER: usize = 8;
const HEAD_MAX: usize = 8192;

/// What a first read may cost, whatever has arrived.
const FIRST_READ: usize = 128 << 10;

/// The most zeros that follow an input.
static ZEROS: [u8; 64 << 12] = [0; 64 << 12];

/// What a buffer must make of a stream, read frame by frame.
#[derive(Debug, PartialEq, Eq)]
enum Frame<'a> {
    Whole(&'a [u8]),
    Refused,
    Unfinished(usize),
    End,
}

/// Checks one input.
///
/// # Panics
/// If the decoder breaks a promise.
pub fn check(data: &[u8]) {
    let mut input = Input(data);
    let caps = [PAYLOAD_BYTES_MAX, 0, 1, 300, 64 << 10, usize::MAX];
    let cap = caps[usize::from(input.byte()) % caps.len()];
    let is_exact = input.byte() % 2 == 0;
    let reads: Vec<usize> = (0..4).map(|_| usize::from(input.byte())).collect();
    let zeros = usize::from(input.byte().saturating_sub(191)) << 12;
    let stream = &[input.rest(), &ZEROS[..zeros]].concat();
    // Old and new memory of a buffer that grows to what has arrived, at most doubled.
    let limit = (2 * (cap.min(PAYLOAD_BYTES_MAX) + HEADER + HEAD_MAX)).max(FIRST_READ);
    let limit = limit.min(FIRST_READ.max(4 * stream.len()));
    let mut buffer = FrameBuffer::new();
    let mut left = &stream[..];
    loop {
        let expected = expected(left, cap);
        let received =
            allocated::at_most(limit, || receive(&mut buffer, left, cap, is_exact, &reads));
        match (&expected, received) {
            (Frame::Whole(frame), Ok(true)) => {
                assert_eq!(buffer.bytes(), *frame);
                whole(&mut buffer, cap);
                left = &left[frame.len()..];
                buffer.clear();
            }
            // Without `is_exact`, a first read takes whatever is there, and more than one frame is
            // refused.
            (Frame::Whole(frame), Err(FrameError::Payload { .. })) => {
                assert!(!is_exact && left.len() > frame.len());
                return;
            }
            (Frame::Refused, Err(error)) => {
                assert!(!matches!(error, FrameError::Truncated { .. } | FrameError::Message));
                return;
            }
            (Frame::Unfinished(count), Ok(false)) => {
                let received = *count;
                assert_eq!(buffer.at_end(), Some(FrameError::Truncated { received }));
                return;
            }
            (Frame::End, Ok(false)) => return assert_eq!(buffer.at_end(), None),
            (expected, received) => panic!("{received:?}, expected {expected:?}"),
        }
    }
}

/// What the document says about the front of `stream`.
fn expected(stream: &[u8], cap: usize) -> Frame<'_> {
    if stream.is_empty() {
        return Frame::End;
    }
    let Some(header) = stream.first_chunk::<HEADER>() else {
        return Frame::Unfinished(stream.len());
    };
    let payload = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
    let head = usize::from(u16::from_le_bytes([header[4], header[5]]));
    let is_marked = header[6..] == [0x77, 0x72];
    if !is_marked || !(1..=HEAD_MAX).contains(&head) || payload > cap.min(16 << 20) {
        return Frame::Refused;
    }
    match stream.get(..HEADER + head + payload) {
        Some(frame) => Frame::Whole(frame),
        None => Frame::Unfinished(stream.len()),
    }
}

/// Reads until a frame is whole (`true`) or the stream is at its end.
fn receive(
    buffer: &mut FrameBuffer,
    mut stream: &[u8],
    cap: usize,
    is_exact: bool,
    reads: &[usize],
) -> Result<bool, FrameError> {
    for read in reads.iter().cycle() {
        let filled = buffer.bytes().len();
        let space = if is_exact { buffer.exact_space(cap)? } else { buffer.space(cap)? };
        assert!(!space.is_empty(), "no room for the next read");
        // 255 stands for as much as there is.
        let read = if *read == 255 { usize::MAX } else { read + 1 };
        let count = read.min(space.len()).min(stream.len());
        space[..count].copy_from_slice(&stream[..count]);
        stream = &stream[count..];
        if count == 0 {
            return Ok(false);
        }
        let is_whole = buffer.advance(count, cap)?;
        assert_eq!(buffer.bytes().len(), filled + count);
        if is_whole {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A whole frame is a message of either direction, or neither, and its payload is its end.
fn whole(buffer: &mut FrameBuffer, cap: usize) {
    let length = buffer.bytes().len();
    let request = buffer.message::<ToShim>(cap).map(|(_, payload)| payload);
    let answer = buffer.message::<ToRunner>(cap).map(|(_, payload)| payload);
    for payload in [request, answer] {
        match payload {
            Ok(payload) => assert_eq!(payload.end, length),
            Err(error) => assert_eq!(error, FrameError::Message),
        }
    }
    assert_eq!(buffer.bytes_mut().len(), length);
}
