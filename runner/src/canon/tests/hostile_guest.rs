//! Guests that pass what is no value. `canon` refuses what the `Val` path refuses, and takes the
//! rest for the same value.

use super::guest::{Slots, World, core_type, memory};
use super::host::{ENGINE, Linked, State};
use super::reference::encode_all;
use super::types::Ty;
use protocol::types::Type;
use wasmtime::component::{Component, Val};
use wit_component::StringEncoding;

/// First byte behind the guest's memory.
const END: u32 = 0x10_0000;

/// A guest that calls `f` with numbers of its own choice.
struct Guest<'a> {
    /// Parameters and result of `f`; the type `t` is what `definition` says.
    signature: &'a str,
    /// A type definition, or nothing.
    definition: &'a str,
    /// Bytes at address 16, as in the text format.
    data: &'a str,
    /// Core instructions that push what `f` gets.
    push: &'a str,
}

impl Guest<'_> {
    fn component(&self) -> (Component, Slots) {
        let world = World::new(&format!(
            "package test:canon;
             interface host {{ {} f: func{}; }}
             world guest {{ import host; export g: func(); }}",
            self.definition, self.signature
        ));
        let import = world.import("host", "f");
        let drops = "(drop)".repeat(import.results.len());
        let core = format!(
            r#"(module
  (import "test:canon/host" "f" (func $f {}))
  {}
  (data $data "{}")
  (func (export "g")
    (memory.init $data (i32.const 16) (i32.const 0) (i32.const {}))
    {} (call $f) {drops}))"#,
            core_type(&import),
            memory(),
            self.data,
            self.data.len() / 3,
            self.push,
        );
        let component = world.component(&core, StringEncoding::UTF8);
        (Component::new(&ENGINE, component).unwrap(), Slots::of(&import))
    }

    /// What `f` saw through `canon`, or why it was not called.
    fn call_canon(&self) -> Result<Vec<u8>, String> {
        let (component, slots) = self.component();
        let mut guest = Linked::canon(&component, slots).unwrap().start(State::default());
        let called = guest.call("g", &[]);
        let seen = guest.store.data_mut().seen.pop();
        match seen {
            // The argument arrived; whether the result could be returned is another test's.
            Some(seen) => Ok(seen),
            None => Err(format!("{:#}", called.unwrap_err())),
        }
    }

    /// The same through `Val`.
    fn call_val(&self) -> Result<Vec<Val>, String> {
        let (component, _) = self.component();
        let mut guest = Linked::val(&component).start(State::default());
        let called = guest.call("g", &[]);
        guest.store.data_mut().seen_vals.pop().ok_or_else(|| format!("{:#}", called.unwrap_err()))
    }
}

fn push(numbers: &[u32]) -> String {
    numbers.iter().map(|number| format!("(i32.const {number}) ")).collect()
}

/// Both ways refuse it, and `canon` says `problem`.
fn refused(signature: &str, definition: &str, data: &str, numbers: &[u32], problem: &str) {
    let push = &push(numbers);
    let guest = Guest { signature, definition, data, push };
    let error = guest.call_canon().unwrap_err();
    assert!(error.contains(problem), "{signature} {data} {numbers:?}: {error}");
    assert!(guest.call_val().is_err(), "{signature} {data} {numbers:?}: Val accepts it");
}

#[test]
fn lists_outside_of_memory_are_refused() {
    let bounds = "out of bounds";
    for numbers in [[END, 1], [END - 1, 2], [END + 1, 0], [u32::MAX, 1], [1, END], [16, u32::MAX]] {
        refused("(x: list<u8>)", "", "", &numbers, bounds);
        refused("(x: list<bool>)", "", "", &numbers, bounds);
        refused("(x: list<result>)", "", "", &numbers, bounds);
    }
    refused("(x: list<u64>)", "", "", &[END - 8, 2], bounds);
    refused("(x: list<string>)", "", "", &[END - 8, 2], bounds);
    refused("(x: map<u8, u64>)", "", "", &[END - 16, 2], bounds);
    // A list whose size does not fit any memory, and not into 32 bits either.
    for ty in ["list<u64>", "list<string>", "map<string, string>", "list<tuple<u64, u64>>"] {
        for count in [u32::MAX, 0x2000_0001, 0x1000_0001] {
            let push = &push(&[16, count]);
            let signature = &format!("(x: {ty})");
            let guest = Guest { signature, definition: "", data: "", push };
            let error = guest.call_canon().unwrap_err();
            assert!(error.contains(bounds), "{ty} of {count}: {error}");
        }
    }
    // The outer list is fine, the inner one is not.
    let inner = r"\00\00\10\00\01\00\00\00";
    for ty in ["list<list<u8>>", "list<string>", "list<map<u8, u8>>", "list<option<string>>"] {
        // The string of the option lies four bytes further on.
        let data = if ty.contains("option") { r"\01\00\00\00" } else { "" };
        refused(&format!("(x: {ty})"), "", &format!("{data}{inner}"), &[16, 1], bounds);
    }
}

