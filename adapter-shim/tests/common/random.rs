//! Random types and values, drawn from a list of numbers so that proptest can shrink them.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "shared by unit tests and integration tests; all numbers are small"
)]

use protocol::types::{Type, TypeDef, TypeTable, case_bytes, flag_bytes};
use protocol::value::flag_mask;

/// The numbers that decide everything; zeros once they are used up.
pub struct Choices<'a>(pub std::slice::Iter<'a, u32>);

impl Choices<'_> {
    /// A number below `limit`.
    pub fn below(&mut self, limit: u32) -> u32 {
        self.0.next().map_or(0, |choice| choice % limit)
    }

    fn bits(&mut self) -> u64 {
        let half = |choice: Option<&u32>| u64::from(choice.copied().unwrap_or_default());
        half(self.0.next()) << 32 | half(self.0.next())
    }
}

/// Number of resource types that [`defs`] refers to.
pub const RESOURCES: usize = 2;

const PRIMITIVES: [Type; 13] = [
    Type::Bool,
    Type::U8,
    Type::S8,
    Type::U16,
    Type::S16,
    Type::U32,
    Type::S32,
    Type::U64,
    Type::S64,
    Type::F32,
    Type::F64,
    Type::Char,
    Type::String,
];

/// A few definitions, each of which may use the ones before.
pub fn defs(choices: &mut Choices<'_>) -> Vec<TypeDef> {
    let mut defs = Vec::new();
    for _ in 0..=choices.below(6) {
        let def = def(u32::try_from(defs.len()).unwrap(), choices);
        defs.push(def);
    }
    defs
}

/// A primitive, or one of `defined` definitions.
pub fn any_type(defined: u32, choices: &mut Choices<'_>) -> Type {
    match choices.below(2) {
        1 if defined > 0 => Type::Defined(defined - 1 - choices.below(defined)),
        _ => PRIMITIVES[choices.below(13) as usize],
    }
}

fn def(defined: u32, choices: &mut Choices<'_>) -> TypeDef {
    let maybe = |choices: &mut Choices<'_>| match choices.below(3) {
        0 => None,
        _ => Some(any_type(defined, choices)),
    };
    match choices.below(11) {
        0 => TypeDef::List(any_type(defined, choices)),
        1 => TypeDef::FixedList(any_type(defined, choices), 1 + choices.below(3)),
        2 => TypeDef::Map(
            [Type::String, Type::U32][choices.below(2) as usize],
            any_type(defined, choices),
        ),
        3 => TypeDef::Record((0..=choices.below(4)).map(|_| any_type(defined, choices)).collect()),
        4 => {
            // Some have so many cases that the case number is wider than a payload.
            let more = [0, 0, 300][choices.below(3) as usize];
            let mut cases: Vec<_> = (0..=choices.below(5)).map(|_| maybe(choices)).collect();
            cases.extend(std::iter::repeat_n(None, more));
            TypeDef::Variant(cases)
        }
        5 => TypeDef::Enum(1 + [0, 5, 256, 300][choices.below(4) as usize]),
        6 => TypeDef::Option(any_type(defined, choices)),
        7 => TypeDef::Result(maybe(choices), maybe(choices)),
        8 => TypeDef::Flags(1 + [0, 7, 8, 16, 31, 32, 69][choices.below(7) as usize]),
        9 => TypeDef::Own(choices.below(2)),
        _ => TypeDef::Borrow(choices.below(2)),
    }
}

/// Appends an encoded value of type `ty`.
pub fn value(table: &TypeTable, ty: Type, choices: &mut Choices<'_>, out: &mut Vec<u8>) {
    let def = match ty {
        Type::Defined(index) => table.def(index).unwrap(),
        Type::Bool => return out.push(choices.below(2) as u8),
        Type::Char => {
            let code = ['a', '\0', 'ä', '\u{d7ff}', '\u{10ffff}'][choices.below(5) as usize];
            return out.extend_from_slice(&u32::from(code).to_le_bytes());
        }
        Type::String => {
            let text = "Übung".repeat(choices.below(3) as usize);
            out.extend_from_slice(&u32::try_from(text.len()).unwrap().to_le_bytes());
            return out.extend_from_slice(text.as_bytes());
        }
        number => {
            let bytes = table.facts(number).unwrap().plain.unwrap();
            return out.extend_from_slice(&choices.bits().to_le_bytes()[..bytes]);
        }
    };
    defined_value(table, def, choices, out);
}

fn defined_value(table: &TypeTable, def: &TypeDef, choices: &mut Choices<'_>, out: &mut Vec<u8>) {
    let mut case = |cases: usize, choices: &mut Choices<'_>| {
        let case = choices.below(u32::try_from(cases).unwrap());
        out.extend_from_slice(&case.to_le_bytes()[..case_bytes(cases)]);
        case as usize
    };
    let payload = match def {
        TypeDef::Variant(cases) => cases[case(cases.len(), choices)],
        TypeDef::Option(payload) => [None, Some(*payload)][case(2, choices)],
        TypeDef::Result(ok, err) => [*ok, *err][case(2, choices)],
        TypeDef::Enum(cases) => {
            case(*cases as usize, choices);
            None
        }
        TypeDef::List(element) => {
            let count = choices.below(4);
            out.extend_from_slice(&count.to_le_bytes());
            return (0..count).for_each(|_| value(table, *element, choices, out));
        }
        TypeDef::Map(key, of) => {
            let count = choices.below(4);
            out.extend_from_slice(&count.to_le_bytes());
            return (0..count).for_each(|_| {
                value(table, *key, choices, out);
                value(table, *of, choices, out);
            });
        }
        TypeDef::FixedList(element, count) => {
            return (0..*count).for_each(|_| value(table, *element, choices, out));
        }
        TypeDef::Record(fields) => {
            return fields.iter().for_each(|field| value(table, *field, choices, out));
        }
        TypeDef::Flags(flags) => {
            return out.extend(
                (0..flag_bytes(*flags))
                    .map(|index| choices.below(256) as u8 & flag_mask(*flags, index)),
            );
        }
        TypeDef::Own(_) | TypeDef::Borrow(_) => {
            return out.extend_from_slice(&(1 + choices.below(u32::MAX - 1)).to_le_bytes());
        }
    };
    if let Some(payload) = payload {
        value(table, payload, choices, out);
    }
}
