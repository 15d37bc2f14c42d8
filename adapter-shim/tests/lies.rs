//! Libraries that return what their types forbid: each lie is an error with its place, and the
//! library can be called again.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod common;

use adapter_shim::native::{Adapter, CallError, Opened, Place};
use adapter_shim::permit::LoadPermit;
use common::{Bundle, Planner, Wire, wire};
use protocol::error::{ValueError, ValueFault};
use protocol::message::CallFault;
use protocol::types::{Type, TypeDef};
use std::os::fd::AsFd;

/// A liar with the functions that each test needs.
struct Liar {
    adapter: Adapter,
    prepare: u32,
    memory: u32,
    poke: u32,
}

impl Liar {
    fn new(mut plan: Planner) -> Self {
        let word = Type::U64;
        let prepare = plan.function("t_prepare", &[Type::U32, word, word, word, word], None);
        let memory = plan.function("t_memory", &[], Some(word));
        let poke = plan.function("t_poke", &[Type::U32, Type::U32], None);
        let bundle = Bundle::new("lies");
        let permit = LoadPermit::operator_trusts_bundle();
        let opened = Opened::new(bundle.open().as_fd(), &plan.plan, Place::Descriptors).unwrap();
        let adapter = Adapter::load(permit, opened, &plan.plan).unwrap();
        Self { adapter, prepare, memory, poke }
    }

    fn call(&mut self, function: u32, args: Wire) -> Wire {
        let mut out = Vec::new();
        self.adapter.call(function, &args.0, &mut out).unwrap();
        Wire(out)
    }

    fn failure(&mut self, function: u32, args: Wire) -> (CallFault, String) {
        match self.adapter.call(function, &args.0, &mut Vec::new()) {
            Err(CallError::Failed { fault, text }) => (fault, text.as_raw().to_owned()),
            other => panic!("{other:?}"),
        }
    }

    fn lie(&mut self, function: u32, args: Wire, fault: ValueFault, path: &str) {
        let expected = ValueError { fault, path: path.into() }.to_string();
        assert_eq!(self.failure(function, args), (CallFault::BadResult, expected));
    }

    /// The address of 64 KiB of the library's memory, which are 0.
    fn memory(&mut self) -> u64 {
        let memory = self.memory;
        u64::from_le_bytes(self.call(memory, wire()).0.try_into().unwrap())
    }

    fn poke(&mut self, at: u32, byte: u8) {
        self.call(self.poke, wire().u32(at).u32(byte.into()));
    }

    /// Puts words where a result in memory lies.
    fn prepare(&mut self, words: [u64; 4]) {
        let args = words.iter().fold(wire().u32(0), |args, word| args.u64(*word));
        self.call(self.prepare, args);
    }
}

#[test]
fn a_flat_result_that_is_no_value() {
    let mut plan = Planner::new();
    let resource = plan.resource("r", "t_posts");
    let kinds = plan.define(TypeDef::Enum(3));
    let flags = plan.define(TypeDef::Flags(5));
    let wide = plan.define(TypeDef::Flags(20));
    let result = plan.define(TypeDef::Result(None, None));
    let own = plan.define(TypeDef::Own(resource));
    let wrapped = plan.record(&[own]);
    let wrapped = plan.define(TypeDef::FixedList(wrapped, 1));
    let cases = [
        (Type::Bool, 2, ValueFault::Bool(2), "result"),
        (Type::Char, 0xd800, ValueFault::Char(0xd800), "result"),
        (Type::Char, 0x11_0000, ValueFault::Char(0x11_0000), "result"),
        (kinds, 3, ValueFault::Case { found: 3, cases: 3 }, "result"),
        (kinds, 0x100, ValueFault::Case { found: 0x100, cases: 3 }, "result"),
        (result, 2, ValueFault::Case { found: 2, cases: 2 }, "result"),
        (flags, 0b10_0000, ValueFault::Flags(5), "result"),
        (flags, 0x100, ValueFault::Flags(5), "result"),
        (wide, 1 << 20, ValueFault::Flags(20), "result"),
        (own, 0, ValueFault::Handle, "result"),
        (wrapped, 0, ValueFault::Handle, "result[0].0"),
    ];
    let functions = cases.map(|(ty, ..)| plan.function("t_bits", &[Type::U64], Some(ty)));
    let liar = &mut Liar::new(plan);
    for ((ty, bits, fault, path), function) in cases.into_iter().zip(functions) {
        println!("{ty:?} from {bits:#x}");
        liar.lie(function, wire().u64(bits), fault, path);
    }
}

