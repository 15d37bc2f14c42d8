//! The limits of one bundle: their names, units, bounds and defaults.

use super::amount::{Amount, AmountFault, Unit};
use crate::registry::BundleOptions;
use std::collections::BTreeMap;
use std::time::Duration;

/// A limit that an operator can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// Address space.
    Memory,
    /// Processor time.
    Cpu,
    /// Threads that the library may start.
    Threads,
    /// Open descriptors.
    Descriptors,
    /// Largest file that may be written.
    FileSize,
    /// Size of the private `/tmp`.
    Scratch,
    /// How much of its standard error is shown.
    Stderr,
    /// Time for one call.
    CallTimeout,
    /// Time from start to the end of `init`.
    LoadTimeout,
    /// Time for an orderly end.
    ShutdownTimeout,
}

/// Below this, no process with libc and one library starts.
const MEMORY_BYTES_MIN: u64 = 32 << 20;

/// The four that the process starts with, and a few for the dynamic linker.
const DESCRIPTORS_MIN: u64 = 8;

/// More than any deadline needs, and far from where clocks overflow.
const TIME_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Limit {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 10] = [
        Self::Memory,
        Self::Cpu,
        Self::Threads,
        Self::Descriptors,
        Self::FileSize,
        Self::Scratch,
        Self::Stderr,
        Self::CallTimeout,
        Self::LoadTimeout,
        Self::ShutdownTimeout,
    ];

    /// Its name, in hosts.toml and behind `--grant NAME:`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::Threads => "threads",
            Self::Descriptors => "descriptors",
            Self::FileSize => "file-size",
            Self::Scratch => "scratch",
            Self::Stderr => "stderr",
            Self::CallTimeout => "call-timeout",
            Self::LoadTimeout => "load-timeout",
            Self::ShutdownTimeout => "shutdown-timeout",
        }
    }

    /// Reads an amount of this limit.
    ///
    /// # Errors
    /// [`AmountFault`].
    pub(super) fn parse(self, text: &str) -> Result<Amount, AmountFault> {
        let amount = self.unit().parse(text)?;
        let (min, max) = self.bounds();
        if amount.number() < min.number() {
            return Err(AmountFault::TooSmall(min));
        }
        if amount.number() > max.number() {
            return Err(AmountFault::TooLarge(max));
        }
        Ok(amount)
    }

    fn unit(self) -> Unit {
        match self {
            Self::Memory | Self::FileSize | Self::Scratch | Self::Stderr => Unit::Bytes,
            Self::Cpu => Unit::Seconds,
            Self::Threads | Self::Descriptors => Unit::Count,
            Self::CallTimeout | Self::LoadTimeout | Self::ShutdownTimeout => Unit::Time,
        }
    }

    fn bounds(self) -> (Amount, Amount) {
        // The kernel's limits are signed in places.
        let bytes_max = Amount::Bytes(1 << 62);
        match self {
            Self::Memory => (Amount::Bytes(MEMORY_BYTES_MIN), bytes_max),
            Self::FileSize | Self::Scratch | Self::Stderr => (Amount::Bytes(0), bytes_max),
            Self::Cpu => (Amount::Time(Duration::from_secs(1)), Amount::Time(TIME_MAX)),
            Self::Threads => (Amount::Count(0), Amount::Count(u32::MAX.into())),
            Self::Descriptors => (Amount::Count(DESCRIPTORS_MIN), Amount::Count(u32::MAX.into())),
            Self::CallTimeout | Self::LoadTimeout | Self::ShutdownTimeout => {
                (Amount::Time(Duration::from_millis(1)), Amount::Time(TIME_MAX))
            }
        }
    }

    /// What `options` says about this limit.
    pub fn of(self, options: &BundleOptions) -> Amount {
        let limits = &options.policy.limits;
        match self {
            Self::Memory => Amount::Bytes(limits.memory_bytes),
            Self::Cpu => Amount::Time(Duration::from_secs(limits.cpu_seconds)),
            Self::Threads => Amount::Count(limits.threads.into()),
            Self::Descriptors => Amount::Count(limits.descriptors),
            Self::FileSize => Amount::Bytes(limits.file_bytes),
            Self::Scratch => Amount::Bytes(limits.scratch_bytes),
            Self::Stderr => Amount::Bytes(limits.stderr_bytes),
            Self::CallTimeout => Amount::Time(options.call_timeout),
            Self::LoadTimeout => Amount::Time(options.load_timeout),
            Self::ShutdownTimeout => Amount::Time(options.shutdown_timeout),
        }
    }

    fn set(self, options: &mut BundleOptions, amount: Amount) {
        let limits = &mut options.policy.limits;
        match (self, amount) {
            (Self::Memory, Amount::Bytes(bytes)) => limits.memory_bytes = bytes,
            (Self::FileSize, Amount::Bytes(bytes)) => limits.file_bytes = bytes,
            (Self::Scratch, Amount::Bytes(bytes)) => limits.scratch_bytes = bytes,
            (Self::Stderr, Amount::Bytes(bytes)) => limits.stderr_bytes = bytes,
            (Self::Cpu, Amount::Time(time)) => limits.cpu_seconds = time.as_secs(),
            (Self::CallTimeout, Amount::Time(time)) => options.call_timeout = time,
            (Self::LoadTimeout, Amount::Time(time)) => options.load_timeout = time,
            (Self::ShutdownTimeout, Amount::Time(time)) => options.shutdown_timeout = time,
            (Self::Threads, Amount::Count(count)) => {
                limits.threads = u32::try_from(count).unwrap_or(u32::MAX);
            }
            (Self::Descriptors, Amount::Count(count)) => limits.descriptors = count,
            // `parse` gives each limit its own unit.
            (_, Amount::Bytes(_) | Amount::Time(_) | Amount::Count(_)) => {}
        }
    }
}

/// Puts the amounts of all limits into `options`.
pub(super) fn apply(amounts: &BTreeMap<Limit, Amount>, options: &mut BundleOptions) {
    for (limit, amount) in amounts {
        limit.set(options, *amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_that_is_set_arrives() {
        for limit in Limit::ALL {
            let mut options = BundleOptions::default();
            let text = match limit.unit() {
                Unit::Bytes => "48M",
                Unit::Count => "77",
                Unit::Seconds | Unit::Time => "77s",
            };
            let amount = limit.parse(text).ok();
            assert!(amount.is_some_and(|amount| amount != limit.of(&options)), "{limit:?}");
            apply(&amount.map(|amount| (limit, amount)).into_iter().collect(), &mut options);
            assert_eq!(Some(limit.of(&options)), amount, "{limit:?}");
        }
    }

    #[test]
    fn an_amount_that_nothing_can_run_with_is_refused() {
        let small = |limit: Limit, text| matches!(limit.parse(text), Err(AmountFault::TooSmall(_)));
        assert!(small(Limit::Memory, "1M"));
        assert!(small(Limit::Cpu, "0s"));
        assert!(small(Limit::Descriptors, "3"));
        assert!(small(Limit::CallTimeout, "0s"));
        assert!(matches!(Limit::CallTimeout.parse("900years"), Err(AmountFault::TooLarge(_))));
        assert!(matches!(Limit::Threads.parse("5000000000"), Err(AmountFault::Count { .. })));
    }
}
