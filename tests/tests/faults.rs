//! What a library does to itself costs the guest an error, and nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::path::Path;
use tests::{Run, Wrun, fixture};

fn poke(define: Option<&str>, deed: &str) -> Run {
    let wrun = Wrun::new();
    let fault = fixture("fault", define, &wrun.work());
    run(wrun, &fault, deed, &[])
}

fn run(wrun: Wrun, fault: &Path, deed: &str, options: &[&str]) -> Run {
    wrun.args(options)
        .bundle(fault)
        .bundle(tests::bundle("echo"))
        .arg(tests::guest("poke"))
        .arg(deed)
        .run()
}

#[test]
fn an_honest_answer_arrives() {
    let run = poke(None, "answer");
    run.expect_code(0).expect_stdout("neighbour: 42\nanswer: 42\n");
}

#[test]
fn a_segmentation_fault_ends_the_call_and_names_bundle_function_and_signal() {
    let run = poke(None, "segfault");
    run.expect_code(1)
        .expect_stdout("neighbour: 42\n")
        .expect_stderr("bundle `fault`: its process was killed by signal SIGSEGV")
        .expect_stderr("test:fault/library@0.1.0#do");
}

#[test]
fn an_abort_ends_the_call() {
    poke(None, "abort").expect_code(1).expect_stderr("killed by signal SIGABRT");
}

#[test]
fn a_library_that_exits_with_0_is_not_a_success() {
    poke(None, "leave").expect_code(1).expect_stderr("its process exited with code 0");
}

#[test]
fn a_hanging_call_is_ended_by_its_deadline() {
    let wrun = Wrun::new();
    let fault = fixture("fault", None, &wrun.work());
    let run = run(wrun, &fault, "hang", &["--call-timeout", "300ms"]);
    run.expect_code(1).expect_stderr("no answer within 300ms; its process was killed");
}

#[test]
fn a_deadline_beyond_all_clocks_is_no_crash() {
    let wrun = Wrun::new();
    let fault = fixture("fault", None, &wrun.work());
    run(wrun, &fault, "answer", &["--call-timeout", "500000000000years"]).expect_code(0);
}

#[test]
fn a_forbidden_system_call_is_reported_as_such() {
    poke(None, "forbidden-call")
        .expect_code(1)
        .expect_stderr("made the system call ptrace(0x0,")
        .expect_stderr("which no bundle may make, and was killed (SIGSYS)");
}

#[test]
fn a_string_that_is_not_utf8_never_reaches_the_guest() {
    let run = poke(None, "lie");
    run.expect_code(1)
        .expect_stderr("the library returned an invalid value")
        .expect_stderr("not UTF-8");
    assert!(!run.stdout.contains("answer"), "{}", run.stdout);
}

#[test]
fn a_crash_while_loading_is_a_failed_start() {
    let run = poke(Some("CRASH_WHILE_LOADING"), "answer");
    run.expect_code(1).expect_stderr("bundle `fault`: its process was killed by signal SIGILL");
    assert_eq!(run.stdout, "", "the guest must not have started");
}

#[test]
fn what_a_library_prints_is_prefixed_and_harmless() {
    let run = poke(Some("CHATTER"), "answer");
    run.expect_code(0).expect_stderr("fault: \\u{1b}]0;owned\\u{7} hello from the library\n");
}
