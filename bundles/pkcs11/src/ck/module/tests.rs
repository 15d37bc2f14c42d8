//! What SoftHSM never does: modules that cannot lock, lose their token, or lie.
//!
//! The functions below are a module for one test thread; [`Behaviour`] says how it misbehaves.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::cell::RefCell;

use cryptoki_sys as ck;
use cryptoki_sys::{
    CK_ATTRIBUTE, CK_FLAGS, CK_NOTIFY, CK_OBJECT_HANDLE, CK_SESSION_HANDLE, CK_SESSION_INFO,
    CK_SLOT_ID, CK_ULONG,
};

use super::*;
use crate::ck::{Origin, Session, User};

/// How the module behaves, and what it saw.
#[derive(Default)]
struct Behaviour {
    cannot_lock: bool,
    initialized_before: bool,
    /// What everything but opening and closing returns.
    returns: CK_RV,
    /// How many objects `C_FindObjects` claims to have written.
    claims: CK_ULONG,
    seen: Vec<String>,
}

thread_local! {
    static BEHAVIOUR: RefCell<Behaviour> = RefCell::default();
}

fn saw(what: impl Into<String>) -> CK_RV {
    BEHAVIOUR.with_borrow_mut(|behaviour| {
        behaviour.seen.push(what.into());
        behaviour.returns
    })
}

fn seen() -> Vec<String> {
    BEHAVIOUR.with_borrow(|behaviour| behaviour.seen.clone())
}

fn returns(code: CK_RV) {
    BEHAVIOUR.with_borrow_mut(|behaviour| behaviour.returns = code);
}

unsafe extern "C" fn initialize(arguments: *mut c_void) -> CK_RV {
    // SAFETY: the caller passes CK_C_INITIALIZE_ARGS.
    let flags = unsafe { (*arguments.cast::<CK_C_INITIALIZE_ARGS>()).flags };
    saw(format!("initialize {flags}"));
    BEHAVIOUR.with_borrow(|behaviour| match behaviour {
        Behaviour { cannot_lock: true, .. } if flags & CKF_OS_LOCKING_OK != 0 => CKR_CANT_LOCK,
        Behaviour { initialized_before: true, .. } => CKR_CRYPTOKI_ALREADY_INITIALIZED,
        _ => CKR_OK,
    })
}

unsafe extern "C" fn finalize(_: *mut c_void) -> CK_RV {
    saw("finalize")
}

unsafe extern "C" fn open(
    _: CK_SLOT_ID,
    _: CK_FLAGS,
    _: *mut c_void,
    _: CK_NOTIFY,
    session: *mut CK_SESSION_HANDLE,
) -> CK_RV {
    // SAFETY: the caller passes a writable handle. The number is always the same one, as when a
    // module reuses the numbers of closed sessions.
    unsafe { *session = 7 };
    saw("open")
}

unsafe extern "C" fn close(session: CK_SESSION_HANDLE) -> CK_RV {
    saw(format!("close {session}"))
}

unsafe extern "C" fn session_info(_: CK_SESSION_HANDLE, _: *mut CK_SESSION_INFO) -> CK_RV {
    saw("info")
}

unsafe extern "C" fn find_init(_: CK_SESSION_HANDLE, _: *mut CK_ATTRIBUTE, _: CK_ULONG) -> CK_RV {
    saw("find")
}

unsafe extern "C" fn find(
    _: CK_SESSION_HANDLE,
    _: *mut CK_OBJECT_HANDLE,
    _: CK_ULONG,
    count: *mut CK_ULONG,
) -> CK_RV {
    // SAFETY: the caller passes a writable number.
    BEHAVIOUR.with_borrow(|behaviour| unsafe { *count = behaviour.claims });
    CKR_OK
}

unsafe extern "C" fn find_final(_: CK_SESSION_HANDLE) -> CK_RV {
    saw("found")
}

/// A module with few functions.
fn module(behaviour: Behaviour, options: Options) -> Rc<Module> {
    BEHAVIOUR.set(behaviour);
    let list = CK_FUNCTION_LIST {
        C_Initialize: Some(initialize),
        C_Finalize: Some(finalize),
        C_OpenSession: Some(open),
        C_CloseSession: Some(close),
        C_GetSessionInfo: Some(session_info),
        C_FindObjectsInit: Some(find_init),
        C_FindObjects: Some(find),
        C_FindObjectsFinal: Some(find_final),
        ..CK_FUNCTION_LIST::default()
    };
    Module::start(list, options).unwrap()
}

