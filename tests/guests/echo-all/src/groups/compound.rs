//! Records, tuples, variants, enums, options, results and flags.

use crate::bindings::wrun::echo::compound::*;
use crate::report::Report;

pub fn check(report: &mut Report) {
    records(report);
    variants(report);
    options(report);
    results(report);
    flags(report);
    report.echo("echo-everything", everything_samples(), echo_everything);
}

fn records(report: &mut Report) {
    report.echo("echo-point", points(), |v| echo_point(*v));
    let segment = Segment {
        visible: true,
        start: Point { x: -1, y: 2 },
        thickness: 200,
        length: 1.0 / 3.0,
        end: Point { x: i32::MAX, y: i32::MIN },
        layer: 0xabcd,
        caption: "a line".to_owned(),
    };
    report.echo("echo-segment", [segment], echo_segment);
    report.echo("echo-tuple", [(255, "text", -0.5), (0, "", 0.0)], |v| echo_tuple(*v));
    report.echo("echo-single", [(0,), (u64::MAX,)], |v| echo_single(*v));
}

fn variants(report: &mut Report) {
    use NoPayloads::{A, B, C};
    report.echo("echo-no-payloads", [A, B, C], |v| echo_no_payloads(*v));
    report.echo("echo-joined", joined_samples(), echo_joined);
    let nan = Joined::Float(f32::from_bits(0x7fc1_2345));
    let bits = match echo_joined(&nan) {
        Joined::Float(value) => Some(value.to_bits()),
        _ => None,
    };
    report.equal("echo-joined-nan", Some(0x7fc1_2345), bits);
    report.echo("echo-direction", directions(), |v| echo_direction(*v));
    report.echo("echo-huge", huge_samples(), |v| echo_huge(*v));
}

fn options(report: &mut Report) {
    report.echo("echo-option", [None, Some(0), Some(u32::MAX)], |v| echo_option(*v));
    report.echo("echo-option-string", [None, Some(""), Some("aß")], |v| echo_option_string(*v));
    let nested = [None, Some(None), Some(Some(None)), Some(Some(Some(0))), Some(Some(Some(255)))];
    report.echo("echo-option-nested", nested, |v| echo_option_nested(*v));
}

fn results(report: &mut Report) {
    report.echo("echo-result", [Ok(7), Err(""), Err("no")], |v| echo_result(*v));
    report.echo("echo-result-ok", [Ok("yes"), Err(())], |v| echo_result_ok(*v));
    report.echo("echo-result-err", [Ok(()), Err("no")], |v| echo_result_err(*v));
    report.echo("echo-result-empty", [Ok(()), Err(())], |v| echo_result_empty(*v));
}

fn flags(report: &mut Report) {
    report.echo("echo-flags1", [Flags1::empty(), Flags1::ONLY], |v| echo_flags1(*v));
    report.echo("echo-flags9", flags9_samples(), |v| echo_flags9(*v));
    let flags17 = [Flags17::empty(), Flags17::F0, Flags17::F16, Flags17::all()];
    report.echo("echo-flags17", flags17, |v| echo_flags17(*v));
    let flags32 = [Flags32::empty(), Flags32::F0 | Flags32::F31, Flags32::all()];
    report.echo("echo-flags32", flags32, |v| echo_flags32(*v));
}

pub fn points() -> [Point; 3] {
    [Point { x: 0, y: 0 }, Point { x: -1, y: 1 }, Point { x: i32::MIN, y: i32::MAX }]
}

pub fn directions() -> [Direction; 4] {
    [Direction::North, Direction::East, Direction::South, Direction::West]
}

/// The ends, and both sides of the border between one and two bytes.
pub fn huge_samples() -> [Huge; 4] {
    [Huge::C0, Huge::C255, Huge::C256, Huge::C299]
}

pub fn flags9_samples() -> [Flags9; 4] {
    [Flags9::empty(), Flags9::F0 | Flags9::F7, Flags9::F8, Flags9::all()]
}

/// Every case, so that each of the joined flat types carries each of its meanings.
pub fn joined_samples() -> Vec<Joined> {
    vec![
        Joined::Nothing,
        Joined::Float(-0.0),
        Joined::Float(f32::MAX),
        Joined::Long(i64::MIN),
        Joined::Long(-1),
        Joined::Text(String::new()),
        Joined::Text("aß€🦀".to_owned()),
        Joined::Pair((f64::NEG_INFINITY, 255)),
        Joined::Point(Point { x: -7, y: i32::MIN }),
        Joined::Bytes(Vec::new()),
        Joined::Bytes(vec![0, 1, 254, 255]),
    ]
}

/// A record with every field set, and one with every field empty.
pub fn everything_samples() -> Vec<Everything> {
    let full = Everything {
        truth: true,
        byte: 255,
        long: i64::MIN,
        float: -1.5,
        double: std::f64::consts::PI,
        letter: '\u{10ffff}',
        text: "everything ß".to_owned(),
        bytes: (0..=255).collect(),
        point: Point { x: -3, y: 4 },
        pair: (9, "nine".to_owned()),
        joined: Joined::Pair((0.1, 1)),
        direction: Direction::West,
        maybe: Some("perhaps".to_owned()),
        outcome: Err("failed".to_owned()),
        set: Flags9::F1 | Flags9::F8,
        triple: [1, 2, u16::MAX],
    };
    let empty = Everything {
        truth: false,
        byte: 0,
        long: 0,
        float: 0.0,
        double: 0.0,
        letter: '\0',
        text: String::new(),
        bytes: Vec::new(),
        point: Point { x: 0, y: 0 },
        pair: (0, String::new()),
        joined: Joined::Nothing,
        direction: Direction::North,
        maybe: None,
        outcome: Ok(0),
        set: Flags9::empty(),
        triple: [0; 3],
    };
    vec![full, empty]
}
