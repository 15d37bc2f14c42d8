//! `CK_ATTRIBUTE` arrays that go to the module.

use std::ffi::c_void;

use cryptoki_sys::{
    CK_ATTRIBUTE, CK_BBOOL, CK_FALSE, CK_RV, CK_TRUE, CK_ULONG, CKA_ALLOWED_MECHANISMS,
    CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID,
};
use zeroize::Zeroize;

use super::error::{Error, Result};
use super::kind::{is_array, is_boolean, is_template, is_ulong};
use super::limits::LIST_ELEMENTS_MAX;
use super::memory::Memory;
use super::ulong::{length, narrow, widen};

/// The value of an attribute, independent of the machine's layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Bytes as they are.
    Bytes(Vec<u8>),
    /// `CK_BBOOL`.
    Boolean(bool),
    /// `CK_ULONG`.
    Ulong(u64),
    /// An array of `CK_MECHANISM_TYPE`.
    Mechanisms(Vec<u64>),
    /// An array of `CK_ATTRIBUTE`. It holds no other template.
    Template(Vec<Attribute>),
}

/// `CK_ATTRIBUTE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// The `CKA_*` number.
    pub kind: u64,
    /// Its value.
    pub value: Value,
}

/// An array of `CK_ATTRIBUTE` with all memory that it points at. Wiped when dropped: templates
/// carry keys.
pub(super) struct Template {
    list: Vec<CK_ATTRIBUTE>,
    values: Vec<Memory>,
    inner: Vec<Template>,
}

impl Template {
    /// The C form of `attributes`.
    pub(super) fn new(function: &'static str, attributes: Vec<Attribute>) -> Result<Self> {
        Self::nested(function, attributes, true)
    }

    fn nested(
        function: &'static str,
        attributes: Vec<Attribute>,
        templates_allowed: bool,
    ) -> Result<Self> {
        let refuse = |code: CK_RV, why: String| Error::bundle(function, code, why);
        if attributes.len() > LIST_ELEMENTS_MAX {
            let why = format!("the template has more than {LIST_ELEMENTS_MAX} attributes");
            return Err(refuse(CKR_ATTRIBUTE_VALUE_INVALID, why));
        }
        let mut this = Self { list: Vec::new(), values: Vec::new(), inner: Vec::new() };
        for Attribute { kind, value } in attributes {
            let raw_kind = narrow(kind).ok_or_else(|| {
                refuse(CKR_ATTRIBUTE_TYPE_INVALID, format!("{kind:#x} is wider than CK_ULONG"))
            })?;
            let entry = match value {
                Value::Template(attributes) if is_array(kind) && templates_allowed => {
                    this.template(Self::nested(function, attributes, false)?)
                }
                // Bytes would be taken for structures with pointers, and structures for bytes.
                Value::Template(_) => {
                    let why = format!("attribute {kind:#x} cannot hold a template here");
                    return Err(refuse(CKR_ATTRIBUTE_VALUE_INVALID, why));
                }
                _ if is_template(kind) => {
                    let why = format!("attribute {kind:#x} must be given as a template");
                    return Err(refuse(CKR_ATTRIBUTE_VALUE_INVALID, why));
                }
                Value::Bytes(mut bytes) => {
                    let entry = this.keep(Memory::new(&bytes));
                    bytes.zeroize();
                    entry
                }
                Value::Boolean(value) => {
                    let value: CK_BBOOL = if value { CK_TRUE } else { CK_FALSE };
                    this.keep(Memory::new(&value.to_ne_bytes()))
                }
                Value::Ulong(value) => this.numbers(function, kind, &[value])?,
                Value::Mechanisms(values) => this.numbers(function, kind, &values)?,
            };
            this.list.push(CK_ATTRIBUTE { type_: raw_kind, ..entry });
        }
        Ok(this)
    }

    /// The array to hand to the module; good as long as `self` lives.
    pub(super) fn pointer(&mut self) -> *mut CK_ATTRIBUTE {
        if self.list.is_empty() { std::ptr::null_mut() } else { self.list.as_mut_ptr() }
    }

    /// The number of attributes.
    pub(super) fn count(&self) -> CK_ULONG {
        length(self.list.len())
    }

    fn numbers(
        &mut self,
        function: &'static str,
        kind: u64,
        values: &[u64],
    ) -> Result<CK_ATTRIBUTE> {
        let words = values.iter().map(|value| narrow(*value)).collect::<Option<Vec<_>>>();
        let words = words.ok_or_else(|| {
            let why = format!("a number of attribute {kind:#x} is wider than CK_ULONG");
            Error::bundle(function, CKR_ATTRIBUTE_VALUE_INVALID, why)
        })?;
        Ok(self.keep(Memory::numbers(words)))
    }

    fn template(&mut self, mut template: Self) -> CK_ATTRIBUTE {
        let entry = CK_ATTRIBUTE {
            type_: 0,
            pValue: template.pointer().cast::<c_void>(),
            ulValueLen: length(size_of_val(template.list.as_slice())),
        };
        self.inner.push(template);
        entry
    }

