//! The description of types that the runner sends once, so that the shim never parses WIT.
//!
//! A [`TypeTable`] is a list of definitions, each of which refers only to earlier ones. So a type
//! is finite, has a known depth, and every walk over a value ends.

use crate::error::TypeError;
use crate::limits::{FIXED_LIST_MAX, MEMBERS_MAX, RESOURCES_MAX, TYPE_DEPTH_MAX, TYPES_MAX};
use serde::{Deserialize, Serialize};

/// A type where it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the variants are the component model's own names")]
pub enum Type {
    Bool,
    S8,
    U8,
    S16,
    U16,
    S32,
    U32,
    S64,
    U64,
    F32,
    F64,
    Char,
    String,
    /// Index into the table's definitions.
    Defined(u32),
}

/// A type that is made of others.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TypeDef {
    /// `list<T>`
    List(Type),
    /// `list<T, N>`
    FixedList(Type, u32),
    /// `map<K, V>`; encoded as `list<tuple<K, V>>`
    Map(Type, Type),
    /// `record` and `tuple`: the fields in order
    Record(Vec<Type>),
    /// `variant`: the payload of each case
    Variant(Vec<Option<Type>>),
    /// `enum`: the number of cases
    Enum(u32),
    /// `option<T>`
    Option(Type),
    /// `result<T, E>`
    Result(Option<Type>, Option<Type>),
    /// `flags`: the number of flags
    Flags(u32),
    /// `own<R>`: index of the resource in the plan
    Own(u32),
    /// `borrow<R>`: index of the resource in the plan
    Borrow(u32),
}

/// What is known about a type without looking at a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Nesting, 1 for a primitive.
    pub depth: u32,
    /// Fewest bytes that a value of this type takes on the wire. Never 0.
    pub size_min: usize,
    /// Bytes on the wire if every bit pattern of that many bytes is a value, else `None`. Lists of
    /// such a type are checked and copied as one block.
    pub plain: Option<usize>,
    /// Whether a value may hold handles.
    pub handles: bool,
}

/// Checked definitions: every index is valid and every depth within its limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypeTable {
    defs: Vec<TypeDef>,
    facts: Vec<Facts>,
}

impl TypeTable {
    /// Checks `defs`, in which handles may refer to `resources` resource types.
    ///
    /// # Errors
    /// [`TypeError`] for a forward reference, too deep a nesting, too many members.
    pub fn new(defs: Vec<TypeDef>, resources: usize) -> Result<Self, TypeError> {
        if defs.len() > TYPES_MAX || resources > RESOURCES_MAX {
            return Err(TypeError::TooMany);
        }
        let mut table = Self { facts: Vec::with_capacity(defs.len()), defs: Vec::new() };
        for (index, def) in defs.iter().enumerate() {
            let facts = table.facts_of_def(index, def, resources)?;
            if facts.depth > TYPE_DEPTH_MAX {
                return Err(TypeError::Depth(index));
            }
            table.facts.push(facts);
        }
        table.defs = defs;
        Ok(table)
    }

    /// The definitions, as they travel in a plan.
    pub fn defs(&self) -> &[TypeDef] {
        &self.defs
    }

    /// The definition behind `Type::Defined(index)`; `None` if there is none.
    pub fn def(&self, index: u32) -> Option<&TypeDef> {
        self.defs.get(usize::try_from(index).ok()?)
    }

    /// Facts about `ty`; `None` if its index is not in the table.
    pub fn facts(&self, ty: Type) -> Option<Facts> {
        let plain = |bytes| Facts { depth: 1, size_min: bytes, plain: Some(bytes), handles: false };
        let checked = |bytes| Facts { plain: None, ..plain(bytes) };
        Some(match ty {
            Type::S8 | Type::U8 => plain(1),
            Type::S16 | Type::U16 => plain(2),
            Type::S32 | Type::U32 | Type::F32 => plain(4),
            Type::S64 | Type::U64 | Type::F64 => plain(8),
            Type::Bool => checked(1),
            Type::Char | Type::String => checked(4),
            Type::Defined(index) => *self.facts.get(usize::try_from(index).ok()?)?,
        })
    }

