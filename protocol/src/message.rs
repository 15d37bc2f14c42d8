//! What a frame's head says: one type per direction, so that neither side can send the other's.
//!
//! Names are only in the [`Plan`]; afterwards functions, types and resources are indices into it.

use crate::policy::Profiles;
use crate::stage::Purpose;
use crate::text::ForeignText;
use crate::types::{Type, TypeDef};
use crate::version::VersionRange;
use serde::{Deserialize, Serialize};

/// From the runner to the shim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToShim {
    /// The greeting: [`crate::version::MAGIC`] and the versions that the runner speaks.
    Hello {
        /// Must be [`crate::version::MAGIC`].
        magic: [u8; 4],
        /// What the shim may choose from.
        versions: VersionRange,
    },
    /// The payload is a [`Plan`], encoded with postcard. The shim confines itself next.
    Plan,
    /// Load the library. The payload holds the arguments of the plan's `init` function, and is
    /// empty if the plan has none.
    Load,
    /// Call a function. The payload holds the arguments, one after the other.
    Call {
        /// Counts up from 1; the answer repeats it.
        id: u64,
        /// Index into [`Plan::functions`].
        function: u32,
    },
    /// The guest dropped its last handle of a resource: run the destructor.
    Drop {
        /// Shares the counter of [`ToShim::Call`].
        id: u64,
        /// Index into [`Plan::resources`].
        resource: u32,
        /// The handle, as the library gave it out.
        handle: u32,
    },
    /// End the process in an orderly way.
    Shutdown,
}

/// From the shim to the runner. All of it is a claim until it was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToRunner {
    /// Answer to the greeting.
    Hello {
        /// Must be [`crate::version::MAGIC`].
        magic: [u8; 4],
        /// The version to speak from now on.
        version: u16,
    },
    /// The greeting's versions do not fit; the shim ends.
    Refused {
        /// What the shim speaks.
        versions: VersionRange,
    },
    /// The process has given up what the plan told it to give up.
    Confined,
    /// The library is loaded and `init` returned without an error.
    Ready,
    /// A step before the first call failed; the shim ends.
    Failed {
        /// Which step.
        step: Step,
        /// Why, in words.
        text: ForeignText,
    },
    /// The call returned. The payload is the result, empty if the function has none.
    Return {
        /// The id of the request.
        id: u64,
    },
    /// The call did not return a value.
    CallFailed {
        /// The id of the request.
        id: u64,
        /// Whose fault it was.
        fault: CallFault,
        /// Why, in words.
        text: ForeignText,
    },
    /// The destructor returned.
    Dropped {
        /// The id of the request.
        id: u64,
    },
    /// Last message before an orderly end.
    Bye,
}

/// A step of the shim's start that can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// The plan could not be read or used.
    Plan,
    /// A layer of the jail could not be put up.
    Confine,
    /// The library could not be loaded, or lacks a symbol.
    Load,
    /// The bundle's `init` returned an error or panicked.
    Init,
}

/// Why a call has no result, although the process lives on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallFault {
    /// The adapter panicked; the panic was caught at the boundary.
    Panicked,
    /// The library returned something that is no value of the declared type.
    BadResult,
    /// The result is larger than one call may carry.
    TooLarge,
    /// The library could not provide memory for the arguments.
    OutOfMemory,
}

/// Where a jail with a root of its own has the bundle's directory.
pub const BUNDLE_ROOT: &str = "/bundle";

/// Everything a shim must know about one bundle, sent once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Name of the bundle, for messages.
    pub bundle: String,
    /// Path of the library, relative to the bundle directory; no `..`, no links.
    pub library: String,
    /// Libraries of the bundle that are loaded before it, in this order; paths as above.
    pub vendor: Vec<String>,
    /// Definitions that [`Type::Defined`] refers to.
    pub types: Vec<TypeDef>,
    /// Functions that may be called.
    pub functions: Vec<Function>,
    /// Resource types whose handles occur in `types`.
    pub resources: Vec<Resource>,
    /// Index of the function that [`ToShim::Load`] calls, if the bundle has one. It takes a list
    /// of pairs of strings and returns `result<_, string>`.
    pub init: Option<u32>,
    /// Symbol of `cabi_realloc`, if the library has it.
    pub realloc: Option<String>,
    /// Symbol of `wrun_take_panic`, if the library has it.
    pub take_panic: Option<String>,
    /// The system calls that the library may make, beside those that computing needs.
    pub profiles: Profiles,
    /// Whether the process has a root of its own, where the bundle is at [`BUNDLE_ROOT`].
    pub own_root: bool,
    /// Whether the process keeps the library in, or is only watched.
    pub purpose: Purpose,
    /// Largest payload in either direction, in bytes; at most the protocol's own limit.
    pub payload_bytes_max: u32,
}

/// A function of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    /// Component name, for messages: `ns:pkg/iface@1.0.0#func`.
    pub name: String,
    /// Symbol in the library.
    pub symbol: String,
    /// Symbol of the function that frees the result, if there is one.
    pub post_return: Option<String>,
    /// Types of the parameters.
    pub params: Vec<Type>,
    /// Type of the result.
    pub result: Option<Type>,
}

/// A resource type that the bundle implements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Component name, for messages: `ns:pkg/iface@1.0.0#name`.
    pub name: String,
    /// Symbol of the destructor, which takes a handle.
    pub destructor: String,
}

/// A message without its contents: what the permission table talks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after the variants of ToShim and ToRunner")]
pub enum Tag {
    Hello,
    Plan,
    Load,
    Call,
    Drop,
    Shutdown,
    Refused,
    Confined,
    Ready,
    Failed,
    Return,
    CallFailed,
    Dropped,
    Bye,
}

/// A message of either direction.
pub trait Message: Serialize + serde::de::DeserializeOwned {
    /// Which message it is.
    fn tag(&self) -> Tag;
}

impl Message for ToShim {
    fn tag(&self) -> Tag {
        match self {
            Self::Hello { .. } => Tag::Hello,
            Self::Plan => Tag::Plan,
            Self::Load => Tag::Load,
            Self::Call { .. } => Tag::Call,
            Self::Drop { .. } => Tag::Drop,
            Self::Shutdown => Tag::Shutdown,
        }
    }
}

impl Message for ToRunner {
    fn tag(&self) -> Tag {
        match self {
            Self::Hello { .. } => Tag::Hello,
            Self::Refused { .. } => Tag::Refused,
            Self::Confined => Tag::Confined,
            Self::Ready => Tag::Ready,
            Self::Failed { .. } => Tag::Failed,
            Self::Return { .. } => Tag::Return,
            Self::CallFailed { .. } => Tag::CallFailed,
            Self::Dropped { .. } => Tag::Dropped,
            Self::Bye => Tag::Bye,
        }
    }
}
