//! Sessions: open, log in, close.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use cryptoki_sys::{
    CK_SESSION_HANDLE, CK_SESSION_INFO, CKF_RW_SESSION, CKF_SERIAL_SESSION, CKR_KEY_HANDLE_INVALID,
    CKR_SESSION_COUNT, CKR_SESSION_HANDLE_INVALID, CKU_CONTEXT_SPECIFIC, CKU_SO, CKU_USER,
};

use super::error::{Error, Result, check};
use super::mechanism::Mechanism;
use super::module::{Module, function};
use super::object::Object;
use super::operation::Slot;
use super::output;
use super::slots::{Pin, slot_id};
use super::ulong::length;

/// `CK_USER_TYPE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum User {
    /// `CKU_SO`.
    SecurityOfficer,
    /// `CKU_USER`.
    User,
    /// `CKU_CONTEXT_SPECIFIC`.
    ContextSpecific,
}

/// An open session. Dropping it closes it, also while objects of it are alive: they are dead then.
#[derive(Debug)]
pub struct Session {
    pub(super) core: Rc<Core>,
}

/// What a session and its objects share.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) module: Rc<Module>,
    pub(super) handle: CK_SESSION_HANDLE,
    /// The slot's number; objects of one token are good in all its sessions.
    pub(super) slot: u64,
    pub(super) open: Cell<bool>,
    /// The mechanisms of operations that may be running: modules may keep pointers into their
    /// parameters until the operation ends.
    pub(super) running: RefCell<Vec<(Slot, Mechanism)>>,
}

impl Session {
    /// `C_OpenSession`, always serial.
    ///
    /// # Errors
    /// What the module returned; `CKR_SESSION_COUNT` at the bundle's own limit.
    pub fn open(module: &Rc<Module>, slot: u64, read_write: bool) -> Result<Self> {
        const NAME: &str = "C_OpenSession";
        let call = function!(module, C_OpenSession)?;
        let slot_number = slot_id(NAME, slot)?;
        let (open, most) = (module.sessions(), module.options().max_sessions);
        if most != 0 && open.get() >= most {
            let why = format!("the bundle's limit max-sessions is {most}");
            return Err(Error::bundle(NAME, CKR_SESSION_COUNT, why));
        }
        let flags = CKF_SERIAL_SESSION | if read_write { CKF_RW_SESSION } else { 0 };
        let mut handle: CK_SESSION_HANDLE = 0;
        // SAFETY: `call` is the module's C_OpenSession; `handle` is writable; there is no callback,
        // and so nothing for it to be called with.
        let returned =
            unsafe { call(slot_number, flags, std::ptr::null_mut(), None, &raw mut handle) };
        check(NAME, returned)?;
        open.set(open.get().saturating_add(1));
        let core = Core {
            module: Rc::clone(module),
            handle,
            slot,
            open: Cell::new(true),
            running: RefCell::new(Vec::new()),
        };
        Ok(Self { core: Rc::new(core) })
    }

    /// The slot's number.
    #[must_use]
    pub fn slot(&self) -> u64 {
        self.core.slot
    }

    /// `C_CloseSession`. The session is closed in any case.
    ///
    /// # Errors
    /// What the module returned; `CKR_SESSION_HANDLE_INVALID` if it was closed before.
    pub fn close(&self) -> Result<()> {
        const NAME: &str = "C_CloseSession";
        let core = &self.core;
        let handle = core.handle(NAME)?;
        core.open.set(false);
        let open = core.module.sessions();
        open.set(open.get().saturating_sub(1));
        let call = function!(core.module, C_CloseSession)?;
        // SAFETY: `call` is the module's C_CloseSession; the handle is used for the last time, since
        // `open` is false now.
        let returned = unsafe { call(handle) };
        core.running.borrow_mut().clear();
        check(NAME, returned)
    }

    /// `C_GetSessionInfo`.
    ///
    /// # Errors
    /// What the module returned.
    pub fn info(&self) -> Result<CK_SESSION_INFO> {
        const NAME: &str = "C_GetSessionInfo";
        let call = function!(self.core.module, C_GetSessionInfo)?;
        let handle = self.core.handle(NAME)?;
        let mut info = CK_SESSION_INFO::default();
        // SAFETY: `call` is the module's C_GetSessionInfo; `info` is writable.
        check(NAME, unsafe { call(handle, &raw mut info) })?;
        Ok(info)
    }

    /// `C_Login`. Without a PIN it is taken at the device.
    ///
    /// # Errors
    /// What the module returned.
    pub fn login(&self, user: User, pin: Option<&str>) -> Result<()> {
        const NAME: &str = "C_Login";
        let call = function!(self.core.module, C_Login)?;
        let handle = self.core.handle(NAME)?;
        let user = match user {
            User::SecurityOfficer => CKU_SO,
            User::User => CKU_USER,
            User::ContextSpecific => CKU_CONTEXT_SPECIFIC,
        };
        let mut pin = Pin::new(pin);
        // SAFETY: `call` is the module's C_Login; the PIN's pointer and length belong together.
        check(NAME, unsafe { call(handle, user, pin.pointer(), pin.length()) })
    }

