//! What can be asked for instead of checks: to show something, or to fail on purpose.

use crate::bindings::wrun::echo::resources::{Counter, Label};
use crate::bindings::wrun::echo::{config, faults};

/// The help on [`run`].
pub const USAGE: &str = "\
actions:
  show-config                 print the configuration of the bundle, KEY=VALUE
  panic MESSAGE               let a function of the bundle panic
  panic-for-result MESSAGE    the same, in a function that returns a list
  panic-in-drop MESSAGE       the same, in a destructor
  wrong-handle                pass a handle of another type
  dropped-handle              pass a handle that was dropped";

/// Runs the action if the words name one.
pub fn run(words: &[&str]) -> bool {
    match words {
        ["show-config"] => show_config(),
        ["panic", message] => faults::panic(message),
        ["panic-for-result", message] => {
            println!("returned {:?}", faults::panic_for_result(message));
        }
        ["panic-in-drop", message] => drop(faults::Grenade::new(message)),
        ["wrong-handle"] => {
            let label = Label::new("a label");
            // SAFETY: no memory is touched by way of a handle: the host refuses a wrong number.
            let counter = unsafe { Counter::from_handle(label.take_handle()) };
            println!("returned {}", counter.value());
        }
        ["dropped-handle"] => {
            let counter = Counter::new(1);
            let number = counter.handle();
            drop(counter);
            // SAFETY: as above.
            let counter = unsafe { Counter::from_handle(number) };
            println!("returned {}", counter.value());
        }
        _ => return false,
    }
    true
}

fn show_config() {
    for key in config::keys() {
        println!("{key}={}", config::get(&key).unwrap_or_default());
    }
}
