//! Random WIT types: as a tree, as WIT text, and as the table that travels in a plan.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use protocol::types::{Type, TypeDef, TypeTable};
use std::fmt::Write as _;

/// A WIT value type without handles. Members have no names of their own: fields are `f0`, `f1` and
/// so on, cases and flags `c0`, `c1` and so on.
#[derive(Debug, Clone)]
pub(super) enum Ty {
    Basic(Type),
    List(Box<Ty>),
    FixedList(Box<Ty>, u32),
    Map(Type, Box<Ty>),
    Record(Vec<Ty>),
    Tuple(Vec<Ty>),
    Variant(Vec<Option<Ty>>),
    Enum(u32),
    Option(Box<Ty>),
    Result(Option<Box<Ty>>, Option<Box<Ty>>),
    Flags(u32),
}

impl Ty {
    /// Appends the definitions of this type to `defs`, parts first.
    fn define(&self, defs: &mut Vec<TypeDef>) -> Type {
        let def = match self {
            Self::Basic(ty) => return *ty,
            Self::List(element) => TypeDef::List(element.define(defs)),
            Self::FixedList(element, count) => TypeDef::FixedList(element.define(defs), *count),
            Self::Map(key, value) => TypeDef::Map(*key, value.define(defs)),
            Self::Record(members) | Self::Tuple(members) => {
                TypeDef::Record(members.iter().map(|member| member.define(defs)).collect())
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
        };
        defs.push(def);
        Type::Defined(u32::try_from(defs.len() - 1).unwrap())
    }
}

impl Ty {
    /// Bytes in a guest's memory, or more.
    fn size(&self) -> usize {
        let part = |ty: &Option<Box<Self>>| ty.as_deref().map_or(0, Self::size);
        match self {
            Self::Basic(_) | Self::List(_) | Self::Map(..) | Self::Enum(_) | Self::Flags(_) => 8,
            Self::FixedList(element, count) => element.size() * *count as usize,
            Self::Record(members) | Self::Tuple(members) => members.iter().map(Self::size).sum(),
            Self::Variant(cases) => 8 + cases.iter().flatten().map(Self::size).max().unwrap_or(0),
            Self::Option(payload) => 8 + payload.size(),
            Self::Result(ok, err) => 8 + part(ok).max(part(err)),
        }
    }

    /// How many bytes of a guest's memory one byte on the wire can come to, or more: a list may
    /// have an element for each.
    pub(super) fn growth(&self) -> usize {
        let part = |ty: &Option<Box<Self>>| ty.as_deref().map_or(0, Self::growth);
        let parts = match self {
            Self::Basic(_) | Self::Enum(_) | Self::Flags(_) => 0,
            Self::List(part) | Self::FixedList(part, _) | Self::Option(part) => part.growth(),
            Self::Map(_, value) => (8 + value.size()).max(value.growth()),
            Self::Record(members) | Self::Tuple(members) => {
                members.iter().map(Self::growth).max().unwrap_or(0)
            }
            Self::Variant(cases) => cases.iter().flatten().map(Self::growth).max().unwrap_or(0),
            Self::Result(ok, err) => part(ok).max(part(err)),
        };
        self.size().max(parts)
    }
}

/// A table of these types, and where each of them is in it.
pub(super) fn table<'a>(types: impl IntoIterator<Item = &'a Ty>) -> (TypeTable, Vec<Type>) {
    let mut defs = Vec::new();
    let types = types.into_iter().map(|ty| ty.define(&mut defs)).collect();
    (TypeTable::new(defs, 0).unwrap(), types)
}

/// WIT text under construction: the types that need a name, in order.
#[derive(Debug, Default)]
struct Wit {
    definitions: String,
    names: Vec<String>,
}

impl Wit {
    /// How `ty` is written where it is used.
    fn expression(&mut self, ty: &Ty) -> String {
        match ty {
            Ty::Basic(ty) => format!("{ty:?}").to_lowercase(),
            Ty::List(element) => format!("list<{}>", self.expression(element)),
            Ty::FixedList(element, count) => format!("list<{}, {count}>", self.expression(element)),
            Ty::Map(key, value) => {
                format!("map<{}, {}>", format!("{key:?}").to_lowercase(), self.expression(value))
            }
            Ty::Tuple(members) => {
                let members: Vec<_> = members.iter().map(|ty| self.expression(ty)).collect();
                format!("tuple<{}>", members.join(", "))
            }
            Ty::Option(payload) => format!("option<{}>", self.expression(payload)),
            Ty::Result(ok, err) => {
                let mut part =
                    |ty: &Option<Box<Ty>>| ty.as_ref().map_or("_".into(), |ty| self.expression(ty));
                match (part(ok), part(err)) {
                    (ok, err) if ok == "_" && err == "_" => "result".to_owned(),
                    (ok, err) if err == "_" => format!("result<{ok}>"),
                    (ok, err) => format!("result<{ok}, {err}>"),
                }
            }
            Ty::Record(fields) => {
                let fields: Vec<_> = fields.iter().map(|ty| self.expression(ty)).collect();
                let fields = fields.iter().enumerate().map(|(i, ty)| format!("f{i}: {ty}"));
                self.named("record", fields)
            }
            Ty::Variant(cases) => {
                let cases: Vec<_> =
                    cases.iter().map(|ty| ty.as_ref().map(|ty| self.expression(ty))).collect();
                let cases = cases.iter().enumerate().map(|(i, ty)| match ty {
                    Some(ty) => format!("c{i}({ty})"),
                    None => format!("c{i}"),
                });
                self.named("variant", cases)
            }
            Ty::Enum(cases) => self.named("enum", (0..*cases).map(|i| format!("c{i}"))),
            Ty::Flags(flags) => self.named("flags", (0..*flags).map(|i| format!("c{i}"))),
        }
    }

