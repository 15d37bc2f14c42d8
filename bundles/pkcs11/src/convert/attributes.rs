//! Attributes and templates.

use crate::ck::{Attribute, Reading, Value};
use crate::exports::pkcs11::host::types;

/// A template for the module.
pub(crate) fn template(attributes: Vec<types::Attribute>) -> Vec<Attribute> {
    let attribute =
        |given: types::Attribute| Attribute { kind: given.type_, value: to_module(given.value) };
    attributes.into_iter().map(attribute).collect()
}

fn to_module(value: types::AttributeValue) -> Value {
    match value {
        types::AttributeValue::Bytes(bytes) => Value::Bytes(bytes),
        types::AttributeValue::Boolean(boolean) => Value::Boolean(boolean),
        types::AttributeValue::Ulong(number) => Value::Ulong(number),
        types::AttributeValue::Mechanisms(numbers) => Value::Mechanisms(numbers),
        types::AttributeValue::Template(attributes) => {
            Value::Template(attributes.into_iter().map(plain_to_module).collect())
        }
    }
}

fn plain_to_module(attribute: types::PlainAttribute) -> Attribute {
    let value = match attribute.value {
        types::PlainValue::Bytes(bytes) => Value::Bytes(bytes),
        types::PlainValue::Boolean(boolean) => Value::Boolean(boolean),
        types::PlainValue::Ulong(number) => Value::Ulong(number),
        types::PlainValue::Mechanisms(numbers) => Value::Mechanisms(numbers),
    };
    Attribute { kind: attribute.type_, value }
}

/// What reading an attribute gave.
pub(crate) fn reading(reading: Reading) -> types::AttributeState {
    match reading {
        Reading::Value(given) => types::AttributeState::Value(value(given)),
        Reading::Sensitive => types::AttributeState::Sensitive,
        Reading::Absent => types::AttributeState::Absent,
    }
}

/// A value from the module.
pub(crate) fn value(value: Value) -> types::AttributeValue {
    match value {
        Value::Bytes(bytes) => types::AttributeValue::Bytes(bytes),
        Value::Boolean(boolean) => types::AttributeValue::Boolean(boolean),
        Value::Ulong(number) => types::AttributeValue::Ulong(number),
        Value::Mechanisms(numbers) => types::AttributeValue::Mechanisms(numbers),
        Value::Template(attributes) => types::AttributeValue::Template(
            attributes
                .into_iter()
                .map(|inner| types::PlainAttribute { type_: inner.kind, value: plain(inner.value) })
                .collect(),
        ),
    }
}

fn plain(value: Value) -> types::PlainValue {
    match value {
        Value::Bytes(bytes) => types::PlainValue::Bytes(bytes),
        Value::Boolean(boolean) => types::PlainValue::Boolean(boolean),
        Value::Ulong(number) => types::PlainValue::Ulong(number),
        Value::Mechanisms(numbers) => types::PlainValue::Mechanisms(numbers),
        // Templates are read one level deep: `ck` gives a template inside one as its bytes.
        Value::Template(_) => types::PlainValue::Bytes(Vec::new()),
    }
}
