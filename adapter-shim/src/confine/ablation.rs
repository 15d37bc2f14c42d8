//! Jails with one layer left out, to prove that each does something.
//!
//! Only a build with the feature `ablation` can name a layer to leave out; the tests have a program
//! of their own with it. Without the feature there is nothing to be left out, whatever anybody says.

/// What can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Closing of inherited descriptors.
    Descriptors,
    /// Resource limits.
    Limits,
    /// Namespaces, and with them the root of its own.
    Namespaces,
    /// Dropping of capabilities.
    Capabilities,
    /// `PR_SET_MDWE`.
    Mdwe,
    /// Landlock.
    Landlock,
    /// The filter that is there before the shim is executed.
    Never,
    /// The filters of the load phase.
    Filters,
    /// The steady filter.
    Narrowing,
}

impl Part {
    /// All of them, with the names by which a test asks for them.
    pub const ALL: [(&'static str, Self); 9] = [
        ("descriptors", Self::Descriptors),
        ("limits", Self::Limits),
        ("namespaces", Self::Namespaces),
        ("capabilities", Self::Capabilities),
        ("mdwe", Self::Mdwe),
        ("landlock", Self::Landlock),
        ("never", Self::Never),
        ("filters", Self::Filters),
        ("narrowing", Self::Narrowing),
    ];

    /// The part of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, part)| part)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, part)| *part == self).map_or("", |(name, _)| name)
    }
}

/// At most one part that is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut(Option<Part>);

impl LeftOut {
    /// A whole jail.
    pub const NOTHING: Self = Self(None);

    /// A jail without `part`.
    #[cfg(feature = "ablation")]
    pub fn only(part: Part) -> Self {
        Self(Some(part))
    }

    /// Whether `part` is left out.
    pub(crate) fn has(self, part: Part) -> bool {
        self.0 == Some(part)
    }

    /// What is left out.
    pub(crate) fn part(self) -> Option<Part> {
        self.0
    }
}
