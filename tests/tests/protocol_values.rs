//! Results of a hostile shim that are no values of the declared type: none reaches the guest.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use tests::{Count, Embedder, Moment, Script, Step, returned};

const BROKE: &str = "bundle `fake`: its process broke the protocol and was killed: ";

/// Asks for `word`, which is answered with `payload`.
fn answer(embedder: &mut Embedder, word: &str, payload: &[u8]) -> tests::Outcome {
    // The process lives on: it is the runner that ends it.
    let script = Script::at(Moment::Call(1), [Step::Send(returned(1, payload))]);
    embedder.play(&script, &[word])
}

/// Each payload is refused with its rule, and leaves nothing behind.
fn refuse(cases: &[(&str, Vec<u8>, &str)]) {
    let mut embedder = Embedder::new();
    let _ = answer(&mut embedder, "truth", &[2]);
    let before = Count::now();
    for (word, payload, rule) in cases {
        let outcome = answer(&mut embedder, word, payload);
        outcome.expect_end("", &format!("{BROKE}{rule}"));
        assert!(outcome.error.contains("(at result"), "{outcome:#?}");
        assert!(outcome.error.contains("test:fake/values@0.1.0#"), "{outcome:#?}");
    }
    before.assert_again();
}

/// A count or length, and the bytes that follow.
fn counted(count: u32, rest: &[u8]) -> Vec<u8> {
    [&count.to_le_bytes()[..], rest].concat()
}

#[test]
fn p04_a_count_times_a_size_does_not_overflow() {
    refuse(&[
        // Eight bytes each: the product is 8 if it is taken in 32 bits.
        ("numbers", counted(0x2000_0001, &[0; 8]), "a count of 536870913 does not fit"),
        ("numbers", counted(0x2000_0000, &[]), "a count of 536870912 does not fit"),
        ("numbers", counted(u32::MAX, &[0; 8]), "a count of 4294967295 does not fit"),
        // Four bytes at least for each.
        ("words", counted(0x4000_0001, &[0; 4]), "a count of 1073741825 does not fit"),
        ("things", counted(0x4000_0001, &[1, 0, 0, 0]), "a count of 1073741825 does not fit"),
    ]);
}

#[test]
fn p05_a_length_is_compared_with_what_is_left_and_not_with_the_whole() {
    let first = counted(4, b"four");
    let second = counted(12, b"four");
    refuse(&[
        ("words", counted(2, &[first.clone(), second].concat()), "the value ends early"),
        (
            "words",
            counted(2, &[first.clone(), counted(5, b"four")].concat()),
            "the value ends early",
        ),
        // The count fits into the whole payload, and not behind the first list.
        ("words", counted(3, &[first, counted(0, &[])].concat()), "the value ends early"),
        ("pair", [&[9, 0, 0, 0][..], &counted(8, b"four")].concat(), "the value ends early"),
    ]);
}

#[test]
fn p06_two_lengths_that_disagree_are_no_value() {
    refuse(&[
        ("bytes", counted(2, &[1, 2, 3]), "1 bytes are left over"),
        ("bytes", counted(4, &[1, 2, 3]), "a count of 4 does not fit"),
        ("text", counted(0, b"x"), "1 bytes are left over"),
        ("text", counted(2, b"x"), "the value ends early"),
        (
            "words",
            counted(1, &[counted(1, b"x"), counted(0, &[])].concat()),
            "4 bytes are left over",
        ),
    ]);
}

#[test]
fn p08_a_list_of_four_billion_in_a_short_frame_reserves_nothing() {
    let all = ["bytes", "numbers", "words", "things"];
    let cases =
        all.map(|word| (word, counted(u32::MAX, &[0; 14]), "a count of 4294967295 does not"));
    refuse(&cases);
    refuse(&[("text", counted(u32::MAX, &[b'x'; 14]), "the value ends early")]);
}

#[test]
fn p09_bits_without_a_meaning_are_refused() {
    let letter = |code: u32| code.to_le_bytes().to_vec();
    refuse(&[
        ("truth", vec![2], "2 is not a bool"),
        ("truth", vec![255], "255 is not a bool"),
        ("letter", letter(0xd800), "0xd800 is not a Unicode scalar value"),
        ("letter", letter(0xdfff), "0xdfff is not a Unicode scalar value"),
        ("letter", letter(0x11_0000), "0x110000 is not a Unicode scalar value"),
        ("letter", letter(u32::MAX), "0xffffffff is not a Unicode scalar value"),
        ("text", counted(1, &[0xff]), "a string is not UTF-8"),
        // A character that is cut off, one that is too long, and half of a pair.
        ("text", counted(2, &[0xe2, 0x82]), "a string is not UTF-8"),
        ("text", counted(2, &[0xc0, 0x80]), "a string is not UTF-8"),
        ("words", counted(1, &counted(3, &[0xed, 0xa0, 0x80])), "a string is not UTF-8"),
        ("color", vec![3], "case 3 of 3"),
        ("color", vec![255], "case 255 of 3"),
        ("shape", vec![3], "case 3 of 3"),
        ("maybe", vec![2, 1, 0, 0, 0], "case 2 of 2"),
        ("outcome", vec![2, 1, 0, 0, 0], "case 2 of 2"),
        ("marks", vec![8], "a flag bit beyond the 3 flags of the type is set"),
        ("marks", vec![255], "a flag bit beyond the 3 flags of the type is set"),
    ]);
}

