//! Every kind of type through real C functions, in this process.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod common;

use adapter_shim::native::{Adapter, CallError, InitError, LoadError, Opened, Place, RequestError};
use adapter_shim::permit::LoadPermit;
use common::{Bundle, Planner, Wire, random, wire};
use proptest::prelude::*;
use protocol::error::{ValueError, ValueFault};
use protocol::message::{CallFault, Plan};
use protocol::types::{Type, TypeDef, TypeTable};
use std::os::fd::AsFd;

fn load(fixture: &str, plan: &Plan) -> Adapter {
    try_load(&Bundle::new(fixture), plan).unwrap()
}

fn try_load(bundle: &Bundle, plan: &Plan) -> Result<Adapter, LoadError> {
    let opened = Opened::new(bundle.open().as_fd(), plan, Place::Descriptors)?;
    Adapter::load(LoadPermit::operator_trusts_bundle(), opened, plan)
}

fn call(adapter: &mut Adapter, function: u32, args: Wire) -> Wire {
    let mut out = Vec::new();
    adapter.call(function, &args.0, &mut out).unwrap();
    Wire(out)
}

fn failure(adapter: &mut Adapter, function: u32, args: Wire) -> (CallFault, String) {
    let mut out = vec![1];
    match adapter.call(function, &args.0, &mut out) {
        Err(CallError::Failed { fault, text }) if out.is_empty() => (fault, text.to_string()),
        other => panic!("{other:?} with {out:?}"),
    }
}

#[test]
fn numbers_of_every_width() {
    let mut plan = Planner::new();
    let add = plan.function("t_add", &[Type::U32, Type::U32], Some(Type::U32));
    let not = plan.function("t_not", &[Type::Bool], Some(Type::Bool));
    let u8 = plan.function("t_u8", &[Type::U32], Some(Type::U8));
    let s8 = plan.function("t_s8", &[Type::S8], Some(Type::S8));
    let s16 = plan.function("t_s16", &[Type::S16], Some(Type::S16));
    let negative = plan.function("t_negative", &[Type::S8, Type::S16], Some(Type::Bool));
    let u64 = plan.function("t_u64", &[Type::U64], Some(Type::U64));
    let f32 = plan.function("t_f32", &[Type::F32], Some(Type::F32));
    let f64 = plan.function("t_f64", &[Type::F64], Some(Type::F64));
    let char = plan.function("t_char", &[Type::Char], Some(Type::Char));
    let nothing = plan.function("t_nothing", &[], None);
    let answer = "wit_test_3afixture_2fvalues_400_2e1_2e0_23the_2danswer";
    let answer = plan.function(answer, &[], Some(Type::S32));
    let adapter = &mut load("values", &plan.plan);

    assert_eq!(call(adapter, add, wire().u32(u32::MAX).u32(3)), wire().u32(2));
    assert_eq!(call(adapter, not, wire().u8(0)), wire().u8(1));
    assert_eq!(call(adapter, not, wire().u8(1)), wire().u8(0));
    assert_eq!(call(adapter, u8, wire().u32(0x1234)), wire().u8(0x34));
    assert_eq!(call(adapter, s8, wire().i8(-127)), wire().i8(-128));
    assert_eq!(call(adapter, s16, wire().i16(-9)), wire().i16(-10));
    assert_eq!(call(adapter, negative, wire().i8(-1).i16(-1)), wire().u8(1));
    assert_eq!(call(adapter, u64, wire().u64(5)), wire().u64(!5));
    assert_eq!(call(adapter, f32, wire().f32(1.5)), wire().f32(3.0));
    assert_eq!(call(adapter, f64, wire().f64(-0.0)), wire().f64(0.0));
    assert_eq!(call(adapter, char, wire().u32('x'.into())), wire().u32('y'.into()));
    assert_eq!(call(adapter, nothing, wire()), wire());
    assert_eq!(call(adapter, answer, wire()), wire().i32(42));
}

