//! Layer 3: no privilege can be gained, and no process of the same user may look into this one.

use super::ConfineError;
use nix::sys::prctl::{set_dumpable, set_no_new_privs};

/// Gives up what executing a set-user-id program would give, and forbids other processes of the
/// user to attach. The latter also keeps secrets out of core dumps.
///
/// # Errors
/// [`ConfineError::System`] if the kernel refuses.
pub fn give_up() -> Result<(), ConfineError> {
    let failed = |step| {
        move |errno: nix::Error| ConfineError::System {
            layer: "privileges",
            step,
            reason: errno.into(),
        }
    };
    set_no_new_privs().map_err(failed("no_new_privs"))?;
    // `execve` resets it, so it cannot be set by the runner.
    set_dumpable(false).map_err(failed("making the process undumpable"))
}
