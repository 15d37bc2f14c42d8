//! Values without handles, and panics.

use std::ptr;

use crate::bundle::exports::test::sdk::values::Shape;
use crate::symbols::{self as native, Slice, area, list, read, taken_panic, text, turn};

/// A `shape` in memory: the tag, and the payload at the alignment of an s64.
#[repr(C)]
#[derive(Clone, Copy)]
struct RawShape {
    tag: u8,
    payload: RawPayload,
}

#[repr(C)]
#[derive(Clone, Copy)]
union RawPayload {
    number: f32,
    long: i64,
    text: Slice,
}

unsafe fn shape(raw: RawShape) -> Shape {
    unsafe {
        match raw.tag {
            0 => Shape::Nothing,
            1 => Shape::Number(raw.payload.number),
            2 => Shape::Long(raw.payload.long),
            3 => Shape::Text(raw.payload.text.text()),
            other => panic!("tag {other}"),
        }
    }
}

#[test]
fn a_function_of_the_world_has_the_short_symbol() {
    let _turn = turn();
    assert_eq!(unsafe { native::answer() }, 42);
    assert_eq!(taken_panic(), None);
}

#[test]
fn strings_in_a_list_arrive_and_a_string_returns() {
    let _turn = turn();
    unsafe {
        let parts = list(&[text("grün"), text(""), text("!")]);
        let place = native::concat(parts.first, parts.length);
        assert_eq!(read::<Slice>(place).text(), "grün!");
        native::post_concat(place);
    }
}

#[test]
fn a_record_of_an_imported_interface_is_a_type_like_others() {
    let _turn = turn();
    let place = unsafe { native::add_points(1, -2, 10, 20) };
    assert_eq!(unsafe { read::<[i32; 2]>(place) }, [11, 18]);
}

#[test]
fn a_type_can_be_one_that_the_crate_has() {
    let _turn = turn();
    let place = unsafe { native::invert(0, 255, 15) };
    assert_eq!(unsafe { read::<[u8; 3]>(place) }, [255, 0, 240]);
}

#[test]
fn a_function_of_the_world_uses_types_of_an_interface() {
    let _turn = turn();
    let word = text("word");
    let pointer = word.first.expose_provenance() as u64;
    assert_eq!(unsafe { native::is_text(3, pointer, word.length) }, 1);
    assert_eq!(unsafe { native::is_text(2, 5, 0) }, 0);
}

#[test]
fn a_variant_joins_its_payloads() {
    let _turn = turn();
    let same = |tag, payload, length| unsafe {
        let place = native::same_shape(tag, payload, length);
        let result = shape(read(place));
        native::post_same_shape(place);
        result
    };
    assert_eq!(same(0, 0, 0), Shape::Nothing);
    assert_eq!(same(1, u64::from(1.5f32.to_bits()), 0), Shape::Number(1.5));
    assert_eq!(same(2, i64::MIN as u64, 0), Shape::Long(i64::MIN));
    let word = text("word");
    let pointer = word.first.expose_provenance() as u64;
    assert_eq!(same(3, pointer, word.length), Shape::Text("word".to_string()));
}

#[test]
fn a_float_keeps_the_payload_of_its_nan() {
    let _turn = turn();
    let nan = 0x7fa0_1234u32;
    let place = unsafe { native::same_shape(1, u64::from(nan), 0) };
    let raw: RawShape = unsafe { read(place) };
    assert_eq!(unsafe { raw.payload.number }.to_bits(), nan);
}

#[test]
fn variants_in_a_list_keep_their_places() {
    let _turn = turn();
    unsafe {
        let shapes = list(&[
            RawShape { tag: 3, payload: RawPayload { text: text("first") } },
            RawShape { tag: 1, payload: RawPayload { number: 0.25 } },
            RawShape { tag: 0, payload: RawPayload { long: 0 } },
        ]);
        let place = native::reverse_shapes(shapes.first, shapes.length);
        let raw: Vec<RawShape> = read::<Slice>(place).items();
        let result: Vec<Shape> = raw.into_iter().map(|raw| shape(raw)).collect();
        let expected = [Shape::Nothing, Shape::Number(0.25), Shape::Text("first".to_string())];
        assert_eq!(result, expected);
        native::post_reverse_shapes(place);
    }
}

