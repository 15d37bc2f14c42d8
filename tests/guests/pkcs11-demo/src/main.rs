//! Shows on a PKCS#11 token what a guest can do with it, and what each step proves.
//!
//! Signatures and public keys go into a folder, so that another program can verify them.

mod access;
mod encryption;
mod hashing;
mod objects;
mod output;
mod signatures;

use std::process::ExitCode;

use pkcs11_client::sessions::{Session, SessionMode};
use pkcs11_client::{Result, find_token};

use objects::Keys;
use output::Output;

const USAGE: &str = "\
usage: pkcs11-demo TOKEN FOLDER
Makes keys in the token with this label, uses them, and destroys them. Writes into FOLDER:
  message.txt   what is signed
  ec.sig        ECDSA with SHA-256, DER          ec.pub.der   its public key
  rsa.sig       RSASSA-PKCS1-v1_5 with SHA-256   rsa.pub.der  its public key
  pss.sig       RSASSA-PSS with SHA-256, 32 bytes of salt, by the same key
The PIN comes from the configuration of the bundle.";

fn main() -> ExitCode {
    pkcs11_client::start();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [token, folder] = words.as_slice() else {
        eprintln!("{USAGE}");
        return ExitCode::FAILURE;
    };
    match run(token, &Output::new(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("pkcs11-demo: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(token: &str, output: &Output) -> Result<()> {
    access::describe_module(output)?;
    let session = Session::open(find_token(token)?, SessionMode::ReadWrite)?;
    access::try_wrong_pin(&session, output)?;
    access::login(&session, output)?;
    hashing::run(&session, output)?;

    let keys = Keys::generate(&session, output)?;
    // The token keeps its keys: they have to go whatever happens.
    let used = use_keys(&session, &keys, output);
    let destroyed = keys.destroy(&session, output);
    used.and(destroyed)?;
    session.logout()?;
    output.proved("logout", "the session ended in order");
    Ok(())
}

fn use_keys(session: &Session, keys: &Keys, output: &Output) -> Result<()> {
    objects::list(session, keys, output)?;
    objects::show_secrets_stay(keys, output)?;
    signatures::run(session, keys, output)?;
    encryption::run(session, keys, output)
}
