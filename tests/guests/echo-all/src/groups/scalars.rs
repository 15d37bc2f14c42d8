//! Types of one flat value, and strings.

use crate::bindings::wrun::echo::scalars::*;
use crate::report::Report;

/// Zeros, ordinary numbers, infinities, the smallest numbers, NaNs: quiet and signalling, of both
/// signs, with payloads.
pub const F32_BITS: [u32; 13] = [
    0,
    0x8000_0000,
    0x3fc0_0000,
    0x7f7f_ffff,
    0x7f80_0000,
    0xff80_0000,
    0x0000_0001,
    0x0080_0000,
    0x7fc0_0000,
    0x7fc1_2345,
    0xffc0_0001,
    0x7f80_0001,
    0xff92_3456,
];

/// The same for 64 bits.
pub const F64_BITS: [u64; 13] = [
    0,
    0x8000_0000_0000_0000,
    0x3ff8_0000_0000_0000,
    0x7fef_ffff_ffff_ffff,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
    0x0000_0000_0000_0001,
    0x0010_0000_0000_0000,
    0x7ff8_0000_0000_0000,
    0x7ff8_1234_5678_9abc,
    0xfff8_0000_0000_0001,
    0x7ff0_0000_0000_0001,
    0xfff1_2345_6789_abcd,
];

/// The ends of the two ranges of `char`, and one of each length in UTF-8.
pub const CHARS: [char; 7] = ['\0', 'a', 'ß', '€', '\u{d7ff}', '\u{e000}', '\u{10ffff}'];

/// Empty, short, with a NUL inside, with characters of each length in UTF-8.
pub const STRINGS: [&str; 4] = ["", "a", "with\0nul", "aß€🦀"];

pub fn check(report: &mut Report) {
    report.echo("echo-bool", [false, true], |v| echo_bool(*v));
    report.echo("echo-u8", [0, 1, 127, 128, u8::MAX], |v| echo_u8(*v));
    report.echo("echo-u16", [0, 1, 0x1234, u16::MAX], |v| echo_u16(*v));
    report.echo("echo-u32", [0, 1, 0x1234_5678, u32::MAX], |v| echo_u32(*v));
    report.echo("echo-u64", [0, 1, 0x0123_4567_89ab_cdef, u64::MAX], |v| echo_u64(*v));
    report.echo("echo-s8", [0, 1, -1, i8::MIN, i8::MAX], |v| echo_s8(*v));
    report.echo("echo-s16", [0, 1, -1, i16::MIN, i16::MAX], |v| echo_s16(*v));
    report.echo("echo-s32", [0, 1, -1, i32::MIN, i32::MAX], |v| echo_s32(*v));
    report.echo("echo-s64", [0, 1, -1, i64::MIN, i64::MAX], |v| echo_s64(*v));
    report.echo("echo-f32", F32_BITS, |v| echo_f32(f32::from_bits(*v)).to_bits());
    report.echo("echo-f64", F64_BITS, |v| echo_f64(f64::from_bits(*v)).to_bits());
    report.echo("echo-char", CHARS, |v| echo_char(*v));
    report.echo("echo-string", STRINGS, |v| echo_string(v));
    report.echo("echo-string-long", ["long ß ".repeat(20_000)], |v| echo_string(v));
    report.equal("add", 3, add(1, 2));
    report.equal("add-wraps", 1, add(u32::MAX, 2));
    nothing();
    report.equal("nothing-returns", (), ());
}
