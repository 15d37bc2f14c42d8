//! What a peer can make the receiver hold: never more than twice the payload cap, and never for
//! bytes that did not arrive. In a binary of its own, because it counts every allocation.
#![allow(
    unsafe_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a counting allocator is unsafe by its trait, and a test stops at the first surprise"
)]

use protocol::error::{FrameError, ValueFault};
use protocol::frame::{FrameBuffer, HEADER_BYTES, encode_head};
use protocol::limits::{HEAD_BYTES_MAX, PAYLOAD_BYTES_MAX};
use protocol::message::{CallFault, ToRunner};
use protocol::text::ForeignText;
use protocol::types::{Type, TypeDef, TypeTable};
use protocol::value::{rewrite_handles, validate_all};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Counts what is allocated. It has no `realloc` of its own, so a buffer that grows is counted with
/// both its old and its new memory, as if it could never grow in place.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), SeqCst) + layout.size();
        PEAK.fetch_max(now, SeqCst);
        // SAFETY: the caller meets the obligations of the same method.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), SeqCst);
        // SAFETY: the caller meets the obligations, and `alloc` took the block from the same place.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes that were allocated at once while `work` ran, beyond those before it.
fn peak<R>(work: impl FnOnce() -> R) -> (usize, R) {
    let before = NOW.load(SeqCst);
    PEAK.store(before, SeqCst);
    let result = work();
    (PEAK.load(SeqCst) - before, result)
}

/// Puts `bytes` through `buffer` as a stream would; returns where the payload lies.
fn receive(
    buffer: &mut FrameBuffer,
    mut bytes: &[u8],
    read_max: usize,
    payload_max: usize,
) -> Result<std::ops::Range<usize>, FrameError> {
    loop {
        let space = buffer.space(payload_max)?;
        let count = space.len().min(bytes.len()).min(read_max);
        if count == 0 {
            return Err(FrameError::Truncated { received: 0 });
        }
        space[..count].copy_from_slice(&bytes[..count]);
        bytes = &bytes[count..];
        if buffer.advance(count, payload_max)? {
            let (ToRunner::CallFailed { .. } | ToRunner::Return { .. }, payload) =
                buffer.message(payload_max)?
            else {
                return Err(FrameError::Message);
            };
            return Ok(payload);
        }
    }
}

/// A frame with the longest head that a shim may send.
fn frame(payload: &[u8]) -> Vec<u8> {
    let text = ForeignText::new("x".repeat(protocol::limits::TEXT_BYTES_MAX));
    let message = ToRunner::CallFailed { id: u64::MAX, fault: CallFault::BadResult, text };
    let mut frame = Vec::new();
    encode_head(&message, payload.len(), PAYLOAD_BYTES_MAX, &mut frame).unwrap();
    frame.extend_from_slice(payload);
    frame
}

/// `count` elements that are all `element`.
fn list(element: &[u8]) -> Vec<u8> {
    let count = (PAYLOAD_BYTES_MAX - 4) / element.len();
    let mut bytes = u32::try_from(count).unwrap().to_le_bytes().to_vec();
    bytes.extend(element.iter().cycle().take(count * element.len()));
    bytes
}

/// Receives, validates and translates the largest value of `def` that a payload can carry.
fn decode_largest(def: TypeDef, element: &[u8]) {
    let payload = list(element);
    let frame = frame(&payload);
    let table = TypeTable::new(vec![def, TypeDef::List(Type::Defined(0))], 1).unwrap();
    let types = [Type::Defined(1)];
    let (peak, ()) = peak(|| {
        let mut buffer = FrameBuffer::new();
        let payload = receive(&mut buffer, &frame, usize::MAX, PAYLOAD_BYTES_MAX).unwrap();
        validate_all(&table, types, &buffer.bytes()[payload.clone()]).unwrap();
        let bytes = &mut buffer.bytes_mut()[payload];
        rewrite_handles::<ValueFault>(&table, types, bytes, &mut |_, _, h| Ok(h)).unwrap();
    });
    let limit = 2 * PAYLOAD_BYTES_MAX;
    assert!(peak <= limit, "{peak} bytes for a list of {:?}, limit {limit}", table.def(0));
}

