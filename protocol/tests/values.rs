//! Every valid value is accepted, everything else is refused with the place where it is wrong.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod common;

use common::{Handle, Shape, config, shape, table, typed_values, value};
use proptest::prelude::*;
use protocol::error::ValueFault;
use protocol::types::{Type, TypeDef, TypeTable};
use protocol::value::{HandleUse, Reader, rewrite_handles, validate, validate_all};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_valid_value_is_accepted_to_its_last_byte((shapes, encoded) in typed_values()) {
        let (table, types) = table(&shapes);
        prop_assert_eq!(validate_all(&table, types.iter().copied(), &encoded.bytes), Ok(()));
        let mut reader = Reader::new(&encoded.bytes);
        for ty in types {
            prop_assert!(validate(&table, ty, &mut reader).is_ok());
        }
        prop_assert_eq!(reader.left(), 0);
    }

    #[test]
    fn a_value_that_is_cut_off_anywhere_is_refused((shapes, encoded) in typed_values()) {
        let (table, types) = table(&shapes);
        for end in 0..encoded.bytes.len() {
            let cut = validate_all(&table, types.iter().copied(), &encoded.bytes[..end]);
            prop_assert!(cut.is_err(), "the first {} bytes alone were accepted", end);
        }
    }

    #[test]
    fn a_byte_after_the_last_value_is_refused((shapes, encoded) in typed_values(), byte: u8) {
        let (table, types) = table(&shapes);
        let mut bytes = encoded.bytes;
        bytes.push(byte);
        let error = validate_all(&table, types, &bytes).unwrap_err();
        prop_assert_eq!(error.fault, ValueFault::Trailing(1));
    }

    #[test]
    fn a_value_is_no_shorter_than_its_type_says(
        (shape, encoded) in shape().prop_flat_map(|shape| (Just(shape.clone()), value(&shape)))
    ) {
        let (table, types) = table(&[shape]);
        let facts = table.facts(types[0]).unwrap();
        prop_assert!(facts.size_min >= 1);
        prop_assert!(encoded.bytes.len() >= facts.size_min);
        if let Some(bytes) = facts.plain {
            prop_assert_eq!(encoded.bytes.len(), bytes);
        }
        prop_assert!(facts.handles || encoded.handles.is_empty());
    }

    #[test]
    fn handles_are_visited_in_order_and_nothing_else_changes((shapes, encoded) in typed_values()) {
        let (table, types) = table(&shapes);
        let mut bytes = encoded.bytes.clone();
        let mut visited = Vec::new();
        let walked = rewrite_handles::<ValueFault>(&table, types, &mut bytes, &mut |usage, resource, handle| {
            visited.push((usage, resource, handle));
            Ok(!handle)
        });
        prop_assert_eq!(walked, Ok(()));
        let seen = |h: &Handle| (h.usage, h.resource, h.handle);
        prop_assert_eq!(visited, encoded.handles.iter().map(seen).collect::<Vec<_>>());
        let mut expected = encoded.bytes;
        for Handle { at, handle, .. } in encoded.handles {
            expected[at..at + 4].copy_from_slice(&(!handle).to_le_bytes());
        }
        prop_assert_eq!(bytes, expected);
    }

    #[test]
    fn a_handle_that_cannot_be_replaced_ends_the_walk((shapes, encoded) in typed_values()) {
        let (table, types) = table(&shapes);
        let mut bytes = encoded.bytes;
        let mut calls = 0;
        let walked = rewrite_handles(&table, types, &mut bytes, &mut |_, _, _| {
            calls += 1;
            Err(ValueFault::Handle)
        });
        let some = usize::from(!encoded.handles.is_empty());
        prop_assert_eq!((walked.is_err(), calls), (some == 1, some));
    }

    #[test]
    fn one_changed_byte_never_panics_and_never_reads_elsewhere(
        (shapes, encoded) in typed_values(), at: prop::sample::Index, byte: u8
    ) {
        let (table, types) = table(&shapes);
        let mut bytes = encoded.bytes;
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let valid = validate_all(&table, types.iter().copied(), &bytes).is_ok();
        let mut translated = bytes.clone();
        let walked = rewrite_handles::<ValueFault>(&table, types, &mut translated, &mut |_, _, handle| Ok(handle));
        prop_assert_eq!(&bytes, &translated);
        prop_assert!(!valid || walked.is_ok(), "a valid value could not be walked");
    }
}

