//! Wire bytes to native arguments: into registers where they fit, else into memory of the library.
//!
//! The bytes come from the runner, which checked them; they are checked again while they are read,
//! because the library believes them.

#![forbid(unsafe_code)]

use super::flatten::FLAT_PARAMS_MAX;
use super::layout::{Layout, Number, Shape, Variant};
use super::memory::{NoMemory, Realloc, Region};
use protocol::error::{ValueError, ValueFault};
use protocol::types::{case_bytes, flag_bytes};
use protocol::value::{Reader, char_from, flag_mask, str_from};

/// Why arguments could not be passed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LowerError {
    /// The bytes are no values of the declared types: the caller's fault.
    Value(ValueError),
    /// The library's fault.
    Memory(NoMemory),
}

impl LowerError {
    /// Puts one more step in front of the path.
    pub(super) fn inside(self, step: impl std::fmt::Display) -> Self {
        match self {
            Self::Value(error) => Self::Value(error.inside(step)),
            other => other,
        }
    }
}

impl From<ValueFault> for LowerError {
    fn from(fault: ValueFault) -> Self {
        Self::Value(fault.into())
    }
}

impl From<NoMemory> for LowerError {
    fn from(reason: NoMemory) -> Self {
        Self::Memory(reason)
    }
}

/// Core values of a call, each as its bits in the low end of 64.
///
/// All joins of variant cases keep the bits, so a slot needs no type.
#[derive(Debug, Default)]
pub(super) struct Slots {
    pub(super) values: [u64; FLAT_PARAMS_MAX],
    used: usize,
}

impl Slots {
    fn push(&mut self, bits: u64) -> Result<(), ValueFault> {
        // Cannot fail: the signature has counted the slots.
        *self.values.get_mut(self.used).ok_or(ValueFault::Length)? = bits;
        self.used += 1;
        Ok(())
    }

    /// The one argument of a function whose parameters lie in memory.
    pub(super) fn push_address(&mut self, region: Region) -> Result<(), ValueFault> {
        self.push(word(region.address()))
    }
}

/// Reads values from the wire and places them.
#[derive(Debug)]
pub(super) struct Lower<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) realloc: Option<Realloc>,
}

