//! Memory that crosses the native ABI. All unsafe operations of this crate are here.

use std::alloc::{self, Layout};
use std::ptr::{self, NonNull};
use std::sync::{Mutex, PoisonError};

use super::panics::{self, fault};
use super::table::{self, Exported};

/// Allocates, grows or frees memory that the library's functions will own.
///
/// `old` is null or from this function, with `old_size` and `align` as they were then. Returns a
/// pointer that is not null and aligned if `new_size` is 0, and null if there is no memory or
/// `align` is not a power of two.
///
/// # Safety
/// `old`, `old_size` and `align` must be as described, and `old` not be used after a success.
pub unsafe fn cabi_realloc(
    old: *mut u8,
    old_size: usize,
    align: usize,
    new_size: usize,
) -> *mut u8 {
    let (Ok(old_layout), Ok(new_layout)) =
        (Layout::from_size_align(old_size, align), Layout::from_size_align(new_size, align))
    else {
        return ptr::null_mut();
    };
    let has_old = !old.is_null() && old_size != 0;
    if new_size == 0 {
        if has_old {
            // SAFETY: the caller got `old` from here with this layout, and gives it up.
            unsafe { alloc::dealloc(old, old_layout) };
        }
        return ptr::without_provenance_mut(align);
    }
    if has_old {
        // SAFETY: the caller got `old` from here with this layout; `new_size` is not 0, and with
        // `align` it is a layout, so it does not overflow.
        return unsafe { alloc::realloc(old, old_layout, new_size) };
    }
    // SAFETY: the size is not 0.
    unsafe { alloc::alloc(new_layout) }
}

/// The list, or the bytes of the string, that the caller passes. An empty one may be null.
///
/// # Safety
/// If `length` is not 0, `first` must be from `cabi_realloc` with the alignment of `T` and room
/// for exactly `length` elements, all of them valid, and not be used again by the caller.
///
/// # Panics
/// If `first` is null and `length` is not 0.
pub unsafe fn list_from_raw<T>(first: *mut T, length: usize) -> Vec<T> {
    if length == 0 {
        return Vec::new();
    }
    if first.is_null() {
        fault(&format!("a list of {length} elements came as the null pointer"));
    }
    // SAFETY: `first` is not null, and the caller promises the rest: the global allocator made it
    // (`cabi_realloc` uses no other), capacity and length are `length`, all elements are valid.
    unsafe { Vec::from_raw_parts(first, length, length) }
}

/// The message behind the pointer that `take_panic` last gave out.
static SERVED: Mutex<String> = Mutex::new(String::new());

/// Gives out the message of the call that just returned, if it panicked: returns 1 and sets
/// `message` and `length`, else returns 0. The message is valid until the next call of this.
///
/// # Safety
/// Both pointers must be null or writable.
pub unsafe fn take_panic(message: *mut *const u8, length: *mut usize) -> i32 {
    let Some(text) = panics::take_pending() else {
        return 0;
    };
    let mut served = SERVED.lock().unwrap_or_else(PoisonError::into_inner);
    *served = text;
    if !message.is_null() {
        // SAFETY: not null, and so writable, as the caller promises.
        unsafe { message.write(served.as_ptr()) };
    }
    if !length.is_null() {
        // SAFETY: not null, and so writable, as the caller promises.
        unsafe { length.write(served.len()) };
    }
    1
}

/// The value of a resource, without its type, and the function that destroys it.
#[derive(Debug)]
pub(super) struct Rep {
    value: *mut u8,
    destroy: unsafe fn(*mut u8),
}

// SAFETY: the table is a static, which Rust lets every thread reach, but the ABI has one thread
// call a library from its first call to its last: only that thread gets the value out again.
unsafe impl Send for Rep {}

impl Rep {
    /// # Safety
    /// `value` must be valid for `destroy`, once, and stay valid until then.
    pub(super) unsafe fn new(value: *mut u8, destroy: unsafe fn(*mut u8)) -> Self {
        Self { value, destroy }
    }

    pub(super) fn value(&self) -> *mut u8 {
        self.value
    }

    /// Destroys the value. It is gone even if the destructor panics.
    pub(super) fn destroy(self) {
        // SAFETY: `new` was promised that `value` is valid for this, and `self` is used up, so it
        // happens once.
        unsafe { (self.destroy)(self.value) }
    }
}

/// Puts a value into the table of handles. The handle is the caller's until it is claimed.
///
/// # Safety
/// `value` must be valid for `destroy`, once, and stay valid until then.
///
/// # Panics
/// If 16,777,214 values live already.
pub unsafe fn resource_new<R: Exported>(value: *mut u8, destroy: unsafe fn(*mut u8)) -> u32 {
    // SAFETY: the promise is the same, and the caller of this function made it.
    table::insert::<R>(unsafe { Rep::new(value, destroy) })
}

/// How a resource is stored. Every type has it; generated code names it as a bound.
pub trait Resource: Sized + 'static {
    /// The type that is stored for `Self`.
    type Rep: ResourceRep<Self>;
}

impl<T: 'static> Resource for T {
    type Rep = Option<T>;
}

/// Access to the `T` in a stored resource.
///
/// # Safety
/// `rep_take` must leave the representation so that dropping it does not drop the `T` again.
pub unsafe trait ResourceRep<T> {
    /// Wraps `inner` for storage.
    fn rep_new(inner: T) -> Self;

    /// # Safety
    /// `rep` must point to a live representation, whose `T` is not mutably borrowed or taken.
    unsafe fn rep_as_ref<'a>(rep: *const Self) -> &'a T;

