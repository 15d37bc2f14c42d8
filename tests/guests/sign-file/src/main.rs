//! Signs a file with an EC key that never leaves its PKCS#11 token.
//!
//! The PIN comes from the configuration of the bundle: this program never sees it.

use std::fs::{self, File};
use std::io::Read;
use std::process::ExitCode;

use pkcs11_client::numbers::{
    CKA_CLASS, CKA_KEY_TYPE, CKA_LABEL, CKK_EC, CKM_ECDSA, CKM_SHA256, CKO_PRIVATE_KEY,
    CKO_PUBLIC_KEY,
};
use pkcs11_client::public_key::{ecdsa_signature, subject_public_key_info};
use pkcs11_client::sessions::{Object, PinSource, Session, SessionMode, UserType};
use pkcs11_client::template::{bytes, mechanism, number};
use pkcs11_client::{Failure, Result, find_token};

mod arguments;
mod pem;

use arguments::Arguments;

/// How much of the file is in memory at once.
const PART_BYTES: usize = 64 << 10;

fn main() -> ExitCode {
    pkcs11_client::start();
    let words: Vec<String> = std::env::args().skip(1).collect();
    match Arguments::parse(&words).and_then(|arguments| sign(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("sign-file: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn sign(arguments: &Arguments) -> Result<()> {
    let Arguments { token, key, input, output } = arguments;
    let session = Session::open(find_token(token)?, SessionMode::ReadOnly)?;
    session.login(UserType::User, &PinSource::Configured)?;
    let private_key = find_key(&session, key, CKO_PRIVATE_KEY)?;
    let public_key = find_key(&session, key, CKO_PUBLIC_KEY)?;

    let digest = digest(&session, input)?;
    let signature = session.sign(&mechanism(CKM_ECDSA), &private_key, &digest)?;
    let key_file = format!("{output}.pem");
    write(output, &ecdsa_signature(&signature))?;
    write(&key_file, pem::public_key(&subject_public_key_info(&public_key)?).as_bytes())?;
    session.logout()?;

    println!("signed {input} with the key {key} of the token {token}; to verify:");
    println!("openssl dgst -sha256 -verify {key_file} -signature {output} {input}");
    Ok(())
}

/// The one EC key with this label and class.
fn find_key(session: &Session, label: &str, class: u64) -> Result<Object> {
    let template =
        [number(CKA_CLASS, class), number(CKA_KEY_TYPE, CKK_EC), bytes(CKA_LABEL, label)];
    let mut keys = session.find_objects(&template, Some(2))?;
    let half = if class == CKO_PRIVATE_KEY { "private" } else { "public" };
    match (keys.pop(), keys.is_empty()) {
        (Some(key), true) => Ok(key),
        (Some(_), false) => Err(format!("several EC {half} keys have the label `{label}`").into()),
        (None, _) => Err(format!("no EC {half} key has the label `{label}`").into()),
    }
}

/// The SHA-256 of the file, computed by the token part by part.
fn digest(session: &Session, path: &str) -> Result<Vec<u8>> {
    let cannot_read = |error| Failure::Other(format!("cannot read {path}: {error}"));
    let mut file = File::open(path).map_err(cannot_read)?;
    let mut part = vec![0; PART_BYTES];
    session.digest_init(&mechanism(CKM_SHA256))?;
    loop {
        let length = file.read(&mut part).map_err(cannot_read)?;
        if length == 0 {
            return Ok(session.digest_final()?);
        }
        session.digest_update(&part[..length])?;
    }
}

fn write(path: &str, contents: &[u8]) -> Result<()> {
    fs::write(path, contents).map_err(|error| format!("cannot write {path}: {error}").into())
}
