//! Keys generated, wrapped, unwrapped and derived, and random bytes.

use pkcs11_host::ck::sys;
use pkcs11_host::exports::pkcs11::host::sessions::{GuestSession, Session};
use pkcs11_host::exports::pkcs11::host::types::{
    Attribute, CbcEncryptDataParameters, Ecdh1DeriveParameters, ErrorOrigin, MechanismParameters,
    RsaOaepParameters,
};

use crate::common::{
    Key, Token, boolean, bytes, ec_pair, hex, name, plain, resource, rsa_pair, secret, ulong, with,
};

/// A template for a secret key that may be read.
fn readable(kind: sys::CK_KEY_TYPE, length: Option<u64>) -> Vec<Attribute> {
    let mut template = vec![
        ulong(sys::CKA_CLASS, sys::CKO_SECRET_KEY),
        ulong(sys::CKA_KEY_TYPE, kind),
        boolean(sys::CKA_TOKEN, false),
        boolean(sys::CKA_SENSITIVE, false),
        boolean(sys::CKA_EXTRACTABLE, true),
    ];
    template.extend(length.map(|length| ulong(sys::CKA_VALUE_LEN, length)));
    template
}

#[test]
fn generated_keys_are_what_was_asked_for() {
    let token = Token::new();
    let user = token.user();
    let session = resource(&user);
    let template = readable(sys::CKK_AES, Some(32));
    let key = session.generate_key(plain(sys::CKM_AES_KEY_GEN), template.clone()).unwrap();
    let value = Key::new(key).bytes(sys::CKA_VALUE);
    assert_eq!(value.len(), 32);
    let other = session.generate_key(plain(sys::CKM_AES_KEY_GEN), template).unwrap();
    assert_ne!(Key::new(other).bytes(sys::CKA_VALUE), value);
    let (public, _) = ec_pair(&user);
    // A DER octet string with an uncompressed point.
    let point = public.bytes(sys::CKA_EC_POINT);
    assert_eq!((point.len(), &point[..3]), (67, &[0x04, 0x41, 0x04][..]));
    let odd = readable(sys::CKK_AES, Some(17));
    let made = session.generate_key(plain(sys::CKM_AES_KEY_GEN), odd);
    assert_eq!(name(made), "CKR_ATTRIBUTE_VALUE_INVALID");
}

#[test]
fn a_key_on_the_token_needs_the_login() {
    let token = Token::new();
    let session = token.open();
    let template = vec![
        ulong(sys::CKA_VALUE_LEN, 16),
        boolean(sys::CKA_TOKEN, true),
        boolean(sys::CKA_PRIVATE, true),
    ];
    let made = resource(&session).generate_key(plain(sys::CKM_AES_KEY_GEN), template);
    assert_eq!(name(made), "CKR_USER_NOT_LOGGED_IN");
}

#[test]
fn aes_key_wrap_gives_the_ciphertext_of_rfc_3394() {
    let token = Token::new();
    let user = token.user();
    let session = resource(&user);
    let wrapping = secret(&user, sys::CKK_AES, &hex("000102030405060708090a0b0c0d0e0f"));
    let value = hex("00112233445566778899aabbccddeeff");
    let key = secret(&user, sys::CKK_AES, &value);
    let mechanism = || plain(sys::CKM_AES_KEY_WRAP);
    let wrapped = session.wrap_key(mechanism(), wrapping.lend(), key.lend()).unwrap();
    assert_eq!(wrapped, hex("1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"));
    let template = readable(sys::CKK_AES, None);
    let unwrapped =
        session.unwrap_key(mechanism(), wrapping.lend(), wrapped, template.clone()).unwrap();
    assert_eq!(Key::new(unwrapped).bytes(sys::CKA_VALUE), value);
    let broken = session.unwrap_key(mechanism(), wrapping.lend(), vec![7; 24], template);
    assert!(name(broken) != "CKR_OK");
}

#[test]
fn rsa_wraps_with_and_without_oaep() {
    let token = Token::new();
    let user = token.user();
    let session = resource(&user);
    let (public, private) = rsa_pair(&user);
    let value = vec![0x42; 32];
    let key = secret(&user, sys::CKK_AES, &value);
    let oaep = || {
        let (hash, mgf) = (sys::CKM_SHA_1, sys::CKG_MGF1_SHA1);
        let oaep = RsaOaepParameters { hash, mgf, label: Vec::new() };
        with(sys::CKM_RSA_PKCS_OAEP, MechanismParameters::RsaOaep(oaep))
    };
    for mechanism in [|| plain(sys::CKM_RSA_PKCS), oaep] {
        let wrapped = session.wrap_key(mechanism(), public.lend(), key.lend()).unwrap();
        assert_eq!(wrapped.len(), 256);
        let template = readable(sys::CKK_AES, None);
        let unwrapped = session.unwrap_key(mechanism(), private.lend(), wrapped, template);
        assert_eq!(Key::new(unwrapped.unwrap()).bytes(sys::CKA_VALUE), value);
    }
}

