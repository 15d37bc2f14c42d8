//! The command line.

use pkcs11_client::Result;

const USAGE: &str = "\
usage: sign-file --token LABEL --key LABEL IN OUT
Writes the signature of IN to OUT (ECDSA with SHA-256, DER) and the public key to OUT.pem.";

/// What was asked for.
pub struct Arguments {
    /// The label of the token.
    pub token: String,
    /// The label of both halves of the key.
    pub key: String,
    /// The file to sign.
    pub input: String,
    /// The file for the signature.
    pub output: String,
}

impl Arguments {
    /// Options and files in any order; an error is the usage.
    pub fn parse(words: &[String]) -> Result<Self> {
        let (mut token, mut key, mut files) = (None, None, Vec::new());
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--token" => token = words.next().cloned(),
                "--key" => key = words.next().cloned(),
                option if option.starts_with('-') => {
                    return Err(format!("unknown option `{option}`\n{USAGE}").into());
                }
                _ => files.push(word.clone()),
            }
        }
        match (token, key, <[String; 2]>::try_from(files)) {
            (Some(token), Some(key), Ok([input, output])) => Ok(Self { token, key, input, output }),
            _ => Err(USAGE.into()),
        }
    }
}
