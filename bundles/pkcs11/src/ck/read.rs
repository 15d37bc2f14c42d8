//! `C_GetAttributeValue`: the lengths first, then the values, and one attribute at a time where the
//! module cannot give all: a single return value does not tell which attribute it is about.

use cryptoki_sys::{
    CK_ATTRIBUTE, CK_RV, CK_ULONG, CKR_ARGUMENTS_BAD, CKR_ATTRIBUTE_SENSITIVE,
    CKR_ATTRIBUTE_TYPE_INVALID, CKR_BUFFER_TOO_SMALL, CKR_DEVICE_ERROR, CKR_OK,
};

use super::error::{Error, Result, check};
use super::kind::is_template;
use super::limits::{ATTRIBUTES_MAX, LIST_ELEMENTS_MAX, OUTPUT_BYTES_MAX, RETRIES_MAX};
use super::output::believed;
use super::template::{Attribute, Value, value};
use super::ulong::{UNAVAILABLE, length, narrow, widen};

const FUNCTION: &str = "C_GetAttributeValue";

/// What reading one attribute gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// The object has it.
    Value(Value),
    /// The module keeps it secret.
    Sensitive,
    /// The object has no such attribute.
    Absent,
}

/// The attributes `kinds`, in their order. `call` is `C_GetAttributeValue` on one object: it gets a
/// slice whose pointers are null or lead to `ulValueLen` writable bytes aligned for `CK_ULONG`.
pub(super) fn attributes(
    kinds: &[u64],
    mut call: impl FnMut(&mut [CK_ATTRIBUTE]) -> CK_RV,
) -> Result<Vec<Reading>> {
    if kinds.len() > ATTRIBUTES_MAX {
        let why = format!("at most {ATTRIBUTES_MAX} attributes can be read at once");
        return Err(Error::bundle(FUNCTION, CKR_ARGUMENTS_BAD, why));
    }
    let plain = !kinds.iter().any(|kind| is_template(*kind));
    if plain && let Some(values) = together(kinds, &mut call)? {
        return Ok(values);
    }
    kinds.iter().map(|kind| one(*kind, &mut call)).collect()
}

/// All attributes in two calls; `None` if the module has an objection to any of them.
fn together(
    kinds: &[u64],
    call: &mut impl FnMut(&mut [CK_ATTRIBUTE]) -> CK_RV,
) -> Result<Option<Vec<Reading>>> {
    let mut list = kinds.iter().map(|kind| empty(*kind)).collect::<Result<Vec<_>>>()?;
    if list.is_empty() || call(&mut list) != CKR_OK {
        return Ok(list.is_empty().then(Vec::new));
    }
    if list.iter().any(|entry| entry.ulValueLen == UNAVAILABLE) {
        return Ok(None);
    }
    let buffers = attach(&mut list)?;
    if call(&mut list) != CKR_OK {
        return Ok(None);
    }
    let mut readings = Vec::new();
    for ((kind, entry), buffer) in kinds.iter().zip(&list).zip(buffers) {
        let bytes = buffer.take(entry.ulValueLen)?;
        readings.push(Reading::Value(value(*kind, bytes)));
    }
    Ok(Some(readings))
}

/// One attribute, whose return value is about it alone.
fn one(kind: u64, call: &mut impl FnMut(&mut [CK_ATTRIBUTE]) -> CK_RV) -> Result<Reading> {
    for _ in 0..RETRIES_MAX {
        let mut entry = [empty(kind)?];
        if let Some(reading) = refused(call(&mut entry), &entry)? {
            return Ok(reading);
        }
        let [entry] = &entry;
        let bytes = believed(FUNCTION, entry.ulValueLen, OUTPUT_BYTES_MAX)?;
        if is_template(kind) {
            return template(kind, bytes, call).map(|list| Reading::Value(Value::Template(list)));
        }
        let mut buffer = Buffer::new(bytes);
        let mut entry = [*entry];
        let [only] = &mut entry;
        buffer.attach(only);
        let returned = call(&mut entry);
        if returned == CKR_BUFFER_TOO_SMALL {
            continue;
        }
        if let Some(reading) = refused(returned, &entry)? {
            return Ok(reading);
        }
        let [entry] = &entry;
        return Ok(Reading::Value(value(kind, buffer.take(entry.ulValueLen)?)));
    }
    let why = format!("attribute {kind:#x} grew {RETRIES_MAX} times while it was read");
    Err(Error::bundle(FUNCTION, CKR_DEVICE_ERROR, why))
}