#[test]
fn a_key_that_must_stay_is_not_wrapped() {
    let token = Token::new();
    let user = token.user();
    let session = resource(&user);
    let wrapping = secret(&user, sys::CKK_AES, &[1; 16]);
    let template = vec![
        ulong(sys::CKA_VALUE_LEN, 16),
        boolean(sys::CKA_TOKEN, false),
        boolean(sys::CKA_EXTRACTABLE, false),
    ];
    let key = session.generate_key(plain(sys::CKM_AES_KEY_GEN), template).map(Key::new).unwrap();
    let wrapped = session.wrap_key(plain(sys::CKM_AES_KEY_WRAP), wrapping.lend(), key.lend());
    assert_eq!(name(wrapped), "CKR_KEY_UNEXTRACTABLE");
}

fn shared(session: &Session, private: &Key, public: &Key) -> Vec<u8> {
    let public_data = public.bytes(sys::CKA_EC_POINT);
    let ecdh = Ecdh1DeriveParameters { kdf: sys::CKD_NULL, shared_data: Vec::new(), public_data };
    let mechanism = with(sys::CKM_ECDH1_DERIVE, MechanismParameters::Ecdh1Derive(ecdh));
    let template = readable(sys::CKK_GENERIC_SECRET, Some(32));
    let key = resource(session).derive_key(mechanism, private.lend(), template).unwrap();
    Key::new(key).bytes(sys::CKA_VALUE)
}

#[test]
fn both_sides_of_ecdh_derive_one_secret() {
    let token = Token::new();
    let session = token.user();
    let (public_a, private_a) = ec_pair(&session);
    let (public_b, private_b) = ec_pair(&session);
    let secret = shared(&session, &private_a, &public_b);
    assert_eq!(secret.len(), 32);
    assert_eq!(secret, shared(&session, &private_b, &public_a));
    assert_ne!(secret, shared(&session, &private_a, &public_a));
}

#[test]
fn keys_are_derived_by_encrypting_data() {
    let token = Token::new();
    let user = token.user();
    let session = resource(&user);
    let base = secret(&user, sys::CKK_AES, &hex("2b7e151628aed2a6abf7158809cf4f3c"));
    let block = hex("6bc1bee22e409f96e93d7e117393172a");
    let ecb = MechanismParameters::KeyDerivationString(block.clone());
    let iv = hex("000102030405060708090a0b0c0d0e0f");
    let cbc = MechanismParameters::CbcEncryptData(CbcEncryptDataParameters { iv, data: block });
    // The ciphertexts of NIST SP 800-38A.
    for (mechanism, parameters, expected) in [
        (sys::CKM_AES_ECB_ENCRYPT_DATA, ecb, "3ad77bb40d7a3660a89ecaf32466ef97"),
        (sys::CKM_AES_CBC_ENCRYPT_DATA, cbc, "7649abac8119b246cee98e9b12e9197d"),
    ] {
        let template = readable(sys::CKK_GENERIC_SECRET, Some(16));
        let key = session.derive_key(with(mechanism, parameters), base.lend(), template);
        assert_eq!(Key::new(key.unwrap()).bytes(sys::CKA_VALUE), hex(expected));
    }
}

#[test]
fn random_bytes_are_as_many_as_asked_for() {
    let token = Token::new();
    let user = token.open();
    let session = resource(&user);
    let first = session.generate_random(32).unwrap();
    assert_eq!(first.len(), 32);
    assert_ne!(session.generate_random(32).unwrap(), first);
    assert_eq!(session.generate_random(0).unwrap(), Vec::<u8>::new());
    assert_eq!(session.generate_random(1 << 20).unwrap().len(), 1 << 20);
    assert_eq!(name(session.generate_random((1 << 20) + 1)), "CKR_ARGUMENTS_BAD");
    session.seed_random(b"a seed".to_vec()).unwrap();
}

#[test]
fn a_key_of_another_type_is_refused() {
    let token = Token::new();
    let user = token.user();
    let key = secret(&user, sys::CKK_AES, &[1; 16]);
    let data = Key::new(
        resource(&user)
            .create_object(vec![
                ulong(sys::CKA_CLASS, sys::CKO_DATA),
                boolean(sys::CKA_TOKEN, false),
                bytes(sys::CKA_VALUE, b"x"),
            ])
            .unwrap(),
    );
    let signed = resource(&user).sign(plain(sys::CKM_ECDSA), key.lend(), vec![1; 32]).unwrap_err();
    assert_eq!(signed.origin, ErrorOrigin::Module);
    let wrapped = resource(&user).wrap_key(plain(sys::CKM_AES_KEY_WRAP), key.lend(), data.lend());
    assert!(name(wrapped).starts_with("CKR_KEY_"));
}
