//! Where things are: every path below the root of the repository.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// The workspace of the guests, which the main workspace excludes.
pub(crate) fn guests() -> PathBuf {
    root().join("tests/guests")
}

/// Cargo's target directory of the guests: one for all, because each pays for building `std`.
pub(crate) fn guests_target() -> PathBuf {
    root().join("target/guests")
}

/// The finished guest components, `NAME.wasm`.
pub(crate) fn components() -> PathBuf {
    guests_target().join("wasm")
}

/// The programs and libraries of the workspace's one profile.
pub(crate) fn binaries() -> PathBuf {
    root().join("target/debug")
}

/// The packed bundles, `NAME_host`.
pub(crate) fn packed_bundles() -> PathBuf {
    root().join("target/bundles")
}

/// The cargo that runs this program, started in the root.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}
