//! T3 and T5: the process has no privileges and can gain none, and no process of the same user may
//! look into it.

use super::ConfineError;
use crate::native::sys::jail;
use nix::sys::prctl::{set_dumpable, set_no_new_privs};

const LAYER: &str = "privileges";

/// Drops all capabilities. In a namespace of its own the process has all of them to begin with;
/// outside it usually has none, and nothing to drop them with.
pub(super) fn drop_capabilities(in_namespace: bool) -> Result<(), ConfineError> {
    jail::drop_capabilities(in_namespace).map_err(ConfineError::at(LAYER, "dropping capabilities"))
}

/// Executing a program gives nothing any more, and memory that was writable never becomes
/// executable. Returns whether the kernel knows the latter.
pub(super) fn gain_nothing() -> Result<bool, ConfineError> {
    set_no_new_privs().map_err(ConfineError::at(LAYER, "no_new_privs"))?;
    Ok(jail::refuse_exec_gain().is_ok())
}

/// Forbids other processes of the user to attach; also keeps secrets out of core dumps.
pub(super) fn hide() -> Result<(), ConfineError> {
    set_dumpable(false).map_err(ConfineError::at(LAYER, "making the process undumpable"))
}
