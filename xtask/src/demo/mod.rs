//! `cargo xtask demo`: wrun's main job, from an empty token to signatures that OpenSSL accepts.
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

/// The library must have been in the adapter process, confined, not in wrun, and be gone with it.
fn where_it_was(ran: &job::Ran) -> Result<()> {
    let (adapter, status) = (ran.adapter, &ran.adapter_status);
    if ran.module_in_runner {
        bail!("the PKCS#11 module was mapped into wrun itself, process {}", ran.runner);
    }
    proved(
        "not in wrun",
        &format!("while the guest ran, the module was not mapped in process {}", ran.runner),
    );
    if status.name != "adapter-shim" || ran.grandparent != ran.runner {
        bail!("process {adapter} was expected to be an adapter-shim started by wrun: {status:?}");
    }
    proved(
        "isolated",
        &format!(
            "it ran in process {adapter}, {}, in a jail that {} built",
            status.name, status.parent
        ),
    );
    if !status.no_new_privileges || !status.has_filter {
        bail!("process {adapter} was not confined: {status:?}");
    }
    proved("confined", "the kernel says: no new privileges, system calls filtered");
    if Path::new("/proc").join(adapter.to_string()).exists() {
        bail!("the adapter process {adapter} is still there after wrun has ended");
    }
    proved("ended", &format!("process {adapter} ended with wrun"));
    Ok(())
}

/// One line in the form of the guest's own: a step that worked, and what that means.
fn proved(step: &str, meaning: &str) {
    println!("ok {step:<12} {meaning}");
}
