//! Mechanisms and their parameters, as the fields of the C structure.

use crate::ck::sys::{
    CK_FALSE, CK_TRUE, CKF_HKDF_SALT_DATA, CKF_HKDF_SALT_KEY, CKF_HKDF_SALT_NULL,
    CKR_MECHANISM_PARAM_INVALID, CKZ_DATA_SPECIFIED, CKZ_SALT_SPECIFIED,
};
use crate::ck::{Error, Field, Mechanism, Parameter, Result, widen};
use crate::exports::pkcs11::host::types::{
    self, HkdfParameters, HkdfSalt, MechanismParameters as Parameters, Pbkdf2Parameters,
    RsaOaepParameters, StructureField,
};

use super::parameters::{case, demanded};

/// A mechanism for the module.
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID` if the parameter is given in a form that the mechanism does not
/// have, or holds a number that does not fit.
pub(crate) fn mechanism(function: &'static str, given: types::Mechanism) -> Result<Mechanism> {
    let kind = given.type_;
    if let Some(demanded) = demanded(kind)
        && !matches!(given.parameters, Parameters::None)
        && case(&given.parameters) != demanded
    {
        let why = format!(
            "mechanism {kind:#x} takes its parameters as `{demanded}`, not as `{}`",
            case(&given.parameters)
        );
        return Err(Error::bundle(function, CKR_MECHANISM_PARAM_INVALID, why));
    }
    Mechanism::new(function, kind, parameter(function, given.parameters)?)
}

fn parameter(function: &'static str, given: Parameters) -> Result<Parameter> {
    let fields = match given {
        Parameters::None => return Ok(Parameter::none()),
        Parameters::Raw(bytes) => return Ok(Parameter::raw(&bytes)),
        Parameters::Ulong(number) => vec![Field::Ulong(number)],
        Parameters::RsaPss(pss) => {
            vec![Field::Ulong(pss.hash), Field::Ulong(pss.mgf), Field::Ulong(pss.salt_length)]
        }
        Parameters::RsaOaep(oaep) => rsa_oaep(oaep),
        Parameters::RsaAesKeyWrap(wrap) => {
            vec![Field::Ulong(wrap.aes_key_bits), Field::Structure(rsa_oaep(wrap.oaep))]
        }
        Parameters::Gcm(gcm) => {
            let iv_bits = length(&gcm.iv).saturating_mul(8);
            let [iv, iv_length] = pointer_first(gcm.iv);
            let [aad, aad_length] = pointer_first(gcm.aad);
            vec![iv, iv_length, Field::Ulong(iv_bits), aad, aad_length, Field::Ulong(gcm.tag_bits)]
        }
        Parameters::Ccm(ccm) => {
            let [nonce, nonce_length] = pointer_first(ccm.nonce);
            let [aad, aad_length] = pointer_first(ccm.aad);
            let data_length = Field::Ulong(ccm.data_length);
            vec![data_length, nonce, nonce_length, aad, aad_length, Field::Ulong(ccm.mac_length)]
        }
        Parameters::Ctr(ctr) => {
            vec![Field::Ulong(ctr.counter_bits), block(function, ctr.counter_block, &[16])?]
        }
        Parameters::Chacha20Poly1305(aead) => {
            pointer_first(aead.nonce).into_iter().chain(pointer_first(aead.aad)).collect()
        }
        Parameters::Eddsa(eddsa) => {
            let [length, context] = length_first(eddsa.context);
            vec![boolean(eddsa.prehash), length, context]
        }
        Parameters::SignAdditionalContext(signing) => {
            let [context, length] = pointer_first(signing.context);
            vec![Field::Ulong(signing.hedge_variant), context, length]
        }
        Parameters::Ecdh1Derive(ecdh) => {
            let [shared_length, shared] = length_first(ecdh.shared_data);
            let [public_length, public] = length_first(ecdh.public_data);
            vec![Field::Ulong(ecdh.kdf), shared_length, shared, public_length, public]
        }
        Parameters::KeyDerivationString(data) => pointer_first(data).into(),
        Parameters::CbcEncryptData(cbc) => {
            let [data, length] = pointer_first(cbc.data);
            vec![block(function, cbc.iv, &[8, 16])?, data, length]
        }
        Parameters::Hkdf(hkdf) => hkdf_fields(hkdf),
        Parameters::Pbkdf2(pbkdf2) => pbkdf2_fields(pbkdf2),
        Parameters::Structure(fields) => fields.into_iter().map(structure_field).collect(),
    };
    Parameter::structure(function, fields)
}

fn rsa_oaep(oaep: RsaOaepParameters) -> Vec<Field> {
    let [label, label_length] = pointer_first(oaep.label);
    vec![
        Field::Ulong(oaep.hash),
        Field::Ulong(oaep.mgf),
        Field::Ulong(widen(CKZ_DATA_SPECIFIED)),
        label,
        label_length,
    ]
}

fn hkdf_fields(hkdf: HkdfParameters) -> Vec<Field> {
    let (salt_type, salt, key) = match hkdf.salt {
        HkdfSalt::None => (CKF_HKDF_SALT_NULL, Vec::new(), 0),
        HkdfSalt::Data(salt) => (CKF_HKDF_SALT_DATA, salt, 0),
        HkdfSalt::Key(key) => (CKF_HKDF_SALT_KEY, Vec::new(), key),
    };
    let [salt, salt_length] = pointer_first(salt);
    let [info, info_length] = pointer_first(hkdf.info);
    vec![
        boolean(hkdf.extract),
        boolean(hkdf.expand),
        Field::Ulong(hkdf.hash),
        Field::Ulong(widen(salt_type)),
        salt,
        salt_length,
        Field::Ulong(key),
        info,
        info_length,
    ]
}

fn pbkdf2_fields(pbkdf2: Pbkdf2Parameters) -> Vec<Field> {
    let [salt, salt_length] = pointer_first(pbkdf2.salt);
    let [password, password_length] = pointer_first(pbkdf2.password);
    let [prf_data, prf_data_length] = pointer_first(Vec::new());
    vec![
        Field::Ulong(widen(CKZ_SALT_SPECIFIED)),
        salt,
        salt_length,
        Field::Ulong(pbkdf2.iterations),
        Field::Ulong(pbkdf2.prf),
        prf_data,
        prf_data_length,
        password,
        password_length,
    ]
}

fn structure_field(field: StructureField) -> Field {
    match field {
        StructureField::Ulong(number) => Field::Ulong(number),
        StructureField::Byte(byte) => Field::Byte(byte),
        StructureField::Bytes(bytes) => Field::Bytes(bytes),
        StructureField::Pointer(bytes) => Field::Pointer(bytes),
    }
}

/// A pointer, then its length: the order of most structures.
fn pointer_first(bytes: Vec<u8>) -> [Field; 2] {
    let [length, pointer] = length_first(bytes);
    [pointer, length]
}

/// A length, then its pointer.
fn length_first(bytes: Vec<u8>) -> [Field; 2] {
    [Field::Ulong(length(&bytes)), Field::Pointer(bytes)]
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn boolean(value: bool) -> Field {
    Field::Byte(if value { CK_TRUE } else { CK_FALSE })
}

/// An array inside the structure: a wrong length would move the fields behind it.
fn block(function: &'static str, bytes: Vec<u8>, lengths: &[usize]) -> Result<Field> {
    if lengths.contains(&bytes.len()) {
        return Ok(Field::Bytes(bytes));
    }
    let why =
        format!("a block of the parameters has {} bytes; {lengths:?} is what fits", bytes.len());
    Err(Error::bundle(function, CKR_MECHANISM_PARAM_INVALID, why))
}

#[cfg(test)]
mod tests;
