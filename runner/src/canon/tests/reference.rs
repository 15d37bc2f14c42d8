//! `Val` to wire bytes, written from `PROTOCOL.md` alone: what `canon` is compared with.

use super::types::Ty;
use wasmtime::component::Val;

/// Appends the encoding of `value`, which must be of type `ty`.
pub(super) fn encode(ty: &Ty, value: &Val, out: &mut Vec<u8>) {
    match (ty, value) {
        (Ty::Basic(_), _) => encode_basic(value, out),
        (Ty::List(element), Val::List(values)) => {
            encode_count(values.len(), out);
            values.iter().for_each(|value| encode(element, value, out));
        }
        (Ty::FixedList(element, _), Val::FixedLengthList(values)) => {
            values.iter().for_each(|value| encode(element, value, out));
        }
        (Ty::Map(_, item), Val::Map(entries)) => {
            encode_count(entries.len(), out);
            for (key, value) in entries {
                encode_basic(key, out);
                encode(item, value, out);
            }
        }
        (Ty::Record(types), Val::Record(fields)) => {
            assert_eq!(types.len(), fields.len());
            types.iter().zip(fields).for_each(|(ty, (_, value))| encode(ty, value, out));
        }
        (Ty::Tuple(types), Val::Tuple(values)) => {
            assert_eq!(types.len(), values.len());
            types.iter().zip(values).for_each(|(ty, value)| encode(ty, value, out));
        }
        (Ty::Variant(cases), Val::Variant(name, payload)) => {
            let case = number(name);
            encode_case(case, cases.len(), out);
            encode_payload(cases[case].as_ref(), payload, out);
        }
        (Ty::Enum(cases), Val::Enum(name)) => encode_case(number(name), *cases as usize, out),
        (Ty::Option(_), Val::Option(None)) => out.push(0),
        (Ty::Option(ty), Val::Option(payload)) => {
            out.push(1);
            encode_payload(Some(ty), payload, out);
        }
        (Ty::Result(ok, _), Val::Result(Ok(payload))) => {
            out.push(0);
            encode_payload(ok.as_deref(), payload, out);
        }
        (Ty::Result(_, err), Val::Result(Err(payload))) => {
            out.push(1);
            encode_payload(err.as_deref(), payload, out);
        }
        (Ty::Flags(flags), Val::Flags(names)) => encode_flags(*flags, names, out),
        (ty, value) => panic!("{value:?} is not of type {ty:?}"),
    }
}

fn encode_basic(value: &Val, out: &mut Vec<u8>) {
    match value {
        Val::Bool(value) => out.push(u8::from(*value)),
        Val::S8(value) => out.extend(value.to_le_bytes()),
        Val::U8(value) => out.extend(value.to_le_bytes()),
        Val::S16(value) => out.extend(value.to_le_bytes()),
        Val::U16(value) => out.extend(value.to_le_bytes()),
        Val::S32(value) => out.extend(value.to_le_bytes()),
        Val::U32(value) => out.extend(value.to_le_bytes()),
        Val::S64(value) => out.extend(value.to_le_bytes()),
        Val::U64(value) => out.extend(value.to_le_bytes()),
        Val::Float32(value) => out.extend(value.to_bits().to_le_bytes()),
        Val::Float64(value) => out.extend(value.to_bits().to_le_bytes()),
        Val::Char(value) => out.extend(u32::from(*value).to_le_bytes()),
        Val::String(value) => {
            encode_count(value.len(), out);
            out.extend_from_slice(value.as_bytes());
        }
        other => panic!("{other:?} is not of a basic type"),
    }
}

fn encode_payload(ty: Option<&Ty>, payload: &Option<Box<Val>>, out: &mut Vec<u8>) {
    match (ty, payload) {
        (Some(ty), Some(value)) => encode(ty, value, out),
        (None, None) => {}
        other => panic!("payload {other:?}"),
    }
}

fn encode_count(count: usize, out: &mut Vec<u8>) {
    out.extend(u32::try_from(count).unwrap().to_le_bytes());
}

fn encode_case(case: usize, cases: usize, out: &mut Vec<u8>) {
    let width = if cases <= 256 { 1 } else { 2 };
    out.extend_from_slice(&case.to_le_bytes()[..width]);
}

fn encode_flags(flags: u32, names: &[String], out: &mut Vec<u8>) {
    let bits = names.iter().fold(0_u32, |bits, name| bits | 1 << number(name));
    let width = match flags {
        0..=8 => 1,
        9..=16 => 2,
        _ => 4,
    };
    out.extend_from_slice(&bits.to_le_bytes()[..width]);
}

/// The number in a member's name.
fn number(name: &str) -> usize {
    name.trim_start_matches('c').parse().unwrap()
}

/// The encoding of values that follow each other.
pub(super) fn encode_all<'a>(values: impl IntoIterator<Item = (&'a Ty, &'a Val)>) -> Vec<u8> {
    let mut out = Vec::new();
    values.into_iter().for_each(|(ty, value)| encode(ty, value, &mut out));
    out
}
