//! Which standard mechanisms have pointers in their parameters.
//!
//! Bytes of a guest in place of such a structure would make the module read at addresses that the
//! guest chose. So these mechanisms take their own case only. A mechanism that is not listed, a
//! vendor's for example, takes any: this list closes nothing.

use crate::exports::pkcs11::host::types::MechanismParameters;

/// The case that the mechanism demands, by its name in WIT, if its parameters hold pointers.
pub(super) fn demanded(mechanism: u64) -> Option<&'static str> {
    let found = POINTERS.iter().find(|(first, last, _)| (*first..=*last).contains(&mechanism));
    found.map(|(_, _, case)| *case)
}

/// The name of a case in WIT.
pub(super) fn case(parameters: &MechanismParameters) -> &'static str {
    match parameters {
        MechanismParameters::None => "none",
        MechanismParameters::Raw(_) => "raw",
        MechanismParameters::Ulong(_) => "ulong",
        MechanismParameters::RsaPss(_) => "rsa-pss",
        MechanismParameters::RsaOaep(_) => "rsa-oaep",
        MechanismParameters::RsaAesKeyWrap(_) => "rsa-aes-key-wrap",
        MechanismParameters::Gcm(_) => "gcm",
        MechanismParameters::Ccm(_) => "ccm",
        MechanismParameters::Ctr(_) => "ctr",
        MechanismParameters::Chacha20Poly1305(_) => "chacha20-poly1305",
        MechanismParameters::Eddsa(_) => "eddsa",
        MechanismParameters::SignAdditionalContext(_) => "sign-additional-context",
        MechanismParameters::Ecdh1Derive(_) => "ecdh1-derive",
        MechanismParameters::KeyDerivationString(_) => "key-derivation-string",
        MechanismParameters::CbcEncryptData(_) => "cbc-encrypt-data",
        MechanismParameters::Hkdf(_) => "hkdf",
        MechanismParameters::Pbkdf2(_) => "pbkdf2",
        MechanismParameters::Structure(_) => "structure",
    }
}

