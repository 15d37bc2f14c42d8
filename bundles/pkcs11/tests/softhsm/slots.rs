//! The interface `slots`, and what the operator shows of it.

use crate::common::{LABEL, Token, name, softhsm, turn};
use pkcs11_host::Bundle;
use pkcs11_host::SessionResource;
use pkcs11_host::ck::sys;
use pkcs11_host::exports::pkcs11::host::sessions::{GuestSession, SessionMode};
use pkcs11_host::exports::pkcs11::host::slots::{
    Guest as Slots, MechanismFlags, SessionLimit, SlotFlags, TokenFlags,
};
use pkcs11_host::exports::pkcs11::host::types::ErrorOrigin;
use pkcs11_host::exports::wrun::bundle::lifecycle::Guest as Lifecycle;

#[test]
fn the_module_and_its_token_are_described() {
    let token = Token::new();
    let info = Bundle::get_info().unwrap();
    assert_eq!(info.cryptoki_version.major, 2);
    assert_eq!(info.manufacturer_id, "SoftHSM");
    assert_eq!(info.ulong_bytes, 8);

    let slot = Bundle::get_slot_info(token.slot).unwrap();
    assert_eq!(slot.flags, SlotFlags::TOKEN_PRESENT);
    assert_eq!(slot.raw_flags, 1);
    assert!(slot.slot_description.starts_with("SoftHSM slot ID"), "{slot:?}");

    let info = Bundle::get_token_info(token.slot).unwrap();
    assert_eq!((info.label.as_str(), info.model.as_str()), (LABEL, "SoftHSM v2"));
    assert_eq!(info.serial_number.len(), 16);
    assert!(info.flags.contains(
        TokenFlags::RNG
            | TokenFlags::LOGIN_REQUIRED
            | TokenFlags::USER_PIN_INITIALIZED
            | TokenFlags::TOKEN_INITIALIZED
    ));
    assert!(matches!(info.max_session_count, SessionLimit::Unlimited));
    assert_eq!(info.session_count, None, "SoftHSM does not tell");
    assert_eq!(info.total_public_memory, None, "SoftHSM does not tell");
    assert_eq!((info.min_pin_length, info.max_pin_length), (4, 255));
}

#[test]
fn slots_are_listed_with_and_without_token() {
    let token = Token::new();
    let with = Bundle::get_slot_list(true).unwrap();
    let all = Bundle::get_slot_list(false).unwrap();
    assert!(with.contains(&token.slot) && all.contains(&token.slot));
    let error = Bundle::get_slot_info(4_000_000_000).unwrap_err();
    assert_eq!((error.name.as_str(), error.code), ("CKR_SLOT_ID_INVALID", 3));
    assert_eq!((error.function.as_str(), error.origin), ("C_GetSlotInfo", ErrorOrigin::Module));
}

#[test]
fn mechanisms_are_listed_with_what_they_do() {
    let token = Token::new();
    let mechanisms = Bundle::get_mechanism_list(token.slot).unwrap();
    assert!(mechanisms.len() > 50);
    assert!(mechanisms.contains(&sys::CKM_ECDSA));
    let ecdsa = Bundle::get_mechanism_info(token.slot, sys::CKM_ECDSA).unwrap();
    assert!(ecdsa.flags.contains(MechanismFlags::SIGN | MechanismFlags::VERIFY));
    assert!(!ecdsa.flags.contains(MechanismFlags::ENCRYPT));
    assert_eq!(ecdsa.max_key_size, 521);
    let lacking = Bundle::get_mechanism_info(token.slot, sys::CKM_VENDOR_DEFINED);
    assert_eq!(name(lacking), "CKR_MECHANISM_INVALID");
}

