//! Random values of a type, as wasmtime's `Val`.

use super::types::{Signature, Ty};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use protocol::types::Type;
use wasmtime::component::Val;

/// Values of this type. Lists get shorter with `depth`, so that nesting them stays cheap.
fn value_at(ty: &Ty, depth: u32) -> BoxedStrategy<Val> {
    let inner = |ty: &Ty| value_at(ty, depth + 1);
    let boxed = |ty: &Ty| inner(ty).prop_map(|value| Some(Box::new(value))).boxed();
    match ty {
        Ty::Basic(ty) => basic(*ty),
        Ty::List(element) => {
            let few = vec(inner(element), 0..=4_usize.saturating_sub(depth as usize).max(1));
            let list = match (&**element, depth) {
                // Only such a list is copied as one block, so it should be longer than a few.
                (Ty::Basic(ty), 0) => prop_oneof![few, vec(basic(*ty), 200..=300)].boxed(),
                _ => few.boxed(),
            };
            list.prop_map(Val::List).boxed()
        }
        Ty::FixedList(element, count) => {
            vec(inner(element), *count as usize).prop_map(Val::FixedLengthList).boxed()
        }
        Ty::Map(key, item) => vec((basic(*key), inner(item)), 0..=3).prop_map(Val::Map).boxed(),
        Ty::Record(fields) => fields
            .iter()
            .enumerate()
            .map(|(index, ty)| inner(ty).prop_map(move |value| (format!("f{index}"), value)))
            .collect::<Vec<_>>()
            .prop_map(Val::Record)
            .boxed(),
        Ty::Tuple(members) => {
            members.iter().map(inner).collect::<Vec<_>>().prop_map(Val::Tuple).boxed()
        }
        Ty::Variant(cases) => {
            let cases = cases.clone();
            (0..cases.len())
                .prop_flat_map(move |case| {
                    let payload = match &cases[case] {
                        Some(ty) => {
                            value_at(ty, depth + 1).prop_map(|value| Some(Box::new(value))).boxed()
                        }
                        None => Just(None).boxed(),
                    };
                    payload.prop_map(move |payload| Val::Variant(format!("c{case}"), payload))
                })
                .boxed()
        }
        Ty::Enum(cases) => (0..*cases).prop_map(|case| Val::Enum(format!("c{case}"))).boxed(),
        Ty::Option(payload) => {
            option::of(inner(payload).prop_map(Box::new)).prop_map(Val::Option).boxed()
        }
        Ty::Result(ok, err) => {
            let side = |ty: &Option<Box<Ty>>| ty.as_deref().map_or(Just(None).boxed(), boxed);
            let ok = side(ok).prop_map(|value| Val::Result(Ok(value)));
            prop_oneof![ok, side(err).prop_map(|value| Val::Result(Err(value)))].boxed()
        }
        Ty::Flags(flags) => vec(any::<bool>(), *flags as usize)
            .prop_map(|set| {
                let set = set.iter().enumerate().filter(|(_, set)| **set);
                Val::Flags(set.map(|(flag, _)| format!("c{flag}")).collect())
            })
            .boxed(),
    }
}

fn basic(ty: Type) -> BoxedStrategy<Val> {
    match ty {
        Type::Bool => any::<bool>().prop_map(Val::Bool).boxed(),
        Type::S8 => any::<i8>().prop_map(Val::S8).boxed(),
        Type::U8 => any::<u8>().prop_map(Val::U8).boxed(),
        Type::S16 => any::<i16>().prop_map(Val::S16).boxed(),
        Type::U16 => any::<u16>().prop_map(Val::U16).boxed(),
        Type::S32 => any::<i32>().prop_map(Val::S32).boxed(),
        Type::U32 => any::<u32>().prop_map(Val::U32).boxed(),
        Type::S64 => any::<i64>().prop_map(Val::S64).boxed(),
        Type::U64 => any::<u64>().prop_map(Val::U64).boxed(),
        // By bits: infinities, negative zero, quiet and signalling NaNs with payloads.
        Type::F32 => prop_oneof![
            any::<u32>(),
            (any::<u32>()).prop_map(|bits| bits | 0x7f80_0000),
            proptest::sample::select(vec![0, 0x8000_0000, 0x7fc0_0000, 0x7f80_0001, 0xff80_0000]),
        ]
        .prop_map(|bits| Val::Float32(f32::from_bits(bits)))
        .boxed(),
        Type::F64 => prop_oneof![
            any::<u64>(),
            any::<u64>().prop_map(|bits| bits | 0x7ff0_0000_0000_0000),
            proptest::sample::select(vec![
                0,
                1 << 63,
                0x7ff8_0000_0000_0000,
                0x7ff0_0000_0000_0001
            ]),
        ]
        .prop_map(|bits| Val::Float64(f64::from_bits(bits)))
        .boxed(),
        Type::Char => any::<char>().prop_map(Val::Char).boxed(),
        Type::String => vec(any::<char>(), 0..=8)
            .prop_map(|chars| Val::String(chars.into_iter().collect()))
            .boxed(),
        Type::Defined(_) => panic!("a tree of types has no indices"),
    }
}

/// Values of this type.
pub(super) fn value(ty: &Ty) -> BoxedStrategy<Val> {
    value_at(ty, 0)
}

/// The arguments of one call and its result.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) params: Vec<Val>,
    pub(super) result: Option<Val>,
}

/// Calls of a function with this signature.
pub(super) fn call(signature: &Signature) -> impl Strategy<Value = Call> + use<> {
    let params = signature.params.iter().map(value).collect::<Vec<_>>();
    let result = match &signature.result {
        Some(ty) => value(ty).prop_map(Some).boxed(),
        None => Just(None).boxed(),
    };
    (params, result).prop_map(|(params, result)| Call { params, result })
}
