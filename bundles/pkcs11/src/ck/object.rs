//! Objects: their attributes, their copies, their end.

use std::cell::Cell;
use std::rc::Rc;

use cryptoki_sys::{
    CK_OBJECT_HANDLE, CK_SESSION_HANDLE, CK_ULONG, CKR_ATTRIBUTE_SENSITIVE,
    CKR_ATTRIBUTE_TYPE_INVALID, CKR_OBJECT_HANDLE_INVALID,
};

use super::error::{Error, Result, check};
use super::module::function;
use super::read::{self, Reading};
use super::session::Core;
use super::template::{Attribute, Template, Value};
use super::ulong::{UNAVAILABLE, length, widen};

/// An object, by the handle that its session got. Dropping it forgets the handle.
#[derive(Debug)]
pub struct Object {
    core: Rc<Core>,
    handle: CK_OBJECT_HANDLE,
    /// Set by `destroy`: a module may give the number to another object.
    destroyed: Cell<bool>,
}

impl Object {
    pub(super) fn new(core: &Rc<Core>, handle: CK_OBJECT_HANDLE) -> Self {
        Self { core: Rc::clone(core), handle, destroyed: Cell::new(false) }
    }

    pub(super) fn core(&self) -> &Rc<Core> {
        &self.core
    }

    pub(super) fn handle(&self) -> CK_OBJECT_HANDLE {
        self.handle
    }

    /// False once it was destroyed or its session is closed.
    pub(super) fn is_alive(&self) -> bool {
        self.core.open.get() && !self.destroyed.get()
    }

    /// The module's number for the object.
    #[must_use]
    pub fn raw_handle(&self) -> u64 {
        widen(self.handle)
    }

    /// `C_GetAttributeValue`: one answer for each kind, in their order.
    ///
    /// # Errors
    /// What the module returned, other than about a single attribute; a length beyond the limit.
    pub fn attributes(&self, kinds: &[u64]) -> Result<Vec<Reading>> {
        const NAME: &str = "C_GetAttributeValue";
        let call = function!(self.core.module, C_GetAttributeValue)?;
        let session = self.session(NAME)?;
        read::attributes(kinds, |list| {
            // SAFETY: `call` is the module's C_GetAttributeValue; the list has as many entries as
            // it is told, each with a null pointer or one that leads to `ulValueLen` writable
            // bytes (`read::attributes` promises that).
            unsafe { call(session, self.handle, list.as_mut_ptr(), length(list.len())) }
        })
    }

    /// `C_GetAttributeValue` for one attribute.
    ///
    /// # Errors
    /// As [`Object::attributes`], and `CKR_ATTRIBUTE_SENSITIVE` or `CKR_ATTRIBUTE_TYPE_INVALID`.
    pub fn attribute(&self, kind: u64) -> Result<Value> {
        const NAME: &str = "C_GetAttributeValue";
        match self.attributes(&[kind])?.pop() {
            Some(Reading::Value(value)) => Ok(value),
            Some(Reading::Sensitive) => Err(Error::module(NAME, CKR_ATTRIBUTE_SENSITIVE)),
            Some(Reading::Absent) | None => Err(Error::module(NAME, CKR_ATTRIBUTE_TYPE_INVALID)),
        }
    }

    /// `C_SetAttributeValue`.
    ///
    /// # Errors
    /// What the module returned.
    pub fn set_attributes(&self, attributes: Vec<Attribute>) -> Result<()> {
        const NAME: &str = "C_SetAttributeValue";
        let call = function!(self.core.module, C_SetAttributeValue)?;
        let session = self.session(NAME)?;
        let mut template = Template::new(NAME, attributes)?;
        // SAFETY: `call` is the module's C_SetAttributeValue; the template has that many entries
        // and lives during the call.
        check(NAME, unsafe { call(session, self.handle, template.pointer(), template.count()) })
    }

    /// `C_CopyObject`, with these attributes changed.
    ///
    /// # Errors
    /// What the module returned.
    pub fn copy(&self, attributes: Vec<Attribute>) -> Result<Self> {
        const NAME: &str = "C_CopyObject";
        let call = function!(self.core.module, C_CopyObject)?;
        let session = self.session(NAME)?;
        let mut template = Template::new(NAME, attributes)?;
        let mut copy: CK_OBJECT_HANDLE = 0;
        // SAFETY: `call` is the module's C_CopyObject; the template has that many entries and lives
        // during the call, and `copy` is writable.
        let returned = unsafe {
            call(session, self.handle, template.pointer(), template.count(), &raw mut copy)
        };
        check(NAME, returned)?;
        Ok(Self::new(&self.core, copy))
    }

    /// `C_DestroyObject`.
    ///
    /// # Errors
    /// What the module returned.
    pub fn destroy(&self) -> Result<()> {
        const NAME: &str = "C_DestroyObject";
        let call = function!(self.core.module, C_DestroyObject)?;
        let session = self.session(NAME)?;
        // SAFETY: `call` is the module's C_DestroyObject, which takes nothing but handles.
        check(NAME, unsafe { call(session, self.handle) })?;
        self.destroyed.set(true);
        Ok(())
    }

    /// `C_GetObjectSize` in bytes; `None` if the token does not tell.
    ///
    /// # Errors
    /// What the module returned.
    pub fn size(&self) -> Result<Option<u64>> {
        const NAME: &str = "C_GetObjectSize";
        let call = function!(self.core.module, C_GetObjectSize)?;
        let session = self.session(NAME)?;
        let mut size: CK_ULONG = UNAVAILABLE;
        // SAFETY: `call` is the module's C_GetObjectSize; `size` is writable.
        check(NAME, unsafe { call(session, self.handle, &raw mut size) })?;
        Ok((size != UNAVAILABLE).then(|| widen(size)))
    }

    /// The session to speak of the object in.
    fn session(&self, function: &'static str) -> Result<CK_SESSION_HANDLE> {
        if self.is_alive() {
            return self.core.handle(function);
        }
        let why = "the object was destroyed, or the session that gave it is closed";
        Err(Error::bundle(function, CKR_OBJECT_HANDLE_INVALID, why))
    }
}
