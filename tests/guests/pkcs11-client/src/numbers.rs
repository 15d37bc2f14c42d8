//! Numbers of the PKCS#11 specification, under its own names.

/// Mechanisms.
pub const CKM_RSA_PKCS_KEY_PAIR_GEN: u64 = 0x0;
pub const CKM_RSA_PKCS_OAEP: u64 = 0x9;
pub const CKM_SHA256_RSA_PKCS: u64 = 0x40;
pub const CKM_SHA256_RSA_PKCS_PSS: u64 = 0x43;
pub const CKM_SHA_1: u64 = 0x220;
pub const CKM_SHA256: u64 = 0x250;
pub const CKM_EC_KEY_PAIR_GEN: u64 = 0x1040;
pub const CKM_ECDSA: u64 = 0x1041;
pub const CKM_AES_KEY_GEN: u64 = 0x1080;
pub const CKM_AES_CBC_PAD: u64 = 0x1085;
pub const CKM_AES_GCM: u64 = 0x1087;

/// Mask generation functions.
pub const CKG_MGF1_SHA1: u64 = 1;
pub const CKG_MGF1_SHA256: u64 = 2;

/// Attributes.
pub const CKA_CLASS: u64 = 0x0;
pub const CKA_TOKEN: u64 = 0x1;
pub const CKA_PRIVATE: u64 = 0x2;
pub const CKA_LABEL: u64 = 0x3;
pub const CKA_VALUE: u64 = 0x11;
pub const CKA_KEY_TYPE: u64 = 0x100;
pub const CKA_SENSITIVE: u64 = 0x103;
pub const CKA_ENCRYPT: u64 = 0x104;
pub const CKA_DECRYPT: u64 = 0x105;
pub const CKA_SIGN: u64 = 0x108;
pub const CKA_VERIFY: u64 = 0x10a;
pub const CKA_MODULUS: u64 = 0x120;
pub const CKA_MODULUS_BITS: u64 = 0x121;
pub const CKA_PUBLIC_EXPONENT: u64 = 0x122;
pub const CKA_VALUE_LEN: u64 = 0x161;
pub const CKA_EC_PARAMS: u64 = 0x180;
pub const CKA_EC_POINT: u64 = 0x181;

/// Classes of objects.
pub const CKO_PUBLIC_KEY: u64 = 2;
pub const CKO_PRIVATE_KEY: u64 = 3;
pub const CKO_SECRET_KEY: u64 = 4;

/// Types of keys.
pub const CKK_RSA: u64 = 0;
pub const CKK_EC: u64 = 3;

/// Return values.
pub const CKR_PIN_INCORRECT: u64 = 0xa0;
pub const CKR_SIGNATURE_INVALID: u64 = 0xc0;
