//! What the two walks share: where members lie, and which values are the same bytes in guest memory
//! and on the wire.

use wasmtime::component::__internal::wasmtime_environ::component::TypeFlagsIndex;
use wasmtime::component::__internal::{ComponentTypes, InterfaceType};
use wasmtime::{Result, bail};

/// Bytes that a value of `ty` takes in a 32-bit memory.
pub(super) fn size(types: &ComponentTypes, ty: InterfaceType) -> usize {
    types.canonical_abi(&ty).size32 as usize
}

/// How many flags a flags type has; wasmtime bounds it far below `u32::MAX`.
pub(super) fn flag_count(types: &ComponentTypes, index: TypeFlagsIndex) -> u32 {
    u32::try_from(types[index].names.len()).unwrap_or(u32::MAX)
}

/// Whether every bit pattern in memory is a value and the wire has the same bytes: numbers, and
/// records and fixed-length lists of them without padding. Lists of such types are one copy.
pub(super) fn same_bytes(types: &ComponentTypes, ty: InterfaceType) -> bool {
    match ty {
        InterfaceType::U8 | InterfaceType::S8 | InterfaceType::U16 | InterfaceType::S16 => true,
        InterfaceType::U32 | InterfaceType::S32 | InterfaceType::Float32 => true,
        InterfaceType::U64 | InterfaceType::S64 | InterfaceType::Float64 => true,
        InterfaceType::Record(index) => {
            unpadded(types, ty, types[index].fields.iter().map(|field| field.ty))
        }
        InterfaceType::Tuple(index) => unpadded(types, ty, types[index].types.iter().copied()),
        InterfaceType::FixedLengthList(index) => same_bytes(types, types[index].element),
        _ => false,
    }
}

fn unpadded(
    types: &ComponentTypes,
    whole: InterfaceType,
    members: impl Iterator<Item = InterfaceType>,
) -> bool {
    let mut sum = 0;
    for member in members {
        sum += size(types, member);
        if !same_bytes(types, member) {
            return false;
        }
    }
    sum == size(types, whole)
}

/// A type whose values start with a case number.
pub(super) struct Cases {
    /// Bytes of the case number: 1, 2 or 4.
    pub(super) disc_bytes: usize,
    /// Offset of the payload in memory.
    pub(super) payload_at: usize,
    /// How many cases there are.
    pub(super) count: usize,
    /// The type itself.
    ty: InterfaceType,
}

impl Cases {
    /// The cases of `ty`, or `None` if it has none.
    pub(super) fn of(types: &ComponentTypes, ty: InterfaceType) -> Option<Self> {
        let (info, count) = match ty {
            InterfaceType::Variant(index) => (&types[index].info, types[index].cases.len()),
            InterfaceType::Enum(index) => (&types[index].info, types[index].names.len()),
            InterfaceType::Option(index) => (&types[index].info, 2),
            InterfaceType::Result(index) => (&types[index].info, 2),
            _ => return None,
        };
        let disc_bytes = protocol::types::case_bytes(count);
        Some(Self { disc_bytes, payload_at: info.payload_offset32 as usize, count, ty })
    }

    /// The payload type of `case`, if it has one. An error if there is no such case.
    pub(super) fn payload(
        &self,
        types: &ComponentTypes,
        case: u32,
    ) -> Result<Option<InterfaceType>> {
        let index = case as usize;
        if index >= self.count {
            bail!("{case} is no case of a type with {} cases", self.count);
        }
        Ok(match self.ty {
            InterfaceType::Variant(variant) => {
                types[variant].cases.get_index(index).and_then(|(_, payload)| *payload)
            }
            InterfaceType::Option(option) => (case == 1).then_some(types[option].ty),
            InterfaceType::Result(result) => {
                if case == 0 {
                    types[result].ok
                } else {
                    types[result].err
                }
            }
            _ => None,
        })
    }
}

/// Calls `each` with the type and the offset of each field of a record or tuple.
pub(super) fn fields(
    types: &ComponentTypes,
    members: impl Iterator<Item = InterfaceType>,
    mut each: impl FnMut(InterfaceType, usize) -> Result<()>,
) -> Result<()> {
    let mut end = 0;
    for ty in members {
        let at = types.canonical_abi(&ty).next_field32_size(&mut end);
        each(ty, at)?;
    }
    Ok(())
}
