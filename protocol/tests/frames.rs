//! Frames survive any way of reading, and nothing that is not exactly one frame does.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod common;

use common::config;
use proptest::collection::vec;
use proptest::prelude::*;
use protocol::error::FrameError;
use protocol::frame::{FrameBuffer, HEADER_BYTES, Header, MARK, encode_head};
use protocol::limits::{HEAD_BYTES_MAX, PAYLOAD_BYTES_MAX, TEXT_BYTES_MAX};
use protocol::message::{CallFault, Message, Step, ToRunner, ToShim};
use protocol::text::ForeignText;
use protocol::version::{MAGIC, VersionRange};
use std::io::Read as _;

fn frame<M: Message>(message: &M, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    encode_head(message, payload.len(), PAYLOAD_BYTES_MAX, &mut frame).unwrap();
    frame.extend_from_slice(payload);
    frame
}

/// A message and its payload.
type Received<M> = (M, Vec<u8>);

/// Reads one frame from `stream`, at most `chunks[i]` bytes at a time.
fn receive<M: Message>(mut stream: &[u8], chunks: &[usize]) -> Result<Received<M>, FrameError> {
    let mut buffer = FrameBuffer::new();
    let mut chunks = chunks.iter().copied().cycle();
    loop {
        let space = buffer.space(PAYLOAD_BYTES_MAX)?;
        assert!(!space.is_empty());
        let count = space.len().min(chunks.next().unwrap_or(usize::MAX));
        let read = stream.read(&mut space[..count]).unwrap();
        if read == 0 {
            return Err(buffer.at_end().unwrap_or(FrameError::Truncated { received: 0 }));
        }
        if buffer.advance(read, PAYLOAD_BYTES_MAX)? {
            let (message, range) = buffer.message(PAYLOAD_BYTES_MAX)?;
            return Ok((message, buffer.bytes()[range].to_vec()));
        }
    }
}

fn versions() -> impl Strategy<Value = VersionRange> {
    any::<(u16, u16)>().prop_map(|(oldest, newest)| VersionRange { oldest, newest })
}

fn to_shim() -> impl Strategy<Value = ToShim> {
    prop_oneof![
        versions().prop_map(|versions| ToShim::Hello { magic: MAGIC, versions }),
        Just(ToShim::Plan),
        Just(ToShim::Load),
        any::<(u64, u32)>().prop_map(|(id, function)| ToShim::Call { id, function }),
        any::<(u64, u32, u32)>().prop_map(|(id, resource, handle)| ToShim::Drop {
            id,
            resource,
            handle
        }),
        Just(ToShim::Shutdown),
    ]
}

fn to_runner() -> impl Strategy<Value = ToRunner> {
    let step = prop::sample::select(vec![Step::Plan, Step::Confine, Step::Load, Step::Init]);
    let fault = prop::sample::select(vec![
        CallFault::Panicked,
        CallFault::BadResult,
        CallFault::TooLarge,
        CallFault::OutOfMemory,
    ]);
    let text = || any::<String>().prop_map(ForeignText::new);
    prop_oneof![
        any::<u16>().prop_map(|version| ToRunner::Hello { magic: MAGIC, version }),
        versions().prop_map(|versions| ToRunner::Refused { versions }),
        Just(ToRunner::Confined),
        Just(ToRunner::Ready),
        (step, text()).prop_map(|(step, text)| ToRunner::Failed { step, text }),
        any::<u64>().prop_map(|id| ToRunner::Return { id }),
        (any::<u64>(), fault, text()).prop_map(|(id, fault, text)| ToRunner::CallFailed {
            id,
            fault,
            text
        }),
        any::<u64>().prop_map(|id| ToRunner::Dropped { id }),
        Just(ToRunner::Bye),
    ]
}

