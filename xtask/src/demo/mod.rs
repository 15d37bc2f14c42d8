//! `cargo xtask demo`: the main job of wrun, from an empty token to signatures that OpenSSL accepts.
//!
//! In order: [`token`] makes a throw-away token, [`job`] runs the guest on it and looks at the
//! processes meanwhile, [`verify`] asks OpenSSL. Everything lies in one temporary directory.

mod job;
mod token;
mod verify;

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::stage::Stages;
use crate::{bundles, guests, setup};

/// Builds what is needed and shows the main job, step by step.
pub(crate) fn run() -> Result<()> {
    let mut stages = Stages::default();
    stages.run("packages", setup::packages)?;
    stages.run("guests", guests::run)?;
    stages.run("wrun and its bundles", bundles::run)?;

    let folder = tempfile::Builder::new()
        .prefix("wrun-demo-")
        .tempdir()
        .context("cannot make a temporary directory")?;
    show(&mut stages, folder.path())?;
    stages.run("clean up", || {
        let path = folder.path().to_owned();
        folder.close().with_context(|| format!("cannot remove {}", path.display()))?;
        proved("removed", &format!("{}, with the token in it", path.display()));
        Ok(())
    })?;
    stages.report();
    Ok(())
}

fn show(stages: &mut Stages, folder: &Path) -> Result<()> {
    let token = stages.run("a throw-away SoftHSM token", || token::make(folder))?;
    let ran = stages.run("the main job: a component uses the token", || job::run(&token))?;
    stages.run("OpenSSL verifies what the component signed", || verify::all(&token.output))?;
    stages.run("where the library was", || where_it_was(&ran))
}

/// The library must have been in the adapter process, only there, and be gone with it.
fn where_it_was(ran: &job::Ran) -> Result<()> {
    if !ran.in_adapter || ran.in_runner {
        bail!(
            "the PKCS#11 module was expected in the adapter process {} only; found there: {}, \
             found in wrun, process {}: {}",
            ran.adapter,
            ran.in_adapter,
            ran.runner,
            ran.in_runner
        );
    }
    proved(
        "isolated",
        &format!(
            "while the guest ran, the module was mapped in process {} (adapter-shim), not in \
             process {} (wrun)",
            ran.adapter, ran.runner
        ),
    );
    if Path::new("/proc").join(ran.adapter.to_string()).exists() {
        bail!("the adapter process {} is still there after wrun has ended", ran.adapter);
    }
    proved("ended", &format!("process {} ended with wrun", ran.adapter));
    Ok(())
}

/// One line in the form of the guest's own: a step that worked, and what that means.
fn proved(step: &str, meaning: &str) {
    println!("ok {step:<12} {meaning}");
}