#[test]
fn misaligned_lists_are_refused_even_when_they_are_empty() {
    for (ty, align) in [
        ("list<u16>", 2),
        ("list<char>", 4),
        ("list<f64>", 8),
        ("list<string>", 4),
        ("list<tuple<u8, u64>>", 8),
        ("list<list<u32, 3>>", 4),
        ("map<u8, u16>", 2),
        ("map<string, u64>", 8),
    ] {
        for count in [0, 1] {
            let signature = format!("(x: {ty})");
            refused(&signature, "", "", &[16 + align / 2, count], "aligned");
            refused(&signature, "", "", &[16 + 1, count], "aligned");
        }
    }
    refused("(x: list<list<u16>>)", "", r"\21\00\00\00\01\00\00\00", &[16, 1], "aligned");
}

#[test]
fn case_numbers_that_do_not_exist_are_refused() {
    let names = |count: u32| (0..count).map(|i| format!("c{i}")).collect::<Vec<_>>().join(", ");
    let case = "no case";
    for wrong in [3, 255, 256, 0x1_0000, u32::MAX] {
        refused("(x: t)", "enum t { a, b, c }", "", &[wrong], case);
        refused("(x: t)", "variant t { a, b(u8), c(u32) }", "", &[wrong, 0], case);
        refused("(x: option<u8>)", "", "", &[wrong, 0], case);
        refused("(x: result<u8, u16>)", "", "", &[wrong, 0], case);
        refused("(x: result)", "", "", &[wrong], case);
    }
    refused("(x: list<t>)", "enum t { a, b, c }", r"\00\01\03", &[16, 3], case);
    refused("(x: list<t>)", "variant t { a, b(u8) }", r"\00\00\02\00", &[16, 2], case);
    refused("(x: list<option<u8>>)", "", r"\01\00\ff\00", &[16, 2], case);
    refused("(x: list<result>)", "", r"\00\01\02", &[16, 3], case);
    let wide = format!("enum t {{ {} }}", names(257));
    refused("(x: list<t>)", &wide, r"\00\01\01\01", &[16, 2], case);
    refused("(x: t)", &wide, "", &[257], case);
}

#[test]
fn numbers_that_are_no_char_are_refused() {
    for wrong in [0xd800, 0xdfff, 0x11_0000, u32::MAX] {
        refused("(x: char)", "", "", &[wrong], "Unicode scalar value");
    }
    refused("(x: list<char>)", "", r"\61\00\00\00\00\d8\00\00", &[16, 2], "Unicode scalar value");
}

#[test]
fn texts_that_are_not_utf_8_are_refused() {
    for (data, length) in [(r"\ff", 1), (r"\c3", 1), (r"\ed\a0\80", 3), (r"\61\c0\80", 3)] {
        refused("(x: string)", "", data, &[16, length], "UTF-8");
    }
    refused("(x: list<string>)", "", r"\18\00\00\00\01\00\00\00\80", &[16, 1], "UTF-8");
    refused(
        "(x: map<u8, string>)",
        "",
        r"\07\00\00\00\1c\00\00\00\01\00\00\00\80",
        &[16, 1],
        "UTF-8",
    );
}

#[test]
fn parameters_and_results_outside_of_memory_are_refused() {
    let params = (0..17).map(|i| format!("p{i}: u64")).collect::<Vec<_>>().join(", ");
    let params = format!("({params})");
    for at in [END, END - 17 * 8 + 8, u32::MAX - 7] {
        refused(&params, "", "", &[at], "out of bounds");
    }
    refused(&params, "", "", &[20], "aligned");
    let last = END - 17 * 8;
    let guest = Guest { signature: &params, definition: "", data: "", push: &push(&[last]) };
    assert_eq!(guest.call_canon(), Ok(vec![0xaa; 17 * 8]));
}

/// Returns `reply` to a guest that wants it at `at`.
fn return_to(signature: &str, at: u32, reply: &[u8]) -> Result<(), String> {
    let guest = Guest { signature, definition: "", data: "", push: &push(&[at]) };
    let (component, slots) = guest.component();
    let linked = Linked::canon(&component, slots).unwrap();
    let mut guest = linked.start(State { reply: reply.to_vec(), ..State::default() });
    guest.call("g", &[]).map(drop).map_err(|error| format!("{error:#}"))
}

