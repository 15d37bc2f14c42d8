//! One figure: the median of several measurements, and how far they were apart.

use std::fmt;
use std::time::Duration;

/// Seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Figure {
    /// The one in the middle.
    pub(crate) median: f64,
    /// The smallest.
    pub(crate) min: f64,
    /// The largest.
    pub(crate) max: f64,
}

impl Figure {
    /// Of an odd number of measurements; all zero if there are none.
    pub(crate) fn of(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        let at = |index: usize| seconds.get(index).copied().unwrap_or_default();
        Self { median: at(seconds.len() / 2), min: at(0), max: at(seconds.len().saturating_sub(1)) }
    }

    /// How many times larger than `other`, by the medians.
    pub(crate) fn ratio(self, other: Self) -> f64 {
        self.median / other.median
    }
}

impl fmt::Display for Figure {
    /// `1.23 us (1.20..1.40)`, all in the unit of the median.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(f64, &str); 3] = [(1e-9, "ns"), (1e-6, "us"), (1e-3, "ms")];
        let fits = |(unit, _): &&(f64, &str)| self.median < 1000.0 * unit;
        let (unit, name) = UNITS.iter().find(fits).unwrap_or(&(1.0, "s"));
        let number = |seconds: f64| three_digits(seconds / unit);
        let (median, min, max) = (number(self.median), number(self.min), number(self.max));
        f.pad(&format!("{median} {name} ({min}..{max})"))
    }
}

/// How several measurements are distributed, for what is rare but must not be slow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tail {
    /// Half of them are at most this, in seconds.
    pub(crate) p50: f64,
    /// 99 of 100 are at most this; of fewer than 100 all.
    pub(crate) p99: f64,
    /// The largest.
    pub(crate) max: f64,
    /// How many there are.
    pub(crate) count: usize,
}

impl Tail {
    /// All zero if there are no measurements.
    pub(crate) fn of(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        let count = seconds.len();
        let at = |percent: usize| {
            let rank = (count * percent).div_ceil(100).saturating_sub(1);
            seconds.get(rank).copied().unwrap_or_default()
        };
        Self { p50: at(50), p99: at(99), max: at(100), count }
    }

    /// How many times larger than `other`, by the medians.
    pub(crate) fn ratio(self, other: Self) -> f64 {
        self.p50 / other.p50
    }
}

/// `1.23 ms`.
pub(crate) fn time(seconds: f64) -> String {
    let text = Figure { median: seconds, min: seconds, max: seconds }.to_string();
    text.split_once(" (").map_or_else(String::new, |(time, _)| time.to_owned())
}

/// Three significant digits.
fn three_digits(value: f64) -> String {
    match value {
        _ if value < 9.995 => format!("{value:.2}"),
        _ if value < 99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// A ratio as the tables show it.
pub(crate) fn times(ratio: f64) -> String {
    format!("{} x", three_digits(ratio))
}

/// Seconds of one of `calls` calls.
pub(crate) fn per_call(took: Duration, calls: u32) -> f64 {
    took.as_secs_f64() / f64::from(calls.max(1))
}
