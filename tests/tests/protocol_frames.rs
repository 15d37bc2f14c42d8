//! Frames of a hostile shim: each that breaks a rule ends its process, the guest's call and nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use protocol::frame::MARK;
use protocol::limits::{HEAD_BYTES_MAX, PAYLOAD_BYTES_MAX};
use protocol::message::ToRunner;
use protocol::policy::Destination;
use protocol::version::{MAGIC, SUPPORTED};
use std::time::Duration;
use tests::{Count, Embedder, Moment, Script, Step, frame, raw_frame, returned};
use wrun::Restart;

const BROKE: &str = "bundle `fake`: its process broke the protocol and was killed: ";

/// For steps that nobody answers.
const SHORT: Duration = Duration::from_millis(300);

/// Instead of an answer to the first call.
fn call(steps: impl IntoIterator<Item = Step>) -> Script {
    Script::at(Moment::Call(1), steps)
}

/// The head of `Return { id: 1 }`.
const RETURN: [u8; 2] = [5, 1];

fn hello() -> Vec<u8> {
    frame(&ToRunner::Hello { magic: MAGIC, version: SUPPORTED.newest }, &[])
}

/// What is made once for all runs is made, then counted: whatever is played later leaves no more.
fn warm() -> (Embedder, Count) {
    let mut embedder = Embedder::new();
    // The first large call decides from where the allocator takes the next, and that how much it keeps.
    let outcome = embedder.play(&Script::honest(), &["take=8388608"; 3]);
    outcome.expect_success(&"take=8388608: 8388608\n".repeat(3));
    let _ = embedder.play(&call([Step::Exit(0)]), &["number"]);
    (embedder, Count::now())
}

#[test]
fn p01_bad_mark_kind_or_empty_head_ends_the_process() {
    let (mut embedder, before) = warm();
    let (mark, most) =
        (format!("instead of {MARK:#06x}"), format!("allowed are 1 to {HEAD_BYTES_MAX}"));
    let cases = [
        (raw_frame(0, 2, 0, &RETURN), format!("frame header has mark 0x0000 {mark}")),
        (
            raw_frame(0, 2, MARK.swap_bytes(), &RETURN),
            format!("frame header has mark 0x7772 {mark}"),
        ),
        (raw_frame(0, 2, MARK, &[9, 1]), "frame head is not a message".to_owned()),
        (raw_frame(0, 2, MARK, &[0xff, 0xff]), "frame head is not a message".to_owned()),
        (raw_frame(0, 3, MARK, &[5, 1, 0]), "frame head is not a message".to_owned()),
        (raw_frame(4, 0, MARK, &[7, 0, 0, 0]), format!("frame head of 0 bytes, {most}")),
        (b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), format!("frame header has mark 0x312e {mark}")),
    ];
    for (bytes, rule) in cases {
        for moment in [Moment::Hello, Moment::Load, Moment::Call(1)] {
            let script = Script::at(moment, [Step::Send(bytes.clone()), Step::Hold]);
            embedder.play(&script, &["number"]).expect_end("", &format!("{BROKE}{rule}"));
        }
    }
    before.assert_again();
}

#[test]
fn p02_a_length_above_its_cap_is_refused_by_the_header_and_nothing_is_drained() {
    let (mut embedder, before) = warm();
    let most = u32::try_from(PAYLOAD_BYTES_MAX).unwrap();
    for (agreed, claimed) in
        [(most, u32::MAX), (most, most + 1), (1 << 20, (1 << 20) + 1), (1 << 20, most)]
    {
        embedder.options.payload_bytes_max = agreed;
        let rule = format!("{BROKE}frame payload of {claimed} bytes, allowed are {agreed}");
        let header = raw_frame(claimed, 2, MARK, &RETURN);
        // What was announced does come: 4 GiB of it, if anybody reads that.
        let flood = Step::Flood(vec![0; 64 << 10], 64 << 10);
        let script = call([Step::Send(header.clone()), flood, Step::Hold]);
        embedder.play(&script, &["bytes"]).expect_end("", &rule);
        embedder.play(&call([Step::Send(header), Step::Hold]), &["bytes"]).expect_end("", &rule);
    }
    let header = raw_frame(0, u16::MAX, MARK, &[]);
    let rule = format!("{BROKE}frame head of 65535 bytes, allowed are 1 to {HEAD_BYTES_MAX}");
    embedder.play(&call([Step::Send(header), Step::Hold]), &["bytes"]).expect_end("", &rule);
    before.assert_again();
}

