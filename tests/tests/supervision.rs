//! A bundle that failed is started again, within its budget, and what the guest sees of it is what
//! the operator said.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use tests::Moods;

#[test]
fn the_next_call_starts_a_fresh_process_with_the_same_configuration() {
    let run = Moods::default().errors().options(&["--bundle-config", "moods.mood=sunny"]).run(&[
        "count",
        "count",
        "setting",
        "text=segfault",
        "count",
        "setting",
        "neighbour",
    ]);
    run.expect_code(0).expect_stdout("count: 1\ncount: 2\nsetting: sunny\ntext=segfault: Err(");
    run.expect_stdout("\ncount: 1\nsetting: sunny\nneighbour: 42\n");
    run.expect_stderr(
        "warning: bundle `moods`: its process was killed by signal SIGSEGV (in `test:",
    );
}

#[test]
fn with_never_the_bundle_stays_away_and_the_message_says_why() {
    let run = Moods::default().options(&["--supervise", "moods:restart=never"]).errors().run(&[
        "text=abort",
        "neighbour",
        "count",
    ]);
    run.expect_code(1).expect_stdout("neighbour: 42\n");
    run.expect_stderr("bundle `moods`: not available any more: its process was killed by signal");
}

#[test]
fn c16_a_crash_loop_uses_its_budget_up_and_ends_in_quarantine() {
    let run = Moods::default()
        .options(&["--supervise", "moods:restart-budget=2"])
        .options(&["--supervise", "moods:restart-backoff=1ms"])
        .errors()
        .run(&[
            "text=abort",
            "text=abort",
            "text=abort",
            "text=answer",
            "neighbour",
            "plain=answer",
        ]);
    run.expect_code(1).expect_stdout("neighbour: 42\n").expect_stdout("in quarantine (signal)");
    assert!(!run.stdout.contains("Ok(42)"), "{}", run.stdout);
    run.expect_stderr("bundle `moods`: in quarantine: it failed more than 2 times within 60s, at ");
}

#[test]
fn without_on_failure_the_guest_is_stopped() {
    let run = Moods::default().run(&["text=abort", "neighbour"]);
    run.expect_code(1).expect_stderr("bundle `moods`: its process was killed by signal SIGABRT");
    run.expect_stderr("(in `test:moods/library@0.1.0#text`, call 1)");
    assert_eq!(run.stdout, "");
}

#[test]
fn an_error_is_given_only_where_the_type_can_carry_one() {
    let run = Moods::default().errors().run(&["coded=abort", "text=abort", "named=abort"]);
    run.expect_code(1);
    run.expect_stdout(
        "coded=abort: Err(Trouble::HostFailure(\"bundle `moods` failed: its process ",
    );
    run.expect_stdout(
        "text=abort: Err(\"bundle `moods` failed: its process has ended (signal)\")\n",
    );
    assert!(!run.stdout.contains("named"), "an enum without the case cannot: {}", run.stdout);
}

#[test]
fn the_operator_names_the_case_that_stands_for_a_failure() {
    let named = |case: &str| {
        Moods::default()
            .errors()
            .options(&["--supervise", case])
            .run(&["named=abort", "coded=abort"])
    };
    let run = named("moods:failure-case=gone");
    run.expect_code(1).expect_stdout("named=abort: Err(Refusal { code: 1, name: \"gone\"");
    assert!(!run.stdout.contains("coded"), "{}", run.stdout);
    let run = named("moods:failure-case=quiet");
    run.expect_code(1);
    assert!(!run.stdout.contains("named"), "{}", run.stdout);
    // A string always can. A case whose payload is a number cannot say what happened.
    let run = Moods::default()
        .errors()
        .options(&["--supervise", "moods:failure-case=other"])
        .run(&["text=abort", "coded=abort"]);
    run.expect_code(1).expect_stdout("text=abort: Err(");
    assert!(!run.stdout.contains("coded"), "{}", run.stdout);
}

