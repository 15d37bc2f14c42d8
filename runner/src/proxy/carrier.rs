//! A failure of a bundle as a value of the guest's own: the `Err` of a `result`, where its type can
//! carry one.

use super::failure::{CallError, CallFailure};

/// How to tell the guest of a failure of one function, which returns a `result<_, E>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// `E` is a `string`.
    Text,
    /// `E` is a variant or an enum with a case for it.
    Case {
        /// The case's number, as it is encoded.
        number: Vec<u8>,
        /// Whether the case has a `string` for the message; otherwise it has no payload.
        text: bool,
    },
}

/// The discriminant of `Err`.
const ERR: u8 = 1;

impl Carrier {
    /// The encoded `Err`.
    pub(crate) fn encode(&self, error: &CallError) -> Vec<u8> {
        let mut bytes = vec![ERR];
        let has_text = match self {
            Self::Text => true,
            Self::Case { number, text } => {
                bytes.extend_from_slice(number);
                *text
            }
        };
        if has_text {
            let text = words_for_guest(error);
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }
}

/// What a guest may know of a failure: which bundle, and the kind. Not what a library or the system
/// said: that can hold paths and addresses of the host, and is for the operator.
fn words_for_guest(error: &CallError) -> String {
    let kind = match &*error.why {
        CallFailure::Panicked(_) => "the adapter panicked",
        CallFailure::BadResult(_) | CallFailure::Broken(_) => {
            "the library returned an invalid value"
        }
        // The text may be the shim's.
        CallFailure::TooLarge(_) => "its arguments or its result are larger than one call carries",
        CallFailure::OutOfMemory(_) => "the library has no memory for the arguments",
        CallFailure::Ended(_) => "its process has ended",
        CallFailure::Over(_) => "not available any more",
        CallFailure::Quarantined { .. } => "in quarantine",
        CallFailure::Restart(_) => "it could not be started again",
        CallFailure::Stale { .. } => "the resource is gone with the process that held it",
        CallFailure::UnknownHandle => "the resource does not exist any more",
        CallFailure::Internal(_) => "internal error",
    };
    match error.why.exit() {
        Some(exit) => format!("bundle `{}` failed: {kind} ({})", error.bundle, exit.kind()),
        None => format!("bundle `{}` failed: {kind}", error.bundle),
    }
}
