//! For random types and values: `canon` and wasmtime's `Val` path see the same arguments and return
//! the same results.

use super::differential::Both;
use super::edges::edges;
use super::guest::{Slots, World};
use super::host::{ENGINE, Linked, State};
use super::types::{Signature, signature};
use super::values::{Call, call};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{RngSeed, TestCaseError, TestRunner};
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

fn check_calls((signature, calls): (Signature, Vec<Call>)) -> Result<(), TestCaseError> {
    let both = Both::new(&signature, StringEncoding::UTF8);
    calls.iter().for_each(|call| both.check(call));
    Ok(())
}

fn calls(signature: Signature) -> impl Strategy<Value = (Signature, Vec<Call>)> {
    let calls = vec(call(&signature), CALLS);
    (Just(signature), calls)
}

#[test]
fn random_functions_agree_with_the_val_path() {
    runner(48).run(&signature().prop_flat_map(calls), check_calls).unwrap();
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