#[test]
fn strings_and_lists_are_copied_once_each_way_and_freed() {
    let mut plan = Planner::new();
    let words = plan.list(Type::U16);
    let texts = plan.list(Type::String);
    let bools = plan.list(Type::Bool);
    let text = plan.freed("t_same", &[Type::String], Some(Type::String));
    let numbers = plan.freed("t_same", &[words], Some(words));
    let list = plan.function("t_same", &[texts], Some(texts));
    let flags = plan.freed("t_same", &[bools], Some(bools));
    let freed = plan.function("t_freed", &[], Some(Type::U32));
    let allocations = plan.function("t_allocations", &[], Some(Type::U32));
    let adapter = &mut load("values", &plan.plan);

    for text_value in ["", "a", "Größe \u{10ffff}"] {
        let value = wire().text(text_value);
        assert_eq!(call(adapter, text, value.clone()), value);
    }
    let value = wire().u32(3).u16(1).u16(2).u16(0xffff);
    assert_eq!(call(adapter, numbers, value.clone()), value);
    let value = wire().u32(3).u8(1).u8(0).u8(1);
    assert_eq!(call(adapter, flags, value.clone()), value);
    let value = wire().u32(2).text("one").text("");
    assert_eq!(call(adapter, list, value.clone()), value);
    assert_eq!(call(adapter, freed, wire()), wire().u32(5));
    // One for each value that is not empty: two texts, two lists, a list and its first text.
    assert_eq!(call(adapter, allocations, wire()), wire().u32(6));
}

#[test]
fn sixteen_parameters_travel_in_registers_and_on_the_stack() {
    use Type::{F32, F64, U32, U64};
    let mut plan = Planner::new();
    let types = [U32, F32, U64, F64].repeat(4);
    let mixed = plan.function("t_mixed", &types, Some(F64));
    let adapter = &mut load("values", &plan.plan);
    let args = (0..4_u8).fold(wire(), |args, n| {
        let n = 4 * n;
        args.u32((n + 1).into()).f32((n + 2).into()).u64((n + 3).into()).f64((n + 4).into())
    });
    let sum: u32 = (1..=16).map(|n| n * n).sum();
    assert_eq!(call(adapter, mixed, args), wire().f64(sum.into()));
}

#[test]
fn more_parameters_travel_in_memory() {
    let mut plan = Planner::new();
    let words = plan.define(TypeDef::FixedList(Type::U16, 15));
    let pair = plan.record(&[Type::U32, Type::F64]);
    let many = plan.function("t_many", &[Type::U8, Type::F64, words], Some(pair));
    let adapter = &mut load("values", &plan.plan);
    let args = (1..=15).fold(wire().u8(200).f64(2.5), Wire::u16);
    assert_eq!(call(adapter, many, args), wire().u32(320).f64(2.5));
}

#[test]
fn cases_of_a_variant_share_their_arguments() {
    let mut plan = Planner::new();
    let pair = plan.record(&[Type::F32, Type::F64]);
    let cases = vec![None, Some(Type::F32), Some(Type::String), Some(Type::S64), Some(pair)];
    let variant = plan.define(TypeDef::Variant(cases));
    let joined = plan.function("t_joined", &[variant], Some(variant));
    let floats = plan.define(TypeDef::Result(Some(Type::F32), Some(Type::F32)));
    let same_float = plan.function("t_same_float", &[floats, Type::F32], Some(Type::Bool));
    let adapter = &mut load("values", &plan.plan);
    for value in [
        wire().u8(0),
        wire().u8(1).f32(-1.25),
        wire().u8(2).text("joined"),
        wire().u8(2).text(""),
        wire().u8(3).i64(i64::MIN + 1),
        wire().u8(4).f32(f32::NAN).f64(1e300),
    ] {
        assert_eq!(call(adapter, joined, value.clone()), value);
    }
    let args = |tag| wire().u8(tag).f32(7.0).f32(3.5);
    assert_eq!(call(adapter, same_float, args(1)), wire().u8(1));
    assert_eq!(call(adapter, same_float, args(0)), wire().u8(0));
}

