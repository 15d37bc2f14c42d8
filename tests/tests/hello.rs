//! A plain WASI component needs no bundle and runs as under `wasmtime run`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::fs;
use tests::{Wrun, guest};

fn hello() -> Wrun {
    Wrun::new().arg(guest("hello"))
}

#[test]
fn arguments_after_the_component_go_to_the_guest() {
    let run = hello().args(["args", "--dir", "-x", "two words"]).run();
    run.expect_code(0);
    assert_eq!(run.stdout, "hello.wasm\nargs\n--dir\n-x\ntwo words\n");
}

#[test]
fn argv0_replaces_the_file_name() {
    let run = Wrun::new().args(["--argv0", "other"]).arg(guest("hello")).arg("args").run();
    run.expect_code(0);
    assert_eq!(run.stdout, "other\nargs\n");
}

#[test]
fn run_is_the_default_subcommand() {
    let run = Wrun::new().arg("run").arg(guest("hello")).run();
    run.expect_code(0);
    assert_eq!(run.stdout, "hello, world\n");
}

#[test]
fn the_guest_sees_only_the_environment_that_it_is_given() {
    let run = Wrun::new()
        .env("TAKEN", "over")
        .args(["--env", "A=1", "--env", "EMPTY=", "--env", "TAKEN"])
        .arg(guest("hello"))
        .arg("env")
        .run();
    run.expect_code(0);
    assert_eq!(run.stdout, "A=1\nEMPTY=\nTAKEN=over\n");
}

#[test]
fn standard_input_and_error_are_the_guests() {
    let run = hello().arg("upper").stdin("two\nlines\n").run();
    run.expect_code(0);
    assert_eq!(run.stdout, "TWO\nLINES\n");
    let run = hello().args(["err", "to stderr"]).run();
    run.expect_code(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", "to stderr\n"));
}

#[test]
fn a_granted_directory_is_read_and_written_under_its_guest_name() {
    let wrun = Wrun::new();
    fs::create_dir(wrun.work().join("data")).unwrap();
    fs::write(wrun.work().join("data/in"), "from the host").unwrap();
    let run = wrun.args(["--dir", "data::/g"]).arg(guest("hello")).args(["cat", "/g/in"]).run();
    run.expect_code(0);
    assert_eq!(run.stdout, "from the host");

    let wrun = Wrun::new();
    let run = wrun.args(["--dir", "."]).arg(guest("hello")).args(["write", "out", "text"]).run();
    run.expect_code(0);
    assert_eq!(fs::read_to_string(run.folder.path().join("work/out")).unwrap(), "text");
}

#[test]
fn without_a_grant_there_are_no_files() {
    let run = hello().args(["cat", "/etc/passwd"]).run();
    run.expect_code(1).expect_stderr("hello:");
    assert_eq!(run.stdout, "");
}

#[test]
fn the_exit_code_of_the_guest_is_that_of_wrun() {
    for code in [0, 1, 2, 7, 255] {
        let run = Wrun::new().arg(guest("exit-code")).arg(code.to_string()).run();
        run.expect_code(code);
        assert_eq!(run.stderr, "");
    }
}

#[test]
fn a_trap_is_134_and_shows_where() {
    let run = hello().args(["panic", "on purpose"]).run();
    run.expect_code(134).expect_stderr("on purpose").expect_stderr("wasm backtrace");
}

#[test]
fn compiled_code_is_kept_in_the_users_cache_unless_told_otherwise() {
    let cache = tempfile::tempdir().unwrap();
    let run = |options: &[&str]| {
        let wrun = Wrun::new().env("XDG_CACHE_HOME", cache.path());
        wrun.args(options).arg(guest("hello")).run().expect_code(0);
        // What the cache notes about its own use is written in the background, or not any more.
        let mut files = tests::tree(cache.path());
        files.retain(|path| !path.ends_with(".stats") && !path.contains("wip-"));
        files
    };
    assert_eq!(run(&["--no-cache"]), [""; 0]);
    let kept = run(&[]);
    assert!(!kept.is_empty());
    assert_eq!(run(&[]), kept, "the second start compiles nothing");
}
