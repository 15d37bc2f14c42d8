//! Paths inside a bundle.

use std::fmt;

/// Longest path inside a bundle, in bytes. Far below `PATH_MAX`, since it is joined to others.
pub const PATH_BYTES_MAX: usize = 1024;

/// Longest component of such a path, in bytes, as on common file systems.
const NAME_BYTES_MAX: usize = 255;

/// A path relative to a bundle's directory: no root, no `.` or `..`, nothing that a terminal would
/// act on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelativePath(String);

/// Why a text is not a path inside a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathFault {
    /// Nothing, or nothing between two slashes.
    #[error("it has an empty part")]
    Empty,
    /// It starts at the root.
    #[error("it is absolute; paths are relative to the bundle's directory")]
    Absolute,
    /// It has a part that is `.` or `..`.
    #[error("it has a part `.` or `..`; paths must stay inside the bundle")]
    Dots,
    /// It has control characters, or others that make it read otherwise than it is.
    #[error("it has control characters")]
    Control,
    /// Longer than [`PATH_BYTES_MAX`], or with a part that is longer than file systems allow.
    #[error("it is too long")]
    Long,
}

impl RelativePath {
    /// Checks `text`.
    ///
    /// # Errors
    /// [`PathFault`].
    pub fn new(text: &str) -> Result<Self, PathFault> {
        if text.starts_with('/') {
            return Err(PathFault::Absolute);
        }
        if text.len() > PATH_BYTES_MAX {
            return Err(PathFault::Long);
        }
        let mut shown = String::new();
        for c in text.chars() {
            // Writing to a `String` cannot fail.
            let _ = protocol::text::write_harmless(&mut shown, c);
        }
        if shown != text || text.contains(['\n', '\t']) {
            return Err(PathFault::Control);
        }
        for part in text.split('/') {
            match part {
                "" => return Err(PathFault::Empty),
                "." | ".." => return Err(PathFault::Dots),
                part if part.len() > NAME_BYTES_MAX => return Err(PathFault::Long),
                _ => {}
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// A path that is written in this source, and so needs no check.
    pub(super) fn fixed(path: &'static str) -> Self {
        Self(path.to_owned())
    }

    /// This path with `name` behind it.
    ///
    /// # Errors
    /// [`PathFault`].
    pub fn join(&self, name: &str) -> Result<Self, PathFault> {
        Self::new(&format!("{}/{name}", self.0))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last part.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leaves_the_bundle_is_refused() {
        let fault = |text: &str| RelativePath::new(text).map(|_| ());
        assert_eq!(fault("lib/libx.so"), Ok(()));
        assert_eq!(fault("lib/..hidden"), Ok(()));
        assert_eq!(fault("/etc/passwd"), Err(PathFault::Absolute));
        assert_eq!(fault("lib/../../x"), Err(PathFault::Dots));
        assert_eq!(fault("./lib"), Err(PathFault::Dots));
        assert_eq!(fault(""), Err(PathFault::Empty));
        assert_eq!(fault("lib//x"), Err(PathFault::Empty));
        assert_eq!(fault("lib/"), Err(PathFault::Empty));
        assert_eq!(fault("lib/\0"), Err(PathFault::Control));
        assert_eq!(fault("lib/\u{202e}os.bil"), Err(PathFault::Control));
        assert_eq!(fault(&"x".repeat(256)), Err(PathFault::Long));
        assert_eq!(fault(&"x/".repeat(600)), Err(PathFault::Long));
    }
}
