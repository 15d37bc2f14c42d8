//! One encoded value as text, cut.
//!
//! The bytes are read by the types of the plan, as everywhere. The bundle's WIT only gives names to
//! what is read: where it does not fit, or is not known, members have numbers.

use super::text::{Full, Text};
use crate::shape::{Shape, ShapeId, Shapes};
use protocol::error::{ValueError, ValueFault};
use protocol::types::{Type, TypeDef, TypeTable, flag_bytes};
use protocol::value::{Reader, char_from, str_from, validate};

/// How many elements of a list or map are shown.
const ELEMENTS_MAX: usize = 8;

/// How many characters of a string are shown.
const STRING_CHARS_MAX: usize = 64;

/// How many bytes of a list of bytes are shown.
const BYTES_MAX: usize = 32;

/// What is written where bytes are no value of their type.
pub(super) const INVALID: &str = "<invalid>";

/// What is known about the values of one bundle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) types: &'a TypeTable,
    pub(super) shapes: &'a Shapes,
    /// Names of the resource types, by their index in the plan.
    pub(super) resources: &'a [String],
}

/// The bytes of the value of type `ty` at the front of `reader`, which moves past it. `None` if
/// there is no such value.
pub(super) fn split<'b>(types: &TypeTable, ty: Type, reader: &mut Reader<'b>) -> Option<&'b [u8]> {
    let mut ahead = reader.clone();
    validate(types, ty, &mut ahead).ok()?;
    reader.take(ahead.position().checked_sub(reader.position())?).ok()
}

/// The value that `bytes` are, in at most about `chars_max` characters.
pub(super) fn value(
    known: Known<'_>,
    ty: Type,
    shape: Option<ShapeId>,
    bytes: &[u8],
    chars_max: usize,
) -> String {
    let mut printer = Printer { known, reader: Reader::new(bytes), text: Text::new(chars_max) };
    match printer.value(ty, shape) {
        Ok(()) => printer.text.finish(Ok(())),
        Err(Stop::Full) => printer.text.finish(Err(Full)),
        Err(Stop::Invalid) => printer.text.finish(Ok(())) + INVALID,
    }
}

/// Why printing ends early.
enum Stop {
    Full,
    Invalid,
}

impl From<Full> for Stop {
    fn from(Full: Full) -> Self {
        Self::Full
    }
}

impl From<ValueFault> for Stop {
    fn from(_: ValueFault) -> Self {
        Self::Invalid
    }
}

impl From<ValueError> for Stop {
    fn from(_: ValueError) -> Self {
        Self::Invalid
    }
}

struct Printer<'a, 'b> {
    known: Known<'a>,
    reader: Reader<'b>,
    text: Text,
}

type Printed = Result<(), Stop>;