#[test]
fn p25_what_the_guest_is_told_has_no_path_and_no_address_of_the_host() {
    let run =
        Moods::default().errors().run(&["text=segfault", "coded=exit-many", "text=eat-memory"]);
    run.expect_code(0);
    assert!(!run.stdout.contains('/') && !run.stdout.contains("0x"), "{}", run.stdout);
}

#[test]
fn a_handle_of_an_ended_process_is_stale_and_never_one_of_the_next() {
    let run = Moods::default().errors().run(&[
        "new=7",
        "get",
        "text=abort",
        "new=8",
        "get",
        "drop",
        "tally",
        "get",
    ]);
    run.expect_code(1);
    run.expect_stdout("get: 7\n").expect_stdout("get: 8\ndrop: dropped\ntally: 0\n");
    run.expect_stderr("the guest's `test:moods/library@0.1.0#thing` is gone: it was held by a ");
}

#[test]
fn a_stale_handle_can_be_dropped_and_starts_no_process() {
    let run = Moods::default().errors().options(&["--supervise", "moods:restart=never"]).run(&[
        "new=7",
        "text=abort",
        "drop",
        "neighbour",
    ]);
    run.expect_code(0).expect_stdout("drop: dropped\nneighbour: 42\n");
}

#[test]
fn only_what_the_operator_declared_is_called_again() {
    // In a fresh process the second try finds the same deed, so two processes fail.
    let failures = |options: &[&str]| {
        let wrun = Moods::default().errors().options(options).steps(&["text=abort", "count"]);
        let run = wrun.env("WRUN_LOG", "wrun=warn").run();
        run.expect_code(0).expect_stdout("count: 1\n");
        run.stderr.matches("adapter process ended").count()
    };
    assert_eq!(failures(&[]), 1);
    let retry = "moods:retry-idempotent=test:moods/library#text";
    assert_eq!(failures(&["--supervise", retry]), 2);
    let other = "moods:retry-idempotent=test:moods/library@0.1.0#plain";
    assert_eq!(failures(&["--supervise", other]), 1);
}

#[test]
fn a_retry_of_what_is_not_there_or_takes_a_resource_is_refused_before_anything_runs() {
    let refused = |function: &str| {
        let rule = format!("moods:retry-idempotent=test:moods/library#{function}");
        let run = Moods::default().options(&["--supervise", &rule]).run(&["get", "take"]);
        assert_eq!(run.stdout, "");
        run.expect_code(1).stderr.clone()
    };
    let text = refused("txet");
    assert!(text.contains("the bundle has no function `test:moods/library#txet`"), "{text}");
    assert!(text.contains("did you mean `test:moods/library#text`?"), "{text}");
    let text = refused("take");
    assert!(text.contains("takes a resource, and resources end with their process"), "{text}");
}

#[test]
fn rules_of_hosts_toml_are_those_of_the_command_line() {
    let moods = Moods::default();
    let file = moods.work().join("hosts.toml");
    std::fs::write(
        &file,
        "format = 1\n[bundle.moods.supervision]\non-failure = \"error\"\nrestart-budget = 1\n         restart-backoff = \"1ms\"\nretry-idempotent = [\"test:moods/library#text\"]\n",
    )
    .unwrap();
    let run = moods.options(&["--host-config", "hosts.toml"]).run(&[
        "text=abort",
        "text=answer",
        "neighbour",
    ]);
    run.expect_code(0).expect_stdout("text=answer: Err(\"bundle `moods` failed: in quarantine");
    run.expect_stdout("neighbour: 42\n");
}

#[test]
fn a_wrong_rule_in_hosts_toml_is_refused_with_its_line() {
    let moods = Moods::default();
    let file = moods.work().join("hosts.toml");
    std::fs::write(&file, "format = 1\n[bundle.moods.supervision]\nrestart = \"always\"\n")
        .unwrap();
    let run = moods.options(&["--host-config", "hosts.toml"]).run(&["neighbour"]);
    run.expect_code(1).expect_stderr("hosts.toml, line 3: ");
    run.expect_stderr("`restart`: `always` is none of: never, on-failure");
}
