//! What can go wrong while a library is loaded and called, by whose fault it is.

#![forbid(unsafe_code)]

use super::layout::LayoutError;
use protocol::error::{TypeError, ValueError};
use protocol::message::CallFault;
use protocol::text::ForeignText;

/// Why a bundle's library could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The plan's types cannot be used.
    #[error("the plan cannot be used: {0}")]
    Types(#[from] TypeError),
    /// A type of the plan has no layout on this machine.
    #[error("the plan cannot be used: {0}")]
    Layout(#[from] LayoutError),
    /// The plan contradicts itself.
    #[error("the plan cannot be used: {0}")]
    Plan(String),
    /// The file could not be opened beneath the bundle directory.
    #[error("cannot open {library} in the bundle directory: {reason}")]
    Open {
        /// Path in the bundle directory.
        library: String,
        /// What the system says.
        reason: std::io::Error,
    },
    /// The path names something else than a file.
    #[error("{library} in the bundle directory is not a regular file")]
    NotAFile {
        /// Path in the bundle directory.
        library: String,
    },
    /// The dynamic linker refused the library.
    #[error("cannot load {library}: {reason}")]
    Link {
        /// Path in the bundle directory.
        library: String,
        /// What the dynamic linker says.
        reason: String,
    },
    /// The library lacks a symbol of the plan.
    #[error("{library} has no symbol {symbol}, which {wanted_for} needs")]
    Symbol {
        /// Path in the bundle directory.
        library: String,
        /// The missing symbol.
        symbol: String,
        /// The function or resource, by its component name.
        wanted_for: String,
    },
    /// A function takes strings, lists or many parameters, and nothing can allocate for them.
    #[error(
        "{function} takes arguments in memory, but {library} has no cabi_realloc; \
         export it, see wrun_bundle.h"
    )]
    Realloc {
        /// Path in the bundle directory.
        library: String,
        /// The first such function, by its component name.
        function: String,
    },
}

/// Why a call returned no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The library's fault; it can be called again.
    #[error("{text}")]
    Failed {
        /// What kind of failure.
        fault: CallFault,
        /// Why, in words of the library or about it.
        text: ForeignText,
    },
    /// The caller's fault; the library function was not called.
    #[error(transparent)]
    Request(#[from] RequestError),
}

impl CallError {
    pub(super) fn failed(fault: CallFault, text: impl Into<String>) -> Self {
        Self::Failed { fault, text: ForeignText::new(text) }
    }
}

/// A request that the plan does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// No such function.
    #[error("the plan has no function {0}")]
    Function(u32),
    /// No such resource.
    #[error("the plan has no resource {0}")]
    Resource(u32),
    /// Configuration for a bundle that has no `init`.
    #[error("the bundle takes no configuration")]
    Init,
    /// 0 is never a handle.
    #[error("0 is not a handle")]
    Handle,
    /// The arguments are not values of the function's parameter types.
    #[error("the arguments do not match the function: {0}")]
    Arguments(ValueError),
}

/// Why the bundle's `init` did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InitError {
    /// `init` returned an error; this is its text.
    #[error("{0}")]
    Refused(ForeignText),
    /// `init` did not return.
    #[error(transparent)]
    Call(#[from] CallError),
}
