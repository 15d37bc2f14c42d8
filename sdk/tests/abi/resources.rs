//! Handles at the boundary.

use crate::symbols::{self as native, Slice, area, list, read, taken_panic, text, turn};

fn new_thing(id: i32) -> u32 {
    let handle = unsafe { native::new_thing(id) } as u32;
    assert_ne!(handle, 0);
    handle
}

fn live() -> i32 {
    unsafe { native::live() }
}

#[test]
fn a_resource_is_made_used_and_dropped_by_its_handle() {
    let _turn = turn();
    let before = live();
    let thing = new_thing(7);
    assert_eq!(unsafe { native::thing_id(thing as i32) }, 7);
    assert_eq!(live(), before + 1);
    unsafe { native::dtor_thing(thing) };
    assert_eq!(taken_panic(), None);
    assert_eq!(live(), before);
}

#[test]
fn a_handle_that_was_dropped_is_refused() {
    let _turn = turn();
    let thing = new_thing(1);
    unsafe { native::dtor_thing(thing) };
    assert_eq!(unsafe { native::thing_id(thing as i32) }, 0);
    let message = taken_panic().unwrap();
    assert!(message.contains("of test:sdk/things@0.1.0#thing is unknown"), "{message}");
    unsafe { native::dtor_thing(thing) };
    assert!(taken_panic().unwrap().contains("is unknown"));
}

#[test]
fn a_handle_of_another_resource_is_refused() {
    let _turn = turn();
    let thing = new_thing(1);
    unsafe { native::dtor_bomb(thing) };
    let message = taken_panic().unwrap();
    let expected = format!(
        "handle {thing:#x} is a test:sdk/things@0.1.0#thing, not a test:sdk/things@0.1.0#bomb"
    );
    assert!(message.starts_with(&expected), "{message}");
    unsafe { native::dtor_thing(thing) };
}

#[test]
fn borrows_in_a_list_are_handles() {
    let _turn = turn();
    let handles = [new_thing(1), new_thing(20), new_thing(300)];
    let borrows = list(&handles);
    assert_eq!(unsafe { native::total(borrows.first, borrows.length) }, 321);
    for handle in handles {
        unsafe { native::dtor_thing(handle) };
        assert_eq!(taken_panic(), None);
    }
}

#[test]
fn own_handles_return_as_they_came() {
    let _turn = turn();
    let (a, b) = (new_thing(1), new_thing(2));
    unsafe {
        let place = native::swap(a as i32, b as i32);
        assert_eq!(read::<Slice>(place).items::<u32>(), [b, a]);
        native::post_swap(place);
        assert_eq!(native::thing_id(a as i32), 1, "the caller owns it again");
        native::dtor_thing(a);
        native::dtor_thing(b);
    }
}

#[test]
fn one_own_handle_cannot_be_passed_twice() {
    let _turn = turn();
    let before = live();
    let thing = new_thing(1);
    assert!(unsafe { native::swap(thing as i32, thing as i32) }.is_null());
    let message = taken_panic().unwrap();
    assert!(message.contains("was given to the bundle"), "{message}");
    assert_eq!(live(), before, "the first of the two owned it, and was dropped");
}

#[test]
fn an_own_handle_that_stays_inside_is_destroyed() {
    let _turn = turn();
    let before = live();
    unsafe { native::drop_thing(new_thing(1) as i32) };
    assert_eq!(taken_panic(), None);
    assert_eq!(live(), before);
}

#[test]
fn a_fallible_constructor_returns_a_handle_or_an_error() {
    let _turn = turn();
    unsafe {
        let place = native::try_new(9);
        assert_eq!(read::<u8>(place), 0);
        let handle: u32 = read(place.add(8));
        native::post_try_new(place);
        assert_eq!(native::thing_id(handle as i32), 9);
        native::dtor_thing(handle);

        let place = native::try_new(0);
        assert_eq!(read::<u8>(place), 1);
        assert_eq!(read::<Slice>(place.add(8)).text(), "zero");
        native::post_try_new(place);
    }
}

#[test]
fn self_is_a_handle_also_among_parameters_in_memory() {
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Parameters {
        this: u32,
        numbers: [u8; 16],
    }
    let _turn = turn();
    let thing = new_thing(1000);
    let sum = unsafe { native::thing_sum(area(Parameters { this: thing, numbers: [2; 16] })) };
    assert_eq!(sum, 1032);
    unsafe { native::dtor_thing(thing) };
}

fn new_bomb(message: &str) -> u32 {
    let message = text(message);
    (unsafe { native::new_bomb(message.first, message.length) }) as u32
}

#[test]
fn a_panic_in_a_destructor_is_reported_and_the_handle_is_gone() {
    let _turn = turn();
    let bomb = new_bomb("boom");
    unsafe { native::dtor_bomb(bomb) };
    assert!(taken_panic().unwrap().starts_with("boom ("));
    unsafe { native::dtor_bomb(bomb) };
    assert!(taken_panic().unwrap().contains("is unknown"));
}

#[test]
fn a_destructor_that_panics_during_a_panic_does_not_abort() {
    let _turn = turn();
    let message = text("first");
    unsafe { native::panic_holding(new_bomb("second") as i32, message.first, message.length) };
    let message = taken_panic().unwrap();
    assert!(message.starts_with("first ("), "{message}");
    assert!(message.contains("dropping a test:sdk/things@0.1.0#bomb panicked too: second ("));
}
