//! What a bundle directory and a plan can be wrong about.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod common;

use adapter_shim::native::{Adapter, LoadError, Opened, Place};
use adapter_shim::permit::LoadPermit;
use common::{Bundle, LIBRARY, Planner, wire};
use protocol::message::Plan;
use protocol::types::{Type, TypeDef};
use std::os::fd::AsFd;
use std::os::unix::fs::symlink;

fn load(bundle: &Bundle, plan: &Plan) -> Result<Adapter, LoadError> {
    let opened = Opened::new(bundle.open().as_fd(), plan, Place::Descriptors)?;
    Adapter::load(LoadPermit::operator_trusts_bundle(), opened, plan)
}

fn refused(bundle: &Bundle, plan: &Plan) -> String {
    load(bundle, plan).err().unwrap().to_string()
}

#[test]
fn a_path_never_leaves_the_bundle_directory() {
    let bundle = Bundle::new("values");
    let outside = Bundle::new("values");
    symlink(outside.path().join(LIBRARY), bundle.path().join("lib/link.so")).unwrap();
    symlink("lib", bundle.path().join("inner")).unwrap();
    let absolute = outside.path().join(LIBRARY);
    let up = format!("../{}/{LIBRARY}", outside.path().file_name().unwrap().display());
    for path in ["lib/link.so", "inner/libtest.so", absolute.to_str().unwrap(), &up] {
        let mut plan = Planner::new().plan;
        plan.library = path.into();
        let text = refused(&bundle, &plan);
        assert!(text.starts_with(&format!("cannot open {path} in the bundle")), "{text}");
        let vendor = Plan { library: LIBRARY.into(), vendor: vec![path.into()], ..plan };
        assert!(refused(&bundle, &vendor).starts_with(&format!("cannot open {path}")));
    }
}

#[test]
fn what_is_no_library_is_named() {
    let bundle = Bundle::new("values");
    std::fs::write(bundle.path().join("lib/text.so"), "#!/bin/sh\n").unwrap();
    std::fs::write(bundle.path().join("lib/empty.so"), "").unwrap();
    nix::unistd::mkfifo(&bundle.path().join("lib/pipe.so"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    for (path, start) in [
        ("lib/none.so", "cannot open lib/none.so in the bundle directory: No such file"),
        ("lib", "lib in the bundle directory is not a regular file"),
        ("lib/pipe.so", "lib/pipe.so in the bundle directory is not a regular file"),
        ("lib/text.so", "cannot load lib/text.so: lib/text.so: "),
        ("lib/empty.so", "cannot load lib/empty.so: lib/empty.so: "),
    ] {
        let plan = Plan { library: path.into(), ..Planner::new().plan };
        let text = refused(&bundle, &plan);
        assert!(text.starts_with(start), "{text}");
    }
}

#[test]
fn a_missing_symbol_is_named_with_what_needs_it() {
    let bundle = Bundle::new("values");
    let missing = |change: fn(&mut Plan)| {
        let mut plan = Planner::new();
        plan.function("t_add", &[Type::U32, Type::U32], Some(Type::U32));
        plan.resource("counter", "t_counter_dtor");
        change(&mut plan.plan);
        refused(&bundle, &plan.plan)
    };
    let function = "which test:fixture/all@0.1.0#t_add needs";
    let lost = |plan: &mut Plan| plan.functions[0].symbol = "t_lost".into();
    assert_eq!(missing(lost), format!("{LIBRARY} has no symbol t_lost, {function}"));
    let lost = |plan: &mut Plan| plan.functions[0].post_return = Some("t_lost".into());
    assert_eq!(missing(lost), format!("{LIBRARY} has no symbol t_lost, {function}"));
    let lost = |plan: &mut Plan| plan.functions[0].symbol = "t_\0".into();
    assert_eq!(missing(lost), format!("{LIBRARY} has no symbol t_\0, {function}"));
    let lost = |plan: &mut Plan| plan.resources[0].destructor = "t_lost".into();
    assert!(missing(lost).ends_with("which test:fixture/all@0.1.0#counter needs"));
    let lost = |plan: &mut Plan| plan.realloc = Some("t_lost".into());
    assert!(missing(lost).ends_with("which passing strings and lists needs"));
    let lost = |plan: &mut Plan| plan.take_panic = Some("t_lost".into());
    assert!(missing(lost).ends_with("which reporting panics needs"));
}

#[test]
fn arguments_in_memory_need_an_allocator() {
    let bundle = Bundle::new("values");
    let mut plan = Planner::new();
    plan.plan.realloc = None;
    let words = plan.list(Type::U8);
    let option = plan.define(TypeDef::Option(words));
    plan.function("t_freed", &[], Some(option));
    assert!(load(&bundle, &plan.plan).is_ok());
    for params in [vec![option], vec![Type::U8; 17]] {
        plan.function("t_same", &params, None);
        let text = refused(&bundle, &plan.plan);
        assert!(
            text.starts_with("test:fixture/all@0.1.0#t_same takes arguments in memory"),
            "{text}"
        );
        plan.plan.functions.pop();
    }
}

#[test]
fn a_plan_that_contradicts_itself_is_refused_before_anything_is_loaded() {
    // There is no library at all, so a refusal for another reason came before loading.
    let bundle = Bundle::new("values");
    let refused = |change: fn(&mut Planner)| {
        let mut plan = Planner::new();
        plan.plan.library = "none".into();
        change(&mut plan);
        refused(&bundle, &plan.plan)
    };
    let text = refused(|plan| _ = plan.list(Type::Defined(0)));
    assert!(text.contains("type 0 refers to a type that is not defined"), "{text}");
    let text = refused(|plan| _ = plan.function("f", &[Type::Defined(3)], None));
    assert!(text.ends_with("the plan has no type 3"), "{text}");
    let text = refused(|plan| _ = plan.define(TypeDef::Own(0)));
    assert!(text.contains("unknown resource"), "{text}");
    let text = refused(|plan| {
        let row = plan.define(TypeDef::FixedList(Type::U64, 1 << 24));
        plan.define(TypeDef::FixedList(row, 1 << 24));
    });
    assert!(text.ends_with("type 1 is too large for this machine"), "{text}");
    let text = refused(|plan| plan.plan.init = Some(4));
    assert!(text.ends_with("it has no function 4 to use as init"), "{text}");
    let text = refused(|plan| plan.plan.init = Some(plan.function("f", &[Type::String], None)));
    assert!(text.contains("#f is not `func(config: list<tuple<"), "{text}");
}

#[test]
fn vendor_libraries_come_first_so_that_the_library_finds_them() {
    let bundle = Bundle::new("vendor");
    bundle.compile("vendor", "lib/libvendor.so", &["-DVENDOR", "-Wl,-soname,libvendor.so"]);
    bundle.compile("vendor", "lib/libuser.so", &["-DUSER", "-Llib", "-lvendor"]);
    let mut plan = Planner::new();
    plan.plan.library = "lib/libuser.so".into();
    plan.plan.realloc = None;
    let twice = plan.function("t_vendor_twice", &[Type::U32], Some(Type::U32));
    let text = refused(&bundle, &plan.plan);
    assert!(text.contains("libvendor.so: cannot open shared object file"), "{text}");
    plan.plan.vendor = vec!["lib/libvendor.so".into()];
    let mut out = Vec::new();
    let mut adapter = load(&bundle, &plan.plan).unwrap();
    adapter.call(twice, &wire().u32(21).0, &mut out).unwrap();
    assert_eq!(out, wire().u32(42).0);
}
