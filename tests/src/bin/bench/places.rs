//! Where the things are that `cargo xtask bench` has built: all around this program.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

/// A program of the workspace, beside this one.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    built(programs()?.join(name))
}

/// A guest, as a component.
pub(crate) fn guest(name: &str) -> Result<PathBuf> {
    built(programs()?.join("../guests/wasm").join(name).with_extension("wasm"))
}

/// A packed bundle.
pub(crate) fn bundle(name: &str) -> Result<PathBuf> {
    built(programs()?.join("../bundles").join(format!("{name}_host")))
}

fn programs() -> Result<PathBuf> {
    let own = std::env::current_exe().context("this program does not know its path")?;
    Ok(own.parent().context("this program lies in no folder")?.to_owned())
}

fn built(path: PathBuf) -> Result<PathBuf> {
    if !path.exists() {
        bail!("{} is missing; `cargo xtask bench` builds it", path.display());
    }
    Ok(path)
}
