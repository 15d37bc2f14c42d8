//! The result of a call, from wherever the library runs.

use crate::channel::ReplyBytes;

/// The bytes of a result, valid for the function's type, handles already translated.
#[derive(Debug)]
pub(crate) enum Reply {
    Process(ReplyBytes),
    Here(Vec<u8>),
}

impl AsRef<[u8]> for Reply {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Process(bytes) => bytes.as_ref(),
            Self::Here(bytes) => bytes,
        }
    }
}

impl Reply {
    pub(super) fn as_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Process(bytes) => bytes.as_mut(),
            Self::Here(bytes) => bytes,
        }
    }
}