/// The fault and its place, for one value of type `shape` with these bytes.
fn refused(shape: Shape, bytes: &[u8]) -> (ValueFault, String) {
    let (table, types) = table(&[shape]);
    let error = validate_all(&table, types, bytes).unwrap_err();
    (error.fault, error.path)
}

fn basic(ty: Type) -> Shape {
    Shape::Basic(ty)
}

#[test]
fn bit_patterns_without_a_meaning_are_refused() {
    let fault = |shape, bytes: &[u8]| refused(shape, bytes).0;
    for byte in 2..=u8::MAX {
        assert_eq!(fault(basic(Type::Bool), &[byte]), ValueFault::Bool(byte));
    }
    for code in [0xd800, 0xdfff, 0x11_0000, u32::MAX] {
        assert_eq!(fault(basic(Type::Char), &code.to_le_bytes()), ValueFault::Char(code));
    }
    for text in [&b"\x80"[..], b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\xe2\x82"] {
        let mut bytes = u32::try_from(text.len()).unwrap().to_le_bytes().to_vec();
        bytes.extend_from_slice(text);
        assert_eq!(fault(basic(Type::String), &bytes), ValueFault::Utf8);
    }
    for handle in [Shape::Own(0), Shape::Borrow(0)] {
        assert_eq!(fault(handle, &[0; 4]), ValueFault::Handle);
    }
}

#[test]
fn a_case_that_the_type_does_not_have_is_refused() {
    let fault = |shape, bytes: &[u8]| refused(shape, bytes).0;
    let case = |found, cases| ValueFault::Case { found, cases };
    assert_eq!(fault(Shape::Enum(3), &[3]), case(3, 3));
    assert_eq!(fault(Shape::Enum(0x101), &[1, 1]), case(0x101, 0x101));
    assert_eq!(fault(Shape::Variant(vec![None, None]), &[2]), case(2, 2));
    assert_eq!(fault(Shape::Option(Box::new(basic(Type::U8))), &[2, 0]), case(2, 2));
    assert_eq!(fault(Shape::Result(None, None), &[255]), case(255, 2));
}

#[test]
fn numbers_of_cases_and_flags_grow_where_the_canonical_abi_says() {
    use protocol::types::{case_bytes, flag_bytes};
    let cases = [(1, 1), (256, 1), (257, 2), (0x1_0000, 2), (0x1_0001, 4)];
    assert_eq!(cases.map(|(cases, _)| (cases, case_bytes(cases))), cases);
    let flags = [(1, 1), (8, 1), (9, 2), (16, 2), (17, 4), (32, 4), (33, 8), (64, 8), (65, 12)];
    assert_eq!(flags.map(|(flags, _)| (flags, flag_bytes(flags))), flags);
    // The last case of a type with the most cases that its width can number.
    for (cases, last) in [(256, &[0xff][..]), (257, &[0, 1]), (0x1_0000, &[0xff, 0xff])] {
        let (table, types) = table(&[Shape::Enum(cases)]);
        assert_eq!(validate_all(&table, types, last), Ok(()));
    }
}

#[test]
fn a_bit_of_no_flag_is_refused() {
    for flags in [1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65] {
        let (table, types) = table(&[Shape::Flags(flags)]);
        let mut bytes = vec![0; protocol::types::flag_bytes(flags)];
        for bit in 0..bytes.len() * 8 {
            bytes.fill(0);
            bytes[bit / 8] = 1 << (bit % 8);
            let accepted = validate_all(&table, types.iter().copied(), &bytes).is_ok();
            assert_eq!(accepted, bit < flags as usize, "bit {bit} of {flags} flags");
        }
    }
}

