//! For random types and values: `canon` and wasmtime's `Val` path see the same arguments and return
//! the same results.

use super::guest::{PassThrough, Slots, World};
use super::host::{ENGINE, Linked, State};
use super::reference::encode_all;
use super::types::{BASIC, Signature, Ty, signature, table};
use super::values::{Call, call};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{RngSeed, TestCaseError, TestRunner};
use protocol::types::Type;
use protocol::value::validate_all;
use std::hash::{BuildHasher as _, RandomState};
use wasmtime::component::{Component, Val};
use wit_component::StringEncoding;

/// How many calls are made into each component.
const CALLS: usize = 16;

/// A runner that has told its seed, for `PROPTEST_CASES` cases or these.
pub(super) fn runner(cases: u32) -> TestRunner {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if !asked {
        config.cases = cases;
    }
    // Each step of shrinking compiles a component.
    config.max_shrink_iters = 500;
    let seed = match config.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => RandomState::new().hash_one(()),
    };
    println!("PROPTEST_RNG_SEED={seed} PROPTEST_CASES={}", config.cases);
    config.rng_seed = RngSeed::Fixed(seed);
    TestRunner::new(config)
}

/// A guest for one signature, linked both ways.
pub(super) struct Both<'a> {
    signature: &'a Signature,
    canon: Linked,
    val: Linked,
}

impl<'a> Both<'a> {
    pub(super) fn new(signature: &'a Signature, encoding: StringEncoding) -> Self {
        let guest = PassThrough::new(signature, encoding);
        let component = Component::new(&ENGINE, &guest.component).unwrap();
        let canon = Linked::canon(&component, guest.slots).unwrap();
        Self { signature, canon, val: Linked::val(&component) }
    }

    /// Makes one call both ways.
    pub(super) fn check(&self, call: &Call) -> Result<(), TestCaseError> {
        let arguments = encode_all(self.signature.params.iter().zip(&call.params));
        let result = encode_all(self.signature.result.iter().zip(&call.result));
        self.check_canon(call, &arguments, &result)?;
        self.check_val(call, &arguments, &result)
    }

    fn check_canon(
        &self,
        call: &Call,
        arguments: &[u8],
        result: &[u8],
    ) -> Result<(), TestCaseError> {
        let mut guest = self.canon.start(State { reply: result.to_vec(), ..State::default() });
        let returned = guest.call("g", &call.params).unwrap();
        let seen = &guest.store.data().seen;
        prop_assert_eq!(seen.len(), 1);
        prop_assert_eq!(&seen[0], &arguments, "wire bytes of the arguments");
        let (table, types) = table(&self.signature.params);
        prop_assert_eq!(validate_all(&table, types, &seen[0]), Ok(()));
        // By bytes, since `Val` takes all NaNs for equal.
        let returned = encode_all(self.signature.result.iter().zip(&returned));
        prop_assert_eq!(returned, result, "the result that the guest returned");
        prop_assert_eq!(guest.stray_bytes(), 0);
        Ok(())
    }

    fn check_val(&self, call: &Call, arguments: &[u8], result: &[u8]) -> Result<(), TestCaseError> {
        let reply_val = call.result.clone();
        let mut guest = self.val.start(State { reply_val, ..State::default() });
        let returned = guest.call("g", &call.params).unwrap();
        let seen = &guest.store.data().seen_vals;
        prop_assert_eq!(seen.len(), 1);
        let seen = encode_all(self.signature.params.iter().zip(&seen[0]));
        prop_assert_eq!(seen, arguments, "the arguments as values");
        let returned = encode_all(self.signature.result.iter().zip(&returned));
        prop_assert_eq!(returned, result, "the result as a value");
        Ok(())
    }
}

fn check_calls((signature, calls): (Signature, Vec<Call>)) -> Result<(), TestCaseError> {
    let both = Both::new(&signature, StringEncoding::UTF8);
    calls.iter().try_for_each(|call| both.check(call))
}

fn calls(signature: Signature) -> impl Strategy<Value = (Signature, Vec<Call>)> {
    let calls = vec(call(&signature), CALLS);
    (Just(signature), calls)
}

#[test]
fn random_functions_agree_with_the_val_path() {
    runner(48).run(&signature().prop_flat_map(calls), check_calls).unwrap();
}

