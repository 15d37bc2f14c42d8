//! Failures on demand.

#![allow(clippy::panic, reason = "panics are what these functions are for")]

use crate::Echo;
use crate::exports::wrun::echo::faults::{Guest, GuestGrenade};

/// A resource whose destructor panics with this text.
pub(crate) struct Grenade(String);

impl Guest for Echo {
    type Grenade = Grenade;

    fn panic(message: String) {
        panic!("{message}")
    }

    fn panic_for_result(message: String) -> Vec<String> {
        panic!("{message}")
    }
}

impl GuestGrenade for Grenade {
    fn new(message: String) -> Self {
        Self(message)
    }
}

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("{}", self.0)
    }
}
