//! `IFACE=BUNDLE`: the operator's word on which bundle serves what.

use protocol::text::ForeignText;
use std::fmt;
use std::str::FromStr;

/// One assignment of imports to a bundle.
///
/// The import is a full name (`ns:pkg/iface@1.0.0`), one without version, which means all versions
/// (`ns:pkg/iface`), a whole package (`ns:pkg/*`, `ns:pkg/*@1.0.0`), or the name of a function at
/// world level. Where several match, the most exact one counts.
///
/// A *standing* assignment is written down for all components: one that imports nothing of it is
/// no mistake, and any other assignment takes precedence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map {
    import: String,
    bundle: String,
    /// Where it is written down, if it is a standing one.
    standing: Option<String>,
}

/// A text that is no [`Map`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is no assignment; write INTERFACE=BUNDLE, as in demo:clock/now@1.0.0=clock, \
     demo:clock/now=clock or demo:clock/*=clock",
    ForeignText::new(.0)
)]
pub struct NoMap(pub String);

impl Map {
    /// Assigns `import` to the bundle named `bundle`.
    pub fn new(import: impl Into<String>, bundle: impl Into<String>) -> Self {
        Self { import: import.into(), bundle: bundle.into(), standing: None }
    }

    /// A standing assignment that is written down at `place`.
    pub fn standing(
        import: impl Into<String>,
        bundle: impl Into<String>,
        place: impl Into<String>,
    ) -> Self {
        Self { import: import.into(), bundle: bundle.into(), standing: Some(place.into()) }
    }

    /// Whether it is a standing one.
    pub fn is_standing(&self) -> bool {
        self.standing.is_some()
    }

    /// What it assigns.
    pub fn import(&self) -> &str {
        &self.import
    }

    /// Whether it means `name`, of whatever version.
    pub fn means(&self, name: &str) -> bool {
        let base = name.split('@').next().unwrap_or_default();
        let own = self.import.split('@').next().unwrap_or_default();
        own == base || self.exactness(name).is_some() || {
            let package = base.split_once('/').map(|(package, _)| package);
            own.strip_suffix("/*").is_some_and(|own| Some(own) == package)
        }
    }

    /// Name of the bundle.
    pub fn bundle(&self) -> &str {
        &self.bundle
    }

    /// How exactly it means the import called `name`, if it does.
    pub(super) fn exactness(&self, name: &str) -> Option<Exactness> {
        let (base, version) = name.split_once('@').unwrap_or((name, ""));
        if self.import == name {
            return Some(Exactness::Name);
        }
        if self.import == base {
            return Some(Exactness::AnyVersion);
        }
        let (package, wanted_version) = self.import.split_once("/*")?;
        let is_in_package = base.split_once('/').is_some_and(|(found, _)| found == package);
        let is_version = match wanted_version.strip_prefix('@') {
            Some(wanted) => wanted == version,
            None => wanted_version.is_empty(),
        };
        (is_in_package && is_version).then_some(Exactness::Package)
    }
}

/// How exactly a [`Map`] means an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exactness {
    Package,
    AnyVersion,
    Name,
}

impl FromStr for Map {
    type Err = NoMap;

    fn from_str(text: &str) -> Result<Self, NoMap> {
        match text.rsplit_once('=') {
            Some((import, bundle)) if !import.is_empty() && !bundle.is_empty() => {
                Ok(Self::new(import, bundle))
            }
            _ => Err(NoMap(text.to_owned())),
        }
    }
}

impl fmt::Display for Map {
    /// As an operator wrote it, with the option or the place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (import, bundle) = (ForeignText::new(&self.import), ForeignText::new(&self.bundle));
        match &self.standing {
            None => write!(f, "--map {import}={bundle}"),
            Some(place) => {
                write!(f, "{}: bundle `{bundle}` serves {import}", ForeignText::new(place))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_match_what_they_say() {
        let exactness = |import: &str, name: &str| Map::new(import, "b").exactness(name);
        let name = "a:b/c@1.0.0";
        assert_eq!(exactness("a:b/c@1.0.0", name), Some(Exactness::Name));
        assert_eq!(exactness("a:b/c", name), Some(Exactness::AnyVersion));
        assert_eq!(exactness("a:b/*", name), Some(Exactness::Package));
        assert_eq!(exactness("a:b/*@1.0.0", name), Some(Exactness::Package));
        assert_eq!(exactness("a:b/*@2.0.0", name), None);
        assert_eq!(exactness("a:b/c@1.0.1", name), None);
        assert_eq!(exactness("a:b/*", "a:bb/c"), None);
        assert_eq!(exactness("run", "run"), Some(Exactness::Name));
        assert!(Exactness::Name > Exactness::AnyVersion);
        assert!(Exactness::AnyVersion > Exactness::Package);
    }

    #[test]
    fn a_text_without_both_sides_is_refused() {
        for text in ["", "a:b/c", "a:b/c=", "=x"] {
            assert_eq!(text.parse::<Map>(), Err(NoMap(text.into())));
        }
        assert_eq!("a:b/c=x".parse(), Ok(Map::new("a:b/c", "x")));
    }
}
