//! Types at the edges that chance may miss.

use super::types::{BASIC, Signature, Ty};
use protocol::types::Type;

/// Signatures with such types.
pub(super) fn edges() -> Vec<Signature> {
    let basic = |ty| Ty::Basic(ty);
    let boxed = |ty| Box::new(Ty::Basic(ty));
    let mut edges = Vec::new();
    let mut edge = |params: Vec<Ty>, result| edges.push(Signature { params, result });
    edge(vec![], None);
    for ty in BASIC {
        edge(vec![basic(ty)], Some(basic(ty)));
        edge(vec![Ty::List(boxed(ty))], Some(Ty::List(boxed(ty))));
        // Exactly as many flat values as fit, and one more.
        edge(vec![basic(ty); if ty == Type::String { 8 } else { 16 }], None);
        edge(vec![basic(ty); 17], Some(Ty::Tuple(vec![basic(ty); 2])));
    }
    for cases in [1, 2, 255, 256, 257, 300] {
        edge(vec![Ty::Enum(cases)], Some(Ty::Enum(cases)));
        edge(vec![Ty::List(Box::new(Ty::Enum(cases)))], Some(Ty::Tuple(vec![Ty::Enum(cases)])));
        let mut variant = vec![None; cases as usize];
        edge(vec![Ty::Variant(variant.clone())], Some(Ty::Variant(variant.clone())));
        variant[0] = Some(basic(Type::U64));
        edge(vec![Ty::Variant(variant.clone())], Some(Ty::Variant(variant)));
    }
    for flags in [1, 7, 8, 9, 15, 16, 17, 31, 32] {
        edge(vec![Ty::Flags(flags)], Some(Ty::Flags(flags)));
        edge(
            vec![Ty::List(Box::new(Ty::Flags(flags)))],
            Some(Ty::Option(Box::new(Ty::Flags(flags)))),
        );
    }
    for (key, value) in [(Type::U8, Type::U32), (Type::U64, Type::Bool), (Type::String, Type::U64)]
    {
        edge(vec![Ty::Map(key, boxed(value))], Some(Ty::Map(key, boxed(value))));
    }
    // Cases of different core types share their flat values.
    let join = |types: &[Type]| {
        Ty::Variant(types.iter().map(|ty| Some(Ty::Basic(*ty))).chain([None]).collect())
    };
    for types in [
        &[Type::F32, Type::U32][..],
        &[Type::F32, Type::S64],
        &[Type::F32, Type::F64],
        &[Type::U8, Type::F64, Type::Char],
        &[Type::String, Type::F64, Type::S8],
        &[Type::U16, Type::String, Type::Bool],
    ] {
        edge(vec![join(types)], Some(join(types)));
        edge(vec![join(types); 2], Some(Ty::List(Box::new(join(types)))));
    }
    // One flat result, wrapped.
    edge(vec![], Some(Ty::Tuple(vec![Ty::Record(vec![basic(Type::S16)])])));
    edge(vec![], Some(Ty::FixedList(boxed(Type::F32), 1)));
    edge(vec![], Some(Ty::Result(None, None)));
    edge(vec![Ty::FixedList(boxed(Type::U16), 16)], Some(Ty::FixedList(boxed(Type::U16), 16)));
    edge(vec![Ty::FixedList(boxed(Type::U16), 17)], Some(Ty::FixedList(boxed(Type::Bool), 3)));
    // Records that are one block on the wire and in memory, and some that have padding.
    let record = |types: &[Type]| Ty::Record(types.iter().copied().map(Ty::Basic).collect());
    for types in [
        &[Type::U32, Type::F32][..],
        &[Type::U64, Type::U32],
        &[Type::U8, Type::U16],
        &[Type::U8, Type::Bool],
    ] {
        let list = Ty::List(Box::new(Ty::FixedList(Box::new(record(types)), 3)));
        edge(vec![list.clone()], Some(list));
    }
    let deep = (0..40).fold(basic(Type::U8), |ty, _| Ty::Option(Box::new(ty)));
    edge(vec![deep.clone()], Some(deep));
    edges
}
