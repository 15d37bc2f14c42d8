//! The value decoder, with random types.
//!
//! Input: the types, as [`Types`] reads them; one byte; then the values. If the byte is even, the
//! rest is taken as it is. If it is odd, the rest chooses valid values, some bytes of which are
//! then changed.

use crate::allocated;
use crate::input::Input;
use crate::model::{self, Handle};
use arbitrary::{Arbitrary, Result, Unstructured};
use protocol::error::ValueFault;
use protocol::types::{Type, TypeDef, TypeTable};
use protocol::value::{Reader, rewrite_handles, validate, validate_all};

/// Resource types that handles may name.
pub const RESOURCES: u32 = 3;

/// What a check of values may allocate: the place of a fault, as text.
const ALLOCATED_MAX: usize = 8 << 10;

/// Most definitions of one input.
const DEFINITIONS_MAX: u8 = 24;

/// The types, by their numbers on the wire.
const BASIC: [Type; 13] = [
    Type::Bool,
    Type::S8,
    Type::U8,
    Type::S16,
    Type::U16,
    Type::S32,
    Type::U32,
    Type::S64,
    Type::U64,
    Type::F32,
    Type::F64,
    Type::Char,
    Type::String,
];

/// Numbers of members at which the wire changes, and some between.
const MEMBERS: [u32; 16] = [1, 2, 3, 7, 8, 9, 16, 17, 32, 33, 65, 255, 256, 257, 0x1_0000, 0xffff];

/// Definitions, each of earlier ones, and which types the values have. All choices are single bytes
/// from the front of the input.
#[derive(Debug)]
pub struct Types {
    /// The definitions of the table.
    pub defs: Vec<TypeDef>,
    /// Types of the values.
    pub values: Vec<Type>,
}

impl<'a> Arbitrary<'a> for Types {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let count = u.arbitrary::<u8>()? % (DEFINITIONS_MAX + 1);
        let mut defs = Vec::new();
        for _ in 0..count {
            let def = definition(u, defs.len())?;
            defs.push(def);
        }
        let count = u.arbitrary::<u8>()? % 4;
        let values = (0..count).map(|_| ty(u, defs.len())).collect::<Result<_>>()?;
        Ok(Self { defs, values })
    }
}

/// A primitive type by its number, or one of the `known` definitions, the last one first.
fn ty(u: &mut Unstructured<'_>, known: usize) -> Result<Type> {
    let choice = usize::from(u.arbitrary::<u8>()?);
    Ok(match BASIC.get(choice) {
        Some(ty) => *ty,
        None if known == 0 => Type::U8,
        None => {
            let back = (choice - BASIC.len()) % known;
            Type::Defined(u32::try_from(known - 1 - back).unwrap_or(u32::MAX))
        }
    })
}

fn optional(u: &mut Unstructured<'_>, known: usize) -> Result<Option<Type>> {
    if u.arbitrary::<u8>()? % 2 == 0 { Ok(None) } else { ty(u, known).map(Some) }
}

fn members(u: &mut Unstructured<'_>) -> Result<u32> {
    Ok(MEMBERS[usize::from(u.arbitrary::<u8>()?) % MEMBERS.len()])
}

fn definition(u: &mut Unstructured<'_>, known: usize) -> Result<TypeDef> {
    Ok(match u.arbitrary::<u8>()? % 12 {
        0 => TypeDef::List(ty(u, known)?),
        1 => TypeDef::FixedList(ty(u, known)?, members(u)?),
        2 => TypeDef::Map(ty(u, known)?, ty(u, known)?),
        3 => {
            let count = 1 + u.arbitrary::<u8>()? % 5;
            TypeDef::Record((0..count).map(|_| ty(u, known)).collect::<Result<_>>()?)
        }
        4 => {
            let count = 1 + u.arbitrary::<u8>()? % 5;
            TypeDef::Variant((0..count).map(|_| optional(u, known)).collect::<Result<_>>()?)
        }
        5 => TypeDef::Enum(members(u)?),
        6 => TypeDef::Option(ty(u, known)?),
        7 => TypeDef::Result(optional(u, known)?, optional(u, known)?),
        8 => TypeDef::Flags(members(u)?),
        9 => TypeDef::Own(u32::from(u.arbitrary::<u8>()?) % RESOURCES),
        10 => TypeDef::Borrow(u32::from(u.arbitrary::<u8>()?) % RESOURCES),
        _ => {
            // So many cases that their numbers are wider, the last of them with a payload.
            let mut cases = vec![None; members(u)? as usize];
            *cases.last_mut().expect("at least one") = Some(ty(u, known)?);
            TypeDef::Variant(cases)
        }
    })
}

