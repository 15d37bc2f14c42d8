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
use common::shim::{Shim, ask_for_jail, report, signal, stage};
use common::{Bundle, Planner, wire};
use nix::fcntl::{FcntlArg, fcntl};
use protocol::message::ToShim;
use protocol::policy::{Access, Destination, Limits, Policy, Tree};
use protocol::stage::{FromStage, Layer};
use protocol::types::Type;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::sync::LazyLock;

/// One for all: a library is compiled once, and each prisoner is another process.
static BUNDLE: LazyLock<Bundle> = LazyLock::new(|| Bundle::shared("jail"));

/// A prisoner, and the functions to question it with.
struct Prisoner {
    shim: Shim,
    functions: Vec<(&'static str, u32)>,
}

impl Prisoner {
    fn new() -> Self {
        Self::with(&Policy::default())
    }

    fn with(policy: &Policy) -> Self {
        let (plan, functions) = plan();
        Self { shim: Shim::ready_with(&BUNDLE, &plan.plan, policy), functions }
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

fn plan() -> (Planner, Vec<(&'static str, u32)>) {
    let mut plan = Planner::new();
    plan.plan.realloc = None;
    let mut functions = Vec::new();
    for name in ["t_constructor", "t_limits", "t_descriptors"] {
        functions.push((name, plan.function(name, &[], Some(Type::String))));
    }
    for name in ["t_environment", "t_pid", "t_print", "t_device"] {
        functions.push((name, plan.function(name, &[], Some(Type::U32))));
    }
    functions.push(("t_fill", plan.function("t_fill", &[Type::U32], Some(Type::U32))));
    functions.push(("t_connect", plan.function("t_connect", &[Type::U32], Some(Type::U32))));
    functions.push(("t_allocate", plan.function("t_allocate", &[Type::U64], Some(Type::U32))));
    functions.push(("t_syscall", plan.function("t_syscall", &[Type::U64], Some(Type::S64))));
    functions.push(("t_int80", plan.function("t_int80", &[], Some(Type::S64))));
    (plan, functions)
}

#[test]
fn descriptors_are_the_channel_and_stderr() {
    assert_eq!(Prisoner::new().text("t_descriptors"), "0 1 2 3 ");
}

#[test]
fn a_descriptor_that_leaked_into_the_process_is_closed() {
    let secret = File::open("/proc/self/status").unwrap();
    for number in [3, 100] {
        fcntl(&secret, FcntlArg::F_DUPFD(number)).unwrap();
    }
    assert_eq!(Prisoner::new().text("t_descriptors"), "0 1 2 3 ");
}

#[test]
fn the_environment_is_empty_and_stdout_is_nowhere() {
    let mut prisoner = Prisoner::new();
    assert_eq!(prisoner.number("t_environment", &[]), 0);
    assert_eq!(prisoner.number("t_print", &[]), 1);
    // The answer to the next call is not disturbed. It is alone in its namespace.
    assert_eq!(prisoner.number("t_pid", &[]), 1);
}

#[test]
fn constructors_run_inside() {
    assert_eq!(Prisoner::new().text("t_constructor"), "ENOENT EACCES");
}

#[test]
fn the_process_is_confined_as_seen_from_outside() {
    let prisoner = Prisoner::new();
    let process = format!("/proc/{}", prisoner.shim.pid());
    for thread in std::fs::read_dir(format!("{process}/task")).unwrap() {
        let status = std::fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        for line in [
            "NoNewPrivs:\t1",
            "Seccomp:\t2",
            "Seccomp_filters:\t6",
            "CapEff:\t0000000000000000",
            "CapBnd:\t0000000000000000",
        ] {
            assert!(status.lines().any(|found| found == line), "{line}\n{status}");
        }
    }
    assert!(prisoner.shim.layers.has(Layer::Root) && prisoner.shim.layers.has(Layer::Landlock));
}

/// The kernel gives the files of such a process to root, whoever runs it.
#[test]
fn nobody_may_attach_to_the_process() {
    let prisoner = Prisoner::new();
    let status = std::fs::metadata(format!("/proc/{}/status", prisoner.shim.pid())).unwrap();
    assert_eq!(status.uid(), 0);
}

#[test]
fn limits_are_those_of_the_policy() {
    let limits = Limits {
        memory_bytes: 300 << 20,
        cpu_seconds: 77,
        threads: 3,
        descriptors: 33,
        file_bytes: 5000,
        scratch_bytes: 1 << 20,
        ..Limits::default()
    };
    let mut prisoner = Prisoner::with(&Policy { limits, ..Policy::default() });
    let found = prisoner.text("t_limits");
    for (name, value) in [
        ("AS", 300 << 20),
        ("CPU", 77),
        ("NOFILE", 33),
        ("FSIZE", 5000),
        ("STACK", 8 << 20),
        ("MEMLOCK", 0),
        ("CORE", 0),
        ("MSGQUEUE", 0),
        ("RTPRIO", 0),
        ("NICE", 0),
        ("NPROC", 4),
        ("SIGPENDING", 64),
    ] {
        // A second lies between the signal and the kill: see `confine::limits`.
        let hard = if name == "CPU" { value + 1 } else { value };
        let line = format!("{name} {value} {hard}");
        assert!(found.lines().any(|found| found == line), "{line} is not among\n{found}");
    }
    assert_eq!(prisoner.number("t_allocate", &wire().u64(100 << 20).0), 1);
    assert_eq!(prisoner.number("t_allocate", &wire().u64(400 << 20).0), 0);
    // An error and no signal: the prisoner can answer.
    let too_large = u32::try_from(libc::EFBIG).unwrap();
    assert_eq!(prisoner.number("t_fill", &wire().u32(10).0), too_large);
}

#[test]
fn scratch_space_has_the_size_that_was_granted_and_without_it_there_is_none() {
    let limits = Limits { scratch_bytes: 64 << 10, ..Limits::default() };
    let mut prisoner = Prisoner::with(&Policy { limits, ..Policy::default() });
    assert_eq!(prisoner.number("t_fill", &wire().u32(10).0), 0);
    let full = u32::try_from(libc::ENOSPC).unwrap();
    assert_eq!(prisoner.number("t_fill", &wire().u32(100).0), full);
    let refused = u32::try_from(libc::EPERM).unwrap();
    assert_eq!(Prisoner::new().number("t_fill", &wire().u32(1).0), refused);
}

#[test]
fn a_granted_port_is_reached_and_no_other() {
    let [granted, other] = [0, 1].map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let port = |listener: &std::net::TcpListener| listener.local_addr().unwrap().port();
    let mut policy = Policy::default();
    policy.grants.connect.push(Destination {
        host: "localhost".into(),
        addresses: vec!["127.0.0.1".parse().unwrap()],
        port: port(&granted),
    });
    let mut prisoner = Prisoner::with(&policy);
    let mut connect = |port: u16| prisoner.number("t_connect", &wire().u32(port.into()).0);
    assert_eq!(connect(port(&granted)), 0);
    assert_eq!(connect(port(&other)), u32::try_from(libc::EACCES).unwrap());
    let mut without = Prisoner::new();
    let refused = without.number("t_connect", &wire().u32(port(&granted).into()).0);
    assert_eq!(refused, u32::try_from(libc::EACCES).unwrap());
}

#[test]
fn a_granted_device_is_read_and_no_terminal_command_reaches_it() {
    let mut policy = Policy::default();
    policy.grants.devices.push("/dev/zero".into());
    let eperm = u32::try_from(libc::EPERM).unwrap();
    assert_eq!(Prisoner::with(&policy).number("t_device", &[]), eperm << 16);
    assert_eq!(Prisoner::new().number("t_device", &[]), eperm);
}

#[test]
fn a_forbidden_system_call_ends_the_process_and_is_named_from_outside() {
    assert!(NEVER.len() >= 50);
    for never in NEVER {
        let call = wire().i64(never.number).0;
        let (number, name) = violation(never.name, "t_syscall", &call);
        assert_eq!(
            (i64::try_from(number).unwrap(), name.as_deref()),
            (never.number, Some(never.name))
        );
    }
    // One that no list has.
    assert_eq!(violation("600", "t_syscall", &wire().i64(600).0), (600, None));
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
    let pid = Prisoner::new().call("t_syscall", &wire().i64(libc::SYS_getpid).0);
    assert_eq!(pid, wire().i64(1).0);
}

#[test]
fn what_is_refused_is_told_once_with_the_grant_that_would_allow_it() {
    let mut prisoner = Prisoner::new();
    // The constructor has tried `socket`.
    for number in [libc::SYS_clone, libc::SYS_getppid, libc::SYS_clone] {
        let answer = prisoner.call("t_syscall", &wire().i64(number).0);
        assert_eq!(answer, wire().i64(-1).0, "{number}");
    }
    let told = ["socket", "clone", "getppid"].map(|call| {
        let Some((FromStage::Noticed(notice), _)) = report(&prisoner.shim.control) else {
            panic!("{call} was not told")
        };
        assert_eq!(notice.call, call);
        notice.grant
    });
    assert_eq!(told, [Some("connect=HOST:PORT".to_owned()), Some("threads=8".to_owned()), None]);
    assert_eq!(prisoner.shim.ask(&ToShim::Shutdown, &[]).0, protocol::message::ToRunner::Bye);
    prisoner.shim.end();
}

fn violation(what: &str, name: &str, args: &[u8]) -> (u64, Option<String>) {
    let violation = assert_sigsys(what, name, args);
    let violation = violation.unwrap_or_else(|| panic!("{what}: the call was not seen"));
    (violation.number, violation.name)
}

fn assert_sigsys(what: &str, name: &str, args: &[u8]) -> Option<protocol::stage::Violation> {
    let mut prisoner = Prisoner::new();
    let function = prisoner.function(name);
    prisoner.shim.send(&ToShim::Call { id: 1, function }, args);
    let (ending, _) = prisoner.shim.end();
    assert_eq!(signal(&ending), Some(libc::SIGSYS), "{what}: {ending:?}");
    ending.violation
}

#[test]
fn what_cannot_be_granted_refuses_the_start_with_its_name() {
    let (mut stage, control) = stage(&BUNDLE);
    let tree = Tree { path: "/nowhere/at/all".into(), access: Access::Read };
    let mut policy = Policy::default();
    policy.grants.trees.push(tree);
    ask_for_jail(&control, &policy, &[]);
    let Some((FromStage::Refused { text }, _)) = report(&control) else { panic!() };
    assert!(text.as_raw().contains("/nowhere/at/all"), "{text}");
    assert_eq!(stage.wait().unwrap().code(), Some(3));
    let mut stderr = String::new();
    stage.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(stderr, "", "the runner was told, nobody else");
}
