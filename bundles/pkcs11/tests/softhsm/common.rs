//! A SoftHSM token of its own for each test, and the bundle as its caller sees it.
#![allow(
    unsafe_code,
    reason = "an object's handle is passed as a caller of the library does it, which the generated \
              code leaves to unsafe functions"
)]

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pkcs11_host::Bundle;
use pkcs11_host::ck::sys;
use pkcs11_host::exports::pkcs11::host::sessions::{
    GuestObject, GuestSession, Object, ObjectBorrow, PinSource, Session, SessionMode, UserType,
};
use pkcs11_host::exports::pkcs11::host::slots::Guest as Slots;
use pkcs11_host::exports::pkcs11::host::types::{
    Attribute, AttributeState, AttributeValue, Error, Mechanism, MechanismParameters,
};
use pkcs11_host::exports::wrun::bundle::lifecycle::Guest as Lifecycle;
use pkcs11_host::{ObjectResource, SessionResource};

/// The PIN of the user of every test's token.
pub(crate) const PIN: &str = "1234-user";
/// The PIN of its security officer.
pub(crate) const SO_PIN: &str = "5678-officer";
/// The label of its token.
pub(crate) const LABEL: &str = "a token";

/// A PKCS#11 module and its configuration are one for a process, so tests take turns.
static TURN: Mutex<()> = Mutex::new(());

/// An initialized bundle with an initialized token. Dropping it ends both.
pub(crate) struct Token {
    pub(crate) slot: u64,
    directory: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Token {
    /// With the module as its only setting.
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// With more settings.
    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        let mut token = Self { slot: 0, directory: directory(), _turn: turn() };
        token.start(&[]);
        let free = Bundle::get_slot_list(true).unwrap()[0];
        Bundle::init_token(free, Some(SO_PIN.to_owned()), LABEL.to_owned()).unwrap();
        token.slot = token.find();
        let session = token.open();
        login(&session, UserType::So, SO_PIN).unwrap();
        resource(&session).init_pin(Some(PIN.to_owned())).unwrap();
        drop(session);
        if !settings.is_empty() {
            pkcs11_host::shutdown();
            token.start(settings);
            token.slot = token.find();
        }
        token
    }

    /// `init` with these settings besides the module and its configuration.
    fn start(&self, settings: &[(&str, &str)]) {
        Bundle::init(self.settings(settings)).unwrap();
    }

    /// The settings of this token and these.
    pub(crate) fn settings(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let conf = self.directory.path().join("softhsm2.conf");
        let own = [
            ("module".to_owned(), softhsm().display().to_string()),
            ("env.SOFTHSM2_CONF".to_owned(), conf.display().to_string()),
        ];
        let more = more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        own.into_iter().chain(more).collect()
    }

    /// The token's own directory.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("tokens")
    }

    /// The slot of the token with the label.
    fn find(&self) -> u64 {
        let slots = Bundle::get_slot_list(true).unwrap();
        let named = |slot: &u64| Bundle::get_token_info(*slot).unwrap().label == LABEL;
        slots.into_iter().find(named).unwrap()
    }

    /// A read-write session.
    pub(crate) fn open(&self) -> Session {
        SessionResource::open(self.slot, SessionMode::ReadWrite).unwrap()
    }

    /// A read-write session with the user logged in.
    pub(crate) fn user(&self) -> Session {
        let session = self.open();
        login(&session, UserType::User, PIN).unwrap();
        session
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        pkcs11_host::shutdown();
    }
}

/// Wait for this test's turn, without a token.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An empty token directory and the configuration that names it.
pub(crate) fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let tokens = directory.path().join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let conf = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
        tokens.display()
    );
    std::fs::write(directory.path().join("softhsm2.conf"), conf).unwrap();
    directory
}

/// The module.
pub(crate) fn softhsm() -> &'static Path {
    const PLACES: &[&str] = &[
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
        "/usr/lib64/softhsm/libsofthsm2.so",
    ];
    match PLACES.iter().map(Path::new).find(|path| path.exists()) {
        Some(path) => path,
        None => panic!(
            "these tests need SoftHSM, and libsofthsm2.so is in none of {PLACES:?}: install it \
             with `apt-get install softhsm2` (Debian, Ubuntu) or `dnf install softhsm` (Fedora)"
        ),
    }
}

/// The session behind a handle.
pub(crate) fn resource(session: &Session) -> &SessionResource {
    session.get()
}

pub(crate) fn login(session: &Session, user: UserType, pin: &str) -> Result<(), Error> {
    resource(session).login(user, PinSource::Given(pin.to_owned()))
}

/// The name of a failed call's code.
pub(crate) fn name<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => "CKR_OK".to_owned(),
        Err(error) => error.name,
    }
}

/// An object whose handle is the caller's, as it is for a guest.
pub(crate) struct Key(u32);

impl Key {
    pub(crate) fn new(object: Object) -> Self {
        Self(object.take_handle())
    }

