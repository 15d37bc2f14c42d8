//! Signatures that the token verifies, and others can.

use pkcs11_client::Result;
use pkcs11_client::numbers::*;
use pkcs11_client::public_key::{ecdsa_signature, subject_public_key_info};
use pkcs11_client::sessions::{KeyPair, Session};
use pkcs11_client::template::mechanism;
use pkcs11_client::types::{Mechanism, MechanismParameters, RsaPssParameters};

use crate::objects::Keys;
use crate::output::Output;

const MESSAGE: &[u8] = b"Signed by a key that never left its token.\n";

pub fn run(session: &Session, keys: &Keys, output: &Output) -> Result<()> {
    output.write("message.txt", MESSAGE)?;
    output.write("ec.pub.der", &subject_public_key_info(&keys.ec.public_key)?)?;
    output.write("rsa.pub.der", &subject_public_key_info(&keys.rsa.public_key)?)?;

    let digest = session.digest(&mechanism(CKM_SHA256), MESSAGE)?;
    let raw = sign(session, &mechanism(CKM_ECDSA), &keys.ec, &digest)?;
    output.write("ec.sig", &ecdsa_signature(&raw))?;
    output.proved("ECDSA", "signed and verified; a changed signature is refused; see ec.sig");

    let signature = sign(session, &mechanism(CKM_SHA256_RSA_PKCS), &keys.rsa, MESSAGE)?;
    output.write("rsa.sig", &signature)?;
    output.proved("RSA", "the same with PKCS#1 v1.5; see rsa.sig");
    sign_in_parts(session, &keys.rsa, &signature, output)?;

    let parameters = RsaPssParameters { hash: CKM_SHA256, mgf: CKG_MGF1_SHA256, salt_length: 32 };
    let pss = Mechanism {
        type_: CKM_SHA256_RSA_PKCS_PSS,
        parameters: MechanismParameters::RsaPss(parameters),
    };
    output.write("pss.sig", &sign(session, &pss, &keys.rsa, MESSAGE)?)?;
    output.proved("RSA-PSS", "a mechanism with parameters; see pss.sig");
    Ok(())
}

/// Signs, verifies, and verifies that a changed signature is refused.
fn sign(session: &Session, how: &Mechanism, keys: &KeyPair, data: &[u8]) -> Result<Vec<u8>> {
    let signature = session.sign(how, &keys.private_key, data)?;
    session.verify(how, &keys.public_key, data, &signature)?;

    let mut changed = signature.clone();
    if let Some(last) = changed.last_mut() {
        *last ^= 1;
    }
    match session.verify(how, &keys.public_key, data, &changed) {
        Err(error) if error.code == CKR_SIGNATURE_INVALID => Ok(signature),
        Err(error) => Err(error.into()),
        Ok(()) => Err("the token accepted a changed signature".into()),
    }
}

fn sign_in_parts(session: &Session, keys: &KeyPair, whole: &[u8], output: &Output) -> Result<()> {
    let how = mechanism(CKM_SHA256_RSA_PKCS);
    session.sign_init(&how, &keys.private_key)?;
    for part in MESSAGE.chunks(7) {
        session.sign_update(part)?;
    }
    let signature = session.sign_final()?;
    session.verify_init(&how, &keys.public_key)?;
    for part in MESSAGE.chunks(5) {
        session.verify_update(part)?;
    }
    session.verify_final(&signature)?;
    // This scheme has no random part.
    if signature != whole {
        return Err("the signature of the parts differs from the signature of the whole".into());
    }
    output.proved("RSA parts", "the same signature part by part");
    Ok(())
}
