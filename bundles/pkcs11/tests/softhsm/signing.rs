//! Signatures, codes and digests, against published vectors where there are some.

use pkcs11_host::ck::sys;
use pkcs11_host::exports::pkcs11::host::sessions::GuestSession;
use pkcs11_host::exports::pkcs11::host::types::{
    MechanismParameters, RsaPssParameters, StructureField,
};

use crate::common::{Token, ec_pair, hex, name, plain, resource, rsa_pair, secret, with};

#[test]
fn ecdsa_signs_and_only_the_right_signature_verifies() {
    let token = Token::new();
    let session = token.user();
    let session = resource(&session);
    let other = token.open();
    let (public, private) = ec_pair(&other);
    let digest = vec![0x5a; 32];
    let ecdsa = || plain(sys::CKM_ECDSA);
    let signature = session.sign(ecdsa(), private.lend(), digest.clone()).unwrap();
    assert_eq!(signature.len(), 64);
    session.verify(ecdsa(), public.lend(), digest.clone(), signature.clone()).unwrap();
    let wrong = session.verify(ecdsa(), public.lend(), vec![0; 32], signature.clone());
    assert_eq!(name(wrong), "CKR_SIGNATURE_INVALID");
    let short = session.verify(ecdsa(), public.lend(), digest, vec![0; 63]);
    assert_eq!(name(short), "CKR_SIGNATURE_LEN_RANGE");
    let misused = session.sign(ecdsa(), public.lend(), vec![0; 32]);
    assert!(name(misused).starts_with("CKR_KEY_"));
}

#[test]
fn rsa_signs_in_one_go_and_in_parts() {
    let token = Token::new();
    let user = token.user();
    let session = resource(&user);
    let (public, private) = rsa_pair(&user);
    let mechanism = || plain(sys::CKM_SHA256_RSA_PKCS);
    let whole = session.sign(mechanism(), private.lend(), b"one two three".to_vec()).unwrap();
    assert_eq!(whole.len(), 256);
    session.sign_init(mechanism(), private.lend()).unwrap();
    for part in ["one ", "two ", "three"] {
        session.sign_update(part.into()).unwrap();
    }
    assert_eq!(session.sign_final().unwrap(), whole);
    session.verify_init(mechanism(), public.lend()).unwrap();
    session.verify_update(b"one two ".to_vec()).unwrap();
    session.verify_update(b"three".to_vec()).unwrap();
    session.verify_final(whole.clone()).unwrap();
    session.verify_init(mechanism(), public.lend()).unwrap();
    session.verify_update(b"something else".to_vec()).unwrap();
    assert_eq!(name(session.verify_final(whole)), "CKR_SIGNATURE_INVALID");
}

#[test]
fn pss_takes_its_parameters() {
    let token = Token::new();
    let user = token.user();
    let session = resource(&user);
    let (public, private) = rsa_pair(&user);
    let pss = |salt_length| {
        let pss =
            RsaPssParameters { hash: sys::CKM_SHA256, mgf: sys::CKG_MGF1_SHA256, salt_length };
        with(sys::CKM_SHA256_RSA_PKCS_PSS, MechanismParameters::RsaPss(pss))
    };
    let signature = session.sign(pss(32), private.lend(), b"data".to_vec()).unwrap();
    session.verify(pss(32), public.lend(), b"data".to_vec(), signature.clone()).unwrap();
    let salt = session.verify(pss(20), public.lend(), b"data".to_vec(), signature.clone());
    assert_eq!(name(salt), "CKR_SIGNATURE_INVALID");
    // The same structure, field by field: what a vendor's mechanism would use.
    let fields = [sys::CKM_SHA256, sys::CKG_MGF1_SHA256, 32].map(StructureField::Ulong);
    let structure = MechanismParameters::Structure(fields.to_vec());
    let mechanism = with(sys::CKM_SHA256_RSA_PKCS_PSS, structure);
    session.verify(mechanism, public.lend(), b"data".to_vec(), signature).unwrap();
    let missing = session.sign(plain(sys::CKM_SHA256_RSA_PKCS_PSS), private.lend(), vec![1]);
    assert_eq!(name(missing), "CKR_ARGUMENTS_BAD");
}

