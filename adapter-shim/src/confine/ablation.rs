//! Jails with a layer left out, to prove that each does something, and to measure what it costs.
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

/// Parts that are left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut(u16);

impl LeftOut {
    /// A whole jail.
    pub const NOTHING: Self = Self(0);

    /// A jail without the parts of these names, which commas separate; other names are left alone.
    #[cfg(feature = "ablation")]
    pub fn named(names: &str) -> Self {
        let parts = names.split(',').filter_map(|name| Part::named(name.trim()));
        Self(parts.fold(0, |bits, part| bits | bit(part)))
    }

    /// Whether `part` is left out.
    pub(crate) fn has(self, part: Part) -> bool {
        self.0 & bit(part) != 0
    }

    /// The names of what is left out, with commas between; `None` for a whole jail.
    pub(crate) fn names(self) -> Option<String> {
        let parts = Part::ALL.into_iter().filter(|(_, part)| self.has(*part));
        let names: Vec<_> = parts.map(|(name, _)| name).collect();
        if names.is_empty() { None } else { Some(names.join(",")) }
    }
}

fn bit(part: Part) -> u16 {
    let place = Part::ALL.iter().position(|(_, known)| *known == part);
    place.and_then(|place| u32::try_from(place).ok()).map_or(0, |place| 1 << place)
}