#[test]
fn p03_a_frame_that_ends_at_any_byte_is_no_answer() {
    let (mut embedder, before) = warm();
    let whole = returned(1, &7_u32.to_le_bytes());
    for at in 0..whole.len() {
        let script = call([Step::Send(whole[..at].to_vec()), Step::Exit(0)]);
        let outcome = embedder.play(&script, &["number"]);
        match at {
            0 => outcome.expect_end("", "bundle `fake`: its process exited with code 0"),
            at => {
                let rule = format!("{BROKE}the stream ended inside a frame, after {at} bytes");
                outcome.expect_end("", &rule);
            }
        }
    }
    for at in 1..hello().len() {
        let script = Script::at(Moment::Hello, [Step::Send(hello()[..at].to_vec()), Step::Exit(0)]);
        let rule = format!("{BROKE}the stream ended inside a frame, after {at} bytes");
        embedder.play(&script, &[]).expect_end("", &rule);
    }
    before.assert_again();
}

#[test]
fn p03_a_frame_that_never_ends_ends_with_the_deadline() {
    let (embedder, before) = warm();
    let mut embedder = embedder.timeout(SHORT);
    let whole = returned(1, &7_u32.to_le_bytes());
    for at in [0, 1, 7, 8, 9, whole.len() - 1] {
        let script = call([Step::Send(whole[..at].to_vec()), Step::Hold]);
        let rule = "bundle `fake`: no answer within 300ms; its process was killed";
        embedder.play(&script, &["number"]).expect_end("", rule);
    }
    before.assert_again();
}

#[test]
fn p15_descriptors_with_an_answer_never_arrive() {
    let (mut embedder, _) = warm();
    let honest = embedder.start(&Script::honest()).unwrap();
    honest.ask(&["number"]).expect_success("number: 0\n");
    let with_honest = Count::now();
    drop(honest);
    // The most that one message can carry, on the first byte and on a later one.
    let (first, rest) = (hello()[..5].to_vec(), hello()[5..].to_vec());
    for (first_count, rest_count) in [(1, 1), (253, 1), (1, 253)] {
        let steps = [
            Step::SendDescriptors(first.clone(), first_count),
            Step::SendDescriptors(rest.clone(), rest_count),
        ];
        match embedder.start(&Script::at(Moment::Hello, steps)) {
            // Since Linux 6.16 the sender is told EPERM, by the kernel and for the runner's socket.
            Err(error) => assert!(error.contains("its process exited with code 121"), "{error}"),
            // Before, they are thrown away with the message that the runner reads without them.
            Ok(started) => {
                started.ask(&["number"]).expect_success("number: 0\n");
                with_honest.assert_again();
            }
        }
    }
    embedder.assert_neighbour();
}

#[test]
fn p15_a_confined_process_sends_no_descriptors() {
    let (mut embedder, before) = warm();
    let answer = returned(1, &7_u32.to_le_bytes());
    let outcome = embedder.play(&call([Step::SendDescriptors(answer, 1)]), &["number"]);
    // 120 and the errno of the jail: EPERM, EACCES or ENOSYS.
    let refused = [1, 13, 38].map(|errno| format!("its process exited with code {}", 120 + errno));
    assert!(refused.iter().any(|end| outcome.error.contains(end)), "{outcome:#?}");
    before.assert_again();
}

#[test]
fn p19_an_answer_in_fragments_is_an_answer() {
    let (mut embedder, before) = warm();
    let script = Script::at(Moment::Hello, [Step::Drip(hello(), 0)])
        .then(Moment::Call(1), [Step::Drip(returned(1, &7_u32.to_le_bytes()), 0)]);
    embedder.play(&script, &["number", "number"]).expect_success("number: 7\nnumber: 0\n");
    before.assert_again();
}

#[test]
fn p19_answers_that_arrive_together_end_the_process() {
    let (mut embedder, before) = warm();
    let answer = returned(1, &7_u32.to_le_bytes());
    for times in [2, 3, 1000] {
        let script = call([Step::Send(answer.repeat(times)), Step::Hold]);
        // 64 KiB and a little more are read at a time.
        let outcome = embedder.play(&script, &["number"]);
        outcome.expect_end("", &format!("{BROKE}frame payload of "));
        assert!(outcome.error.contains("bytes, allowed are 4"), "{outcome:#?}");
    }
    let confined = [hello(), frame(&ToRunner::Confined, &[])].concat();
    let script = Script::at(Moment::Hello, [Step::Send(confined), Step::Hold]);
    embedder.play(&script, &[]).expect_end("", &format!("{BROKE}frame payload of "));
    before.assert_again();
}

