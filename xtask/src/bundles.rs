//! `cargo xtask bundles`: the bundles of this repository, packed as a user would pack them.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{build, process, workspace};

/// Folders under `bundles/`; the package of each is `NAME-host`, the result `NAME_host`.
const BUNDLES: [&str; 2] = ["echo", "pkcs11"];

/// Builds every bundle's library and packs it with `wrun bundle pack` into `target/bundles`.
pub(crate) fn run() -> Result<()> {
    build::everything()?;
    let packed = workspace::packed_bundles();
    fs::create_dir_all(&packed).with_context(|| format!("cannot create {}", packed.display()))?;
    for name in BUNDLES {
        pack(name).with_context(|| format!("cannot pack bundles/{name}"))?;
    }
    Ok(())
}

fn pack(name: &str) -> Result<()> {
    let library = format!("{DLL_PREFIX}{name}_host{DLL_SUFFIX}");
    let out = workspace::packed_bundles().join(format!("{name}_host"));
    process::run(
        Command::new(workspace::binaries().join("wrun"))
            .args(["bundle", "pack", "--library"])
            .arg(workspace::binaries().join(library))
            .arg("--source")
            .arg(workspace::root().join("bundles").join(name))
            .arg("--out")
            .arg(out),
    )
}
