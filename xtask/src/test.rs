//! `cargo xtask test`: everything that must hold before a change is accepted.

use std::ffi::OsString;

use anyhow::Result;

use crate::stage::Stages;
use crate::{build, bundles, fuzz, guests, process, setup, workspace};

/// Runs all stages, cheapest first, up to the first that fails; prints how long each took.
///
/// `nextest` is appended to `cargo nextest run --workspace`.
pub(crate) fn run(nextest: &[OsString]) -> Result<()> {
    let mut stages = Stages::default();
    let result = run_stages(&mut stages, nextest);
    stages.report();
    result
}

fn run_stages(stages: &mut Stages, nextest: &[OsString]) -> Result<()> {
    stages.run("setup", setup::run)?;
    stages.run("format", format)?;
    stages.run("lints", lints)?;
    stages.run("build", build::everything)?;
    stages.run("guests", guests::run)?;
    stages.run("bundles", bundles::run)?;
    stages.run("tests", || {
        process::run(workspace::cargo().args(["nextest", "run", "--workspace"]).args(nextest))
    })?;
    stages.run("doc tests", || cargo(&["test", "--workspace", "--doc"]))?;
    stages.run("fuzz", fuzz::smoke)
}

fn format() -> Result<()> {
    cargo(&["fmt", "--all", "--check"])?;
    fuzz::format()?;
    guests::format()
}

fn lints() -> Result<()> {
    cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    guests::lints()
}

fn cargo(arguments: &[&str]) -> Result<()> {
    process::run(workspace::cargo().args(arguments))
}
