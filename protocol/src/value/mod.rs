//! Arguments and results on the wire, encoded by their type.
//!
//! A value carries no tags: both sides know its type from the plan. Numbers are little-endian and
//! as wide as their type; nothing is padded.
//!
//! | type | bytes |
//! |---|---|
//! | `bool` | 1: 0 or 1 |
//! | `u8` … `s64`, `f32`, `f64` | 1, 2, 4 or 8; floats bit by bit, NaN payloads kept |
//! | `char` | 4: a Unicode scalar value |
//! | `string` | 4: length in bytes, then UTF-8 |
//! | `list<T>` | 4: number of elements, then the elements |
//! | `list<T, N>` | the N elements |
//! | `map<K, V>` | as `list<tuple<K, V>>` |
//! | `record`, `tuple` | the fields in order |
//! | `variant`, `enum` | case number in 1, 2 or 4 bytes ([`case_bytes`]), then the payload |
//! | `option<T>` | 1: 0 for none, 1 for some, then the payload |
//! | `result<T, E>` | 1: 0 for ok, 1 for error, then the payload |
//! | `flags` | 1, 2, 4 or more bytes ([`flag_bytes`]), lowest bit is the first flag |
//! | `own<R>`, `borrow<R>` | 4: a handle, never 0 |
//!
//! [`case_bytes`]: crate::types::case_bytes
//! [`flag_bytes`]: crate::types::flag_bytes

mod handles;
mod reader;
mod validate;

pub use handles::{HandleUse, rewrite_handles};
pub use reader::Reader;
pub use validate::{validate, validate_all};

use crate::error::ValueFault;

/// The `char` with this code point.
///
/// # Errors
/// [`ValueFault::Char`] for a surrogate or a number beyond U+10FFFF.
pub fn char_from(code: u32) -> Result<char, ValueFault> {
    char::from_u32(code).ok_or(ValueFault::Char(code))
}

/// `bytes` as a string.
///
/// # Errors
/// [`ValueFault::Utf8`] if it is not UTF-8.
pub fn str_from(bytes: &[u8]) -> Result<&str, ValueFault> {
    std::str::from_utf8(bytes).map_err(|_| ValueFault::Utf8)
}

/// The bits of byte `index` of a flags value that belong to one of its `flags` flags.
pub fn flag_mask(flags: u32, index: usize) -> u8 {
    let before = u32::try_from(index).unwrap_or(u32::MAX).saturating_mul(8);
    match flags.saturating_sub(before) {
        bits @ 0..=7 => !(u8::MAX << bits),
        _ => u8::MAX,
    }
}