impl Lower<'_> {
    /// Memory of the library.
    pub(super) fn allocate(&self, size: usize, align: usize) -> Result<Region, NoMemory> {
        self.realloc.ok_or(NoMemory::NoAllocator)?.allocate(size, align)
    }

    /// One value into registers.
    pub(super) fn lower_flat(&mut self, layout: &Layout, to: &mut Slots) -> Result<(), LowerError> {
        match &layout.shape {
            Shape::Number(number) => Ok(to.push(self.number(*number)?)?),
            Shape::Bool => Ok(to.push(u64::from(self.reader.bool()?))?),
            Shape::Char => Ok(to.push(u64::from(u32::from(char_from(self.reader.u32()?)?)))?),
            Shape::Handle => Ok(to.push(u64::from(self.reader.handle()?))?),
            Shape::Enum(cases) => Ok(to.push(word(self.reader.case(*cases)?))?),
            Shape::Flags(flags) => {
                for bytes in self.flags(*flags)?.chunks(4) {
                    let word =
                        bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
                    to.push(word)?;
                }
                Ok(())
            }
            Shape::Text => {
                let (region, length) = self.text()?;
                to.push_address(region)?;
                Ok(to.push(word(length))?)
            }
            Shape::List(element) => {
                let (region, count) = self.list(element)?;
                to.push_address(region)?;
                Ok(to.push(word(count))?)
            }
            Shape::FixedList(element, count) => (0..*count).try_for_each(|index| {
                self.lower_flat(element, to)
                    .map_err(|error| error.inside(format_args!("[{index}]")))
            }),
            Shape::Record(fields) => fields.iter().enumerate().try_for_each(|(index, field)| {
                let lowered = self.lower_flat(&field.layout, to);
                lowered.map_err(|error| error.inside(format_args!(".{index}")))
            }),
            Shape::Variant(Variant { cases, .. }) => {
                let end = to.used + layout.flat.as_ref().map_or(0, Vec::len);
                let case = self.reader.case(cases.len())?;
                to.push(word(case))?;
                if let Some(payload) = cases.get(case).and_then(Option::as_ref) {
                    let lowered = self.lower_flat(payload, to);
                    lowered.map_err(|error| error.inside(format_args!("#{case}")))?;
                }
                // What a longer case would use stays 0.
                to.used = end;
                Ok(())
            }
        }
    }

    /// One value into `to`, which has its size and alignment.
    pub(super) fn store(&mut self, layout: &Layout, to: Region) -> Result<(), LowerError> {
        if layout.same {
            return Ok(to.write(0, self.reader.take(layout.size)?)?);
        }
        match &layout.shape {
            // Numbers are the same on both sides and were copied above.
            Shape::Number(_) => Err(ValueFault::Short.into()),
            Shape::Bool => Ok(to.write(0, &[u8::from(self.reader.bool()?)])?),
            Shape::Char => {
                let code = u32::from(char_from(self.reader.u32()?)?);
                Ok(to.write(0, &code.to_le_bytes())?)
            }
            Shape::Handle => Ok(to.write(0, &self.reader.handle()?.to_le_bytes())?),
            Shape::Enum(cases) => self.case(*cases, to).map(drop),
            Shape::Flags(flags) => Ok(to.write(0, self.flags(*flags)?)?),
            Shape::Text => {
                let (region, length) = self.text()?;
                pointer_and_length(to, region, length)
            }
            Shape::List(element) => {
                let (region, count) = self.list(element)?;
                pointer_and_length(to, region, count)
            }
            Shape::FixedList(element, count) => self.elements(element, *count, to),
            Shape::Record(fields) => fields.iter().enumerate().try_for_each(|(index, field)| {
                let part = to.part(field.offset, field.layout.size)?;
                let lowered = self.store(&field.layout, part);
                lowered.map_err(|error| error.inside(format_args!(".{index}")))
            }),
            Shape::Variant(Variant { payload, cases }) => {
                let case = self.case(cases.len(), to)?;
                let Some(layout) = cases.get(case).and_then(Option::as_ref) else { return Ok(()) };
                let lowered = self.store(layout, to.part(*payload, layout.size)?);
                lowered.map_err(|error| error.inside(format_args!("#{case}")))
            }
        }
    }

    fn number(&mut self, number: Number) -> Result<u64, ValueFault> {
        // Narrow numbers are extended to 32 bits by their sign, as the canonical ABI does.
        Ok(match number {
            Number::U8 => self.reader.u8()?.into(),
            Number::S8 => i32::from(self.reader.u8()?.cast_signed()).cast_unsigned().into(),
            Number::U16 => self.reader.u16()?.into(),
            Number::S16 => i32::from(self.reader.u16()?.cast_signed()).cast_unsigned().into(),
            Number::Four => self.reader.u32()?.into(),
            Number::Eight => self.reader.u64()?,
        })
    }

    fn flags(&mut self, flags: u32) -> Result<&[u8], ValueFault> {
        let bytes = self.reader.take(flag_bytes(flags))?;
        let stray = |(index, byte): (usize, &u8)| byte & !flag_mask(flags, index) != 0;
        match bytes.iter().enumerate().any(stray) {
            true => Err(ValueFault::Flags(flags)),
            false => Ok(bytes),
        }
    }

    fn case(&mut self, cases: usize, to: Region) -> Result<usize, LowerError> {
        let case = self.reader.case(cases)?;
        let bytes = word(case).to_le_bytes();
        to.write(0, bytes.get(..case_bytes(cases)).unwrap_or_default())?;
        Ok(case)
    }

    fn text(&mut self) -> Result<(Region, usize), LowerError> {
        let bytes = self.reader.string_bytes()?;
        str_from(bytes)?;
        let region = self.allocate(bytes.len(), 1)?;
        region.write(0, bytes)?;
        Ok((region, bytes.len()))
    }

    fn list(&mut self, element: &Layout) -> Result<(Region, usize), LowerError> {
        let count = self.reader.count(element.wire_min)?;
        let size = count.checked_mul(element.size).ok_or(ValueFault::Length)?;
        let region = self.allocate(size, element.align)?;
        if element.same {
            region.write(0, self.reader.take(size)?)?;
        } else {
            self.elements(element, count, region)?;
        }
        Ok((region, count))
    }

    fn elements(&mut self, element: &Layout, count: usize, to: Region) -> Result<(), LowerError> {
        (0..count).try_for_each(|index| {
            // No overflow: the whole region is count * size bytes.
            let part = to.part(index * element.size, element.size)?;
            let lowered = self.store(element, part);
            lowered.map_err(|error| error.inside(format_args!("[{index}]")))
        })
    }
}

fn pointer_and_length(to: Region, target: Region, length: usize) -> Result<(), LowerError> {
    to.write(0, &target.address().to_le_bytes())?;
    Ok(to.write(super::layout::WORD_BYTES, &length.to_le_bytes())?)
}

/// A machine word is 64 bits, see `native/mod.rs`.
fn word(value: usize) -> u64 {
    value as u64
}