    /// # Safety
    /// `rep` must point to a live representation, whose `T` is not borrowed or taken.
    unsafe fn rep_as_mut<'a>(rep: *mut Self) -> &'a mut T;

    /// # Safety
    /// `rep` must point to a live representation, whose `T` is not borrowed or taken.
    unsafe fn rep_take(rep: *mut Self) -> T;
}

const TAKEN: &str = "the value of this resource was taken out already";

// SAFETY: `rep_take` leaves `None`.
unsafe impl<T> ResourceRep<T> for Option<T> {
    fn rep_new(inner: T) -> Self {
        Some(inner)
    }

    unsafe fn rep_as_ref<'a>(rep: *const Self) -> &'a T {
        // SAFETY: live and not mutably borrowed, as the caller promises.
        let rep = unsafe { &*rep };
        rep.as_ref().unwrap_or_else(|| fault(&TAKEN))
    }

    unsafe fn rep_as_mut<'a>(rep: *mut Self) -> &'a mut T {
        // SAFETY: live and not borrowed, as the caller promises.
        let rep = unsafe { &mut *rep };
        rep.as_mut().unwrap_or_else(|| fault(&TAKEN))
    }

    unsafe fn rep_take(rep: *mut Self) -> T {
        // SAFETY: live and not borrowed, as the caller promises.
        let rep = unsafe { &mut *rep };
        rep.take().unwrap_or_else(|| fault(&TAKEN))
    }
}

/// Memory for a list that a function returns; freed unless it is forgotten.
#[derive(Debug)]
pub struct Cleanup {
    memory: NonNull<u8>,
    layout: Layout,
}

impl Cleanup {
    /// Memory of `layout` and its owner; null and none for a size of 0.
    ///
    /// # Panics
    /// If there is no memory.
    pub fn new(layout: Layout) -> (*mut u8, Option<Self>) {
        if layout.size() == 0 {
            return (ptr::null_mut(), None);
        }
        // SAFETY: the size is not 0.
        let memory = unsafe { alloc::alloc(layout) };
        let Some(memory) = NonNull::new(memory) else {
            fault(&format!("no memory for a list of {} bytes", layout.size()))
        };
        (memory.as_ptr(), Some(Self { memory, layout }))
    }

    /// Leaves the memory to whoever has the pointer.
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        // SAFETY: `new` allocated it with this layout, and it is dropped once.
        unsafe { alloc::dealloc(self.memory.as_ptr(), self.layout) }
    }
}

/// The exports of a library that do not depend on its world. `export!` calls this once.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_runtime {
    () => {
        #[allow(unsafe_code, reason = "symbols for the caller of the library")]
        const _: () = {
            #[unsafe(no_mangle)]
            unsafe extern "C" fn cabi_realloc(
                old: *mut u8,
                old_size: usize,
                align: usize,
                new_size: usize,
            ) -> *mut u8 {
                // SAFETY: the caller keeps the contract of `cabi_realloc`, which is this one.
                unsafe { $crate::rt::cabi_realloc(old, old_size, align, new_size) }
            }

            #[unsafe(no_mangle)]
            unsafe extern "C" fn wrun_take_panic(
                message: *mut *const u8,
                length: *mut usize,
            ) -> i32 {
                // SAFETY: the caller keeps the contract of `wrun_take_panic`, which is this one.
                unsafe { $crate::rt::take_panic(message, length) }
            }
        };
    };
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "a panic is what is tested")]
    use super::{Cleanup, cabi_realloc, list_from_raw};
    use std::alloc::Layout;
    use std::ptr;

    #[test]
    fn memory_grows_and_becomes_a_list() {
        // SAFETY: each pointer is passed on as the function before returned it.
        let list = unsafe {
            let first = cabi_realloc(ptr::null_mut(), 0, 8, 8);
            first.cast::<u64>().write(7);
            let grown = cabi_realloc(first, 8, 8, 16).cast::<u64>();
            grown.add(1).write(9);
            list_from_raw(grown, 2)
        };
        assert_eq!(list, [7, 9]);
    }

    #[test]
    fn no_bytes_are_an_aligned_pointer_and_free_what_was_there() {
        // SAFETY: null, then the pointer that came from here with the same size.
        unsafe {
            assert_eq!(cabi_realloc(ptr::null_mut(), 0, 16, 0).addr(), 16);
            let some = cabi_realloc(ptr::null_mut(), 0, 4, 12);
            assert_eq!(cabi_realloc(some, 12, 4, 0).addr(), 4);
        }
    }

    #[test]
    fn nonsense_is_refused_with_null() {
        // SAFETY: no old memory is passed.
        unsafe {
            assert!(cabi_realloc(ptr::null_mut(), 0, 3, 8).is_null());
            assert!(cabi_realloc(ptr::null_mut(), 0, 0, 8).is_null());
            assert!(cabi_realloc(ptr::null_mut(), 0, 8, usize::MAX).is_null());
        }
    }

    #[test]
    fn an_empty_list_may_be_null_but_no_other() {
        // SAFETY: length 0 asks for nothing.
        let empty = unsafe { list_from_raw::<String>(ptr::null_mut(), 0) };
        assert!(empty.is_empty());
        // SAFETY: null is refused before it is used.
        let refused =
            std::panic::catch_unwind(|| unsafe { list_from_raw::<u8>(ptr::null_mut(), 1) });
        assert!(refused.is_err());
    }

    #[test]
    fn memory_for_results_is_null_for_nothing() {
        let (memory, cleanup) = Cleanup::new(Layout::new::<()>());
        assert!(memory.is_null() && cleanup.is_none());
        let (memory, cleanup) = Cleanup::new(Layout::new::<u64>());
        assert!(!memory.is_null() && cleanup.is_some());
    }
}
