//! The vectors of values in `PROTOCOL.md` are what a guest's values become, and become again.

use super::guest::{PassThrough, Slots, World, core_type, memory};
use super::host::{ENGINE, Linked, State};
use wasmtime::component::{Component, Val};
use wit_component::StringEncoding;

const DOCUMENT: &str = include_str!("../../../../protocol/PROTOCOL.md");

/// The three columns of each line of a block.
fn block(name: &str) -> Vec<[&'static str; 3]> {
    let (_, rest) = DOCUMENT.split_once(&format!("```vectors {name}\n")).unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    let columns = |line: &'static str| line.split(" | ").collect::<Vec<_>>().try_into().unwrap();
    block.lines().map(columns).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

/// How a type is defined and named in an interface: its definition, and where it is used.
fn named(ty: &str) -> (String, String) {
    // WAVE has no maps; on the wire they are what the document says they are.
    if let Some(rest) = ty.strip_prefix("map<") {
        return (String::new(), format!("list<tuple<{rest}>"));
    }
    match ty.split_once(" {") {
        Some((kind, body)) => (format!("{kind} t {{{body}"), "t".to_owned()),
        None => (String::new(), ty.to_owned()),
    }
}

/// A package whose `f` and `g` take and return a value of this type.
fn echo(ty: &str) -> String {
    let (definition, ty) = named(ty);
    let names = if definition.is_empty() { "" } else { "use host.{t};" };
    format!(
        "package test:canon;
         interface host {{ {definition} f: func(x: {ty}) -> {ty}; }}
         world guest {{
             {names}
             import host;
             export g: func(x: {ty}) -> {ty};
             export stray-bytes: func() -> u32;
         }}"
    )
}

#[test]
fn the_vectors_of_the_document_cross_in_both_directions() {
    // Handles have tests of their own, and WAVE reads no fixed-length lists.
    let other = ["own<", "borrow<", "list<u16, 3>"];
    let readable = |ty: &str| !other.iter().any(|start| ty.starts_with(start));
    let vectors = block("values");
    assert!(vectors.len() > 35);
    for [ty, text, hex] in vectors.into_iter().filter(|[ty, ..]| readable(ty)) {
        let guest = PassThrough::of_wit(&echo(ty), StringEncoding::UTF8);
        let component = Component::new(&ENGINE, &guest.component).unwrap();
        let linked = Linked::canon(&component, guest.slots).unwrap();
        let mut guest = linked.start(State { reply: bytes(hex), ..State::default() });
        let value: Val = wasm_wave::from_str(&guest.param("g"), text).unwrap();
        let returned = guest.call("g", std::slice::from_ref(&value)).unwrap();
        assert_eq!(guest.store.data().seen, [bytes(hex)], "{ty}: {text}");
        assert_eq!(returned, Some(value), "{ty}: {text}");
    }
}

/// Returns `reply` to a guest that does not look at it: whether it fits is `canon`'s to say.
fn return_unseen(ty: &str, reply: Vec<u8>) -> wasmtime::Result<Option<Val>> {
    let (definition, ty) = named(ty);
    let world = World::new(&format!(
        "package test:canon;
         interface host {{ {definition} f: func() -> {ty}; }}
         world guest {{ import host; export g: func(); }}"
    ));
    let import = world.import("host", "f");
    let area = if import.retptr { "(i32.const 64)" } else { "" };
    let drops = "(drop)".repeat(import.results.len());
    let core = format!(
        r#"(module
  (import "test:canon/host" "f" (func $f {}))
  {}
  (func (export "g") {area} (call $f) {drops}))"#,
        core_type(&import),
        memory(),
    );
    let component = Component::new(&ENGINE, world.component(&core, StringEncoding::UTF8)).unwrap();
    let linked = Linked::canon(&component, Slots::of(&import)).unwrap();
    linked.start(State { reply, ..State::default() }).call("g", &[])
}

#[test]
fn bytes_that_the_document_refuses_trap_a_guest_that_does_not_look() {
    let without_handles = |[ty, ..]: &[&str; 3]| !ty.starts_with("own<");
    for [ty, hex, fault] in block("refused").into_iter().filter(without_handles) {
        assert!(return_unseen(ty, bytes(hex)).is_err(), "{ty}: {hex} is {fault}");
    }
    for [ty, _, hex] in block("values").into_iter().filter(without_handles) {
        if !ty.starts_with("borrow<") {
            assert!(return_unseen(ty, bytes(hex)).is_ok(), "{ty}: {hex}");
        }
    }
}
