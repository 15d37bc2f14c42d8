//! What PKCS#11 says of public keys and signatures, as other programs expect it.

use crate::numbers::{
    CKA_EC_PARAMS, CKA_EC_POINT, CKA_KEY_TYPE, CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKK_EC, CKK_RSA,
};
use crate::sessions::Object;
use crate::template::{read_bytes, read_number};
use crate::{Result, der};

/// `id-ecPublicKey`, 1.2.840.10045.2.1, encoded.
const EC_PUBLIC_KEY: [u8; 9] = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// `rsaEncryption`, 1.2.840.113549.1.1.1, encoded.
const RSA_ENCRYPTION: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// `NULL`, encoded.
const NULL: [u8; 2] = [0x05, 0x00];
/// The curve P-256, 1.2.840.10045.3.1.7, encoded: a value for `CKA_EC_PARAMS`.
pub const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// The key as `SubjectPublicKeyInfo` (RFC 5280) in DER, which OpenSSL reads.
pub fn subject_public_key_info(key: &Object) -> Result<Vec<u8>> {
    match read_number(key, CKA_KEY_TYPE)? {
        CKK_EC => {
            let curve = read_bytes(key, CKA_EC_PARAMS)?;
            let point = read_bytes(key, CKA_EC_POINT)?;
            // Some modules leave out the octet string that the specification wants around it.
            let point = der::octet_string_content(&point).unwrap_or(&point);
            Ok(key_info(&[&EC_PUBLIC_KEY, &curve], point))
        }
        CKK_RSA => {
            let modulus = der::unsigned(&read_bytes(key, CKA_MODULUS)?);
            let exponent = der::unsigned(&read_bytes(key, CKA_PUBLIC_EXPONENT)?);
            Ok(key_info(&[&RSA_ENCRYPTION, &NULL], &der::sequence(&[&modulus, &exponent])))
        }
        other => Err(format!("cannot write a public key of type {other:#x}").into()),
    }
}

/// PKCS#11 gives an ECDSA signature as `r` and `s` of equal length; others read the DER form.
pub fn ecdsa_signature(raw: &[u8]) -> Vec<u8> {
    let (r, s) = raw.split_at(raw.len() / 2);
    der::sequence(&[&der::unsigned(r), &der::unsigned(s)])
}

fn key_info(algorithm: &[&[u8]], key: &[u8]) -> Vec<u8> {
    der::sequence(&[&der::sequence(algorithm), &der::bit_string(key)])
}