#[test]
fn options_results_enums_and_flags() {
    let mut plan = Planner::new();
    let option = plan.define(TypeDef::Option(Type::U64));
    let result = plan.define(TypeDef::Result(None, None));
    let cases = plan.define(TypeDef::Enum(300));
    let five = plan.define(TypeDef::Flags(5));
    let many = plan.define(TypeDef::Flags(69));
    let increment = plan.function("t_option", &[option], Some(option));
    let after = plan.function("t_after", &[option, Type::U32], Some(Type::U32));
    let invert = plan.function("t_invert", &[result], Some(result));
    let next = plan.function("t_next", &[cases], Some(cases));
    let flags = plan.function("t_flags", &[five], Some(five));
    let wide_flags = plan.function("t_wide_flags", &[many], Some(many));
    let adapter = &mut load("values", &plan.plan);

    assert_eq!(call(adapter, increment, wire().u8(0)), wire().u8(0));
    assert_eq!(call(adapter, increment, wire().u8(1).u64(41)), wire().u8(1).u64(42));
    assert_eq!(call(adapter, after, wire().u8(0).u32(5)), wire().u32(5));
    assert_eq!(call(adapter, after, wire().u8(1).u64(9).u32(5)), wire().u32(5));
    assert_eq!(call(adapter, invert, wire().u8(0)), wire().u8(1));
    assert_eq!(call(adapter, next, wire().u16(255)), wire().u16(256));
    assert_eq!(call(adapter, next, wire().u16(299)), wire().u16(0));
    assert_eq!(call(adapter, flags, wire().u8(0b01010)), wire().u8(0b10101));
    let value = wire().u32(1).u32(0x8000_0000).u32(0b11010);
    let inverse = wire().u32(!1).u32(!0x8000_0000).u32(0b00101);
    assert_eq!(call(adapter, wide_flags, value), inverse);
}

#[test]
fn a_list_of_records_with_strings() {
    let mut plan = Planner::new();
    let person = plan.record(&[Type::U32, Type::String, Type::F64]);
    let people = plan.list(person);
    let double = plan.function("t_people", &[people], Some(people));
    let adapter = &mut load("values", &plan.plan);
    let of = |factor: f64| {
        (0..1000_u32).fold(wire().u32(1000), |value, n| {
            value.u32(n).text(&"name ".repeat(n as usize % 3)).f64(f64::from(n) * factor)
        })
    };
    assert_eq!(call(adapter, double, of(0.5)), of(1.0));
}

#[test]
fn resources_are_numbers_that_the_library_chose() {
    let mut plan = Planner::new();
    let counter = plan.resource("counter", "t_counter_dtor");
    let own = plan.define(TypeDef::Own(counter));
    let borrow = plan.define(TypeDef::Borrow(counter));
    let borrows = plan.list(borrow);
    let new = plan.function("t_counter_new", &[Type::S32], Some(own));
    let add = plan.function("t_counter_add", &[borrow, Type::S32], Some(Type::S32));
    let sum = plan.function("t_counter_sum", &[borrows], Some(own));
    let last = plan.function("t_last_dropped", &[], Some(Type::U32));
    plan.plan.take_panic = Some("wrun_take_panic".into());
    let adapter = &mut load("values", &plan.plan);

    assert_eq!(call(adapter, new, wire().i32(40)), wire().u32(1));
    assert_eq!(call(adapter, new, wire().i32(60)), wire().u32(2));
    assert_eq!(call(adapter, add, wire().u32(1).i32(2)), wire().i32(42));
    assert_eq!(call(adapter, sum, wire().u32(2).u32(1).u32(2)), wire().u32(3));
    assert_eq!(call(adapter, add, wire().u32(3).i32(0)), wire().i32(102));
    adapter.drop_resource(counter, 2).unwrap();
    assert_eq!(call(adapter, last, wire()), wire().u32(2));

    let panicked = adapter.drop_resource(counter, 7);
    let Err(CallError::Failed { fault: CallFault::Panicked, text }) = panicked else {
        panic!("{panicked:?}")
    };
    assert_eq!(text.as_raw(), "seven cannot be dropped");
    assert_eq!(adapter.drop_resource(counter, 0), Err(RequestError::Handle.into()));
    assert_eq!(adapter.drop_resource(9, 1), Err(RequestError::Resource(9).into()));
}

#[test]
fn a_panic_is_reported_with_its_message_and_the_next_call_works() {
    let mut plan = Planner::new();
    let panics = plan.function("t_panics", &[Type::Bool], Some(Type::Bool));
    let not = plan.function("t_not", &[Type::Bool], Some(Type::Bool));
    plan.plan.take_panic = Some("wrun_take_panic".into());
    let adapter = &mut load("values", &plan.plan);
    let (fault, text) = failure(adapter, panics, wire().u8(1));
    // Printed harmless, and not UTF-8 at its end.
    assert_eq!((fault, &*text), (CallFault::Panicked, "out of \\u{1b}[31mcheese\u{fffd}"));
    assert_eq!(call(adapter, not, wire().u8(1)), wire().u8(0));
}

