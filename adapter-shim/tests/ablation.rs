//! Each layer of the jail alone is left out, and something shows that did not show before. The
//! program for it is built from the same sources by the crate `tests`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod common;

use adapter_shim::confine::ablation::Part;
use common::shim::{Shim, ask_for_jail, report, stage_of};
use common::{Bundle, Planner, wire};
use nix::fcntl::{FcntlArg, fcntl};
use protocol::message::{ToRunner, ToShim};
use protocol::policy::{Access, Destination, Limits, Policy, Tree};
use protocol::stage::{FromStage, Layer};
use protocol::types::Type;
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// Above every number that the stage and the jail use.
const LEAKED: i32 = 100;

/// A program that leaves `part` out, in a folder of its own.
fn without(part: Option<&str>) -> (TempDir, PathBuf) {
    let programs = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_path_buf();
    let built = programs.join("ablated-shim");
    assert!(built.exists(), "{} is missing; run `cargo build --workspace`", built.display());
    let folder = TempDir::new().unwrap();
    let program = folder.path().join("adapter-shim");
    std::fs::copy(built, &program).unwrap();
    std::fs::write(folder.path().join("without"), part.unwrap_or("nothing")).unwrap();
    (folder, program)
}

/// What a library sees and may do, question by question.
fn questions(part: Option<&str>) -> BTreeMap<&'static str, String> {
    // A descriptor that a careless runner leaves open, under a number that the jail has no use for:
    // one of its own would close the leaked one by itself.
    let secret = std::fs::File::open("/etc/hostname").unwrap();
    let leaked = fcntl(&secret, FcntlArg::F_DUPFD(LEAKED)).unwrap();
    assert!(leaked >= LEAKED);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let other_port = listener.local_addr().unwrap().port();

    let bundle = Bundle::new("jail");
    let (_folder, program) = without(part);
    let mut plan = Planner::new();
    plan.plan.realloc = None;
    let descriptors = plan.function("t_descriptors", &[], Some(Type::String));
    let allocate = plan.function("t_allocate", &[Type::U64], Some(Type::U32));
    let look = plan.function("t_look", &[], Some(Type::U32));
    let connect = plan.function("t_connect", &[Type::U32], Some(Type::U32));
    let syscall = plan.function("t_syscall", &[Type::U64], Some(Type::S64));
    let open = plan.function("t_open_library", &[], Some(Type::U32));

    let mut policy = Policy::default();
    policy.limits = Limits { memory_bytes: 512 << 20, ..policy.limits };
    let readable = Tree { path: "/etc/hostname".into(), access: Access::Read };
    policy.grants.trees.push(readable);
    let addresses = vec!["127.0.0.1".parse().unwrap()];
    let port = if other_port == 9 { 10 } else { 9 };
    policy.grants.connect.push(Destination { host: "127.0.0.1".into(), addresses, port });

    let mut shim = Shim::start_from(Command::new(&program), &bundle, &policy);
    shim.greet();
    plan.plan.profiles = policy.profiles();
    assert_eq!(shim.plan(&plan.plan), ToRunner::Confined);
    assert_eq!(shim.ask(&ToShim::Load, &[]), (ToRunner::Ready, vec![]));
    let status = std::fs::read_to_string(format!("/proc/{}/status", shim.pid())).unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    let (filters, capabilities) = (field("Seccomp_filters:"), field("CapBnd:"));
    let number = |bytes: Vec<u8>| u32::from_le_bytes(bytes.try_into().unwrap()).to_string();
    let mut found = BTreeMap::new();
    found.insert("filters", filters);
    found.insert("capabilities", capabilities);
    found.insert("mdwe", shim.layers.has(Layer::Mdwe).to_string());
    let text = shim.call(descriptors, &[]);
    found.insert("descriptors", String::from_utf8(text[4..].to_vec()).unwrap());
    found.insert("memory", number(shim.call(allocate, &wire().u64(600 << 20).0)));
    found.insert("metadata of /etc/passwd", number(shim.call(look, &[])));
    let port = wire().u32(other_port.into()).0;
    found.insert("connect to a port that is not granted", number(shim.call(connect, &port)));
    found.insert("open a library after loading", number(shim.call(open, &[])));
    // A call that no set has, harmless where it is made.
    let unknown = wire().i64(libc::SYS_getppid).0;
    found.insert("getppid", format!("{:?}", shim.call(syscall, &unknown)));
    found
}

/// The questions whose answer changes when `part` is left out.
fn changes(part: Part) -> Vec<&'static str> {
    let (whole, weaker) = (questions(None), questions(Some(part.name())));
    whole
        .iter()
        .filter(|(name, answer)| weaker.get(*name) != Some(answer))
        .map(|(n, _)| *n)
        .collect()
}

#[track_caller]
fn shows(part: Part, question: &str) {
    let changed = changes(part);
    assert!(changed.contains(&question), "without {part:?} these change: {changed:?}");
}

#[test]
fn e37_nothing_changes_when_nothing_is_left_out() {
    assert_eq!(questions(None), questions(Some("nothing")));
}

#[test]
fn e37_without_closing_descriptors_a_leaked_one_is_open() {
    shows(Part::Descriptors, "descriptors");
}

#[test]
fn e37_without_limits_memory_is_not_bounded() {
    shows(Part::Limits, "memory");
}

#[test]
fn e37_without_a_root_of_its_own_files_can_be_told_apart() {
    shows(Part::Namespaces, "metadata of /etc/passwd");
}

#[test]
fn e37_without_dropping_capabilities_the_process_has_some() {
    shows(Part::Capabilities, "capabilities");
}

#[test]
fn e37_without_mdwe_a_jail_that_requires_it_is_refused() {
    shows(Part::Mdwe, "mdwe");
    let (_folder, program) = without(Some("mdwe"));
    let bundle = Bundle::new("jail");
    let (_stage, control) = stage_of(Command::new(program), &bundle);
    ask_for_jail(&control, &Policy::default(), &[Layer::Mdwe]);
    let Some((FromStage::Refused { text }, _)) = report(&control) else { panic!() };
    assert!(text.as_raw().contains("`mdwe`"), "{text}");
}

#[test]
fn e37_without_landlock_every_port_is_reachable() {
    shows(Part::Landlock, "connect to a port that is not granted");
}

#[test]
fn e37_without_the_first_filter_the_count_is_short() {
    shows(Part::Never, "filters");
}

#[test]
fn e37_without_the_filters_calls_are_made() {
    shows(Part::Filters, "getppid");
}

#[test]
fn e37_without_narrowing_libraries_can_be_opened_later() {
    shows(Part::Narrowing, "filters");
}

#[test]
fn e37_every_part_is_left_out_by_a_test() {
    let source = include_str!("ablation.rs");
    for (_, part) in Part::ALL {
        assert!(source.contains(&format!("shows(Part::{part:?},")), "{part:?}");
    }
}
