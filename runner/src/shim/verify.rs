//! What the shim claims is looked at from outside, in `/proc`, before the first call.
//!
//! A library's constructor can pretend to be the shim, say that it is ready, and never give up the
//! rights to load. It cannot pretend to have a filter that it does not have.

use crate::channel::ready_by;
use nix::poll::PollFlags;
use protocol::stage::Layers;
use std::collections::BTreeMap;
use std::fs;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::time::Instant;

/// Filters of a shim that has done everything: never, unknown, absent, refused, load, steady.
/// `adapter-shim/src/confine/seccomp.rs` has the table.
const FILTERS: u64 = 6;

/// Why a process must not be trusted with a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unconfined {
    /// It has ended.
    #[error("it has ended")]
    Gone,
    /// The kernel does not show what has to be looked at.
    #[error("it cannot be looked at: {0}; wrun needs /proc to see that a bundle is confined")]
    Unseen(String),
    /// A thread of it is not confined as it should be.
    #[error("its {field} is {found} instead of {expected}: its library has tampered with its jail")]
    Field {
        /// A field of `/proc/PID/status`.
        field: &'static str,
        /// What it is.
        found: String,
        /// What it should be.
        expected: String,
    },
}

/// Checks every thread of the process of `pidfd`.
///
/// # Errors
/// [`Unconfined`]; the process must be killed then.
pub(super) fn check(pidfd: BorrowedFd<'_>, layers: Layers) -> Result<(), Unconfined> {
    let expected = Expected::new(layers)?;
    let pid = pid_of(pidfd)?;
    let threads = format!("/proc/{pid}/task");
    let mut count = 0;
    for thread in fs::read_dir(&threads).map_err(|error| unseen(&threads, &error))? {
        let path = thread.map_err(|error| unseen(&threads, &error))?.path().join("status");
        let status = match fs::read_to_string(&path) {
            Ok(status) => status,
            // The thread has ended since it was listed.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) if error.raw_os_error() == Some(nix::libc::ESRCH) => continue,
            Err(error) => return Err(unseen(&path.display().to_string(), &error)),
        };
        expected.compare(&Status::parse(&status))?;
        count += 1;
    }
    // The number could have been given to another process meanwhile, but not while it lives.
    if count == 0 || has_ended(pidfd) { Err(Unconfined::Gone) } else { Ok(()) }
}

fn unseen(path: &str, error: &std::io::Error) -> Unconfined {
    Unconfined::Unseen(format!("{path}: {error}"))
}

/// The process's number in this process's own view.
pub(super) fn pid_of(pidfd: BorrowedFd<'_>) -> Result<u32, Unconfined> {
    let path = format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd());
    let info = fs::read_to_string(&path).map_err(|error| unseen(&path, &error))?;
    let number = info.lines().find_map(|line| line.strip_prefix("Pid:"));
    match number.and_then(|number| number.trim().parse::<i64>().ok()) {
        // 0 is a process that cannot be seen from here, -1 one that has ended.
        Some(pid) if pid > 0 => u32::try_from(pid).map_err(|_| Unconfined::Gone),
        Some(_) => Err(Unconfined::Gone),
        None => Err(Unconfined::Unseen(format!("{path} names no process"))),
    }
}

fn has_ended(pidfd: BorrowedFd<'_>) -> bool {
    // If it cannot be asked, nothing else that was seen counts.
    ready_by(pidfd, PollFlags::POLLIN, Instant::now()).unwrap_or(true)
}

/// The fields of a `status` file.
struct Status<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Status<'a> {
    fn parse(text: &'a str) -> Self {
        let fields = text.lines().filter_map(|line| line.split_once(':'));
        Self(fields.map(|(name, value)| (name, value.trim())).collect())
    }

    fn field(&self, name: &str) -> &'a str {
        self.0.get(name).copied().unwrap_or("missing")
    }
}

/// What must be in it.
struct Expected {
    filters: u64,
    layers: Layers,
}

impl Expected {
    /// Filters that this process has itself been given are inherited.
    fn new(layers: Layers) -> Result<Self, Unconfined> {
        let path = "/proc/self/status";
        let own = fs::read_to_string(path).map_err(|error| unseen(path, &error))?;
        let inherited = Status::parse(&own).field("Seccomp_filters").parse::<u64>();
        // Kernels before 5.9 do not count; then nothing could be compared.
        let inherited =
            inherited.map_err(|_| Unconfined::Unseen(format!("{path} has no Seccomp_filters")))?;
        Ok(Self { filters: inherited + FILTERS, layers })
    }

    fn compare(&self, status: &Status<'_>) -> Result<(), Unconfined> {
        self.equal(status, "Seccomp", "2")?;
        self.equal(status, "Seccomp_filters", &self.filters.to_string())?;
        self.equal(status, "NoNewPrivs", "1")?;
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            self.equal(status, set, NO_CAPABILITIES)?;
        }
        if self.layers.namespaces {
            self.equal(status, "CapBnd", NO_CAPABILITIES)?;
            // Its number here, and its number inside: the first process of its namespace, or one of
            // its threads.
            let inside = status.field("NStgid").split_whitespace().last();
            if inside != Some("1") {
                return Err(different("NStgid", status.field("NStgid"), "… 1"));
            }
        }
        let real = status.field("Uid").split_whitespace().next();
        if self.layers.uid && real == Some("0") {
            return Err(different("Uid", "0", "an id of its own"));
        }
        Ok(())
    }

    fn equal(
        &self,
        status: &Status<'_>,
        field: &'static str,
        expected: &str,
    ) -> Result<(), Unconfined> {
        match status.field(field) {
            found if found == expected => Ok(()),
            found => Err(different(field, found, expected)),
        }
    }
}

const NO_CAPABILITIES: &str = "0000000000000000";

fn different(field: &'static str, found: &str, expected: &str) -> Unconfined {
    Unconfined::Field { field, found: found.to_owned(), expected: expected.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "Name:\tadapter-shim\nNStgid:\t4711\t1\nUid:\t1\t1\t1\t1\nCapInh:\t0000000000000000\n\
        CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n\
        CapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t6\n";

    fn judge(text: &str) -> Result<(), Unconfined> {
        let layers = Layers { namespaces: true, uid: true, ..Layers::default() };
        Expected { filters: FILTERS, layers }.compare(&Status::parse(text))
    }

    #[test]
    fn each_missing_layer_shows_from_outside() {
        assert_eq!(judge(GOOD), Ok(()));
        for (from, to, field) in [
            ("Seccomp:\t2", "Seccomp:\t0", "Seccomp"),
            ("Seccomp_filters:\t6", "Seccomp_filters:\t5", "Seccomp_filters"),
            ("NoNewPrivs:\t1", "NoNewPrivs:\t0", "NoNewPrivs"),
            ("CapEff:\t0000000000000000", "CapEff:\t0000000000000400", "CapEff"),
            ("CapBnd:\t0000000000000000", "CapBnd:\t0000000000000400", "CapBnd"),
            ("NStgid:\t4711\t1", "NStgid:\t4711", "NStgid"),
            ("Uid:\t1\t1", "Uid:\t0\t0", "Uid"),
            ("Seccomp:\t2\n", "", "Seccomp"),
        ] {
            let changed = judge(&GOOD.replace(from, to));
            let named = matches!(&changed, Err(Unconfined::Field { field: f, .. }) if *f == field);
            assert!(named, "{field}: {changed:?}");
        }
    }
}
