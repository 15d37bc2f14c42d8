//! Random types, and the wire bytes of random values of them.
//!
//! The encoder here is written from `PROTOCOL.md` alone and shares nothing with the crate under
//! test, so that the two can disagree.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "each test binary uses its own part, and a test stops at the first surprise"
)]

pub(crate) mod document;
pub(crate) mod wit;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use protocol::types::{Type, TypeDef, TypeTable};
use protocol::value::HandleUse;

/// How many resource types the random types may name.
pub(crate) const RESOURCES: u32 = 3;

/// As many cases as `PROPTEST_CASES` asks for; failures are printed, not stored in the tree.
pub(crate) fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

/// A type as a tree.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    Basic(Type),
    List(Box<Shape>),
    FixedList(Box<Shape>, u32),
    Map(Box<Shape>, Box<Shape>),
    Record(Vec<Shape>),
    Variant(Vec<Option<Shape>>),
    Enum(u32),
    Option(Box<Shape>),
    Result(Option<Box<Shape>>, Option<Box<Shape>>),
    Flags(u32),
    Own(u32),
    Borrow(u32),
}

impl Shape {
    /// Appends the definitions of this type to `defs`, parts first.
    pub(crate) fn define(&self, defs: &mut Vec<TypeDef>) -> Type {
        let def = match self {
            Self::Basic(ty) => return *ty,
            Self::List(element) => TypeDef::List(element.define(defs)),
            Self::FixedList(element, count) => TypeDef::FixedList(element.define(defs), *count),
            Self::Map(key, value) => TypeDef::Map(key.define(defs), value.define(defs)),
            Self::Record(fields) => {
                TypeDef::Record(fields.iter().map(|field| field.define(defs)).collect())
            }
            Self::Variant(cases) => TypeDef::Variant(
                cases.iter().map(|case| case.as_ref().map(|ty| ty.define(defs))).collect(),
            ),
            Self::Enum(cases) => TypeDef::Enum(*cases),
            Self::Option(payload) => TypeDef::Option(payload.define(defs)),
            Self::Result(ok, err) => TypeDef::Result(
                ok.as_ref().map(|ty| ty.define(defs)),
                err.as_ref().map(|ty| ty.define(defs)),
            ),
            Self::Flags(flags) => TypeDef::Flags(*flags),
            Self::Own(resource) => TypeDef::Own(*resource),
            Self::Borrow(resource) => TypeDef::Borrow(*resource),
        };
        defs.push(def);
        Type::Defined(u32::try_from(defs.len() - 1).unwrap())
    }
}

/// A table of these types, and where each of them is in it.
pub(crate) fn table(shapes: &[Shape]) -> (TypeTable, Vec<Type>) {
    let mut defs = Vec::new();
    let types = shapes.iter().map(|shape| shape.define(&mut defs)).collect();
    (TypeTable::new(defs, RESOURCES as usize).unwrap(), types)
}

/// A handle and the place where its four bytes lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Handle {
    pub(crate) at: usize,
    pub(crate) usage: HandleUse,
    pub(crate) resource: u32,
    pub(crate) handle: u32,
}

/// A value on the wire.
#[derive(Debug, Clone, Default)]
pub(crate) struct Encoded {
    pub(crate) bytes: Vec<u8>,
    pub(crate) handles: Vec<Handle>,
}

impl Encoded {
    fn of(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), handles: Vec::new() }
    }

    fn then(mut self, next: Self) -> Self {
        let start = self.bytes.len();
        self.bytes.extend(next.bytes);
        self.handles.extend(next.handles.into_iter().map(|h| Handle { at: start + h.at, ..h }));
        self
    }

    fn join(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().fold(Self::default(), Self::then)
    }

    fn counted(elements: Vec<Self>) -> Self {
        let count = u32::try_from(elements.len()).unwrap();
        Self::of(count.to_le_bytes()).then(Self::join(elements))
    }

    fn handle(usage: HandleUse, resource: u32, handle: u32) -> Self {
        let found = Handle { at: 0, usage, resource, handle };
        Self { bytes: handle.to_le_bytes().into(), handles: vec![found] }
    }
}

/// `number` in the fewest of 1, 2 and 4 bytes that can number `cases` cases.
fn case_number(number: usize, cases: usize) -> Encoded {
    let bytes = u32::try_from(number).unwrap().to_le_bytes();
    let width = match cases {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    };
    Encoded::of(&bytes[..width])
}

