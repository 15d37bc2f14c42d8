//! What a start costs: the program `wrun`, from nothing to its end, with one call at most.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::figure::Figure;
use crate::places;
use crate::table::markdown;

/// Runs behind each figure; odd, so that one is in the middle.
const RUNS: usize = 21;

/// A way to start, each with a step more than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// The program alone.
    Version,
    /// A component without a bundle.
    Plain,
    /// A component that calls a library in wrun's own process.
    InProcess,
    /// A component that calls a library in its own process.
    Isolated,
}

impl Start {
    const ALL: [Self; 4] = [Self::Version, Self::Plain, Self::InProcess, Self::Isolated];

    fn name(self) -> &'static str {
        match self {
            Self::Version => "wrun --version",
            Self::Plain => "component without a bundle, one exported function",
            Self::InProcess => "component and bundle, --in-process, one call",
            Self::Isolated => "component and bundle, isolated, one call",
        }
    }

    fn step(self) -> &'static str {
        match self {
            Self::Version => "load the program",
            Self::Plain => "load compiled code, instantiate, call, end",
            Self::InProcess => "open the bundle, plan, load the library",
            Self::Isolated => "start, greet, confine and end the adapter process",
        }
    }

    fn command(self) -> Result<Command> {
        let mut wrun = Command::new(places::program("wrun")?);
        match self {
            Self::Version => wrun.arg("--version"),
            Self::Plain => wrun.args(["--invoke", "add(1, 2)"]).arg(places::guest("calculator")?),
            Self::InProcess => with_bundle(wrun.arg("--in-process"))?,
            Self::Isolated => with_bundle(wrun.arg("--isolate"))?,
        };
        Ok(wrun)
    }
}

fn with_bundle(wrun: &mut Command) -> Result<&mut Command> {
    wrun.arg("--host-bundle").arg(places::bundle("echo")?);
    Ok(wrun.args(["--invoke", "run-add(1)"]).arg(places::guest("bench-guest")?))
}

/// All figures.
#[derive(Debug)]
pub(crate) struct Starts {
    figures: Vec<(Start, Figure)>,
    cold: Duration,
}

/// Runs each way in turn, with a cache of compiled code of their own, filled by first runs.
pub(crate) fn measure() -> Result<Starts> {
    let cache = tempfile::tempdir().context("cannot make a temporary directory")?;
    let cold = time(Start::Isolated, cache.path())?;
    let mut seconds = Start::ALL.map(|start| (start, Vec::new()));
    for start in Start::ALL {
        time(start, cache.path())?;
    }
    for _ in 0..RUNS {
        for (start, seconds) in &mut seconds {
            seconds.push(time(*start, cache.path())?.as_secs_f64());
        }
    }
    let figures = seconds.map(|(start, seconds)| (start, Figure::of(seconds)));
    Ok(Starts { figures: figures.to_vec(), cold })
}

fn time(start: Start, cache: &Path) -> Result<Duration> {
    let mut command = start.command()?;
    // Where wasmtime keeps compiled code.
    command.env("XDG_CACHE_HOME", cache);
    let begin = Instant::now();
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    let took = begin.elapsed();
    if !output.status.success() {
        let messages = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} ended with {}:\n{messages}", output.status);
    }
    Ok(took)
}

impl Starts {
    /// From nothing to the end of a run with one isolated call.
    pub(crate) fn isolated(&self) -> Figure {
        let found = self.figures.iter().find(|(start, _)| *start == Start::Isolated);
        found.map_or_else(|| Figure::of(Vec::new()), |(_, figure)| *figure)
    }

    /// The table.
    pub(crate) fn report(&self) -> String {
        let heading = ["whole run of the program", "time", "adds", "for"];
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        let mut before = 0.0;
        for (start, figure) in &self.figures {
            let adds = format!("{:.2} ms", 1e3 * (figure.median - before));
            rows.push(vec![
                start.name().to_owned(),
                figure.to_string(),
                adds,
                start.step().to_owned(),
            ]);
            before = figure.median;
        }
        format!(
            "\nOne start, compiled code in the cache: median of {RUNS} runs (smallest..largest)\n\n\
             {}\nThe very first run, which compiles: {:.0} ms\n",
            markdown(&rows),
            1e3 * self.cold.as_secs_f64()
        )
    }
}
