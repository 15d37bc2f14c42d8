//! A cursor over encoded values that cannot read past their end.

use crate::error::ValueFault;

/// Reads encoded values from the front of a byte slice.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    whole: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the front of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, whole: bytes.len() }
    }

    /// How many bytes were read so far.
    pub fn position(&self) -> usize {
        self.whole - self.bytes.len()
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.bytes.len()
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// [`ValueFault::Short`] if fewer are left.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], ValueFault> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(ValueFault::Short)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ValueFault> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or(ValueFault::Short)?;
        self.bytes = rest;
        Ok(*taken)
    }

    /// One byte.
    ///
    /// # Errors
    /// [`ValueFault::Short`] at the end.
    pub fn u8(&mut self) -> Result<u8, ValueFault> {
        self.array().map(u8::from_le_bytes)
    }

    /// Two bytes, little-endian.
    ///
    /// # Errors
    /// [`ValueFault::Short`] at the end.
    pub fn u16(&mut self) -> Result<u16, ValueFault> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes, little-endian.
    ///
    /// # Errors
    /// [`ValueFault::Short`] at the end.
    pub fn u32(&mut self) -> Result<u32, ValueFault> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes, little-endian.
    ///
    /// # Errors
    /// [`ValueFault::Short`] at the end.
    pub fn u64(&mut self) -> Result<u64, ValueFault> {
        self.array().map(u64::from_le_bytes)
    }

    /// A `bool`.
    ///
    /// # Errors
    /// [`ValueFault::Bool`] unless the byte is 0 or 1.
    pub fn bool(&mut self) -> Result<bool, ValueFault> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(ValueFault::Bool(other)),
        }
    }

    /// The bytes of a string, not yet checked to be UTF-8.
    ///
    /// # Errors
    /// [`ValueFault::Short`] if its length exceeds what is left.
    pub fn string_bytes(&mut self) -> Result<&'a [u8], ValueFault> {
        let length = self.u32()?;
        self.take(usize::try_from(length).map_err(|_| ValueFault::Length)?)
    }

    /// The number of elements of a list whose elements take at least `size_min` bytes each.
    ///
    /// # Errors
    /// [`ValueFault::Count`] if that many cannot be left: so memory for that many elements may be
    /// reserved, and costs the receiver no more than a small multiple of what the peer sent.
    pub fn count(&mut self, size_min: usize) -> Result<usize, ValueFault> {
        let claimed = self.u32()?;
        let count = usize::try_from(claimed).map_err(|_| ValueFault::Count(claimed))?;
        match count.checked_mul(size_min.max(1)) {
            Some(bytes) if bytes <= self.left() => Ok(count),
            _ => Err(ValueFault::Count(claimed)),
        }
    }

    /// A case number of a type with `cases` cases.
    ///
    /// # Errors
    /// [`ValueFault::Case`] if the type has no such case.
    pub fn case(&mut self, cases: usize) -> Result<usize, ValueFault> {
        let found = match crate::types::case_bytes(cases) {
            1 => u32::from(self.u8()?),
            2 => u32::from(self.u16()?),
            _ => self.u32()?,
        };
        match usize::try_from(found) {
            Ok(case) if case < cases => Ok(case),
            _ => Err(ValueFault::Case { found, cases: u32::try_from(cases).unwrap_or(u32::MAX) }),
        }
    }

    /// A handle.
    ///
    /// # Errors
    /// [`ValueFault::Handle`] if it is 0.
    pub fn handle(&mut self) -> Result<u32, ValueFault> {
        match self.u32()? {
            0 => Err(ValueFault::Handle),
            handle => Ok(handle),
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`ValueFault::Trailing`] if bytes are left over.
    pub fn finish(self) -> Result<(), ValueFault> {
        match self.left() {
            0 => Ok(()),
            left => Err(ValueFault::Trailing(left)),
        }
    }
}
