//! Where each part of a value lies in native memory: the canonical ABI at the machine's pointer
//! width. Computed once per plan; a call only follows it.

#![forbid(unsafe_code)]

use super::flatten::{CoreType, Flat, sequence, variant};
use protocol::types::{Facts, Type, TypeDef, TypeTable, case_bytes, flag_bytes};
use std::sync::Arc;

/// Bytes of a pointer and of a length.
pub(super) const WORD_BYTES: usize = size_of::<usize>();

/// Largest size of a single value in memory, without what it points to.
///
/// Offsets within it never overflow, and no call can carry a value of a thousandth of it.
const SIZE_MAX: usize = 1 << 40;

/// A type that cannot be laid out; the number is its index in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// A type index that the plan does not have.
    #[error("the plan has no type {0}")]
    Unknown(u32),
    /// A fixed-length list of fixed-length lists that no memory could hold.
    #[error("type {0} is too large for this machine")]
    Size(u32),
}

/// How values of one type lie in memory, on the wire and in registers.
#[derive(Debug)]
pub(super) struct Layout {
    /// Bytes in memory, a multiple of `align`.
    pub(super) size: usize,
    /// Alignment in memory, a power of two.
    pub(super) align: usize,
    /// Fewest bytes on the wire.
    pub(super) wire_min: usize,
    /// Memory and wire hold the same bytes and each of them is a value: copy without looking.
    pub(super) same: bool,
    /// Whether a value points to further memory.
    pub(super) points: bool,
    /// Core types of the value.
    pub(super) flat: Flat,
    /// What it is made of.
    pub(super) shape: Shape,
}

/// What a type is made of.
#[derive(Debug)]
pub(super) enum Shape {
    Number(Number),
    Bool,
    Char,
    Text,
    List(Arc<Layout>),
    FixedList(Arc<Layout>, usize),
    Record(Box<[Field]>),
    Variant(Variant),
    /// The number of cases.
    Enum(usize),
    /// The number of flags.
    Flags(u32),
    Handle,
}

/// A number: every bit pattern is a value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    U8,
    S8,
    U16,
    S16,
    /// Any number of 4 bytes, also `f32`.
    Four,
    /// Any number of 8 bytes, also `f64`.
    Eight,
}

/// A field of a record.
#[derive(Debug)]
pub(super) struct Field {
    /// From the start of the record.
    pub(super) offset: usize,
    /// The type of the field.
    pub(super) layout: Arc<Layout>,
}

/// Cases with payloads, all at one offset.
#[derive(Debug)]
pub(super) struct Variant {
    /// From the start of the variant; the case number lies at its start.
    pub(super) payload: usize,
    /// The payload of each case.
    pub(super) cases: Box<[Option<Arc<Layout>>]>,
}

/// The layouts of all types of a plan.
#[derive(Debug)]
pub(super) struct Layouts {
    primitives: Vec<(Type, Arc<Layout>)>,
    defined: Vec<Arc<Layout>>,
}

impl Layouts {
    pub(super) fn new(table: &TypeTable) -> Result<Self, LayoutError> {
        let primitives = PRIMITIVES.iter().map(|ty| (*ty, Arc::new(primitive(*ty)))).collect();
        let mut layouts = Self { primitives, defined: Vec::with_capacity(table.defs().len()) };
        for (index, def) in (0_u32..).zip(table.defs()) {
            let facts = table.facts(Type::Defined(index)).ok_or(LayoutError::Unknown(index))?;
            let layout = layouts.define(def, facts).map_err(|error| match error {
                Fault::Unknown(index) => LayoutError::Unknown(index),
                Fault::Size => LayoutError::Size(index),
            })?;
            layouts.defined.push(Arc::new(layout));
        }
        Ok(layouts)
    }

    /// The layout of `ty`.
    pub(super) fn get(&self, ty: Type) -> Result<Arc<Layout>, LayoutError> {
        self.find(ty).map_err(|_| LayoutError::Unknown(index_of(ty)))
    }

    /// The layout of values that follow each other, as the parameters of a function do.
    pub(super) fn params(&self, types: &[Type]) -> Result<Layout, LayoutError> {
        let fields = types.iter().map(|ty| self.get(*ty)).collect::<Result<Vec<_>, _>>()?;
        let last = types.last().map_or(u32::MAX, |ty| index_of(*ty));
        record(fields).map_err(|_| LayoutError::Size(last))
    }

    fn find(&self, ty: Type) -> Result<Arc<Layout>, Fault> {
        let found = match ty {
            Type::Defined(index) => usize::try_from(index).ok().and_then(|i| self.defined.get(i)),
            _ => self.primitives.iter().find(|(name, _)| *name == ty).map(|(_, layout)| layout),
        };
        found.cloned().ok_or(Fault::Unknown(index_of(ty)))
    }

    fn define(&self, def: &TypeDef, facts: Facts) -> Result<Layout, Fault> {
        let maybe = |ty: &Option<Type>| ty.map(|ty| self.find(ty)).transpose();
        let layout = match def {
            TypeDef::List(element) => list(self.find(*element)?),
            TypeDef::Map(key, value) => {
                list(Arc::new(record(vec![self.find(*key)?, self.find(*value)?])?))
            }
            TypeDef::FixedList(element, count) => fixed_list(self.find(*element)?, *count)?,
            TypeDef::Record(fields) => {
                record(fields.iter().map(|ty| self.find(*ty)).collect::<Result<_, _>>()?)?
            }
            TypeDef::Variant(cases) => {
                variant_of(cases.iter().map(maybe).collect::<Result<_, _>>()?)?
            }
            TypeDef::Option(payload) => variant_of(Box::new([None, Some(self.find(*payload)?)]))?,
            TypeDef::Result(ok, err) => variant_of(Box::new([maybe(ok)?, maybe(err)?]))?,
            TypeDef::Enum(cases) => {
                let cases = usize::try_from(*cases).map_err(|_| Fault::Size)?;
                scalar(case_bytes(cases), Shape::Enum(cases), CoreType::I32)
            }
            TypeDef::Flags(flags) => flags_of(*flags),
            TypeDef::Own(_) | TypeDef::Borrow(_) => scalar(4, Shape::Handle, CoreType::I32),
        };
        Ok(Layout { wire_min: facts.size_min, same: facts.plain == Some(layout.size), ..layout })
    }
}

