//! The guest `moods` and its bundle: a library that fails on command, called step by step.

use crate::{Run, Wrun, bundle, fixture, guest};
use std::path::PathBuf;

/// A run of the guest `moods`.
#[derive(Debug)]
pub struct Moods {
    wrun: Wrun,
    bundle: PathBuf,
}

impl Default for Moods {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Moods {
    /// With the library as it is, or with a misbehaviour switched on.
    pub fn new(define: Option<&str>) -> Self {
        let wrun = Wrun::new();
        let bundle = fixture("moods", define, &wrun.work());
        Self { wrun, bundle }
    }

    /// The directory in which it runs, to put files into.
    pub fn work(&self) -> PathBuf {
        self.wrun.work()
    }

    /// Adds options of wrun.
    #[must_use]
    pub fn options(mut self, options: &[&str]) -> Self {
        self.wrun = self.wrun.args(options);
        self
    }

    /// A failure is an `Err` of the guest's own where that can be.
    #[must_use]
    pub fn errors(self) -> Self {
        self.options(&["--supervise", "moods:on-failure=error"])
    }

    /// What is run, for tests that do more than run it to its end.
    pub fn steps(self, steps: &[&str]) -> Wrun {
        let wrun = self.wrun.bundle(&self.bundle).bundle(bundle("echo"));
        wrun.arg(guest("moods")).args(steps)
    }

    /// Has the guest take these steps, and waits until it has ended.
    pub fn run(self, steps: &[&str]) -> Run {
        self.steps(steps).run()
    }
}
