//! A SoftHSM token that exists for one demo.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::proved;
use crate::process;

/// Where distributions put the module.
const MODULES: [&str; 4] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm.so",
];

/// The token's name.
pub(super) const LABEL: &str = "wrun-demo";

/// The token's PIN: it protects nothing, and the guest still does not learn it.
const PIN: &str = "271828";

/// A token, and where the demo's files are.
#[derive(Debug)]
pub(super) struct Token {
    /// The PKCS#11 module, an absolute path.
    pub(super) module: PathBuf,
    /// SoftHSM's configuration, which names the folder of the tokens.
    pub(super) conf: PathBuf,
    /// The folder of the tokens.
    pub(super) tokens: PathBuf,
    /// The file with the PIN.
    pub(super) pin: PathBuf,
    /// Empty, for what the guest writes.
    pub(super) output: PathBuf,
}

/// Makes a token below `folder`.
pub(super) fn make(folder: &Path) -> Result<Token> {
    let module = MODULES.iter().map(PathBuf::from).find(|path| path.exists());
    let token = Token {
        module: module.with_context(|| {
            format!("SoftHSM's module is in none of its usual places: {}", MODULES.join(", "))
        })?,
        conf: folder.join("softhsm2.conf"),
        tokens: folder.join("tokens"),
        pin: folder.join("pin"),
        output: folder.join("output"),
    };
    for made in [&token.tokens, &token.output] {
        fs::create_dir(made).with_context(|| format!("cannot create {}", made.display()))?;
    }
    write(&token.conf, &format!("directories.tokendir = {}\n", token.tokens.display()))?;
    write(&token.pin, &format!("{PIN}\n"))?;
    process::output(
        Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", LABEL])
            .args(["--so-pin", "314159", "--pin", PIN])
            .env("SOFTHSM2_CONF", &token.conf),
    )?;
    proved("token", &format!("`{LABEL}`, empty, in {}", folder.display()));
    Ok(token)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
