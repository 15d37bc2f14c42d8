//! The library's memory, read and written through bounds that are checked.
//!
//! Whether an address that the library names is mapped cannot be checked: a wild one ends the
//! process, and that is what the process is for. Everything that can be checked is checked here,
//! and bytes are always copied out before anybody looks at them, since the library may run threads.

use super::layout::WORD_BYTES;
use protocol::error::ValueFault;

/// No address space is larger, so a longer list or string is a lie and not merely too large.
const ADDRESSES: usize = 1 << 47;

/// The kernel maps nothing below this address for an ordinary process. Catches null with an offset,
/// and the address of an empty list of a library that returns a wrong length with it.
const FIRST_ADDRESS: usize = 4096;

/// A range of the library's memory that may be read and written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Region {
    base: *mut u8,
    size: usize,
}

impl Region {
    /// # Safety
    /// `size` bytes from `base` must be mapped, readable and writable, as long as the region or a
    /// part of it is used, and no Rust reference may exist to any of them.
    pub(super) unsafe fn new(base: *mut u8, size: usize) -> Self {
        Self { base, size }
    }

    /// The address, to be handed to the library.
    pub(super) fn address(self) -> usize {
        self.base.expose_provenance()
    }

    /// How many bytes.
    pub(super) fn size(self) -> usize {
        self.size
    }

    /// `size` bytes from `offset`.
    ///
    /// # Errors
    /// [`ValueFault::Length`] if they do not lie within the region.
    pub(super) fn part(self, offset: usize, size: usize) -> Result<Self, ValueFault> {
        if offset.checked_add(size).is_none_or(|end| end > self.size) {
            return Err(ValueFault::Length);
        }
        // SAFETY: offset <= self.size, and `new` was promised that this is one mapped range.
        let base = unsafe { self.base.add(offset) };
        Ok(Self { base, size })
    }

    /// Stores `bytes` at `offset`.
    ///
    /// # Errors
    /// [`ValueFault::Length`] if they do not fit.
    pub(super) fn write(self, offset: usize, bytes: &[u8]) -> Result<(), ValueFault> {
        let to = self.part(offset, bytes.len())?;
        // SAFETY: `part` has checked the bounds, and `new` was promised that the range is writable.
        // `copy` allows an overlap, should a hostile allocator return memory that is in use.
        unsafe { std::ptr::copy(bytes.as_ptr(), to.base, bytes.len()) };
        Ok(())
    }

    /// `N` bytes from `offset`.
    ///
    /// # Errors
    /// [`ValueFault::Length`] if they do not lie within the region.
    pub(super) fn read<const N: usize>(self, offset: usize) -> Result<[u8; N], ValueFault> {
        let from = self.part(offset, N)?;
        // SAFETY: `part` has checked the bounds, `new` was promised that the range is readable, and
        // an array of bytes has no alignment.
        Ok(unsafe { from.base.cast::<[u8; N]>().read() })
    }

    /// A pointer or a length.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(super) fn read_word(self, offset: usize) -> Result<usize, ValueFault> {
        self.read::<WORD_BYTES>(offset).map(usize::from_le_bytes)
    }

    /// Appends all bytes to `out`.
    pub(super) fn append_to(self, out: &mut Vec<u8>) {
        out.reserve(self.size);
        let start = out.len();
        let spare = out.spare_capacity_mut();
        // SAFETY: `reserve` made room for self.size bytes; `new` was promised that the source is
        // readable; `copy` allows an overlap. After it that many bytes are initialised.
        unsafe {
            std::ptr::copy(self.base, spare.as_mut_ptr().cast(), self.size);
            out.set_len(start + self.size);
        }
    }
}

/// Permission to follow pointers that the library returned.
#[derive(Debug)]
pub(super) struct LibraryMemory(());

impl LibraryMemory {
    /// # Safety
    /// Every pointer later given to [`Self::region`] must come from a library that promised that
    /// it is valid until the next call: the ABI's promise about results.
    pub(super) unsafe fn believe() -> Self {
        Self(())
    }