/// Types up to four levels deep.
pub(crate) fn shape() -> impl Strategy<Value = Shape> {
    use Type::*;
    let basic = [Bool, S8, U8, S16, U16, S32, U32, S64, U64, F32, F64, Char, String];
    let leaf = prop_oneof![
        8 => proptest::sample::select(basic.to_vec()).prop_map(Shape::Basic),
        1 => prop_oneof![1..=6_u32, 250..=260_u32, 65530..=65536_u32].prop_map(Shape::Enum),
        1 => (1..=80_u32).prop_map(Shape::Flags),
        1 => (0..RESOURCES).prop_map(Shape::Own),
        1 => (0..RESOURCES).prop_map(Shape::Borrow),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new).boxed();
        prop_oneof![
            2 => boxed.clone().prop_map(Shape::List),
            1 => (boxed.clone(), 1..=4_u32).prop_map(|(ty, count)| Shape::FixedList(ty, count)),
            1 => (boxed.clone(), boxed.clone()).prop_map(|(k, v)| Shape::Map(k, v)),
            2 => vec(inner.clone(), 1..=4).prop_map(Shape::Record),
            1 => vec(option::of(inner.clone()), 1..=4).prop_map(Shape::Variant),
            1 => vec(option::of(inner), 257..=258).prop_map(Shape::Variant),
            1 => boxed.clone().prop_map(Shape::Option),
            1 => (option::of(boxed.clone()), option::of(boxed))
                .prop_map(|(ok, err)| Shape::Result(ok, err)),
        ]
    })
}

/// Valid encodings of values of this type.
pub(crate) fn value(shape: &Shape) -> BoxedStrategy<Encoded> {
    match shape {
        Shape::Basic(ty) => basic_value(*ty),
        Shape::List(element) => vec(value(element), 0..=4).prop_map(Encoded::counted).boxed(),
        Shape::FixedList(element, count) => {
            vec(value(element), *count as usize).prop_map(Encoded::join).boxed()
        }
        Shape::Map(key, item) => {
            let entry = (value(key), value(item)).prop_map(|(key, item)| key.then(item));
            vec(entry, 0..=3).prop_map(Encoded::counted).boxed()
        }
        Shape::Record(fields) => {
            fields.iter().map(value).collect::<Vec<_>>().prop_map(Encoded::join).boxed()
        }
        Shape::Variant(cases) => case_value(cases.clone()),
        Shape::Enum(cases) => {
            let cases = *cases as usize;
            (0..cases).prop_map(move |case| case_number(case, cases)).boxed()
        }
        Shape::Option(payload) => case_value(vec![None, Some((**payload).clone())]),
        Shape::Result(ok, err) => case_value([ok, err].map(|ty| ty.as_deref().cloned()).to_vec()),
        Shape::Flags(flags) => flags_value(*flags),
        Shape::Own(resource) => handle_value(HandleUse::Own, *resource),
        Shape::Borrow(resource) => handle_value(HandleUse::Borrow, *resource),
    }
}

fn basic_value(ty: Type) -> BoxedStrategy<Encoded> {
    match ty {
        Type::Bool => (0..=1_u8).prop_map(|byte| Encoded::of([byte])).boxed(),
        Type::S8 | Type::U8 => any::<[u8; 1]>().prop_map(Encoded::of).boxed(),
        Type::S16 | Type::U16 => any::<[u8; 2]>().prop_map(Encoded::of).boxed(),
        Type::S32 | Type::U32 | Type::F32 => any::<[u8; 4]>().prop_map(Encoded::of).boxed(),
        Type::S64 | Type::U64 | Type::F64 => any::<[u8; 8]>().prop_map(Encoded::of).boxed(),
        Type::Char => any::<char>().prop_map(|c| Encoded::of(u32::from(c).to_le_bytes())).boxed(),
        Type::String => vec(any::<char>(), 0..=6)
            .prop_map(|chars| chars.into_iter().collect::<String>())
            .prop_map(|text| {
                let length = u32::try_from(text.len()).unwrap();
                Encoded::of(length.to_le_bytes()).then(Encoded::of(text))
            })
            .boxed(),
        Type::Defined(_) => panic!("a shape has no indices"),
    }
}

fn case_value(cases: Vec<Option<Shape>>) -> BoxedStrategy<Encoded> {
    (0..cases.len())
        .prop_flat_map(move |case| {
            let number = case_number(case, cases.len());
            match &cases[case] {
                Some(ty) => value(ty).prop_map(move |value| number.clone().then(value)).boxed(),
                None => Just(number).boxed(),
            }
        })
        .boxed()
}

fn flags_value(flags: u32) -> BoxedStrategy<Encoded> {
    let width = match flags {
        0..=8 => 1,
        9..=16 => 2,
        _ => flags.div_ceil(32) as usize * 4,
    };
    vec(any::<bool>(), flags as usize)
        .prop_map(move |set| {
            let mut bytes = vec![0; width];
            for (flag, _) in set.iter().enumerate().filter(|(_, set)| **set) {
                bytes[flag / 8] |= 1 << (flag % 8);
            }
            Encoded::of(bytes)
        })
        .boxed()
}

fn handle_value(usage: HandleUse, resource: u32) -> BoxedStrategy<Encoded> {
    (1..=u32::MAX).prop_map(move |handle| Encoded::handle(usage, resource, handle)).boxed()
}

/// Some types, and the bytes of one value of each, one after the other.
pub(crate) fn typed_values() -> impl Strategy<Value = (Vec<Shape>, Encoded)> {
    vec(shape(), 1..=3).prop_flat_map(|shapes| {
        let values = shapes.iter().map(value).collect::<Vec<_>>();
        (Just(shapes), values.prop_map(Encoded::join))
    })
}
