//! WIT types as `PROTOCOL.md` writes them, and values in WAVE, read from their bytes.
//!
//! Only what the document needs: a type is one line, names stay in it.

use super::RESOURCES;
use protocol::types::{Type, TypeDef};
use protocol::value::Reader;

/// A type with the names of its members.
#[derive(Debug)]
pub(crate) enum Wit {
    Basic(Type),
    List(Box<Wit>),
    FixedList(Box<Wit>, u32),
    Map(Box<Wit>, Box<Wit>),
    Tuple(Vec<Wit>),
    Record(Vec<(String, Wit)>),
    Variant(Vec<(String, Option<Wit>)>),
    Enum(Vec<String>),
    Option(Box<Wit>),
    Result(Option<Box<Wit>>, Option<Box<Wit>>),
    Flags(Vec<String>),
    Own,
    Borrow,
}

/// Parts between commas that are not inside of brackets.
fn parts(text: &str) -> Vec<&str> {
    let mut depth = 0;
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        match c {
            '<' | '(' | '{' => depth += 1,
            '>' | ')' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

/// `open … close` of `text`, without them.
fn inside<'a>(text: &'a str, open: &str, close: char) -> Option<&'a str> {
    text.strip_prefix(open)?.trim_start().strip_suffix(close).map(str::trim)
}

impl Wit {
    /// Reads a type; stops the test if it is none.
    pub(crate) fn parse(text: &str) -> Self {
        let boxed = |text: &str| Box::new(Self::parse(text));
        let names = |text: &str| parts(text).into_iter().map(str::to_owned).collect();
        if let Some(fields) = inside(text, "record {", '}') {
            let field = |text: &str| {
                let (name, ty) = text.split_once(": ").unwrap();
                (name.to_owned(), Self::parse(ty))
            };
            return Self::Record(parts(fields).into_iter().map(field).collect());
        }
        if let Some(cases) = inside(text, "variant {", '}') {
            let case = |text: &str| match text.split_once('(') {
                Some((name, ty)) => {
                    (name.to_owned(), Some(Self::parse(ty.strip_suffix(')').unwrap())))
                }
                None => (text.to_owned(), None),
            };
            return Self::Variant(parts(cases).into_iter().map(case).collect());
        }
        if let Some(cases) = inside(text, "enum {", '}') {
            return Self::Enum(names(cases));
        }
        if let Some(flags) = inside(text, "flags {", '}') {
            return Self::Flags(names(flags));
        }
        let (name, args) = match text.split_once('<') {
            Some((name, args)) => (name, parts(args.strip_suffix('>').unwrap())),
            None => (text, Vec::new()),
        };
        match (name, &args[..]) {
            ("list", [element]) => Self::List(boxed(element)),
            ("list", [element, count]) => Self::FixedList(boxed(element), count.parse().unwrap()),
            ("map", [key, value]) => Self::Map(boxed(key), boxed(value)),
            ("tuple", members) => Self::Tuple(members.iter().map(|ty| Self::parse(ty)).collect()),
            ("option", [payload]) => Self::Option(boxed(payload)),
            ("result", []) => Self::Result(None, None),
            ("result", [ok]) => Self::Result(Some(boxed(ok)), None),
            ("result", ["_", err]) => Self::Result(None, Some(boxed(err))),
            ("result", [ok, err]) => Self::Result(Some(boxed(ok)), Some(boxed(err))),
            ("own", [_]) => Self::Own,
            ("borrow", [_]) => Self::Borrow,
            (name, []) => Self::Basic(basic(name)),
            _ => panic!("`{text}` is no type"),
        }
    }

    /// Appends the definitions of this type to `defs`, parts first.
    pub(crate) fn define(&self, defs: &mut Vec<TypeDef>) -> Type {
        let optional = |ty: &Option<Box<Self>>, defs: &mut _| ty.as_ref().map(|ty| ty.define(defs));
        let count = |names: &[String]| u32::try_from(names.len()).unwrap();
        let def = match self {
            Self::Basic(ty) => return *ty,
            Self::List(element) => TypeDef::List(element.define(defs)),
            Self::FixedList(element, count) => TypeDef::FixedList(element.define(defs), *count),
            Self::Map(key, value) => TypeDef::Map(key.define(defs), value.define(defs)),
            Self::Tuple(members) => {
                TypeDef::Record(members.iter().map(|ty| ty.define(defs)).collect())
            }
            Self::Record(fields) => {
                TypeDef::Record(fields.iter().map(|(_, ty)| ty.define(defs)).collect())
            }
            Self::Variant(cases) => TypeDef::Variant(
                cases.iter().map(|(_, ty)| ty.as_ref().map(|ty| ty.define(defs))).collect(),
            ),
            Self::Enum(names) => TypeDef::Enum(count(names)),
            Self::Option(payload) => TypeDef::Option(payload.define(defs)),
            Self::Result(ok, err) => {
                let ok = optional(ok, defs);
                TypeDef::Result(ok, optional(err, defs))
            }
            Self::Flags(names) => TypeDef::Flags(count(names)),
            Self::Own => TypeDef::Own(RESOURCES - 1),
            Self::Borrow => TypeDef::Borrow(RESOURCES - 1),
        };
        defs.push(def);
        Type::Defined(u32::try_from(defs.len() - 1).unwrap())
    }