#[test]
fn hmac_gives_the_code_of_rfc_4231() {
    let token = Token::new();
    let user = token.user();
    let session = resource(&user);
    // Test case 1.
    let key = secret(&user, sys::CKK_GENERIC_SECRET, &[0x0b; 20]);
    let hmac = || plain(sys::CKM_SHA256_HMAC);
    // SoftHSM wants a key as long as the digest.
    assert_eq!(name(session.sign(hmac(), key.lend(), b"x".to_vec())), "CKR_KEY_SIZE_RANGE");
    // Test case 6, whose key is longer.
    let key = secret(&user, sys::CKK_GENERIC_SECRET, &[0xaa; 131]);
    let data = b"Test Using Larger Than Block-Size Key - Hash Key First".to_vec();
    let code = session.sign(hmac(), key.lend(), data.clone()).unwrap();
    assert_eq!(code, hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"));
    session.verify(hmac(), key.lend(), data, code).unwrap();
}

#[test]
fn digests_are_the_same_in_one_go_and_in_parts() {
    let token = Token::new();
    let user = token.open();
    let session = resource(&user);
    let expected = hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    let sha256 = || plain(sys::CKM_SHA256);
    assert_eq!(session.digest(sha256(), b"abc".to_vec()).unwrap(), expected);
    session.digest_init(sha256()).unwrap();
    session.digest_update(b"a".to_vec()).unwrap();
    session.digest_update(b"bc".to_vec()).unwrap();
    assert_eq!(session.digest_final().unwrap(), expected);
    let empty = hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(session.digest(sha256(), Vec::new()).unwrap(), empty);
}

#[test]
fn operations_out_of_order_are_typed_errors() {
    let token = Token::new();
    let user = token.user();
    let session = resource(&user);
    assert_eq!(name(session.digest_final()), "CKR_OPERATION_NOT_INITIALIZED");
    assert_eq!(name(session.sign_update(vec![1])), "CKR_OPERATION_NOT_INITIALIZED");
    assert_eq!(name(session.verify_final(vec![1])), "CKR_OPERATION_NOT_INITIALIZED");
    session.digest_init(plain(sys::CKM_SHA256)).unwrap();
    assert_eq!(name(session.digest_init(plain(sys::CKM_SHA256))), "CKR_OPERATION_ACTIVE");
    let vendor = session.digest(plain(sys::CKM_VENDOR_DEFINED | 7), vec![1]);
    assert!(name(vendor) == "CKR_OPERATION_ACTIVE");
    session.digest_final().unwrap();
    let vendor = session.digest(plain(sys::CKM_VENDOR_DEFINED | 7), vec![1]).unwrap_err();
    assert_eq!(
        (vendor.name.as_str(), vendor.function.as_str()),
        ("CKR_MECHANISM_INVALID", "C_DigestInit")
    );
}

#[test]
fn what_the_module_lacks_is_said_by_its_name() {
    let token = Token::new();
    let user = token.user();
    let session = resource(&user);
    let (public, private) = rsa_pair(&user);
    let recover = session.sign_recover(plain(sys::CKM_RSA_PKCS), private.lend(), vec![1; 32]);
    assert_eq!(name(recover), "CKR_FUNCTION_NOT_SUPPORTED");
    let recover = session.verify_recover(plain(sys::CKM_RSA_PKCS), public.lend(), vec![1; 256]);
    assert_eq!(name(recover), "CKR_FUNCTION_NOT_SUPPORTED");
    assert_eq!(name(session.get_operation_state()), "CKR_FUNCTION_NOT_SUPPORTED");
    let state = session.set_operation_state(vec![1], None, Some(public.lend()));
    assert_eq!(name(state), "CKR_FUNCTION_NOT_SUPPORTED");
    for dual in [
        session.digest_encrypt_update(vec![1]),
        session.decrypt_digest_update(vec![1]),
        session.sign_encrypt_update(vec![1]),
        session.decrypt_verify_update(vec![1]),
    ] {
        assert_eq!(name(dual), "CKR_FUNCTION_NOT_SUPPORTED");
    }
}

#[test]
fn a_mechanism_that_is_not_allowed_is_refused_by_the_bundle() {
    let token = Token::with(&[("allow-mechanisms", "0x250")]);
    let session = token.open();
    let session = resource(&session);
    session.digest(plain(sys::CKM_SHA256), vec![1]).unwrap();
    let error = session.digest(plain(sys::CKM_SHA512), vec![1]).unwrap_err();
    assert_eq!(error.name, "CKR_MECHANISM_INVALID");
    assert!(error.detail.contains("allow-mechanisms"), "{error:?}");
}
