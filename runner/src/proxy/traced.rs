//! How a call or a drop ended, told to its trace.

use super::failure::{CallError, CallFailure};
use super::reply::Reply;
use crate::trace::{Outcome, Span};

/// Tells of a call; `outcome` is what the guest gets.
pub(super) fn call(span: Option<Span<'_>>, outcome: &Result<Reply, CallError>) {
    if let Some(span) = span {
        match outcome {
            Ok(reply) => span.end(&Outcome::Result(reply.as_ref())),
            Err(error) => failed(span, &error.why),
        }
    }
}

/// Tells of a drop.
pub(super) fn dropped(span: Option<Span<'_>>, outcome: &Result<(), CallError>) {
    if let Some(span) = span {
        match outcome {
            Ok(()) => span.end(&Outcome::Result(&[])),
            Err(error) => failed(span, &error.why),
        }
    }
}

fn failed(span: Span<'_>, why: &CallFailure) {
    let own_words = match why {
        CallFailure::Panicked(_) => Some("the adapter panicked: <redacted>"),
        CallFailure::BadResult(_) => Some("the library returned an invalid value: <redacted>"),
        CallFailure::TooLarge(_) => Some("arguments or result are too large: <redacted>"),
        CallFailure::OutOfMemory(_) => Some("no memory for the arguments: <redacted>"),
        _ => None,
    };
    // A library may put its arguments into its message.
    match own_words.filter(|_| span.hides()) {
        Some(words) => span.end(&Outcome::Failed(&words)),
        None => span.end(&Outcome::Failed(why)),
    }
}
