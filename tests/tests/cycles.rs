//! A bundle that crashes over and over costs nothing that stays.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::time::Duration;
use tests::{Callers, Count, Line, bundle, fixture};
use wrun::{BundleOptions, OnFailure, Restart};

const CYCLES: u32 = 1000;
/// After these, what is made once is made.
const WARM_UP: u32 = 50;

/// What ends the process, and what the guest is told of it.
const DEEDS: [(&str, &str); 5] = [
    ("segfault", "bundle `moods` failed: its process has ended (signal)"),
    ("abort", "bundle `moods` failed: its process has ended (signal)"),
    ("exit-many", "bundle `moods` failed: its process has ended (exited)"),
    ("exit-raw", "bundle `moods` failed: its process has ended (exited)"),
    ("illegal", "bundle `moods` failed: its process has ended (signal)"),
];

struct Pair {
    moods: Line,
    neighbour: Line,
}

impl Pair {
    /// The bundle fails `count` times. It runs afterwards.
    fn cycles(&mut self, count: u32) {
        for (cycle, (deed, told)) in (0..count).zip(DEEDS.into_iter().cycle()) {
            let answer = self.moods.text(deed).expect("an error, but no trap");
            assert_eq!(answer, Err(told.to_owned()), "cycle {cycle}, {deed}");
            let bytes = cycle.to_le_bytes();
            let echoed = self.neighbour.echo(&bytes).expect("the neighbour is honest");
            assert_eq!(echoed, bytes, "cycle {cycle}, after {deed}");
        }
        assert_eq!(self.moods.text("answer").expect("no trap"), Ok(42));
    }
}

#[test]
fn c16_a_thousand_crashes_and_restarts_leave_nothing_behind() {
    let callers = Callers::new();
    let folder = tempfile::tempdir().unwrap();
    let restart =
        Restart { budget: 2 * (CYCLES + WARM_UP), backoff: Duration::ZERO, ..Restart::default() };
    let options = BundleOptions {
        restart,
        on_failure: OnFailure::Error { case: None },
        ..BundleOptions::default()
    };
    let moods = fixture("moods", None, folder.path());
    let mut pair = Pair {
        moods: callers.moods(&moods, options, None),
        neighbour: callers.echo(&bundle("echo"), BundleOptions::default(), None),
    };
    pair.cycles(WARM_UP);
    let before = Count::now();
    pair.cycles(CYCLES);
    before.assert_again();
}
