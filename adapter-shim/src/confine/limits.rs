//! T4: resource limits. A library that asks for more gets an error, not the machine.

use super::{ConfineError, Jail};
use crate::native::sys;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

const LAYER: &str = "limits";

/// Address space for stacks: as on any system, whatever the runner's own limit.
const STACK_BYTES: u64 = 8 << 20;
/// Signals that may wait.
const PENDING_SIGNALS: u64 = 64;

/// Sets every limit of the policy, and those that no bundle needs at all to 0. A limit that is
/// lower already stays as it is.
///
/// The number of processes is counted for each user, so it is set only where the user is this
/// process alone: with a namespace or an id of its own.
pub(super) fn apply(jail: &Jail, in_namespace: bool) -> Result<(), ConfineError> {
    let limits = &jail.policy.limits;
    let threads = u64::from(limits.threads);
    let mut table = vec![
        (Resource::RLIMIT_AS, "address space", limits.memory_bytes),
        (Resource::RLIMIT_NOFILE, "open descriptors", limits.descriptors),
        (Resource::RLIMIT_FSIZE, "file size", limits.file_bytes),
        (Resource::RLIMIT_STACK, "stack", STACK_BYTES),
        (Resource::RLIMIT_SIGPENDING, "pending signals", PENDING_SIGNALS),
        (Resource::RLIMIT_MEMLOCK, "locked memory", 0),
        // A core file would hold the secrets of the bundle.
        (Resource::RLIMIT_CORE, "core file", 0),
        // Message queues outlive the process.
        (Resource::RLIMIT_MSGQUEUE, "message queues", 0),
        // Nobody may run before the runner.
        (Resource::RLIMIT_RTPRIO, "real-time priority", 0),
        (Resource::RLIMIT_NICE, "nice", 0),
    ];
    if in_namespace || jail.has_private_uid {
        table.push((Resource::RLIMIT_NPROC, "threads", threads.saturating_add(1)));
    }
    for (resource, name, value) in table {
        lower(resource, value).map_err(ConfineError::at(LAYER, name))?;
    }
    // The kernel sends SIGXCPU at the soft limit and kills at the hard one. Were both the same it
    // would kill at once, and nobody could tell for what.
    let seconds = limits.cpu_seconds;
    lower_to(Resource::RLIMIT_CPU, seconds, seconds.saturating_add(1))
        .map_err(ConfineError::at(LAYER, "processor time"))?;
    sys::ignore_file_size_signal().map_err(ConfineError::at(LAYER, "ignoring SIGXFSZ"))
}

fn lower(resource: Resource, value: u64) -> nix::Result<()> {
    lower_to(resource, value, value)
}

fn lower_to(resource: Resource, soft: u64, hard: u64) -> nix::Result<()> {
    let (_, before) = getrlimit(resource)?;
    setrlimit(resource, soft.min(before), hard.min(before))
}