/// Signatures at the edges that chance may miss.
fn edges() -> Vec<Signature> {
    let basic = |ty| Ty::Basic(ty);
    let boxed = |ty| Box::new(Ty::Basic(ty));
    let mut edges = Vec::new();
    let mut edge = |params: Vec<Ty>, result| edges.push(Signature { params, result });
    edge(vec![], None);
    for ty in BASIC {
        edge(vec![basic(ty)], Some(basic(ty)));
        edge(vec![Ty::List(boxed(ty))], Some(Ty::List(boxed(ty))));
        // Exactly as many flat values as fit, and one more.
        edge(vec![basic(ty); if ty == Type::String { 8 } else { 16 }], None);
        edge(vec![basic(ty); 17], Some(Ty::Tuple(vec![basic(ty); 2])));
    }
    for cases in [1, 2, 255, 256, 257, 300] {
        edge(vec![Ty::Enum(cases)], Some(Ty::Enum(cases)));
        edge(vec![Ty::List(Box::new(Ty::Enum(cases)))], Some(Ty::Tuple(vec![Ty::Enum(cases)])));
        let mut variant = vec![None; cases as usize];
        edge(vec![Ty::Variant(variant.clone())], Some(Ty::Variant(variant.clone())));
        variant[0] = Some(basic(Type::U64));
        edge(vec![Ty::Variant(variant.clone())], Some(Ty::Variant(variant)));
    }
    for flags in [1, 7, 8, 9, 15, 16, 17, 31, 32] {
        edge(vec![Ty::Flags(flags)], Some(Ty::Flags(flags)));
        edge(
            vec![Ty::List(Box::new(Ty::Flags(flags)))],
            Some(Ty::Option(Box::new(Ty::Flags(flags)))),
        );
    }
    for (key, value) in [(Type::U8, Type::U32), (Type::U64, Type::Bool), (Type::String, Type::U64)]
    {
        edge(vec![Ty::Map(key, boxed(value))], Some(Ty::Map(key, boxed(value))));
    }
    // Cases of different core types share their flat values.
    let join = |types: &[Type]| {
        Ty::Variant(types.iter().map(|ty| Some(Ty::Basic(*ty))).chain([None]).collect())
    };
    for types in [
        &[Type::F32, Type::U32][..],
        &[Type::F32, Type::S64],
        &[Type::F32, Type::F64],
        &[Type::U8, Type::F64, Type::Char],
        &[Type::String, Type::F64, Type::S8],
        &[Type::U16, Type::String, Type::Bool],
    ] {
        edge(vec![join(types)], Some(join(types)));
        edge(vec![join(types); 2], Some(Ty::List(Box::new(join(types)))));
    }
    // One flat result, wrapped.
    edge(vec![], Some(Ty::Tuple(vec![Ty::Record(vec![basic(Type::S16)])])));
    edge(vec![], Some(Ty::FixedList(boxed(Type::F32), 1)));
    edge(vec![], Some(Ty::Result(None, None)));
    edge(vec![Ty::FixedList(boxed(Type::U16), 16)], Some(Ty::FixedList(boxed(Type::U16), 16)));
    edge(vec![Ty::FixedList(boxed(Type::U16), 17)], Some(Ty::FixedList(boxed(Type::Bool), 3)));
    // Records that are one block on the wire and in memory, and some that have padding.
    let record = |types: &[Type]| Ty::Record(types.iter().copied().map(Ty::Basic).collect());
    for types in [
        &[Type::U32, Type::F32][..],
        &[Type::U64, Type::U32],
        &[Type::U8, Type::U16],
        &[Type::U8, Type::Bool],
    ] {
        let list = Ty::List(Box::new(Ty::FixedList(Box::new(record(types)), 3)));
        edge(vec![list.clone()], Some(list));
    }
    let deep = (0..40).fold(basic(Type::U8), |ty, _| Ty::Option(Box::new(ty)));
    edge(vec![deep.clone()], Some(deep));
    edges
}

#[test]
fn functions_at_the_edges_agree_with_the_val_path() {
    // Few calls for each of them: the random test makes many.
    let mut runner = TestRunner::deterministic();
    for signature in edges() {
        let strategy = vec(call(&signature), 4);
        for _ in 0..2 {
            let calls = strategy.new_tree(&mut runner).unwrap().current();
            let checked = check_calls((signature.clone(), calls));
            checked.unwrap_or_else(|error| panic!("{signature:?}: {error}"));
        }
    }
}

/// What a core function gets that calls `f: func() -> {ty}`, whose reply is `reply`.
fn core_result(ty: &str, reply: &[u8]) -> Option<Val> {
    let world = World::new(&format!(
        "package test:canon;
         interface host {{ f: func() -> {ty}; }}
         world guest {{ import host; export g: func() -> u32; }}"
    ));
    let core = r#"(module
      (import "test:canon/host" "f" (func $f (result i32)))
      (func (export "g") (result i32) (call $f)))"#;
    let component = Component::new(&ENGINE, world.component(core, StringEncoding::UTF8)).unwrap();
    let linked = Linked::canon(&component, Slots { params: 0, results: 1 }).unwrap();
    linked.start(State { reply: reply.to_vec(), ..State::default() }).call("g", &[]).unwrap()
}

#[test]
fn narrow_results_fill_the_whole_core_value() {
    // wasmtime's own lifting looks at the low bits only and would not notice.
    let result = |ty, reply: &[u8]| core_result(ty, reply);
    assert_eq!(result("s8", &[0xfe]), Some(Val::U32(0xffff_fffe)));
    assert_eq!(result("s16", &[0xfe, 0xff]), Some(Val::U32(0xffff_fffe)));
    assert_eq!(result("u8", &[0xfe]), Some(Val::U32(0xfe)));
    assert_eq!(result("u16", &[0xfe, 0xff]), Some(Val::U32(0xfffe)));
    assert_eq!(result("bool", &[1]), Some(Val::U32(1)));
    assert_eq!(result("tuple<s8>", &[0xfe]), Some(Val::U32(0xffff_fffe)));
}