#[test]
fn init_gets_the_configuration_and_may_refuse_it() {
    let mut plan = Planner::new();
    let pair = plan.record(&[Type::String, Type::String]);
    let config = plan.list(pair);
    let result = plan.define(TypeDef::Result(None, Some(Type::String)));
    let init = plan.function("t_init", &[config], Some(result));
    plan.plan.init = Some(init);
    let adapter = &mut load("values", &plan.plan);
    let good = wire().u32(1).text("path").text("/dev/null");
    assert_eq!(adapter.init(&good.0), Ok(()));
    let bad = wire().u32(2).text("path").text("").text("bad").text("no such token");
    match adapter.init(&bad.0) {
        Err(InitError::Refused(text)) => assert_eq!(text.as_raw(), "no such token"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn configuration_without_init_is_the_callers_mistake() {
    let adapter = &mut load("values", &Planner::new().plan);
    assert_eq!(adapter.init(&[]), Ok(()));
    let refused = InitError::Call(RequestError::Init.into());
    assert_eq!(adapter.init(&wire().u32(0).0), Err(refused));
}

#[test]
fn malformed_arguments_never_reach_the_library() {
    let mut plan = Planner::new();
    let people = plan.record(&[Type::String, Type::Char]);
    let people = plan.list(people);
    let same = plan.function("t_same", &[people], Some(people));
    let adapter = &mut load("values", &plan.plan);
    let mut refused = |args: Wire, fault: ValueFault, path: &str| {
        let error = RequestError::Arguments(ValueError { fault, path: path.into() });
        assert_eq!(adapter.call(same, &args.0, &mut Vec::new()), Err(error.into()));
    };
    let good = || wire().u32(1).text("a").u32(98);
    refused(wire(), ValueFault::Short, "args.0");
    refused(good().u8(0), ValueFault::Trailing(1), "args");
    refused(wire().u32(u32::MAX), ValueFault::Count(u32::MAX), "args.0");
    refused(wire().u32(1).text("a").u32(0xd800), ValueFault::Char(0xd800), "args.0[0].1");
    refused(wire().u32(1).u32(1).u8(0xff).u32(98), ValueFault::Utf8, "args.0[0].0");
    let unknown = adapter.call(7, &[], &mut Vec::new());
    assert_eq!(unknown, Err(RequestError::Function(7).into()));
}

#[test]
fn adapters_of_one_library_share_it_and_take_turns() {
    let bundle = Bundle::new("values");
    let mut plan = Planner::new();
    let words = plan.list(Type::U32);
    let same = plan.freed("t_same", &[words], Some(words));
    let together = std::sync::Barrier::new(4);
    std::thread::scope(|scope| {
        for thread in 0..4_u32 {
            let mut adapter = try_load(&bundle, &plan.plan).unwrap();
            let together = &together;
            scope.spawn(move || {
                together.wait();
                for n in 0..50_000 {
                    let value = wire().u32(3).u32(thread).u32(n).u32(!n);
                    assert_eq!(call(&mut adapter, same, value.clone()), value);
                }
            });
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    /// The C function returns the very memory it was given: so every type passes through both
    /// directions and the real calling convention, without a compiler run for each.
    #[test]
    fn any_value_passes_through_a_real_function(
        numbers in prop::collection::vec(any::<u32>(), 0..200),
    ) {
        let mut choices = random::Choices(numbers.iter());
        let mut plan = Planner::new();
        plan.resource("r0", "t_counter_dtor");
        plan.resource("r1", "t_counter_dtor");
        plan.plan.types = random::defs(&mut choices);
        let defined = u32::try_from(plan.plan.types.len()).unwrap();
        let mut params = vec![Type::U8; 17];
        params.extend((0..3).map(|_| random::any_type(defined, &mut choices)));
        let result = plan.record(&params);
        let identity = plan.function("t_identity", &params, Some(result));
        let adapter = &mut shared(&plan.plan);
        let table = TypeTable::new(plan.plan.types, random::RESOURCES).unwrap();
        let mut value = Vec::new();
        random::value(&table, result, &mut choices, &mut value);
        prop_assert_eq!(call(adapter, identity, Wire(value.clone())), Wire(value));
    }
}

/// The same library for every case of a property.
fn shared(plan: &Plan) -> Adapter {
    static BUNDLE: std::sync::LazyLock<Bundle> =
        std::sync::LazyLock::new(|| Bundle::shared("values"));
    try_load(&BUNDLE, plan).unwrap()
}
