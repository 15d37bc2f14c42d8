//! Guests that encode strings in other ways than the wire does.

use super::differential::Both;
use super::guest::{Slots, World, memory};
use super::host::{ENGINE, Linked, State};
use super::roundtrip::runner;
use super::types::{Signature, Ty, signature};
use super::values::{Call, call};
use proptest::collection::vec;
use proptest::prelude::*;
use protocol::types::Type;
use wasmtime::component::{Component, Val};
use wit_component::StringEncoding;

const ENCODINGS: [StringEncoding; 3] =
    [StringEncoding::UTF8, StringEncoding::UTF16, StringEncoding::CompactUTF16];

/// Empty; one, two, three and four bytes of UTF-8; a change of width in the middle.
const TEXTS: [&str; 8] =
    ["", "plain", "café", "\u{ff}\u{100}", "€uro", "x𝄞y", "latin é, then 𝄞", "\u{0}\u{10ffff}"];

#[test]
fn strings_are_utf_8_on_the_wire_whatever_the_guest_uses() {
    let string = || Box::new(Ty::Basic(Type::String));
    let signature = Signature {
        params: vec![
            *string(),
            Ty::List(string()),
            Ty::Map(Type::String, string()),
            Ty::Option(string()),
        ],
        result: Some(Ty::List(Box::new(Ty::Tuple(vec![*string(), Ty::Basic(Type::U8)])))),
    };
    for encoding in ENCODINGS {
        let both = Both::new(&signature, encoding);
        for text in TEXTS {
            let string = || Val::String(text.to_owned());
            let all = || TEXTS.map(|text| Val::String(text.to_owned()));
            let call = Call {
                params: vec![
                    string(),
                    Val::List(all().to_vec()),
                    Val::Map(all().into_iter().zip(all().into_iter().rev()).collect()),
                    Val::Option(Some(Box::new(string()))),
                ],
                result: Some(Val::List(all().map(|s| Val::Tuple(vec![s, Val::U8(7)])).to_vec())),
            };
            both.check(&call);
        }
    }
}

#[test]
fn random_functions_agree_with_the_val_path_in_every_encoding() {
    let encoding = proptest::sample::select(ENCODINGS[1..].to_vec());
    let strategy = (signature(), encoding).prop_flat_map(|(signature, encoding)| {
        let calls = vec(call(&signature), 8);
        (Just(signature), Just(encoding), calls)
    });
    let checked = runner(24).run(&strategy, |(signature, encoding, calls)| {
        let both = Both::new(&signature, encoding);
        calls.iter().for_each(|call| both.check(call));
        Ok(())
    });
    checked.unwrap();
}

/// Calls `f: func(x: string)` with `length` code units, or tagged as it is, of `data` at `at`.
fn call_with(
    encoding: StringEncoding,
    data: &str,
    at: u32,
    length: u32,
) -> Result<Vec<u8>, String> {
    let world = World::new(
        "package test:canon;
         interface host { f: func(x: string); }
         world guest { import host; export g: func(); }",
    );
    let core = format!(
        r#"(module
  (import "test:canon/host" "f" (func $f (param i32 i32)))
  {}
  (data $data "{data}")
  (func (export "g")
    (memory.init $data (i32.const 16) (i32.const 0) (i32.const {}))
    (call $f (i32.const {at}) (i32.const {length}))))"#,
        memory(),
        data.len() / 3,
    );
    let component = Component::new(&ENGINE, world.component(&core, encoding)).unwrap();
    let slots = Slots::of(&world.import("host", "f"));
    let mut guest = Linked::canon(&component, slots).unwrap().start(State::default());
    guest.call("g", &[]).map_err(|error| format!("{error:#}"))?;
    Ok(guest.store.data_mut().seen.remove(0))
}

#[test]
fn malformed_strings_are_refused_in_every_encoding() {
    use StringEncoding::{CompactUTF16, UTF8, UTF16};
    let tag = 1 << 31;
    // "aé" in each encoding, to see that the guests below differ only in what is wrong.
    let expected = Ok([&[3, 0, 0, 0][..], "aé".as_bytes()].concat());
    assert_eq!(call_with(UTF8, r"\61\c3\a9", 16, 3), expected);
    assert_eq!(call_with(UTF16, r"\61\00\e9\00", 16, 2), expected);
    assert_eq!(call_with(CompactUTF16, r"\61\e9", 16, 2), expected);
    assert_eq!(call_with(CompactUTF16, r"\61\00\e9\00", 16, 2 | tag), expected);
    let refused = [
        (UTF8, r"\61\c3\28", 16, 3, "UTF-8"),
        (UTF8, r"\61\c3\a9", 16, 2, "UTF-8"),
        (UTF8, "", 0x10_0000, 1, "out of bounds"),
        (UTF8, "", u32::MAX, u32::MAX, "out of bounds"),
        (UTF8, "", 0x10_0001, 0, "out of bounds"),
        // A surrogate alone, in either half of the range.
        (UTF16, r"\34\d8\61\00", 16, 2, "surrogate"),
        (UTF16, r"\1e\dd\61\00", 16, 2, "surrogate"),
        (UTF16, r"\34\d8\1e\dd", 16, 1, "surrogate"),
        (UTF16, r"\61\00", 17, 1, "aligned"),
        (UTF16, "", 0x10_0000 - 2, 2, "out of bounds"),
        (UTF16, "", 16, u32::MAX, "out of bounds"),
        (CompactUTF16, r"\34\d8\61\00", 16, 2 | tag, "surrogate"),
        (CompactUTF16, r"\61", 17, 1, "aligned"),
        (CompactUTF16, "", 16, u32::MAX, "out of bounds"),
    ];
    for (encoding, data, at, length, problem) in refused {
        let error = call_with(encoding, data, at, length).unwrap_err();
        assert!(error.contains(problem), "{encoding:?} {data} {at} {length}: {error}");
    }
}
