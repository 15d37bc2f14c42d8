//! The jail as it is in force, seen from inside and from outside. Each layer has a test that fails
//! without it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod common;

use adapter_shim::confine::syscalls::NEVER;
use common::shim::Shim;
use common::{Bundle, LIBRARY, Planner, wire};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use protocol::message::ToShim;
use protocol::types::Type;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::sync::LazyLock;

/// One for all: a library is compiled once, and each prisoner is another process.
static BUNDLE: LazyLock<Bundle> = LazyLock::new(|| Bundle::new("jail"));

/// A prisoner, and the functions to question it with.
struct Prisoner {
    shim: Shim,
    functions: Vec<(&'static str, u32)>,
}

impl Prisoner {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Planner)) -> Self {
        let (plan, functions) = plan(change);
        Self { shim: Shim::ready(&BUNDLE, &plan.plan), functions }
    }

    fn call(&mut self, name: &str, args: &[u8]) -> Vec<u8> {
        let function = self.function(name);
        self.shim.call(function, args)
    }

    fn function(&self, name: &str) -> u32 {
        self.functions.iter().find(|(known, _)| *known == name).unwrap().1
    }

    fn text(&mut self, name: &str) -> String {
        String::from_utf8(self.call(name, &[])[4..].to_vec()).unwrap()
    }

    fn number(&mut self, name: &str, args: &[u8]) -> u32 {
        u32::from_le_bytes(self.call(name, args).try_into().unwrap())
    }
}

