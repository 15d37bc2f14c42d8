//! Reports: the exact words for every way in which a component and a bundle do not fit.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod bundle_kit;

use bundle_kit::{Kit, component, golden};
use wrun::plan::{self, Options, Unserved};
use wrun::shape::component::imports;

/// The report for a guest and bundles, each with its WIT.
fn report(guest: &str, bundles: &[(&str, &str)]) -> String {
    let kits: Vec<_> = bundles.iter().map(|(name, wit)| Kit::complete(name, wit)).collect();
    let opened: Vec<_> = kits.iter().map(Kit::open).collect();
    let wanted = imports(&component(guest)).unwrap();
    let options = Options { maps: &[], left_alone: &|_| false, unserved: Unserved::Refuse };
    let error = plan::build(&wanted, &opened, &options).expect_err("this must not fit");
    kits.iter().fold(error.to_string(), |text, kit| kit.without_path(&text))
}

/// The report for one interface that differs between guest and bundle.
fn differs(wanted: &str, found: &str) -> String {
    let package = |items: &str, world: &str| {
        format!("package a:b@1.0.0; interface c {{ {items} }} world {world} {{ WORD c; }}")
    };
    report(
        &package(wanted, "guest").replace("WORD", "import"),
        &[("test", &package(found, "bundle").replace("WORD", "export"))],
    )
}

#[test]
fn everything_that_does_not_fit_is_in_one_report() {
    let bundle = "package demo:db@0.2.0;
        interface query {
            record options { limit: u32, trace: bool }
            variant failure { syntax(string), timeout }
            resource connection { constructor(url: string); }
            run: func(sql: string, options: options) -> result<list<string>, failure>;
            ping: func();
            close: func(force: bool);
        }
        interface admin { stats: func() -> u64; }
        world bundle { export query; export admin; }";
    let guest = "package demo:db@0.2.0;
        interface query {
            record options { limit: u64, tracing: bool }
            variant failure { timeout, syntax(string), denied(u32) }
            resource conection { constructor(url: string); }
            run: func(sql: string, options: options) -> result<list<string>, failure>;
            pnig: func();
            close: func();
        }
        package demo:clock@0.2.0 { interface now { seconds: func() -> u64; } }
        package demo:db@0.1.0 { interface admin { stats: func() -> u64; } }
        world guest {
            import query; import demo:clock/now@0.2.0; import demo:db/admin@0.1.0;
            import log: func(text: string);
        }";
    let clock = "package demo:clock@0.1.0; interface now { seconds: func() -> u64; }
                 world bundle { export now; }";
    golden("report_everything", &report(guest, &[("db", bundle), ("clock", clock)]));
}

#[test]
fn each_kind_of_difference_has_its_place() {
    golden(
        "report_parameters",
        &differs("f: func(a: u8, b: u8);", "f: func(b: u8, a: u8, c: u8);"),
    );
    golden("report_result", &differs("f: func() -> u8; g: func();", "f: func(); g: func() -> u8;"));
    golden(
        "report_nested",
        &differs(
            "record r { x: list<option<tuple<u8, result<u8, s8>>>> } f: func(r: r);",
            "record r { x: list<option<tuple<u8, result<u16, s8>>>> } f: func(r: r);",
        ),
    );
    golden(
        "report_order",
        &differs(
            "record r { x: u8, y: u8 } enum e { a, b } flags g { p, q } f: func(r: r, e: e, g: g);",
            "record r { y: u8, x: u8 } enum e { b, a } flags g { p } f: func(r: r, e: e, g: g);",
        ),
    );
    golden(
        "report_payload",
        &differs(
            "variant v { a(u8), b } f: func(v: v);",
            "variant v { a, b(string) } f: func(v: v);",
        ),
    );
    golden(
        "report_lists",
        &differs(
            "f: func(a: list<u8, 4>, b: map<string, u8>, c: list<u8>);",
            "f: func(a: list<u8, 5>, b: map<string, u16>, c: list<u8, 3>);",
        ),
    );
    golden(
        "report_handles",
        &differs(
            "resource r; resource s; f: func(a: borrow<r>, b: r);",
            "resource r; resource s; f: func(a: r, b: s);",
        ),
    );
    golden("report_async", &differs("f: func();", "f: async func();"));
}

