//! Values as text: every type, every byte, and never more than there is room for.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

/// Random types and values; the encoder there knows nothing of this crate.
#[path = "../../../protocol/tests/common/mod.rs"]
mod common;

use super::print::{INVALID, Known, split, value};
use super::text::displayed;
use crate::shape::{ResourceId, Shape, ShapeId, Shapes};
use common::Shape as Random;
use proptest::prelude::*;
use protocol::types::{Type, TypeTable};
use protocol::value::Reader;

const CHARS_MAX: usize = 100;

/// The same type with names: fields are `f0` and so on, cases `c0`, flags `b0`.
fn named(shapes: &mut Shapes, random: &Random) -> ShapeId {
    // Not all of many: what has no name has a number.
    let names =
        |letter: &str, count: u32| (0..count.min(100)).map(|n| format!("{letter}{n}")).collect();
    let resource = |n: u32| ResourceId { interface: None, name: format!("r{n}") };
    let shape = match random {
        Random::Basic(ty) => basic(*ty),
        Random::List(element) => Shape::List(named(shapes, element)),
        Random::FixedList(element, count) => Shape::FixedList(named(shapes, element), *count),
        Random::Map(key, item) => Shape::Map(named(shapes, key), named(shapes, item)),
        Random::Record(fields) => {
            let field = |(n, ty)| (format!("f{n}"), named(shapes, ty));
            Shape::Record(fields.iter().enumerate().map(field).collect())
        }
        Random::Variant(cases) => {
            let case =
                |(n, ty): (usize, &Option<_>)| (format!("c{n}"), optional(shapes, ty.as_ref()));
            Shape::Variant(cases.iter().enumerate().map(case).collect())
        }
        Random::Enum(count) => Shape::Enum(names("c", *count)),
        Random::Option(payload) => Shape::Option(named(shapes, payload)),
        Random::Result(ok, err) => {
            Shape::Result(optional(shapes, ok.as_deref()), optional(shapes, err.as_deref()))
        }
        Random::Flags(count) => Shape::Flags(names("b", *count)),
        Random::Own(n) => Shape::Own(resource(*n)),
        Random::Borrow(n) => Shape::Borrow(resource(*n)),
    };
    shapes.add(shape)
}

fn optional(shapes: &mut Shapes, random: Option<&Random>) -> Option<ShapeId> {
    random.map(|random| named(shapes, random))
}

fn basic(ty: Type) -> Shape {
    match ty {
        Type::Bool => Shape::Bool,
        Type::S8 => Shape::S8,
        Type::U8 => Shape::U8,
        Type::S16 => Shape::S16,
        Type::U16 => Shape::U16,
        Type::S32 => Shape::S32,
        Type::U32 => Shape::U32,
        Type::S64 => Shape::S64,
        Type::U64 => Shape::U64,
        Type::F32 => Shape::F32,
        Type::F64 => Shape::F64,
        Type::Char => Shape::Char,
        Type::String => Shape::String,
        Type::Defined(_) => panic!("a random type has no indices"),
    }
}

/// `bytes` as a value of `random`, with and without names.
fn both(random: &Random, bytes: &[u8]) -> [String; 2] {
    let mut shapes = Shapes::default();
    let shape = named(&mut shapes, random);
    let (types, ty) = common::table(std::slice::from_ref(random));
    let resources = ["r0", "r1", "r2"].map(str::to_owned);
    let known = Known { types: &types, shapes: &shapes, resources: &resources };
    [Some(shape), None].map(|shape| value(known, ty[0], shape, bytes, CHARS_MAX))
}

