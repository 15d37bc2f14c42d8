//! Digests and random numbers.

use pkcs11_client::Result;
use pkcs11_client::numbers::CKM_SHA256;
use pkcs11_client::sessions::Session;
use pkcs11_client::template::mechanism;

use crate::output::Output;

/// The SHA-256 of `abc` (FIPS 180-4).
const ABC_SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

pub fn run(session: &Session, output: &Output) -> Result<()> {
    let sha256 = mechanism(CKM_SHA256);
    let whole = session.digest(&sha256, b"abc")?;
    let text: String = whole.iter().map(|byte| format!("{byte:02x}")).collect();
    if text != ABC_SHA256 {
        return Err(format!("SHA-256 of `abc` is {ABC_SHA256}, the token says {text}").into());
    }
    output.proved("digest", "SHA-256 of `abc` is the one in the standard");

    session.digest_init(&sha256)?;
    for part in [b"a".as_slice(), b"", b"bc"] {
        session.digest_update(part)?;
    }
    if session.digest_final()? != whole {
        return Err("the digest of the parts differs from the digest of the whole".into());
    }
    output.proved("parts", "the same digest part by part: the session keeps its state");

    let (one, two) = (session.generate_random(32)?, session.generate_random(32)?);
    if one == two || one.len() != 32 {
        return Err("the token's random numbers are not random".into());
    }
    output.proved("random", "32 bytes from the token's generator");
    Ok(())
}
