//! How everything is built: in one selection, once.

use anyhow::Result;

use crate::{process, workspace};

/// Builds the whole workspace.
///
/// Always this selection: cargo unifies the features of what is selected, and with another one it
/// would build wasmtime a second time.
pub(crate) fn everything() -> Result<()> {
    process::run(workspace::cargo().args(["build", "--workspace"]))
}