#[test]
fn a_module_that_cannot_lock_is_asked_without() {
    let behaviour = Behaviour { cannot_lock: true, ..Behaviour::default() };
    let options = Options { no_threads: true, ..Options::default() };
    drop(module(behaviour, options));
    assert_eq!(seen(), ["initialize 3", "initialize 1", "finalize"]);
}

#[test]
fn a_module_is_finalized_once_and_only_if_it_was_initialized_here() {
    let ours = module(Behaviour::default(), Options::default());
    ours.finalize().unwrap();
    drop(ours);
    assert_eq!(seen(), ["initialize 2", "finalize"]);

    let foreign = Behaviour { initialized_before: true, ..Behaviour::default() };
    drop(module(foreign, Options::default()));
    assert_eq!(seen(), ["initialize 2"]);

    let options = Options { no_deinit: true, no_locking: true, ..Options::default() };
    drop(module(Behaviour::default(), options));
    assert_eq!(seen(), ["initialize 0"]);
}

#[test]
fn a_function_that_is_missing_or_blocked_is_not_called() {
    let blocked = BTreeSet::from(["C_GetSessionInfo".to_owned()]);
    let options = Options { blocked, ..Options::default() };
    let module = module(Behaviour::default(), options);
    let session = Session::open(&module, 0, false).unwrap();
    let error = session.login(User::User, None).unwrap_err();
    assert!(error.is(CKR_FUNCTION_NOT_SUPPORTED) && error.origin == Origin::Bundle);
    let error = session.info().unwrap_err();
    assert!(error.is(CKR_ACTION_PROHIBITED) && error.origin == Origin::Bundle);
    assert_eq!(seen(), ["initialize 2", "open"]);
}

#[test]
fn a_removed_token_and_a_full_table_are_the_modules_own_codes() {
    let module = module(Behaviour::default(), Options::default());
    let session = Session::open(&module, 0, false).unwrap();
    returns(ck::CKR_DEVICE_REMOVED);
    let error = session.info().unwrap_err();
    assert_eq!((error.name().as_ref(), error.origin), ("CKR_DEVICE_REMOVED", Origin::Module));
    for code in [ck::CKR_TOKEN_NOT_PRESENT, ck::CKR_SESSION_COUNT] {
        returns(code);
        let error = Session::open(&module, 0, false).unwrap_err();
        assert!(error.is(code) && error.origin == Origin::Module);
    }
    // The module closed the session with the token; it is closed for the guest too.
    returns(ck::CKR_SESSION_HANDLE_INVALID);
    assert!(session.close().is_err());
    returns(CKR_OK);
    assert!(session.info().unwrap_err().is(ck::CKR_SESSION_HANDLE_INVALID));
}

#[test]
fn the_number_of_a_closed_session_is_never_used_for_another() {
    let module = module(Behaviour::default(), Options::default());
    let first = Session::open(&module, 0, false).unwrap();
    first.close().unwrap();
    // The module gives the same number again.
    let second = Session::open(&module, 0, false).unwrap();
    assert!(first.info().is_err());
    assert!(first.close().is_err());
    drop(first);
    assert_eq!(seen(), ["initialize 2", "open", "close 7", "open"]);
    second.info().unwrap();
    drop(second);
    assert_eq!(seen().last().unwrap(), "close 7");
}

#[test]
fn a_search_that_claims_too_much_is_an_error_and_ends() {
    let claims = 1_000_000;
    let module = module(Behaviour { claims, ..Behaviour::default() }, Options::default());
    let session = Session::open(&module, 0, false).unwrap();
    let error = session.find(Vec::new(), None).unwrap_err();
    assert_eq!(error.origin, Origin::Bundle);
    assert_eq!(seen().last().unwrap(), "found");
}

#[test]
fn a_search_without_end_is_cut() {
    let claims = 256;
    let module = module(Behaviour { claims, ..Behaviour::default() }, Options::default());
    let session = Session::open(&module, 0, false).unwrap();
    let error = session.find(Vec::new(), None).unwrap_err();
    assert!(error.is(ck::CKR_HOST_MEMORY));
    assert_eq!(seen().last().unwrap(), "found");
    assert_eq!(session.find(Vec::new(), Some(1000)).unwrap_err().origin, Origin::Bundle);
    assert_eq!(session.find(Vec::new(), Some(512)).unwrap().len(), 512);
}
