//! Attributes to search for or to create with, and reading them back.

use crate::sessions::Object;
use crate::types::{Attribute, AttributeValue, Mechanism, MechanismParameters};
use crate::{Failure, Result};

/// An attribute that is a `CK_BBOOL`.
pub fn flag(type_: u64, value: bool) -> Attribute {
    Attribute { type_, value: AttributeValue::Boolean(value) }
}

/// An attribute that is a `CK_ULONG`.
pub fn number(type_: u64, value: u64) -> Attribute {
    Attribute { type_, value: AttributeValue::Ulong(value) }
}

/// An attribute that is a run of bytes.
pub fn bytes(type_: u64, value: impl Into<Vec<u8>>) -> Attribute {
    Attribute { type_, value: AttributeValue::Bytes(value.into()) }
}

/// A mechanism without parameters.
pub fn mechanism(type_: u64) -> Mechanism {
    Mechanism { type_, parameters: MechanismParameters::None }
}

/// Reads an attribute that is a run of bytes.
pub fn read_bytes(object: &Object, type_: u64) -> Result<Vec<u8>> {
    match object.get_attribute(type_)? {
        AttributeValue::Bytes(bytes) => Ok(bytes),
        other => Err(unexpected(type_, &other)),
    }
}

/// Reads an attribute that is a `CK_ULONG`.
pub fn read_number(object: &Object, type_: u64) -> Result<u64> {
    match object.get_attribute(type_)? {
        AttributeValue::Ulong(number) => Ok(number),
        other => Err(unexpected(type_, &other)),
    }
}

fn unexpected(type_: u64, value: &AttributeValue) -> Failure {
    format!("attribute {type_:#x} has an unexpected type: {value:?}").into()
}
