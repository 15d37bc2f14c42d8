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
    pokes(wrun, fault, &[deed], options)
}

fn pokes(wrun: Wrun, fault: &Path, deeds: &[&str], options: &[&str]) -> Run {
    wrun.args(options)
        .bundle(fault)
        .bundle(tests::bundle("echo"))
        .arg(tests::guest("poke"))
        .args(deeds)
        .run()
}

/// Some deeds of one library. None is answered but with 42, and the last not at all.
fn poke_all(deeds: &[&str]) -> Run {
    let wrun = Wrun::new();
    let fault = fixture("fault", None, &wrun.work());
    let run = pokes(wrun, &fault, deeds, &["--grant", "fault:threads=4", "--call-timeout", "5s"]);
    run.expect_code(1).expect_stderr("bundle `fault`: ");
    let wrong = run.stdout.lines().find(|line| !["neighbour: 42", "answer: 42"].contains(line));
    assert_eq!(wrong, None);
    assert!(run.stdout.starts_with("neighbour: 42\n"), "{}", run.stdout);
    run
}

/// One of these is why the run has ended.
#[track_caller]
fn expect_one_of(run: &Run, ends: &[&str]) {
    assert!(ends.iter().any(|end| run.stderr.contains(end)), "{}", run.stderr);
}

const BROKE: &str = "bundle `fault`: its process broke the protocol and was killed: ";

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

#[test]
fn what_a_library_prints_ends_at_its_limit_and_obeys_the_level() {
    let chatter = |options: &[&str], level: &str| {
        let wrun = Wrun::new().env("WRUN_LOG", level);
        let fault = fixture("fault", Some("CHATTER"), &wrun.work());
        let seen = run(wrun, &fault, "answer", options);
        seen.expect_code(0);
        seen.stderr
    };
    let cut = chatter(&["--grant", "fault:stderr=8"], "");
    assert!(cut.contains("fault: … ") && cut.contains("more bytes were dropped"), "{cut}");
    assert!(!cut.contains("hello from the library"), "{cut}");
    assert_eq!(chatter(&[], "error"), "");
    let event = chatter(&[], "wrun::bundle=info");
    assert!(event.contains("INFO") && event.contains("hello from the library"), "{event}");
}

#[test]
fn r09_a_library_that_answers_without_end_is_killed_at_the_first_answer_too_many() {
    let run = poke_all(&["flood", "answers"]);
    run.expect_stderr(BROKE);
}

#[test]
fn r10_an_answer_above_the_cap_is_refused_by_its_header() {
    let run = poke_all(&["write-too-large"]);
    run.expect_stderr(&format!("{BROKE}frame payload of 16777217 bytes, allowed are 16777216"));
}

#[test]
fn c13_a_library_that_writes_over_the_shims_heap_ends_its_own_process() {
    // What it hits depends on the allocator: the shim crashes, hangs, or sends what is no answer.
    let run = poke_all(&["scribble", "answers"]);
    let ends = ["was killed by signal SIG", "exited with code ", "no answer within 5s", BROKE];
    expect_one_of(&run, &ends);
    poke_all(&["write-junk"]).expect_stderr(&format!("{BROKE}frame header has mark "));
}

#[test]
fn h03_a_library_that_closes_the_channel_and_lives_on_is_killed() {
    let run = poke_all(&["close-channel"]);
    run.expect_stderr("bundle `fault`: its process broke the protocol and was killed: it closed its connection and went on");
}

#[test]
fn h04_a_library_that_steals_requests_ends_its_own_process() {
    // From a second thread it gets some bytes of some request; what the shim gets is no request, or
    // nothing.
    let run = poke_all(&["steal", "answers", "answers", "answers", "answers", "answers"]);
    expect_one_of(&run, &["exited with code 4", "no answer within 5s", BROKE]);
    // In the shim's place it gets them all, and nobody answers.
    let run = poke_all(&["answer-and-take", "answer"]);
    run.expect_stdout("neighbour: 42\nanswer: 42\n");
    run.expect_stderr("no answer within 5s; its process was killed");
}