/// First number, last number, case.
const POINTERS: &[(u64, u64, &str)] = &[
    (0x0009, 0x0009, "rsa-oaep"),                // CKM_RSA_PKCS_OAEP
    (0x001d, 0x001d, "sign-additional-context"), // CKM_ML_DSA
    (0x001f, 0x001f, "structure"),               // CKM_HASH_ML_DSA: with the digest's number
    (0x0023, 0x002c, "sign-additional-context"), // CKM_HASH_ML_DSA_*
    (0x002e, 0x002e, "sign-additional-context"), // CKM_SLH_DSA
    (0x0031, 0x0033, "structure"), // CKM_X9_42_DH_DERIVE, _DH_HYBRID_DERIVE, _MQV_DERIVE
    (0x0034, 0x0034, "structure"), // CKM_HASH_SLH_DSA
    (0x0036, 0x003f, "sign-additional-context"), // CKM_HASH_SLH_DSA_*
    (0x0056, 0x0057, "structure"), // CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE, _DH
    (0x0282, 0x0282, "structure"), // CKM_SECURID
    (0x0291, 0x0291, "structure"), // CKM_HOTP
    (0x02a0, 0x02a0, "structure"), // CKM_ACTI
    (0x0332, 0x0332, "structure"), // CKM_RC5_CBC
    (0x0335, 0x0335, "structure"), // CKM_RC5_CBC_PAD
    (0x0362, 0x0364, "key-derivation-string"), // CKM_CONCATENATE_*_DATA, CKM_XOR_BASE_AND_DATA
    (0x0371, 0x0373, "structure"), // CKM_SSL3_*_DERIVE
    (0x0375, 0x0378, "structure"), // CKM_TLS_*_DERIVE, CKM_TLS_PRF
    (0x03a0, 0x03ab, "structure"), // CKM_PBE_*
    (0x03ac, 0x03ae, "structure"), // CKM_SP800_108_*
    (0x03b0, 0x03b0, "pbkdf2"),    // CKM_PKCS5_PBKD2
    (0x03c0, 0x03c0, "structure"), // CKM_PBA_SHA1_WITH_SHA1_HMAC
    (0x03d1, 0x03d5, "structure"), // CKM_WTLS_*
    (0x03d9, 0x03d9, "structure"), // CKM_TLS12_KDF
    (0x03e0, 0x03e3, "structure"), // CKM_TLS12_*_DERIVE
    (0x03e5, 0x03e5, "structure"), // CKM_TLS_KDF
    (0x0401, 0x0401, "structure"), // CKM_KEY_WRAP_SET_OAEP
    (0x0500, 0x0500, "structure"), // CKM_CMS_SIG
    (0x0510, 0x0512, "structure"), // CKM_KIP_*
    (0x0556, 0x0556, "key-derivation-string"), // CKM_CAMELLIA_ECB_ENCRYPT_DATA
    (0x0557, 0x0557, "cbc-encrypt-data"), // CKM_CAMELLIA_CBC_ENCRYPT_DATA
    (0x0566, 0x0566, "key-derivation-string"), // CKM_ARIA_ECB_ENCRYPT_DATA
    (0x0567, 0x0567, "cbc-encrypt-data"), // CKM_ARIA_CBC_ENCRYPT_DATA
    (0x0656, 0x0656, "key-derivation-string"), // CKM_SEED_ECB_ENCRYPT_DATA
    (0x0657, 0x0657, "cbc-encrypt-data"), // CKM_SEED_CBC_ENCRYPT_DATA
    (0x1009, 0x100a, "structure"), // CKM_SKIPJACK_PRIVATE_WRAP, CKM_SKIPJACK_RELAYX
    (0x1011, 0x1012, "structure"), // CKM_KEA_KEY_DERIVE, CKM_KEA_DERIVE
    (0x1050, 0x1051, "ecdh1-derive"), // CKM_ECDH1_DERIVE, CKM_ECDH1_COFACTOR_DERIVE
    (0x1052, 0x1053, "structure"), // CKM_ECMQV_DERIVE, CKM_ECDH_AES_KEY_WRAP
    (0x1054, 0x1054, "rsa-aes-key-wrap"), // CKM_RSA_AES_KEY_WRAP
    (0x1057, 0x1057, "eddsa"),     // CKM_EDDSA
    (0x1087, 0x1087, "gcm"),       // CKM_AES_GCM
    (0x1088, 0x1088, "ccm"),       // CKM_AES_CCM
    (0x1100, 0x1100, "key-derivation-string"), // CKM_DES_ECB_ENCRYPT_DATA
    (0x1101, 0x1101, "cbc-encrypt-data"), // CKM_DES_CBC_ENCRYPT_DATA
    (0x1102, 0x1102, "key-derivation-string"), // CKM_DES3_ECB_ENCRYPT_DATA
    (0x1103, 0x1103, "cbc-encrypt-data"), // CKM_DES3_CBC_ENCRYPT_DATA
    (0x1104, 0x1104, "key-derivation-string"), // CKM_AES_ECB_ENCRYPT_DATA
    (0x1105, 0x1105, "cbc-encrypt-data"), // CKM_AES_CBC_ENCRYPT_DATA
    (0x1203, 0x1204, "structure"), // CKM_GOSTR3410_KEY_WRAP, CKM_GOSTR3410_DERIVE
    (0x1226, 0x1226, "structure"), // CKM_CHACHA20
    (0x4020, 0x4020, "structure"), // CKM_SALSA20
    (0x4021, 0x4022, "chacha20-poly1305"), // CKM_CHACHA20_POLY1305, CKM_SALSA20_POLY1305
    (0x4023, 0x4026, "structure"), // CKM_X3DH_*, CKM_X2RATCHET_*
    (0x402a, 0x402b, "hkdf"),      // CKM_HKDF_DERIVE, CKM_HKDF_DATA
    (0x402e, 0x4031, "structure"), // CKM_IKE*
    (0x4038, 0x4039, "structure"), // CKM_ECDH_X_AES_KEY_WRAP, CKM_ECDH_COF_AES_KEY_WRAP
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ck::sys;
    use crate::ck::widen;

    #[test]
    fn mechanisms_with_pointers_demand_their_case_and_others_none() {
        for (mechanism, case) in [
            (sys::CKM_RSA_PKCS_OAEP, Some("rsa-oaep")),
            (sys::CKM_AES_GCM, Some("gcm")),
            (sys::CKM_ECDH1_DERIVE, Some("ecdh1-derive")),
            (sys::CKM_AES_CBC_ENCRYPT_DATA, Some("cbc-encrypt-data")),
            (sys::CKM_HASH_ML_DSA_SHAKE256, Some("sign-additional-context")),
            (sys::CKM_TLS12_KDF, Some("structure")),
            (sys::CKM_RSA_PKCS_PSS, None),
            (sys::CKM_AES_CBC, None),
            (sys::CKM_VENDOR_DEFINED, None),
        ] {
            assert_eq!(demanded(widen(mechanism)), case, "{mechanism:#x}");
        }
    }

    #[test]
    fn the_list_is_in_order() {
        for pair in POINTERS.windows(2) {
            if let [(first, last, _), (next, _, _)] = pair {
                assert!(first <= last && last < next, "{next:#x}");
            }
        }
    }
}
