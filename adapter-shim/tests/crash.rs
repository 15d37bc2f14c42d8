//! What is told of a library that crashes: where it was, and what it had used up.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod common;

use common::shim::{Shim, signal};
use common::{Bundle, LIBRARY, Planner, wire};
use protocol::message::{ToRunner, ToShim};
use protocol::policy::{Limits, Policy};
use protocol::stage::{CRASH_FRAMES_MAX, Collected, Ending};
use protocol::types::Type;
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

/// One for all: a library is compiled once, and each crash is of another process.
static BUNDLE: LazyLock<Bundle> = LazyLock::new(|| Bundle::shared("crash"));

const NAME: &str = "libtest.so";

fn policy() -> Policy {
    let limits = Limits { threads: 8, memory_bytes: 2 << 30, ..Limits::default() };
    Policy { limits, ..Policy::default() }
}

/// How a process ends in which `function` is called.
fn crashed_with(function: &str, params: &[Type], args: &[u8], policy: &Policy) -> Ending {
    let mut plan = Planner::new();
    plan.plan.realloc = None;
    let index = plan.function(function, params, None);
    let mut shim = Shim::ready_with(&BUNDLE, &plan.plan, policy);
    shim.send(&ToShim::Call { id: 1, function: index }, args);
    shim.end().0
}

fn crashed(function: &str) -> Ending {
    crashed_with(function, &[], &[], &policy())
}

/// The symbols of a library, by their addresses.
fn symbols(bundle: &Bundle) -> Vec<(u64, String)> {
    let library = bundle.path().join(LIBRARY);
    let output = Command::new("nm").args(["-D", "--defined-only"]).arg(library).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut symbols: Vec<_> = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|fields| fields[1] == "T")
        .map(|fields| (u64::from_str_radix(fields[0], 16).unwrap(), fields[2].to_owned()))
        .collect();
    symbols.sort();
    symbols
}

/// The functions of the library in which it was, innermost first.
fn functions(bundle: &Bundle, ending: &Ending) -> Vec<String> {
    let symbols = symbols(bundle);
    let crash = ending.crash.as_ref().unwrap_or_else(|| panic!("{ending:?}"));
    let own = crash.frames.iter().filter(|frame| frame.module.as_deref() == Some(NAME));
    own.map(|frame| {
        let before = symbols.partition_point(|(address, _)| *address <= frame.offset);
        symbols[before - 1].1.clone()
    })
    .collect()
}

/// Ended by this signal, in these functions; `collected` tells by whom they were found.
fn assert_crash(ending: &Ending, number: i32, collected: Collected, expected: &[&str]) {
    assert_eq!(signal(ending), Some(number), "{ending:?}");
    assert_eq!(ending.crash.as_ref().map(|it| it.collected), Some(collected), "{ending:?}");
    assert_eq!(functions(&BUNDLE, ending), expected, "{ending:?}");
}

#[test]
fn a_fault_is_told_with_the_way_to_it() {
    let ending = crashed("t_segfault");
    let way = ["inner_fault", "middle_fault", "t_segfault"];
    assert_crash(&ending, libc::SIGSEGV, Collected::Inside, &way);
    // Behind the library's functions stand those that have called it.
    let crash = ending.crash.unwrap();
    let last = crash.frames.iter().filter_map(|frame| frame.module.as_deref()).next_back();
    assert!(matches!(last, Some("adapter-shim" | "libc.so.6")), "{crash:?}");
}

#[test]
fn an_abort_is_told_with_the_way_to_it() {
    let ending = crashed("t_abort");
    assert_crash(&ending, libc::SIGABRT, Collected::Inside, &["gives_up", "t_abort"]);
    assert_eq!(ending.crash.unwrap().frames[0].module.as_deref(), Some("libc.so.6"));
}

#[test]
fn other_faults_are_told_with_the_way_to_them() {
    let ending = crashed("t_raise");
    assert_crash(&ending, libc::SIGSEGV, Collected::Inside, &["t_raise"]);
    #[cfg(target_arch = "x86_64")]
    {
        let ending = crashed("t_divide");
        assert_crash(&ending, libc::SIGFPE, Collected::Inside, &["divides", "t_divide"]);
        let ending = crashed("t_trap");
        assert_crash(&ending, libc::SIGILL, Collected::Inside, &["t_trap"]);
    }
}

#[test]
fn a_call_of_a_bad_pointer_is_told_with_its_caller() {
    let ending = crashed("t_call_nobody");
    assert_crash(&ending, libc::SIGSEGV, Collected::Inside, &["calls_nobody"]);
    let first = ending.crash.unwrap().frames.remove(0);
    assert_eq!((first.module, first.offset), (None, 0));
}

/// The stack is used up, so nothing can run on it.
#[test]
fn r16_a_stack_overflow_names_the_function_that_recurses() {
    let ending = crashed("t_overflow");
    assert_crash(&ending, libc::SIGSEGV, Collected::Inside, &["recurses"; CRASH_FRAMES_MAX]);
}

#[test]
fn a_crash_in_another_thread_is_told_as_one_in_the_first() {
    let ending = crashed("t_thread");
    let way = ["inner_fault", "middle_fault", "crashes_in_thread"];
    assert_crash(&ending, libc::SIGSEGV, Collected::Inside, &way);
    assert_eq!(ending.usage.threads, Some(2));
}

