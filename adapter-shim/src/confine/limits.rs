//! Layer 4: resource limits. A library that asks for more gets an error, not the machine.

use super::ConfineError;
use crate::native::sys;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use protocol::policy::Limits;
use std::io;

/// Sets every limit of the plan, and those that no bundle needs at all to 0.
///
/// A limit that is lower already stays as it is.
///
/// # Errors
/// [`ConfineError::System`] if the kernel refuses.
pub fn apply(limits: &Limits) -> Result<(), ConfineError> {
    for (resource, name, value) in table(limits) {
        lower(resource, value).map_err(failed(name))?;
    }
    sys::ignore_file_size_signal().map_err(failed("ignoring SIGXFSZ"))
}

fn table(limits: &Limits) -> [(Resource, &'static str, u64); 8] {
    [
        (Resource::RLIMIT_AS, "address space", limits.memory_bytes),
        (Resource::RLIMIT_NOFILE, "open descriptors", limits.descriptors),
        (Resource::RLIMIT_FSIZE, "file size", limits.file_bytes),
        (Resource::RLIMIT_MEMLOCK, "locked memory", 0),
        // A core file would hold the secrets of the bundle.
        (Resource::RLIMIT_CORE, "core file", 0),
        // Message queues outlive the process.
        (Resource::RLIMIT_MSGQUEUE, "message queues", 0),
        // Nobody may run before the runner.
        (Resource::RLIMIT_RTPRIO, "real-time priority", 0),
        (Resource::RLIMIT_NICE, "nice", 0),
    ]
}

fn lower(resource: Resource, value: u64) -> nix::Result<()> {
    let (_, hard) = getrlimit(resource)?;
    let value = value.min(hard);
    setrlimit(resource, value, value)
}

fn failed<E: Into<io::Error>>(step: &'static str) -> impl FnOnce(E) -> ConfineError {
    move |reason| ConfineError::System { layer: "limits", step, reason: reason.into() }
}