#[test]
fn one_token_can_be_shown_alone() {
    let token = Token::with(&[("token-label", LABEL)]);
    // SoftHSM always has one more slot, with a token that is not initialized.
    assert_eq!(Bundle::get_slot_list(false).unwrap(), [token.slot]);
    let other = token.slot.wrapping_add(1);
    assert!(Bundle::get_slot_info(other).is_err());
    drop(token);

    // Started a second time, so that the slot has its final number.
    let token = Token::with(&[("read-only", "false")]);
    pkcs11_host::shutdown();
    Bundle::init(token.settings(&[("token-serial", "0000")])).unwrap();
    assert_eq!(Bundle::get_slot_list(true).unwrap(), []);
    let error = Bundle::get_token_info(token.slot).unwrap_err();
    assert_eq!(error.name, "CKR_SLOT_ID_INVALID");
    assert_eq!(error.origin, ErrorOrigin::Bundle);
    let session = SessionResource::open(token.slot, SessionMode::ReadOnly);
    assert_eq!(name(session), "CKR_SLOT_ID_INVALID");
}

#[test]
fn only_allowed_mechanisms_are_shown() {
    let token = Token::with(&[("allow-mechanisms", "0x1041,0x250")]);
    let mut mechanisms = Bundle::get_mechanism_list(token.slot).unwrap();
    mechanisms.sort_unstable();
    assert_eq!(mechanisms, [sys::CKM_SHA256, sys::CKM_ECDSA]);
    let hidden = Bundle::get_mechanism_info(token.slot, sys::CKM_AES_CBC);
    assert_eq!(name(hidden), "CKR_MECHANISM_INVALID");
}

#[test]
fn no_event_is_no_error() {
    let _token = Token::new();
    // SoftHSM has no events to tell of: either answer is right, waiting would not be.
    let event = Bundle::poll_slot_event();
    assert!(matches!(&event, Ok(None)) || name(event) == "CKR_FUNCTION_NOT_SUPPORTED");
}

#[test]
fn a_blocked_function_is_refused_by_the_bundle() {
    let token = Token::with(&[("block-functions", "C_InitToken,C_GetMechanismInfo")]);
    let error = Bundle::get_mechanism_info(token.slot, sys::CKM_ECDSA).unwrap_err();
    assert_eq!(error.name, "CKR_ACTION_PROHIBITED");
    assert_eq!(error.origin, ErrorOrigin::Bundle);
    assert!(error.detail.contains("block-functions"), "{error:?}");
    let erased = Bundle::init_token(token.slot, None, "other".to_owned());
    assert_eq!(name(erased), "CKR_ACTION_PROHIBITED");
}

#[test]
fn before_init_every_call_says_so() {
    let _turn = turn();
    let error = Bundle::get_info().unwrap_err();
    assert_eq!(error.name, "CKR_CRYPTOKI_NOT_INITIALIZED");
    assert_eq!(error.origin, ErrorOrigin::Bundle);
}

#[test]
fn init_names_what_is_wrong_with_the_module() {
    let _turn = turn();
    let init = |path: &str| Bundle::init(vec![("module".to_owned(), path.to_owned())]);
    let error = init("/nowhere/module.so").unwrap_err();
    assert!(error.contains("/nowhere/module.so"), "{error}");
    let error = init("/lib/x86_64-linux-gnu/libm.so.6").unwrap_err();
    assert!(error.contains("no PKCS#11 module"), "{error}");
    let error = init("libsofthsm2.so").unwrap_err();
    assert!(error.contains("absolute"), "{error}");
    let path = softhsm().display().to_string();
    let pairs = [("module", path.as_str()), ("env.SOFTHSM2_CONF", "/nowhere/softhsm2.conf")];
    let pairs = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let error = Bundle::init(pairs.to_vec()).unwrap_err();
    assert!(error.contains("does not start") && error.contains("C_Initialize"), "{error}");
}

#[test]
fn init_is_once() {
    let token = Token::new();
    let error = Bundle::init(token.settings(&[])).unwrap_err();
    assert!(error.contains("already"), "{error}");
}

#[test]
fn quirks_do_not_change_what_works() {
    let token = Token::with(&[("no-locking", "true"), ("no-threads", "true")]);
    assert_eq!(Bundle::get_token_info(token.slot).unwrap().label, LABEL);
}

#[test]
fn init_args_reach_the_module() {
    let token = Token::new();
    pkcs11_host::shutdown();
    // SoftHSM takes none, and says so.
    let error = Bundle::init(token.settings(&[("init-args", "unwanted")])).unwrap_err();
    assert!(error.contains("C_Initialize failed with CKR_ARGUMENTS_BAD"), "{error}");
    Bundle::init(token.settings(&[])).unwrap();
}