enum Fault {
    Unknown(u32),
    Size,
}

const PRIMITIVES: [Type; 13] = [
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

fn index_of(ty: Type) -> u32 {
    match ty {
        Type::Defined(index) => index,
        _ => u32::MAX,
    }
}

fn primitive(ty: Type) -> Layout {
    let number =
        |bytes, number, core| Layout { same: true, ..scalar(bytes, Shape::Number(number), core) };
    match ty {
        Type::Bool => scalar(1, Shape::Bool, CoreType::I32),
        Type::S8 => number(1, Number::S8, CoreType::I32),
        Type::U8 => number(1, Number::U8, CoreType::I32),
        Type::S16 => number(2, Number::S16, CoreType::I32),
        Type::U16 => number(2, Number::U16, CoreType::I32),
        Type::S32 | Type::U32 => number(4, Number::Four, CoreType::I32),
        Type::S64 | Type::U64 => number(8, Number::Eight, CoreType::I64),
        Type::F32 => number(4, Number::Four, CoreType::F32),
        Type::F64 => number(8, Number::Eight, CoreType::F64),
        Type::Char => scalar(4, Shape::Char, CoreType::I32),
        Type::String | Type::Defined(_) => pointer_and_length(Shape::Text),
    }
}

fn scalar(bytes: usize, shape: Shape, core: CoreType) -> Layout {
    let flat = Some(vec![core]);
    Layout { size: bytes, align: bytes, wire_min: bytes, same: false, points: false, flat, shape }
}

fn pointer_and_length(shape: Shape) -> Layout {
    Layout {
        size: 2 * WORD_BYTES,
        align: WORD_BYTES,
        // A count, which is never wider than 4 bytes on the wire.
        wire_min: 4,
        same: false,
        points: true,
        flat: Some(vec![CoreType::Pointer, CoreType::Length]),
        shape,
    }
}

fn list(element: Arc<Layout>) -> Layout {
    pointer_and_length(Shape::List(element))
}

fn fixed_list(element: Arc<Layout>, count: u32) -> Result<Layout, Fault> {
    let count = usize::try_from(count).map_err(|_| Fault::Size)?;
    Ok(Layout {
        size: within(element.size.checked_mul(count))?,
        align: element.align,
        wire_min: within(element.wire_min.checked_mul(count))?,
        same: element.same,
        points: element.points,
        flat: sequence(std::iter::repeat_n(&element.flat, count)),
        shape: Shape::FixedList(element, count),
    })
}

fn record(parts: Vec<Arc<Layout>>) -> Result<Layout, Fault> {
    let mut end = 0_usize;
    let mut align = 1;
    let mut wire_min = 0_usize;
    let mut fields = Vec::with_capacity(parts.len());
    let flat = sequence(parts.iter().map(|part| &part.flat));
    for layout in parts {
        let offset = within(end.checked_next_multiple_of(layout.align))?;
        end = within(offset.checked_add(layout.size))?;
        align = align.max(layout.align);
        wire_min = within(wire_min.checked_add(layout.wire_min))?;
        fields.push(Field { offset, layout });
    }
    let size = within(end.checked_next_multiple_of(align))?;
    Ok(Layout {
        size,
        align,
        wire_min,
        same: fields.iter().all(|field| field.layout.same) && size == wire_min,
        points: fields.iter().any(|field| field.layout.points),
        flat,
        shape: Shape::Record(fields.into()),
    })
}

fn variant_of(cases: Box<[Option<Arc<Layout>>]>) -> Result<Layout, Fault> {
    let payloads = || cases.iter().flatten();
    let tag = case_bytes(cases.len());
    let payload_align = payloads().map(|case| case.align).max().unwrap_or(1);
    let payload_size = payloads().map(|case| case.size).max().unwrap_or(0);
    let align = payload_align.max(tag);
    let payload = within(tag.checked_next_multiple_of(payload_align))?;
    let end = within(payload.checked_add(payload_size))?;
    Ok(Layout {
        size: within(end.checked_next_multiple_of(align))?,
        align,
        wire_min: tag,
        same: false,
        points: payloads().any(|case| case.points),
        flat: variant(payloads().map(|case| &case.flat)),
        shape: Shape::Variant(Variant { payload, cases }),
    })
}

fn flags_of(flags: u32) -> Layout {
    let bytes = flag_bytes(flags);
    let words = bytes.div_ceil(4);
    Layout {
        size: bytes,
        align: bytes.min(4),
        wire_min: bytes,
        same: false,
        points: false,
        flat: sequence(std::iter::repeat_n(&Some(vec![CoreType::I32]), words)),
        shape: Shape::Flags(flags),
    }
}

fn within(size: Option<usize>) -> Result<usize, Fault> {
    size.filter(|size| *size <= SIZE_MAX).ok_or(Fault::Size)
}
