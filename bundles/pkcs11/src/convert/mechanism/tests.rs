//! Each case against the specification's structure, by its length: the layout rule itself is
//! tested in `ck`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use super::*;
use crate::ck::sys;
use crate::exports::pkcs11::host::types::{
    CbcEncryptDataParameters, CcmParameters, Chacha20Poly1305Parameters, CtrParameters,
    Ecdh1DeriveParameters, EddsaParameters, GcmParameters, RsaAesKeyWrapParameters,
    RsaPssParameters, SignAdditionalContext,
};

fn oaep() -> RsaOaepParameters {
    RsaOaepParameters { hash: 0x220, mgf: 1, label: Vec::new() }
}

/// The length of the parameter in bytes.
fn built(parameters: Parameters) -> usize {
    parameter("C_SignInit", parameters).unwrap().len()
}

#[test]
fn every_case_has_the_size_of_its_structure() {
    let ecdh = Ecdh1DeriveParameters { kdf: 1, shared_data: vec![], public_data: vec![4; 65] };
    let salt = HkdfSalt::Key(3);
    let hkdf = HkdfParameters { extract: true, expand: true, hash: 1, salt, info: vec![1] };
    let pbkdf2 = Pbkdf2Parameters { salt: vec![1], iterations: 1, prf: 4, password: vec![2] };
    let cbc = CbcEncryptDataParameters { iv: vec![0; 16], data: vec![1; 32] };
    let des = CbcEncryptDataParameters { iv: vec![0; 8], data: vec![1; 32] };
    let ccm = CcmParameters { data_length: 9, nonce: vec![1; 13], aad: vec![], mac_length: 16 };
    let gcm = GcmParameters { iv: vec![1; 12], aad: vec![2], tag_bits: 128 };
    let chacha = Chacha20Poly1305Parameters { nonce: vec![1; 12], aad: vec![] };
    let ctr = CtrParameters { counter_bits: 128, counter_block: vec![0; 16] };
    let wrap = RsaAesKeyWrapParameters { aes_key_bits: 256, oaep: oaep() };
    let pss = RsaPssParameters { hash: 0x250, mgf: 2, salt_length: 32 };
    let context = SignAdditionalContext { hedge_variant: 0, context: vec![1] };
    for (parameters, size) in [
        (Parameters::None, 0),
        (Parameters::Raw(vec![1; 13]), 13),
        (Parameters::Ulong(4), size_of::<sys::CK_ULONG>()),
        (Parameters::RsaPss(pss), size_of::<sys::CK_RSA_PKCS_PSS_PARAMS>()),
        (Parameters::RsaOaep(oaep()), size_of::<sys::CK_RSA_PKCS_OAEP_PARAMS>()),
        (Parameters::RsaAesKeyWrap(wrap), size_of::<sys::CK_RSA_AES_KEY_WRAP_PARAMS>()),
        (Parameters::Gcm(gcm), size_of::<sys::CK_GCM_PARAMS>()),
        (Parameters::Ccm(ccm), size_of::<sys::CK_CCM_PARAMS>()),
        (Parameters::Ctr(ctr), size_of::<sys::CK_AES_CTR_PARAMS>()),
        (
            Parameters::Chacha20Poly1305(chacha),
            size_of::<sys::CK_SALSA20_CHACHA20_POLY1305_PARAMS>(),
        ),
        (
            Parameters::Eddsa(EddsaParameters { prehash: true, context: vec![1] }),
            size_of::<sys::CK_EDDSA_PARAMS>(),
        ),
        (Parameters::SignAdditionalContext(context), size_of::<sys::CK_SIGN_ADDITIONAL_CONTEXT>()),
        (Parameters::Ecdh1Derive(ecdh), size_of::<sys::CK_ECDH1_DERIVE_PARAMS>()),
        (Parameters::KeyDerivationString(vec![1]), size_of::<sys::CK_KEY_DERIVATION_STRING_DATA>()),
        (Parameters::CbcEncryptData(cbc), size_of::<sys::CK_AES_CBC_ENCRYPT_DATA_PARAMS>()),
        (Parameters::CbcEncryptData(des), size_of::<sys::CK_DES_CBC_ENCRYPT_DATA_PARAMS>()),
        (Parameters::Hkdf(hkdf), size_of::<sys::CK_HKDF_PARAMS>()),
        (Parameters::Pbkdf2(pbkdf2), size_of::<sys::CK_PKCS5_PBKD2_PARAMS2>()),
    ] {
        let name = case(&parameters);
        assert_eq!(built(parameters), size, "{name}");
    }
}

#[test]
fn a_block_of_another_length_is_refused() {
    let ctr = CtrParameters { counter_bits: 128, counter_block: vec![0; 15] };
    let error = parameter("C_EncryptInit", Parameters::Ctr(ctr)).unwrap_err();
    assert!(error.is(CKR_MECHANISM_PARAM_INVALID));
}

#[test]
fn bytes_in_place_of_pointers_are_refused_and_vendors_pass() {
    let raw = |kind| types::Mechanism { type_: kind, parameters: Parameters::Raw(vec![1; 40]) };
    let error = mechanism("C_EncryptInit", raw(widen(sys::CKM_RSA_PKCS_OAEP))).unwrap_err();
    assert!(error.is(CKR_MECHANISM_PARAM_INVALID));
    assert!(error.detail.contains("`rsa-oaep`, not as `raw`"), "{error}");
    assert!(mechanism("C_EncryptInit", raw(0x8000_0001)).is_ok());
    assert!(mechanism("C_EncryptInit", raw(widen(sys::CKM_AES_CBC))).is_ok());
    let fields = vec![StructureField::Ulong(1), StructureField::Pointer(vec![1; 9])];
    let parameters = Parameters::Structure(fields);
    let vendor = types::Mechanism { type_: 0x8000_0002, parameters };
    assert!(mechanism("C_EncryptInit", vendor).is_ok());
}
