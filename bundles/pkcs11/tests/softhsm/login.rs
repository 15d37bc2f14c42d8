//! Sessions: PINs, limits, and what is left of them when they are closed.

use crate::common::{
    Key, PIN, SO_PIN, Token, boolean, bytes, ec_pair, login, name, plain, resource, ulong,
};
use pkcs11_host::ck::sys;
use pkcs11_host::exports::pkcs11::host::sessions::{
    GuestSession, PinSource, SessionMode, SessionState, UserType,
};
use pkcs11_host::exports::pkcs11::host::slots::{Guest as Slots, TokenFlags};
use pkcs11_host::exports::pkcs11::host::types::ErrorOrigin;
use pkcs11_host::{Bundle, SessionResource};

#[test]
fn a_wrong_pin_is_a_typed_error_and_the_right_one_logs_in() {
    let token = Token::new();
    let session = token.open();
    assert!(matches!(resource(&session).info().unwrap().state, SessionState::RwPublic));
    let error = login(&session, UserType::User, "wrong").unwrap_err();
    assert_eq!((error.code, error.name.as_str()), (0xa0, "CKR_PIN_INCORRECT"));
    assert_eq!((error.function.as_str(), error.origin), ("C_Login", ErrorOrigin::Module));
    assert!(
        Bundle::get_token_info(token.slot).unwrap().flags.contains(TokenFlags::USER_PIN_COUNT_LOW)
    );
    login(&session, UserType::User, PIN).unwrap();
    let info = resource(&session).info().unwrap();
    assert!(matches!(info.state, SessionState::RwUser));
    assert_eq!(info.mode, SessionMode::ReadWrite);
    assert_eq!(info.slot, token.slot);
    assert_eq!(name(login(&session, UserType::User, PIN)), "CKR_USER_ALREADY_LOGGED_IN");
    resource(&session).logout().unwrap();
    assert!(matches!(resource(&session).info().unwrap().state, SessionState::RwPublic));
}

#[test]
fn the_configured_pin_logs_in_unseen() {
    let token = Token::with(&[("pin", PIN), ("so-pin", SO_PIN)]);
    let session = token.open();
    resource(&session).login(UserType::User, PinSource::Configured).unwrap();
    resource(&session).logout().unwrap();
    resource(&session).login(UserType::So, PinSource::Configured).unwrap();
    assert!(matches!(resource(&session).info().unwrap().state, SessionState::RwSo));
}

#[test]
fn a_pin_file_is_read_without_its_line_end() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pin");
    std::fs::write(&file, format!("{PIN}\n")).unwrap();
    let token = Token::with(&[("pin-file", file.to_str().unwrap())]);
    let session = token.open();
    resource(&session).login(UserType::User, PinSource::Configured).unwrap();
}

#[test]
fn without_a_configured_pin_the_bundle_says_which_key_is_missing() {
    let token = Token::new();
    let session = token.open();
    let error = resource(&session).login(UserType::User, PinSource::Configured).unwrap_err();
    assert_eq!((error.name.as_str(), error.origin), ("CKR_ARGUMENTS_BAD", ErrorOrigin::Bundle));
    assert!(error.detail.contains("pin-file"), "{error:?}");
}

#[test]
fn a_refused_configured_pin_is_sent_once() {
    let token = Token::with(&[("pin", "not the PIN")]);
    let session = token.open();
    let attempt = || resource(&session).login(UserType::User, PinSource::Configured).unwrap_err();
    let first = attempt();
    assert_eq!((first.name.as_str(), first.origin), ("CKR_PIN_INCORRECT", ErrorOrigin::Module));
    let second = attempt();
    assert_eq!((second.name.as_str(), second.origin), ("CKR_PIN_INCORRECT", ErrorOrigin::Bundle));
    // A PIN that the guest gives is not the bundle's to hold back.
    login(&session, UserType::User, PIN).unwrap();
}

#[test]
fn pins_are_changed() {
    let token = Token::new();
    let session = token.user();
    let new = "another-pin";
    let change =
        |old: &str, new: &str| resource(&session).set_pin(Some((old.to_owned(), new.to_owned())));
    assert_eq!(name(change("wrong", new)), "CKR_PIN_INCORRECT");
    assert_eq!(name(change(PIN, "1")), "CKR_PIN_LEN_RANGE");
    change(PIN, new).unwrap();
    resource(&session).logout().unwrap();
    assert_eq!(name(login(&session, UserType::User, PIN)), "CKR_PIN_INCORRECT");
    login(&session, UserType::User, new).unwrap();
    let officer = resource(&session).init_pin(Some(PIN.to_owned()));
    assert_eq!(name(officer), "CKR_USER_NOT_LOGGED_IN");
}

#[test]
fn a_full_session_table_is_a_typed_error() {
    let token = Token::with(&[("max-sessions", "2")]);
    let (first, _second) = (token.open(), token.open());
    let error = SessionResource::open(token.slot, SessionMode::ReadOnly).unwrap_err();
    assert_eq!((error.name.as_str(), error.code), ("CKR_SESSION_COUNT", 0xb1));
    assert!(error.detail.contains("max-sessions"), "{error:?}");
    drop(first);
    // A dropped session made room.
    let third = token.open();
    resource(&third).close().unwrap();
    let _fourth = token.open();
}

