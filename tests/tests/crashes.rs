//! Every way to crash, as `../shared/SECURITY.md` counts them: the guest gets an error that says
//! what happened, the neighbour goes on, and the next call finds a fresh process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::fs;
use tests::{Fixture, Moods, Run, Wrun, bundle, fixture, guest, root};

/// The library does the deed; then the neighbour and a fresh process are asked.
fn crash(deed: &str) -> Run {
    let run = Moods::default().errors().run(&[&format!("text={deed}"), "neighbour", "count"]);
    run.expect_code(0).expect_stdout("Err(").expect_stdout("neighbour: 42\ncount: 1\n");
    assert_eq!(run.stderr.matches("warning: bundle `moods`: ").count(), 1, "{}", run.stderr);
    run
}

fn by_signal(deed: &str, signal: &str) {
    let text = format!("bundle `moods`: its process was killed by signal {signal} (in `");
    crash(deed).expect_stderr(&text);
}

#[test]
fn c01_a_segmentation_fault_is_named() {
    by_signal("segfault", "SIGSEGV");
}

#[test]
fn c02_an_abort_is_named() {
    by_signal("abort", "SIGABRT");
}

#[test]
fn c03_an_illegal_instruction_is_named() {
    by_signal("illegal", "SIGILL");
}

#[test]
fn c04_a_division_by_zero_is_named() {
    by_signal("divide", "SIGFPE");
}

#[test]
fn c05_a_bus_error_is_named() {
    by_signal("bus", "SIGBUS");
}

#[test]
fn c06_a_smashed_stack_is_named() {
    by_signal("smash-stack", "SIGABRT");
}

#[test]
fn c07_an_exit_with_0_is_no_success() {
    crash("exit-zero").expect_stderr("bundle `moods`: its process exited with code 0 (in `");
}

#[test]
fn c08_an_exit_with_a_code_is_named() {
    crash("exit-many").expect_stderr("bundle `moods`: its process exited with code 42 (in `");
}

#[test]
fn c09_a_raw_exit_of_the_main_thread_is_named() {
    crash("exit-raw").expect_stderr("bundle `moods`: its process exited with code 7 (in `");
}

#[test]
fn c11_a_crash_in_a_constructor_is_a_failed_start_with_the_name() {
    let run = Moods::new(Some("CRASH_WHILE_LOADING")).run(&["neighbour"]);
    run.expect_code(1).expect_stderr("bundle `moods`: its process was killed by signal SIGILL\n");
    assert_eq!(run.stdout, "", "the guest must not have started");
}

#[test]
fn c11_a_missing_symbol_is_a_failed_start_with_the_name() {
    let run = Moods::new(Some("NEEDS_MORE")).run(&["neighbour"]);
    run.expect_code(1).expect_stderr("bundle `moods`: its library could not be loaded: ");
    run.expect_stderr("not_defined_anywhere");
}

#[test]
fn c11_a_library_for_another_machine_is_refused_before_anything_starts() {
    let wrun = Wrun::new();
    let moods = fixture("moods", None, &wrun.work());
    let library = moods.join("lib/libmoods.so");
    let mut bytes = fs::read(&library).unwrap();
    // e_machine: a processor that nobody has.
    bytes[18..20].copy_from_slice(&[0xf3, 0x7f]);
    fs::write(&library, bytes).unwrap();
    let run = wrun.bundle(&moods).bundle(bundle("echo")).arg(guest("moods")).arg("neighbour").run();
    run.expect_code(1).expect_stderr("libmoods.so");
    assert_eq!(run.stdout, "");
}

#[test]
fn c12_what_a_library_does_at_an_orderly_end_is_not_run() {
    let run = Moods::new(Some("BAD_END")).run(&["plain=answer"]);
    run.expect_code(0).expect_stdout("plain=answer: 42\n");
    assert_eq!(run.stderr, "");
}

#[test]
fn r01_memory_that_is_used_up_is_named_as_that_limit() {
    let run = Moods::default().options(&["--grant", "moods:memory=128M"]).errors().run(&[
        "text=eat-memory",
        "neighbour",
        "count",
    ]);
    run.expect_code(0).expect_stdout("neighbour: 42\ncount: 1\n");
    run.expect_stderr("bundle `moods`: its process ");
}

#[test]
fn r08_processor_time_that_is_used_up_is_named_as_that_limit() {
    let run = Moods::default().options(&["--grant", "moods:cpu=1s"]).errors().run(&[
        "text=spin",
        "neighbour",
        "count",
    ]);
    run.expect_code(0).expect_stdout("neighbour: 42\ncount: 1\n");
    run.expect_stderr("bundle `moods`: its process had used up its processor time (limit `cpu`)");
}

#[test]
fn r16_unbounded_recursion_is_a_segmentation_fault() {
    by_signal("overflow-stack", "SIGSEGV");
}

/// `echo` shows what becomes of a panic of an author's Rust code: it is caught on the library's side.
#[test]
fn c10_an_exception_that_nobody_catches_is_an_abort() {
    let wrun = Wrun::new();
    let throw = root().join("tests/fixtures/moods/throw.cc");
    let moods = Fixture::new("moods")
        .flag(throw.to_string_lossy())
        .flag("-static-libgcc")
        .flag("-Wl,-Bstatic,-lstdc++,-Bdynamic")
        .bundle(&wrun.work());
    let wrun = wrun.bundle(&moods).bundle(bundle("echo")).arg(guest("moods"));
    let run = wrun.arg("neighbour").arg("plain=throw").run();
    run.expect_code(1).expect_stdout("neighbour: 42\n");
    run.expect_stderr("bundle `moods`: its process was killed by signal SIGABRT (in `");
}
