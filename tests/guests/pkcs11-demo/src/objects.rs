//! Keys in the token: made, found, destroyed.

use pkcs11_client::Result;
use pkcs11_client::numbers::*;
use pkcs11_client::public_key::P256;
use pkcs11_client::sessions::{KeyPair, Object, Session};
use pkcs11_client::template::{bytes, flag, mechanism, number, read_number};
use pkcs11_client::types::{Attribute, AttributeState};

use crate::output::Output;

/// The keys of one run.
pub struct Keys {
    /// Unique to this run: the token may hold keys of others.
    label: String,
    /// On P-256.
    pub ec: KeyPair,
    /// 2048 bits.
    pub rsa: KeyPair,
    /// AES, 256 bits.
    pub aes: Object,
}

impl Keys {
    /// Makes all keys, stored in the token under one label.
    pub fn generate(session: &Session, output: &Output) -> Result<Self> {
        let number: String =
            session.generate_random(4)?.iter().map(|byte| format!("{byte:02x}")).collect();
        let label = format!("wrun demo {number}");
        generate(session, &label, output).or_else(|failure| {
            // Whatever the failure left in the token.
            destroy_all(session, &label)?;
            Err(failure)
        })
    }

    /// Destroys all keys in the token.
    pub fn destroy(self, session: &Session, output: &Output) -> Result<()> {
        let destroyed = destroy_all(session, &self.label)?;
        let left = session.find_objects(&[bytes(CKA_LABEL, self.label.as_str())], None)?.len();
        if left > 0 {
            return Err(format!("{left} keys are still there after their destruction").into());
        }
        output.proved("destroy", &format!("{destroyed} keys are gone, a search finds none"));
        Ok(())
    }
}

fn generate(session: &Session, label: &str, output: &Output) -> Result<Keys> {
    let public = |more: &[Attribute]| [&common(label)[..], more].concat();
    let private = |more: &[Attribute]| [&secret(label)[..], more].concat();

    let ec = session.generate_key_pair(
        &mechanism(CKM_EC_KEY_PAIR_GEN),
        &public(&[flag(CKA_VERIFY, true), bytes(CKA_EC_PARAMS, P256)]),
        &private(&[flag(CKA_SIGN, true)]),
    )?;
    output.proved("EC keys", "the token made a pair on P-256");

    let rsa = session.generate_key_pair(
        &mechanism(CKM_RSA_PKCS_KEY_PAIR_GEN),
        &public(&[
            flag(CKA_VERIFY, true),
            flag(CKA_ENCRYPT, true),
            number(CKA_MODULUS_BITS, 2048),
            bytes(CKA_PUBLIC_EXPONENT, [1, 0, 1]),
        ]),
        &private(&[flag(CKA_SIGN, true), flag(CKA_DECRYPT, true)]),
    )?;
    output.proved("RSA keys", "the token made a pair of 2048 bits");

    let aes = session.generate_key(
        &mechanism(CKM_AES_KEY_GEN),
        &private(&[number(CKA_VALUE_LEN, 32), flag(CKA_ENCRYPT, true), flag(CKA_DECRYPT, true)]),
    )?;
    output.proved("AES key", "the token made a key of 256 bits");
    Ok(Keys { label: label.to_owned(), ec, rsa, aes })
}

fn common(label: &str) -> [Attribute; 2] {
    [flag(CKA_TOKEN, true), bytes(CKA_LABEL, label)]
}

fn secret(label: &str) -> [Attribute; 4] {
    let [token, label] = common(label);
    [token, label, flag(CKA_PRIVATE, true), flag(CKA_SENSITIVE, true)]
}

fn destroy_all(session: &Session, label: &str) -> Result<usize> {
    let objects = session.find_objects(&[bytes(CKA_LABEL, label)], None)?;
    for object in &objects {
        object.destroy()?;
    }
    Ok(objects.len())
}

/// Finds the keys of this run and prints what they are.
pub fn list(session: &Session, keys: &Keys, output: &Output) -> Result<()> {
    let objects = session.find_objects(&[bytes(CKA_LABEL, keys.label.as_str())], None)?;
    let mut kinds = objects
        .iter()
        .map(|object| read_number(object, CKA_CLASS).map(class_name))
        .collect::<Result<Vec<_>>>()?;
    kinds.sort_unstable();
    if kinds != ["private key", "private key", "public key", "public key", "secret key"] {
        return Err(format!("the search found {kinds:?}").into());
    }
    output.proved("list", &format!("`{}` finds {}", keys.label, kinds.join(", ")));
    Ok(())
}

fn class_name(class: u64) -> &'static str {
    match class {
        CKO_PUBLIC_KEY => "public key",
        CKO_PRIVATE_KEY => "private key",
        CKO_SECRET_KEY => "secret key",
        _ => "something else",
    }
}

/// Asks for the values of the keys, which the token must refuse to tell.
pub fn show_secrets_stay(keys: &Keys, output: &Output) -> Result<()> {
    for key in [&keys.ec.private_key, &keys.aes] {
        match key.get_attributes(&[CKA_VALUE])?.as_slice() {
            [AttributeState::Sensitive] => {}
            _ => return Err("the token gave away the value of a key".into()),
        }
    }
    output.proved("secrecy", "the token keeps the values of private and secret keys");
    Ok(())
}
