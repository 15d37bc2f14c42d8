//! The symbols as a caller sees them, and memory as a caller lays it out.

use std::ffi::c_void;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

macro_rules! symbols {
    ($($link:literal $name:ident($($argument:ty),*) $(-> $result:ty)?;)*) => {
        unsafe extern "C" {
            $( #[link_name = $link] pub(crate) fn $name($(_: $argument),*) $(-> $result)?; )*
        }
    };
}

symbols! {
    "cabi_realloc" cabi_realloc(*mut u8, usize, usize, usize) -> *mut u8;
    "wrun_take_panic" wrun_take_panic(*mut *const u8, *mut usize) -> i32;
    "wit_answer" answer() -> i32;
    "wit_is_2dtext" is_text(i32, u64, usize) -> i32;

    "wit_test_3asdk_2fvalues_400_2e1_2e0_23concat" concat(*mut u8, usize) -> *mut u8;
    "cabi_post_wit_test_3asdk_2fvalues_400_2e1_2e0_23concat" post_concat(*mut u8);
    "wit_test_3asdk_2fvalues_400_2e1_2e0_23add_2dpoints"
        add_points(i32, i32, i32, i32) -> *mut u8;
    "wit_test_3asdk_2fvalues_400_2e1_2e0_23invert" invert(i32, i32, i32) -> *mut u8;
    "wit_test_3asdk_2fvalues_400_2e1_2e0_23same_2dshape"
        same_shape(i32, u64, usize) -> *mut u8;
    "cabi_post_wit_test_3asdk_2fvalues_400_2e1_2e0_23same_2dshape" post_same_shape(*mut u8);
    "wit_test_3asdk_2fvalues_400_2e1_2e0_23reverse_2dshapes"
        reverse_shapes(*mut u8, usize) -> *mut u8;
    "cabi_post_wit_test_3asdk_2fvalues_400_2e1_2e0_23reverse_2dshapes"
        post_reverse_shapes(*mut u8);
    "wit_test_3asdk_2fvalues_400_2e1_2e0_23wide" wide(*mut u8) -> *mut u8;
    "cabi_post_wit_test_3asdk_2fvalues_400_2e1_2e0_23wide" post_wide(*mut u8);
    "wit_test_3asdk_2fvalues_400_2e1_2e0_23reverse_2dfixed"
        reverse_fixed(i32, i32, i32) -> *mut u8;
    "wit_test_3asdk_2fvalues_400_2e1_2e0_23join_2dfixed"
        join_fixed(*mut u8, usize, *mut u8, usize) -> *mut u8;
    "cabi_post_wit_test_3asdk_2fvalues_400_2e1_2e0_23join_2dfixed" post_join_fixed(*mut u8);
    "wit_test_3asdk_2fvalues_400_2e1_2e0_23double_2dvalues"
        double_values(*mut u8, usize) -> *mut u8;
    "cabi_post_wit_test_3asdk_2fvalues_400_2e1_2e0_23double_2dvalues"
        post_double_values(*mut u8);
    "wit_test_3asdk_2fvalues_400_2e1_2e0_23sizes"
        sizes(*mut u8, usize, *mut u8, usize) -> i32;
    "wit_test_3asdk_2fvalues_400_2e1_2e0_23fail" fail(*mut u8, usize) -> *mut u8;

    "wit_test_3asdk_2fthings_400_2e1_2e0_23_5bconstructor_5dthing" new_thing(i32) -> i32;
    "wit_test_3asdk_2fthings_400_2e1_2e0_23_5bmethod_5dthing_2eid" thing_id(i32) -> i32;
    "wit_test_3asdk_2fthings_400_2e1_2e0_23_5bmethod_5dthing_2esum" thing_sum(*mut u8) -> i32;
    "wit_test_3asdk_2fthings_400_2e1_2e0_23_5bstatic_5dthing_2etry_2dnew"
        try_new(i32) -> *mut u8;
    "cabi_post_wit_test_3asdk_2fthings_400_2e1_2e0_23_5bstatic_5dthing_2etry_2dnew"
        post_try_new(*mut u8);
    "wit_test_3asdk_2fthings_400_2e1_2e0_23_5bdtor_5dthing" dtor_thing(u32);
    "wit_test_3asdk_2fthings_400_2e1_2e0_23_5bconstructor_5dbomb"
        new_bomb(*mut u8, usize) -> i32;
    "wit_test_3asdk_2fthings_400_2e1_2e0_23_5bdtor_5dbomb" dtor_bomb(u32);
    "wit_test_3asdk_2fthings_400_2e1_2e0_23live" live() -> i32;
    "wit_test_3asdk_2fthings_400_2e1_2e0_23total" total(*mut u8, usize) -> i32;
    "wit_test_3asdk_2fthings_400_2e1_2e0_23swap" swap(i32, i32) -> *mut u8;
    "cabi_post_wit_test_3asdk_2fthings_400_2e1_2e0_23swap" post_swap(*mut u8);
    "wit_test_3asdk_2fthings_400_2e1_2e0_23drop_2dthing" drop_thing(i32);
    "wit_test_3asdk_2fthings_400_2e1_2e0_23panic_2dholding"
        panic_holding(i32, *mut u8, usize);
}

/// A library is called by one thread at a time, so tests take turns.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A pointer and a length, as a list or a string lies in memory.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice {
    pub(crate) first: *mut u8,
    pub(crate) length: usize,
}

impl Slice {
    /// The string at this place.
    pub(crate) unsafe fn text(self) -> String {
        let bytes = unsafe { self.items::<u8>() };
        String::from_utf8(bytes).unwrap()
    }

    /// The elements at this place.
    pub(crate) unsafe fn items<T: Copy>(self) -> Vec<T> {
        if self.length == 0 {
            return Vec::new();
        }
        unsafe { std::slice::from_raw_parts(self.first.cast(), self.length) }.to_vec()
    }
}

/// Copies `items` into memory that the library will own, as a caller passes a list.
pub(crate) fn list<T: Copy>(items: &[T]) -> Slice {
    unsafe {
        let first = cabi_realloc(ptr::null_mut(), 0, align_of::<T>(), size_of_val(items));
        ptr::copy_nonoverlapping(items.as_ptr(), first.cast(), items.len());
        Slice { first, length: items.len() }
    }
}

/// Copies `text` into memory that the library will own.
pub(crate) fn text(text: &str) -> Slice {
    list(text.as_bytes())
}

/// Copies a value into memory that the library will own, as a caller passes many parameters.
pub(crate) fn area<T: Copy>(value: T) -> *mut u8 {
    list(&[value]).first
}

/// The value at the place that a function returned.
pub(crate) unsafe fn read<T: Copy>(place: *mut u8) -> T {
    assert!(!place.is_null());
    unsafe { *place.cast::<c_void>().cast::<T>() }
}

/// The message of the call that just returned, if it panicked.
pub(crate) fn taken_panic() -> Option<String> {
    let mut message = Slice { first: ptr::null_mut(), length: 0 };
    let mut first = ptr::null();
    let taken = unsafe { wrun_take_panic(&raw mut first, &raw mut message.length) };
    message.first = first.cast_mut();
    (taken == 1).then(|| unsafe { message.text() })
}
