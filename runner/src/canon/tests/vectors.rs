//! The vectors of values in `PROTOCOL.md` are what a guest's values become, and become again.

use super::guest::PassThrough;
use super::host::{ENGINE, Linked, State};
use wasmtime::component::{Component, Val};
use wit_component::StringEncoding;

const DOCUMENT: &str = include_str!("../../../../protocol/PROTOCOL.md");

/// Type, value and bytes of each vector, but for handles and for fixed-length lists, which WAVE does
/// not read.
fn vectors() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let (_, rest) = DOCUMENT.split_once("```vectors values\n").unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    let line = |line: &'static str| {
        let [ty, value, hex] = line.split(" | ").collect::<Vec<_>>()[..] else { panic!("{line}") };
        let bytes = hex.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
        (ty, value, bytes)
    };
    let other = ["own<", "borrow<", "list<u16, 3>"];
    let readable = |line: &&str| !other.iter().any(|start| line.starts_with(start));
    block.lines().filter(readable).map(line).collect()
}

/// A package whose `f` and `g` take and return a value of this type.
fn wit(ty: &str) -> String {
    // WAVE has no maps; on the wire they are what the document says they are.
    let ty = match ty.strip_prefix("map<") {
        Some(rest) => format!("list<tuple<{rest}>"),
        None => ty.to_owned(),
    };
    let (definition, names, ty) = match ty.split_once(" {") {
        Some((kind, body)) => (format!("{kind} t {{{body}"), "use host.{t};", "t".to_owned()),
        None => (String::new(), "", ty),
    };
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
    let vectors = vectors();
    assert!(vectors.len() > 35);
    for (ty, text, bytes) in vectors {
        let guest = PassThrough::of_wit(&wit(ty), StringEncoding::UTF8);
        let component = Component::new(&ENGINE, &guest.component).unwrap();
        let linked = Linked::canon(&component, guest.slots).unwrap();
        let mut guest = linked.start(State { reply: bytes.clone(), ..State::default() });
        let value: Val = wasm_wave::from_str(&guest.param("g"), text).unwrap();
        let returned = guest.call("g", std::slice::from_ref(&value)).unwrap();
        assert_eq!(guest.store.data().seen, [bytes], "{ty}: {text}");
        assert_eq!(returned, Some(value), "{ty}: {text}");
    }
}
