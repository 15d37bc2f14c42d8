//! One failed call: its return value, its function, and whose decision it was.

use std::borrow::Cow;
use std::fmt;

use cryptoki_sys::{CK_RV, CKR_OK};

use super::names;
use super::ulong::widen;

/// What every call of this folder returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Who decided that a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The module returned the code.
    Module,
    /// The bundle did not ask the module, or does not believe its answer.
    Bundle,
}

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The `CKR_*` value. Never `CKR_OK`.
    pub code: u64,
    /// The function, for example `C_Login`.
    pub function: &'static str,
    /// Whose decision it was.
    pub origin: Origin,
    /// One sentence for people; empty if the name says it all.
    pub detail: Cow<'static, str>,
}

impl Error {
    /// An error that the bundle decided.
    pub fn bundle(
        function: &'static str,
        code: CK_RV,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { code: widen(code), function, origin: Origin::Bundle, detail: detail.into() }
    }

    /// An error that the module returned.
    pub(super) fn module(function: &'static str, returned: CK_RV) -> Self {
        Self { code: widen(returned), function, origin: Origin::Module, detail: Cow::Borrowed("") }
    }

    /// The name of the code, or the code in hexadecimal if it has no standard name.
    #[must_use]
    pub fn name(&self) -> Cow<'static, str> {
        names::name(self.code)
    }

    /// True for this return value, whoever decided it.
    #[must_use]
    pub fn is(&self, code: CK_RV) -> bool {
        self.code == widen(code)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} failed with {}", self.function, self.name())?;
        if !self.detail.is_empty() {
            write!(out, ": {}", self.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// The module's return value as a result.
pub(super) fn check(function: &'static str, returned: CK_RV) -> Result<()> {
    if returned == CKR_OK { Ok(()) } else { Err(Error::module(function, returned)) }
}
