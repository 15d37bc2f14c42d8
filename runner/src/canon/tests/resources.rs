//! Handles through `canon`: the guest's tables hold the numbers that the bundle gave out, and only
//! those come back.

use super::super::{Args, Results};
use super::guest::{World, memory};
use super::host::ENGINE;
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType, Val};
use wasmtime::{Result, Store};
use wit_component::StringEncoding;

const WIT: &str = "package test:canon;
interface host {
    resource r { constructor(seed: u8); get: func() -> u32; }
    resource other { constructor(); }
    take: func(r: r);
    lend: func(rs: list<borrow<r>>) -> u32;
    maybe: func(r: option<r>) -> option<r>;
    all: func(rs: list<r>, last: tuple<u8, r>) -> list<r>;
}
world guest { import host; export g: func() -> u32; }";

/// Core imports of every function of the interface, and memory.
fn imports() -> String {
    let import = |name: &str, ty: &str| {
        format!("(import \"test:canon/host\" \"{name}\" (func ${} {ty}))\n", short(name))
    };
    let imports = [
        import("[constructor]r", "(param i32) (result i32)"),
        import("[constructor]other", "(result i32)"),
        import("[method]r.get", "(param i32) (result i32)"),
        import("[resource-drop]r", "(param i32)"),
        import("take", "(param i32)"),
        import("lend", "(param i32 i32) (result i32)"),
        import("maybe", "(param i32 i32 i32)"),
        import("all", "(param i32 i32 i32 i32 i32)"),
    ];
    imports.concat()
}

/// `[method]r.get` is `get`, `[constructor]r` is `constructor-r`.
fn short(name: &str) -> String {
    match name.split_once(']') {
        Some(("[method", method)) => method.rsplit('.').next().unwrap().to_owned(),
        Some((kind, of)) => format!("{}-{of}", kind.trim_start_matches('[')),
        None => name.to_owned(),
    }
}

/// What arrived at the host, in order.
type Log = Vec<(&'static str, Vec<u8>)>;

fn define<const P: usize, const R: usize>(
    host: &mut LinkerInstance<'_, Log>,
    name: &'static str,
    reply: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static,
) -> Result<()> {
    host.func_wrap(name, move |mut store, args: Args<P>| {
        let args = args.into_bytes();
        let reply = reply(&args);
        store.data_mut().push((name, args));
        Ok(Results::<R, _>::new(reply))
    })
}

/// Runs `body` as `g`; returns what arrived, and what `g` returned.
fn run(body: &str) -> (Log, Result<u32>) {
    let mut linker = Linker::<Log>::new(&ENGINE);
    let mut host = linker.instance("test:canon/host").unwrap();
    let dropped = |name: &'static str| {
        move |mut store: wasmtime::StoreContextMut<'_, Log>, number: u32| {
            store.data_mut().push((name, number.to_le_bytes().into()));
            Ok(())
        }
    };
    host.resource("r", ResourceType::host_dynamic(0x7777), dropped("drop r")).unwrap();
    host.resource("other", ResourceType::host_dynamic(0x8888), dropped("drop other")).unwrap();
    // The number is the bundle's own; the guest never sees it. Seed 0 makes a bundle that lies.
    define::<1, 1>(&mut host, "[constructor]r", |seed| match seed[0] {
        0 => vec![0; 4],
        seed => vec![seed, 0, 0, 0x40],
    })
    .unwrap();
    define::<0, 1>(&mut host, "[constructor]other", |_| vec![1, 0, 0, 0]).unwrap();
    define::<1, 1>(&mut host, "[method]r.get", |_| vec![99, 0, 0, 0]).unwrap();
    define::<1, 0>(&mut host, "take", |_| vec![]).unwrap();
    define::<2, 1>(&mut host, "lend", |args| args[..4].to_vec()).unwrap();
    define::<2, 0>(&mut host, "maybe", |args| args.to_vec()).unwrap();
    define::<4, 0>(&mut host, "all", |args| args[..args.len() - 5].to_vec()).unwrap();
    let world = World::new(WIT);
    let core = format!(
        "(module {}\n{}\n(func (export \"g\") (result i32) (local $a i32) (local $b i32)\n{body}))",
        imports(),
        memory()
    );
    let component = Component::new(&ENGINE, world.component(&core, StringEncoding::UTF8)).unwrap();
    let mut store = Store::new(&ENGINE, Log::new());
    let instance = linker.instantiate(&mut store, &component).unwrap();
    let g = instance.get_func(&mut store, "g").unwrap();
    let mut results = [Val::Bool(false)];
    let called = g.call(&mut store, &[], &mut results);
    let returned = called.map(|()| match results {
        [Val::U32(value)] => value,
        other => panic!("{other:?}"),
    });
    (std::mem::take(store.data_mut()), returned)
}

/// Makes resource `seed` and keeps its handle in `$a` or `$b`.
fn make(seed: u8, local: &str) -> String {
    format!("(local.set ${local} (call $constructor-r (i32.const {seed})))")
}

#[test]
fn a_method_gets_the_number_that_the_constructor_gave_out() {
    let (log, returned) = run(&format!("{} (call $get (local.get $a))", make(7, "a")));
    assert_eq!(returned.unwrap(), 99);
    assert_eq!(log, [("[constructor]r", vec![7]), ("[method]r.get", vec![7, 0, 0, 0x40])]);
}

