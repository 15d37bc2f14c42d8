//! In which C form the standard attributes are. A vendor's attribute is bytes.

use cryptoki_sys as ck;

use super::ulong::widen;

/// The bit of an attribute whose value is an array: `CKF_ARRAY_ATTRIBUTE`.
const ARRAY: u64 = 0x4000_0000;
/// The bit of a vendor's attribute: `CKA_VENDOR_DEFINED`.
const VENDOR: u64 = 0x8000_0000;

/// True for a standard attribute whose value is an array of `CK_ATTRIBUTE`.
///
/// A vendor's number may have the array bit by chance: all of NSS's have it.
#[must_use]
pub fn is_template(kind: u64) -> bool {
    is_array(kind) && kind & VENDOR == 0
}

/// True for an attribute whose value may be an array of `CK_ATTRIBUTE`, a vendor's included.
pub(super) fn is_array(kind: u64) -> bool {
    kind & ARRAY != 0 && kind != widen(ck::CKA_ALLOWED_MECHANISMS)
}

/// True for a standard attribute that is a `CK_ULONG`.
pub(super) fn is_ulong(kind: u64) -> bool {
    ULONGS.iter().any(|known| widen(*known) == kind)
}

/// True for a standard attribute that is a `CK_BBOOL`.
pub(super) fn is_boolean(kind: u64) -> bool {
    BOOLEANS.iter().any(|known| widen(*known) == kind)
}

const ULONGS: &[ck::CK_ATTRIBUTE_TYPE] = &[
    ck::CKA_CLASS,
    ck::CKA_CERTIFICATE_TYPE,
    ck::CKA_CERTIFICATE_CATEGORY,
    ck::CKA_JAVA_MIDP_SECURITY_DOMAIN,
    ck::CKA_NAME_HASH_ALGORITHM,
    ck::CKA_KEY_TYPE,
    ck::CKA_MODULUS_BITS,
    ck::CKA_PRIME_BITS,
    ck::CKA_SUB_PRIME_BITS,
    ck::CKA_VALUE_BITS,
    ck::CKA_VALUE_LEN,
    ck::CKA_KEY_GEN_MECHANISM,
    ck::CKA_AUTH_PIN_FLAGS,
    ck::CKA_OTP_FORMAT,
    ck::CKA_OTP_LENGTH,
    ck::CKA_OTP_TIME_INTERVAL,
    ck::CKA_OTP_CHALLENGE_REQUIREMENT,
    ck::CKA_OTP_TIME_REQUIREMENT,
    ck::CKA_OTP_COUNTER_REQUIREMENT,
    ck::CKA_OTP_PIN_REQUIREMENT,
    ck::CKA_HW_FEATURE_TYPE,
    ck::CKA_PIXEL_X,
    ck::CKA_PIXEL_Y,
    ck::CKA_RESOLUTION,
    ck::CKA_CHAR_ROWS,
    ck::CKA_CHAR_COLUMNS,
    ck::CKA_BITS_PER_PIXEL,
    ck::CKA_MECHANISM_TYPE,
    ck::CKA_PROFILE_ID,
    ck::CKA_X2RATCHET_BAGSIZE,
    ck::CKA_X2RATCHET_NR,
    ck::CKA_X2RATCHET_NS,
    ck::CKA_X2RATCHET_PNS,
    ck::CKA_HSS_LEVELS,
    ck::CKA_HSS_LMS_TYPE,
    ck::CKA_HSS_LMOTS_TYPE,
    ck::CKA_HSS_KEYS_REMAINING,
    ck::CKA_PARAMETER_SET,
    ck::CKA_OBJECT_VALIDATION_FLAGS,
    ck::CKA_VALIDATION_TYPE,
    ck::CKA_VALIDATION_LEVEL,
    ck::CKA_VALIDATION_FLAG,
    ck::CKA_VALIDATION_AUTHORITY_TYPE,
    ck::CKA_TRUST_SERVER_AUTH,
    ck::CKA_TRUST_CLIENT_AUTH,
    ck::CKA_TRUST_CODE_SIGNING,
    ck::CKA_TRUST_EMAIL_PROTECTION,
    ck::CKA_TRUST_IPSEC_IKE,
    ck::CKA_TRUST_TIME_STAMPING,
    ck::CKA_TRUST_OCSP_SIGNING,
];

const BOOLEANS: &[ck::CK_ATTRIBUTE_TYPE] = &[
    ck::CKA_TOKEN,
    ck::CKA_PRIVATE,
    ck::CKA_TRUSTED,
    ck::CKA_SENSITIVE,
    ck::CKA_ENCRYPT,
    ck::CKA_DECRYPT,
    ck::CKA_WRAP,
    ck::CKA_UNWRAP,
    ck::CKA_SIGN,
    ck::CKA_SIGN_RECOVER,
    ck::CKA_VERIFY,
    ck::CKA_VERIFY_RECOVER,
    ck::CKA_DERIVE,
    ck::CKA_EXTRACTABLE,
    ck::CKA_LOCAL,
    ck::CKA_NEVER_EXTRACTABLE,
    ck::CKA_ALWAYS_SENSITIVE,
    ck::CKA_MODIFIABLE,
    ck::CKA_COPYABLE,
    ck::CKA_DESTROYABLE,
    ck::CKA_ALWAYS_AUTHENTICATE,
    ck::CKA_WRAP_WITH_TRUSTED,
    ck::CKA_SECONDARY_AUTH,
    ck::CKA_OTP_USER_FRIENDLY_MODE,
    ck::CKA_RESET_ON_INIT,
    ck::CKA_HAS_RESET,
    ck::CKA_COLOR,
    ck::CKA_X2RATCHET_ISALICE,
    ck::CKA_ENCAPSULATE,
    ck::CKA_DECAPSULATE,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_templates_except_mechanisms_and_vendors() {
        assert!(is_template(widen(ck::CKA_WRAP_TEMPLATE)));
        assert!(!is_template(widen(ck::CKA_ALLOWED_MECHANISMS)));
        assert!(!is_template(widen(ck::CKA_LABEL)));
        // CKA_NSS_TRUST of NSS.
        assert!(!is_template(0xce53_4351));
        assert!(is_array(0xce53_4351));
    }
}