    /// Reads one value and writes it in WAVE; handles as their number.
    pub(crate) fn show(&self, reader: &mut Reader<'_>) -> String {
        match self {
            Self::Basic(ty) => show_basic(*ty, reader),
            Self::List(element) => {
                let count = reader.count(1).unwrap();
                list((0..count).map(|_| element.show(reader)))
            }
            Self::FixedList(element, count) => list((0..*count).map(|_| element.show(reader))),
            Self::Map(key, value) => {
                let count = reader.count(1).unwrap();
                list((0..count).map(|_| format!("({}, {})", key.show(reader), value.show(reader))))
            }
            Self::Tuple(members) => {
                let members: Vec<_> = members.iter().map(|ty| ty.show(reader)).collect();
                format!("({})", members.join(", "))
            }
            Self::Record(fields) => {
                let field = |(name, ty): &(String, Self)| format!("{name}: {}", ty.show(reader));
                let fields: Vec<_> = fields.iter().map(field).collect();
                format!("{{{}}}", fields.join(", "))
            }
            Self::Variant(cases) => {
                let (name, payload) = &cases[reader.case(cases.len()).unwrap()];
                show_case(name, payload.as_ref(), reader)
            }
            Self::Enum(names) => names[reader.case(names.len()).unwrap()].clone(),
            Self::Option(payload) => match reader.case(2).unwrap() {
                0 => "none".to_owned(),
                _ => show_case("some", Some(payload), reader),
            },
            Self::Result(ok, err) => match reader.case(2).unwrap() {
                0 => show_case("ok", ok.as_deref(), reader),
                _ => show_case("err", err.as_deref(), reader),
            },
            Self::Flags(names) => {
                let count = u32::try_from(names.len()).unwrap();
                let bytes = reader.take(protocol::types::flag_bytes(count)).unwrap();
                let set = |index: &usize| bytes[index / 8] & 1 << (index % 8) != 0;
                let set: Vec<_> = (0..names.len()).filter(set).map(|i| &*names[i]).collect();
                format!("{{{}}}", set.join(", "))
            }
            Self::Own | Self::Borrow => reader.handle().unwrap().to_string(),
        }
    }
}

fn basic(name: &str) -> Type {
    match name {
        "bool" => Type::Bool,
        "s8" => Type::S8,
        "u8" => Type::U8,
        "s16" => Type::S16,
        "u16" => Type::U16,
        "s32" => Type::S32,
        "u32" => Type::U32,
        "s64" => Type::S64,
        "u64" => Type::U64,
        "f32" => Type::F32,
        "f64" => Type::F64,
        "char" => Type::Char,
        "string" => Type::String,
        _ => panic!("`{name}` is no type"),
    }
}

fn show_basic(ty: Type, reader: &mut Reader<'_>) -> String {
    match ty {
        Type::Bool => reader.bool().unwrap().to_string(),
        Type::S8 => reader.u8().unwrap().cast_signed().to_string(),
        Type::U8 => reader.u8().unwrap().to_string(),
        Type::S16 => reader.u16().unwrap().cast_signed().to_string(),
        Type::U16 => reader.u16().unwrap().to_string(),
        Type::S32 => reader.u32().unwrap().cast_signed().to_string(),
        Type::U32 => reader.u32().unwrap().to_string(),
        Type::S64 => reader.u64().unwrap().cast_signed().to_string(),
        Type::U64 => reader.u64().unwrap().to_string(),
        Type::F32 => f32::from_bits(reader.u32().unwrap()).to_string().to_lowercase(),
        Type::F64 => f64::from_bits(reader.u64().unwrap()).to_string().to_lowercase(),
        Type::Char => format!("'{}'", char::from_u32(reader.u32().unwrap()).unwrap()),
        Type::String => {
            let bytes = reader.string_bytes().unwrap();
            format!("\"{}\"", std::str::from_utf8(bytes).unwrap())
        }
        Type::Defined(_) => panic!("a basic type has no index"),
    }
}

fn show_case(name: &str, payload: Option<&Wit>, reader: &mut Reader<'_>) -> String {
    match payload {
        Some(ty) => format!("{name}({})", ty.show(reader)),
        None => name.to_owned(),
    }
}

fn list(elements: impl Iterator<Item = String>) -> String {
    format!("[{}]", elements.collect::<Vec<_>>().join(", "))
}
