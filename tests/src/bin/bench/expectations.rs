//! What the project promises about its speed, and whether these figures keep it.

use crate::calls::Calls;
use crate::faults::Faults;
use crate::figure::{time, times};
use crate::jails::Jails;
use crate::starts::Starts;
use crate::ways::Kind;
use crate::workload::Workload;

/// Largest ratio of `canon` to wasmtime's static types.
const CANON_MAX: f64 = 1.5;
/// Smallest ratio of wasmtime's `Val` to `canon`, for the largest list.
const VAL_MIN: f64 = 500.0;
/// Largest ratio of an isolated call to a bare socket, for the smallest call.
const ISOLATED_ADD_MAX: f64 = 2.0;
/// The same for the largest list.
const ISOLATED_LARGEST_MAX: f64 = 4.0;
/// Seconds from nothing to the end of a run with one isolated call.
const START_MAX: f64 = 0.060;

/// Seconds from a spawned stage to a loaded library, beyond those of a spawned program.
const JAIL_MAX: f64 = 0.003;
/// Seconds that a jail adds to a call.
const JAILED_CALL_MAX: f64 = 2e-6;

/// One line for each promise.
pub(crate) fn report(calls: &Calls, starts: &Starts, jails: &Jails, faults: &Faults) -> String {
    let mut text = String::from("\nExpectations\n\n");
    let mut line = |holds, what, found| text.push_str(&verdict(holds, what, found));
    for workload in Workload::ALL {
        if let Some(ratio) = calls.ratio(workload, Kind::Canon, Kind::Typed) {
            let what = format!("canon within {CANON_MAX} x of static types, {}", workload.name());
            line(ratio <= CANON_MAX, what, times(ratio));
        }
    }
    let largest = Workload::LARGEST;
    if let Some(ratio) = calls.ratio(largest, Kind::Val, Kind::Canon) {
        let what = format!("canon at least {VAL_MIN} x faster than Val, {}", largest.name());
        line(ratio >= VAL_MIN, what, times(ratio));
    }
    for (workload, max) in [(Workload::Add, ISOLATED_ADD_MAX), (largest, ISOLATED_LARGEST_MAX)] {
        for kind in Kind::ALL {
            let (Kind::Sync(place) | Kind::Async(place)) = kind else { continue };
            let Some(ratio) = calls.ratio(workload, kind, Kind::PingPong(place)) else { continue };
            let what = format!("{} within {max} x of ping-pong, {}", kind.name(), workload.name());
            line(ratio <= max, what, times(ratio));
        }
    }
    let start = starts.isolated();
    let what = format!("start to the end of a first isolated call under {:.0} ms", 1e3 * START_MAX);
    line(start.median < START_MAX, what, start.to_string());
    let (bare, whole) = (jails.bare_spawn(), jails.whole());
    let more = whole.start.median - bare.median;
    let what = format!("a whole jail at most {:.0} ms over a bare spawn", 1e3 * JAIL_MAX);
    line(more <= JAIL_MAX, what, format!("{:.2} ms", 1e3 * more));
    let more = whole.call.median - jails.without().call.median;
    let what = format!("a whole jail at most {:.0} us more for a call", 1e6 * JAILED_CALL_MAX);
    line(more <= JAILED_CALL_MAX, what, format!("{:.2} us", 1e6 * more));
    text.push_str(&of_faults(faults));
    text
}

/// Those about what goes wrong, each of 99 of 100 times.
pub(crate) fn of_faults(faults: &Faults) -> String {
    let mut text = String::new();
    for (what, max, found) in faults.promises() {
        let what = format!("{what} in {:.0} ms, 99 of 100 times", 1e3 * max);
        text.push_str(&verdict(found.p99 <= max, what, time(found.p99)));
    }
    text
}

fn verdict(holds: bool, what: String, found: String) -> String {
    let verdict = if holds { "holds " } else { "MISSED" };
    format!("  {verdict}  {what}: {found}\n")
}
