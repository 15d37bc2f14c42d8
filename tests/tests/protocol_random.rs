//! Answers in which bytes were changed, from processes that are real.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use protocol::message::ToRunner;
use protocol::version::{MAGIC, SUPPORTED};
use tests::{Count, Embedder, Moment, Script, Step, frame, returned};

/// Processes that are started. `runner/src/channel/attack_tests.rs` has a hundred thousand
/// connections without one.
const PROCESSES: u64 = 150;

/// Numbers that are the same in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % end
    }

    /// Changes a byte, puts one in, takes some out, or cuts.
    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        let byte = u8::try_from(self.below(256)).unwrap();
        match self.below(4) {
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            2 => drop(bytes.drain(at..(at + 1 + self.below(4)).min(bytes.len()))),
            _ => bytes.truncate(at.max(1)),
        }
        if bytes.is_empty() {
            bytes.push(byte);
        }
    }
}

#[test]
fn p24_no_answer_of_a_process_harms_the_runner() {
    let mut embedder = Embedder::new();
    let payload = [&2_u32.to_le_bytes()[..], &[3, 0, 0, 0], b"one", &[3, 0, 0, 0], b"two"].concat();
    let answers = [
        (Moment::Hello, frame(&ToRunner::Hello { magic: MAGIC, version: SUPPORTED.newest }, &[])),
        (Moment::Call(1), returned(1, &payload)),
        (Moment::Call(1), returned(1, &payload)),
    ];
    let script = Script::at(Moment::Call(1), [Step::Send(answers[1].1.clone())]);
    embedder.play(&script, &["words"]).expect_success("words: [\"one\", \"two\"]\n");
    let _ = embedder.play(&Script::at(Moment::Call(1), [Step::Exit(0)]), &["words"]);
    let before = Count::now();
    let mut refused = 0;
    for seed in 1..=PROCESSES {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (moment, mut bytes) = answers[dice.below(answers.len())].clone();
        for _ in 0..=dice.below(3) {
            dice.change(&mut bytes);
        }
        // Ends, so that an answer that is cut short is not waited for.
        let script = Script::at(moment, [Step::Send(bytes.clone()), Step::Exit(9)]);
        let outcome = embedder.play(&script, &["words"]);
        match &*outcome.error {
            "" => assert!(outcome.printed.starts_with("words: ["), "{seed} {bytes:?} {outcome:#?}"),
            error => {
                refused += 1;
                let known = ["broke the protocol and was killed: ", "exited with code 9"];
                assert!(known.iter().any(|end| error.contains(end)), "{seed} {bytes:?} {error}");
                assert_eq!(outcome.printed, "", "{seed} {bytes:?}");
            }
        }
    }
    assert!(refused > PROCESSES / 2, "only {refused} were changed enough to be noticed");
    before.assert_again();
}
