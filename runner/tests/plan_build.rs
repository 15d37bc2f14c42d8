//! Plans: what is linked and what a shim is told, for components that wasmtime really compiled.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod bundle_kit;

use bundle_kit::{Kit, component, golden};
use protocol::types::{Type, TypeDef, TypeTable};
use std::sync::Arc;
use wrun::bundle::Bundle;
use wrun::plan::{self, Map, Options, Plan, PlanError, Unserved};
use wrun::shape::component::imports;

fn build(guest: &str, bundles: &[Arc<Bundle>], maps: &[&str]) -> Result<Plan, PlanError> {
    let wanted = imports(&component(guest)).unwrap();
    let maps: Vec<Map> = maps.iter().map(|map| map.parse().unwrap()).collect();
    let left_alone = |name: &str| name.starts_with("wasi:");
    let options = Options { maps: &maps, left_alone: &left_alone, unserved: Unserved::Refuse };
    plan::build(&wanted, bundles, &options)
}

/// The complaint about a component and one bundle, without the temporary path.
fn refusal(guest: &str, kit: &Kit) -> String {
    kit.without_path(&build(guest, &[kit.open()], &[]).unwrap_err().to_string())
}

/// The plan of a world that the guest imports as it is exported.
fn planned(wit: &str) -> Plan {
    let kit = Kit::complete("test", wit);
    build(wit, &[kit.open()], &[]).unwrap_or_else(|error| panic!("{error}"))
}

const ECHO: &str = "package wrun:echo@0.1.0;
interface scalars { add: func(a: u32, b: u32) -> u32; nothing: func(); }
interface values {
    record point { x: s32, y: f64 }
    enum colour { red, green }
    flags rights { read, write }
    variant shape { dot(point), line(tuple<point, point>), none }
    type id = list<u8, 16>;
    all: func(a: bool, b: s8, c: u8, d: s16, e: u16, f: s64, g: u64, h: f32, i: char) -> string;
    nested: func(s: shape, c: option<colour>, r: rights) -> result<list<point>, string>;
    same: func(p: point) -> point;
    ids: func(i: id) -> map<string, id>;
    unit: func() -> result;
    many: func(a: string, b: string, c: string, d: string, e: string, f: string, g: string,
        h: string, i: u8);
    sixteen: func(a: tuple<u64, u64, u64, u64, u64, u64, u64, u64>,
        b: tuple<u64, u64, u64, u64, u64, u64, u64, u64>);
}
interface counters {
    resource counter {
        constructor(start: u32);
        next: func() -> u32;
        merge: static func(counters: list<counter>) -> counter;
    }
    read: func(c: borrow<counter>) -> u32;
}
world bundle { export scalars; export values; export counters; export run: func(); }
world guest { import scalars; import values; import counters; import run: func(); }
";

#[test]
fn every_kind_of_value_gets_its_place_in_the_plan() {
    let plan = planned(ECHO);
    let bundle = &plan.bundles[0];
    let names: Vec<_> = bundle.instances.iter().map(|i| i.import.as_deref()).collect();
    assert_eq!(
        names,
        [
            Some("wrun:echo/scalars@0.1.0"),
            Some("wrun:echo/values@0.1.0"),
            Some("wrun:echo/counters@0.1.0"),
            None
        ]
    );
    let wire = &bundle.wire;
    assert_eq!((wire.bundle.as_str(), wire.library.as_str()), ("test", "lib/libtest.so"));
    assert_eq!(wire.realloc.as_deref(), Some("cabi_realloc"));
    assert_eq!(wire.init, None);
    let table = TypeTable::new(wire.types.clone(), wire.resources.len()).unwrap();
    for (index, def) in wire.types.iter().enumerate() {
        let twin = wire.types.iter().skip(index + 1).find(|other| *other == def);
        assert_eq!(twin, None, "no definition is there twice");
    }
    for instance in &bundle.instances {
        for function in &instance.functions {
            let wire = &wire.functions[usize::try_from(function.index).unwrap()];
            assert!(wire.name.ends_with(&function.name), "{} {}", wire.name, function.name);
            let gives = wire.result.is_some_and(|ty| table.facts(ty).unwrap().handles);
            assert_eq!(function.gives_handles, gives, "{}", function.name);
        }
    }
    let add = &wire.functions[usize::try_from(bundle.instances[0].functions[0].index).unwrap()];
    assert_eq!(add.name, "wrun:echo/scalars@0.1.0#add");
    assert_eq!(add.symbol, "wit_wrun_3aecho_2fscalars_400_2e1_2e0_23add");
    assert_eq!((add.params.as_slice(), add.result), (&[Type::U32, Type::U32][..], Some(Type::U32)));
    assert!(wire.types.contains(&TypeDef::Record(vec![Type::S32, Type::F64])));
    assert!(wire.types.contains(&TypeDef::FixedList(Type::U8, 16)));
    assert!(wire.types.contains(&TypeDef::Flags(2)));
}

