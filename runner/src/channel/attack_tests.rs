//! Peers that attack: with descriptors on their answers, and with answers in which bytes are changed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use super::{Blocking, Channel, ChannelError, Conversation, deadline_after, run_blocking};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use protocol::error::PeerFault;
use protocol::frame::encode_head;
use protocol::limits::PAYLOAD_BYTES_MAX;
use protocol::message::{CallFault, Message, ToRunner, ToShim};
use protocol::text::ForeignText;
use protocol::types::{Type, TypeDef, TypeTable};
use protocol::value::validate_all;
use protocol::version::{MAGIC, SUPPORTED};
use std::io::{IoSlice, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

const CONNECTIONS: u64 = 100_000;

/// Numbers that are the same in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn of(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % end.max(1)
    }

    fn byte(&mut self) -> u8 {
        [0, 1, 2, 5, 0x7f, 0x80, 0xfe, 0xff]
            .get(self.below(12))
            .copied()
            .unwrap_or_else(|| u8::try_from(self.below(256)).unwrap())
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        match self.below(7) {
            0 | 1 if !bytes.is_empty() => bytes[at] = self.byte(),
            // A length or the mark.
            2 if bytes.len() >= 8 => {
                let field = self.below(8);
                bytes[field] = self.byte();
            }
            3 => bytes.insert(at, self.byte()),
            4 if !bytes.is_empty() => bytes.truncate(at),
            5 => bytes.extend_from_within(at..),
            _ => bytes.extend(std::iter::repeat_n(0xff, self.below(100))),
        }
    }
}

fn frame(message: &impl Message, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_head(message, payload.len(), PAYLOAD_BYTES_MAX, &mut bytes).unwrap();
    bytes.extend_from_slice(payload);
    bytes
}

/// `record { bool, char, list<string>, variant { _, list<u64>, string }, flags of 3, option<f64> }`
fn types() -> (TypeTable, Type, Vec<u8>) {
    let defs = vec![
        TypeDef::List(Type::String),
        TypeDef::List(Type::U64),
        TypeDef::Variant(vec![None, Some(Type::Defined(1)), Some(Type::String)]),
        TypeDef::Flags(3),
        TypeDef::Option(Type::F64),
        TypeDef::Record(
            [Type::Bool, Type::Char].into_iter().chain([0, 2, 3, 4].map(Type::Defined)).collect(),
        ),
    ];
    let table = TypeTable::new(defs, 0).unwrap();
    let mut value = vec![1];
    value.extend(u32::from('ä').to_le_bytes());
    value.extend([2, 0, 0, 0, 1, 0, 0, 0, b'a', 2, 0, 0, 0, 0xc3, 0xa4]);
    value.push(1);
    value.extend([2, 0, 0, 0].into_iter().chain([7; 16]));
    value.push(5);
    value.push(1);
    value.extend(0.5_f64.to_le_bytes());
    (table, Type::Defined(5), value)
}

/// The four answers of a whole conversation.
fn answers(value: &[u8], dice: &mut Dice) -> [Vec<u8>; 4] {
    let text = ForeignText::new("a text of some length");
    let fault = CallFault::Panicked;
    [
        frame(&ToRunner::Hello { magic: MAGIC, version: SUPPORTED.newest }, &[]),
        frame(&ToRunner::Confined, &[]),
        frame(&ToRunner::Ready, &[]),
        match dice.below(8) {
            0 => frame(&ToRunner::CallFailed { id: 1, fault, text }, &[]),
            _ => frame(&ToRunner::Return { id: 1 }, value),
        },
    ]
}

