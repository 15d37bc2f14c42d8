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
    let mut walk = Walk { table, bytes, at: 0, replace };
    types.into_iter().try_for_each(|ty| walk.visit(ty))
}

/// A cursor that replaces as it goes: nothing is stored, however many handles there are.
struct Walk<'a, E> {
    table: &'a TypeTable,
    bytes: &'a mut [u8],
    at: usize,
    replace: &'a mut dyn FnMut(HandleUse, u32, u32) -> Result<u32, E>,
}

impl<E: From<ValueFault>> Walk<'_, E> {
    fn read<R>(
        &mut self,
        read: impl FnOnce(&mut Reader<'_>) -> Result<R, ValueFault>,
    ) -> Result<R, ValueFault> {
        let mut reader = Reader::new(self.bytes.get(self.at..).unwrap_or_default());
        let result = read(&mut reader)?;
        self.at += reader.position();
        Ok(result)
    }

    fn skip(&mut self, bytes: usize) -> Result<(), E> {
        Ok(self.read(|reader| reader.take(bytes).map(drop))?)
    }

    fn visit(&mut self, ty: Type) -> Result<(), E> {
        let table = self.table;
        let facts = table.facts(ty).ok_or(ValueFault::Short)?;
        if let Some(bytes) = facts.plain {
            return self.skip(bytes);
        }
        let Type::Defined(index) = ty else {
            return match ty {
                Type::String => Ok(self.read(|reader| reader.string_bytes().map(drop))?),
                _ => self.skip(facts.size_min),
            };
        };
        match table.def(index).ok_or(ValueFault::Short)? {
            TypeDef::List(element) => {
                let facts = table.facts(*element).ok_or(ValueFault::Short)?;
                let count = self.read(|reader| reader.count(facts.size_min))?;
                match facts.plain {
                    // `count` has checked that the product does not overflow.
                    Some(bytes) => self.skip(count * bytes),
                    None => (0..count).try_for_each(|_| self.visit(*element)),
                }
            }
            TypeDef::FixedList(element, count) => {
                (0..*count).try_for_each(|_| self.visit(*element))
            }
            TypeDef::Map(key, value) => {
                let count = self.read(|reader| reader.count(1))?;
                (0..count).try_for_each(|_| {
                    self.visit(*key)?;
                    self.visit(*value)
                })
            }
            TypeDef::Record(fields) => fields.iter().try_for_each(|field| self.visit(*field)),
            TypeDef::Variant(cases) => {
                let case = self.read(|reader| reader.case(cases.len()))?;
                self.payload(cases.get(case).copied().flatten())
            }
            TypeDef::Option(payload) => {
                let case = self.read(|reader| reader.case(2))?;
                self.payload((case == 1).then_some(*payload))
            }
            TypeDef::Result(ok, err) => {
                let case = self.read(|reader| reader.case(2))?;
                self.payload(if case == 0 { *ok } else { *err })
            }
            TypeDef::Enum(_) => self.skip(facts.size_min),
            TypeDef::Flags(flags) => self.skip(flag_bytes(*flags)),
            TypeDef::Own(resource) => self.handle(HandleUse::Own, *resource),
            TypeDef::Borrow(resource) => self.handle(HandleUse::Borrow, *resource),
        }
    }

    fn payload(&mut self, ty: Option<Type>) -> Result<(), E> {
        ty.map_or(Ok(()), |ty| self.visit(ty))
    }

    fn handle(&mut self, usage: HandleUse, resource: u32) -> Result<(), E> {
        let at = self.at;
        let handle = self.read(|reader| reader.handle())?;
        let new = (self.replace)(usage, resource, handle)?;
        let slot = self.bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut());
        *slot.ok_or(ValueFault::Short)? = new.to_le_bytes();
        Ok(())
    }
}
