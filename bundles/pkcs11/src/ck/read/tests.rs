//! Modules that behave as the specification allows, and as it does not.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed unwrap is a failed test"
)]

use super::*;
use crate::ck::Origin;
use crate::ck::sys::{CKA_ID, CKA_LABEL, CKA_PRIVATE, CKA_TOKEN, CKA_VALUE, CKA_WRAP_TEMPLATE};

/// Write `bytes` as a module does: the length always, the bytes if there is room.
fn answer(entry: &mut CK_ATTRIBUTE, bytes: &[u8]) -> CK_RV {
    let room = entry.ulValueLen;
    entry.ulValueLen = length(bytes.len());
    if entry.pValue.is_null() {
        return CKR_OK;
    }
    if room < length(bytes.len()) {
        entry.ulValueLen = UNAVAILABLE;
        return CKR_BUFFER_TOO_SMALL;
    }
    // SAFETY: a pointer that is not null leads to `room` writable bytes, and `bytes` fits.
    unsafe { entry.pValue.cast::<u8>().copy_from(bytes.as_ptr(), bytes.len()) };
    CKR_OK
}

fn bytes(text: &[u8]) -> Reading {
    Reading::Value(Value::Bytes(text.to_vec()))
}

#[test]
fn attributes_without_objection_take_two_calls() {
    let mut calls = 0;
    let kinds = [widen(CKA_LABEL), widen(CKA_ID)];
    let readings = attributes(&kinds, |list| {
        calls += 1;
        answer(&mut list[0], b"label");
        answer(&mut list[1], b"");
        CKR_OK
    });
    assert_eq!((readings.unwrap(), calls), (vec![bytes(b"label"), bytes(b"")], 2));
}

#[test]
fn each_attribute_gets_its_own_answer() {
    let kinds = [widen(CKA_LABEL), widen(CKA_VALUE), 0x8000_0001, widen(CKA_TOKEN)];
    let readings = attributes(&kinds, |list| {
        let mut returned = CKR_OK;
        for entry in list {
            returned = match entry.type_ {
                CKA_LABEL => answer(entry, b"label"),
                CKA_TOKEN => answer(entry, &[1]),
                CKA_VALUE => {
                    entry.ulValueLen = UNAVAILABLE;
                    CKR_ATTRIBUTE_SENSITIVE
                }
                _ => {
                    entry.ulValueLen = UNAVAILABLE;
                    CKR_ATTRIBUTE_TYPE_INVALID
                }
            };
            if returned != CKR_OK {
                break;
            }
        }
        returned
    });
    let token = Reading::Value(Value::Boolean(true));
    assert_eq!(readings.unwrap(), [bytes(b"label"), Reading::Sensitive, Reading::Absent, token]);
}

#[test]
fn a_value_that_grows_while_it_is_read_is_whole() {
    let mut size = 4;
    let readings = attributes(&[widen(CKA_LABEL)], |list| {
        let returned = answer(&mut list[0], &vec![b'x'; size]);
        if size < 8 {
            size += 1;
        }
        returned
    });
    assert_eq!(readings.unwrap(), [bytes(b"xxxxxxxx")]);
}

#[test]
fn a_lie_about_the_length_is_an_error() {
    for lie in [length(OUTPUT_BYTES_MAX) + 1, UNAVAILABLE - 1] {
        let readings = attributes(&[widen(CKA_LABEL)], |list| {
            list[0].ulValueLen = lie;
            CKR_OK
        });
        assert_eq!(readings.unwrap_err().origin, Origin::Bundle);
    }
    // Honest at first, then more than the buffer.
    let readings = attributes(&[widen(CKA_LABEL)], |list| {
        list[0].ulValueLen = if list[0].pValue.is_null() { 4 } else { 5000 };
        CKR_OK
    });
    assert_eq!(readings.unwrap_err().origin, Origin::Bundle);
}

#[test]
fn an_error_of_the_call_is_an_error() {
    let readings = attributes(&[widen(CKA_LABEL)], |_| crate::ck::sys::CKR_OBJECT_HANDLE_INVALID);
    let error = readings.unwrap_err();
    assert_eq!(
        (error.origin, error.name().as_ref()),
        (Origin::Module, "CKR_OBJECT_HANDLE_INVALID")
    );
}

#[test]
fn a_template_is_read_with_its_inner_values() {
    let readings = attributes(&[widen(CKA_WRAP_TEMPLATE)], |list| {
        let entry = &mut list[0];
        entry.ulValueLen = length(2 * size_of::<CK_ATTRIBUTE>());
        if entry.pValue.is_null() {
            return CKR_OK;
        }
        // SAFETY: the caller gave room for the two entries that were claimed.
        let inner = unsafe { std::slice::from_raw_parts_mut(entry.pValue.cast(), 2) };
        let [private, id]: &mut [CK_ATTRIBUTE; 2] = inner.try_into().unwrap();
        private.type_ = CKA_PRIVATE;
        answer(private, &[1]);
        id.type_ = CKA_ID;
        answer(id, &[1, 2, 3]);
        CKR_OK
    });
    let expected = vec![
        Attribute { kind: widen(CKA_PRIVATE), value: Value::Boolean(true) },
        Attribute { kind: widen(CKA_ID), value: Value::Bytes(vec![1, 2, 3]) },
    ];
    assert_eq!(readings.unwrap(), [Reading::Value(Value::Template(expected))]);
}

#[test]
fn nothing_asked_is_nothing_called() {
    let readings = attributes(&[], |_| CKR_ARGUMENTS_BAD);
    assert_eq!(readings.unwrap(), []);
    let many = vec![0; ATTRIBUTES_MAX + 1];
    assert!(attributes(&many, |_| CKR_OK).unwrap_err().is(CKR_ARGUMENTS_BAD));
}
