//! What the kernel shows of a process in `/proc/PID/status`: what it has used, and which signals it
//! handles.

use protocol::stage::Usage;
use std::time::Duration;

/// The file of one task. Empty if the task is gone.
#[derive(Debug)]
pub(super) struct Status(String);

impl Status {
    pub(super) fn of(pid: i32) -> Self {
        Self(std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default())
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
    }

    /// Whether a signal would end a process that is not the first of its namespace.
    ///
    /// The kernel ignores signals without a handler for the first process, and for a traced one even
    /// those that come from a fault, which would then happen again without end. So the stage decides
    /// as the kernel would for any other process.
    pub(super) fn is_ended_by(&self, signal: i32) -> bool {
        const HARMLESS: [i32; 8] = [
            libc::SIGCHLD,
            libc::SIGURG,
            libc::SIGWINCH,
            libc::SIGCONT,
            libc::SIGSTOP,
            libc::SIGTSTP,
            libc::SIGTTIN,
            libc::SIGTTOU,
        ];
        let mask = |name: &str| {
            self.field(name).and_then(|mask| u64::from_str_radix(mask, 16).ok()).unwrap_or(0)
        };
        let bit = u32::try_from(signal - 1).ok().and_then(|bit| 1_u64.checked_shl(bit));
        let is_handled = (mask("SigCgt:") | mask("SigIgn:")) & bit.unwrap_or(0) != 0;
        !HARMLESS.contains(&signal) && !is_handled
    }

    /// `VmPeak:     1234 kB`
    fn memory_peak(&self) -> Option<u64> {
        let kilobytes = self.field("VmPeak:")?.strip_suffix("kB")?.trim().parse::<u64>().ok()?;
        kilobytes.checked_mul(1024)
    }

    fn threads(&self) -> Option<u32> {
        self.field("Threads:")?.parse().ok()
    }
}

/// The most that was seen of each.
#[derive(Debug, Default)]
pub(super) struct Seen {
    memory_peak: Option<u64>,
    threads: Option<u32>,
}

impl Seen {
    pub(super) fn look(&mut self, status: &Status) {
        self.memory_peak = self.memory_peak.max(status.memory_peak());
        self.threads = self.threads.max(status.threads());
    }

    pub(super) fn usage(&self, cpu: Duration) -> Usage {
        Usage { cpu, memory_peak: self.memory_peak, threads: self.threads }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_that_was_seen_is_told() {
        let status = |peak: u64, threads: u32| {
            Status(format!("Name:\tx\nVmPeak:\t  {peak} kB\nThreads:\t{threads}\n"))
        };
        let mut seen = Seen::default();
        for status in [status(3, 1), status(9, 4), status(9, 2), Status(String::new())] {
            seen.look(&status);
        }
        let cpu = Duration::from_secs(2);
        let expected = Usage { cpu, memory_peak: Some(9 * 1024), threads: Some(4) };
        assert_eq!(seen.usage(cpu), expected);
    }

    #[test]
    fn a_signal_with_a_handler_ends_nothing() {
        let status = Status("SigIgn:\t0000000000001000\nSigCgt:\t0000000000000400\n".to_owned());
        assert!(!status.is_ended_by(libc::SIGSEGV));
        assert!(!status.is_ended_by(libc::SIGPIPE));
        assert!(!status.is_ended_by(libc::SIGCHLD));
        assert!(status.is_ended_by(libc::SIGABRT));
        assert!(status.is_ended_by(64));
    }
}
