//! Outputs whose length only the module knows: give a buffer, grow it when the module says so.

use cryptoki_sys::{
    CK_RV, CK_ULONG, CKR_BUFFER_TOO_SMALL, CKR_DEVICE_ERROR, CKR_DEVICE_MEMORY, CKR_OK,
};

use super::error::{Error, Result, check};
use super::limits::{LIST_ELEMENTS_MAX, OUTPUT_BYTES_FIRST, OUTPUT_BYTES_MAX, RETRIES_MAX};
use super::ulong::{claimed, length, widen};

/// Bytes, with a first buffer that holds most outputs: usually one call of the module.
///
/// `call` gets a pointer to `length` writable bytes and writes the length of the output.
/// `expected` is the length that the output is likely to have at most, often that of the input.
pub(super) fn bytes(
    function: &'static str,
    expected: usize,
    call: impl FnMut(*mut u8, &mut CK_ULONG) -> CK_RV,
) -> Result<Vec<u8>> {
    let first = expected.saturating_add(OUTPUT_BYTES_FIRST).min(OUTPUT_BYTES_MAX);
    grow(function, first, OUTPUT_BYTES_MAX, call)
}

/// A list of numbers, asking for its length first: some modules refresh a list only then.
///
/// `call` gets null or a pointer to `length` writable elements, and writes the number of elements.
pub(super) fn list(
    function: &'static str,
    mut call: impl FnMut(*mut CK_ULONG, &mut CK_ULONG) -> CK_RV,
) -> Result<Vec<CK_ULONG>> {
    let mut count: CK_ULONG = 0;
    check(function, call(std::ptr::null_mut(), &mut count))?;
    let first = believed(function, count, LIST_ELEMENTS_MAX)?;
    // Room for one at least, so that the pointer is never one that means "tell the length".
    grow(function, first.max(1), LIST_ELEMENTS_MAX, call)
}

/// Call with a buffer of `first` elements; while it is too small, with a larger one.
fn grow<T: Copy + Default>(
    function: &'static str,
    first: usize,
    most: usize,
    mut call: impl FnMut(*mut T, &mut CK_ULONG) -> CK_RV,
) -> Result<Vec<T>> {
    let mut capacity = first;
    for _ in 0..RETRIES_MAX {
        let mut buffer = vec![T::default(); capacity];
        let mut used = length(capacity);
        let returned = call(buffer.as_mut_ptr(), &mut used);
        if returned == CKR_BUFFER_TOO_SMALL {
            // A module that says "too small" and names a length that would fit gets twice as much.
            let wanted = believed(function, used, most)?;
            capacity = wanted.max(capacity.saturating_mul(2)).min(most);
            continue;
        }
        if returned != CKR_OK {
            check(function, returned)?;
        }
        let used = believed(function, used, capacity)?;
        buffer.truncate(used);
        return Ok(buffer);
    }
    Err(Error::bundle(
        function,
        CKR_DEVICE_ERROR,
        format!("the module asked for a larger buffer {RETRIES_MAX} times"),
    ))
}

/// A length that the module claims, if it is at most `most`.
pub(super) fn believed(function: &'static str, length: CK_ULONG, most: usize) -> Result<usize> {
    match claimed(length) {
        Some(length) if length <= most => Ok(length),
        Some(length) => Err(Error::bundle(
            function,
            CKR_DEVICE_MEMORY,
            format!("the module claims a length of {length}, and {most} is the most allowed here"),
        )),
        None => Err(Error::bundle(
            function,
            CKR_DEVICE_ERROR,
            format!("the module claims a length of {:#x}", widen(length)),
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use crate::ck::{Origin, UNAVAILABLE};

    #[test]
    fn an_output_that_fits_is_one_call() {
        let mut calls = 0;
        let output = bytes("C_Sign", 0, |_, length| {
            calls += 1;
            *length = 64;
            CKR_OK
        });
        assert_eq!((output.unwrap().len(), calls), (64, 1));
    }

    #[test]
    fn an_output_that_grows_between_calls_is_fetched() {
        let mut need: CK_ULONG = 20_000;
        let output = bytes("C_Sign", 0, |_, length| {
            if *length < need {
                *length = need;
                need += 10_000;
                return CKR_BUFFER_TOO_SMALL;
            }
            *length = need;
            CKR_OK
        });
        assert_eq!(output.unwrap().len(), 40_000);
    }

    #[test]
    fn a_module_that_never_has_enough_is_given_up() {
        let mut calls = 0;
        let error = bytes("C_Sign", 0, |_, length| {
            calls += 1;
            *length = 1;
            CKR_BUFFER_TOO_SMALL
        });
        let error = error.unwrap_err();
        assert_eq!((error.origin, calls), (Origin::Bundle, RETRIES_MAX));
        assert!(error.is(CKR_DEVICE_ERROR));
    }

    #[test]
    fn a_claimed_length_is_capped_and_never_allocated() {
        for lie in [UNAVAILABLE, UNAVAILABLE - 1, length(OUTPUT_BYTES_MAX) + 1] {
            let error = bytes("C_Sign", 0, |_, length| {
                *length = lie;
                CKR_BUFFER_TOO_SMALL
            });
            assert_eq!(error.unwrap_err().origin, Origin::Bundle);
            let error = bytes("C_Sign", 0, |_, length| {
                *length = lie;
                CKR_OK
            });
            assert_eq!(error.unwrap_err().origin, Origin::Bundle);
            let error = list("C_GetSlotList", |_, count| {
                *count = lie;
                CKR_OK
            });
            assert_eq!(error.unwrap_err().origin, Origin::Bundle);
        }
    }

    #[test]
    fn an_empty_list_is_empty_and_a_grown_one_is_whole() {
        let empty = list("C_GetSlotList", |_, count| {
            *count = 0;
            CKR_OK
        });
        assert!(empty.unwrap().is_empty());
        let mut calls = 0;
        let grown = list("C_GetSlotList", |pointer, count| {
            calls += 1;
            let need = if calls == 1 { 2 } else { 3 };
            let fits = pointer.is_null() || *count >= need;
            *count = need;
            if fits { CKR_OK } else { CKR_BUFFER_TOO_SMALL }
        });
        assert_eq!(grown.unwrap().len(), 3);
    }
}
