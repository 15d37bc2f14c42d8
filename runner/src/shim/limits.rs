//! Whether a process came to its end by a limit, as far as what the kernel counted tells.

use super::exit::LimitHit;
use nix::sys::signal::Signal;
use protocol::policy::Limits;
use protocol::stage::{Ending, Status};
use std::time::Duration;

/// A crash counts as one for want of memory if no more than this part of the limit was left.
const MEMORY_LEFT: u64 = 16;

/// The limit that an ending was for. Only for one that the runner did not itself bring about.
///
/// Processor time and file size end a process by a signal of their own. A library that gets no memory
/// or no thread gets an error, and most do not look at it: they crash. That such a crash was for want
/// of it is likely, and no more.
pub(super) fn limit_hit(ending: &Ending, limits: &Limits) -> Option<LimitHit> {
    let Status::Signaled(signal) = ending.status else { return None };
    let usage = &ending.usage;
    match Signal::try_from(signal).ok()? {
        Signal::SIGXFSZ => Some(LimitHit::FileSize),
        Signal::SIGXCPU => Some(LimitHit::Cpu),
        // A library that does not mind SIGXCPU is killed a second later.
        Signal::SIGKILL if usage.cpu >= Duration::from_secs(limits.cpu_seconds) => {
            Some(LimitHit::Cpu)
        }
        Signal::SIGABRT | Signal::SIGSEGV | Signal::SIGBUS | Signal::SIGILL | Signal::SIGTRAP => {
            let enough = limits.memory_bytes - limits.memory_bytes / MEMORY_LEFT;
            // The first thread is not counted by the limit. Where none is granted none was missed:
            // what starts one is refused, and the operator is told.
            let all_threads = limits.threads.saturating_add(1);
            if usage.memory_peak.is_some_and(|peak| peak >= enough) {
                Some(LimitHit::Memory)
            } else if limits.threads > 0 && usage.threads >= Some(all_threads) {
                Some(LimitHit::Threads)
            } else {
                None
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::stage::Usage;

    const LIMITS: Limits = Limits {
        memory_bytes: 1 << 30,
        cpu_seconds: 10,
        threads: 4,
        descriptors: 64,
        file_bytes: 1 << 20,
        scratch_bytes: 0,
        stderr_bytes: 0,
    };

    fn ending(signal: Signal, usage: Usage) -> Ending {
        let status = Status::Signaled(signal as i32);
        Ending { status, violation: None, crash: None, usage }
    }

    fn hit(
        signal: Signal,
        cpu: u64,
        memory: Option<u64>,
        threads: Option<u32>,
    ) -> Option<LimitHit> {
        let usage = Usage { cpu: Duration::from_secs(cpu), memory_peak: memory, threads };
        limit_hit(&ending(signal, usage), &LIMITS)
    }

    #[test]
    fn limits_with_a_signal_of_their_own_are_told_by_it() {
        assert_eq!(hit(Signal::SIGXCPU, 0, None, None), Some(LimitHit::Cpu));
        assert_eq!(hit(Signal::SIGXFSZ, 99, None, None), Some(LimitHit::FileSize));
        assert_eq!(hit(Signal::SIGKILL, 11, None, None), Some(LimitHit::Cpu));
        assert_eq!(hit(Signal::SIGKILL, 9, Some(u64::MAX), Some(99)), None);
    }

    #[test]
    fn a_crash_with_nothing_left_is_told_as_that() {
        let nearly = (1 << 30) - (1 << 26);
        for signal in
            [Signal::SIGABRT, Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGILL, Signal::SIGTRAP]
        {
            assert_eq!(hit(signal, 0, Some(nearly), Some(5)), Some(LimitHit::Memory));
            assert_eq!(hit(signal, 0, Some(nearly - 1), Some(5)), Some(LimitHit::Threads));
            assert_eq!(hit(signal, 99, Some(nearly - 1), Some(4)), None);
            assert_eq!(hit(signal, 0, None, None), None);
        }
        assert_eq!(hit(Signal::SIGTERM, 99, Some(nearly), Some(5)), None);
    }

    #[test]
    fn without_threads_none_was_missed() {
        let usage = Usage { threads: Some(1), ..Usage::default() };
        let limits = Limits { threads: 0, ..LIMITS };
        assert_eq!(limit_hit(&ending(Signal::SIGSEGV, usage), &limits), None);
    }

    #[test]
    fn an_exit_is_no_limit() {
        let left =
            Ending { status: Status::Exited(1), ..ending(Signal::SIGSEGV, Usage::default()) };
        assert_eq!(limit_hit(&left, &LIMITS), None);
    }
}