#[test]
fn flat_values_are_counted_for_the_canonical_abi() {
    let plan = planned(ECHO);
    let values = &plan.bundles[0].instances[1];
    let flat = |name: &str| {
        let function = values.functions.iter().find(|function| function.name == name).unwrap();
        (function.flat_params, function.flat_results)
    };
    assert_eq!(flat("all"), (Some(9), 2));
    // variant (1 + 2 points of 2) + option<enum> + flags; result<list, string>.
    assert_eq!(flat("nested"), (Some(5 + 2 + 1), 3));
    assert_eq!(flat("same"), (Some(2), 2));
    assert_eq!(flat("ids"), (Some(16), 2));
    assert_eq!(flat("unit"), (Some(0), 1));
    assert_eq!(flat("many"), (None, 0));
    assert_eq!(flat("sixteen"), (Some(16), 0));
}

#[test]
fn a_resource_belongs_to_the_import_that_owns_it() {
    let wit = "package a:b@1.0.0;
        interface objects { resource object { id: func() -> u64; } }
        interface sessions {
            use objects.{object};
            resource session { find: func() -> list<object>; }
            type alias = session;
            open: func() -> alias;
        }
        world bundle { export objects; export sessions; }
        world guest { import objects; import sessions; }";
    let plan = planned(wit);
    let bundle = &plan.bundles[0];
    let owned: Vec<_> = bundle.instances.iter().map(|instance| &instance.resources).collect();
    assert_eq!(owned.len(), 2);
    assert_eq!((owned[0].len(), owned[0][0].name.as_str()), (1, "object"));
    assert_eq!((owned[1].len(), owned[1][0].name.as_str()), (1, "session"));
    let names: Vec<_> = bundle.wire.resources.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["a:b/objects@1.0.0#object", "a:b/sessions@1.0.0#session"]);
    assert_eq!(
        bundle.wire.resources[0].destructor,
        "wit_a_3ab_2fobjects_401_2e0_2e0_23_5bdtor_5dobject"
    );
    // No argument needs memory, so no allocation function is asked for.
    assert_eq!(bundle.wire.realloc, None);
}

#[test]
fn only_what_the_component_imports_needs_a_symbol() {
    let wit = "package a:b@1.0.0;
        interface c { f: func() -> string; g: func(s: string); }
        world bundle { export c; }";
    let f = "wit_a_3ab_2fc_401_2e0_2e0_23f";
    let kit = Kit::new("test").file("wit/w.wit", wit).library("lib/libtest.so", &[f]);
    let guest = "package a:b@1.0.0; interface c { f: func() -> string; } world guest { import c; }";
    let plan = build(guest, &[kit.open()], &[]).unwrap();
    let wire = &plan.bundles[0].wire;
    assert_eq!(wire.functions.len(), 1);
    assert_eq!((wire.functions[0].symbol.as_str(), &wire.realloc), (f, &None));

    let guest = guest.replace("f: func() -> string;", "f: func() -> string; g: func(s: string);");
    golden("plan_symbol", &refusal(&guest, &kit));
    let g = "wit_a_3ab_2fc_401_2e0_2e0_23g";
    let kit = kit.library("lib/libtest.so", &[f, g]);
    golden("plan_realloc", &refusal(&guest, &kit));
}