/// Answers on each connection that it is given: honestly, but for one answer, the last; then closes it.
fn lie(connections: &Receiver<(u64, UnixStream)>, value: &[u8]) {
    let mut request = [0; 4096];
    for (seed, mut stream) in connections {
        let mut dice = Dice::of(seed);
        let answers = answers(value, &mut dice);
        // Mostly the last one, in which there is most to be changed.
        let changed = dice.below(8).min(3);
        for (index, answer) in answers.into_iter().enumerate() {
            let mut answer = answer;
            if index == changed {
                (0..=dice.below(3)).for_each(|_| dice.change(&mut answer));
            }
            let asked = stream.read(&mut request).unwrap_or(0) > 0;
            // It ends then, so that nobody waits for the rest of an answer that was cut short.
            if !asked || stream.write_all(&answer).is_err() || index == changed {
                break;
            }
        }
    }
}

/// A conversation up to its first result, which is checked as a result of a bundle is.
fn converse(stream: UnixStream, table: &TypeTable, ty: Type) -> Result<bool, ChannelError> {
    let mut conversation = Conversation::new(Channel::new(stream)?);
    let wait = Blocking { deadline: deadline_after(Duration::from_secs(60)) };
    let hello = ToShim::Hello { magic: MAGIC, versions: SUPPORTED };
    for request in [hello, ToShim::Plan, ToShim::Load] {
        run_blocking(conversation.ask(&request, b"a plan or nothing", &wait))??;
    }
    let call = ToShim::Call { id: conversation.next_id(), function: 0 };
    let answer = run_blocking(conversation.ask(&call, &[7; 16], &wait))??;
    match answer.message {
        ToRunner::Return { id: 1 } => {
            validate_all(table, [ty], answer.payload.as_ref()).map_err(PeerFault::from)?;
            Ok(true)
        }
        ToRunner::CallFailed { .. } => Ok(false),
        other => panic!("the phases have let {other:?} through"),
    }
}

#[test]
fn p24_no_answer_on_a_hundred_thousand_connections_is_more_than_an_error() {
    let (table, ty, value) = types();
    let (sender, receiver) = sync_channel(16);
    let peer = std::thread::spawn(move || lie(&receiver, &value));
    let (mut accepted, mut refused) = (0, 0);
    for seed in 0..CONNECTIONS {
        let (ours, theirs) = UnixStream::pair().unwrap();
        sender.send((seed, theirs)).unwrap();
        match converse(ours, &table, ty) {
            Ok(_) => accepted += 1,
            Err(ChannelError::Closed | ChannelError::NotSent | ChannelError::Peer(_)) => {
                refused += 1
            }
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
    drop(sender);
    peer.join().expect("the peer survives as well");
    // Some changes are other values, or none at all.
    assert!(accepted > 0 && refused > accepted, "{accepted} accepted, {refused} refused");
}

#[test]
fn p15_descriptors_with_an_answer_are_closed_when_it_is_read() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (watch, attached) = UnixStream::pair().unwrap();
    watch.set_nonblocking(true).unwrap();
    let hello = frame(&ToRunner::Hello { magic: MAGIC, version: SUPPORTED.newest }, &[]);
    // As many as one message can carry, on every byte of the answer.
    let numbers = [attached.as_raw_fd(); 253];
    for byte in hello.chunks(1) {
        let rights = [ControlMessage::ScmRights(&numbers)];
        let parts = [IoSlice::new(byte)];
        sendmsg::<()>(theirs.as_raw_fd(), &parts, &rights, MsgFlags::empty(), None).unwrap();
    }
    drop(attached);
    // Still open: by the messages that are under way.
    let open = (&watch).read(&mut [0]).unwrap_err();
    assert_eq!(open.kind(), std::io::ErrorKind::WouldBlock);
    let mut conversation = Conversation::new(Channel::new(ours).unwrap());
    let wait = Blocking { deadline: deadline_after(Duration::from_secs(60)) };
    let request = ToShim::Hello { magic: MAGIC, versions: SUPPORTED };
    let answer = run_blocking(conversation.ask(&request, &[], &wait)).unwrap().unwrap();
    assert!(matches!(answer.message, ToRunner::Hello { .. }));
    // Nobody has it any more, while both ends of the conversation live.
    assert_eq!((&watch).read(&mut [0]).unwrap(), 0);
    drop((theirs, conversation));
}