#[test]
fn a_result_in_memory_that_is_no_value() {
    let mut plan = Planner::new();
    let resource = plan.resource("r", "t_posts");
    let own = plan.define(TypeDef::Own(resource));
    let cases = plan.define(TypeDef::Variant(vec![None, Some(Type::Char), Some(own)]));
    let maybe = plan.define(TypeDef::Option(Type::Bool));
    let flags = plan.define(TypeDef::Flags(69));
    let kinds = plan.define(TypeDef::Enum(300));
    let record = plan.record(&[Type::U64, kinds, Type::Bool]);
    let case = |found, cases| ValueFault::Case { found, cases };
    let lies = [
        (cases, [3, 0, 0, 0], case(3, 3), "result"),
        (cases, [1 | 0xd800 << 32, 0, 0, 0], ValueFault::Char(0xd800), "result#1"),
        (cases, [2, 0, 0, 0], ValueFault::Handle, "result#2"),
        (maybe, [2, 0, 0, 0], case(2, 2), "result"),
        (maybe, [0x0201, 0, 0, 0], ValueFault::Bool(2), "result#1"),
        (flags, [0, 1 << 5, 0, 0], ValueFault::Flags(69), "result"),
        (record, [0, 300, 0, 0], case(300, 300), "result.1"),
        (record, [0, 0xff_0001, 0, 0], ValueFault::Bool(0xff), "result.2"),
    ];
    let functions = lies.map(|(ty, ..)| plan.freed("t_area", &[Type::U32], Some(ty)));
    let posts = plan.function("t_posts", &[], Some(Type::U32));
    let liar = &mut Liar::new(plan);
    for ((ty, words, fault, path), function) in lies.into_iter().zip(functions) {
        println!("{ty:?} from {words:x?}");
        liar.prepare(words);
        liar.lie(function, wire().u32(0), fault, path);
    }
    // The library may free what it returned, however wrong that was.
    assert_eq!(liar.call(posts, wire()), wire().u32(8));
}

#[test]
fn a_result_that_does_not_exist() {
    let mut plan = Planner::new();
    let pair = plan.record(&[Type::U64, Type::U64]);
    let null = plan.function("t_null", &[Type::U32], Some(pair));
    let skewed = plan.function("t_area", &[Type::U32], Some(pair));
    let liar = &mut Liar::new(plan);
    liar.lie(null, wire().u32(0), ValueFault::Pointer, "result");
    liar.lie(skewed, wire().u32(4), ValueFault::Pointer, "result");
    liar.prepare([1, 2, 0, 0]);
    assert_eq!(liar.call(skewed, wire().u32(0)), wire().u64(1).u64(2));
}