#[test]
fn the_number_0_never_becomes_a_handle() {
    let (log, returned) = run(&format!("{} (i32.const 0)", make(0, "a")));
    assert!(format!("{:#}", returned.unwrap_err()).contains("0 is not a handle"));
    assert_eq!(log, [("[constructor]r", vec![0])]);
}

#[test]
fn a_dropped_handle_arrives_with_its_number_once() {
    let drop = "(call $resource-drop-r (local.get $a))";
    let (log, returned) = run(&format!("{} {drop} (i32.const 0)", make(7, "a")));
    assert!(returned.is_ok());
    assert_eq!(log[1..], [("drop r", vec![7, 0, 0, 0x40])]);
    let (log, returned) = run(&format!("{} {drop} {drop} (i32.const 0)", make(7, "a")));
    assert!(returned.is_err());
    assert_eq!(log[1..], [("drop r", vec![7, 0, 0, 0x40])]);
}

#[test]
fn an_owned_argument_leaves_the_guest() {
    let take = "(call $take (local.get $a))";
    let (log, returned) = run(&format!("{} {take} (i32.const 0)", make(1, "a")));
    assert!(returned.is_ok());
    assert_eq!(log[1..], [("take", vec![1, 0, 0, 0x40])]);
    for again in
        [take, "(drop (call $get (local.get $a)))", "(call $resource-drop-r (local.get $a))"]
    {
        let (log, returned) = run(&format!("{} {take} {again} (i32.const 0)", make(1, "a")));
        assert!(returned.is_err(), "{again}");
        assert_eq!(log.len(), 2, "{again}: {log:?}");
    }
}

#[test]
fn a_list_of_borrowed_handles_arrives_in_order_and_stays_with_the_guest() {
    let body = format!(
        "{} {}
         (i32.store (i32.const 64) (local.get $b))
         (i32.store (i32.const 68) (local.get $a))
         (i32.store (i32.const 72) (local.get $b))
         (call $lend (i32.const 64) (i32.const 3))
         (call $resource-drop-r (local.get $a))",
        make(1, "a"),
        make(2, "b")
    );
    let (log, returned) = run(&body);
    assert_eq!(returned.unwrap(), 3);
    let lent = [3, 0, 0, 0, 2, 0, 0, 0x40, 1, 0, 0, 0x40, 2, 0, 0, 0x40].to_vec();
    assert_eq!(log[2..], [("lend", lent), ("drop r", vec![1, 0, 0, 0x40])]);
}

#[test]
fn an_optional_owned_handle_goes_out_and_comes_back() {
    // Some: the discriminant and a new handle, which works.
    let body = format!(
        "{} (call $maybe (i32.const 1) (local.get $a) (i32.const 128))
         (if (i32.ne (i32.load8_u (i32.const 128)) (i32.const 1)) (then unreachable))
         (call $get (i32.load (i32.const 132)))",
        make(5, "a")
    );
    let (log, returned) = run(&body);
    assert_eq!(returned.unwrap(), 99);
    assert_eq!(
        log[1..],
        [("maybe", vec![1, 5, 0, 0, 0x40]), ("[method]r.get", vec![5, 0, 0, 0x40])]
    );
    // None: whatever lies in the payload is not a handle.
    let none =
        "(call $maybe (i32.const 0) (i32.const 77) (i32.const 128)) (i32.load8_u (i32.const 128))";
    let (log, returned) = run(none);
    assert_eq!((returned.unwrap(), log), (0, vec![("maybe", vec![0])]));
}

#[test]
fn handles_in_lists_and_tuples_are_taken_and_given_back() {
    let body = format!(
        "{} {}
         (i32.store (i32.const 64) (local.get $a))
         (call $all (i32.const 64) (i32.const 1) (i32.const 9) (local.get $b) (i32.const 128))
         (if (i32.ne (i32.load (i32.const 132)) (i32.const 1)) (then unreachable))
         (call $get (i32.load (i32.load (i32.const 128))))",
        make(1, "a"),
        make(2, "b")
    );
    let (log, returned) = run(&body);
    assert_eq!(returned.unwrap(), 99);
    let all = [1, 0, 0, 0, 1, 0, 0, 0x40, 9, 2, 0, 0, 0x40].to_vec();
    assert_eq!(log[2..], [("all", all), ("[method]r.get", vec![1, 0, 0, 0x40])]);
}

#[test]
fn numbers_that_are_no_handles_of_the_type_are_refused() {
    for forged in
        ["(i32.const 0)", "(i32.const 12345)", "(i32.const -1)", "(call $constructor-other)"]
    {
        for body in [
            format!("(call $get {forged})"),
            format!("(call $take {forged}) (i32.const 0)"),
            format!("(call $maybe (i32.const 1) {forged} (i32.const 128)) (i32.const 0)"),
            format!(
                "(i32.store (i32.const 64) {forged}) (call $lend (i32.const 64) (i32.const 1))"
            ),
        ] {
            let (log, returned) = run(&body);
            assert!(returned.is_err(), "{body}");
            assert!(log.iter().all(|(name, _)| *name == "[constructor]other"), "{body}: {log:?}");
        }
    }
}
