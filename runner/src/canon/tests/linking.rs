//! Which functions can be linked at all.

use super::guest::{PassThrough, Slots, World, memory};
use super::host::{ENGINE, Linked};
use super::roundtrip::runner;
use super::types::signature;
use proptest::prelude::*;
use wasmtime::component::Component;
use wit_component::StringEncoding;

#[test]
fn counts_of_flat_values_that_are_not_the_functions_are_refused() {
    let checked = runner(8).run(&signature(), |signature| {
        let guest = PassThrough::new(&signature, StringEncoding::UTF8);
        let component = Component::new(&ENGINE, &guest.component).unwrap();
        for params in 0..=16 {
            for results in [0, 1] {
                let slots = Slots { params, results };
                let linked = Linked::canon(&component, slots);
                prop_assert_eq!(linked.is_ok(), slots == guest.slots, "{:?}", slots);
            }
        }
        Ok(())
    });
    checked.unwrap();
}

/// The `async` lowering has other rules for what is flat. Only `async` functions can have it, and
/// these are refused.
#[test]
fn async_functions_are_refused() {
    let world = World::new(
        "package test:canon;
         interface host { f: async func(x: u32); }
         world guest { import host; export g: func(); }",
    );
    let core = format!(
        r#"(module
  (import "test:canon/host" "[async-lower]f" (func $f (param i32) (result i32)))
  {}
  (func (export "g") (drop (call $f (i32.const 1)))))"#,
        memory()
    );
    let component = Component::new(&ENGINE, world.component(&core, StringEncoding::UTF8)).unwrap();
    let error = Linked::canon(&component, Slots { params: 1, results: 0 }).err().unwrap();
    assert!(format!("{error:#}").contains("async"), "{error:#}");
}