/// An attribute that is an array of attributes: how many, how long each is, then the values.
fn template(
    kind: u64,
    bytes: usize,
    call: &mut impl FnMut(&mut [CK_ATTRIBUTE]) -> CK_RV,
) -> Result<Vec<Attribute>> {
    let count = bytes / size_of::<CK_ATTRIBUTE>();
    if count * size_of::<CK_ATTRIBUTE>() != bytes || count > LIST_ELEMENTS_MAX {
        let why = format!("attribute {kind:#x} has {bytes} bytes, which is no array of attributes");
        return Err(Error::bundle(FUNCTION, CKR_DEVICE_ERROR, why));
    }
    if count == 0 {
        return Ok(Vec::new());
    }
    let mut inner = vec![CK_ATTRIBUTE::default(); count];
    fill(kind, &mut inner, call)?;
    let buffers = attach(&mut inner)?;
    fill(kind, &mut inner, call)?;
    let mut list = Vec::new();
    for (entry, buffer) in inner.iter().zip(buffers) {
        let kind = widen(entry.type_);
        list.push(Attribute { kind, value: value(kind, buffer.take(entry.ulValueLen)?) });
    }
    Ok(list)
}

/// A buffer for each entry, as long as the module claimed that its value is.
fn attach(list: &mut [CK_ATTRIBUTE]) -> Result<Vec<Buffer>> {
    let mut left = OUTPUT_BYTES_MAX;
    let mut buffers = Vec::new();
    for entry in list {
        let bytes = believed(FUNCTION, entry.ulValueLen, left)?;
        left -= bytes;
        let mut buffer = Buffer::new(bytes);
        buffer.attach(entry);
        buffers.push(buffer);
    }
    Ok(buffers)
}

/// Let the module write the entries of a template.
fn fill(
    kind: u64,
    inner: &mut [CK_ATTRIBUTE],
    call: &mut impl FnMut(&mut [CK_ATTRIBUTE]) -> CK_RV,
) -> Result<()> {
    let mut outer = [empty(kind)?];
    let [only] = &mut outer;
    only.pValue = inner.as_mut_ptr().cast();
    only.ulValueLen = length(size_of_val(inner));
    check(FUNCTION, call(&mut outer))
}

/// What a return value about one attribute means; `None` if the attribute is there.
fn refused(returned: CK_RV, entry: &[CK_ATTRIBUTE; 1]) -> Result<Option<Reading>> {
    let [entry] = entry;
    match returned {
        // Some modules answer OK and say "no" in the length alone.
        CKR_OK if entry.ulValueLen == UNAVAILABLE => Ok(Some(Reading::Sensitive)),
        CKR_OK => Ok(None),
        CKR_ATTRIBUTE_SENSITIVE => Ok(Some(Reading::Sensitive)),
        CKR_ATTRIBUTE_TYPE_INVALID => Ok(Some(Reading::Absent)),
        other => Err(Error::module(FUNCTION, other)),
    }
}

fn empty(kind: u64) -> Result<CK_ATTRIBUTE> {
    let type_ = narrow(kind).ok_or_else(|| {
        let why = format!("{kind:#x} is wider than CK_ULONG");
        Error::bundle(FUNCTION, CKR_ATTRIBUTE_TYPE_INVALID, why)
    })?;
    Ok(CK_ATTRIBUTE { type_, ..CK_ATTRIBUTE::default() })
}

/// Room for one value, aligned for `CK_ULONG`.
struct Buffer {
    words: Vec<CK_ULONG>,
    bytes: usize,
}

impl Buffer {
    fn new(bytes: usize) -> Self {
        // One word at least: an empty value still gets a pointer, since null asks for the length.
        let words = bytes.div_ceil(size_of::<CK_ULONG>()).max(1);
        Self { words: vec![0; words], bytes }
    }

    fn attach(&mut self, entry: &mut CK_ATTRIBUTE) {
        entry.pValue = self.words.as_mut_ptr().cast();
        entry.ulValueLen = length(self.bytes);
    }

    /// The first `used` bytes.
    fn take(self, used: CK_ULONG) -> Result<Vec<u8>> {
        let used = believed(FUNCTION, used, self.bytes)?;
        let mut bytes: Vec<u8> = self.words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        bytes.truncate(used);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests;
