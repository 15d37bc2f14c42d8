//! The module, its slots and tokens.

use cryptoki_sys::{
    CK_BBOOL, CK_FALSE, CK_INFO, CK_MECHANISM_INFO, CK_SLOT_ID, CK_SLOT_INFO, CK_TOKEN_INFO,
    CK_TRUE, CKF_DONT_BLOCK, CKR_ARGUMENTS_BAD, CKR_MECHANISM_INVALID, CKR_NO_EVENT,
    CKR_SLOT_ID_INVALID,
};
use zeroize::Zeroizing;

use super::error::{Error, Result, check};
use super::module::{Module, function};
use super::output;
use super::text::padded;
use super::ulong::{length, narrow, widen};

impl Module {
    /// `C_GetInfo`.
    ///
    /// # Errors
    /// What the module returned.
    pub fn info(&self) -> Result<CK_INFO> {
        let call = function!(self, C_GetInfo)?;
        let mut info = CK_INFO::default();
        // SAFETY: `call` is the module's C_GetInfo; `info` is a writable CK_INFO.
        check("C_GetInfo", unsafe { call(&raw mut info) })?;
        Ok(info)
    }

    /// `C_GetSlotList`.
    ///
    /// # Errors
    /// What the module returned, or a list longer than the limit.
    pub fn slots(&self, token_present: bool) -> Result<Vec<u64>> {
        let call = function!(self, C_GetSlotList)?;
        let present: CK_BBOOL = if token_present { CK_TRUE } else { CK_FALSE };
        let slots = output::list("C_GetSlotList", |pointer, count| {
            // SAFETY: `call` is the module's C_GetSlotList; `pointer` is null or leads to `count`
            // writable elements, and `count` is writable.
            unsafe { call(present, pointer, count) }
        })?;
        Ok(slots.into_iter().map(widen).collect())
    }

    /// `C_GetSlotInfo`.
    ///
    /// # Errors
    /// What the module returned.
    pub fn slot_info(&self, slot: u64) -> Result<CK_SLOT_INFO> {
        const NAME: &str = "C_GetSlotInfo";
        let call = function!(self, C_GetSlotInfo)?;
        let slot = slot_id(NAME, slot)?;
        let mut info = CK_SLOT_INFO::default();
        // SAFETY: `call` is the module's C_GetSlotInfo; `info` is a writable CK_SLOT_INFO.
        check(NAME, unsafe { call(slot, &raw mut info) })?;
        Ok(info)
    }

    /// `C_GetTokenInfo`.
    ///
    /// # Errors
    /// What the module returned; `CKR_TOKEN_NOT_PRESENT` for an empty slot.
    pub fn token_info(&self, slot: u64) -> Result<CK_TOKEN_INFO> {
        const NAME: &str = "C_GetTokenInfo";
        let call = function!(self, C_GetTokenInfo)?;
        let slot = slot_id(NAME, slot)?;
        let mut info = CK_TOKEN_INFO::default();
        // SAFETY: `call` is the module's C_GetTokenInfo; `info` is a writable CK_TOKEN_INFO.
        check(NAME, unsafe { call(slot, &raw mut info) })?;
        Ok(info)
    }

    /// `C_GetMechanismList`.
    ///
    /// # Errors
    /// What the module returned, or a list longer than the limit.
    pub fn mechanisms(&self, slot: u64) -> Result<Vec<u64>> {
        const NAME: &str = "C_GetMechanismList";
        let call = function!(self, C_GetMechanismList)?;
        let slot = slot_id(NAME, slot)?;
        let mechanisms = output::list(NAME, |pointer, count| {
            // SAFETY: `call` is the module's C_GetMechanismList; `pointer` is null or leads to
            // `count` writable elements, and `count` is writable.
            unsafe { call(slot, pointer, count) }
        })?;
        Ok(mechanisms.into_iter().map(widen).collect())
    }

    /// `C_GetMechanismInfo`.
    ///
    /// # Errors
    /// What the module returned; `CKR_MECHANISM_INVALID` for a mechanism that the token lacks.
    pub fn mechanism_info(&self, slot: u64, mechanism: u64) -> Result<CK_MECHANISM_INFO> {
        const NAME: &str = "C_GetMechanismInfo";
        let call = function!(self, C_GetMechanismInfo)?;
        let slot = slot_id(NAME, slot)?;
        let mechanism = narrow(mechanism).ok_or_else(|| {
            Error::bundle(NAME, CKR_MECHANISM_INVALID, "the number is wider than CK_ULONG")
        })?;
        let mut info = CK_MECHANISM_INFO::default();
        // SAFETY: `call` is the module's C_GetMechanismInfo; `info` is writable.
        check(NAME, unsafe { call(slot, mechanism, &raw mut info) })?;
        Ok(info)
    }

    /// `C_WaitForSlotEvent` without waiting: a slot where a token came or went.
    ///
    /// # Errors
    /// What the module returned, other than `CKR_NO_EVENT`.
    pub fn slot_event(&self) -> Result<Option<u64>> {
        const NAME: &str = "C_WaitForSlotEvent";
        let call = function!(self, C_WaitForSlotEvent)?;
        let mut slot: CK_SLOT_ID = 0;
        // SAFETY: `call` is the module's C_WaitForSlotEvent; `slot` is writable, and the third
        // argument is reserved and null.
        let returned = unsafe { call(CKF_DONT_BLOCK, &raw mut slot, std::ptr::null_mut()) };
        if returned == CKR_NO_EVENT {
            return Ok(None);
        }
        check(NAME, returned)?;
        Ok(Some(widen(slot)))
    }

    /// `C_InitToken`. Without a PIN it is taken at the device.
    ///
    /// # Errors
    /// What the module returned; `CKR_ARGUMENTS_BAD` for a label of more than 32 bytes.
    pub fn init_token(&self, slot: u64, so_pin: Option<&str>, label: &str) -> Result<()> {
        const NAME: &str = "C_InitToken";
        let call = function!(self, C_InitToken)?;
        let slot = slot_id(NAME, slot)?;
        let mut label = padded::<32>(label).ok_or_else(|| {
            Error::bundle(NAME, CKR_ARGUMENTS_BAD, "a label has at most 32 bytes")
        })?;
        let mut pin = Pin::new(so_pin);
        // SAFETY: `call` is the module's C_InitToken; the PIN's pointer and length belong together,
        // and the label has the 32 bytes that the function reads.
        check(NAME, unsafe { call(slot, pin.pointer(), pin.length(), label.as_mut_ptr()) })
    }
}

/// A slot's number in C.
pub(super) fn slot_id(function: &'static str, slot: u64) -> Result<CK_SLOT_ID> {
    narrow(slot).ok_or_else(|| {
        Error::bundle(function, CKR_SLOT_ID_INVALID, "the number is wider than CK_ULONG")
    })
}

/// A copy of a PIN that the module may read, wiped when dropped; or none.
pub(super) struct Pin(Option<Zeroizing<Vec<u8>>>);

impl Pin {
    pub(super) fn new(pin: Option<&str>) -> Self {
        Self(pin.map(|pin| Zeroizing::new(pin.as_bytes().to_vec())))
    }

    /// Null if there is none.
    pub(super) fn pointer(&mut self) -> *mut u8 {
        self.0.as_mut().map_or(std::ptr::null_mut(), |pin| pin.as_mut_ptr())
    }

    pub(super) fn length(&self) -> cryptoki_sys::CK_ULONG {
        length(self.0.as_ref().map_or(0, |pin| pin.len()))
    }
}
