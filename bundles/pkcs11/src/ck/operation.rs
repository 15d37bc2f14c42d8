//! Operations on data: begin, pass data through, finish. The C functions have five shapes, so each
//! shape is called in one place.

use cryptoki_sys::{CK_BYTE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG};

use super::error::{Result, check};
use super::mechanism::Mechanism;
use super::module::{Module, function};
use super::object::Object;
use super::output;
use super::session::{Core, Session};
use super::ulong::length;

/// An operation that begins with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyed {
    /// `C_SignInit`.
    Sign,
    /// `C_SignRecoverInit`.
    SignRecover,
    /// `C_VerifyInit`.
    Verify,
    /// `C_VerifyRecoverInit`.
    VerifyRecover,
    /// `C_EncryptInit`.
    Encrypt,
    /// `C_DecryptInit`.
    Decrypt,
}

/// A function from data to data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transform {
    /// `C_Sign`.
    Sign,
    /// `C_SignRecover`.
    SignRecover,
    /// `C_VerifyRecover`.
    VerifyRecover,
    /// `C_Encrypt`.
    Encrypt,
    /// `C_EncryptUpdate`.
    EncryptUpdate,
    /// `C_Decrypt`.
    Decrypt,
    /// `C_DecryptUpdate`.
    DecryptUpdate,
    /// `C_Digest`.
    Digest,
    /// `C_DigestEncryptUpdate`.
    DigestEncryptUpdate,
    /// `C_DecryptDigestUpdate`.
    DecryptDigestUpdate,
    /// `C_SignEncryptUpdate`.
    SignEncryptUpdate,
    /// `C_DecryptVerifyUpdate`.
    DecryptVerifyUpdate,
}

/// A function that takes data and gives none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feed {
    /// `C_SignUpdate`.
    Sign,
    /// `C_VerifyUpdate`.
    Verify,
    /// `C_VerifyFinal`: the data is the signature.
    VerifyFinal,
    /// `C_DigestUpdate`.
    Digest,
    /// `C_SeedRandom`.
    SeedRandom,
}

/// A function that ends an operation with data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// `C_SignFinal`.
    Sign,
    /// `C_EncryptFinal`.
    Encrypt,
    /// `C_DecryptFinal`.
    Decrypt,
    /// `C_DigestFinal`.
    Digest,
}

/// A place for one running operation. A session has one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    Keyed(Keyed),
    Digest,
}

type BeginFn =
    unsafe extern "C" fn(CK_SESSION_HANDLE, *mut CK_MECHANISM, CK_OBJECT_HANDLE) -> CK_RV;
type TransformFn = unsafe extern "C" fn(
    CK_SESSION_HANDLE,
    *mut CK_BYTE,
    CK_ULONG,
    *mut CK_BYTE,
    *mut CK_ULONG,
) -> CK_RV;
type FeedFn = unsafe extern "C" fn(CK_SESSION_HANDLE, *mut CK_BYTE, CK_ULONG) -> CK_RV;
type FinishFn = unsafe extern "C" fn(CK_SESSION_HANDLE, *mut CK_BYTE, *mut CK_ULONG) -> CK_RV;

/// A function's name and the function.
macro_rules! named {
    ($module:expr, $name:ident) => {
        (stringify!($name), function!($module, $name)?)
    };
}

impl Keyed {
    fn function(self, module: &Module) -> Result<(&'static str, BeginFn)> {
        Ok(match self {
            Self::Sign => named!(module, C_SignInit),
            Self::SignRecover => named!(module, C_SignRecoverInit),
            Self::Verify => named!(module, C_VerifyInit),
            Self::VerifyRecover => named!(module, C_VerifyRecoverInit),
            Self::Encrypt => named!(module, C_EncryptInit),
            Self::Decrypt => named!(module, C_DecryptInit),
        })
    }
}

impl Transform {
    fn function(self, module: &Module) -> Result<(&'static str, TransformFn)> {
        Ok(match self {
            Self::Sign => named!(module, C_Sign),
            Self::SignRecover => named!(module, C_SignRecover),
            Self::VerifyRecover => named!(module, C_VerifyRecover),
            Self::Encrypt => named!(module, C_Encrypt),
            Self::EncryptUpdate => named!(module, C_EncryptUpdate),
            Self::Decrypt => named!(module, C_Decrypt),
            Self::DecryptUpdate => named!(module, C_DecryptUpdate),
            Self::Digest => named!(module, C_Digest),
            Self::DigestEncryptUpdate => named!(module, C_DigestEncryptUpdate),
            Self::DecryptDigestUpdate => named!(module, C_DecryptDigestUpdate),
            Self::SignEncryptUpdate => named!(module, C_SignEncryptUpdate),
            Self::DecryptVerifyUpdate => named!(module, C_DecryptVerifyUpdate),
        })
    }
}

impl Feed {
    fn function(self, module: &Module) -> Result<(&'static str, FeedFn)> {
        Ok(match self {
            Self::Sign => named!(module, C_SignUpdate),
            Self::Verify => named!(module, C_VerifyUpdate),
            Self::VerifyFinal => named!(module, C_VerifyFinal),
            Self::Digest => named!(module, C_DigestUpdate),
            Self::SeedRandom => named!(module, C_SeedRandom),
        })
    }
}