    /// `count` values of `size` bytes each at `address`.
    ///
    /// # Errors
    /// [`ValueFault::Pointer`] if the address is null or not a multiple of `align`,
    /// [`ValueFault::Length`] if no memory is that large.
    pub(super) fn region(
        &self,
        address: usize,
        count: usize,
        size: usize,
        align: usize,
    ) -> Result<Region, ValueFault> {
        let bytes = count.checked_mul(size).filter(|bytes| *bytes <= ADDRESSES);
        let bytes = bytes.ok_or(ValueFault::Length)?;
        if address < FIRST_ADDRESS || !address.is_multiple_of(align) {
            return Err(ValueFault::Pointer);
        }
        if address.checked_add(bytes).is_none() {
            return Err(ValueFault::Length);
        }
        let base = std::ptr::with_exposed_provenance_mut(address);
        // SAFETY: the library promised it, see `believe`; what can be checked was checked above.
        Ok(unsafe { Region::new(base, bytes) })
    }
}

/// Signature of `cabi_realloc`.
pub(super) type ReallocFn = unsafe extern "C" fn(*mut u8, usize, usize, usize) -> *mut u8;

/// The library's allocator: what it returns belongs to the library afterwards.
#[derive(Debug, Clone, Copy)]
pub(super) struct Realloc(ReallocFn);

/// Why there is no memory for an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoMemory {
    /// `cabi_realloc` returned null for that many bytes.
    Refused(usize),
    /// `cabi_realloc` returned a pointer with another alignment than asked for.
    Misaligned,
    /// The plan names no `cabi_realloc`.
    NoAllocator,
}

impl Realloc {
    /// # Safety
    /// `code` must be a library's `cabi_realloc`: whatever it returns, other than null, is memory
    /// of the size and alignment asked for, and stays so until the library was called with it.
    pub(super) unsafe fn new(code: ReallocFn) -> Self {
        Self(code)
    }

    /// `size` bytes that nobody uses yet. For 0 bytes an aligned address that must not be followed,
    /// without asking the library.
    ///
    /// # Errors
    /// [`NoMemory`]
    pub(super) fn allocate(self, size: usize, align: usize) -> Result<Region, NoMemory> {
        if size == 0 {
            // SAFETY: no byte of an empty region can be read or written.
            return Ok(unsafe { Region::new(std::ptr::without_provenance_mut(align), 0) });
        }
        // SAFETY: `new` was promised this signature and meaning.
        let base = unsafe { (self.0)(std::ptr::null_mut(), 0, align, size) };
        if base.is_null() {
            return Err(NoMemory::Refused(size));
        }
        if !base.addr().is_multiple_of(align) {
            return Err(NoMemory::Misaligned);
        }
        // SAFETY: `new` was promised that this is memory of `size` bytes.
        Ok(unsafe { Region::new(base, size) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> LibraryMemory {
        // SAFETY: no region of these tests is ever read.
        unsafe { LibraryMemory::believe() }
    }

    #[test]
    fn a_pointer_that_cannot_be_one_is_refused() {
        for address in [0, 8, 4095, 0x1_0001, 0x1_0004] {
            let region = memory().region(address, 1, 8, 8);
            assert_eq!(region.err(), Some(ValueFault::Pointer), "{address:#x}");
        }
        assert!(memory().region(0x1_0000, 1, 8, 8).is_ok());
    }

    #[test]
    fn a_length_that_no_memory_has_is_refused() {
        for (count, size) in [(usize::MAX, 1), (usize::MAX / 2, 4), (1 << 45, 8), (1 << 60, 1)] {
            let region = memory().region(0x1_0000, count, size, 1);
            assert_eq!(region.err(), Some(ValueFault::Length), "{count} x {size}");
        }
    }

    #[test]
    fn nothing_outside_a_region_can_be_reached() {
        let mut bytes = [7_u8; 4];
        // SAFETY: `bytes` outlives the region and is not used while it is.
        let region = unsafe { Region::new(bytes.as_mut_ptr(), bytes.len()) };
        assert!(region.read::<4>(0).is_ok());
        assert_eq!(region.read::<4>(1), Err(ValueFault::Length));
        assert_eq!(region.write(3, &[1, 2]), Err(ValueFault::Length));
        assert_eq!(region.part(usize::MAX, 2).err(), Some(ValueFault::Length));
    }
}
