//! Checks that bytes are values of the declared types, before anything is made of them.

use super::{Reader, char_from, flag_mask, str_from};
use crate::error::{ValueError, ValueFault};
use crate::types::{Type, TypeDef, TypeTable, flag_bytes};

/// Checks that `bytes` are values of `types`, one after the other, with nothing left over.
///
/// # Errors
/// [`ValueError`] with the place of the first fault.
pub fn validate_all(
    table: &TypeTable,
    types: impl IntoIterator<Item = Type>,
    bytes: &[u8],
) -> Result<(), ValueError> {
    let mut reader = Reader::new(bytes);
    for (index, ty) in types.into_iter().enumerate() {
        validate(table, ty, &mut reader).map_err(|error| error.inside(index))?;
    }
    Ok(reader.finish()?)
}

/// Checks one value of type `ty` at the front of `reader`, and moves past it.
///
/// Recursion is bounded by the type, whose depth the table has checked.
///
/// # Errors
/// [`ValueError`] with the place of the first fault.
pub fn validate(table: &TypeTable, ty: Type, reader: &mut Reader<'_>) -> Result<(), ValueError> {
    if let Some(bytes) = table.facts(ty).and_then(|facts| facts.plain) {
        reader.take(bytes)?;
        return Ok(());
    }
    match ty {
        Type::Bool => drop(reader.bool()?),
        Type::Char => drop(char_from(reader.u32()?)?),
        Type::String => drop(str_from(reader.string_bytes()?)?),
        Type::Defined(index) => {
            let def = table.def(index).ok_or(ValueFault::Short)?;
            validate_def(table, def, reader)?;
        }
        // The numbers are plain and were handled above.
        _ => return Err(ValueFault::Short.into()),
    }
    Ok(())
}

fn validate_def(
    table: &TypeTable,
    def: &TypeDef,
    reader: &mut Reader<'_>,
) -> Result<(), ValueError> {
    match def {
        TypeDef::List(element) => {
            let facts = table.facts(*element).ok_or(ValueFault::Short)?;
            let count = reader.count(facts.size_min)?;
            if let Some(bytes) = facts.plain {
                // `count` has checked that the product does not overflow.
                reader.take(count * bytes)?;
                return Ok(());
            }
            elements(table, *element, count, reader)
        }
        TypeDef::FixedList(element, count) => {
            let count = usize::try_from(*count).map_err(|_| ValueFault::Length)?;
            elements(table, *element, count, reader)
        }
        TypeDef::Map(key, value) => {
            let size_min = |ty| table.facts(ty).map_or(1, |facts| facts.size_min);
            let count = reader.count(size_min(*key).saturating_add(size_min(*value)))?;
            (0..count).try_for_each(|index| {
                let entry = |error: ValueError| error.inside(format_args!("[{index}]"));
                validate(table, *key, reader).map_err(|error| entry(error.inside(".0")))?;
                validate(table, *value, reader).map_err(|error| entry(error.inside(".1")))
            })
        }
        TypeDef::Record(fields) => fields.iter().enumerate().try_for_each(|(index, field)| {
            validate(table, *field, reader).map_err(|error| error.inside(format_args!(".{index}")))
        }),
        TypeDef::Variant(cases) => {
            let case = reader.case(cases.len())?;
            let payload = cases.get(case).copied().flatten();
            payload_of(table, case, payload, reader)
        }
        TypeDef::Option(payload) => match reader.case(2)? {
            0 => Ok(()),
            some => payload_of(table, some, Some(*payload), reader),
        },
        TypeDef::Result(ok, err) => {
            let case = reader.case(2)?;
            payload_of(table, case, if case == 0 { *ok } else { *err }, reader)
        }
        TypeDef::Enum(cases) => {
            reader.case(usize::try_from(*cases).map_err(|_| ValueFault::Length)?)?;
            Ok(())
        }
        TypeDef::Flags(flags) => {
            let bytes = reader.take(flag_bytes(*flags))?;
            let stray = |(index, byte): (usize, &u8)| byte & !flag_mask(*flags, index) != 0;
            match bytes.iter().enumerate().any(stray) {
                true => Err(ValueFault::Flags(*flags).into()),
                false => Ok(()),
            }
        }
        TypeDef::Own(_) | TypeDef::Borrow(_) => {
            reader.handle()?;
            Ok(())
        }
    }
}

fn elements(
    table: &TypeTable,
    element: Type,
    count: usize,
    reader: &mut Reader<'_>,
) -> Result<(), ValueError> {
    (0..count).try_for_each(|index| {
        validate(table, element, reader).map_err(|error| error.inside(format_args!("[{index}]")))
    })
}

fn payload_of(
    table: &TypeTable,
    case: usize,
    payload: Option<Type>,
    reader: &mut Reader<'_>,
) -> Result<(), ValueError> {
    match payload {
        Some(ty) => {
            validate(table, ty, reader).map_err(|error| error.inside(format_args!("#{case}")))
        }
        None => Ok(()),
    }
}