#[test]
fn a_closed_session_and_its_objects_are_dead() {
    let token = Token::new();
    let other = token.user();
    let session = token.open();
    let (_, private) = ec_pair(&session);
    let public = ec_pair(&other).0;
    resource(&session).close().unwrap();
    assert_eq!(name(resource(&session).info()), "CKR_SESSION_HANDLE_INVALID");
    assert_eq!(name(resource(&session).close()), "CKR_SESSION_HANDLE_INVALID");
    assert_eq!(name(resource(&session).generate_random(1)), "CKR_SESSION_HANDLE_INVALID");
    assert_eq!(name(private.attribute(sys::CKA_LABEL)), "CKR_OBJECT_HANDLE_INVALID");
    let signature = resource(&other).sign(plain(sys::CKM_ECDSA), private.lend(), vec![1; 32]);
    assert_eq!(name(signature), "CKR_KEY_HANDLE_INVALID");
    // The other session is not touched.
    public.attribute(sys::CKA_EC_POINT).unwrap();
}

#[test]
fn a_dropped_session_leaves_no_session_objects() {
    let token = Token::new();
    let observer = token.user();
    let session = token.open();
    let (_public, _private) = ec_pair(&session);
    assert_eq!(resource(&observer).find_objects(Vec::new(), None).unwrap().len(), 2);
    drop(session);
    assert_eq!(resource(&observer).find_objects(Vec::new(), None).unwrap().len(), 0);
}

#[test]
fn sessions_share_the_login_and_keys() {
    let token = Token::new();
    let first = token.user();
    let second = token.open();
    assert!(matches!(resource(&second).info().unwrap().state, SessionState::RwUser));
    let (public, private) = ec_pair(&first);
    let sign = resource(&second).sign(plain(sys::CKM_ECDSA), private.lend(), vec![7; 32]);
    let signature = sign.unwrap();
    let verify = plain(sys::CKM_ECDSA);
    resource(&second).verify(verify, public.lend(), vec![7; 32], signature).unwrap();
}

#[test]
fn reading_only_is_enforced_by_the_bundle_and_by_the_module() {
    let token = Token::with(&[("read-only", "true")]);
    let error = SessionResource::open(token.slot, SessionMode::ReadWrite).unwrap_err();
    assert_eq!(error.name, "CKR_TOKEN_WRITE_PROTECTED");
    assert_eq!(error.origin, ErrorOrigin::Bundle);
    let session = SessionResource::open(token.slot, SessionMode::ReadOnly).unwrap();
    login(&session, UserType::User, PIN).unwrap();
    assert!(matches!(resource(&session).info().unwrap().state, SessionState::RoUser));
    let template = vec![ulong(sys::CKA_CLASS, sys::CKO_DATA), boolean(sys::CKA_TOKEN, true)];
    let made = resource(&session).create_object(template);
    assert_eq!(name(made), "CKR_SESSION_READ_ONLY");
    let erased = Bundle::init_token(token.slot, Some(SO_PIN.to_owned()), "x".to_owned());
    assert_eq!(name(erased), "CKR_TOKEN_WRITE_PROTECTED");
}

#[test]
fn a_token_is_not_initialized_under_an_open_session() {
    let token = Token::new();
    let _session = token.open();
    let erased = Bundle::init_token(token.slot, Some(SO_PIN.to_owned()), "x".to_owned());
    assert_eq!(name(erased), "CKR_SESSION_EXISTS");
    let long = "a label that is longer than thirty-two bytes";
    let erased = Bundle::init_token(token.slot, Some(SO_PIN.to_owned()), long.to_owned());
    assert_eq!(name(erased), "CKR_ARGUMENTS_BAD");
}

#[test]
fn a_removed_token_is_a_typed_error() {
    let token = Token::new();
    let session = token.user();
    let (_, private) = ec_pair(&session);
    let object = resource(&session).create_object(vec![
        ulong(sys::CKA_CLASS, sys::CKO_DATA),
        boolean(sys::CKA_TOKEN, true),
        bytes(sys::CKA_LABEL, b"kept on the token"),
    ]);
    let object = Key::new(object.unwrap());
    std::fs::remove_dir_all(token.path()).unwrap();
    // SoftHSM finds out when it next looks at what is on the token.
    let gone = object.set(vec![bytes(sys::CKA_LABEL, b"new")]).unwrap_err();
    assert_eq!(
        (gone.name.as_str(), gone.origin),
        ("CKR_OBJECT_HANDLE_INVALID", ErrorOrigin::Module)
    );
    let gone = Bundle::get_token_info(token.slot).unwrap_err();
    assert_eq!((gone.function.as_str(), gone.origin), ("C_GetTokenInfo", ErrorOrigin::Module));
    // Closing what is left is no surprise.
    drop(private);
    drop(session);
}

#[test]
fn a_slot_without_a_usable_token_is_a_typed_error() {
    let token = Token::new();
    let free = Bundle::get_slot_list(true).unwrap().into_iter().find(|slot| *slot != token.slot);
    let error = SessionResource::open(free.unwrap(), SessionMode::ReadOnly).unwrap_err();
    assert_eq!((error.name.as_str(), error.code), ("CKR_TOKEN_NOT_RECOGNIZED", 0xe1));
    assert_eq!((error.function.as_str(), error.origin), ("C_OpenSession", ErrorOrigin::Module));
}

#[test]
fn after_the_end_of_the_module_everything_fails_and_nothing_crashes() {
    let token = Token::new();
    let session = token.user();
    let (public, _) = ec_pair(&session);
    pkcs11_host::shutdown();
    assert_eq!(name(resource(&session).info()), "CKR_CRYPTOKI_NOT_INITIALIZED");
    assert_eq!(name(public.attribute(sys::CKA_LABEL)), "CKR_CRYPTOKI_NOT_INITIALIZED");
    drop(session);
    assert_eq!(name(Bundle::get_info()), "CKR_CRYPTOKI_NOT_INITIALIZED");
}
