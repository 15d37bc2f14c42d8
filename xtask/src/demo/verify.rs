//! OpenSSL's opinion, which needs neither wrun nor the token.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::proved;
use crate::process;

/// A signature file, the file of its public key, and OpenSSL's options for the scheme.
struct Signed {
    scheme: &'static str,
    signature: &'static str,
    key: &'static str,
    options: &'static [&'static str],
}

/// What the guest signs `message.txt` with.
const SIGNED: [Signed; 3] = [
    Signed { scheme: "ECDSA, P-256", signature: "ec.sig", key: "ec.pub.der", options: &[] },
    Signed { scheme: "RSA PKCS#1 v1.5", signature: "rsa.sig", key: "rsa.pub.der", options: &[] },
    Signed {
        scheme: "RSA-PSS",
        signature: "pss.sig",
        key: "rsa.pub.der",
        options: &["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"],
    },
];

const MESSAGE: &str = "message.txt";
const FORGED: &str = "forged.txt";

/// Verifies every signature in `folder`, and that none of them fits another message.
pub(super) fn all(folder: &Path) -> Result<()> {
    forge(folder)?;
    for signed in &SIGNED {
        let said = process::output(&mut dgst(folder, signed, MESSAGE))?;
        proved(signed.signature, &format!("{}: {}", signed.scheme, said.trim()));
        if process::probe(&mut dgst(folder, signed, FORGED)).is_some() {
            bail!("OpenSSL accepts {} for another message too", signed.signature);
        }
    }
    proved("forgery", "for a message with one changed bit OpenSSL refuses all of them");
    Ok(())
}

fn dgst(folder: &Path, signed: &Signed, message: &str) -> Command {
    let mut openssl = Command::new("openssl");
    openssl.current_dir(folder).args(["dgst", "-sha256", "-keyform", "DER"]);
    openssl.args(["-verify", signed.key, "-signature", signed.signature]);
    openssl.args(signed.options).arg(message);
    openssl
}

fn forge(folder: &Path) -> Result<()> {
    let path = folder.join(MESSAGE);
    let mut bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    *bytes.first_mut().context("the guest signed an empty message")? ^= 1;
    let path = folder.join(FORGED);
    fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
