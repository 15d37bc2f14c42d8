//! Every WIT type crosses to a library and back, isolated and in the process of wrun itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use tests::{Run, Wrun, bundle, guest};

fn echo(options: &[&str], args: &[&str]) -> Run {
    Wrun::new().args(options).bundle(bundle("echo")).arg(guest("echo-all")).args(args).run()
}

#[test]
fn every_type_crosses_to_an_isolated_library_and_back() {
    let run = echo(&["--isolate"], &[]);
    run.expect_code(0);
    assert!(!run.stdout.contains("FAIL"), "{}", run.stdout);
}

#[test]
fn every_type_crosses_to_a_library_in_process_and_back() {
    let run = echo(&["--in-process"], &[]);
    run.expect_code(0);
    assert!(!run.stdout.contains("FAIL"), "{}", run.stdout);
}

#[test]
fn configuration_reaches_init() {
    let wrun = Wrun::new();
    std::fs::write(wrun.work().join("greeting"), "from a file\n").unwrap();
    let run = wrun
        .args(["--bundle-config-from", "echo.greeting=file:greeting"])
        .bundle(bundle("echo"))
        .arg(guest("echo-all"))
        .arg("show-config")
        .run();
    run.expect_code(0);
    assert_eq!(run.stdout, "greeting=from a file\n", "the newline is not part of the value");
}

#[test]
fn a_panic_in_an_adapter_is_an_error_with_its_message() {
    for mode in ["--isolate", "--in-process"] {
        let run = echo(&[mode], &["panic", "the adapter gave up"]);
        run.expect_code(1)
            .expect_stderr("bundle `echo`: the adapter panicked")
            .expect_stderr("the adapter gave up");
    }
}

#[test]
fn a_panic_in_a_destructor_is_an_error_as_well() {
    echo(&[], &["panic-in-drop", "the destructor gave up"])
        .expect_code(1)
        .expect_stderr("the adapter panicked");
}

#[test]
fn handles_that_the_guest_does_not_hold_are_refused_by_the_guests_own_tables() {
    echo(&[], &["wrong-handle"]).expect_code(134);
    echo(&[], &["dropped-handle"]).expect_code(134);
}
