//! Encryption with the RSA pair and with the AES key.

use pkcs11_client::Result;
use pkcs11_client::numbers::*;
use pkcs11_client::sessions::{Object, Session};
use pkcs11_client::types::{GcmParameters, Mechanism, MechanismParameters, RsaOaepParameters};

use crate::objects::Keys;
use crate::output::Output;

const SECRET: &[u8] = b"more than one block, and less than two of them";

pub fn run(session: &Session, keys: &Keys, output: &Output) -> Result<()> {
    let oaep = Mechanism {
        type_: CKM_RSA_PKCS_OAEP,
        parameters: MechanismParameters::RsaOaep(RsaOaepParameters {
            hash: CKM_SHA_1,
            mgf: CKG_MGF1_SHA1,
            label: Vec::new(),
        }),
    };
    round_trip(session, &oaep, &keys.rsa.public_key, &keys.rsa.private_key)?;
    output.proved("RSA-OAEP", "what the public key encrypts the private key decrypts");

    let cbc = Mechanism {
        type_: CKM_AES_CBC_PAD,
        parameters: MechanismParameters::Raw(session.generate_random(16)?),
    };
    round_trip(session, &cbc, &keys.aes, &keys.aes)?;
    in_parts(session, &cbc, &keys.aes)?;
    output.proved("AES-CBC", "encrypted and decrypted, whole and part by part");

    let gcm = Mechanism {
        type_: CKM_AES_GCM,
        parameters: MechanismParameters::Gcm(GcmParameters {
            iv: session.generate_random(12)?,
            aad: b"header".to_vec(),
            tag_bits: 128,
        }),
    };
    let hidden = round_trip(session, &gcm, &keys.aes, &keys.aes)?;
    let refusal = refusal_of_changed(session, &gcm, &keys.aes, hidden)?;
    output.proved("AES-GCM", &format!("the same; a changed ciphertext is refused with {refusal}"));
    Ok(())
}

/// Encrypts and decrypts; returns the ciphertext.
fn round_trip(session: &Session, how: &Mechanism, to: &Object, from: &Object) -> Result<Vec<u8>> {
    let hidden = session.encrypt(how, to, SECRET)?;
    if hidden.starts_with(SECRET) {
        return Err("the ciphertext is the plaintext".into());
    }
    if session.decrypt(how, from, &hidden)? != SECRET {
        return Err("the decrypted text differs from the encrypted".into());
    }
    Ok(hidden)
}

fn in_parts(session: &Session, how: &Mechanism, key: &Object) -> Result<()> {
    session.encrypt_init(how, key)?;
    let mut hidden = Vec::new();
    for part in SECRET.chunks(11) {
        hidden.extend(session.encrypt_update(part)?);
    }
    hidden.extend(session.encrypt_final()?);

    session.decrypt_init(how, key)?;
    let mut shown = Vec::new();
    for part in hidden.chunks(13) {
        shown.extend(session.decrypt_update(part)?);
    }
    shown.extend(session.decrypt_final()?);
    if shown != SECRET {
        return Err("the text decrypted part by part differs from the encrypted".into());
    }
    Ok(())
}

/// The name of the error with which the token refuses a ciphertext of which one bit was changed.
fn refusal_of_changed(
    session: &Session,
    how: &Mechanism,
    key: &Object,
    mut hidden: Vec<u8>,
) -> Result<String> {
    if let Some(first) = hidden.first_mut() {
        *first ^= 1;
    }
    match session.decrypt(how, key, &hidden) {
        Err(error) => Ok(error.name),
        Ok(_) => Err("the token decrypted a changed ciphertext".into()),
    }
}
