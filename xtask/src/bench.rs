//! `cargo xtask bench`: builds everything and runs the program `bench` of the crate `tests`.

use std::process::Command;

use anyhow::Result;

use crate::{bundles, guests, process, setup, workspace};

/// Prints the tables; nothing is measured while something is built.
pub(crate) fn run() -> Result<()> {
    setup::packages()?;
    guests::run()?;
    bundles::run()?;
    process::run(Command::new(workspace::binaries().join("bench")).current_dir(workspace::root()))
}