#[test]
fn init_is_planned_beside_what_the_component_imports() {
    let lifecycle = "package wrun:bundle@0.1.0;
        interface lifecycle { init: func(config: list<tuple<string, string>>) -> result<_, string>; }";
    let wit = "package a:b; interface c { f: func(); }
               world bundle { export c; export wrun:bundle/lifecycle@0.1.0; }";
    let init = "wit_wrun_3abundle_2flifecycle_400_2e1_2e0_23init";
    let kit = Kit::new("test")
        .file("wit/w.wit", wit)
        .file("wit/deps/wrun-bundle/lifecycle.wit", lifecycle)
        .library("lib/libtest.so", &["wit_a_3ab_2fc_23f", init, "cabi_realloc", "wrun_take_panic"]);
    let guest = "package a:b; interface c { f: func(); } world guest { import c; }";
    let plan = build(guest, &[kit.open()], &[]).unwrap();
    let wire = &plan.bundles[0].wire;
    assert_eq!(wire.functions.len(), 2);
    assert_eq!(wire.functions[usize::try_from(wire.init.unwrap()).unwrap()].symbol, init);
    assert_eq!(plan.bundles[0].instances[0].functions.len(), 1);
    assert_eq!(wire.realloc.as_deref(), Some("cabi_realloc"));
    assert_eq!(wire.take_panic.as_deref(), Some("wrun_take_panic"));
    let kit = kit.library("lib/libtest.so", &["wit_a_3ab_2fc_23f"]);
    golden("plan_init_symbol", &refusal(guest, &kit));

    let guest = "package wrun:bundle@0.1.0; interface lifecycle { init: func(); }
                 world guest { import lifecycle; }";
    golden("plan_imports_lifecycle", &refusal(guest, &kit));
}

fn clock(version: &str, functions: &str) -> String {
    format!(
        "package demo:clock@{version};\ninterface now {{ {functions} }}\nworld bundle {{ export now; }}\n"
    )
}

fn wants(version: &str, functions: &str) -> String {
    clock(version, functions).replace("world bundle { export", "world guest { import")
}

#[test]
fn versions_follow_the_rule_of_the_linker() {
    let two =
        "package a:b; world bundle { export demo:clock/now@1.1.0; export demo:clock/now@1.3.0; }";
    let kit = Kit::new("clock")
        .file("wit/w.wit", two)
        .file("wit/deps/a.wit", "package demo:clock@1.1.0; interface now { f: func(); }")
        .file("wit/deps/b.wit", "package demo:clock@1.3.0; interface now { f: func(); }")
        .library(
            "lib/libclock.so",
            &["wit_demo_3aclock_2fnow_401_2e1_2e0_23f", "wit_demo_3aclock_2fnow_401_2e3_2e0_23f"],
        );
    let taken = |version: &str| {
        let plan = build(&wants(version, "f: func();"), &[kit.open()], &[]).unwrap();
        let instance = &plan.bundles[0].instances[0];
        assert_eq!(instance.import, Some(format!("demo:clock/now@{version}")));
        plan.bundles[0].wire.functions[0].name.clone()
    };
    assert_eq!(taken("1.1.0"), "demo:clock/now@1.1.0#f");
    assert_eq!(taken("1.2.0"), "demo:clock/now@1.3.0#f");
    assert_eq!(taken("1.9.0"), "demo:clock/now@1.3.0#f");
    let error = build(&wants("2.0.0", "f: func();"), &[kit.open()], &[]).unwrap_err();
    golden("plan_version", &error.to_string());
}

#[test]
fn two_versions_of_an_import_may_share_an_export() {
    let wit = "package demo:clock@1.2.0; interface now { resource zone; f: func(z: borrow<zone>); }
               world bundle { export now; }";
    let guest = "package x:y;
        package demo:clock@1.0.0 { interface now { resource zone; f: func(z: borrow<zone>); } }
        package demo:clock@1.1.0 { interface now { resource zone; f: func(z: borrow<zone>); } }
        world guest { import demo:clock/now@1.0.0; import demo:clock/now@1.1.0; }";
    let kit = Kit::complete("clock", wit);
    let plan = build(guest, &[kit.open()], &[]).unwrap_or_else(|error| panic!("{error}"));
    let bundle = &plan.bundles[0];
    assert_eq!((bundle.wire.functions.len(), bundle.wire.resources.len()), (1, 1));
    assert!(!bundle.instances.is_empty());
    for instance in &bundle.instances {
        assert_eq!((instance.functions[0].index, instance.resources[0].index), (0, 0));
    }
}

#[test]
fn interfaces_with_types_only_need_nobody_and_wasi_is_left_alone() {
    let kit = Kit::complete("clock", &clock("1.0.0", "seconds: func() -> u64;"));
    let idle = Kit::complete("idle", &clock("2.0.0", "seconds: func() -> u64;"));
    let guest = "package a:b;
        package demo:clock@1.0.0 { interface now { seconds: func() -> u64; } }
        package c:d { interface types { record r { x: u8 } } }
        package wasi:x@0.2.0 { interface y { use c:d/types.{r}; f: func(a: r); resource z; } }
        world guest { import demo:clock/now@1.0.0; import wasi:x/y@0.2.0; }";
    let plan = build(guest, &[idle.open(), kit.open()], &[]).unwrap();
    assert_eq!(plan.bundles.len(), 1);
    assert_eq!(plan.bundles[0].bundle.name(), "clock");
    assert_eq!(plan.idle.iter().map(|bundle| bundle.name()).collect::<Vec<_>>(), ["idle"]);
    assert_eq!(plan.unserved, Vec::<String>::new());

    let error = build(guest, &[kit.open()], &["wasi:x/y=clock"]).unwrap_err();
    golden("map_not_for_bundles", &error.to_string());
}

