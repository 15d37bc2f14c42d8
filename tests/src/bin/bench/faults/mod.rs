//! What a failure costs: from a crash, a deadline or a kill until the guest knows, until nothing is
//! left, and until the bundle answers again. Each beside a bare process that comes to the same end.
//!
//! Nothing is pinned to a core: processes are started all the time, and the scheduler places them.

mod bare;
mod caller;
mod killed;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use caller::{Caller, Compiled, Deed, Way};

use crate::figure::{Tail, time, times};
use crate::table::markdown;

pub(crate) use bare::{VICTIM, fall};

/// The argument that measures this alone.
pub(crate) const NAME: &str = "faults";

/// Crashes of each way, with a restart after each.
const CRASHES: usize = 201;
/// For one first start there are so many crashes.
const CRASHES_A_START: usize = 5;
/// Calls of each way that miss their deadline.
const HANGS: usize = 101;
/// How long one of those may take.
const DEADLINE: Duration = Duration::from_millis(50);
/// Runs of the program that are killed.
const KILLS: usize = 101;

/// Seconds that 99 of 100 crashes take at most until the guest sees the error.
const CRASH_MAX: f64 = 0.050;
/// Seconds after a deadline.
const LATE_MAX: f64 = 0.100;
/// Seconds from a killed `wrun` until nothing is left of it.
const KILLED_MAX: f64 = 0.100;

/// The figures of one kind of store.
#[derive(Debug)]
struct OfWay {
    way: Way,
    call: Tail,
    crash: Tail,
    late: Tail,
    start: Tail,
    restart: Tail,
}

/// All figures.
#[derive(Debug)]
pub(crate) struct Faults {
    ways: Vec<OfWay>,
    bare_crash: Tail,
    bare_late: Tail,
    bare_kill: Tail,
    killed: Tail,
    /// Fewest and most processes that a killed run had beside itself.
    processes: (usize, usize),
}

/// What is measured of one way, in seconds.
#[derive(Debug, Default)]
struct Seconds {
    call: Vec<f64>,
    crash: Vec<f64>,
    late: Vec<f64>,
    start: Vec<f64>,
    restart: Vec<f64>,
}

/// Measures all, in turns.
pub(crate) fn measure() -> Result<Faults> {
    let folder = tempfile::tempdir().context("cannot make a temporary directory")?;
    let compiled = Compiled::new(folder.path())?;
    let mut seconds = Way::ALL.map(|way| (way, Seconds::default()));
    let bare_crash = crashes(&compiled, &mut seconds)?;
    let bare_late = hangs(&compiled, &mut seconds)?;
    let (mut bare_kill, mut killed, mut processes) = (Vec::new(), Vec::new(), Vec::new());
    // The first run compiles the guest.
    killed::kill(compiled.bundle(), folder.path())?;
    for _ in 0..KILLS {
        bare_kill.push(bare::kill()?);
        let run = killed::kill(compiled.bundle(), folder.path())?;
        killed.push(run.seconds);
        processes.push(run.processes);
    }
    let of_way = |(way, seconds): (Way, Seconds)| OfWay {
        way,
        call: Tail::of(seconds.call),
        crash: Tail::of(seconds.crash),
        late: Tail::of(seconds.late),
        start: Tail::of(seconds.start),
        restart: Tail::of(seconds.restart),
    };
    let fewest = processes.iter().min().copied().unwrap_or_default();
    let most = processes.iter().max().copied().unwrap_or_default();
    Ok(Faults {
        ways: seconds.into_iter().map(of_way).collect(),
        bare_crash: Tail::of(bare_crash),
        bare_late: Tail::of(bare_late),
        bare_kill: Tail::of(bare_kill),
        killed: Tail::of(killed),
        processes: (fewest, most),
    })
}