    fn keep(&mut self, mut memory: Memory) -> CK_ATTRIBUTE {
        let entry =
            CK_ATTRIBUTE { type_: 0, pValue: memory.pointer(), ulValueLen: length(memory.len()) };
        self.values.push(memory);
        entry
    }
}

/// A value that the module gave, in the form that its attribute has in the specification.
///
/// A length that does not go with that form gives bytes: the guest sees what is there.
pub(super) fn value(kind: u64, bytes: Vec<u8>) -> Value {
    let words = || -> Option<Vec<u64>> {
        let chunks = bytes.chunks_exact(size_of::<CK_ULONG>());
        if !chunks.remainder().is_empty() {
            return None;
        }
        let word = |chunk: &[u8]| chunk.try_into().ok().map(CK_ULONG::from_ne_bytes).map(widen);
        chunks.map(word).collect()
    };
    if kind == widen(CKA_ALLOWED_MECHANISMS) {
        return match words() {
            Some(numbers) => Value::Mechanisms(numbers),
            None => Value::Bytes(bytes),
        };
    }
    if is_ulong(kind)
        && let Some([number]) = words().as_deref()
    {
        return Value::Ulong(*number);
    }
    if is_boolean(kind)
        && let [byte] = bytes.as_slice()
    {
        return Value::Boolean(*byte != CK_FALSE);
    }
    Value::Bytes(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a failed unwrap is a failed test"
    )]

    use super::*;
    use crate::ck::sys::{CKA_CLASS, CKA_LABEL, CKA_TOKEN, CKA_UNWRAP_TEMPLATE, CKA_WRAP_TEMPLATE};

    fn attribute(kind: CK_ULONG, value: Value) -> Attribute {
        Attribute { kind: widen(kind), value }
    }

    #[test]
    fn values_have_the_c_layout() {
        let mut template = Template::new(
            "C_CreateObject",
            vec![
                attribute(CKA_CLASS, Value::Ulong(3)),
                attribute(CKA_TOKEN, Value::Boolean(true)),
                attribute(CKA_LABEL, Value::Bytes(b"a label of odd length".to_vec())),
                attribute(CKA_ALLOWED_MECHANISMS, Value::Mechanisms(vec![1, 2])),
                attribute(
                    CKA_WRAP_TEMPLATE,
                    Value::Template(vec![attribute(CKA_TOKEN, Value::Boolean(false))]),
                ),
            ],
        )
        .unwrap();
        assert_eq!(template.count(), 5);
        let pointer = template.pointer();
        // SAFETY: `template` lives and has this many entries.
        let list = unsafe { std::slice::from_raw_parts(pointer, 5) };
        let lengths: Vec<_> = list.iter().map(|entry| entry.ulValueLen).collect();
        let word = length(size_of::<CK_ULONG>());
        assert_eq!(lengths, [word, 1, 21, 2 * word, length(size_of::<CK_ATTRIBUTE>())]);
        // SAFETY: entry 4 points at the inner template's only entry.
        let inner = unsafe { *list[4].pValue.cast::<CK_ATTRIBUTE>() };
        assert_eq!((inner.type_, inner.ulValueLen), (CKA_TOKEN, 1));
    }

    #[test]
    fn an_attribute_that_holds_structures_takes_no_bytes() {
        let bytes = attribute(CKA_UNWRAP_TEMPLATE, Value::Bytes(vec![0; 24]));
        let error = Template::new("C_CreateObject", vec![bytes]).err().unwrap();
        assert!(error.is(CKR_ATTRIBUTE_VALUE_INVALID));
        let inner = attribute(CKA_WRAP_TEMPLATE, Value::Template(Vec::new()));
        let outer = attribute(CKA_WRAP_TEMPLATE, Value::Template(vec![inner]));
        assert!(Template::new("C_CreateObject", vec![outer]).is_err());
        let label = attribute(CKA_LABEL, Value::Template(Vec::new()));
        assert!(Template::new("C_CreateObject", vec![label]).is_err());
    }

    #[test]
    fn values_are_read_in_the_form_of_their_attribute() {
        let one = CK_ULONG::from(1_u8).to_ne_bytes().to_vec();
        assert_eq!(value(widen(CKA_CLASS), one.clone()), Value::Ulong(1));
        assert_eq!(value(widen(CKA_CLASS), vec![1]), Value::Bytes(vec![1]));
        assert_eq!(value(widen(CKA_TOKEN), vec![1]), Value::Boolean(true));
        assert_eq!(value(widen(CKA_TOKEN), one.clone()), Value::Bytes(one.clone()));
        assert_eq!(value(widen(CKA_ALLOWED_MECHANISMS), one), Value::Mechanisms(vec![1]));
        assert_eq!(value(0x8000_0001, vec![1]), Value::Bytes(vec![1]));
        let all_ones = vec![0xff; size_of::<CK_ULONG>()];
        assert_eq!(value(widen(CKA_CLASS), all_ones), Value::Ulong(u64::MAX));
    }
}