#[test]
fn p10_a_result_of_another_type_or_number_is_refused() {
    refuse(&[
        ("nothing", vec![0], "1 bytes are left over"),
        ("truth", vec![], "the value ends early"),
        ("truth", vec![1, 0], "1 bytes are left over"),
        ("number", vec![1, 2, 3], "the value ends early"),
        ("number", vec![1, 2, 3, 4, 5], "1 bytes are left over"),
        // A u64 where a u32 was asked for, a u32 where a string was, the result of another function.
        ("number", vec![0; 8], "4 bytes are left over"),
        ("text", vec![7, 0, 0, 0], "the value ends early"),
        ("maybe", vec![1], "the value ends early"),
        ("maybe", vec![0, 1, 0, 0, 0], "4 bytes are left over"),
        ("shape", vec![0, 1, 0, 0, 0], "4 bytes are left over"),
        ("pair", counted(3, b"abc"), "the value ends early"),
    ]);
}

#[test]
fn p13_a_handle_that_is_forged_or_given_twice_ends_the_process() {
    let mut embedder = Embedder::new();
    let _ = answer(&mut embedder, "truth", &[2]);
    let before = Count::now();
    let zero = format!("{BROKE}0 is not a handle");
    answer(&mut embedder, "thing", &[0; 4]).expect_end("", &zero);
    answer(&mut embedder, "things", &counted(2, &[1, 0, 0, 0, 0, 0, 0, 0])).expect_end("", &zero);
    let twice =
        "of resource test:fake/values@0.1.0#thing: it was given out before and is still held";
    let given = counted(2, &[9, 0, 0, 0, 9, 0, 0, 0]);
    answer(&mut embedder, "things", &given).expect_end("", &format!("{BROKE}handle 9 {twice}"));
    // In two answers; and a resource that is held of a process that has ended is dropped by the guest.
    let script = Script::at(Moment::Call(2), [Step::Send(returned(2, &1_u32.to_le_bytes()))]);
    let outcome = embedder.play(&script, &["thing", "thing"]);
    outcome.expect_end("thing: 1 and 0\n", &format!("{BROKE}handle 1 {twice}"));
    before.assert_again();
}

#[test]
fn p13_a_number_means_one_resource_of_one_type_and_one_bundle() {
    let mut embedder = Embedder::new();
    let _ = answer(&mut embedder, "truth", &[2]);
    let before = Count::now();
    // The same number for resources of two types is two resources. The guest drops each of them, and
    // the library is told the number that it gave.
    let seven = 7_u32.to_le_bytes();
    let script = Script::at(Moment::Call(1), [Step::Send(returned(1, &seven))])
        .then(Moment::Call(2), [Step::Send(returned(2, &seven))]);
    let outcome = embedder.play(&script, &["thing", "other", "thing-number", "drop", "number"]);
    let printed = "thing: 1 and 0\nother: 1 and 1\nthing-number: 7\ndrop: 0 and 1\nnumber: 0\n";
    outcome.expect_success(printed);
    // A number that was dropped may be given again, any number may be given, and the guest's own
    // numbers stay small: nothing of another bundle can be named.
    let most = u32::MAX.to_le_bytes();
    let script = Script::at(Moment::Call(1), [Step::Send(returned(1, &most))])
        .then(Moment::Call(2), [Step::Send(returned(3, &most))]);
    let outcome = embedder.play(&script, &["thing", "drop", "thing", "thing-number", "give"]);
    let printed = "thing: 1 and 0\ndrop: 0 and 0\nthing: 1 and 0\n\
                   thing-number: 4294967295\ngive: 4294967295\n";
    outcome.expect_success(printed);
    before.assert_again();
}

#[test]
fn p22_a_float_arrives_bit_for_bit() {
    let mut embedder = Embedder::new();
    let doubles = [
        // -0, quiet and signalling NaN with payloads and signs, infinity, the smallest there is.
        0x8000_0000_0000_0000_u64,
        0x7ff8_0000_0000_0001,
        0xfff8_dead_beef_cafe,
        0x7ff0_0000_0000_0001,
        0xfff0_0000_0000_0000,
        0xffff_ffff_ffff_ffff,
        1,
    ];
    for bits in doubles {
        let outcome = answer(&mut embedder, "real", &bits.to_le_bytes());
        outcome.expect_success(&format!("real: {bits:016x}\n"));
    }
    for bits in [0x8000_0000_u32, 0x7fc0_0001, 0xffc0_beef, 0x7f80_0001, 0xffff_ffff, 1] {
        let outcome = answer(&mut embedder, "single", &bits.to_le_bytes());
        outcome.expect_success(&format!("single: {bits:08x}\n"));
    }
}
