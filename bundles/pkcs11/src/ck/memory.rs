//! Memory that the module reads: aligned for its numbers, wiped when dropped.

use std::ffi::c_void;

use cryptoki_sys::CK_ULONG;
use zeroize::Zeroize;

/// A run of bytes at an address that is good for any number or structure of PKCS#11.
///
/// It is held as `CK_ULONG`s for the alignment, and its length never changes after it was made:
/// moving a `Memory` moves the vector's header, not what the module sees. It may hold a key or a
/// password, so it is wiped.
#[derive(Debug, Default)]
pub(super) struct Memory {
    words: Vec<CK_ULONG>,
    bytes: usize,
}

impl Memory {
    /// A copy of `bytes`.
    pub(super) fn new(bytes: &[u8]) -> Self {
        let words = bytes
            .chunks(size_of::<CK_ULONG>())
            .map(|chunk| {
                let mut word = [0; size_of::<CK_ULONG>()];
                for (to, from) in word.iter_mut().zip(chunk) {
                    *to = *from;
                }
                CK_ULONG::from_ne_bytes(word)
            })
            .collect();
        Self { words, bytes: bytes.len() }
    }

    /// An array of numbers.
    pub(super) fn numbers(words: Vec<CK_ULONG>) -> Self {
        let bytes = size_of_val(words.as_slice());
        Self { words, bytes }
    }

    /// The length in bytes.
    pub(super) fn len(&self) -> usize {
        self.bytes
    }

    /// The address; null if there are no bytes. Good as long as `self` lives.
    pub(super) fn pointer(&mut self) -> *mut c_void {
        if self.bytes == 0 { std::ptr::null_mut() } else { self.words.as_mut_ptr().cast() }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.words.zeroize();
    }
}
