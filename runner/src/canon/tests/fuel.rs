//! A guest cannot make the host copy more than its store allows: `Store::set_hostcall_fuel`.

use super::guest::PassThrough;
use super::host::{ENGINE, Linked, State};
use super::types::{Signature, Ty};
use protocol::types::Type;
use wasmtime::component::{Component, Val};
use wit_component::StringEncoding;

/// Calls a function whose only parameter is of type `ty`, in a store with this much fuel.
fn call(ty: &Ty, value: &Val, encoding: StringEncoding, fuel: usize) -> wasmtime::Result<Vec<u8>> {
    let signature = Signature { params: vec![ty.clone()], result: None };
    let guest = PassThrough::new(&signature, encoding);
    let component = Component::new(&ENGINE, &guest.component).unwrap();
    let mut guest = Linked::canon(&component, guest.slots).unwrap().start(State::default());
    guest.store.set_hostcall_fuel(fuel);
    guest.call("g", std::slice::from_ref(value))?;
    Ok(guest.store.data_mut().seen.remove(0))
}

/// Asserts that the argument costs exactly `bytes`.
fn costs(ty: &Ty, value: &Val, encoding: StringEncoding, bytes: usize) {
    let seen = call(ty, value, encoding, bytes).unwrap();
    assert!(!seen.is_empty());
    let error = call(ty, value, encoding, bytes - 1).unwrap_err();
    assert!(format!("{error:#}").contains("fuel"), "{error:?}");
}

fn list_of(ty: Ty, values: Vec<Val>) -> (Ty, Val) {
    (Ty::List(Box::new(ty)), Val::List(values))
}

#[test]
fn fuel_is_charged_for_what_lies_in_guest_memory() {
    let utf8 = StringEncoding::UTF8;
    let (ty, value) = list_of(Ty::Basic(Type::U8), vec![Val::U8(1); 1000]);
    costs(&ty, &value, utf8, 1000);
    let (ty, value) = list_of(Ty::Basic(Type::U64), vec![Val::U64(1); 100]);
    costs(&ty, &value, utf8, 800);
    costs(&Ty::Basic(Type::String), &Val::String("ä".repeat(50)), utf8, 100);
    // Eight bytes for each pointer and length, and the texts.
    let (ty, value) = list_of(Ty::Basic(Type::String), vec![Val::String("abc".into()); 10]);
    costs(&ty, &value, utf8, 10 * (8 + 3));
    // Padding is copied over as well.
    let (ty, value) = list_of(
        Ty::Tuple(vec![Ty::Basic(Type::U8), Ty::Basic(Type::Bool), Ty::Basic(Type::U32)]),
        vec![Val::Tuple(vec![Val::U8(1), Val::Bool(true), Val::U32(1)]); 10],
    );
    costs(&ty, &value, utf8, 80);
    let entry = (Val::U16(1), Val::List(vec![Val::U16(1); 5]));
    let inner = Ty::List(Box::new(Ty::Basic(Type::U16)));
    let map = Ty::Map(Type::U16, Box::new(inner));
    costs(&map, &Val::Map(vec![entry; 4]), utf8, 4 * (12 + 10));
}

#[test]
fn fuel_is_charged_for_transcoded_strings() {
    let (ty, value) = (Ty::Basic(Type::String), Val::String("€".repeat(50)));
    costs(&ty, &value, StringEncoding::UTF16, 100);
    costs(&ty, &value, StringEncoding::CompactUTF16, 100);
}

#[test]
fn overlapping_lists_are_charged_each() {
    // A thousand lists that are all the same thousand bytes of guest memory.
    let world = super::guest::World::new(
        "package test:canon;
         interface host { f: func(x: list<list<u8>>); }
         world guest { import host; export g: func(); }",
    );
    let core = format!(
        r#"(module
  (import "test:canon/host" "f" (func $f (param i32 i32)))
  {}
  (func (export "g")
    (local $at i32)
    (loop $next
      (i32.store (local.get $at) (i32.const 0))
      (i32.store offset=4 (local.get $at) (i32.const 1000))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 8000))))
    (call $f (i32.const 0) (i32.const 1000))))"#,
        super::guest::memory()
    );
    let component = world.component(&core, StringEncoding::UTF8);
    let component = Component::new(&ENGINE, &component).unwrap();
    let slots = super::guest::Slots::of(&world.import("host", "f"));
    let linked = Linked::canon(&component, slots).unwrap();
    let cost = 1000 * (8 + 1000);
    for (fuel, fits) in [(cost, true), (cost - 1, false)] {
        let mut guest = linked.start(State::default());
        guest.store.set_hostcall_fuel(fuel);
        assert_eq!(guest.call("g", &[]).is_ok(), fits);
        assert_eq!(guest.store.data().seen.len(), usize::from(fits));
    }
}