#[test]
fn what_nobody_serves_may_be_left_to_the_linker() {
    let wanted = imports(&component(&wants("1.0.0", "f: func();"))).unwrap();
    let options = Options { maps: &[], left_alone: &|_| false, unserved: Unserved::Leave };
    let plan = plan::build(&wanted, &[], &options).unwrap();
    assert_eq!(plan.unserved, ["demo:clock/now@1.0.0"]);
    golden(
        "plan_no_bundle",
        &build(&wants("1.0.0", "f: func();"), &[], &[]).unwrap_err().to_string(),
    );
}

#[test]
fn two_bundles_for_one_interface_must_be_told_apart() {
    let wit = clock("1.0.0", "f: func();");
    let (a, b) = (Kit::complete("a", &wit), Kit::complete("b", &wit));
    let bundles = [a.open(), b.open()];
    let guest = wants("1.0.0", "f: func();");
    let error = build(&guest, &bundles, &[]).unwrap_err();
    assert!(!error.is_usage());
    golden("plan_ambiguous", &error.to_string());
    for map in ["demo:clock/now@1.0.0=b", "demo:clock/now=b", "demo:clock/*=b"] {
        let plan = build(&guest, &bundles, &[map]).unwrap();
        assert_eq!(plan.bundles[0].bundle.name(), "b");
        assert_eq!(plan.idle[0].name(), "a");
    }
    let plan = build(&guest, &bundles, &["demo:clock/*=a", "demo:clock/now=b"]).unwrap();
    assert_eq!(plan.bundles[0].bundle.name(), "b");

    let twin = Kit::complete("a", &wit);
    let error = build(&guest, &[a.open(), twin.open()], &[]).unwrap_err();
    assert!(error.is_usage());
    golden("plan_same_name", &twin.without_path(&a.without_path(&error.to_string())));
}

#[test]
fn assignments_that_cannot_be_followed_are_all_reported() {
    let a = Kit::complete("a", &clock("1.0.0", "f: func();"));
    let c = Kit::complete("c", "package x:y; world bundle { export z: func(); }");
    let maps = [
        "demo:clock/now=nobody",
        "demo:clok/now=a",
        "demo:clock/now@1.0.0=c",
        "demo:clock/*=a",
        "demo:clock/*@1.0.0=c",
    ];
    let error = build(&wants("1.0.0", "f: func();"), &[a.open(), c.open()], &maps).unwrap_err();
    assert!(error.is_usage());
    golden("map_errors", &error.to_string());
}

/// Two bundles that serve the same, and the plan for a guest that imports it.
fn chosen(maps: &[Map]) -> Result<String, PlanError> {
    const WIT: &str = "package a:b@1.0.0; interface c { f: func(); }
        world bundle { export c; } world guest { import c; }";
    let kits = [Kit::complete("one", WIT), Kit::complete("two", WIT)];
    let bundles = kits.map(|kit| kit.open());
    let wanted = imports(&component(WIT)).unwrap();
    let options = Options { maps, left_alone: &|_| false, unserved: Unserved::Refuse };
    let plan = plan::build(&wanted, &bundles, &options)?;
    Ok(plan.bundles[0].bundle.name().to_owned())
}

#[test]
fn a_standing_assignment_gives_way_to_any_other_and_need_not_be_used() {
    let standing = |import: &str, bundle: &str| Map::standing(import, bundle, "hosts.toml:4");
    assert_eq!(chosen(&[standing("a:b/*", "two")]).unwrap(), "two");
    // Even to one that is less exact.
    let maps = [Map::new("a:b/*", "one"), standing("a:b/c@1.0.0", "two")];
    assert_eq!(chosen(&maps).unwrap(), "one");
    let maps = [standing("a:b/c", "one"), standing("other:package/*", "two")];
    assert_eq!(chosen(&maps).unwrap(), "one");
    let error = chosen(&[standing("a:b/c", "one"), standing("a:b/c", "two")]).unwrap_err();
    assert!(error.to_string().contains("hosts.toml:4: bundle `two` serves a:b/c"), "{error}");
}
