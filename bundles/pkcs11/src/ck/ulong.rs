//! `CK_ULONG` is C's `unsigned long`: 8 bytes on 64-bit Linux, 4 on 32-bit. Outside of this folder
//! every number is a `u64`; this file is the only place where the width changes.

#![allow(
    clippy::useless_conversion,
    reason = "CK_ULONG is u64 on some targets and u32 on others; the conversion is real on the latter"
)]

use cryptoki_sys::CK_ULONG;

/// `CK_UNAVAILABLE_INFORMATION`: what a module writes where it has no number to give.
pub const UNAVAILABLE: CK_ULONG = CK_ULONG::MAX;

/// A number from the module. "Unavailable" stays all ones.
#[must_use]
pub fn widen(value: CK_ULONG) -> u64 {
    if value == UNAVAILABLE { u64::MAX } else { u64::from(value) }
}

/// A number for the module, or `None` if it does not fit. All ones stay all ones.
#[must_use]
pub fn narrow(value: u64) -> Option<CK_ULONG> {
    if value == u64::MAX { Some(UNAVAILABLE) } else { CK_ULONG::try_from(value).ok() }
}

/// A length in memory. Never fails: `CK_ULONG` is at least as wide as memory where both are `long`.
pub(super) fn length(bytes: usize) -> CK_ULONG {
    CK_ULONG::try_from(bytes).unwrap_or(UNAVAILABLE)
}

/// A length that the module claims, if it can be a length at all.
pub(super) fn claimed(length: CK_ULONG) -> Option<usize> {
    if length == UNAVAILABLE { None } else { usize::try_from(length).ok() }
}