fn shown(random: &Random, bytes: &[u8]) -> String {
    both(random, bytes)[0].clone()
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = u32::try_from(text.len()).unwrap().to_le_bytes().to_vec();
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

#[test]
fn every_simple_type_is_shown() {
    for (ty, bytes, wanted) in [
        (Type::Bool, vec![1], "true"),
        (Type::S8, vec![0xff], "-1"),
        (Type::U8, vec![0xff], "255"),
        (Type::S16, vec![0xfe, 0xff], "-2"),
        (Type::U16, vec![0xfe, 0xff], "65534"),
        (Type::S32, vec![0xfd, 0xff, 0xff, 0xff], "-3"),
        (Type::U32, vec![1, 1, 0, 0], "257"),
        (Type::S64, vec![0xff; 8], "-1"),
        (Type::U64, vec![0xff; 8], "18446744073709551615"),
        (Type::F32, 1.5_f32.to_le_bytes().to_vec(), "1.5"),
        (Type::F64, f64::NAN.to_le_bytes().to_vec(), "nan"),
        (Type::F64, (-1e300_f64).to_le_bytes().to_vec(), "-1e300"),
        (Type::F64, f64::INFINITY.to_le_bytes().to_vec(), "inf"),
        (Type::Char, u32::from('ä').to_le_bytes().to_vec(), "'ä'"),
        (Type::Char, u32::from('\n').to_le_bytes().to_vec(), "'\\n'"),
        (Type::String, text("say \"hi\"\\"), r#""say \"hi\"\\""#),
    ] {
        assert_eq!(shown(&Random::Basic(ty), &bytes), wanted, "{ty:?}");
    }
}

#[test]
fn every_compound_type_is_shown_with_its_names_and_without() {
    use Random::*;
    let u8_ = || Box::new(Basic(Type::U8));
    let bool_ = || Box::new(Basic(Type::Bool));
    for (random, bytes, with, without) in [
        (List(bool_()), vec![2, 0, 0, 0, 1, 0], "[true, false]", "[true, false]"),
        (List(bool_()), vec![0; 4], "[]", "[]"),
        (List(u8_()), vec![2, 0, 0, 0, 0x0a, 0xff], "b\"0aff\"", "b\"0aff\""),
        (FixedList(bool_(), 2), vec![1, 0], "[true, false]", "[true, false]"),
        (FixedList(u8_(), 2), vec![1, 2], "b\"0102\"", "b\"0102\""),
        (Map(u8_(), bool_()), vec![1, 0, 0, 0, 7, 1], "{7: true}", "{7: true}"),
        (Record(vec![*u8_(), *bool_()]), vec![7, 1], "{f0: 7, f1: true}", "(7, true)"),
        (Variant(vec![None, Some(*u8_())]), vec![1, 7], "c1(7)", "#1(7)"),
        (Variant(vec![None, Some(*u8_())]), vec![0], "c0", "#0"),
        (Enum(3), vec![2], "c2", "#2"),
        (Option(u8_()), vec![0], "none", "none"),
        (Option(u8_()), vec![1, 7], "some(7)", "some(7)"),
        (Result(None, Some(u8_())), vec![0], "ok", "ok"),
        (Result(None, Some(u8_())), vec![1, 7], "err(7)", "err(7)"),
        (Flags(9), vec![0b101, 1], "{b0, b2, b8}", "{#0, #2, #8}"),
        (Own(1), vec![5, 0, 0, 0], "r1#5", "r1#5"),
        (Borrow(2), vec![5, 0, 0, 0], "r2#5", "r2#5"),
    ] {
        assert_eq!(both(&random, &bytes), [with, without], "{random:?}");
    }
}

#[test]
fn a_tuple_has_no_names_but_its_parts_may() {
    let mut shapes = Shapes::default();
    let parts = [Random::Enum(2), Random::Basic(Type::U8)];
    let ids: Vec<_> = parts.iter().map(|part| named(&mut shapes, part)).collect();
    let tuple = shapes.add(Shape::Tuple(ids));
    let (types, ty) = common::table(&[Random::Record(parts.to_vec())]);
    let known = Known { types: &types, shapes: &shapes, resources: &[] };
    assert_eq!(value(known, ty[0], Some(tuple), &[1, 9], CHARS_MAX), "(c1, 9)");
}

#[test]
fn what_is_long_is_cut_and_counted() {
    let bytes = Random::List(Box::new(Random::Basic(Type::U8)));
    let mut long = 4096_u32.to_le_bytes().to_vec();
    long.resize(4 + 4096, 0xab);
    let hex = "ab".repeat(32);
    assert_eq!(shown(&bytes, &long), format!("b\"{hex}…\" (4096 bytes)"));
    let shorts = Random::List(Box::new(Random::Basic(Type::U16)));
    let mut long = 1000_u32.to_le_bytes().to_vec();
    (0..1000_u16).for_each(|n| long.extend(n.to_le_bytes()));
    assert_eq!(shown(&shorts, &long), "[0, 1, 2, 3, 4, 5, 6, 7, … 992 more]");
    let string = Random::Basic(Type::String);
    let wanted = format!("\"{}…\" (130 bytes)", "ä".repeat(64));
    assert_eq!(shown(&string, &text(&"ä".repeat(65))), wanted);
    let both = Random::Record(vec![shorts, string]);
    let mut bytes = long;
    bytes.extend(text("behind it"));
    assert!(shown(&both, &bytes).ends_with("… 992 more], f1: \"behind it\"}"));
    // Each is cut, and all of them still have no room.
    let strings = vec![Random::Basic(Type::String); 4];
    let bytes = text(&"x".repeat(60)).repeat(4);
    let cut = shown(&Random::Record(strings), &bytes);
    assert!(cut.ends_with("xx…") && cut.chars().count() == CHARS_MAX + 1, "{cut}");
}

#[test]
fn a_terminal_gets_neither_escapes_nor_lines() {
    let hostile = "\x1b]0;owned\x07\r\n\u{202e}abc";
    let wanted = r#""\u{1b}]0;owned\u{7}\u{d}\n\u{202e}abc""#;
    assert_eq!(shown(&Random::Basic(Type::String), &text(hostile)), wanted);
    assert_eq!(displayed(&hostile, CHARS_MAX), r"\u{1b}]0;owned\u{7}\u{d}\n\u{202e}abc");
    // An escape that is cut in the middle would be something else.
    assert_eq!(displayed(&hostile, 5), "…");
    assert_eq!(displayed(&hostile, 6), "\\u{1b}…");
}

#[test]
fn bytes_that_are_no_value_are_said_to_be_none() {
    let string = Random::Basic(Type::String);
    assert_eq!(shown(&string, &[9, 0, 0, 0, b'x']), INVALID);
    assert_eq!(shown(&string, &[1, 0, 0, 0, 0xff]), INVALID);
    assert_eq!(shown(&Random::Enum(3), &[3]), INVALID);
    assert_eq!(shown(&Random::List(Box::new(string)), &[0xff; 4]), INVALID);
    // A type that the table does not have.
    let known = Known { types: &TypeTable::default(), shapes: &Shapes::default(), resources: &[] };
    assert_eq!(value(known, Type::Defined(0), None, &[0], CHARS_MAX), INVALID);
    assert!(split(known.types, Type::Defined(0), &mut Reader::new(&[0])).is_none());
}

/// One line, harmless, and no longer than there is room for.
fn is_in_bounds(shown: &str) -> bool {
    let bound = CHARS_MAX + 1 + INVALID.len();
    shown.chars().count() <= bound && !shown.chars().any(char::is_control)
}

proptest! {
    #![proptest_config(common::config())]

    #[test]
    fn every_value_of_every_type_is_shown(
        (random, encoded) in common::shape().prop_flat_map(|shape| {
            let values = common::value(&shape);
            (Just(shape), values)
        }),
        rest in proptest::collection::vec(any::<u8>(), 0..4),
    ) {
        let mut bytes = encoded.bytes.clone();
        bytes.extend(rest);
        let (types, ty) = common::table(std::slice::from_ref(&random));
        let mut reader = Reader::new(&bytes);
        prop_assert_eq!(split(&types, ty[0], &mut reader), Some(&encoded.bytes[..]));
        for shown in both(&random, &encoded.bytes) {
            prop_assert!(is_in_bounds(&shown) && !shown.ends_with(INVALID), "{}", shown);
        }
    }

    #[test]
    fn any_bytes_are_shown_whatever_their_type_and_names(
        random in common::shape(),
        other in common::shape(),
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut shapes = Shapes::default();
        let ids = [named(&mut shapes, &random), named(&mut shapes, &other)];
        let (types, ty) = common::table(&[random, other]);
        let known = Known { types: &types, shapes: &shapes, resources: &[] };
        for shape in ids {
            let shown = value(known, ty[0], Some(shape), &bytes, CHARS_MAX);
            prop_assert!(is_in_bounds(&shown), "{}", shown);
        }
        let _ = split(&types, ty[0], &mut Reader::new(&bytes));
    }
}
