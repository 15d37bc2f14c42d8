//! As many parameters as the ABI passes directly, and more.

use crate::bindings::wrun::echo::wide::*;
use crate::report::Report;

/// Checks that a function returns its arguments as text, one after the other.
macro_rules! check_text {
    ($report:ident, $name:literal, $function:ident($($argument:expr),* $(,)?)) => {
        let want = [$( format!("{:?}", $argument) ),*].join(" ");
        $report.equal($name, want, $function($($argument),*));
    };
}

#[rustfmt::skip]
pub fn check(report: &mut Report) {
    check_text!(report, "sixteen", sixteen(
        255, i8::MIN, u16::MAX, i16::MIN, u32::MAX, i32::MIN, u64::MAX, i64::MIN,
        -0.5, f64::MAX, true, '\u{10ffff}', "ß", 0x1234_5678, -0.0,
    ));
    check_text!(report, "seventeen", seventeen(
        0, i8::MAX, 1, i16::MAX, 2, i32::MAX, 3, i64::MAX,
        1.5, f64::MIN_POSITIVE, false, '\0', "", 4, f64::INFINITY, 200,
    ));
    check_text!(report, "twenty", twenty(
        255, i64::MIN, -0.5, "d ß", true,
        &[1, u16::MAX], Some(7), f64::MAX, '€', (9, "nine"),
        i8::MIN, u64::MAX, Err::<u32, _>("failed"), &["x".to_owned(), String::new()], 0xabcd,
        i16::MIN, u32::MAX, i32::MIN, Some("s"), 0.1,
    ));
    check_text!(report, "twenty-empty", twenty(
        0, 0, 0.0, "", false,
        &[] as &[u16], None::<u32>, 0.0, '\0', (0, ""),
        0, 0, Ok::<_, &str>(0), &[] as &[String], 0,
        0, 0, 0, None::<&str>, 0.0,
    ));
}