/// Sizes of reads: single bytes, a few, and all at once.
fn chunks() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![3 => 1..=16_usize, 1 => 1..=4096_usize, 1 => Just(usize::MAX)], 1..=8)
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => vec(any::<u8>(), 0..=300), 1 => vec(any::<u8>(), 150_000..=300_000)]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_way_of_reading_gives_the_same_request(
        message in to_shim(), payload in payload(), chunks in chunks()
    ) {
        let received = receive::<ToShim>(&frame(&message, &payload), &chunks);
        prop_assert_eq!(received, Ok((message, payload)));
    }

    #[test]
    fn any_way_of_reading_gives_the_same_answer(
        message in to_runner(), payload in payload(), chunks in chunks()
    ) {
        let received = receive::<ToRunner>(&frame(&message, &payload), &chunks);
        prop_assert_eq!(received, Ok((message, payload)));
    }

    #[test]
    fn a_stream_that_ends_inside_a_frame_is_an_error(
        message in to_runner(), payload in vec(any::<u8>(), 0..=64), chunks in chunks()
    ) {
        let frame = frame(&message, &payload);
        for end in 0..frame.len() {
            let received = receive::<ToRunner>(&frame[..end], &chunks);
            prop_assert_eq!(received, Err(FrameError::Truncated { received: end }));
        }
    }

    #[test]
    fn bytes_that_arrive_with_a_frame_are_refused(
        message in to_runner(), payload in vec(any::<u8>(), 0..=64), next in vec(any::<u8>(), 1..=40)
    ) {
        let mut stream = frame(&message, &payload);
        stream.extend_from_slice(&next);
        let received = receive::<ToRunner>(&stream, &[usize::MAX]);
        let found = payload.len() + next.len();
        prop_assert_eq!(received, Err(FrameError::Payload { found, max: payload.len() }));
    }

    #[test]
    fn one_changed_byte_is_another_frame_or_an_error(
        message in to_runner(), at: prop::sample::Index, bit in 0..8_u32
    ) {
        let mut stream = frame(&message, &[]);
        let at = at.index(stream.len());
        stream[at] ^= 1 << bit;
        if let Ok((received, _)) = receive::<ToRunner>(&stream, &[usize::MAX]) {
            prop_assert_ne!(received, message);
        }
    }
}

#[test]
fn a_frame_behind_another_stays_in_the_stream_once_the_header_is_known() {
    let first = frame(&ToRunner::Return { id: 1 }, b"one");
    let second = frame(&ToRunner::Return { id: 2 }, b"two");
    let mut buffer = FrameBuffer::new();
    buffer.space(PAYLOAD_BYTES_MAX).unwrap()[..HEADER_BYTES]
        .copy_from_slice(&first[..HEADER_BYTES]);
    assert_eq!(buffer.advance(HEADER_BYTES, PAYLOAD_BYTES_MAX), Ok(false));
    assert_eq!(buffer.space(PAYLOAD_BYTES_MAX).unwrap().len(), first.len() - HEADER_BYTES);
    // In one read they are one violation: neither side may speak before it was answered.
    let both = [first, second].concat();
    assert!(matches!(
        receive::<ToRunner>(&both, &[usize::MAX]),
        Err(FrameError::Payload { max: 3, .. })
    ));
}

#[test]
fn a_buffer_can_be_used_again() {
    let mut buffer = FrameBuffer::new();
    for payload in [&b"a longer payload"[..], b"short", b""] {
        let frame = frame(&ToRunner::Return { id: 7 }, payload);
        buffer.space(PAYLOAD_BYTES_MAX).unwrap()[..frame.len()].copy_from_slice(&frame);
        assert_eq!(buffer.advance(frame.len(), PAYLOAD_BYTES_MAX), Ok(true));
        let (message, range) = buffer.message::<ToRunner>(PAYLOAD_BYTES_MAX).unwrap();
        assert_eq!((message, &buffer.bytes()[range]), (ToRunner::Return { id: 7 }, payload));
        buffer.clear();
        assert_eq!(buffer.at_end(), None);
    }
}

fn header(payload: u32, head: u16, mark: u16) -> [u8; HEADER_BYTES] {
    let [a, b, c, d] = payload.to_le_bytes();
    let [e, f] = head.to_le_bytes();
    let [g, h] = mark.to_le_bytes();
    [a, b, c, d, e, f, g, h]
}