    /// `C_Logout`.
    ///
    /// # Errors
    /// What the module returned.
    pub fn logout(&self) -> Result<()> {
        const NAME: &str = "C_Logout";
        let call = function!(self.core.module, C_Logout)?;
        let handle = self.core.handle(NAME)?;
        // SAFETY: `call` is the module's C_Logout, which takes nothing but the handle.
        check(NAME, unsafe { call(handle) })
    }

    /// `C_InitPIN`. Without a PIN it is taken at the device.
    ///
    /// # Errors
    /// What the module returned.
    pub fn init_pin(&self, pin: Option<&str>) -> Result<()> {
        const NAME: &str = "C_InitPIN";
        let call = function!(self.core.module, C_InitPIN)?;
        let handle = self.core.handle(NAME)?;
        let mut pin = Pin::new(pin);
        // SAFETY: `call` is the module's C_InitPIN; the PIN's pointer and length belong together.
        check(NAME, unsafe { call(handle, pin.pointer(), pin.length()) })
    }

    /// `C_SetPIN`, from the old to the new one. Without PINs they are taken at the device.
    ///
    /// # Errors
    /// What the module returned.
    pub fn set_pin(&self, pins: Option<(&str, &str)>) -> Result<()> {
        const NAME: &str = "C_SetPIN";
        let call = function!(self.core.module, C_SetPIN)?;
        let handle = self.core.handle(NAME)?;
        let mut old = Pin::new(pins.map(|pins| pins.0));
        let mut new = Pin::new(pins.map(|pins| pins.1));
        // SAFETY: `call` is the module's C_SetPIN; each pointer goes with its length.
        let returned =
            unsafe { call(handle, old.pointer(), old.length(), new.pointer(), new.length()) };
        check(NAME, returned)
    }

    /// `C_GetOperationState`.
    ///
    /// # Errors
    /// What the module returned.
    pub fn operation_state(&self) -> Result<Vec<u8>> {
        const NAME: &str = "C_GetOperationState";
        let call = function!(self.core.module, C_GetOperationState)?;
        let handle = self.core.handle(NAME)?;
        output::bytes(NAME, 0, |pointer, used| {
            // SAFETY: `call` is the module's C_GetOperationState; `pointer` leads to `used`
            // writable bytes, and `used` is writable.
            unsafe { call(handle, pointer, used) }
        })
    }

    /// `C_SetOperationState`.
    ///
    /// # Errors
    /// What the module returned.
    pub fn set_operation_state(
        &self,
        state: &[u8],
        encryption: Option<&Object>,
        authentication: Option<&Object>,
    ) -> Result<()> {
        const NAME: &str = "C_SetOperationState";
        let call = function!(self.core.module, C_SetOperationState)?;
        let handle = self.core.handle(NAME)?;
        let key = |key: Option<&Object>| match key {
            Some(key) => self.key(NAME, key),
            None => Ok(cryptoki_sys::CK_INVALID_HANDLE),
        };
        let (encryption, authentication) = (key(encryption)?, key(authentication)?);
        let (pointer, bytes) = (state.as_ptr().cast_mut(), length(state.len()));
        // SAFETY: `call` is the module's C_SetOperationState, which reads `bytes` bytes at the
        // pointer and writes none.
        check(NAME, unsafe { call(handle, pointer, bytes, encryption, authentication) })
    }

    /// The handle of an object that is used as a key in this session.
    pub(super) fn key(
        &self,
        function: &'static str,
        key: &Object,
    ) -> Result<cryptoki_sys::CK_OBJECT_HANDLE> {
        let owner = key.core();
        if key.is_alive()
            && owner.slot == self.core.slot
            && Rc::ptr_eq(&owner.module, &self.core.module)
        {
            return Ok(key.handle());
        }
        let why = "the object was destroyed, or belongs to a closed session or to another token";
        Err(Error::bundle(function, CKR_KEY_HANDLE_INVALID, why))
    }
}

impl Core {
    /// The session's handle, if it is open.
    ///
    /// A module may give the number of a closed session to a new one, so it is not asked.
    pub(super) fn handle(&self, function: &'static str) -> Result<CK_SESSION_HANDLE> {
        if self.open.get() {
            return Ok(self.handle);
        }
        Err(Error::bundle(function, CKR_SESSION_HANDLE_INVALID, "the session is closed"))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Closed before, or closed by the module with the token: both are what is wanted.
        let _ = self.close();
    }
}