/// The parameters of `wide`, which do not fit into 16 flat ones.
#[repr(C)]
#[derive(Clone, Copy)]
struct Wide {
    a: u8,
    b: u16,
    c: u32,
    d: u64,
    e: f32,
    f: f64,
    g: u8,
    h: u32,
    i: Slice,
    j: i8,
    k: i16,
    l: i32,
    m: i64,
    n: u8,
    o: u8,
    p: u8,
    q: Slice,
}

#[test]
fn more_than_sixteen_parameters_come_in_memory() {
    let _turn = turn();
    #[rustfmt::skip]
    let parameters = Wide {
        a: 1, b: 2, c: 3, d: u64::MAX, e: 1.5, f: -2.25, g: 1, h: u32::from('ß'), i: text("mid"),
        j: -1, k: -2, l: -3, m: i64::MIN, n: 4, o: 5, p: 6, q: text("end"),
    };
    unsafe {
        let place = native::wide(area(parameters));
        let result = read::<Slice>(place).text();
        native::post_wide(place);
        assert_eq!(
            result,
            "1 2 3 18446744073709551615 1.5 -2.25 true ß mid -1 -2 -3 -9223372036854775808 4 5 6 \
             end"
        );
    }
}

#[test]
fn fixed_length_lists_are_flat() {
    let _turn = turn();
    unsafe {
        assert_eq!(read::<[u16; 3]>(native::reverse_fixed(1, 2, 65535)), [65535, 2, 1]);
        let (a, b) = (text("a"), text("b"));
        let place = native::join_fixed(a.first, a.length, b.first, b.length);
        assert_eq!(read::<Slice>(place).text(), "a+b");
        native::post_join_fixed(place);
    }
}

/// An entry of a map, which lies in memory as a list of pairs.
#[repr(C)]
#[derive(Clone, Copy)]
struct Entry {
    key: Slice,
    value: u32,
}

#[test]
fn a_map_is_a_list_of_pairs() {
    let _turn = turn();
    unsafe {
        let map = list(&[Entry { key: text("b"), value: 2 }, Entry { key: text("a"), value: 1 }]);
        let place = native::double_values(map.first, map.length);
        let entries: Vec<Entry> = read::<Slice>(place).items();
        let result: Vec<_> = entries.iter().map(|entry| (entry.key.text(), entry.value)).collect();
        assert_eq!(result, [("a".to_string(), 2), ("b".to_string(), 4)]);
        native::post_double_values(place);
    }
}

#[test]
fn nothing_may_come_as_null() {
    let _turn = turn();
    let null = ptr::null_mut();
    assert_eq!(unsafe { native::sizes(null, 0, null, 0) }, 0);
    let (bytes, word) = (list(&[0u8; 3]), text("ab"));
    let sizes = unsafe { native::sizes(bytes.first, bytes.length, word.first, word.length) };
    assert_eq!(sizes, 302);
    assert_eq!(taken_panic(), None);
}

#[test]
fn a_panic_returns_null_and_gives_its_message_once() {
    let _turn = turn();
    let message = text("it broke");
    let place = unsafe { native::fail(message.first, message.length) };
    assert!(place.is_null());
    let taken = taken_panic().unwrap();
    assert!(taken.starts_with("it broke (sdk/tests/abi/bundle.rs:"), "{taken}");
    assert_eq!(taken_panic(), None);
}

#[test]
fn a_call_after_a_panic_works() {
    let _turn = turn();
    let message = text("again");
    unsafe {
        native::fail(message.first, message.length);
        assert_eq!(native::answer(), 42);
    }
    assert_eq!(taken_panic(), None, "the message of an earlier call is gone");
}