#[test]
fn p19_a_channel_that_is_closed_in_one_direction_ends_the_process() {
    let (mut embedder, before) = warm();
    // Without a network a bundle cannot ask for it later.
    let destination = Destination {
        host: "127.0.0.1".into(),
        addresses: vec!["127.0.0.1".parse().unwrap()],
        port: 9,
    };
    embedder.options.policy.grants.connect.push(destination);
    let ended = "bundle `fake`: its process broke the protocol and was killed: it closed its connection and went on";
    for moment in [Moment::Start, Moment::Hello, Moment::Load, Moment::Call(1)] {
        let script = Script::at(moment, [Step::ShutdownWrite, Step::Hold]);
        embedder.play(&script, &["number"]).expect_end("", ended);
    }
    // Who reads nothing any more may still answer; the next request does not get through.
    for (moment, printed) in [(Moment::Hello, ""), (Moment::Call(1), "number: 0\n")] {
        let script = Script::at(moment, [Step::ShutdownRead, Step::Honest, Step::Hold]);
        let ended =
            "its process broke the protocol and was killed: it closed its connection and went on";
        embedder.play(&script, &["number", "number"]).expect_end(printed, ended);
    }
    // It was not sent at all, so that another process may be asked, where there may be one.
    embedder.options.restart = Restart::default();
    let script = call([Step::ShutdownRead, Step::Honest, Step::Hold]);
    embedder.play(&script, &["number"; 2]).expect_success("number: 0\nnumber: 0\n");
    before.assert_again();
}

#[test]
fn r09_a_flood_of_answers_ends_the_process_at_the_first_that_is_too_many() {
    let (mut embedder, before) = warm();
    let answer = returned(1, &7_u32.to_le_bytes());
    let flood = |bytes: Vec<u8>| Step::Flood(bytes, 100_000_000);
    for script in [
        call([flood(answer.clone())]),
        call([flood(answer.repeat(1000))]),
        call([Step::Honest, flood(answer.clone())]),
        Script::at(Moment::Load, [Step::Honest, flood(frame(&ToRunner::Ready, &[]))]),
        Script::at(Moment::Start, [flood(hello())]),
    ] {
        let outcome = embedder.play(&script, &["number", "number", "number"]);
        assert!(outcome.error.contains(BROKE), "{outcome:#?}");
        // One answer may have been there before the second: it was asked for.
        let answers = outcome.printed.lines().count();
        assert!(answers <= 1, "{outcome:#?}");
    }
    before.assert_again();
}

#[test]
fn r11_a_byte_at_a_time_does_not_move_the_deadline() {
    let (embedder, before) = warm();
    let mut embedder = embedder.timeout(SHORT);
    let late = "bundle `fake`: no answer within 300ms; its process was killed";
    let answer = returned(1, &[7; 64 << 10]);
    embedder.play(&call([Step::Drip(answer, 10)]), &["bytes"]).expect_end("", late);
    let script = Script::at(Moment::Hello, [Step::Drip(hello(), 100)]);
    let late = "bundle `fake`: no answer while starting within 300ms; its process was killed";
    embedder.play(&script, &[]).expect_end("", late);
    before.assert_again();
}

#[test]
fn r12_a_request_that_nobody_reads_ends_with_the_deadline() {
    let (embedder, before) = warm();
    let mut embedder = embedder.timeout(SHORT);
    let script = call([Step::Honest, Step::Hold]);
    let outcome = embedder.play(&script, &["number", "take=8388608"]);
    outcome.expect_end("number: 0\n", "no answer within 300ms; its process was killed");
    // It answers into the middle of the request.
    let answer = returned(2, &7_u32.to_le_bytes());
    let script = call([Step::Honest, Step::Take(9), Step::Send(answer), Step::Hold]);
    let outcome = embedder.play(&script, &["number", "take=8388608"]);
    outcome.expect_end("number: 0\n", "no answer within 300ms; its process was killed");
    before.assert_again();
}

#[test]
fn c14_a_process_that_ends_in_the_middle_of_a_request_ends_the_call() {
    let (mut embedder, before) = warm();
    let ends = [
        (Step::Exit(7), "its process exited with code 7"),
        (Step::Abort, "its process was killed by signal SIG"),
    ];
    for (step, end) in ends {
        let script = call([Step::Honest, Step::Take(1000), step]);
        let outcome = embedder.play(&script, &["number", "take=8388608"]);
        outcome.expect_end("number: 0\n", end);
    }
    let script = call([Step::Honest, Step::Take(1000), Step::Close, Step::Hold]);
    let outcome = embedder.play(&script, &["number", "take=8388608"]);
    outcome.expect_end(
        "number: 0\n",
        "its process broke the protocol and was killed: it closed its connection and went on",
    );
    before.assert_again();
}

#[test]
fn h03_a_process_that_closes_its_channel_and_lives_on_is_killed() {
    let (mut embedder, before) = warm();
    for moment in [Moment::Start, Moment::Hello, Moment::Plan, Moment::Load, Moment::Call(1)] {
        let outcome = embedder.play(&Script::at(moment, [Step::Close, Step::Hold]), &["number"]);
        outcome.expect_end("", "bundle `fake`: its process broke the protocol and was killed: it closed its connection and went on");
    }
    before.assert_again();
}
