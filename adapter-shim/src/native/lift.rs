//! Native results to wire bytes. The library may have put anything there: every value is checked
//! against its type, and every length against what a call may carry, before it is copied.

#![forbid(unsafe_code)]

use super::layout::{Layout, Number, Shape, Variant, WORD_BYTES};
use super::memory::{LibraryMemory, Region};
use protocol::error::{ValueError, ValueFault};
use protocol::types::{case_bytes, flag_bytes};
use protocol::value::{char_from, flag_mask, str_from};

/// Why a result could not be taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LiftError {
    /// The library returned something that is no value of the declared type.
    Value(ValueError),
    /// The value is larger than one call may carry.
    TooLarge,
}

impl LiftError {
    fn inside(self, step: impl std::fmt::Display) -> Self {
        match self {
            Self::Value(error) => Self::Value(error.inside(step)),
            Self::TooLarge => Self::TooLarge,
        }
    }
}

impl From<ValueFault> for LiftError {
    fn from(fault: ValueFault) -> Self {
        Self::Value(fault.into())
    }
}

/// Appends a result to `out`.
#[derive(Debug)]
pub(super) struct Lift<'a> {
    pub(super) out: &'a mut Vec<u8>,
    /// `out` never becomes longer than this.
    pub(super) bytes_max: usize,
    pub(super) memory: &'a LibraryMemory,
}

