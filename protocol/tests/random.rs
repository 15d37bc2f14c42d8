//! No bytes, and no types that merely decode, can make a decoder panic.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use common::{RESOURCES, config, shape, table};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use protocol::error::ValueFault;
use protocol::frame::{FrameBuffer, HEADER_BYTES, Header, MARK};
use protocol::limits::{PAYLOAD_BYTES_MAX, TYPE_DEPTH_MAX};
use protocol::message::{Message, Plan, ToRunner, ToShim};
use protocol::phase::{Phase, carries_payload};
use protocol::types::{Type, TypeDef, TypeTable};
use protocol::value::{rewrite_handles, validate_all};

/// Bytes that look like frames more often than chance would have it.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let framed = (any::<u8>(), vec(any::<u8>(), 1..=40), vec(any::<u8>(), 0..=40));
    let framed = framed.prop_map(|(slip, head, payload)| {
        let payload_bytes = u32::try_from(payload.len()).unwrap();
        let head_bytes = u16::try_from(head.len()).unwrap();
        let mut frame = payload_bytes.to_le_bytes().to_vec();
        frame.extend(head_bytes.to_le_bytes());
        frame.extend(MARK.to_le_bytes());
        frame.extend(head);
        frame.extend(payload);
        // Half of them are whole, the others end early.
        frame.truncate(frame.len() - usize::from(slip / 128) * usize::from(slip % 8));
        frame
    });
    prop_oneof![1 => vec(any::<u8>(), 0..=80), 3 => framed]
}

/// Feeds `bytes` to a buffer as a stream would, until it is whole, at its end, or refused.
fn receive<M: Message>(mut bytes: &[u8], step: usize) -> Option<M> {
    let mut buffer = FrameBuffer::new();
    loop {
        let space = buffer.space(PAYLOAD_BYTES_MAX).ok()?;
        let (now, later) = bytes.split_at(bytes.len().min(space.len()).min(step));
        for (slot, byte) in space.iter_mut().zip(now) {
            *slot = *byte;
        }
        bytes = later;
        if now.is_empty() {
            return None;
        }
        if buffer.advance(now.len(), PAYLOAD_BYTES_MAX).ok()? {
            let (message, payload) = buffer.message::<M>(PAYLOAD_BYTES_MAX).ok()?;
            assert!(buffer.bytes().get(payload).is_some());
            return Some(message);
        }
    }
}

/// Any index and any count, most of them wrong.
fn wild_type() -> impl Strategy<Value = Type> {
    prop_oneof![
        Just(Type::U8),
        Just(Type::Bool),
        Just(Type::String),
        (0..12_u32).prop_map(Type::Defined),
        any::<u32>().prop_map(Type::Defined),
    ]
}

fn wild_count() -> impl Strategy<Value = u32> {
    prop_oneof![0..=3_u32, 0..=0x20000_u32, any::<u32>()]
}

fn wild_def() -> impl Strategy<Value = TypeDef> {
    let ty = || wild_type();
    prop_oneof![
        ty().prop_map(TypeDef::List),
        (ty(), wild_count()).prop_map(|(ty, count)| TypeDef::FixedList(ty, count)),
        (ty(), ty()).prop_map(|(key, value)| TypeDef::Map(key, value)),
        vec(ty(), 0..=4).prop_map(TypeDef::Record),
        vec(option::of(ty()), 0..=4).prop_map(TypeDef::Variant),
        wild_count().prop_map(TypeDef::Enum),
        ty().prop_map(TypeDef::Option),
        (option::of(ty()), option::of(ty())).prop_map(|(ok, err)| TypeDef::Result(ok, err)),
        wild_count().prop_map(TypeDef::Flags),
        (0..=RESOURCES).prop_map(TypeDef::Own),
        (0..=RESOURCES).prop_map(TypeDef::Borrow),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_header_of_any_bytes_is_within_the_caps_or_refused(
        bytes in any::<[u8; HEADER_BYTES]>(), payload_max: usize
    ) {
        if let Ok(header) = Header::parse(bytes, payload_max) {
            let max = PAYLOAD_BYTES_MAX + protocol::limits::HEAD_BYTES_MAX + HEADER_BYTES;
            prop_assert!((HEADER_BYTES + 1..=max).contains(&header.frame_bytes()));
        }
    }

    #[test]
    fn any_stream_is_a_frame_or_refused(bytes in stream(), step in 1..100_usize) {
        let request = receive::<ToShim>(&bytes, step);
        let answer = receive::<ToRunner>(&bytes, step);
        // Whatever it was, the tables have an opinion.
        if let Some(request) = request {
            let _ = (Phase::Idle.request(&request), carries_payload(request.tag()));
        }
        if let Some(answer) = answer {
            let _ = (Phase::InCall.answer(&answer), carries_payload(answer.tag()));
        }
    }

    #[test]
    fn any_bytes_are_a_plan_or_refused(bytes in vec(any::<u8>(), 0..=200)) {
        if let Ok(plan) = postcard::from_bytes::<Plan>(&bytes) {
            let _ = TypeTable::new(plan.types, plan.resources.len());
        }
    }

    #[test]
    fn any_bytes_are_values_of_the_type_or_refused(
        shapes in vec(shape(), 1..=3), bytes in vec(any::<u8>(), 0..=64)
    ) {
        let (table, types) = table(&shapes);
        let valid = validate_all(&table, types.iter().copied(), &bytes).is_ok();
        let mut walked = bytes.clone();
        let walk = rewrite_handles::<ValueFault>(&table, types, &mut walked, &mut |_, _, h| Ok(h));
        prop_assert_eq!(walked, bytes);
        prop_assert!(!valid || walk.is_ok());
    }

    #[test]
    fn any_definitions_are_a_usable_table_or_refused(
        defs in vec(wild_def(), 0..=12), bytes in vec(any::<u8>(), 0..=64)
    ) {
        let Ok(table) = TypeTable::new(defs.clone(), RESOURCES as usize) else { return Ok(()) };
        for index in 0..defs.len() {
            let ty = Type::Defined(u32::try_from(index).unwrap());
            let facts = table.facts(ty).unwrap();
            prop_assert!((1..=TYPE_DEPTH_MAX).contains(&facts.depth));
            prop_assert!(facts.size_min >= 1);
            let _ = validate_all(&table, [ty], &bytes);
            let mut walked = bytes.clone();
            let _ = rewrite_handles::<ValueFault>(&table, [ty], &mut walked, &mut |_, _, h| Ok(h));
            prop_assert_eq!(&walked, &bytes);
        }
    }

    #[test]
    fn a_type_outside_of_the_table_is_an_error(index: u32, bytes in vec(any::<u8>(), 0..=8)) {
        let table = TypeTable::default();
        let ty = Type::Defined(index);
        prop_assert!(table.facts(ty).is_none());
        prop_assert!(validate_all(&table, [ty], &bytes).is_err());
    }
}