    fn facts_of_def(&self, at: usize, def: &TypeDef, resources: usize) -> Result<Facts, TypeError> {
        let known = |ty: &Type| self.facts(*ty).ok_or(TypeError::Order(at));
        let counted = |parts: &[Facts]| Facts {
            depth: 1 + depth(parts),
            size_min: 4,
            plain: None,
            handles: parts.iter().any(|part| part.handles),
        };
        let members = |count: usize| match count {
            1..=MEMBERS_MAX => Ok(()),
            _ => Err(TypeError::Members(at)),
        };
        match def {
            TypeDef::List(element) => Ok(counted(&[known(element)?])),
            TypeDef::Map(key, value) => {
                // One level more than a list: the tuple of key and value.
                let facts = counted(&[known(key)?, known(value)?]);
                Ok(Facts { depth: facts.depth + 1, ..facts })
            }
            TypeDef::FixedList(element, count) => {
                if !(1..=FIXED_LIST_MAX).contains(count) {
                    return Err(TypeError::Members(at));
                }
                repeated(known(element)?, *count).ok_or(TypeError::Members(at))
            }
            TypeDef::Record(fields) => {
                members(fields.len())?;
                let parts = fields.iter().map(known).collect::<Result<Vec<_>, _>>()?;
                joined(&parts).ok_or(TypeError::Members(at))
            }
            TypeDef::Variant(cases) => {
                members(cases.len())?;
                let parts = cases.iter().flatten().map(known).collect::<Result<Vec<_>, _>>()?;
                Ok(Facts { size_min: case_bytes(cases.len()), ..counted(&parts) })
            }
            TypeDef::Option(payload) => Ok(Facts { size_min: 1, ..counted(&[known(payload)?]) }),
            TypeDef::Result(ok, err) => {
                let parts = ok.iter().chain(err).map(known).collect::<Result<Vec<_>, _>>()?;
                Ok(Facts { size_min: 1, ..counted(&parts) })
            }
            TypeDef::Enum(cases) => {
                let cases = usize::try_from(*cases).unwrap_or(usize::MAX);
                members(cases)?;
                Ok(Facts { size_min: case_bytes(cases), ..counted(&[]) })
            }
            TypeDef::Flags(flags) => {
                members(usize::try_from(*flags).unwrap_or(usize::MAX))?;
                Ok(Facts { size_min: flag_bytes(*flags), ..counted(&[]) })
            }
            TypeDef::Own(resource) | TypeDef::Borrow(resource) => {
                if usize::try_from(*resource).is_ok_and(|index| index < resources) {
                    Ok(Facts { handles: true, ..counted(&[]) })
                } else {
                    Err(TypeError::Resource(at))
                }
            }
        }
    }
}

fn depth(parts: &[Facts]) -> u32 {
    parts.iter().map(|part| part.depth).max().unwrap_or(0)
}

/// Facts of parts that follow each other; `None` if their size overflows.
fn joined(parts: &[Facts]) -> Option<Facts> {
    let size_min = parts.iter().try_fold(0_usize, |sum, part| sum.checked_add(part.size_min))?;
    let plain = parts.iter().all(|part| part.plain.is_some()).then_some(size_min);
    let handles = parts.iter().any(|part| part.handles);
    Some(Facts { depth: 1 + depth(parts), size_min, plain, handles })
}

fn repeated(element: Facts, count: u32) -> Option<Facts> {
    let size_min = element.size_min.checked_mul(usize::try_from(count).ok()?)?;
    let plain = element.plain.map(|_| size_min);
    Some(Facts { depth: 1 + element.depth, size_min, plain, handles: element.handles })
}

/// Bytes of a case number, as in the canonical ABI: the smallest of 1, 2 and 4 that can hold it.
pub fn case_bytes(cases: usize) -> usize {
    match cases {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

/// Bytes of a flags value, as in the canonical ABI: 1, 2 or 4, and 4 more for each further 32 flags.
pub fn flag_bytes(flags: u32) -> usize {
    match flags {
        0..=8 => 1,
        9..=16 => 2,
        _ => usize::try_from(flags.div_ceil(32)).unwrap_or(usize::MAX / 4) * 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_cannot_refer_to_itself_or_to_a_later_one() {
        for index in [0, 1] {
            let defs = vec![TypeDef::List(Type::Defined(index)), TypeDef::List(Type::U8)];
            assert_eq!(TypeTable::new(defs, 0), Err(TypeError::Order(0)));
        }
    }

    #[test]
    fn nesting_beyond_the_limit_is_refused() {
        let nested = |levels: u32| {
            let mut defs = vec![TypeDef::Option(Type::U8)];
            defs.extend((1..levels).map(|level| TypeDef::Option(Type::Defined(level - 1))));
            TypeTable::new(defs, 0)
        };
        assert!(nested(TYPE_DEPTH_MAX - 1).is_ok());
        assert!(matches!(nested(TYPE_DEPTH_MAX), Err(TypeError::Depth(_))));
    }

    #[test]
    fn only_types_without_invalid_bit_patterns_are_plain() -> Result<(), TypeError> {
        let table = TypeTable::new(
            vec![
                TypeDef::Record(vec![Type::U32, Type::F64]),
                TypeDef::FixedList(Type::Defined(0), 3),
                TypeDef::Record(vec![Type::U32, Type::Bool]),
            ],
            0,
        )?;
        let plain = |index| table.facts(Type::Defined(index)).and_then(|facts| facts.plain);
        assert_eq!([plain(0), plain(1), plain(2)], [Some(12), Some(36), None]);
        Ok(())
    }

    #[test]
    fn a_fixed_list_of_fixed_lists_cannot_overflow_its_size() {
        let mut defs = vec![TypeDef::FixedList(Type::U64, FIXED_LIST_MAX)];
        defs.extend((0..3).map(|i| TypeDef::FixedList(Type::Defined(i), FIXED_LIST_MAX)));
        assert!(matches!(TypeTable::new(defs, 0), Err(TypeError::Members(_))));
    }

    #[test]
    fn handles_of_unlisted_resources_are_refused() {
        let defs = vec![TypeDef::Own(1)];
        assert_eq!(TypeTable::new(defs, 1), Err(TypeError::Resource(0)));
    }
}
