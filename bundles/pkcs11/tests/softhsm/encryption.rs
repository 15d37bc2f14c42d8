//! Encryption and decryption, against published vectors where there are some.

use pkcs11_host::ck::sys;
use pkcs11_host::exports::pkcs11::host::sessions::GuestSession;
use pkcs11_host::exports::pkcs11::host::types::{
    CtrParameters, ErrorOrigin, GcmParameters, Mechanism, MechanismParameters, RsaOaepParameters,
};

use crate::common::{Token, hex, name, plain, resource, rsa_pair, secret, with};

/// The key of the examples of NIST SP 800-38A.
const NIST_KEY: &str = "2b7e151628aed2a6abf7158809cf4f3c";
/// Their first block.
const NIST_BLOCK: &str = "6bc1bee22e409f96e93d7e117393172a";

fn cbc(mechanism: sys::CK_MECHANISM_TYPE) -> Mechanism {
    let iv = hex("000102030405060708090a0b0c0d0e0f");
    with(mechanism, MechanismParameters::Raw(iv))
}

#[test]
fn cbc_gives_the_ciphertext_of_nist() {
    let token = Token::new();
    let user = token.user();
    let session = resource(&user);
    let key = secret(&user, sys::CKK_AES, &hex(NIST_KEY));
    let encrypted = session.encrypt(cbc(sys::CKM_AES_CBC), key.lend(), hex(NIST_BLOCK)).unwrap();
    assert_eq!(encrypted, hex("7649abac8119b246cee98e9b12e9197d"));
    let decrypted = session.decrypt(cbc(sys::CKM_AES_CBC), key.lend(), encrypted).unwrap();
    assert_eq!(decrypted, hex(NIST_BLOCK));
    let odd = session.encrypt(cbc(sys::CKM_AES_CBC), key.lend(), vec![1; 15]);
    assert_eq!(name(odd), "CKR_DATA_LEN_RANGE");
    let no_iv = session.encrypt(plain(sys::CKM_AES_CBC), key.lend(), vec![1; 16]);
    assert_eq!(name(no_iv), "CKR_ARGUMENTS_BAD");
}

#[test]
fn encryption_in_parts_equals_that_in_one_go() {
    let token = Token::new();
    let user = token.user();
    let session = resource(&user);
    let key = secret(&user, sys::CKK_AES, &hex(NIST_KEY));
    let data: Vec<u8> = (0..100_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    let mechanism = || cbc(sys::CKM_AES_CBC_PAD);
    let whole = session.encrypt(mechanism(), key.lend(), data.clone()).unwrap();
    assert_eq!(whole.len(), 100_000 / 16 * 16 + 16);

    session.encrypt_init(mechanism(), key.lend()).unwrap();
    let mut parts = Vec::new();
    for part in data.chunks(33_333) {
        parts.extend(session.encrypt_update(part.to_vec()).unwrap());
    }
    parts.extend(session.encrypt_final().unwrap());
    assert_eq!(parts, whole);

    session.decrypt_init(mechanism(), key.lend()).unwrap();
    let mut decrypted = Vec::new();
    for part in whole.chunks(7_777) {
        decrypted.extend(session.decrypt_update(part.to_vec()).unwrap());
    }
    decrypted.extend(session.decrypt_final().unwrap());
    assert_eq!(decrypted, data);
}

#[test]
fn ctr_counts_from_its_block() {
    let token = Token::new();
    let user = token.user();
    let session = resource(&user);
    let key = secret(&user, sys::CKK_AES, &hex(NIST_KEY));
    let ctr =
        CtrParameters { counter_bits: 128, counter_block: hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff") };
    let mechanism = with(sys::CKM_AES_CTR, MechanismParameters::Ctr(ctr));
    let encrypted = session.encrypt(mechanism, key.lend(), hex(NIST_BLOCK)).unwrap();
    assert_eq!(encrypted, hex("874d6191b620e3261bef6864990db6ce"));
}

#[test]
fn gcm_authenticates_what_it_does_not_encrypt() {
    let token = Token::new();
    let user = token.user();
    let session = resource(&user);
    // Test case 4 of the specification of GCM.
    let key = secret(&user, sys::CKK_AES, &hex("feffe9928665731c6d6a8f9467308308"));
    let gcm = |aad: &str| {
        let iv = hex("cafebabefacedbaddecaf888");
        let gcm = GcmParameters { iv, aad: hex(aad), tag_bits: 128 };
        with(sys::CKM_AES_GCM, MechanismParameters::Gcm(gcm))
    };
    let data = hex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e\
         2449a6b525b16aedf5aa0de657ba637b39",
    );
    let aad = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
    let encrypted = session.encrypt(gcm(aad), key.lend(), data.clone()).unwrap();
    let expected = "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466\
                    931c7d8f6a5aac84aa051ba30b396a0aac973d58e091";
    let tag = "5bc94fbc3221a5db94fae95ae7121a47";
    assert_eq!(encrypted, hex(&format!("{expected}{tag}")));
    let decrypted = session.decrypt(gcm(aad), key.lend(), encrypted.clone()).unwrap();
    assert_eq!(decrypted, data);
    let forged = session.decrypt(gcm("00"), key.lend(), encrypted).unwrap_err();
    assert_eq!(forged.origin, ErrorOrigin::Module);
}

#[test]
fn rsa_pkcs_encrypts_and_decrypts() {
    let token = Token::new();
    let user = token.user();
    let session = resource(&user);
    let (public, private) = rsa_pair(&user);
    let mechanism = || plain(sys::CKM_RSA_PKCS);
    let encrypted = session.encrypt(mechanism(), public.lend(), b"a secret".to_vec()).unwrap();
    assert_eq!(encrypted.len(), 256);
    let decrypted = session.decrypt(mechanism(), private.lend(), encrypted).unwrap();
    assert_eq!(decrypted, b"a secret");
    let long = session.encrypt(mechanism(), public.lend(), vec![1; 246]).unwrap_err();
    assert_eq!((long.function.as_str(), long.origin), ("C_Encrypt", ErrorOrigin::Module));
}

#[test]
fn rsa_oaep_takes_its_parameters_and_no_bytes() {
    let token = Token::new();
    let user = token.user();
    let session = resource(&user);
    let (public, private) = rsa_pair(&user);
    let oaep = |hash| {
        let mgf = sys::CKG_MGF1_SHA1;
        let oaep = RsaOaepParameters { hash, mgf, label: Vec::new() };
        with(sys::CKM_RSA_PKCS_OAEP, MechanismParameters::RsaOaep(oaep))
    };
    let encrypt = session.encrypt(oaep(sys::CKM_SHA_1), public.lend(), b"a secret".to_vec());
    let decrypted = session.decrypt(oaep(sys::CKM_SHA_1), private.lend(), encrypt.unwrap());
    assert_eq!(decrypted.unwrap(), b"a secret");
    let other = session.encrypt(oaep(sys::CKM_MD5), public.lend(), vec![1]);
    assert_eq!(name(other), "CKR_ARGUMENTS_BAD");
    // A structure with addresses that the guest made up.
    let forged = with(sys::CKM_RSA_PKCS_OAEP, MechanismParameters::Raw(vec![0x41; 40]));
    let error = session.encrypt(forged, public.lend(), vec![1]).unwrap_err();
    assert_eq!(error.name, "CKR_MECHANISM_PARAM_INVALID");
    assert_eq!((error.origin, error.function.as_str()), (ErrorOrigin::Bundle, "C_EncryptInit"));
    assert!(error.detail.contains("rsa-oaep"), "{error:?}");
}