#[test]
fn a_length_above_its_cap_is_refused_by_its_header_alone() {
    let head_max = u16::try_from(HEAD_BYTES_MAX).unwrap();
    for head in [0, head_max + 1, u16::MAX] {
        let refused = Header::parse(header(0, head, MARK), PAYLOAD_BYTES_MAX);
        let found = usize::from(head);
        assert_eq!(refused, Err(FrameError::Head { found, max: HEAD_BYTES_MAX }));
    }
    assert!(Header::parse(header(0, head_max, MARK), PAYLOAD_BYTES_MAX).is_ok());
    // The cap in force is the lower one of what both sides agreed on and the protocol's own.
    for (cap, agreed) in [(PAYLOAD_BYTES_MAX, usize::MAX), (1000, 1000), (0, 0)] {
        let longest = u32::try_from(cap).unwrap();
        assert!(Header::parse(header(longest, 1, MARK), agreed).is_ok());
        for payload in [longest + 1, u32::MAX] {
            let refused = Header::parse(header(payload, 1, MARK), agreed);
            let found = payload as usize;
            assert_eq!(refused, Err(FrameError::Payload { found, max: cap }));
        }
    }
    for found in [0, !MARK, MARK.swap_bytes()] {
        let refused = Header::parse(header(0, 1, found), PAYLOAD_BYTES_MAX);
        assert_eq!(refused, Err(FrameError::Mark { found, expected: MARK }));
    }
}

#[test]
fn the_sender_is_told_when_it_wants_to_send_too_much() {
    let mut out = Vec::new();
    let message = ToRunner::Return { id: 1 };
    assert_eq!(encode_head(&message, 100, 100, &mut out), Ok(()));
    let refused = encode_head(&message, 101, 100, &mut out);
    assert_eq!(refused, Err(FrameError::Payload { found: 101, max: 100 }));
    let refused = encode_head(&message, PAYLOAD_BYTES_MAX + 1, usize::MAX, &mut out);
    assert!(matches!(refused, Err(FrameError::Payload { max: PAYLOAD_BYTES_MAX, .. })));
    // The longest text that a shim may send fits into a head.
    let text = ForeignText::new("x".repeat(TEXT_BYTES_MAX));
    let longest = ToRunner::CallFailed { id: u64::MAX, fault: CallFault::OutOfMemory, text };
    assert_eq!(encode_head(&longest, 0, 0, &mut out), Ok(()));
}

/// A frame whose head is `head`.
fn raw(head: &[u8]) -> Vec<u8> {
    let mut frame = header(0, u16::try_from(head.len()).unwrap(), MARK).to_vec();
    frame.extend_from_slice(head);
    frame
}

#[test]
fn a_head_is_exactly_one_message_of_its_direction() {
    let refused = |head: &[u8]| receive::<ToRunner>(&raw(head), &[usize::MAX]);
    let last = postcard::to_stdvec(&ToRunner::Bye).unwrap();
    assert!(refused(&last).is_ok());
    // Bytes left over, a message that does not exist, one that is cut off.
    for head in [&[last[0], 0][..], &[last[0] + 1], &[0x7f], &[5], &[0x80]] {
        assert_eq!(refused(head), Err(FrameError::Message), "{head:?}");
    }
    let shutdown = frame(&ToShim::Call { id: 1, function: 2 }, &[]);
    assert!(receive::<ToRunner>(&shutdown, &[usize::MAX]).is_err());
}

#[test]
fn a_text_beyond_its_cap_is_refused_where_it_is_received() {
    let failed = |bytes: usize| {
        let mut head = postcard::to_stdvec(&(4_u32, 0_u32, "x".repeat(bytes))).unwrap();
        let whole = receive::<ToRunner>(&raw(&head), &[usize::MAX]);
        head.pop();
        assert_eq!(receive::<ToRunner>(&raw(&head), &[usize::MAX]), Err(FrameError::Message));
        whole
    };
    assert!(matches!(failed(TEXT_BYTES_MAX), Ok((ToRunner::Failed { step: Step::Plan, .. }, _))));
    assert_eq!(failed(TEXT_BYTES_MAX + 1), Err(FrameError::Message));
}

#[test]
fn frames_that_follow_each_other_are_read_one_by_one() {
    let mut stream = Vec::new();
    for id in [1, 2] {
        let mut head = Vec::new();
        encode_head(&ToRunner::Return { id }, 0, 0, &mut head).unwrap();
        stream.extend_from_slice(&head);
    }
    let mut rest = stream.as_slice();
    for id in [1, 2] {
        let mut buffer = FrameBuffer::new();
        loop {
            let space = buffer.exact_space(0).unwrap();
            let count = space.len().min(rest.len());
            space[..count].copy_from_slice(&rest[..count]);
            rest = &rest[count..];
            if buffer.advance(count, 0).unwrap() {
                break;
            }
        }
        assert_eq!(buffer.message::<ToRunner>(0).unwrap().0, ToRunner::Return { id });
    }
    assert!(rest.is_empty());
}