    /// Its handle for one call.
    pub(crate) fn lend(&self) -> ObjectBorrow<'_> {
        // SAFETY: the handle is this value's own, and the borrow ends before it.
        unsafe { ObjectBorrow::lift(self.0) }
    }

    pub(crate) fn attribute(&self, kind: sys::CK_ATTRIBUTE_TYPE) -> Result<AttributeValue, Error> {
        self.lend().get::<ObjectResource>().get_attribute(kind)
    }

    pub(crate) fn attributes(
        &self,
        kinds: &[sys::CK_ATTRIBUTE_TYPE],
    ) -> Result<Vec<AttributeState>, Error> {
        self.lend().get::<ObjectResource>().get_attributes(kinds.to_vec())
    }

    pub(crate) fn bytes(&self, kind: sys::CK_ATTRIBUTE_TYPE) -> Vec<u8> {
        match self.attribute(kind).unwrap() {
            AttributeValue::Bytes(bytes) => bytes,
            other => panic!("attribute {kind:#x} is {other:?}"),
        }
    }

    pub(crate) fn set(&self, template: Vec<Attribute>) -> Result<(), Error> {
        self.lend().get::<ObjectResource>().set_attributes(template)
    }

    pub(crate) fn copy(&self, template: Vec<Attribute>) -> Result<Key, Error> {
        self.lend().get::<ObjectResource>().copy(template).map(Key::new)
    }

    pub(crate) fn destroy(&self) -> Result<(), Error> {
        self.lend().get::<ObjectResource>().destroy()
    }

    pub(crate) fn size(&self) -> Result<Option<u64>, Error> {
        self.lend().get::<ObjectResource>().size()
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: the handle is this value's own, and given back once.
        drop(unsafe { Object::from_handle(self.0) });
    }
}

pub(crate) fn bytes(kind: sys::CK_ATTRIBUTE_TYPE, value: &[u8]) -> Attribute {
    Attribute { type_: kind, value: AttributeValue::Bytes(value.to_vec()) }
}

pub(crate) fn boolean(kind: sys::CK_ATTRIBUTE_TYPE, value: bool) -> Attribute {
    Attribute { type_: kind, value: AttributeValue::Boolean(value) }
}

pub(crate) fn ulong(kind: sys::CK_ATTRIBUTE_TYPE, value: u64) -> Attribute {
    Attribute { type_: kind, value: AttributeValue::Ulong(value) }
}

pub(crate) fn plain(mechanism: sys::CK_MECHANISM_TYPE) -> Mechanism {
    with(mechanism, MechanismParameters::None)
}

pub(crate) fn with(
    mechanism: sys::CK_MECHANISM_TYPE,
    parameters: MechanismParameters,
) -> Mechanism {
    Mechanism { type_: mechanism, parameters }
}

/// The DER object identifier of P-256, prime256v1.
pub(crate) const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// A P-256 key pair for signing and deriving, in the session only: public, private.
pub(crate) fn ec_pair(session: &Session) -> (Key, Key) {
    let public = vec![
        bytes(sys::CKA_EC_PARAMS, P256),
        boolean(sys::CKA_VERIFY, true),
        boolean(sys::CKA_TOKEN, false),
    ];
    let private = vec![
        boolean(sys::CKA_SIGN, true),
        boolean(sys::CKA_DERIVE, true),
        boolean(sys::CKA_TOKEN, false),
    ];
    pair(session, plain(sys::CKM_EC_KEY_PAIR_GEN), public, private)
}

/// An RSA key pair of 2048 bits for everything, in the session only: public, private.
pub(crate) fn rsa_pair(session: &Session) -> (Key, Key) {
    let public = vec![
        ulong(sys::CKA_MODULUS_BITS, 2048),
        bytes(sys::CKA_PUBLIC_EXPONENT, &[1, 0, 1]),
        boolean(sys::CKA_VERIFY, true),
        boolean(sys::CKA_ENCRYPT, true),
        boolean(sys::CKA_WRAP, true),
        boolean(sys::CKA_TOKEN, false),
    ];
    let private = vec![
        boolean(sys::CKA_SIGN, true),
        boolean(sys::CKA_DECRYPT, true),
        boolean(sys::CKA_UNWRAP, true),
        boolean(sys::CKA_TOKEN, false),
    ];
    pair(session, plain(sys::CKM_RSA_PKCS_KEY_PAIR_GEN), public, private)
}

fn pair(
    session: &Session,
    mechanism: Mechanism,
    public: Vec<Attribute>,
    private: Vec<Attribute>,
) -> (Key, Key) {
    let pair = resource(session).generate_key_pair(mechanism, public, private).unwrap();
    (Key::new(pair.public_key), Key::new(pair.private_key))
}

/// A secret key with this value, in the session only, readable, and good for everything.
pub(crate) fn secret(session: &Session, kind: sys::CK_KEY_TYPE, value: &[u8]) -> Key {
    let template = vec![
        ulong(sys::CKA_CLASS, sys::CKO_SECRET_KEY),
        ulong(sys::CKA_KEY_TYPE, kind),
        bytes(sys::CKA_VALUE, value),
        boolean(sys::CKA_TOKEN, false),
        boolean(sys::CKA_SENSITIVE, false),
        boolean(sys::CKA_EXTRACTABLE, true),
        boolean(sys::CKA_ENCRYPT, true),
        boolean(sys::CKA_DECRYPT, true),
        boolean(sys::CKA_SIGN, true),
        boolean(sys::CKA_VERIFY, true),
        boolean(sys::CKA_WRAP, true),
        boolean(sys::CKA_UNWRAP, true),
        boolean(sys::CKA_DERIVE, true),
    ];
    Key::new(resource(session).create_object(template).unwrap())
}

/// Bytes from hexadecimal digits.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digit = |place: usize| u8::from_str_radix(&digits[place..place + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(digit).collect()
}
