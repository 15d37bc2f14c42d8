//! What the operator lets guests do, beyond blocked functions.

use std::collections::BTreeSet;

use crate::ck::sys::{
    CKA_ALLOWED_MECHANISMS, CKR_MECHANISM_INVALID, CKR_SLOT_ID_INVALID, CKR_TOKEN_NOT_PRESENT,
    CKR_TOKEN_WRITE_PROTECTED,
};
use crate::ck::{self, Attribute, Error, Module, Result, text};

/// The operator's limits.
#[derive(Debug, Default)]
pub(crate) struct Policy {
    /// Only the token with this label is shown.
    pub(crate) token_label: Option<String>,
    /// Only the token with this serial number is shown.
    pub(crate) token_serial: Option<String>,
    /// Only these mechanisms are shown and may be used.
    pub(crate) mechanisms: Option<BTreeSet<u64>>,
    /// No read-write sessions.
    pub(crate) read_only: bool,
    /// Quirk: the module chokes on `CKA_ALLOWED_MECHANISMS`, so it never sees it.
    pub(crate) no_allowed_mechanisms: bool,
}

impl Policy {
    /// Whether the slot is shown.
    ///
    /// # Errors
    /// What `C_GetTokenInfo` returned, other than that there is no token.
    pub(crate) fn shows(&self, module: &Module, slot: u64) -> Result<bool> {
        if self.token_label.is_none() && self.token_serial.is_none() {
            return Ok(true);
        }
        let info = match module.token_info(slot) {
            Ok(info) => info,
            Err(error) if error.is(CKR_TOKEN_NOT_PRESENT) => return Ok(false),
            Err(error) => return Err(error),
        };
        let fits = |wanted: &Option<String>, field: &[u8]| match wanted {
            Some(wanted) => *wanted == text(field),
            None => true,
        };
        Ok(fits(&self.token_label, &info.label) && fits(&self.token_serial, &info.serialNumber))
    }

    /// Refuse a slot that is not shown.
    ///
    /// # Errors
    /// `CKR_SLOT_ID_INVALID`, and as [`Policy::shows`].
    pub(crate) fn slot(&self, function: &'static str, module: &Module, slot: u64) -> Result<()> {
        if self.shows(module, slot)? {
            return Ok(());
        }
        let why = "the operator shows another token only (token-label, token-serial)";
        Err(Error::bundle(function, CKR_SLOT_ID_INVALID, why))
    }

    /// Whether the mechanism is shown.
    pub(crate) fn shows_mechanism(&self, mechanism: u64) -> bool {
        self.mechanisms.as_ref().is_none_or(|allowed| allowed.contains(&mechanism))
    }

    /// Refuse a mechanism that may not be used.
    ///
    /// # Errors
    /// `CKR_MECHANISM_INVALID`.
    pub(crate) fn mechanism(&self, function: &'static str, mechanism: u64) -> Result<()> {
        if self.shows_mechanism(mechanism) {
            return Ok(());
        }
        let why = "the operator does not allow this mechanism (allow-mechanisms)";
        Err(Error::bundle(function, CKR_MECHANISM_INVALID, why))
    }

    /// Refuse a read-write session where only reading is allowed.
    ///
    /// # Errors
    /// `CKR_TOKEN_WRITE_PROTECTED`.
    pub(crate) fn session(&self, function: &'static str, read_write: bool) -> Result<()> {
        if !(read_write && self.read_only) {
            return Ok(());
        }
        let why = "the operator allows read-only sessions only (read-only)";
        Err(Error::bundle(function, CKR_TOKEN_WRITE_PROTECTED, why))
    }

    /// Take out of a template what the module must not see.
    pub(crate) fn template(&self, mut attributes: Vec<Attribute>) -> Vec<Attribute> {
        if self.no_allowed_mechanisms {
            attributes.retain(|attribute| !self.hides(attribute.kind));
        }
        attributes
    }

    /// Whether an attribute is read as absent, without asking the module.
    pub(crate) fn hides(&self, kind: u64) -> bool {
        self.no_allowed_mechanisms && kind == ck::widen(CKA_ALLOWED_MECHANISMS)
    }
}
