//! Finds the handles inside encoded values and replaces them in place.
//!
//! The two sides of the wire number resources differently: the runner's numbers index its own
//! checked table, the library's numbers are its own. Only the runner translates.

use super::Reader;
use crate::error::ValueFault;
use crate::types::{Type, TypeDef, TypeTable, flag_bytes};

/// Whether a handle is given away or lent for the time of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the component model's own names")]
pub enum HandleUse {
    Own,
    Borrow,
}

/// Calls `replace` for each handle in `bytes`, in order, and stores what it returns.
///
/// `replace` gets the use, the index of the resource and the number found. `bytes` must have passed
/// [`super::validate_all`] with the same types; if they have not, the walk ends with an error
/// instead of reading elsewhere.
///
/// # Errors
/// Those of `replace`, and [`ValueFault`] if the bytes do not match the types.
pub fn rewrite_handles<E: From<ValueFault>>(
    table: &TypeTable,
    types: impl IntoIterator<Item = Type>,
    bytes: &mut [u8],
    replace: &mut dyn FnMut(HandleUse, u32, u32) -> Result<u32, E>,
) -> Result<(), E> {
    let mut found = Vec::new();
    let mut reader = Reader::new(bytes);
    for ty in types {
        find(table, ty, &mut reader, &mut found)?;
    }
    for Found { at, usage, resource, handle } in found {
        let new = replace(usage, resource, handle)?;
        let slot = bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut());
        *slot.ok_or(ValueFault::Short)? = new.to_le_bytes();
    }
    Ok(())
}

struct Found {
    at: usize,
    usage: HandleUse,
    resource: u32,
    handle: u32,
}

fn find(
    table: &TypeTable,
    ty: Type,
    reader: &mut Reader<'_>,
    found: &mut Vec<Found>,
) -> Result<(), ValueFault> {
    let facts = table.facts(ty).ok_or(ValueFault::Short)?;
    if let Some(bytes) = facts.plain {
        return reader.take(bytes).map(drop);
    }
    let Type::Defined(index) = ty else {
        return match ty {
            Type::String => reader.string_bytes().map(drop),
            _ => reader.take(facts.size_min).map(drop),
        };
    };
    match table.def(index).ok_or(ValueFault::Short)? {
        TypeDef::List(element) => {
            let element_facts = table.facts(*element).ok_or(ValueFault::Short)?;
            let count = reader.count(element_facts.size_min)?;
            match element_facts.plain {
                Some(bytes) => reader.take(count * bytes).map(drop),
                None => (0..count).try_for_each(|_| find(table, *element, reader, found)),
            }
        }
        TypeDef::FixedList(element, count) => {
            (0..*count).try_for_each(|_| find(table, *element, reader, found))
        }
        TypeDef::Map(key, value) => {
            let count = reader.count(1)?;
            (0..count).try_for_each(|_| {
                find(table, *key, reader, found)?;
                find(table, *value, reader, found)
            })
        }
        TypeDef::Record(fields) => {
            fields.iter().try_for_each(|field| find(table, *field, reader, found))
        }
        TypeDef::Variant(cases) => {
            let case = reader.case(cases.len())?;
            cases.get(case).copied().flatten().map_or(Ok(()), |ty| find(table, ty, reader, found))
        }
        TypeDef::Option(payload) => match reader.case(2)? {
            0 => Ok(()),
            _ => find(table, *payload, reader, found),
        },
        TypeDef::Result(ok, err) => {
            let payload = if reader.case(2)? == 0 { ok } else { err };
            payload.map_or(Ok(()), |ty| find(table, ty, reader, found))
        }
        TypeDef::Enum(_) => reader.take(facts.size_min).map(drop),
        TypeDef::Flags(flags) => reader.take(flag_bytes(*flags)).map(drop),
        TypeDef::Own(resource) => note(HandleUse::Own, *resource, reader, found),
        TypeDef::Borrow(resource) => note(HandleUse::Borrow, *resource, reader, found),
    }
}

fn note(
    usage: HandleUse,
    resource: u32,
    reader: &mut Reader<'_>,
    found: &mut Vec<Found>,
) -> Result<(), ValueFault> {
    let at = reader.position();
    let handle = reader.handle()?;
    found.push(Found { at, usage, resource, handle });
    Ok(())
}
