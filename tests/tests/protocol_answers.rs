//! Messages of a hostile shim that come out of turn, for another request, or with lies in them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use protocol::frame::MARK;
use protocol::limits::TEXT_BYTES_MAX;
use protocol::message::{CallFault, Step as Stage, ToRunner, ToShim};
use protocol::text::ForeignText;
use protocol::version::{MAGIC, SUPPORTED, VersionRange};
use tests::{Count, Embedder, Fixture, Moment, Script, Step, Wrun, bundle, frame, guest};
use tests::{raw_frame, returned};
use wrun::OnFailure;

const BROKE: &str = "bundle `fake`: its process broke the protocol and was killed: ";

fn call(bytes: Vec<u8>) -> Script {
    Script::at(Moment::Call(1), [Step::Send(bytes)])
}

fn seven() -> [u8; 4] {
    7_u32.to_le_bytes()
}

fn failed(fault: CallFault, text: &str) -> Vec<u8> {
    frame(&ToRunner::CallFailed { id: 1, fault, text: ForeignText::new(text) }, &[])
}

/// What is made once for all runs is made, then counted: whatever is played later leaves no more.
fn warm() -> (Embedder, Count) {
    let mut embedder = Embedder::new();
    let _ = embedder.play(&call(vec![0; 8]), &["number"]);
    (embedder, Count::now())
}

#[test]
fn p10_a_payload_on_a_message_that_has_none_is_refused() {
    let (mut embedder, before) = warm();
    let failed = ToRunner::CallFailed {
        id: 1,
        fault: CallFault::Panicked,
        text: ForeignText::new("with a payload"),
    };
    let rule = format!("{BROKE}message CallFailed carries no payload");
    embedder.play(&call(frame(&failed, &[0])), &["number"]).expect_end("", &rule);
    let hello = ToRunner::Hello { magic: MAGIC, version: SUPPORTED.newest };
    let script = Script::at(Moment::Hello, [Step::Send(frame(&hello, &[0]))]);
    let rule = format!("{BROKE}message Hello carries no payload");
    embedder.play(&script, &[]).expect_end("", &rule);
    before.assert_again();
}

#[test]
fn p11_an_answer_to_another_request_ends_the_process() {
    let (mut embedder, before) = warm();
    for id in [0, 2, 300, u64::MAX] {
        let rule = format!("{BROKE}answer to request {id}, but request 1 is under way");
        embedder.play(&call(returned(id, &seven())), &["number"]).expect_end("", &rule);
    }
    // The same answer twice: to the request that it was for, and to the next one.
    let script = Script::at(Moment::Call(2), [Step::Send(returned(1, &seven()))]);
    let rule = format!("{BROKE}answer to request 1, but request 2 is under way");
    embedder.play(&script, &["number", "number"]).expect_end("number: 0\n", &rule);
    before.assert_again();
}

#[test]
fn p11_an_answer_before_its_request_buys_nothing() {
    let (mut embedder, before) = warm();
    let early = Step::Send(returned(1, &seven()));
    let script = Script::at(Moment::Load, [Step::Honest, early]);
    let outcome = embedder.play(&script, &["number", "number"]);
    // It is refused at once, or taken for the answer that the process could have given anyway. The
    // second answer to that request then ends it, or it finds two requests where one may be.
    let ends = [BROKE, "bundle `fake`: its process exited with code 4"];
    assert!(ends.iter().any(|end| outcome.error.contains(end)), "{outcome:#?}");
    assert!(["", "number: 7\n"].contains(&&*outcome.printed), "{outcome:#?}");
    before.assert_again();
}

#[test]
fn p12_an_answer_of_another_kind_ends_the_process() {
    let (mut embedder, before) = warm();
    let hello = ToRunner::Hello { magic: MAGIC, version: SUPPORTED.newest };
    let text = ForeignText::new("no");
    let not_now = [
        (ToRunner::Dropped { id: 1 }, "Dropped"),
        (hello, "Hello"),
        (ToRunner::Confined, "Confined"),
        (ToRunner::Ready, "Ready"),
        (ToRunner::Failed { step: Stage::Load, text }, "Failed"),
        (ToRunner::Bye, "Bye"),
    ];
    for (answer, name) in not_now {
        let rule = format!("{BROKE}message {name} is not allowed in phase InCall");
        embedder.play(&call(frame(&answer, &[])), &["number"]).expect_end("", &rule);
    }
    let script = Script::at(Moment::Drop(1), [Step::Send(returned(2, &[]))]);
    let rule = format!("{BROKE}message Return is not allowed in phase InDrop");
    embedder.play(&script, &["thing", "drop"]).expect_end("thing: 1 and 0\n", &rule);
    for (moment, answer, phase) in [
        (Moment::Hello, ToRunner::Ready, "message Ready is not allowed in phase Greeting"),
        (Moment::Plan, ToRunner::Ready, "message Ready is not allowed in phase Confining"),
        (Moment::Load, ToRunner::Confined, "message Confined is not allowed in phase Loading"),
    ] {
        let script = Script::at(moment, [Step::Send(frame(&answer, &[]))]);
        embedder.play(&script, &[]).expect_end("", &format!("{BROKE}{phase}"));
    }
    before.assert_again();
}