#[test]
fn of_crashes_at_the_same_time_one_is_told_whole() {
    let ending = crashed("t_threads");
    let way = ["inner_fault", "middle_fault", "crashes_in_thread", "crashes_together"];
    assert_eq!(signal(&ending), Some(libc::SIGSEGV), "{ending:?}");
    assert_eq!(functions(&BUNDLE, &ending), way, "{ending:?}");
}

#[test]
fn a_crash_in_a_constructor_is_told() {
    let bundle = Bundle::new("crash");
    bundle.compile("crash", LIBRARY, &["-DCRASH_WHILE_LOADING"]);
    let mut shim = Shim::start_with(&bundle, &Policy::default());
    shim.greet();
    assert_eq!(shim.plan(&Planner::new().plan), ToRunner::Confined);
    shim.send(&ToShim::Load, &[]);
    let (ending, _) = shim.end();
    assert_eq!(signal(&ending), Some(libc::SIGSEGV), "{ending:?}");
    let way = ["inner_fault", "middle_fault", "crashing_constructor"];
    assert_eq!(functions(&bundle, &ending), way, "{ending:?}");
}

#[test]
fn a_handler_of_the_library_that_gives_in_leaves_what_the_stage_sees() {
    let ending = crashed("t_handled_at_first");
    assert_eq!(signal(&ending), Some(libc::SIGSEGV), "{ending:?}");
    assert_eq!(ending.crash.as_ref().map(|it| it.collected), Some(Collected::Outside));
    assert_eq!(functions(&BUNDLE, &ending)[0], "inner_fault");
}

#[test]
fn a_handler_of_the_library_that_asks_the_one_before_it_is_no_obstacle() {
    let ending = crashed("t_handled_in_turn");
    let way = ["inner_fault", "middle_fault", "t_handled_in_turn"];
    assert_crash(&ending, libc::SIGSEGV, Collected::Inside, &way);
}

/// Longer than the adapter's own handler may take.
#[test]
fn a_handler_of_the_library_may_take_its_time_and_go_on() {
    let mut plan = Planner::new();
    plan.plan.realloc = None;
    let over = plan.function("t_handled_and_over", &[], Some(Type::U32));
    let mut shim = Shim::ready_with(&BUNDLE, &plan.plan, &policy());
    assert_eq!(shim.call(over, &[]), wire().u32(42).0);
    assert_eq!(shim.ask(&ToShim::Shutdown, &[]).0, ToRunner::Bye);
    let (ending, _) = shim.end();
    assert_eq!(ending.crash, None);
}

/// As without handlers of the adapter: the runner's deadline ends it.
#[test]
fn a_fault_that_the_library_repeats_for_ever_ends_with_the_runners_patience() {
    let mut plan = Planner::new();
    plan.plan.realloc = None;
    let function = plan.function("t_handled_for_ever", &[], None);
    let mut shim = Shim::ready_with(&BUNDLE, &plan.plan, &policy());
    shim.send(&ToShim::Call { id: 1, function }, &[]);
    // The kernel counts the faults: it is at it, and nothing has ended it.
    let path = format!("/proc/{}/status", shim.pid());
    let switches = || {
        let status = std::fs::read_to_string(&path).unwrap();
        let line = status.lines().find(|line| line.starts_with("voluntary_ctxt")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let before = switches();
    while switches() < before + 1000 {
        std::thread::yield_now();
    }
    shim.control.shutdown(std::net::Shutdown::Write).unwrap();
    let (ending, _) = shim.end();
    assert_eq!(signal(&ending), Some(libc::SIGKILL), "{ending:?}");
}

#[test]
fn a_library_that_writes_into_the_record_harms_only_what_is_told() {
    for value in [0, 1, 0x4141_4141_4141_4141, u64::MAX] {
        let args = wire().u64(value).0;
        let ending = crashed_with("t_scribble", &[Type::U64], &args, &policy());
        assert_eq!(signal(&ending), Some(libc::SIGSEGV), "{value:#x}: {ending:?}");
        let frames = ending.crash.map_or(0, |crash| crash.frames.len());
        assert!(frames <= CRASH_FRAMES_MAX, "{value:#x}");
    }
}

#[test]
fn a_handler_that_waits_for_ever_does_not_keep_a_crash_from_being_one() {
    let ending = crashed("t_hang");
    assert_eq!(signal(&ending), Some(libc::SIGSEGV), "{ending:?}");
}

#[test]
fn what_was_used_up_is_told_with_every_end() {
    let ending = crashed("t_abort");
    let peak = ending.usage.memory_peak.unwrap();
    assert!((1 << 20..2 << 30).contains(&peak), "{ending:?}");
    assert_eq!(ending.usage.threads, Some(1));
    let mut plan = Planner::new();
    plan.plan.realloc = None;
    let mut shim = Shim::ready(&BUNDLE, &plan.plan);
    assert_eq!(shim.ask(&ToShim::Shutdown, &[]).0, ToRunner::Bye);
    let (ending, _) = shim.end();
    assert!(ending.usage.memory_peak.is_some() && ending.crash.is_none(), "{ending:?}");
}

#[test]
fn the_end_of_its_processor_time_is_told_as_that() {
    let limits = Limits { cpu_seconds: 1, ..Limits::default() };
    let policy = Policy { limits, ..Policy::default() };
    let ending = crashed_with("t_spend", &[], &[], &policy);
    assert_eq!(signal(&ending), Some(libc::SIGXCPU), "{ending:?}");
    // The limit is counted in ticks of the clock, the usage exactly.
    assert!(ending.usage.cpu >= Duration::from_millis(500), "{ending:?}");
    assert_eq!(ending.crash, None);
}