/// Calls, crashes, and what comes after; returns the seconds of the bare crashes.
fn crashes(compiled: &Compiled, seconds: &mut [(Way, Seconds)]) -> Result<Vec<f64>> {
    // Longer than anything here takes.
    let timeout = Duration::from_secs(60);
    let start = |(way, _): &(Way, Seconds)| Caller::start(compiled, *way, timeout);
    let mut callers = seconds.iter().map(start).collect::<Result<Vec<_>>>()?;
    let mut bare = Vec::new();
    for caller in &mut callers {
        caller.answer()?;
    }
    for round in 0..CRASHES {
        bare.push(bare::crash()?);
        for ((way, seconds), caller) in seconds.iter_mut().zip(&mut callers) {
            seconds.call.push(caller.answer()?);
            seconds.crash.push(caller.failure(Deed::Crash, "(signal)")?);
            seconds.restart.push(caller.answer()?);
            if round % CRASHES_A_START == 0 {
                let begin = Instant::now();
                let mut first = Caller::start(compiled, *way, timeout)?;
                first.answer()?;
                seconds.start.push(begin.elapsed().as_secs_f64());
            }
        }
    }
    Ok(bare)
}

/// Calls that never return; returns the seconds of the bare processes.
fn hangs(compiled: &Compiled, seconds: &mut [(Way, Seconds)]) -> Result<Vec<f64>> {
    let start = |(way, _): &(Way, Seconds)| Caller::start(compiled, *way, DEADLINE);
    let mut callers = seconds.iter().map(start).collect::<Result<Vec<_>>>()?;
    let mut bare = Vec::new();
    for _ in 0..HANGS {
        bare.push(bare::late(DEADLINE)?);
        for ((_, seconds), caller) in seconds.iter_mut().zip(&mut callers) {
            caller.settle()?;
            let took = caller.failure(Deed::Hang, "(deadline)")?;
            seconds.late.push(took - DEADLINE.as_secs_f64());
        }
    }
    Ok(bare)
}

impl Faults {
    /// What is promised of 99 of 100 times: what, the most seconds, and the figures.
    pub(crate) fn promises(&self) -> Vec<(String, f64, Tail)> {
        let mut promises = Vec::new();
        for one in &self.ways {
            let way = one.way.name();
            promises.push((format!("a crash is an error, {way},"), CRASH_MAX, one.crash));
            promises.push((format!("a deadline is an error, {way},"), LATE_MAX, one.late));
        }
        promises.push(("nothing is left of a killed wrun".to_owned(), KILLED_MAX, self.killed));
        promises
    }

    /// The table.
    pub(crate) fn report(&self) -> String {
        let heading = ["from .. to", "times", "p50", "p99", "largest", "p50 beside"];
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        let mut row = |name: String, tail: Tail, beside: Option<(Tail, &str)>| {
            let beside = beside.map(|(other, what)| format!("{} {what}", times(tail.ratio(other))));
            let (p50, p99, max) = (time(tail.p50), time(tail.p99), time(tail.max));
            rows.push(vec![
                name,
                tail.count.to_string(),
                p50,
                p99,
                max,
                beside.unwrap_or_default(),
            ]);
        };
        for one in &self.ways {
            row(format!("call .. answer, {}", one.way.name()), one.call, None);
        }
        row("request .. bare process that crashes is reaped".to_owned(), self.bare_crash, None);
        for one in &self.ways {
            let name = format!("call .. error of a crash, {}", one.way.name());
            row(name, one.crash, Some((self.bare_crash, "bare")));
        }
        let name = "deadline .. bare process, killed then, is reaped";
        row(name.to_owned(), self.bare_late, None);
        for one in &self.ways {
            let name = format!("deadline .. error, {}", one.way.name());
            row(name, one.late, Some((self.bare_late, "bare")));
        }
        row("SIGKILL .. bare process is reaped".to_owned(), self.bare_kill, None);
        let (fewest, most) = self.processes;
        let name = format!("SIGKILL .. nothing left of wrun, {fewest} to {most} processes below");
        row(name, self.killed, Some((self.bare_kill, "bare")));
        for one in &self.ways {
            row(format!("first start .. answer, {}", one.way.name()), one.start, None);
        }
        for one in &self.ways {
            let name = format!("error .. answer of the next process, {}", one.way.name());
            row(name, one.restart, Some((one.start, "first start")));
        }
        format!("\nFailures, deadlines of {DEADLINE:?}\n\n{}", markdown(&rows))
    }
}
