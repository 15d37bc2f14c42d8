//! What can be said about a type without looking at a value of it.

use super::{Shape, ShapeId, Shapes};
use protocol::limits::{FIXED_LIST_MAX, MEMBERS_MAX, TYPE_DEPTH_MAX};

/// Where counting flat values ends: the canonical ABI passes at most 16 as such, so this stands
/// for "more".
pub const FLAT_MAX: usize = 17;

/// What is known about a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Nesting, 1 for a primitive, counted as [`protocol::types::Facts::depth`] counts it.
    pub depth: u32,
    /// How many values it becomes in the canonical ABI's flat form, at most [`FLAT_MAX`].
    pub flat: usize,
    /// Whether a value owns memory: a string, list or map, however deep.
    pub memory: bool,
    /// Whether a value may hold handles.
    pub handles: bool,
    /// Why values of the type cannot be carried, if they cannot.
    pub unsupported: Option<Unsupported>,
}

impl Facts {
    const PRIMITIVE: Self =
        Self { depth: 1, flat: 1, memory: false, handles: false, unsupported: None };

    pub(super) fn unsupported(reason: Unsupported) -> Self {
        Self { unsupported: Some(reason), ..Self::PRIMITIVE }
    }
}

/// Why values of a type cannot be carried to a bundle. `Display` is a noun phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Unsupported {
    /// `stream<T>`
    #[error("a `stream`")]
    Stream,
    /// `future<T>`
    #[error("a `future`")]
    Future,
    /// `error-context`
    #[error("an `error-context`")]
    ErrorContext,
    /// Nested deeper than [`TYPE_DEPTH_MAX`].
    #[error("a type nested deeper than {TYPE_DEPTH_MAX} levels")]
    Depth,
    /// A record, tuple, variant, enum or flags without members.
    #[error("a {0} without members")]
    Empty(&'static str),
    /// More than [`MEMBERS_MAX`] members.
    #[error("a {0} with more than {MEMBERS_MAX} members")]
    Members(&'static str),
    /// A fixed-length list of length 0, or longer than [`FIXED_LIST_MAX`].
    #[error("a fixed-length list whose length is not between 1 and {FIXED_LIST_MAX}")]
    FixedLength,
    /// Something that this version has no name for.
    #[error("a type that this version of wrun does not know")]
    Unknown,
}

/// The facts of `shape`, or the limit that it breaks.
pub(super) fn of(shapes: &Shapes, shape: &Shape) -> Result<Facts, Unsupported> {
    let facts = match shape {
        Shape::Bool
        | Shape::S8
        | Shape::U8
        | Shape::S16
        | Shape::U16
        | Shape::S32
        | Shape::U32
        | Shape::S64
        | Shape::U64
        | Shape::F32
        | Shape::F64
        | Shape::Char => Facts::PRIMITIVE,
        Shape::String => Facts { flat: 2, memory: true, ..Facts::PRIMITIVE },
        Shape::List(element) => allocated(shapes, &[*element]),
        Shape::Map(key, value) => {
            // One level more than a list: the tuple of key and value.
            let facts = allocated(shapes, &[*key, *value]);
            Facts { depth: facts.depth + 1, ..facts }
        }
        Shape::FixedList(element, length) => {
            if !(1..=FIXED_LIST_MAX).contains(length) {
                return Err(Unsupported::FixedLength);
            }
            let facts = joined(shapes, &[*element]);
            let length = usize::try_from(*length).unwrap_or(FLAT_MAX);
            Facts { flat: facts.flat.saturating_mul(length).min(FLAT_MAX), ..facts }
        }
        Shape::Record(fields) => {
            members("record", fields.len())?;
            joined(shapes, &fields.iter().map(|(_, ty)| *ty).collect::<Vec<_>>())
        }
        Shape::Tuple(types) => {
            members("tuple", types.len())?;
            joined(shapes, types)
        }
        Shape::Variant(cases) => {
            members("variant", cases.len())?;
            one_of(shapes, &cases.iter().filter_map(|(_, ty)| *ty).collect::<Vec<_>>())
        }
        Shape::Option(some) => one_of(shapes, &[*some]),
        Shape::Result(ok, err) => {
            one_of(shapes, &ok.iter().chain(err).copied().collect::<Vec<_>>())
        }
        Shape::Enum(names) => {
            members("enum", names.len())?;
            Facts::PRIMITIVE
        }
        Shape::Flags(names) => {
            members("flags", names.len())?;
            Facts { flat: names.len().div_ceil(32).min(FLAT_MAX), ..Facts::PRIMITIVE }
        }
        Shape::Own(_) | Shape::Borrow(_) => Facts { handles: true, ..Facts::PRIMITIVE },
        Shape::Unsupported(reason) => Facts::unsupported(*reason),
    };
    if facts.depth > TYPE_DEPTH_MAX { Err(Unsupported::Depth) } else { Ok(facts) }
}

fn members(kind: &'static str, count: usize) -> Result<(), Unsupported> {
    match count {
        0 => Err(Unsupported::Empty(kind)),
        1..=MEMBERS_MAX => Ok(()),
        _ => Err(Unsupported::Members(kind)),
    }
}

/// Facts of a type that holds all of `parts`, one after the other.
fn joined(shapes: &Shapes, parts: &[ShapeId]) -> Facts {
    parts.iter().map(|part| shapes.facts(*part)).fold(
        Facts { depth: 1, flat: 0, memory: false, handles: false, unsupported: None },
        |all, part| Facts {
            depth: all.depth.max(part.depth + 1),
            flat: (all.flat + part.flat).min(FLAT_MAX),
            memory: all.memory || part.memory,
            handles: all.handles || part.handles,
            unsupported: all.unsupported.or(part.unsupported),
        },
    )
}

/// Facts of a type that holds a case number and one of `parts` or nothing.
fn one_of(shapes: &Shapes, parts: &[ShapeId]) -> Facts {
    let largest = parts.iter().map(|part| shapes.facts(*part).flat).max().unwrap_or(0);
    Facts { flat: (1 + largest).min(FLAT_MAX), ..joined(shapes, parts) }
}

/// Facts of a type that points to any number of `parts`.
fn allocated(shapes: &Shapes, parts: &[ShapeId]) -> Facts {
    Facts { flat: 2, memory: true, ..joined(shapes, parts) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: u32) -> (Shapes, ShapeId) {
        let mut shapes = Shapes::default();
        let mut id = shapes.add(Shape::U8);
        for _ in 1..levels {
            id = shapes.add(Shape::Option(id));
        }
        (shapes, id)
    }

    #[test]
    fn the_deepest_type_has_the_depth_of_the_protocol() {
        let (shapes, id) = nested(TYPE_DEPTH_MAX);
        assert_eq!(shapes.facts(id).depth, TYPE_DEPTH_MAX);
        assert_eq!(shapes.facts(id).unsupported, None);
        let (shapes, id) = nested(TYPE_DEPTH_MAX + 1);
        assert_eq!(shapes.facts(id).unsupported, Some(Unsupported::Depth));
        assert_eq!(shapes.get(id), &Shape::Unsupported(Unsupported::Depth));
    }

    #[test]
    fn flat_values_are_counted_as_the_canonical_abi_does() {
        let mut shapes = Shapes::default();
        let u32_ = shapes.add(Shape::U32);
        let string = shapes.add(Shape::String);
        let pair = shapes.add(Shape::Tuple(vec![u32_, string]));
        let cases = vec![("a".into(), Some(pair)), ("b".into(), Some(u32_)), ("c".into(), None)];
        let variant = shapes.add(Shape::Variant(cases));
        let three = shapes.add(Shape::FixedList(pair, 3));
        let many = shapes.add(Shape::FixedList(pair, 1000));
        let flags = shapes.add(Shape::Flags((0..33).map(|i| format!("f{i}")).collect()));
        let flat =
            [u32_, string, pair, variant, three, many, flags].map(|id| shapes.facts(id).flat);
        assert_eq!(flat, [1, 2, 3, 4, 9, FLAT_MAX, 2]);
    }

    #[test]
    fn a_type_inherits_what_its_parts_cannot() {
        let mut shapes = Shapes::default();
        let stream = shapes.add(Shape::Unsupported(Unsupported::Stream));
        let list = shapes.add(Shape::List(stream));
        let record = shapes.add(Shape::Record(vec![("x".into(), list)]));
        assert_eq!(shapes.facts(record).unsupported, Some(Unsupported::Stream));
        assert!(shapes.facts(record).memory);
    }
}