#[test]
fn p12_who_says_ready_without_a_jail_is_looked_at() {
    let (mut embedder, before) = warm();
    // Neither confined nor loaded: only the words.
    let script = Script::at(Moment::Plan, [Step::Send(frame(&ToRunner::Confined, &[]))])
        .then(Moment::Load, [Step::Send(frame(&ToRunner::Ready, &[]))]);
    let rule = "bundle `fake`: its process is not confined and was killed: its Seccomp_filters is ";
    embedder.play(&script, &["number"]).expect_end("", rule);
    before.assert_again();
}

#[test]
fn p14_a_request_from_the_shim_is_never_served() {
    let (mut embedder, before) = warm();
    let call_back = ToShim::Call { id: 1, function: 0 };
    let drop = ToShim::Drop { id: 1, resource: 0, handle: 1 };
    let hello = ToShim::Hello { magic: MAGIC, versions: SUPPORTED };
    for request in [call_back, drop, hello, ToShim::Plan, ToShim::Shutdown] {
        let outcome = embedder.play(&call(frame(&request, &[])), &["number"]);
        outcome.expect_end("", &format!("{BROKE}frame head is not a message"));
    }
    // Some requests have the bytes of an answer.
    let outcome = embedder.play(&call(frame(&ToShim::Load, &[])), &["number"]);
    outcome.expect_end("", &format!("{BROKE}message Confined is not allowed in phase InCall"));
    before.assert_again();
}

#[test]
fn p16_p17_p18_r13_there_is_no_shared_memory_to_attack() {
    // Shared memory, or a descriptor for it, would be a field of one of these. Whoever adds one reads
    // this: P16 to P18 and R13 of the security plan are then due.
    let scalar = |message: ToRunner| match message {
        ToRunner::Hello { magic, version } => (magic, version) == (MAGIC, 1),
        ToRunner::Refused { versions: VersionRange { oldest, newest } } => oldest <= newest,
        ToRunner::Confined | ToRunner::Ready | ToRunner::Bye => true,
        ToRunner::Failed { step: _, text } => text.as_raw().len() <= TEXT_BYTES_MAX,
        ToRunner::Return { id } | ToRunner::Dropped { id } => id > 0,
        ToRunner::CallFailed { id, fault: _, text } => id > 0 && !text.as_raw().is_empty(),
    };
    assert!(scalar(ToRunner::Hello { magic: MAGIC, version: 1 }));
    let mut embedder = Embedder::new();
    let shared = || {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let is_shared = |line: &&str| line.split_whitespace().nth(1).unwrap().ends_with('s');
        maps.lines().filter(is_shared).count()
    };
    let before = shared();
    let started = embedder.start(&Script::honest()).unwrap();
    started.ask(&["take=8388608"]).expect_success("take=8388608: 8388608\n");
    assert_eq!(shared(), before, "while a bundle runs");
    embedder.assert_neighbour();
}

#[test]
fn p20_a_text_ends_at_its_cap_and_is_harmless() {
    let (mut embedder, before) = warm();
    let rule = format!("{BROKE}frame head is not a message");
    // Longer than allowed by a byte; and of a gigabyte, by the number in front of it.
    let one_more = [&[6, 1, 0, 0x81, 0x20][..], &[b'x'; TEXT_BYTES_MAX + 1]].concat();
    let gigabyte = [&[6, 1, 0, 0x80, 0x80, 0x80, 0x80, 4][..], &[b'x'; 64]].concat();
    let not_utf8 = vec![6, 1, 0, 1, 0xff];
    for head in [one_more, gigabyte, not_utf8] {
        let bytes = raw_frame(0, u16::try_from(head.len()).unwrap(), MARK, &head);
        embedder.play(&call(bytes), &["number"]).expect_end("", &rule);
    }
    let whole = "x".repeat(TEXT_BYTES_MAX);
    let outcome = embedder.play(&call(failed(CallFault::Panicked, &whole)), &["number"]);
    outcome.expect_end("", &format!("bundle `fake`: the adapter panicked: {whole}"));
    // A title for the terminal, a reversed name, and what looks like a line of wrun's own.
    let text = "\x1b]0;owned\x07 \u{202e}gpj.exe\r/etc/shadow: permission denied";
    let shown = "\\u{1b}]0;owned\\u{7} \\u{202e}gpj.exe\\u{d}/etc/shadow: permission denied";
    for (fault, words) in [
        (CallFault::Panicked, "the adapter panicked: "),
        (CallFault::BadResult, "the library returned an invalid value: "),
        (CallFault::TooLarge, ""),
        (CallFault::OutOfMemory, "the library could not allocate its arguments: "),
    ] {
        let outcome = embedder.play(&call(failed(fault, text)), &["number"]);
        outcome.expect_end("", &format!("bundle `fake`: {words}{shown}"));
    }
    for (moment, step) in [(Moment::Plan, Stage::Plan), (Moment::Load, Stage::Init)] {
        let answer = ToRunner::Failed { step, text: ForeignText::new(text) };
        let script = Script::at(moment, [Step::Send(frame(&answer, &[]))]);
        embedder.play(&script, &[]).expect_end("", shown);
    }
    before.assert_again();
}

