//! What is more than an echo.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::exports::wrun::bundle::lifecycle::Guest as _;
use crate::exports::wrun::echo::config::Guest as _;
use crate::exports::wrun::echo::more::Guest as _;
use crate::exports::wrun::echo::resources::{
    Counter, Guest as _, GuestCounter as _, GuestLabel as _, Label, Named,
};
use crate::resources::{Number, Text};
use crate::{Echo, Guest as _};

/// A bundle is called by one thread at a time, so tests take turns.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn counter(start: u32) -> Counter {
    Counter::new(Number::new(start))
}

fn value(counter: &Counter) -> u32 {
    counter.get::<Number>().value()
}

#[test]
fn init_is_remembered_and_can_fail() {
    let _turn = turn();
    assert_eq!(Echo::greet("you".into()), "Hello, you!");
    let pair = |key: &str, value: &str| (key.to_string(), value.to_string());
    assert_eq!(Echo::init(vec![pair("greeting", "Hi"), pair("a", "")]), Ok(()));
    assert_eq!(Echo::greet("you".into()), "Hi, you!");
    assert_eq!(Echo::keys(), ["a", "greeting"]);
    assert_eq!(Echo::init(vec![pair("fail", "no device")]), Err("no device".to_string()));
    assert_eq!((Echo::get("greeting".into()), Echo::inits()), (None, 2));
}

#[test]
fn live_counts_what_was_not_dropped() {
    let _turn = turn();
    let before = Echo::live();
    let made = Echo::make(5, 3);
    assert_eq!(Echo::live(), before + 3);
    assert_eq!(made.iter().map(value).collect::<Vec<_>>(), [5, 6, 7]);
    let turned = Echo::reverse(made);
    assert_eq!(turned.iter().map(value).collect::<Vec<_>>(), [7, 6, 5]);
    drop(turned);
    assert_eq!(Echo::live(), before);
}

#[test]
fn options_of_handles_keep_or_drop() {
    let _turn = turn();
    let before = Echo::live();
    assert!(Echo::keep_if_positive(Some(counter(0))).is_none());
    assert_eq!(Echo::keep_if_positive(Some(counter(1))).as_ref().map(value), Some(1));
    assert!(Echo::stash(Some(counter(8))).is_none());
    assert_eq!(Echo::live(), before + 1);
    assert_eq!(Echo::stash(None).as_ref().map(value), Some(8));
    assert_eq!(Echo::live(), before);
}

#[test]
fn handles_go_through_records_and_other_interfaces() {
    let _turn = turn();
    let named = Echo::rename(Named { name: "abc".into(), counter: counter(4) });
    assert_eq!((named.name.as_str(), value(&named.counter)), ("ABC", 4));
    let label: Label = Echo::describe(named.counter);
    assert_eq!(label.into_inner::<Text>().text(), "4");
    assert_eq!(Number::parse("12".into()).as_ref().map(value), Ok(12));
    assert!(Number::parse("x".into()).unwrap_err().contains("`x` is not a number"));
}