impl<'a> Printer<'a, '_> {
    fn put(&mut self, text: &str) -> Printed {
        Ok(self.text.put(text)?)
    }

    /// Recursion is bounded by the type, whose depth the table has checked.
    fn value(&mut self, ty: Type, shape: Option<ShapeId>) -> Printed {
        let text = match ty {
            Type::Bool => self.reader.bool()?.to_string(),
            Type::U8 => self.reader.u8()?.to_string(),
            Type::U16 => self.reader.u16()?.to_string(),
            Type::U32 => self.reader.u32()?.to_string(),
            Type::U64 => self.reader.u64()?.to_string(),
            Type::S8 => self.reader.u8()?.cast_signed().to_string(),
            Type::S16 => self.reader.u16()?.cast_signed().to_string(),
            Type::S32 => self.reader.u32()?.cast_signed().to_string(),
            Type::S64 => self.reader.u64()?.cast_signed().to_string(),
            Type::F32 => float(format!("{:?}", f32::from_bits(self.reader.u32()?))),
            Type::F64 => float(format!("{:?}", f64::from_bits(self.reader.u64()?))),
            Type::Char => return self.character(),
            Type::String => return self.string(),
            Type::Defined(index) => {
                let def = self.known.types.def(index).ok_or(Stop::Invalid)?;
                return self.def(def, shape.map(|id| self.known.shapes.get(id)));
            }
        };
        self.put(&text)
    }

    fn character(&mut self) -> Printed {
        let c = char_from(self.reader.u32()?)?;
        self.put("'")?;
        self.text.put_quoted(c)?;
        self.put("'")
    }

    fn string(&mut self) -> Printed {
        let text = str_from(self.reader.string_bytes()?)?;
        self.put("\"")?;
        let mut chars = text.chars();
        chars.by_ref().take(STRING_CHARS_MAX).try_for_each(|c| self.text.put_quoted(c))?;
        match chars.as_str() {
            "" => self.put("\""),
            _ => self.put(&format!("…\" ({} bytes)", text.len())),
        }
    }

    fn bytes(&mut self, count: usize) -> Printed {
        let bytes = self.reader.take(count)?;
        self.put("b\"")?;
        for byte in bytes.iter().take(BYTES_MAX) {
            self.put(&format!("{byte:02x}"))?;
        }
        match count {
            0..=BYTES_MAX => self.put("\""),
            _ => self.put(&format!("…\" ({count} bytes)")),
        }
    }

    fn def(&mut self, def: &'a TypeDef, shape: Option<&'a Shape>) -> Printed {
        match def {
            TypeDef::List(element) => {
                let size_min = self.size_min(*element);
                let count = self.reader.count(size_min)?;
                self.list(*element, count, element_shape(shape))
            }
            TypeDef::FixedList(element, count) => {
                let count = usize::try_from(*count).map_err(|_| Stop::Invalid)?;
                self.list(*element, count, element_shape(shape))
            }
            TypeDef::Map(key, value) => self.map(*key, *value, shape),
            TypeDef::Record(fields) => self.record(fields, shape),
            TypeDef::Variant(cases) => {
                let case = self.reader.case(cases.len())?;
                let named = match shape {
                    Some(Shape::Variant(named)) => named.get(case),
                    _ => None,
                };
                self.name(named.map(|(name, _)| name), case)?;
                self.payload(cases.get(case).copied().flatten(), named.and_then(|(_, ty)| *ty))
            }
            TypeDef::Option(payload) => {
                let inner = match shape {
                    Some(Shape::Option(inner)) => Some(*inner),
                    _ => None,
                };
                match self.reader.case(2)? {
                    0 => self.put("none"),
                    _ => {
                        self.put("some")?;
                        self.payload(Some(*payload), inner)
                    }
                }
            }
            TypeDef::Result(ok, err) => {
                let (ok_shape, err_shape) = match shape {
                    Some(Shape::Result(ok, err)) => (*ok, *err),
                    _ => (None, None),
                };
                let (name, ty, shape) = match self.reader.case(2)? {
                    0 => ("ok", ok, ok_shape),
                    _ => ("err", err, err_shape),
                };
                self.put(name)?;
                self.payload(*ty, shape)
            }
            TypeDef::Enum(cases) => {
                let cases = usize::try_from(*cases).map_err(|_| Stop::Invalid)?;
                let case = self.reader.case(cases)?;
                let named = match shape {
                    Some(Shape::Enum(names)) => names.get(case),
                    _ => None,
                };
                self.name(named, case)
            }
            TypeDef::Flags(flags) => self.flags(*flags, shape),
            TypeDef::Own(resource) | TypeDef::Borrow(resource) => {
                let handle = self.reader.handle()?;
                self.handle(*resource, handle)
            }
        }
    }

    fn list(&mut self, element: Type, count: usize, shape: Option<ShapeId>) -> Printed {
        if element == Type::U8 {
            return self.bytes(count);
        }
        self.put("[")?;
        for index in 0..count.min(ELEMENTS_MAX) {
            self.comma(index)?;
            self.value(element, shape)?;
        }
        for _ in ELEMENTS_MAX..count {
            validate(self.known.types, element, &mut self.reader)?;
        }
        self.more(count)?;
        self.put("]")
    }

    fn map(&mut self, key: Type, value: Type, shape: Option<&Shape>) -> Printed {
        let (key_shape, value_shape) = match shape {
            Some(Shape::Map(key, value)) => (Some(*key), Some(*value)),
            _ => (None, None),
        };
        let size_min = self.size_min(key).saturating_add(self.size_min(value));
        let count = self.reader.count(size_min)?;
        self.put("{")?;
        for index in 0..count.min(ELEMENTS_MAX) {
            self.comma(index)?;
            self.value(key, key_shape)?;
            self.put(": ")?;
            self.value(value, value_shape)?;
        }
        for _ in ELEMENTS_MAX..count {
            validate(self.known.types, key, &mut self.reader)?;
            validate(self.known.types, value, &mut self.reader)?;
        }
        self.more(count)?;
        self.put("}")
    }

    fn record(&mut self, fields: &[Type], shape: Option<&Shape>) -> Printed {
        let named = match shape {
            Some(Shape::Record(named)) => Some(named),
            _ => None,
        };
        self.put(if named.is_some() { "{" } else { "(" })?;
        for (index, field) in fields.iter().enumerate() {
            self.comma(index)?;
            let known = named.and_then(|named| named.get(index));
            if let Some((name, _)) = known {
                self.put(name)?;
                self.put(": ")?;
            }
            let of_tuple = match shape {
                Some(Shape::Tuple(types)) => types.get(index).copied(),
                _ => None,
            };
            self.value(*field, known.map(|(_, ty)| *ty).or(of_tuple))?;
        }
        self.put(if named.is_some() { "}" } else { ")" })
    }

    fn flags(&mut self, flags: u32, shape: Option<&Shape>) -> Printed {
        let bytes = self.reader.take(flag_bytes(flags))?;
        let names = match shape {
            Some(Shape::Flags(names)) => Some(names),
            _ => None,
        };
        let is_set =
            |flag: &usize| bytes.get(flag / 8).is_some_and(|byte| byte >> (flag % 8) & 1 == 1);
        let count = usize::try_from(flags).map_err(|_| Stop::Invalid)?;
        self.put("{")?;
        for (index, flag) in (0..count).filter(is_set).enumerate() {
            self.comma(index)?;
            self.name(names.and_then(|names| names.get(flag)), flag)?;
        }
        self.put("}")
    }

    fn payload(&mut self, ty: Option<Type>, shape: Option<ShapeId>) -> Printed {
        let Some(ty) = ty else { return Ok(()) };
        self.put("(")?;
        self.value(ty, shape)?;
        self.put(")")
    }

    fn handle(&mut self, resource: u32, handle: u32) -> Printed {
        let name = usize::try_from(resource).ok().and_then(|at| self.known.resources.get(at));
        let name = name.map_or("resource", String::as_str);
        self.put(name)?;
        self.put(&format!("#{handle}"))
    }

    fn name(&mut self, name: Option<&String>, number: usize) -> Printed {
        match name {
            Some(name) => self.put(name),
            None => self.put(&format!("#{number}")),
        }
    }

    fn comma(&mut self, index: usize) -> Printed {
        self.put(if index == 0 { "" } else { ", " })
    }

    fn more(&mut self, count: usize) -> Printed {
        match count.checked_sub(ELEMENTS_MAX) {
            None | Some(0) => Ok(()),
            Some(more) => self.put(&format!(", … {more} more")),
        }
    }

    fn size_min(&self, ty: Type) -> usize {
        self.known.types.facts(ty).map_or(1, |facts| facts.size_min)
    }
}

fn element_shape(shape: Option<&Shape>) -> Option<ShapeId> {
    match shape {
        Some(Shape::List(element) | Shape::FixedList(element, _)) => Some(*element),
        _ => None,
    }
}

/// As in WAVE.
fn float(shown: String) -> String {
    if shown == "NaN" { "nan".to_owned() } else { shown }
}