fn the_largest_values_cost_at_most_twice_their_size() {
    decode_largest(TypeDef::Record(vec![Type::U8]), &[7]);
    decode_largest(TypeDef::Option(Type::U8), &[0]);
    decode_largest(TypeDef::Record(vec![Type::String]), &[0, 0, 0, 0]);
    decode_largest(TypeDef::Own(0), &[1, 0, 0, 0]);
}

fn every_agreed_cap_bounds_the_memory_in_the_same_way() {
    for payload_max in [64 << 10, 1 << 20, 3 << 20, PAYLOAD_BYTES_MAX] {
        let frame = frame(&vec![0; payload_max]);
        for read_max in [4 << 10, 60 << 10, usize::MAX] {
            let (peak, received) =
                peak(|| receive(&mut FrameBuffer::new(), &frame, read_max, payload_max).map(drop));
            assert_eq!(received, Ok(()));
            let limit = 2 * (payload_max + HEAD_BYTES_MAX + HEADER_BYTES);
            assert!(peak <= limit, "{peak} bytes for {payload_max}, {read_max} at a time");
        }
    }
}

fn a_claimed_length_alone_costs_nothing() {
    let frame = frame(&vec![0; PAYLOAD_BYTES_MAX]);
    for arrived in [HEADER_BYTES, 100, 10_000, 100_000, 1_000_000] {
        let (peak, received) = peak(|| {
            receive(&mut FrameBuffer::new(), &frame[..arrived], usize::MAX, PAYLOAD_BYTES_MAX)
        });
        assert!(matches!(received, Err(FrameError::Truncated { .. })));
        let limit = 256 << 10;
        assert!(peak <= limit.max(4 * arrived), "{peak} bytes after {arrived} had arrived");
    }
}

fn a_header_above_the_cap_costs_one_read() {
    let mut frame = frame(&[]);
    frame[..4].copy_from_slice(&u32::MAX.to_le_bytes());
    let (peak, received) =
        peak(|| receive(&mut FrameBuffer::new(), &frame, HEADER_BYTES, PAYLOAD_BYTES_MAX));
    assert!(matches!(received, Err(FrameError::Payload { .. })));
    assert!(peak <= 128 << 10, "{peak} bytes for a header");
}

fn a_count_that_cannot_be_right_costs_nothing() {
    let table = TypeTable::new(vec![TypeDef::List(Type::String), TypeDef::Own(0)], 1).unwrap();
    let mut bytes = u32::MAX.to_le_bytes();
    let (peak, ()) = peak(|| {
        assert!(validate_all(&table, [Type::Defined(0)], &bytes).is_err());
        assert!(validate_all(&table, [Type::String], &bytes).is_err());
        let types = [Type::Defined(0)];
        let walk = rewrite_handles::<ValueFault>(&table, types, &mut bytes, &mut |_, _, handle| {
            Ok(handle)
        });
        assert!(walk.is_err());
    });
    assert!(peak < 1024, "{peak} bytes");
}

/// Where frames of any header end: at once, in the head, in the payload, or whole.
fn p23_no_header_costs_more_than_twice_the_largest_frame() {
    let cap = u32::try_from(PAYLOAD_BYTES_MAX).unwrap();
    let whole = vec![0; HEADER_BYTES + HEAD_BYTES_MAX + PAYLOAD_BYTES_MAX];
    let most = 2 * whole.len();
    let heads = [0, 1, 2, 8191, 8192, 8193, u16::MAX];
    for payload in [0, 1, 65_536, cap - 1, cap, cap + 1, 1 << 31, u32::MAX] {
        for (head, mark) in heads.into_iter().flat_map(|head| [(head, 0x7277), (head, 0x7278_u16)])
        {
            let mut frame = payload.to_le_bytes().to_vec();
            frame.extend(head.to_le_bytes());
            frame.extend(mark.to_le_bytes());
            frame.resize(whole.len(), 0);
            for arrived in [HEADER_BYTES, HEADER_BYTES + 1, 100_000, 9 << 20, frame.len()] {
                let (peak, received) = peak(|| {
                    let mut buffer = FrameBuffer::new();
                    receive(&mut buffer, &frame[..arrived], usize::MAX, PAYLOAD_BYTES_MAX)
                });
                // No head of zeros is an answer of a call, so nothing is ever taken.
                assert!(received.is_err());
                let limit = most.min((256 << 10).max(4 * arrived));
                let what = format!("{payload} and {head} bytes claimed, {arrived} arrived");
                assert!(peak <= limit, "{peak} bytes, limit {limit}: {what}");
            }
        }
    }
}