#[test]
fn what_cannot_be_carried_is_named() {
    let both = |items: &str| differs(items, items);
    golden("report_stream", &both("f: func(a: list<stream<u8>>); g: func() -> u8;"));
    golden("report_future", &both("record r { x: future<string> } f: func() -> r;"));
    golden("report_error_context", &both("f: func() -> result<u8, error-context>;"));
    golden("report_async_func", &both("f: async func() -> u8;"));
}

#[test]
fn a_type_as_deep_as_the_limit_fits_and_a_deeper_one_is_named() {
    let nested = |levels: usize| {
        let inner = (1..levels).fold("u8".to_owned(), |inner, _| format!("list<{inner}>"));
        format!("f: func(a: {inner});")
    };
    golden("report_depth", &differs(&nested(65), &nested(65)));
    let wit = format!(
        "package a:b; interface c {{ {} }} world bundle {{ export c; }} world guest {{ import c; }}",
        nested(64)
    );
    let kit = Kit::complete("test", &wit);
    let wanted = imports(&component(&wit)).unwrap();
    let options = Options { maps: &[], left_alone: &|_| false, unserved: Unserved::Refuse };
    let plan = plan::build(&wanted, &[kit.open()], &options).unwrap();
    assert_eq!(plan.bundles.first().unwrap().wire.types.len(), 63);
}

#[test]
fn a_handle_of_another_bundle_is_refused() {
    let objects =
        "package a:objects@1.0.0; interface objects { resource object; new: func() -> object; }
                   world bundle { export objects; }";
    let both = "package a:b; world bundle { export a:objects/objects@1.0.0; export a:users/users@1.0.0; }
        package a:objects@1.0.0 { interface objects { resource object; new: func() -> object; } }
        package a:users@1.0.0 { interface users { use a:objects/objects@1.0.0.{object}; f: func(o: object); } }";
    let guest = both.replace("world bundle", "world guest").replace("export", "import");
    let (first, second) = (Kit::complete("first", objects), Kit::complete("second", both));
    let wanted = imports(&component(&guest)).unwrap();
    let maps = ["a:objects/objects=first".parse().unwrap()];
    let options = Options { maps: &maps, left_alone: &|_| false, unserved: Unserved::Refuse };
    let error = plan::build(&wanted, &[first.open(), second.open()], &options).unwrap_err();
    golden("report_foreign_resource", &second.without_path(&error.to_string()));
}

#[test]
fn a_long_report_ends_with_a_count() {
    let functions = |count: usize, ty: &str| {
        (0..count).map(|i| format!("g{i}: func(a: {ty});")).collect::<String>()
    };
    let text = differs(&functions(60, "u8"), &functions(60, "u16"));
    assert!(text.starts_with("the component and the bundles do not fit: 60 problems\n"));
    assert!(text.contains("\n... and 40 more\n"), "{text}");
}

#[test]
fn a_type_that_differs_in_countless_places_is_cut() {
    let tower = |leaf: &str| {
        let levels = (1..16).map(|i| format!("type t{i} = tuple<t{}, t{}>;", i - 1, i - 1));
        format!("type t0 = {leaf}; {} f: func(a: t15);", levels.collect::<String>())
    };
    let text = differs(&tower("u8"), &tower("u16"));
    assert_eq!(text.matches("component wants").count(), 16);
}

#[test]
fn an_import_of_another_kind_is_named() {
    let guest =
        "package a:b; world guest { resource thing { constructor(); } import f: func(t: thing); }";
    golden("report_world_resource", &report(guest, &[]));
}