#[test]
fn strings_and_lists_that_are_none() {
    let mut plan = Planner::new();
    let words = plan.list(Type::U32);
    let bools = plan.list(Type::Bool);
    let texts = plan.list(Type::String);
    let [text, words, bools, texts] = [Type::String, words, bools, texts]
        .map(|ty| plan.function("t_area", &[Type::U32], Some(ty)));
    let liar = &mut Liar::new(plan);
    let memory = liar.memory();
    let absurd = [u64::MAX, 1 << 62, 1 << 60, 1 << 48];
    for (function, pointer, length, fault) in [
        (text, 0, 1, ValueFault::Pointer),
        (text, 16, 1, ValueFault::Pointer),
        (words, 0, 1, ValueFault::Pointer),
        (words, memory + 2, 1, ValueFault::Pointer),
        (texts, memory + 4, 1, ValueFault::Pointer),
        (text, u64::MAX - 4, 8, ValueFault::Length),
    ]
    .into_iter()
    .chain(absurd.map(|length| (text, memory, length, ValueFault::Length)))
    .chain(absurd.map(|length| (texts, memory, length, ValueFault::Length)))
    {
        println!("{length:#x} at {pointer:#x}");
        liar.prepare([pointer, length, 0, 0]);
        liar.lie(function, wire().u32(0), fault, "result");
    }
    // Without elements, the pointer is not looked at.
    liar.prepare([3, 0, 0, 0]);
    assert_eq!(liar.call(words, wire().u32(0)), wire().u32(0));

    liar.poke(1, 0xc3);
    liar.prepare([memory, 4, 0, 0]);
    liar.lie(text, wire().u32(0), ValueFault::Utf8, "result");
    liar.poke(1, 1);
    liar.poke(3, 7);
    liar.prepare([memory, 5, 0, 0]);
    liar.lie(bools, wire().u32(0), ValueFault::Bool(7), "result[3]");
    // The second string of a list.
    for (at, byte) in (0..16).zip([0; 16]).chain([(24, 1)]) {
        liar.poke(at, byte);
    }
    liar.prepare([memory, 2, 0, 0]);
    liar.lie(texts, wire().u32(0), ValueFault::Pointer, "result[1]");
}

#[test]
fn a_result_that_is_too_large_is_not_copied() {
    let mut plan = Planner::new();
    plan.plan.payload_bytes_max = 1000;
    let bytes = plan.list(Type::U8);
    let bools = plan.list(Type::Bool);
    let lists = plan.list(bytes);
    let record = plan.record(&[Type::U8, Type::U64]);
    let records = plan.list(record);
    let functions = [bytes, bools, lists, records, Type::String]
        .map(|ty| plan.function("t_area", &[Type::U32], Some(ty)));
    let row = plan.define(TypeDef::FixedList(Type::U64, 126));
    let row = plan.function("t_memory_at", &[], Some(row));
    let liar = &mut Liar::new(plan);
    let memory = liar.memory();
    for function in functions {
        // The last two are larger than any memory that is mapped there.
        for length in [997, 1 << 20, 1 << 32, 1 << 40] {
            liar.prepare([memory, length, 0, 0]);
            let (fault, text) = liar.failure(function, wire().u32(0));
            assert_eq!(fault, CallFault::TooLarge, "{length:#x}: {text}");
            assert!(text.contains("1000 bytes"), "{text}");
        }
    }
    assert_eq!(liar.failure(row, wire()).0, CallFault::TooLarge);
    liar.prepare([memory, 996, 0, 0]);
    let [bytes, ..] = functions;
    assert_eq!(liar.call(bytes, wire().u32(0)), wire().u32(996).raw(&[0; 996]));
}

#[test]
fn a_length_that_is_too_large_is_refused_before_anything_is_read() {
    let mut plan = Planner::new();
    let bools = plan.list(Type::Bool);
    let bools = plan.function("t_area", &[Type::U32], Some(bools));
    let liar = &mut Liar::new(plan);
    let memory = liar.memory();
    // Reading on to the largest payload would leave the library's memory.
    liar.prepare([memory, 1 << 30, 0, 0]);
    assert_eq!(liar.failure(bools, wire().u32(0)).0, CallFault::TooLarge);
}

#[test]
fn an_allocator_that_has_nothing() {
    let mut plan = Planner::new();
    let bytes = plan.list(Type::U64);
    let take = plan.function("t_take", &[bytes], None);
    let shatter = plan.function("t_break_allocator", &[Type::Bool, Type::Bool], None);
    let liar = &mut Liar::new(plan);
    let list = || wire().u32(2).u64(1).u64(2);
    liar.call(take, list());
    liar.call(shatter, wire().u8(1).u8(0));
    let (fault, text) = liar.failure(take, list());
    assert_eq!(fault, CallFault::OutOfMemory);
    assert_eq!(text, "cabi_realloc returned null for 16 bytes");
    // Nothing is needed for nothing.
    liar.call(take, wire().u32(0));
    liar.call(shatter, wire().u8(0).u8(1));
    let (fault, text) = liar.failure(take, list());
    assert_eq!(fault, CallFault::OutOfMemory);
    assert!(text.contains("aligned"), "{text}");
}
