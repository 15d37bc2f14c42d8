//! `wrun bundle fault`: an author sees what a guest makes of a bundle that fails in a call of choice.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use tests::{Moods, Run};

fn fault(at: &[&str], options: &[&str], steps: &[&str]) -> Run {
    let mut moods = Moods::default().options(&["bundle", "fault"]);
    for at in at {
        moods = moods.options(&["--at", at]);
    }
    moods.errors().options(options).run(steps)
}

/// The second of three calls fails, and only that one.
fn second(deed: &str, kind: &str, words: &str) {
    let at = format!("moods:2={deed}");
    let three = ["text=answer", "text=answer", "text=answer", "neighbour"];
    let run = fault(&[&at], &["--call-timeout", "500ms"], &three);
    let failed = format!("Err(\"bundle `moods` failed: its process has ended ({kind})\")");
    let expected =
        format!("text=answer: Ok(42)\ntext=answer: {failed}\ntext=answer: Ok(42)\nneighbour: 42\n");
    run.expect_code(0).expect_stdout(&expected).expect_stderr(words);
}

#[test]
fn a_crash_hits_the_call_that_was_named_and_no_other() {
    second("crash", "signal", "its process was killed by signal SIGSEGV (in `test:moods/");
}

#[test]
fn an_abort_hits_the_call_that_was_named_and_no_other() {
    second("abort", "signal", "its process was killed by signal SIGABRT (in `test:moods/");
}

#[test]
fn a_kill_hits_the_call_that_was_named_and_no_other() {
    second("kill", "killed", "its process was killed from outside (in `test:moods/");
}

#[test]
fn a_hang_hits_the_call_that_was_named_and_no_other() {
    second("hang", "deadline", "no answer within 500ms; its process was killed (in `test:moods/");
}

#[test]
fn calls_are_counted_over_all_processes_and_destructors_count() {
    let steps = ["new=1", "drop", "text=answer", "text=answer", "text=answer"];
    let run = fault(&["moods:3=kill", "moods:5=kill"], &[], &steps);
    run.expect_code(0);
    let outcomes: Vec<_> = run.stdout.lines().map(|line| line.contains("Err(")).collect();
    assert_eq!(outcomes, [false, false, true, false, true], "{}", run.stdout);
}

#[test]
fn a_call_that_is_made_again_is_still_the_same_call() {
    let retry = ["--supervise", "moods:retry-idempotent=test:moods/library#text"];
    let run = fault(&["moods:2=kill", "moods:3=kill"], &retry, &["text=answer"; 4]);
    run.expect_code(0);
    assert_eq!(run.stdout, "text=answer: Ok(42)\n".repeat(4));
}

#[test]
fn a_fault_that_did_not_come_is_told() {
    let run = fault(&["moods:9=kill"], &[], &["text=answer"]);
    run.expect_code(0).expect_stdout("Ok(42)");
    run.expect_stderr("note: the fault moods:9=kill did not come: there were not as many calls\n");
}

#[test]
fn a_fault_that_makes_no_sense_is_refused_before_anything_starts() {
    for (at, words) in [
        ("moods:3", "--at moods:3: write CALL=DEED"),
        ("3=kill", "--at 3=kill: write CALL=DEED"),
        ("moods:0=kill", "write CALL=DEED"),
        ("moods:3=explode", "write CALL=DEED"),
        ("mods:3=kill", "--at mods:3=kill: there is no bundle `mods`"),
    ] {
        let run = fault(&[at], &[], &["text=answer"]);
        run.expect_code(2).expect_stderr(words);
        assert_eq!(run.stdout, "", "{at}");
    }
}