#[test]
fn p21_a_greeting_that_lies_is_no_start() {
    let (mut embedder, before) = warm();
    let hello = |magic, version| ToRunner::Hello { magic, version };
    let refused = |oldest, newest| ToRunner::Refused { versions: VersionRange { oldest, newest } };
    let none = "this side speaks protocol versions 1 to 1, the other side";
    for (answer, rule) in [
        (hello(*b"nurw", 1), "the peer does not speak this protocol"),
        (hello(MAGIC, 0), "the shim picked protocol version 0, which was not offered"),
        (hello(MAGIC, 2), "the shim picked protocol version 2, which was not offered"),
        (hello(MAGIC, u16::MAX), "the shim picked protocol version 65535, which was not offered"),
        (refused(2, 3), &*format!("{none} 2 to 3")),
        // Who refuses what it speaks, or speaks nothing, is not asked again.
        (refused(1, 1), &*format!("{none} 1 to 1")),
        (refused(9, 0), &*format!("{none} 9 to 0")),
    ] {
        let script = Script::at(Moment::Hello, [Step::Send(frame(&answer, &[]))]);
        embedder.play(&script, &["number"]).expect_end("", &format!("{BROKE}{rule}"));
    }
    // What a bundle exports is never asked of its process: it is read from its files before, and the
    // answer to the plan has no room for it.
    before.assert_again();
}

#[test]
fn p25_a_guest_hears_nothing_of_why_its_call_ended() {
    let text = "at 0x7ffd00001234 in /home/user/secret/key.pem";
    for (script, told) in [
        (
            call(failed(CallFault::Panicked, text)),
            "the adapter panicked: at 0x7ffd00001234 in /home",
        ),
        (call(vec![2]), "no answer within 300ms; its process was killed"),
        (call(returned(1, &[2])), "broke the protocol and was killed: the value ends early"),
        (call(returned(9, &seven())), "answer to request 9, but request 1 is under way"),
        (Script::at(Moment::Call(1), [Step::Exit(3)]), "its process exited with code 3"),
        (
            Script::at(Moment::Call(1), [Step::Close, Step::Hold]),
            "broke the protocol and was killed: it closed its connection and went on",
        ),
    ] {
        let wrun = Wrun::with_fake_shim();
        let fake = Fixture::new("fake").bundle(&wrun.work());
        script.write(&fake);
        let wrun = wrun.args(["--call-timeout", "300ms"]).bundle(fake).bundle(bundle("echo"));
        let run = wrun.arg(guest("ask")).args(["neighbour", "number", "neighbour"]).run();
        // The guest prints what it gets. The call is its last: it does not go on, and nobody can call
        // into it again.
        run.expect_code(1).expect_stderr("bundle `fake`: ").expect_stderr(told);
        assert_eq!(run.stdout, "neighbour: 42\n", "{}", run.stderr);
        // wrun itself tells its user no address of its own, and where the bundle was no place of it.
        let own = run.stderr.replace(text, "");
        assert!(!own.contains("0x7f"), "{own}");
        assert!(!own.contains(&run.folder.path().display().to_string()), "{own}");
    }
}

#[test]
fn p25_a_guest_that_is_told_of_a_failure_hears_its_kind_alone() {
    let (mut embedder, before) = warm();
    embedder.options.on_failure = OnFailure::Error { case: None };
    let text = "at 0x7ffd00001234 in /home/user/secret/key.pem";
    let at = |steps: Vec<Step>| Script::at(Moment::Call(1), steps);
    let failed = |fault| call(failed(fault, text));
    for (script, kind) in [
        (failed(CallFault::Panicked), "the adapter panicked"),
        (failed(CallFault::BadResult), "the library returned an invalid value"),
        (failed(CallFault::OutOfMemory), "the library has no memory for the arguments"),
        (
            failed(CallFault::TooLarge),
            "its arguments or its result are larger than one call carries",
        ),
        (call(returned(1, &[2])), "its process has ended (protocol)"),
        (call(returned(9, &seven())), "its process has ended (protocol)"),
        (at(vec![Step::Close, Step::Hold]), "its process has ended (protocol)"),
        (at(vec![Step::Exit(3)]), "its process has ended (exited)"),
        (at(vec![Step::Abort]), "its process has ended (signal)"),
    ] {
        let outcome = embedder.play(&script, &["outcome"]);
        outcome.expect_success(&format!("outcome: Err(\"bundle `fake` failed: {kind}\")\n"));
    }
    before.assert_again();
}
