//! Which protocol both sides speak.
//!
//! The runner offers a range, the shim picks the highest version that it knows, or refuses. A
//! runner and a shim of one release always agree; the range matters when an embedder ships its own
//! shim or attaches to one that runs already.

use serde::{Deserialize, Serialize};

/// First bytes of the first message in each direction.
pub const MAGIC: [u8; 4] = *b"wrun";

/// The versions this crate implements.
pub const SUPPORTED: VersionRange = VersionRange { oldest: 1, newest: 1 };

/// An inclusive range of protocol versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRange {
    /// Lowest version, inclusive.
    pub oldest: u16,
    /// Highest version, inclusive.
    pub newest: u16,
}

impl VersionRange {
    /// The highest version in both ranges.
    ///
    /// # Errors
    /// [`VersionError`] if there is none; its text says which side is the older one.
    pub fn agree(self, offered: Self) -> Result<u16, VersionError> {
        let newest = self.newest.min(offered.newest);
        if newest >= self.oldest.max(offered.oldest) {
            Ok(newest)
        } else {
            Err(VersionError::NoneInCommon { ours: self, theirs: offered })
        }
    }

    /// Whether `version` lies in the range.
    pub fn contains(self, version: u16) -> bool {
        (self.oldest..=self.newest).contains(&version)
    }
}

impl std::fmt::Display for VersionRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} to {}", self.oldest, self.newest)
    }
}

/// Why no version was agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// The greeting does not start with [`MAGIC`].
    #[error("the peer does not speak this protocol")]
    Magic,
    /// The ranges do not overlap.
    #[error(
        "this side speaks protocol versions {ours}, the other side {theirs}; \
         install wrun and adapter-shim from one release"
    )]
    NoneInCommon {
        /// Versions of this side.
        ours: VersionRange,
        /// Versions of the other side.
        theirs: VersionRange,
    },
    /// The shim picked a version that was not offered.
    #[error("the shim picked protocol version {0}, which was not offered")]
    NotOffered(u16),
}