impl Finish {
    fn function(self, module: &Module) -> Result<(&'static str, FinishFn)> {
        Ok(match self {
            Self::Sign => named!(module, C_SignFinal),
            Self::Encrypt => named!(module, C_EncryptFinal),
            Self::Decrypt => named!(module, C_DecryptFinal),
            Self::Digest => named!(module, C_DigestFinal),
        })
    }
}

impl Session {
    /// Begin an operation with a key.
    ///
    /// # Errors
    /// What the module returned; `CKR_KEY_HANDLE_INVALID` for a key of a closed session or of
    /// another token.
    pub fn begin(&self, what: Keyed, mut mechanism: Mechanism, key: &Object) -> Result<()> {
        let (name, call) = what.function(&self.core.module)?;
        let session = self.core.handle(name)?;
        let key = self.key(name, key)?;
        let mut raw = mechanism.raw();
        // SAFETY: `call` is the named Init function; the mechanism lives during the call, and its
        // parameter until the next operation of this kind begins (`keep`).
        check(name, unsafe { call(session, &raw mut raw, key) })?;
        self.core.keep(Slot::Keyed(what), mechanism);
        Ok(())
    }

    /// `C_DigestInit`.
    ///
    /// # Errors
    /// What the module returned.
    pub fn begin_digest(&self, mut mechanism: Mechanism) -> Result<()> {
        const NAME: &str = "C_DigestInit";
        let call = function!(self.core.module, C_DigestInit)?;
        let session = self.core.handle(NAME)?;
        let mut raw = mechanism.raw();
        // SAFETY: `call` is the module's C_DigestInit; the mechanism lives during the call, and its
        // parameter until the next digest begins (`keep`).
        check(NAME, unsafe { call(session, &raw mut raw) })?;
        self.core.keep(Slot::Digest, mechanism);
        Ok(())
    }

    /// `C_DigestKey`.
    ///
    /// # Errors
    /// What the module returned.
    pub fn digest_key(&self, key: &Object) -> Result<()> {
        const NAME: &str = "C_DigestKey";
        let call = function!(self.core.module, C_DigestKey)?;
        let session = self.core.handle(NAME)?;
        let key = self.key(NAME, key)?;
        // SAFETY: `call` is the module's C_DigestKey, which takes nothing but handles.
        check(NAME, unsafe { call(session, key) })
    }

    /// Pass data through the running operation.
    ///
    /// # Errors
    /// What the module returned; an output longer than the limit.
    pub fn transform(&self, what: Transform, data: &[u8]) -> Result<Vec<u8>> {
        let (name, call) = what.function(&self.core.module)?;
        let session = self.core.handle(name)?;
        let (input, bytes) = (data.as_ptr().cast_mut(), length(data.len()));
        output::bytes(name, data.len(), |pointer, used| {
            // SAFETY: `call` is the named function, which reads `bytes` bytes at `input` and writes
            // none there; `pointer` leads to `used` writable bytes, and `used` is writable.
            unsafe { call(session, input, bytes, pointer, used) }
        })
    }

    /// Give data to the running operation.
    ///
    /// # Errors
    /// What the module returned.
    pub fn feed(&self, what: Feed, data: &[u8]) -> Result<()> {
        let (name, call) = what.function(&self.core.module)?;
        let session = self.core.handle(name)?;
        let (input, bytes) = (data.as_ptr().cast_mut(), length(data.len()));
        // SAFETY: `call` is the named function, which reads `bytes` bytes at `input` and writes
        // none.
        check(name, unsafe { call(session, input, bytes) })
    }

    /// End the running operation.
    ///
    /// # Errors
    /// What the module returned; an output longer than the limit.
    pub fn finish(&self, what: Finish) -> Result<Vec<u8>> {
        let (name, call) = what.function(&self.core.module)?;
        let session = self.core.handle(name)?;
        output::bytes(name, 0, |pointer, used| {
            // SAFETY: `call` is the named function; `pointer` leads to `used` writable bytes, and
            // `used` is writable.
            unsafe { call(session, pointer, used) }
        })
    }

    /// `C_Verify`: only `Ok` means that the signature is right.
    ///
    /// # Errors
    /// What the module returned: `CKR_SIGNATURE_INVALID` for one that is not.
    pub fn verify(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        const NAME: &str = "C_Verify";
        let call = function!(self.core.module, C_Verify)?;
        let session = self.core.handle(NAME)?;
        let (input, bytes) = (data.as_ptr().cast_mut(), length(data.len()));
        let (signature, signature_bytes) = (signature.as_ptr().cast_mut(), length(signature.len()));
        // SAFETY: `call` is the module's C_Verify, which reads both runs of bytes, each as long as
        // it is told, and writes none.
        check(NAME, unsafe { call(session, input, bytes, signature, signature_bytes) })
    }
}

impl Core {
    /// Hold a mechanism's memory while its operation may be running.
    fn keep(&self, slot: Slot, mechanism: Mechanism) {
        let mut running = self.running.borrow_mut();
        running.retain(|(other, _)| *other != slot);
        running.push((slot, mechanism));
    }
}
