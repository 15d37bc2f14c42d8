//! Named, timed stages of a long command.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// What ran so far, and how long each stage took.
#[derive(Debug, Default)]
pub(crate) struct Stages {
    finished: Vec<(&'static str, Duration)>,
}

impl Stages {
    /// Runs one stage and returns what it made; its error carries the stage's name.
    pub(crate) fn run<T>(
        &mut self,
        name: &'static str,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        eprintln!("==> {name}");
        let start = Instant::now();
        let result = work().with_context(|| format!("stage `{name}` failed"));
        self.finished.push((name, start.elapsed()));
        result
    }

    /// Prints one line per stage that ran, and the sum.
    pub(crate) fn report(&self) {
        let total = self.finished.iter().map(|(_, took)| *took).sum::<Duration>();
        for (name, took) in self.finished.iter().chain([&("all", total)]) {
            eprintln!("{:>8.1} s  {name}", took.as_secs_f64());
        }
    }
}