    fn named(&mut self, keyword: &str, members: impl Iterator<Item = String>) -> String {
        let members: Vec<_> = members.collect();
        let name = format!("t{}", self.names.len());
        let members = members.join(", ");
        writeln!(self.definitions, "    {keyword} {name} {{ {members} }}").unwrap();
        self.names.push(name.clone());
        name
    }
}

/// Parameters and result of a function.
#[derive(Debug, Clone)]
pub(super) struct Signature {
    pub(super) params: Vec<Ty>,
    pub(super) result: Option<Ty>,
}

impl Signature {
    /// A package whose world imports `f` in an interface and exports `g` with the same signature,
    /// and a function that counts the bytes of memory which neither call should have touched.
    pub(super) fn wit(&self) -> String {
        let mut wit = Wit::default();
        let params: Vec<_> = self.params.iter().map(|ty| wit.expression(ty)).collect();
        let params: Vec<_> =
            params.iter().enumerate().map(|(i, ty)| format!("p{i}: {ty}")).collect();
        let result = self.result.as_ref().map(|ty| format!(" -> {}", wit.expression(ty)));
        let func = format!("func({}){}", params.join(", "), result.unwrap_or_default());
        let names = wit.names.join(", ");
        let names =
            if names.is_empty() { String::new() } else { format!("    use host.{{{names}}};\n") };
        format!(
            "package test:canon;\n\
             interface host {{\n{}    f: {func};\n}}\n\
             world guest {{\n{names}    import host;\n    export g: {func};\n    \
             export stray-bytes: func() -> u32;\n}}\n",
            wit.definitions
        )
    }
}

/// Every type that is not made of others.
pub(super) const BASIC: [Type; 13] = [
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

/// Types up to four levels deep.
pub(super) fn ty() -> impl Strategy<Value = Ty> + Clone {
    let basic = proptest::sample::select(BASIC.to_vec());
    // WIT refuses floats as keys.
    let key = basic.clone().prop_filter("a key", |ty| !matches!(ty, Type::F32 | Type::F64));
    let leaf = prop_oneof![
        8 => basic.prop_map(Ty::Basic),
        1 => prop_oneof![4 => 1..=6_u32, 1 => 255..=258_u32].prop_map(Ty::Enum),
        1 => (1..=32_u32).prop_map(Ty::Flags),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let boxed = inner.clone().prop_map(Box::new).boxed();
        prop_oneof![
            3 => boxed.clone().prop_map(Ty::List),
            1 => (boxed.clone(), 1..=4_u32).prop_map(|(ty, count)| Ty::FixedList(ty, count)),
            1 => (key.clone(), boxed.clone()).prop_map(|(key, value)| Ty::Map(key, value)),
            2 => vec(inner.clone(), 1..=4).prop_map(Ty::Record),
            1 => vec(inner.clone(), 1..=4).prop_map(Ty::Tuple),
            2 => vec(option::of(inner), 1..=4).prop_map(Ty::Variant),
            1 => boxed.clone().prop_map(Ty::Option),
            1 => (option::of(boxed.clone()), option::of(boxed))
                .prop_map(|(ok, err)| Ty::Result(ok, err)),
        ]
    })
    .boxed()
}

/// Signatures with few parameters, with as many as fit into flat values, and with more.
pub(super) fn signature() -> impl Strategy<Value = Signature> {
    let narrow = proptest::sample::select(BASIC[..BASIC.len() - 1].to_vec()).prop_map(Ty::Basic);
    let params = prop_oneof![
        4 => vec(ty(), 0..=3),
        1 => vec(narrow, 14..=19),
        1 => vec(ty(), 4..=12),
    ];
    (params, option::weighted(0.9, ty())).prop_map(|(params, result)| Signature { params, result })
}
