//! What an operator says about bundles: from the command line, from hosts.toml, and merged.

use super::amount::Amount;
use super::grant::{Grant, Item, ItemFault};
use super::limit::Limit;
use super::supervision::{self, Supervision};
use crate::bundle::manifest::is_name;
use crate::registry::BundleOptions;
use protocol::text::ForeignText;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A line of hosts.toml.
    File {
        /// The file, as it was named.
        file: Arc<str>,
        /// Line, counted from 1.
        line: usize,
    },
    /// An option.
    CommandLine,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line } => write!(f, "{}:{line}", ForeignText::new(&**file)),
            Self::CommandLine => f.write_str("command line"),
        }
    }
}

/// A value that remembers where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
}

impl<T> Sourced<T> {
    /// `value`, which comes from `origin`.
    pub fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }
}

/// What an operator says about one bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// What it may reach, in the order in which it was said.
    pub grants: Vec<Sourced<Grant>>,
    /// What it may use.
    pub limits: BTreeMap<Limit, Sourced<Amount>>,
    /// What is done when it fails.
    pub supervision: Supervision,
}

impl Settings {
    /// No grants, and every limit at its default.
    pub fn defaults() -> Self {
        let options = BundleOptions::default();
        let amount = |limit: Limit| Sourced::new(limit.of(&options), Origin::Default);
        let limits = Limit::ALL.into_iter().map(|limit| (limit, amount(limit))).collect();
        Self { grants: Vec::new(), limits, supervision: supervision::defaults() }
    }

    /// These settings with `later` on top: grants add up, the later of two limits or
    /// rules counts.
    #[must_use]
    pub fn with(mut self, later: &Self) -> Self {
        for grant in &later.grants {
            if !self.grants.iter().any(|known| known.value == grant.value) {
                self.grants.push(grant.clone());
            }
        }
        let limits = later.limits.iter().map(|(limit, amount)| (*limit, amount.clone()));
        self.limits.extend(limits);
        let rules = later.supervision.iter().map(|(rule, value)| (*rule, value.clone()));
        self.supervision.extend(rules);
        self
    }

    /// Adds what one source says. Returns the limit if that source said it before.
    pub(super) fn add(&mut self, item: Item, origin: Origin) -> Result<(), Limit> {
        match item {
            Item::Grant(grant) => self.grants.push(Sourced::new(grant, origin)),
            Item::Limit(limit, amount) => {
                if self.limits.insert(limit, Sourced::new(amount, origin)).is_some() {
                    return Err(limit);
                }
            }
        }
        Ok(())
    }
}

/// A `--grant` that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// Not of the form that it must have.
    #[error(
        "--grant {}: write NAME:WHAT=VALUE with the name of a bundle, as in \
         pkcs11:read=/etc/softhsm or pkcs11:memory=512M",
        ForeignText::new(.0)
    )]
    Form(String),
    /// Neither a grant nor a limit.
    #[error("--grant {}: {fault}", ForeignText::new(text))]
    Item {
        /// What was written.
        text: String,
        /// What is wrong with it.
        fault: ItemFault,
    },
    /// A limit that was given before.
    #[error("--grant {}: {} was given before", ForeignText::new(text), limit.name())]
    Twice {
        /// What was written.
        text: String,
        /// The limit.
        limit: Limit,
    },
}

/// Reads the values of `--grant`: settings by the name of the bundle. Relative paths are those from
/// `base`.
///
/// # Errors
/// [`GrantError`] for the first that makes no sense.
pub fn from_command_line(
    texts: &[String],
    base: &Path,
) -> Result<BTreeMap<String, Settings>, GrantError> {
    let mut settings: BTreeMap<String, Settings> = BTreeMap::new();
    for text in texts {
        let form = || GrantError::Form(text.clone());
        let (left, value) = text.split_once('=').ok_or_else(form)?;
        let (bundle, name) = left.split_once(':').ok_or_else(form)?;
        if !is_name(bundle) {
            return Err(form());
        }
        let item = Item::parse(name, value, base)
            .map_err(|fault| GrantError::Item { text: text.clone(), fault })?;
        let of_bundle = settings.entry(bundle.to_owned()).or_default();
        of_bundle
            .add(item, Origin::CommandLine)
            .map_err(|limit| GrantError::Twice { text: text.clone(), limit })?;
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(texts: &[&str]) -> Result<BTreeMap<String, Settings>, GrantError> {
        let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
        from_command_line(&texts, Path::new("/base"))
    }

    #[test]
    fn grants_add_up_and_the_later_limit_counts() {
        let file = |line| Origin::File { file: "hosts.toml".into(), line };
        let mut below = Settings::default();
        let mut add = |name, value, line| {
            let item = Item::parse(name, value, Path::new("/base"));
            item.is_ok_and(|item| below.add(item, file(line)).is_ok())
        };
        assert!(add("read", "/a", 3) && add("memory", "2G", 4) && add("cpu", "5s", 5));
        let above = typed(&["x:memory=3G", "x:read=/b", "x:read=/a"]).unwrap_or_default();
        let above = above.get("x").cloned().unwrap_or_default();
        let merged = Settings::defaults().with(&below).with(&above);
        let grants: Vec<_> =
            merged.grants.iter().map(|g| format!("{} ({})", g.value, g.origin)).collect();
        assert_eq!(grants, ["read=/a (hosts.toml:3)", "read=/b (command line)"]);
        let limit = |limit| {
            let Sourced { value, origin } = merged.limits.get(&limit)?;
            Some(format!("{value} ({origin})"))
        };
        assert_eq!(limit(Limit::Memory).as_deref(), Some("3GiB (command line)"));
        assert_eq!(limit(Limit::Cpu).as_deref(), Some("5s (hosts.toml:5)"));
        assert_eq!(limit(Limit::Threads).as_deref(), Some("0 (default)"));
    }

    #[test]
    fn what_nobody_granted_is_not_there() {
        let settings = Settings::defaults();
        assert_eq!(settings.grants, []);
        assert_eq!(settings.limits.len(), Limit::ALL.len());
    }

    #[test]
    fn a_grant_without_bundle_or_value_and_a_limit_given_twice_are_refused() {
        for text in ["read=/x", "pkcs11", "pkcs11:read", ":read=/x", "../x:read=/x", ""] {
            assert_eq!(typed(&[text]), Err(GrantError::Form(text.to_owned())));
        }
        assert!(matches!(typed(&["x:raed=/x"]), Err(GrantError::Item { .. })));
        let twice = typed(&["x:memory=1G", "y:memory=1G", "x:memory=1G"]);
        assert!(matches!(twice, Err(GrantError::Twice { limit: Limit::Memory, .. })));
        assert!(typed(&["x:read=/a=b"]).is_ok());
    }
}