/// Twenty bytes in all, each of which says that four thousand million elements follow.
fn p08_a_frame_of_twenty_bytes_that_claims_2_to_the_32_costs_what_it_is() {
    let count = u32::MAX.to_le_bytes();
    let table = TypeTable::new(
        vec![
            TypeDef::List(Type::U8),
            TypeDef::List(Type::U64),
            TypeDef::List(Type::String),
            TypeDef::Map(Type::String, Type::Defined(2)),
            TypeDef::List(Type::Defined(3)),
        ],
        0,
    )
    .unwrap();
    let types = (0..5).map(Type::Defined).chain([Type::String]);
    for ty in types {
        let payload = [&count[..], &count, &[1, 0]].concat();
        // An answer to request 1.
        let head = [10, 0, 0, 0, 2, 0, 0x77, 0x72, 5, 1];
        let frame = [&head[..], &payload].concat();
        assert_eq!(frame.len(), 20);
        let mut buffer = FrameBuffer::new();
        let range = receive(&mut buffer, &frame, usize::MAX, PAYLOAD_BYTES_MAX).unwrap();
        let (peak, ()) = peak(|| {
            assert!(validate_all(&table, [ty], &buffer.bytes()[range.clone()]).is_err());
            let bytes = &mut buffer.bytes_mut()[range.clone()];
            let walk = rewrite_handles::<ValueFault>(&table, [ty], bytes, &mut |_, _, h| Ok(h));
            assert!(walk.is_err());
        });
        assert!(peak <= 10 * frame.len(), "{peak} bytes for {ty:?}");
    }
}

/// The same for a text in a head, which postcard decodes.
fn p08_a_text_that_claims_2_to_the_32_bytes_costs_what_it_is() {
    let failed = [6, 1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, b'a', b'b', b'c', b'd'];
    let mut frame = 0_u32.to_le_bytes().to_vec();
    frame.extend(12_u16.to_le_bytes());
    frame.extend(0x7277_u16.to_le_bytes());
    frame.extend(failed);
    assert_eq!(frame.len(), 20);
    let mut buffer = FrameBuffer::new();
    buffer.space(PAYLOAD_BYTES_MAX).unwrap()[..20].copy_from_slice(&frame);
    assert_eq!(buffer.advance(20, PAYLOAD_BYTES_MAX), Ok(true));
    let (peak, decoded) = peak(|| buffer.message::<ToRunner>(PAYLOAD_BYTES_MAX).map(drop));
    assert_eq!(decoded, Err(FrameError::Message));
    assert!(peak <= 10 * frame.len(), "{peak} bytes");
}

/// One test, because another one that runs at the same time would be counted with it.
#[test]
fn p08_p23_memory_follows_the_bytes_that_arrive() {
    p23_no_header_costs_more_than_twice_the_largest_frame();
    p08_a_frame_of_twenty_bytes_that_claims_2_to_the_32_costs_what_it_is();
    p08_a_text_that_claims_2_to_the_32_bytes_costs_what_it_is();
    the_largest_values_cost_at_most_twice_their_size();
    every_agreed_cap_bounds_the_memory_in_the_same_way();
    a_claimed_length_alone_costs_nothing();
    a_header_above_the_cap_costs_one_read();
    a_count_that_cannot_be_right_costs_nothing();
}
