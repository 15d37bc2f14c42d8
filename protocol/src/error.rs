//! What can be wrong with a peer's bytes.
//!
//! [`FrameError`] and [`ValueError`] mean malformed bytes; [`PeerFault`] adds bytes that are well
//! formed but not allowed. All of them end the peer: nothing is skipped, nothing is guessed.

use crate::message::Tag;
use crate::phase::Phase;

/// A frame that breaks the syntax or a cap.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The two bytes that mark a header are wrong: the stream is out of step, or no peer of ours.
    #[error("frame header has mark {found:#06x} instead of {expected:#06x}")]
    Mark {
        /// The bytes that arrived, little-endian.
        found: u16,
        /// [`crate::frame::MARK`].
        expected: u16,
    },
    /// The head is empty or longer than [`crate::limits::HEAD_BYTES_MAX`].
    #[error("frame head of {found} bytes, allowed are 1 to {max}")]
    Head {
        /// Length that the header claims.
        found: usize,
        /// The cap.
        max: usize,
    },
    /// The payload is longer than the cap in force.
    #[error("frame payload of {found} bytes, allowed are {max}")]
    Payload {
        /// Length that the header claims.
        found: usize,
        /// The cap.
        max: usize,
    },
    /// The head is not a message of this direction, or has bytes left over.
    #[error("frame head is not a message")]
    Message,
    /// The stream ended inside a frame.
    #[error("the stream ended inside a frame, after {received} bytes")]
    Truncated {
        /// Bytes of the unfinished frame that did arrive.
        received: usize,
    },
}

/// One way in which an encoded value can disagree with its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueFault {
    /// Fewer bytes than the type needs.
    #[error("the value ends early")]
    Short,
    /// Bytes left over after the last value.
    #[error("{0} bytes are left over")]
    Trailing(usize),
    /// A list claims more elements than its remaining bytes can hold.
    #[error("a count of {0} does not fit into the bytes that follow")]
    Count(u32),
    /// A `bool` that is neither 0 nor 1.
    #[error("{0} is not a bool")]
    Bool(u8),
    /// A `char` that is a surrogate or beyond U+10FFFF.
    #[error("{0:#x} is not a Unicode scalar value")]
    Char(u32),
    /// A string that is not UTF-8.
    #[error("a string is not UTF-8")]
    Utf8,
    /// A case number that the variant, enum, option or result does not have.
    #[error("case {found} of {cases}")]
    Case {
        /// The number found.
        found: u32,
        /// How many cases the type has.
        cases: u32,
    },
    /// A bit that no flag of the type has.
    #[error("a flag bit beyond the {0} flags of the type is set")]
    Flags(u32),
    /// A handle that is 0, which no resource has.
    #[error("0 is not a handle")]
    Handle,
    /// A null or misaligned pointer where data must be (native side only).
    #[error("a pointer is null or misaligned")]
    Pointer,
    /// A size that does not fit the address space or the frame cap.
    #[error("a length is larger than a call may carry")]
    Length,
}

/// A [`ValueFault`] with the place where it was found, for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault} (at {path})")]
pub struct ValueError {
    /// What is wrong.
    pub fault: ValueFault,
    /// Where: member numbers from the outside in, as in `result.1[7].0`.
    pub path: String,
}

impl ValueError {
    /// An error at the value itself, before any path step is known.
    pub fn new(fault: ValueFault) -> Self {
        Self { fault, path: String::new() }
    }

    /// Puts one more step in front of the path, while the error travels outwards.
    #[must_use]
    pub fn inside(mut self, step: impl std::fmt::Display) -> Self {
        self.path.insert_str(0, &step.to_string());
        self
    }
}

impl From<ValueFault> for ValueError {
    fn from(fault: ValueFault) -> Self {
        Self::new(fault)
    }
}

impl From<ValueFault> for PeerFault {
    fn from(fault: ValueFault) -> Self {
        ValueError::new(fault).into()
    }
}

/// A plan whose type description cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TypeError {
    /// A type refers to itself or to a later one.
    #[error("type {0} refers to a type that is not defined before it")]
    Order(usize),
    /// Nested deeper than [`crate::limits::TYPE_DEPTH_MAX`].
    #[error("type {0} is nested deeper than the limit of {max}", max = crate::limits::TYPE_DEPTH_MAX)]
    Depth(usize),
    /// No members where at least one is needed, or more than [`crate::limits::MEMBERS_MAX`].
    #[error("type {0} has no members or too many")]
    Members(usize),
    /// A handle of a resource that the plan does not list.
    #[error("type {0} is a handle of an unknown resource")]
    Resource(usize),
    /// More types, functions or resources than the limits allow.
    #[error("the plan has more types, functions or resources than the limits allow")]
    TooMany,
}

/// Bytes that a peer had no right to send at this point.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeerFault {
    /// Malformed frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// Malformed value.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// A message that the table in [`crate::phase`] does not permit now.
    #[error("message {tag:?} is not allowed in phase {phase:?}")]
    NotNow {
        /// Which message.
        tag: Tag,
        /// Where the conversation stands.
        phase: Phase,
    },
    /// An answer to another request than the one under way.
    #[error("answer to request {found}, but request {expected} is under way")]
    Id {
        /// The id in the answer.
        found: u64,
        /// The id of the request.
        expected: u64,
    },
    /// A payload on a message that carries none.
    #[error("message {0:?} carries no payload")]
    Payload(Tag),
    /// A handle that is not what the type says: unknown, of another type, or given out twice.
    #[error("handle {handle} of resource {resource}: {problem}")]
    Handle {
        /// The number on the wire.
        handle: u32,
        /// Name of the resource type.
        resource: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// It closed its connection, which ends a conversation only together with its process.
    #[error("it closed its connection and went on")]
    Closed,
    /// The greeting did not agree on a version.
    #[error("{0}")]
    Version(#[from] crate::version::VersionError),
    /// Unusable type description.
    #[error(transparent)]
    Types(#[from] TypeError),
}
