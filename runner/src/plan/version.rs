//! Which version of an interface may stand in for another.
//!
//! The rule is the one of wasmtime's `Linker`, so that a bundle is found exactly where a host
//! function would be: the exact name first, else the latest version on the same track. A track is
//! the major version, or `0.MINOR` for versions below 1. Versions `0.0.x` and pre-releases are
//! compatible with nothing but themselves. The version that is taken may be older than the one
//! wanted: every function is compared anyway.

use semver::Version;

/// The track of an interface's full name: its name without version, major, and minor below 1.
/// `None` for a name without version, and for versions that only match exactly.
fn track(name: &str) -> Option<((&str, u64, u64), Version)> {
    let (base, version) = name.split_once('@')?;
    let version = Version::parse(version).ok().filter(|version| version.pre.is_empty())?;
    let track = match (version.major, version.minor) {
        (0, 0) => return None,
        (0, minor) => (base, 0, minor),
        (major, _) => (base, major, 0),
    };
    Some((track, version))
}

/// A full name without its version.
pub(super) fn base(name: &str) -> &str {
    name.split_once('@').map_or(name, |(base, _)| base)
}

/// Whether `has` may stand in for `wanted`.
pub(super) fn is_compatible(wanted: &str, has: &str) -> bool {
    wanted == has
        || track(wanted).zip(track(has)).is_some_and(|((wanted, _), (has, _))| wanted == has)
}

/// The one of `names` that is taken for `wanted`.
pub(super) fn select<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut best: Option<(Version, &str)> = None;
    for name in names {
        if name == wanted {
            return Some(name);
        }
        if let Some((_, version)) = track(name).filter(|_| is_compatible(wanted, name))
            && best.as_ref().is_none_or(|(latest, _)| version > *latest)
        {
            best = Some((version, name));
        }
    }
    best.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_on_one_track_are_compatible_in_both_directions() {
        for (wanted, has, expected) in [
            ("a:b/c@1.2.0", "a:b/c@1.0.0", true),
            ("a:b/c@1.0.0", "a:b/c@1.9.3", true),
            ("a:b/c@1.0.0", "a:b/c@2.0.0", false),
            ("a:b/c@0.1.0", "a:b/c@0.1.7", true),
            ("a:b/c@0.1.0", "a:b/c@0.2.0", false),
            ("a:b/c@0.0.1", "a:b/c@0.0.2", false),
            ("a:b/c@0.0.1", "a:b/c@0.0.1", true),
            ("a:b/c@1.0.0-rc.1", "a:b/c@1.0.0", false),
            ("a:b/c@1.0.0-rc.1", "a:b/c@1.0.0-rc.1", true),
            ("a:b/c", "a:b/c@1.0.0", false),
            ("a:b/c", "a:b/c", true),
            ("a:b/c@1.0.0", "a:b/d@1.0.0", false),
            ("a:b/c@1.0.0+x", "a:b/c@1.0.0+y", true),
        ] {
            assert_eq!(is_compatible(wanted, has), expected, "{wanted} {has}");
        }
    }

    #[test]
    fn the_exact_version_wins_then_the_latest() {
        let names = ["a:b/c@1.1.0", "a:b/c@1.3.0", "a:b/c@1.2.0", "a:b/c@2.0.0"];
        let select = |wanted| select(wanted, names.iter().copied());
        assert_eq!(select("a:b/c@1.1.0"), Some("a:b/c@1.1.0"));
        assert_eq!(select("a:b/c@1.0.0"), Some("a:b/c@1.3.0"));
        assert_eq!(select("a:b/c@3.0.0"), None);
    }
}