#[test]
fn a_count_beyond_the_bytes_that_follow_is_refused_before_anything_is_read() {
    let list = |element| Shape::List(Box::new(element));
    let map = Shape::Map(Box::new(basic(Type::U8)), Box::new(basic(Type::U16)));
    // The type, and how many bytes an element takes at least.
    let counted = [
        (list(basic(Type::U8)), 1),
        (list(basic(Type::U64)), 8),
        (list(basic(Type::String)), 4),
        (list(Shape::Record(vec![basic(Type::U32), basic(Type::Bool)])), 5),
        (map, 3),
    ];
    for (shape, size_min) in counted {
        for (count, left) in [(u32::MAX, 64), (3, 3 * size_min - 1), (0x8000_0000, 0)] {
            let mut bytes = count.to_le_bytes().to_vec();
            bytes.resize(4 + left, 0);
            let (fault, _) = refused(shape.clone(), &bytes);
            assert_eq!(fault, ValueFault::Count(count), "{shape:?} with {left} bytes");
        }
    }
    for length in [1, 0x7fff_ffff, u32::MAX] {
        assert_eq!(refused(basic(Type::String), &length.to_le_bytes()).0, ValueFault::Short);
    }
}

#[test]
fn the_place_of_a_fault_is_named_from_the_outside_in() {
    let inner = Shape::Record(vec![basic(Type::U8), basic(Type::Bool)]);
    let outer = Shape::Variant(vec![None, Some(Shape::List(Box::new(inner)))]);
    let bytes = [1, 2, 0, 0, 0, 7, 1, 7, 9];
    let (fault, path) = refused(outer, &bytes);
    assert_eq!((fault, path.as_str()), (ValueFault::Bool(9), "0#1[1].1"));
    let map = Shape::Map(Box::new(basic(Type::U8)), Box::new(basic(Type::Bool)));
    assert_eq!(refused(map, &[1, 0, 0, 0, 5, 5]).1, "0[0].1");
}

#[test]
fn p07_nesting_is_bounded_for_every_kind_of_type() {
    use protocol::limits::TYPE_DEPTH_MAX;
    type Wrap = fn(Type) -> TypeDef;
    let wrap: [(Wrap, u32); 7] = [
        (TypeDef::List, 1),
        (TypeDef::Option, 1),
        (|ty| TypeDef::FixedList(ty, 1), 1),
        (|ty| TypeDef::Record(vec![ty]), 1),
        (|ty| TypeDef::Variant(vec![Some(ty)]), 1),
        (|ty| TypeDef::Result(None, Some(ty)), 1),
        // A map is a list of pairs, and so two levels.
        (|ty| TypeDef::Map(Type::U8, ty), 2),
    ];
    for (wrap, levels) in wrap {
        let nested = |count: u32| {
            let inner = |index| if index == 0 { Type::U8 } else { Type::Defined(index - 1) };
            TypeTable::new((0..count).map(|index| wrap(inner(index))).collect(), 0)
        };
        let deepest = (TYPE_DEPTH_MAX - 1) / levels;
        assert!(nested(deepest).is_ok(), "{:?}", wrap(Type::U8));
        assert!(nested(deepest + 1).is_err(), "{:?}", wrap(Type::U8));
    }
}

#[test]
fn a_fixed_list_takes_no_count_and_no_less_than_its_length() {
    let list = Shape::FixedList(Box::new(basic(Type::Bool)), 3);
    let (table, types) = table(&[list]);
    let check = |bytes: &[u8]| validate_all(&table, types.iter().copied(), bytes);
    assert_eq!(check(&[1, 0, 1]), Ok(()));
    assert_eq!(check(&[1, 0]).unwrap_err().fault, ValueFault::Short);
    assert_eq!(check(&[1, 0, 1, 1]).unwrap_err().fault, ValueFault::Trailing(1));
    let error = check(&[1, 0, 7]).unwrap_err();
    assert_eq!((error.fault, error.path.as_str()), (ValueFault::Bool(7), "0[2]"));
}

#[test]
fn a_walk_over_unvalidated_bytes_ends_with_an_error() {
    let (table, types) = table(&[Shape::List(Box::new(Shape::Own(0)))]);
    let mut bytes = [2, 0, 0, 0, 1, 0, 0, 0, 2];
    let walked =
        rewrite_handles::<ValueFault>(&table, types, &mut bytes, &mut |usage, _, handle| {
            assert_eq!(usage, HandleUse::Own);
            Ok(handle)
        });
    assert_eq!(walked, Err(ValueFault::Count(2)));
}
