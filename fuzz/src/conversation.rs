//! Conversations: any messages in any order, compared with the tables of the document.
//!
//! Input: steps. Each is one byte, whose lowest bit says who speaks and whose other bits say how
//! many bytes the message has, then the message.

use crate::input::Input;
use protocol::error::PeerFault;
use protocol::message::{Message as _, Tag, ToRunner, ToShim};
use protocol::phase::{Phase, carries_payload};
use protocol::version::{SUPPORTED, VersionError};

/// Checks one input.
///
/// # Panics
/// If a phase permits what it must not, or refuses what it must permit.
pub fn check(data: &[u8]) {
    let mut input = Input(data);
    let mut phase = Phase::Start;
    while !input.0.is_empty() {
        let step = input.byte();
        let bytes = input.take(usize::from(step >> 1));
        phase = match step & 1 {
            0 => request(phase, bytes),
            _ => answer(phase, bytes),
        };
    }
}

fn request(phase: Phase, bytes: &[u8]) -> Phase {
    let Ok((message, [])) = postcard::take_from_bytes::<ToShim>(bytes) else { return phase };
    let expected = match (phase, &message) {
        (Phase::Start, ToShim::Hello { .. }) => Some(Phase::Greeting),
        (Phase::Greeted, ToShim::Plan) => Some(Phase::Confining),
        (Phase::Confined, ToShim::Load) => Some(Phase::Loading),
        (Phase::Idle, ToShim::Call { .. }) => Some(Phase::InCall),
        (Phase::Idle, ToShim::Drop { .. }) => Some(Phase::InDrop),
        (Phase::Idle, ToShim::Shutdown) => Some(Phase::Closing),
        _ => None,
    };
    let payload = matches!(message, ToShim::Plan | ToShim::Load | ToShim::Call { .. });
    assert_eq!(carries_payload(message.tag()), payload);
    if let ToShim::Hello { versions, .. } = message {
        match SUPPORTED.agree(versions) {
            Ok(version) => assert!(SUPPORTED.contains(version) && versions.contains(version)),
            Err(error) => assert!(matches!(error, VersionError::NoneInCommon { .. })),
        }
    }
    decided(phase, phase.request(&message), expected, message.tag())
}

fn answer(phase: Phase, bytes: &[u8]) -> Phase {
    let Ok((message, [])) = postcard::take_from_bytes::<ToRunner>(bytes) else { return phase };
    let expected = match (phase, &message) {
        (Phase::Greeting, ToRunner::Hello { .. }) => Some(Phase::Greeted),
        (Phase::Greeting, ToRunner::Refused { .. }) => Some(Phase::Ended),
        (Phase::Confining, ToRunner::Confined) => Some(Phase::Confined),
        (Phase::Confining | Phase::Loading, ToRunner::Failed { .. }) => Some(Phase::Ended),
        (Phase::Loading, ToRunner::Ready) => Some(Phase::Idle),
        (Phase::InCall, ToRunner::Return { .. } | ToRunner::CallFailed { .. }) => Some(Phase::Idle),
        (Phase::InDrop, ToRunner::Dropped { .. } | ToRunner::CallFailed { .. }) => {
            Some(Phase::Idle)
        }
        (Phase::Closing, ToRunner::Bye) => Some(Phase::Ended),
        _ => None,
    };
    let payload = matches!(message, ToRunner::Return { .. });
    assert_eq!(carries_payload(message.tag()), payload);
    decided(phase, phase.answer(&message), expected, message.tag())
}

/// Compares, and goes on in the phase that follows: a fuzzer gets further if a refusal is no end.
fn decided(
    phase: Phase,
    found: Result<Phase, PeerFault>,
    expected: Option<Phase>,
    tag: Tag,
) -> Phase {
    assert_eq!(found, expected.ok_or(PeerFault::NotNow { tag, phase }));
    expected.unwrap_or(phase)
}