fn plan(change: impl FnOnce(&mut Planner)) -> (Planner, Vec<(&'static str, u32)>) {
    let mut plan = Planner::new();
    plan.plan.realloc = None;
    change(&mut plan);
    let mut functions = Vec::new();
    for name in ["t_constructor_status", "t_limits", "t_descriptors"] {
        functions.push((name, plan.function(name, &[], Some(Type::String))));
    }
    for name in ["t_environment", "t_pid", "t_print", "t_dumpable"] {
        functions.push((name, plan.function(name, &[], Some(Type::U32))));
    }
    functions.push(("t_fill", plan.function("t_fill", &[Type::U32], Some(Type::U32))));
    functions.push(("t_allocate", plan.function("t_allocate", &[Type::U64], Some(Type::U32))));
    functions.push(("t_syscall", plan.function("t_syscall", &[Type::U64], Some(Type::S64))));
    functions.push(("t_int80", plan.function("t_int80", &[], Some(Type::S64))));
    (plan, functions)
}

#[test]
fn descriptors_are_the_channel_stderr_and_libraries() {
    let mut prisoner = Prisoner::new();
    let found = prisoner.text("t_descriptors");
    let library = BUNDLE.path().join(LIBRARY).canonicalize().unwrap();
    for line in found.lines() {
        let (number, target) = line.split_once(' ').unwrap();
        let expected = match number {
            "0" | "1" => target == "/dev/null",
            "2" => target.starts_with("pipe:"),
            "3" => target.starts_with("socket:"),
            // The bundle directory is closed again; what is open holds the library in place.
            "5" => target == library.to_str().unwrap(),
            _ => false,
        };
        assert!(expected, "{line}\nof\n{found}");
    }
    assert_eq!(found.lines().count(), 5, "{found}");
}

#[test]
fn a_descriptor_that_leaked_into_the_process_is_closed() {
    let secret = File::open("/proc/self/status").unwrap();
    fcntl(&secret, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    let found = Prisoner::new().text("t_descriptors");
    assert!(!found.contains("/status"), "{found}");
}

#[test]
fn the_environment_is_empty_and_stdout_is_nowhere() {
    let mut prisoner = Prisoner::new();
    assert_eq!(prisoner.number("t_environment", &[]), 0);
    assert_eq!(prisoner.number("t_print", &[]), 1);
    // The answer to the next call is not disturbed.
    assert_eq!(prisoner.number("t_pid", &[]), prisoner.shim.child.id());
}

#[test]
fn constructors_run_inside() {
    let status = Prisoner::new().text("t_constructor_status");
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap()
    };
    assert_eq!(
        (field("NoNewPrivs:"), field("Seccomp:"), field("Seccomp_filters:")),
        ("1", "2", "1")
    );
}

#[test]
fn the_process_is_confined_as_seen_from_outside() {
    let prisoner = Prisoner::new();
    let process = format!("/proc/{}", prisoner.shim.child.id());
    for thread in std::fs::read_dir(format!("{process}/task")).unwrap() {
        let status = std::fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        for line in ["NoNewPrivs:\t1", "Seccomp:\t2", "Seccomp_filters:\t1"] {
            assert!(status.lines().any(|found| found == line), "{line}\n{status}");
        }
    }
}

#[test]
fn nobody_may_attach_to_the_process() {
    assert_eq!(Prisoner::new().number("t_dumpable", &[]), 0);
}

#[test]
fn limits_are_those_of_the_plan() {
    let mut prisoner = Prisoner::with(|plan| {
        plan.plan.limits.memory_bytes = 300 << 20;
        plan.plan.limits.descriptors = 33;
        plan.plan.limits.file_bytes = 5000;
        plan.plan.limits.locked_bytes = 4096;
    });
    let limits = prisoner.text("t_limits");
    for (name, value) in [
        ("Max address space", 300 << 20),
        ("Max open files", 33),
        ("Max file size", 5000),
        ("Max locked memory", 4096),
        ("Max core file size", 0),
        ("Max msgqueue size", 0),
        ("Max realtime priority", 0),
        ("Max nice priority", 0),
    ] {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        let both: Vec<_> = line[name.len()..].split_whitespace().take(2).collect();
        assert_eq!(both, [value.to_string(), value.to_string()], "{line}");
    }
    assert_eq!(prisoner.number("t_allocate", &wire().u64(100 << 20).0), 1);
    assert_eq!(prisoner.number("t_allocate", &wire().u64(400 << 20).0), 0);
    // An error and no signal: the prisoner can answer.
    let too_large = u32::try_from(libc::EFBIG).unwrap();
    assert_eq!(prisoner.number("t_fill", &wire().u32(10).0), too_large);
}

#[test]
fn a_forbidden_system_call_ends_the_process() {
    assert!(NEVER.len() >= 50);
    for never in NEVER {
        assert_sigsys(never.name, "t_syscall", &wire().i64(never.number).0);
    }
}

#[test]
fn other_names_of_system_calls_end_the_process() {
    // getpid by its x32 number, a number that is negative as an int, and the 32-bit entry.
    assert_sigsys("x32", "t_syscall", &wire().u64(1 << 30 | 39).0);
    assert_sigsys("negative", "t_syscall", &wire().u64(0xffff_fff0).0);
    assert_sigsys("int 0x80", "t_int80", &[]);
}

#[test]
fn an_ordinary_system_call_returns() {
    let mut prisoner = Prisoner::new();
    let number = wire().i64(libc::SYS_getpid).0;
    let pid = prisoner.call("t_syscall", &number);
    assert_eq!(pid, wire().i64(prisoner.shim.child.id().into()).0);
}

fn assert_sigsys(what: &str, name: &str, args: &[u8]) {
    let mut prisoner = Prisoner::new();
    let function = prisoner.function(name);
    prisoner.shim.send(&ToShim::Call { id: 1, function }, args);
    let (status, _) = prisoner.shim.end();
    assert_eq!(status.signal(), Some(libc::SIGSYS), "{what}: {status}");
}

/// The shim's parent is a thread that ends; the other end of the channel stays open here.
#[test]
fn the_process_dies_with_the_thread_that_started_it() {
    let start = || {
        let mut shim = Shim::start(&BUNDLE);
        // Once it answers, it has asked for the death signal.
        shim.greet();
        shim
    };
    let shim = std::thread::spawn(start).join().unwrap();
    let (status, _) = shim.end();
    assert_eq!(status.signal(), Some(libc::SIGKILL), "{status}");
}