/// Checks one input.
///
/// # Panics
/// If bytes are taken or refused wrongly, or a walk does not do what it should.
pub fn check(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let Ok(Types { defs, values }) = u.arbitrary() else { return };
    let is_usable = model::is_usable(&defs, RESOURCES as usize);
    let table = TypeTable::new(defs, RESOURCES as usize);
    assert_eq!(table.is_ok(), is_usable, "{table:?}");
    let Ok(table) = table else { return };
    let mut input = Input(u.take_rest());
    let changes = input.byte();
    if changes % 2 == 0 {
        return agree(&table, &values, input.rest());
    }
    let Some(mut bytes) = model::choose(table.defs(), &values, &mut Input(input.0)) else { return };
    assert_eq!(validate_all(&table, values.iter().copied(), &bytes), Ok(()));
    agree(&table, &values, &bytes);
    for _ in 0..(changes >> 1) % 4 {
        let (at, byte) = (input.part().len(), input.byte());
        let count = bytes.len().max(1);
        if let Some(slot) = bytes.get_mut(at % count) {
            *slot = byte;
        }
    }
    agree(&table, &values, &bytes);
}

/// The decoder and the model have the same opinion of `bytes`, and find the same handles.
///
/// # Panics
/// If not.
pub fn agree(table: &TypeTable, types: &[Type], bytes: &[u8]) {
    let walk = || types.iter().copied();
    let found = allocated::at_most(ALLOCATED_MAX, || validate_all(table, walk(), bytes));
    let expected = model::decode(table.defs(), types, bytes);
    assert_eq!(found.is_ok(), expected.is_some(), "{types:?} {:?}: {found:?}", table.defs());

    let mut same = bytes.to_vec();
    let mut handles = Vec::new();
    let walked = rewrite_handles::<ValueFault>(table, walk(), &mut same, &mut |usage, r, h| {
        handles.push((usage, r, h));
        Ok(h)
    });
    assert_eq!(same, bytes, "a walk that changes nothing changed something");

    let Some(expected) = expected else { return };
    assert_eq!(expected.again, bytes, "the values spell other bytes");
    assert_eq!(walked, Ok(()));
    let listed = expected.handles.iter().map(|h: &Handle| (h.usage, h.resource, h.handle));
    assert_eq!(handles, listed.collect::<Vec<_>>());
    let mut changed = bytes.to_vec();
    let walked = rewrite_handles::<ValueFault>(table, walk(), &mut changed, &mut |_, _, h| Ok(!h));
    assert_eq!(walked, Ok(()));
    let mut wanted = bytes.to_vec();
    for Handle { at, handle, .. } in expected.handles {
        wanted[at..at + 4].copy_from_slice(&(!handle).to_le_bytes());
    }
    assert_eq!(changed, wanted, "other bytes than the handles changed");

    let mut reader = Reader::new(bytes);
    for (ty, end) in types.iter().zip(expected.ends) {
        assert_eq!(validate(table, *ty, &mut reader), Ok(()));
        assert_eq!((reader.position(), reader.left()), (end, bytes.len() - end));
        let facts = table.facts(*ty).expect("a known type");
        assert!(facts.handles || handles.is_empty() || types.len() > 1);
    }
}