#[test]
fn results_that_the_guest_wants_outside_of_memory_trap_it() {
    let signature = "() -> tuple<u64, u8>";
    assert_eq!(return_to(signature, END - 16, &[1; 9]), Ok(()));
    for (at, problem) in
        [(END - 8, "out of bounds"), (END, "out of bounds"), (u32::MAX - 7, "of"), (4, "aligned")]
    {
        let error = return_to(signature, at, &[1; 9]).unwrap_err();
        assert!(error.contains(problem), "{at}: {error}");
    }
}

/// A guest whose allocator runs `realloc`, and whose `f` returns `reply` of type `result`.
fn allocate(result: &str, realloc: &str, reply: &[u8]) -> Result<(), String> {
    let world = World::new(&format!(
        "package test:canon;
         interface host {{ f: func() -> {result}; }}
         world guest {{ import host; export g: func(); }}"
    ));
    let core = format!(
        r#"(module
  (import "test:canon/host" "f" (func $f (param i32)))
  (memory (export "memory") 16)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {realloc})
  (func (export "g") (call $f (i32.const 64))))"#
    );
    let component = Component::new(&ENGINE, world.component(&core, StringEncoding::UTF8)).unwrap();
    let linked = Linked::canon(&component, Slots::of(&world.import("host", "f"))).unwrap();
    let mut guest = linked.start(State { reply: reply.to_vec(), ..State::default() });
    guest.call("g", &[]).map(drop).map_err(|error| format!("{error:#}"))
}

#[test]
fn an_allocator_that_lies_traps_its_guest() {
    let list = |element: &[u8]| [&1_u32.to_le_bytes(), element].concat();
    let results = [
        ("list<u64>", list(&[7; 8])),
        ("list<tuple<u64, bool>>", list(&[1; 9])),
        ("map<u64, u8>", list(&[7; 9])),
        ("list<list<u64>>", list(&list(&[7; 8]))),
        ("result<list<u64>>", [&[0], &list(&[7; 8])[..]].concat()),
    ];
    for (result, reply) in results {
        let good = "(i32.const 1024)";
        assert_eq!(allocate(result, good, &reply), Ok(()), "{result}");
        // Misaligned, behind the end, behind the end of the address space, and none at all.
        for bad in ["(i32.const 1026)", "(i32.const 0x100000)", "(i32.const -8)", "unreachable"] {
            assert!(allocate(result, bad, &reply).is_err(), "{result} at {bad}");
        }
    }
    let text = list(b"x");
    assert_eq!(allocate("string", "(i32.const 0xfffff)", &text), Ok(()));
    assert!(allocate("string", "(i32.const 0x100000)", &text).is_err());
}

/// Both ways take it for the same value.
fn accepted(signature: &str, definition: &str, data: &str, numbers: &[u32], ty: &Ty, bytes: &[u8]) {
    let push = &push(numbers);
    let guest = Guest { signature, definition, data, push };
    assert_eq!(guest.call_canon().unwrap(), bytes, "{signature} {data} {numbers:?}");
    let values = guest.call_val().unwrap();
    assert_eq!(encode_all([ty].into_iter().zip(&values)), bytes, "{signature} as Val");
}

#[test]
fn bits_without_a_meaning_are_dropped_on_the_way_to_the_wire() {
    let basic = Ty::Basic;
    for (number, byte) in [(0, 0), (1, 1), (2, 1), (0x100, 1), (u32::MAX, 1)] {
        accepted("(x: bool)", "", "", &[number], &basic(Type::Bool), &[byte]);
    }
    accepted("(x: u8)", "", "", &[0x1ff], &basic(Type::U8), &[0xff]);
    accepted("(x: s8)", "", "", &[0x17f], &basic(Type::S8), &[0x7f]);
    accepted("(x: u16)", "", "", &[0xffff_0001], &basic(Type::U16), &[1, 0]);
    accepted("(x: s16)", "", "", &[0x8000], &basic(Type::S16), &[0, 0x80]);
    let list = |ty| Ty::List(Box::new(ty));
    let bools = list(basic(Type::Bool));
    accepted("(x: list<bool>)", "", r"\00\01\02\ff", &[16, 4], &bools, &[4, 0, 0, 0, 0, 1, 1, 1]);
    let flags = "flags t { c0, c1, c2 }";
    accepted("(x: t)", flags, "", &[0xffff_fffd], &Ty::Flags(3), &[5]);
    accepted("(x: list<t>)", flags, r"\fa", &[16, 1], &list(Ty::Flags(3)), &[1, 0, 0, 0, 2]);
}