impl Lift<'_> {
    /// A value that was returned in a register. Its type flattens to exactly one core value.
    ///
    /// Of `bool` and of numbers narrower than 32 bits only the low bits count: C leaves the others
    /// undefined. Everything else was returned as the 32 or 64 bits that the ABI says.
    pub(super) fn lift_flat(&mut self, layout: &Layout, bits: u64) -> Result<(), LiftError> {
        let bytes = bits.to_le_bytes();
        let [low, ..] = bytes;
        let [b0, b1, b2, b3, ..] = bytes;
        let half = u32::from_le_bytes([b0, b1, b2, b3]);
        match &layout.shape {
            Shape::Number(Number::U8 | Number::S8) => self.put(&[low]),
            Shape::Number(Number::U16 | Number::S16) => self.put(&[b0, b1]),
            Shape::Number(Number::Four) => self.put(&half.to_le_bytes()),
            Shape::Number(Number::Eight) => self.put(&bytes),
            Shape::Bool => self.bool(low),
            Shape::Char => self.char(half),
            Shape::Handle => self.handle(half),
            Shape::Enum(cases) => self.case(half, *cases).map(drop),
            Shape::Flags(flags) => {
                let word = half.to_le_bytes();
                let (kept, beyond) = word.split_at_checked(flag_bytes(*flags)).unwrap_or_default();
                if beyond.iter().any(|byte| *byte != 0) {
                    return Err(ValueFault::Flags(*flags).into());
                }
                self.flags(*flags, kept)
            }
            Shape::Record(fields) => match &**fields {
                [field] => self.lift_flat(&field.layout, bits).map_err(|e| e.inside(".0")),
                _ => Err(NOT_FLAT.into()),
            },
            Shape::FixedList(element, 1) => {
                self.lift_flat(element, bits).map_err(|e| e.inside("[0]"))
            }
            // With a payload there would be a second core value.
            Shape::Variant(Variant { cases, .. }) => self.case(half, cases.len()).map(drop),
            Shape::Text | Shape::List(_) | Shape::FixedList(..) => Err(NOT_FLAT.into()),
        }
    }

    /// The value at `from`, which has its size.
    pub(super) fn load(&mut self, layout: &Layout, from: Region) -> Result<(), LiftError> {
        if layout.same {
            return self.copy(from);
        }
        match &layout.shape {
            // Numbers are the same on both sides and were copied above.
            Shape::Number(_) => Err(NOT_FLAT.into()),
            Shape::Bool => {
                let [byte] = from.read(0)?;
                self.bool(byte)
            }
            Shape::Char => self.char(u32::from_le_bytes(from.read(0)?)),
            Shape::Handle => self.handle(u32::from_le_bytes(from.read(0)?)),
            Shape::Enum(cases) => self.case(case_at(from, *cases)?, *cases).map(drop),
            Shape::Flags(flags) => {
                let start = self.out.len();
                self.copy(from)?;
                check_flags(*flags, self.out.get(start..).unwrap_or_default())
            }
            Shape::Text => self.text(from.read_word(0)?, from.read_word(WORD_BYTES)?),
            Shape::List(element) => {
                self.list(element, from.read_word(0)?, from.read_word(WORD_BYTES)?)
            }
            Shape::FixedList(element, count) => self.elements(element, *count, from),
            Shape::Record(fields) => fields.iter().enumerate().try_for_each(|(index, field)| {
                let part = from.part(field.offset, field.layout.size)?;
                let lifted = self.load(&field.layout, part);
                lifted.map_err(|error| error.inside(format_args!(".{index}")))
            }),
            Shape::Variant(Variant { payload, cases }) => {
                let case = self.case(case_at(from, cases.len())?, cases.len())?;
                let Some(layout) = cases.get(case).and_then(Option::as_ref) else { return Ok(()) };
                let lifted = self.load(layout, from.part(*payload, layout.size)?);
                lifted.map_err(|error| error.inside(format_args!("#{case}")))
            }
        }
    }

    fn text(&mut self, address: usize, length: usize) -> Result<(), LiftError> {
        let Some(region) = self.counted(address, length, 1, 1, 1)? else { return Ok(()) };
        let start = self.out.len();
        self.copy(region)?;
        // Checked in our own copy, which no thread of the library can change.
        str_from(self.out.get(start..).unwrap_or_default())?;
        Ok(())
    }

    fn list(&mut self, element: &Layout, address: usize, count: usize) -> Result<(), LiftError> {
        let Layout { size, align, wire_min, .. } = *element;
        let Some(region) = self.counted(address, count, size, align, wire_min)? else {
            return Ok(());
        };
        if element.same {
            return self.copy(region);
        }
        self.elements(element, count, region)
    }

    /// Puts the count of a list or string, and returns where its elements lie; `None` if it has
    /// none, whatever its address says.
    fn counted(
        &mut self,
        address: usize,
        count: usize,
        size: usize,
        align: usize,
        wire_min: usize,
    ) -> Result<Option<Region>, LiftError> {
        let region = match count {
            0 => None,
            _ => Some(self.memory.region(address, count, size, align)?),
        };
        let wire_count = u32::try_from(count).map_err(|_| LiftError::TooLarge)?;
        self.put(&wire_count.to_le_bytes())?;
        // Room for the smallest elements, so that a list which is too long costs nothing.
        self.fits(count.checked_mul(wire_min))?;
        Ok(region)
    }

    fn elements(&mut self, element: &Layout, count: usize, from: Region) -> Result<(), LiftError> {
        (0..count).try_for_each(|index| {
            // No overflow: the whole region is count * size bytes.
            let part = from.part(index * element.size, element.size)?;
            let lifted = self.load(element, part);
            lifted.map_err(|error| error.inside(format_args!("[{index}]")))
        })
    }

    fn bool(&mut self, byte: u8) -> Result<(), LiftError> {
        match byte {
            0 | 1 => self.put(&[byte]),
            other => Err(ValueFault::Bool(other).into()),
        }
    }

    fn char(&mut self, code: u32) -> Result<(), LiftError> {
        self.put(&u32::from(char_from(code)?).to_le_bytes())
    }

    fn handle(&mut self, handle: u32) -> Result<(), LiftError> {
        match handle {
            0 => Err(ValueFault::Handle.into()),
            handle => self.put(&handle.to_le_bytes()),
        }
    }

    fn flags(&mut self, flags: u32, bytes: &[u8]) -> Result<(), LiftError> {
        check_flags(flags, bytes)?;
        self.put(bytes)
    }

    fn case(&mut self, found: u32, cases: usize) -> Result<usize, LiftError> {
        let case = usize::try_from(found).unwrap_or(usize::MAX);
        if case >= cases {
            let cases = u32::try_from(cases).unwrap_or(u32::MAX);
            return Err(ValueFault::Case { found, cases }.into());
        }
        self.put(found.to_le_bytes().get(..case_bytes(cases)).unwrap_or_default())?;
        Ok(case)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), LiftError> {
        self.fits(Some(bytes.len()))?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn copy(&mut self, from: Region) -> Result<(), LiftError> {
        self.fits(Some(from.size()))?;
        from.append_to(self.out);
        Ok(())
    }

    fn fits(&self, more: Option<usize>) -> Result<(), LiftError> {
        match more {
            Some(more) if more <= self.bytes_max.saturating_sub(self.out.len()) => Ok(()),
            _ => Err(LiftError::TooLarge),
        }
    }
}

/// A type that the signature placed elsewhere. Cannot happen; an error rather than a wild read.
const NOT_FLAT: ValueFault = ValueFault::Length;

fn case_at(from: Region, cases: usize) -> Result<u32, ValueFault> {
    Ok(match case_bytes(cases) {
        1 => {
            let [byte] = from.read(0)?;
            byte.into()
        }
        2 => u16::from_le_bytes(from.read(0)?).into(),
        _ => u32::from_le_bytes(from.read(0)?),
    })
}

fn check_flags(flags: u32, bytes: &[u8]) -> Result<(), LiftError> {
    let stray = |(index, byte): (usize, &u8)| byte & !flag_mask(flags, index) != 0;
    match bytes.iter().enumerate().any(stray) {
        true => Err(ValueFault::Flags(flags).into()),
        false => Ok(()),
    }
}
