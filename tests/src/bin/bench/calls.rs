//! What one call costs, for every workload and way.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::cores::{Cores, Place};
use crate::figure::{Figure, per_call, times};
use crate::guest::Compiled;
use crate::table::markdown;
use crate::ways::{Kind, Way};
use crate::workload::Workload;

/// Batches behind each figure; odd, so that one is in the middle.
const BATCHES: usize = 11;

/// How long a batch should take: long enough that what the guest does once for each batch, making
/// the data and comparing it at the end, is small beside the calls.
const BATCH: Duration = Duration::from_millis(60);

/// The part of a batch that is run before each batch without being timed, as a divisor.
const WARM_UP: u32 = 8;

/// Batches behind each guess of how many calls fill a batch.
const TRIALS: u32 = 3;

/// All figures.
#[derive(Debug)]
pub(crate) struct Calls {
    figures: Vec<(Workload, Kind, Figure)>,
    /// How long the guest makes the data of a batch, as a part of [`BATCH`].
    once: Vec<(Workload, f64)>,
}

/// Measures everything. For each workload, batches of all ways take turns, so that a busy moment of
/// the machine is not the fate of one way.
pub(crate) fn measure() -> Result<Calls> {
    let compiled = Compiled::new()?;
    let cores = Cores::take()?;
    let mut ways = Vec::new();
    let possible = |kind: &Kind| kind.place().is_none_or(|place| cores.has(place));
    for kind in Kind::ALL.into_iter().filter(possible) {
        ways.push((kind, kind.start(&compiled, &cores)?));
    }
    let mut calls = Calls { figures: Vec::new(), once: Vec::new() };
    for workload in Workload::ALL {
        let measured = measure_workload(workload, &mut ways);
        let measured = measured.with_context(|| format!("measuring {}", workload.name()))?;
        calls.figures.extend(measured.into_iter().map(|(kind, figure)| (workload, kind, figure)));
        let [(_, first), ..] = &mut ways[..] else { continue };
        let once = per_batch(workload, &mut **first)?;
        calls.once.push((workload, once.median / BATCH.as_secs_f64()));
    }
    Ok(calls)
}

/// A way that runs, and how many calls fill a batch.
struct Contender<'a> {
    kind: Kind,
    way: &'a mut dyn Way,
    calls: u32,
    seconds: Vec<f64>,
}

fn measure_workload(
    workload: Workload,
    ways: &mut [(Kind, Box<dyn Way>)],
) -> Result<Vec<(Kind, Figure)>> {
    let mut contenders = Vec::new();
    for (kind, way) in ways {
        let calls = calls_per_batch(workload, &mut **way)?;
        contenders.push(Contender { kind: *kind, way: &mut **way, calls, seconds: Vec::new() });
    }
    let mut order = Order::default();
    for _ in 0..BATCHES {
        // None may always follow the same one: those that wait leave a cold core behind.
        order.shuffle(&mut contenders);
        for contender in &mut contenders {
            contender.way.run(workload, contender.calls / WARM_UP)?;
            let took = time(contender.way, workload, contender.calls)?;
            contender.seconds.push(per_call(took, contender.calls));
        }
    }
    Ok(contenders.into_iter().map(|each| (each.kind, Figure::of(each.seconds))).collect())
}

/// Random enough to mix ten contenders, and the same in every run.
struct Order(u64);

impl Default for Order {
    fn default() -> Self {
        Self(1)
    }
}

impl Order {
    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// A number below `bound`. The multiplier is Knuth's for MMIX; its high bits are the good ones.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap_or_default() % bound
    }
}

fn time(way: &mut dyn Way, workload: Workload, calls: u32) -> Result<Duration> {
    let start = Instant::now();
    way.run(workload, calls)?;
    Ok(start.elapsed())
}

/// How many calls take as long as a batch should. Warms everything up on the way.
fn calls_per_batch(workload: Workload, way: &mut dyn Way) -> Result<u32> {
    let mut calls = 1_u32;
    loop {
        // The best of some: a batch that was interrupted would count as a long one.
        let mut took = Duration::MAX;
        for _ in 0..TRIALS {
            took = took.min(time(way, workload, calls)?);
        }
        if took >= BATCH / 4 || calls > u32::MAX / 4 {
            return Ok(scale(calls, BATCH, took));
        }
        // Not beyond four times: the first calls are slower than the rest.
        calls = scale(calls, BATCH, took).clamp(calls.saturating_add(1), calls.saturating_mul(4));
    }
}

fn scale(calls: u32, wanted: Duration, took: Duration) -> u32 {
    let scaled = u128::from(calls).saturating_mul(wanted.as_nanos()) / took.as_nanos().max(1);
    u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
}

/// What a batch without a single call costs.
fn per_batch(workload: Workload, way: &mut dyn Way) -> Result<Figure> {
    let mut seconds = Vec::new();
    for _ in 0..BATCHES {
        seconds.push(time(way, workload, 0)?.as_secs_f64());
    }
    Ok(Figure::of(seconds))
}

impl Calls {
    /// The figure of one cell; none for a place that this machine has not.
    pub(crate) fn figure(&self, workload: Workload, kind: Kind) -> Option<Figure> {
        let found = self.figures.iter().find(|(w, k, _)| (*w, *k) == (workload, kind));
        found.map(|(_, _, figure)| *figure)
    }

    /// How many times longer one way takes than another.
    pub(crate) fn ratio(&self, workload: Workload, kind: Kind, other: Kind) -> Option<f64> {
        Some(self.figure(workload, kind)?.ratio(self.figure(workload, other)?))
    }

    /// The table.
    pub(crate) fn report(&self) -> String {
        format!(
            "\nOne call: median of {BATCHES} batches of {} ms (smallest..largest)\n\n{}",
            BATCH.as_millis(),
            markdown(&self.rows()),
        )
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |name: String, cell: &dyn Fn(Workload) -> Option<String>| {
            let cells =
                Workload::ALL.into_iter().map(|workload| cell(workload).unwrap_or_default());
            std::iter::once(name).chain(cells).collect()
        };
        let mut rows = vec![row(String::new(), &|workload| Some(workload.name()))];
        rows.extend(Kind::ALL.into_iter().map(|kind| {
            row(kind.name(), &|workload| Some(self.figure(workload, kind)?.to_string()))
        }));
        rows.extend(ratios().into_iter().map(|(name, kind, other)| {
            row(name, &|workload| self.ratio(workload, kind, other).map(times))
        }));
        rows.push(row("guest's own work, part of a batch".to_owned(), &|workload| {
            let (_, part) = self.once.iter().find(|(its, _)| *its == workload)?;
            Some(format!("{:.1} %", 100.0 * part))
        }));
        rows
    }
}

/// The comparisons of the table.
fn ratios() -> Vec<(String, Kind, Kind)> {
    let mut ratios = vec![
        ("canon / static".to_owned(), Kind::Canon, Kind::Typed),
        ("Val / canon".to_owned(), Kind::Val, Kind::Canon),
        ("in-process / canon".to_owned(), Kind::InProcess, Kind::Canon),
    ];
    for place in [Place::SameCore, Place::OtherCore] {
        for (store, kind) in [("sync", Kind::Sync(place)), ("async", Kind::Async(place))] {
            let name = format!("isolated {store} / ping-pong, {}", place.name());
            ratios.push((name, kind, Kind::PingPong(place)));
        }
    }
    ratios
}
