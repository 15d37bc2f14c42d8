//! How often a bundle's process may be started again, and when.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What to do when a bundle's process has ended although nobody asked it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restart {
    /// Whether it is started again at all.
    pub when: RestartWhen,
    /// How many failures in [`Restart::window`] are forgiven. One more, and the bundle is in
    /// quarantine: it is not started again.
    pub budget: u32,
    /// How long a failure counts.
    pub window: Duration,
    /// The second start in a row waits this long, every further one twice as long, at most
    /// [`BACKOFF_MAX`]. The first one does not wait.
    pub backoff: Duration,
}

/// Longest wait between a failure and the next start.
pub const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// When a process is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestartWhen {
    /// Never: after its first failure the bundle stays away.
    Never,
    /// By the next call after a failure.
    OnFailure,
}

impl Default for Restart {
    /// On failure, at most 3 times in a minute, 100 ms after the second failure in a row.
    fn default() -> Self {
        Self {
            when: RestartWhen::OnFailure,
            budget: 3,
            window: Duration::from_secs(60),
            backoff: Duration::from_millis(100),
        }
    }
}

/// What a budget says about the next start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Start, but not before this.
    StartAt(Instant),
    /// The operator wants no restarts.
    Never,
    /// Too many failures.
    Quarantine,
}

/// The failures that still count.
#[derive(Debug)]
pub(super) struct Budget {
    restart: Restart,
    /// At most one more than the budget has.
    failures: VecDeque<Instant>,
    /// Once it is used up, it stays so.
    exhausted: bool,
}

impl Budget {
    pub(super) fn new(restart: Restart) -> Self {
        Self { restart, failures: VecDeque::new(), exhausted: false }
    }

    pub(super) fn restart(&self) -> Restart {
        self.restart
    }

    /// A process has failed. Times are monotonic: a clock that is set changes nothing.
    pub(super) fn failed(&mut self, now: Instant) {
        self.forget(now);
        self.failures.push_back(now);
        let failures = u32::try_from(self.failures.len()).unwrap_or(u32::MAX);
        self.exhausted |= failures > self.restart.budget;
    }

    /// What may happen next.
    pub(super) fn verdict(&mut self, now: Instant) -> Verdict {
        if self.exhausted {
            return if self.restart.when == RestartWhen::Never {
                Verdict::Never
            } else {
                Verdict::Quarantine
            };
        }
        self.forget(now);
        match (self.failures.back(), self.restart.when) {
            (None, _) => Verdict::StartAt(now),
            (Some(_), RestartWhen::Never) => Verdict::Never,
            (Some(last), RestartWhen::OnFailure) => Verdict::StartAt(*last + self.pause()),
        }
    }

    /// How long the next start waits after the last failure.
    fn pause(&self) -> Duration {
        let in_a_row = u32::try_from(self.failures.len()).unwrap_or(u32::MAX);
        match in_a_row.checked_sub(2) {
            None => Duration::ZERO,
            Some(doublings) => {
                let factor = 1_u32.checked_shl(doublings).filter(|factor| *factor != 0);
                self.restart.backoff.saturating_mul(factor.unwrap_or(u32::MAX)).min(BACKOFF_MAX)
            }
        }
    }

    fn forget(&mut self, now: Instant) {
        // One that never starts again never forgets either.
        if self.restart.when == RestartWhen::Never {
            return;
        }
        let window = self.restart.window;
        while self.failures.front().is_some_and(|at| now.saturating_duration_since(*at) > window) {
            self.failures.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_first_restart_is_at_once_and_later_ones_wait_twice_as_long_each() {
        let mut budget = Budget::new(Restart { budget: 20, ..Restart::default() });
        let now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..9 {
            budget.failed(now);
            let Verdict::StartAt(at) = budget.verdict(now) else { break };
            waits.push((at - now).as_millis());
        }
        assert_eq!(waits, [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    }

    #[test]
    fn one_failure_more_than_the_budget_is_quarantine_for_good() {
        let mut budget = Budget::new(Restart::default());
        let now = Instant::now();
        for _ in 0..3 {
            budget.failed(now);
            assert!(matches!(budget.verdict(now), Verdict::StartAt(_)));
        }
        budget.failed(now);
        assert_eq!(budget.verdict(now), Verdict::Quarantine);
        assert_eq!(budget.verdict(now + 100 * SECOND), Verdict::Quarantine);
    }

    #[test]
    fn failures_outside_of_the_window_do_not_count() {
        let mut budget = Budget::new(Restart { budget: 1, ..Restart::default() });
        let mut now = Instant::now();
        for _ in 0..50 {
            budget.failed(now);
            assert_eq!(budget.verdict(now), Verdict::StartAt(now));
            now += 61 * SECOND;
        }
    }

    #[test]
    fn never_means_never() {
        let restart = Restart { when: RestartWhen::Never, ..Restart::default() };
        let mut budget = Budget::new(restart);
        let now = Instant::now();
        assert_eq!(budget.verdict(now), Verdict::StartAt(now), "the first start is no restart");
        budget.failed(now);
        assert_eq!(budget.verdict(now + 1000 * SECOND), Verdict::Never);
    }

    #[test]
    fn absurd_numbers_are_no_overflow() {
        let mut budget =
            Budget::new(Restart { budget: u32::MAX, backoff: Duration::MAX, ..Restart::default() });
        let now = Instant::now();
        for _ in 0..100 {
            budget.failed(now);
        }
        assert_eq!(budget.verdict(now), Verdict::StartAt(now + BACKOFF_MAX));
    }
}
