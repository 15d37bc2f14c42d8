//! Why there is no plan.

use super::map::Map;
use super::report::Report;
use std::path::PathBuf;

/// Why there is no plan. `Display` says what, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Two bundles have one name, so nothing could tell them apart.
    #[error(
        "two bundles are called `{name}`: {} and {}; give one of them another name in bundle.toml",
        paths.0.display(), paths.1.display()
    )]
    SameName {
        /// The name.
        name: String,
        /// Both directories.
        paths: (PathBuf, PathBuf),
    },
    /// Assignments that cannot be followed.
    #[error("{}", lines(.0))]
    Maps(Vec<MapError>),
    /// The component and the bundles do not fit together.
    #[error(transparent)]
    Mismatch(#[from] Report),
    /// The plan of one bundle would break a limit of the protocol.
    #[error("bundle {bundle}: what the component uses of it does not fit into a plan: {what}")]
    Limit {
        /// Name of the bundle.
        bundle: String,
        /// Which limit.
        what: String,
    },
}

impl PlanError {
    /// Whether the mistake is in what was asked for, not in a component or bundle.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Maps(_) | Self::SameName { .. })
    }
}

/// An assignment that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MapError {
    /// There is no such bundle.
    #[error("{map}: there is no such bundle; {}", list("the bundles are", bundles))]
    NoBundle {
        /// The assignment.
        map: Map,
        /// Names of all bundles.
        bundles: Vec<String>,
    },
    /// The component imports nothing that it matches.
    #[error("{map}: the component imports nothing of that name; {}", list("it imports", imports))]
    Unused {
        /// The assignment.
        map: Map,
        /// Names of all imports that bundles may serve.
        imports: Vec<String>,
    },
    /// What it matches is served by wrun or by the embedder.
    #[error("{map}: `{import}` is not served by bundles")]
    NotForBundles {
        /// The assignment.
        map: Map,
        /// The import.
        import: String,
    },
    /// The bundle does not have what is assigned to it.
    #[error(
        "{map}: bundle {} does not export `{import}`; {}",
        map.bundle(), list("it exports", exports)
    )]
    NotExported {
        /// The assignment.
        map: Map,
        /// The import.
        import: String,
        /// What the bundle exports.
        exports: Vec<String>,
    },
    /// Two assignments that are equally exact name different bundles.
    #[error("{first} and {second} contradict each other about `{import}`")]
    Contradiction {
        /// The one.
        first: Map,
        /// The other.
        second: Map,
        /// The import.
        import: String,
    },
}

/// How many names a list shows.
const SHOWN_MAX: usize = 12;

fn list(what: &str, names: &[String]) -> String {
    let rest = names.len().saturating_sub(SHOWN_MAX);
    let shown: Vec<_> = names.iter().take(SHOWN_MAX).map(String::as_str).collect();
    match (shown.is_empty(), rest) {
        (true, _) => format!("{what}: none"),
        (false, 0) => format!("{what}: {}", shown.join(", ")),
        (false, rest) => format!("{what}: {} and {rest} more", shown.join(", ")),
    }
}

fn lines(errors: &[MapError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
