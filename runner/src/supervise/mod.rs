//! Keeps a bundle's process there: when it has failed, the next call starts another, as often as the
//! operator allows.
//!
//! ```text
//!            call fails                        next call
//! running ───────────────▶ down ────────────────────────────────────▶ running
//!    │                      │  after its pause, same recipe, new state
//!    │ shut down            │ budget used up, or `never`
//!    ▼                      ▼
//!  gone                  away for good
//! ```
//!
//! A new process knows nothing of the old one: what the guest holds of it is stale, see
//! `proxy::handles`.

mod budget;
mod fault;
mod way;

pub use budget::{BACKOFF_MAX, Restart, RestartWhen};
pub use fault::{Deed, Fault, NoFault};
pub(crate) use way::{OnTask, OnThread, Way};

use crate::shim::{Recipe, Session, ShimExit, Timeouts};
use budget::{Budget, Verdict};
use fault::Faults;
use std::time::Instant;

/// Target of the events that tell of failures which did not end the run, one line each: those that
/// the guest was told of, quarantines, processes that had to be killed at the end.
pub const FAILURES_TARGET: &str = "wrun::failures";

/// Why there is no process to call.
#[derive(Debug, Clone)]
pub(crate) enum Unavailable {
    /// It has failed, and is not started again.
    Over(ShimExit),
    /// It has failed too often.
    Quarantined {
        /// What its budget was.
        restart: Restart,
        /// Its last failure.
        last: ShimExit,
    },
    /// It was to be started again, which failed.
    Restart(ShimExit),
}

/// A process that takes calls, and what is needed to wait for it.
#[derive(Debug)]
pub(crate) struct Running<W: Way> {
    pub(crate) session: Session,
    pub(crate) registered: W::Registered,
}

/// One bundle's process, now or at the next call.
#[derive(Debug)]
pub(crate) struct Supervisor<W: Way> {
    recipe: Recipe,
    budget: Budget,
    faults: Faults,
    running: Option<Running<W>>,
    /// How the latest process ended.
    last: Option<ShimExit>,
    /// How many processes there were, for events.
    generation: u64,
}

impl<W: Way> Supervisor<W> {
    /// Starts the first process.
    ///
    /// # Errors
    /// Why it did not start. The first start has no second chance: what is wrong with it most
    /// likely stays wrong, and nobody waits for an answer yet.
    pub(crate) async fn start(
        recipe: Recipe,
        restart: Restart,
        faults: Vec<Fault>,
    ) -> Result<Self, ShimExit> {
        let (session, registered) = W::start(&recipe).await?;
        let running = Some(Running { session, registered });
        let (budget, faults) = (Budget::new(restart), Faults::new(faults));
        Ok(Self { recipe, budget, faults, running, last: None, generation: 1 })
    }

    /// What is to happen, on purpose, in the call that comes now.
    pub(crate) fn next_deed(&mut self) -> Option<Deed> {
        self.faults.next()
    }

    /// Faults on purpose that did not come yet.
    pub(crate) fn pending_faults(&self) -> Vec<Fault> {
        self.faults.pending().to_vec()
    }

    /// How long the process may take for what it is asked.
    pub(crate) fn timeouts(&self) -> Timeouts {
        self.recipe.timeouts
    }

    /// The process, if there is one; none is started.
    pub(crate) fn running(&mut self) -> Option<&mut Running<W>> {
        self.running.as_mut()
    }

    /// The process; a new one if the last has failed and the budget allows it.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub(crate) async fn ready(&mut self) -> Result<&mut Running<W>, Unavailable> {
        // Taken out and put back: the borrow checker does not see that the other way returns.
        if let Some(running) = self.running.take() {
            return Ok(self.running.insert(running));
        }
        let last = self.last.clone().unwrap_or(ShimExit::Clean);
        let bundle = &self.recipe.spec.bundle;
        let start_at = match self.budget.verdict(Instant::now()) {
            Verdict::StartAt(time) => time,
            Verdict::Never => return Err(Unavailable::Over(last)),
            Verdict::Quarantine => {
                return Err(Unavailable::Quarantined { restart: self.budget.restart(), last });
            }
        };
        let pause = start_at.saturating_duration_since(Instant::now());
        tracing::info!(bundle, ?pause, after = last.kind(), "starting the bundle again");
        if !pause.is_zero() {
            W::pause(start_at).await;
        }
        match W::start(&self.recipe).await {
            Ok((session, registered)) => {
                self.generation += 1;
                tracing::info!(bundle, generation = self.generation, "the bundle runs again");
                Ok(self.running.insert(Running { session, registered }))
            }
            Err(end) => {
                self.failed(end.clone());
                Err(Unavailable::Restart(end))
            }
        }
    }

    /// The process has ended like this. It counts, and the next call starts another.
    pub(crate) fn failed(&mut self, end: ShimExit) {
        self.running = None;
        // The caller's own doing is no failure of the bundle.
        if !matches!(end, ShimExit::Abandoned) {
            self.budget.failed(Instant::now());
            if self.budget.verdict(Instant::now()) == Verdict::Quarantine {
                let bundle = &self.recipe.spec.bundle;
                tracing::warn!(
                    target: FAILURES_TARGET,
                    "bundle `{bundle}` is in quarantine: it has failed too often"
                );
            }
        }
        self.last = Some(end);
    }

    /// Kills the process if a call is under way that nobody waits for any more. Whether it did.
    pub(crate) fn abandon(&mut self) -> bool {
        let Some(running) = &mut self.running else { return false };
        running.session.abandon();
        match running.session.end().cloned() {
            Some(end) => {
                self.failed(end);
                true
            }
            None => false,
        }
    }

    /// Sends the process the signal that nobody survives, and does not wait.
    pub(crate) fn order_to_die(&mut self) {
        if let Some(running) = &mut self.running {
            running.session.order_to_die();
        }
    }

    /// Kills the process, and waits for its end.
    pub(crate) fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            self.last = Some(running.session.kill());
        }
    }

    /// Asks the process to leave, if there is one. How the last one ended.
    pub(crate) fn shut_down(&mut self) -> ShimExit {
        let Some(mut running) = self.running.take() else {
            return self.last.clone().unwrap_or(ShimExit::Clean);
        };
        let end = running.session.shut_down();
        if !matches!(end, ShimExit::Clean | ShimExit::Abandoned) {
            let bundle = &self.recipe.spec.bundle;
            tracing::warn!(target: FAILURES_TARGET, "bundle `{bundle}`: {end}");
        }
        end
    }
}

impl<W: Way> Drop for Supervisor<W> {
    fn drop(&mut self) {
        self.shut_down();
    }
}
