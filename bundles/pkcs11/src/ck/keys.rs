//! Objects made: imported, generated, unwrapped, derived; keys wrapped; random bytes.

use cryptoki_sys::{CK_MECHANISM, CK_OBJECT_HANDLE, CKR_ARGUMENTS_BAD};

use super::error::{Error, Result, check};
use super::limits::RANDOM_BYTES_MAX;
use super::mechanism::Mechanism;
use super::module::function;
use super::object::Object;
use super::output;
use super::session::Session;
use super::template::{Attribute, Template};
use super::ulong::length;

impl Session {
    /// `C_CreateObject`.
    ///
    /// # Errors
    /// What the module returned.
    pub fn create(&self, attributes: Vec<Attribute>) -> Result<Object> {
        const NAME: &str = "C_CreateObject";
        let call = function!(self.core.module, C_CreateObject)?;
        let session = self.core.handle(NAME)?;
        let mut template = Template::new(NAME, attributes)?;
        let mut object: CK_OBJECT_HANDLE = 0;
        // SAFETY: `call` is the module's C_CreateObject; the template has that many entries and
        // lives during the call, and `object` is writable.
        let returned =
            unsafe { call(session, template.pointer(), template.count(), &raw mut object) };
        check(NAME, returned)?;
        Ok(Object::new(&self.core, object))
    }

    /// `C_GenerateKey`.
    ///
    /// # Errors
    /// What the module returned.
    pub fn generate_key(
        &self,
        mut mechanism: Mechanism,
        attributes: Vec<Attribute>,
    ) -> Result<Object> {
        const NAME: &str = "C_GenerateKey";
        let call = function!(self.core.module, C_GenerateKey)?;
        let session = self.core.handle(NAME)?;
        let mut template = Template::new(NAME, attributes)?;
        let mut raw: CK_MECHANISM = mechanism.raw();
        let mut key: CK_OBJECT_HANDLE = 0;
        let (list, count) = (template.pointer(), template.count());
        // SAFETY: `call` is the module's C_GenerateKey; mechanism and template live during the
        // call, `count` is the template's length, and `key` is writable.
        let returned = unsafe { call(session, &raw mut raw, list, count, &raw mut key) };
        check(NAME, returned)?;
        Ok(Object::new(&self.core, key))
    }

    /// `C_GenerateKeyPair`: the public key, then the private one.
    ///
    /// # Errors
    /// What the module returned.
    pub fn generate_key_pair(
        &self,
        mut mechanism: Mechanism,
        public: Vec<Attribute>,
        private: Vec<Attribute>,
    ) -> Result<(Object, Object)> {
        const NAME: &str = "C_GenerateKeyPair";
        let call = function!(self.core.module, C_GenerateKeyPair)?;
        let session = self.core.handle(NAME)?;
        let mut public = Template::new(NAME, public)?;
        let mut private = Template::new(NAME, private)?;
        let mut raw: CK_MECHANISM = mechanism.raw();
        let (mut public_key, mut private_key): (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) = (0, 0);
        // SAFETY: `call` is the module's C_GenerateKeyPair; the mechanism and both templates live
        // during the call, each with its own length, and both keys are writable.
        let returned = unsafe {
            call(
                session,
                &raw mut raw,
                public.pointer(),
                public.count(),
                private.pointer(),
                private.count(),
                &raw mut public_key,
                &raw mut private_key,
            )
        };
        check(NAME, returned)?;
        Ok((Object::new(&self.core, public_key), Object::new(&self.core, private_key)))
    }

    /// `C_WrapKey`.
    ///
    /// # Errors
    /// What the module returned.
    pub fn wrap(&self, mut mechanism: Mechanism, with: &Object, key: &Object) -> Result<Vec<u8>> {
        const NAME: &str = "C_WrapKey";
        let call = function!(self.core.module, C_WrapKey)?;
        let session = self.core.handle(NAME)?;
        let (with, key) = (self.key(NAME, with)?, self.key(NAME, key)?);
        let mut raw: CK_MECHANISM = mechanism.raw();
        output::bytes(NAME, 0, |pointer, used| {
            // SAFETY: `call` is the module's C_WrapKey; the mechanism lives during the call,
            // `pointer` leads to `used` writable bytes, and `used` is writable.
            unsafe { call(session, &raw mut raw, with, key, pointer, used) }
        })
    }

    /// `C_UnwrapKey`.
    ///
    /// # Errors
    /// What the module returned.
    pub fn unwrap(
        &self,
        mut mechanism: Mechanism,
        with: &Object,
        wrapped: &[u8],
        attributes: Vec<Attribute>,
    ) -> Result<Object> {
        const NAME: &str = "C_UnwrapKey";
        let call = function!(self.core.module, C_UnwrapKey)?;
        let session = self.core.handle(NAME)?;
        let with = self.key(NAME, with)?;
        let mut template = Template::new(NAME, attributes)?;
        let mut raw: CK_MECHANISM = mechanism.raw();
        let mut key: CK_OBJECT_HANDLE = 0;
        let (list, count) = (template.pointer(), template.count());
        let (input, bytes) = (wrapped.as_ptr().cast_mut(), length(wrapped.len()));
        // SAFETY: `call` is the module's C_UnwrapKey, which reads `bytes` bytes at `input` and
        // writes none; mechanism and template live during the call, and `key` is writable.
        let returned =
            unsafe { call(session, &raw mut raw, with, input, bytes, list, count, &raw mut key) };
        check(NAME, returned)?;
        Ok(Object::new(&self.core, key))
    }

    /// `C_DeriveKey`.
    ///
    /// # Errors
    /// What the module returned.
    pub fn derive(
        &self,
        mut mechanism: Mechanism,
        base: &Object,
        attributes: Vec<Attribute>,
    ) -> Result<Object> {
        const NAME: &str = "C_DeriveKey";
        let call = function!(self.core.module, C_DeriveKey)?;
        let session = self.core.handle(NAME)?;
        let base = self.key(NAME, base)?;
        let mut template = Template::new(NAME, attributes)?;
        let mut raw: CK_MECHANISM = mechanism.raw();
        let mut key: CK_OBJECT_HANDLE = 0;
        let (list, count) = (template.pointer(), template.count());
        // SAFETY: `call` is the module's C_DeriveKey; mechanism and template live during the call,
        // `count` is the template's length, and `key` is writable.
        let returned = unsafe { call(session, &raw mut raw, base, list, count, &raw mut key) };
        check(NAME, returned)?;
        Ok(Object::new(&self.core, key))
    }

    /// `C_GenerateRandom`.
    ///
    /// # Errors
    /// What the module returned; `CKR_ARGUMENTS_BAD` for more than [`RANDOM_BYTES_MAX`].
    pub fn random(&self, bytes: usize) -> Result<Vec<u8>> {
        const NAME: &str = "C_GenerateRandom";
        let call = function!(self.core.module, C_GenerateRandom)?;
        let session = self.core.handle(NAME)?;
        if bytes > RANDOM_BYTES_MAX {
            let why = format!("at most {RANDOM_BYTES_MAX} random bytes are given at once");
            return Err(Error::bundle(NAME, CKR_ARGUMENTS_BAD, why));
        }
        if bytes == 0 {
            return Ok(Vec::new());
        }
        let mut random = vec![0; bytes];
        // SAFETY: `call` is the module's C_GenerateRandom; `random` has `bytes` writable bytes.
        check(NAME, unsafe { call(session, random.as_mut_ptr(), length(bytes)) })?;
        Ok(random)
    }
}
