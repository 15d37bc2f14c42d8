//! From what a bundle was seen to use to the grants that it needs: `wrun policy learn`.

use super::closure::{Search, closure, is_standard};
use crate::shim::BundleNotice;
use protocol::text::shell_word;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Files that every process looks at and that no jail has: the dynamic linker's, and the kernel's.
const OF_EVERY_PROCESS: [&str; 5] =
    ["/etc/ld.so.cache", "/etc/ld.so.preload", "/proc", "/sys", "/usr/lib/locale"];

/// What one bundle used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Learned {
    /// Grants, as they are written behind the bundle's name.
    pub grants: BTreeSet<String>,
    /// System calls for which there is no grant.
    pub without_grant: BTreeSet<String>,
}

/// Sums up what was seen, for each of `bundles`, which are names and directories. What every bundle
/// may use, and what one grant covers beside another, is left out.
pub fn learned(seen: &[BundleNotice], bundles: &[(String, PathBuf)]) -> BTreeMap<String, Learned> {
    let mut found = BTreeMap::new();
    for (name, directory) in bundles {
        let mut learned = Learned::default();
        for notice in seen.iter().filter(|notice| notice.bundle == *name) {
            match &notice.notice.grant {
                Some(grant) if is_its_own(grant, directory) => {}
                Some(grant) => drop(learned.grants.insert(grant.clone())),
                None if is_asking(&notice.notice.call) => {}
                None => drop(learned.without_grant.insert(notice.notice.call.clone())),
            }
        }
        learned.grants = without_covered(&learned.grants);
        found.insert(name.clone(), learned);
    }
    found
}

/// Whether a call only asks who or what the process is: it is refused, and nothing comes of it.
fn is_asking(call: &str) -> bool {
    const ASKING: [&str; 4] = ["uname", "sysinfo", "getppid", "getrusage"];
    ASKING.contains(&call)
}

/// What needs no grant, or is not a grant but a gap to be filled.
fn is_its_own(grant: &str, directory: &Path) -> bool {
    let Some((kind, value)) = grant.split_once('=') else { return false };
    let path = Path::new(value);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let standard = kind == "library" && name.is_some_and(|name| is_standard(&name));
    let of_all = OF_EVERY_PROCESS.iter().any(|place| path.starts_with(place));
    let gap = ["HOST:PORT", "unix:PATH", "unix:"].contains(&value);
    standard || of_all || gap || path.starts_with(directory)
}

/// Leaves out what another grant covers: what lies in a granted folder, what may be written and so
/// read, and what a granted library needs.
fn without_covered(grants: &BTreeSet<String>) -> BTreeSet<String> {
    let split = |grant: &String| {
        let (kind, value) = grant.split_once('=')?;
        Some((kind.to_owned(), PathBuf::from(value)))
    };
    let paths: Vec<_> = grants.iter().filter_map(split).collect();
    let needed = needed_by_others(&paths);
    let is_covered = |grant: &String| {
        let Some((kind, path)) = split(grant) else { return false };
        match kind.as_str() {
            "library" => needed.contains(&path),
            "read" | "write" => paths.iter().any(|(other_kind, other)| {
                let wider = path.starts_with(other) && (*other != path || kind == "read");
                let enough = other_kind == "write" || (kind == "read" && other_kind == "read");
                let same = *other == path && *other_kind == kind;
                let loaded = other_kind == "library" && *other == path;
                loaded || (wider && enough && !same)
            }),
            _ => false,
        }
    };
    grants.iter().filter(|grant| !is_covered(grant)).cloned().collect()
}

/// Libraries that come with another one of the list.
fn needed_by_others(paths: &[(String, PathBuf)]) -> BTreeSet<PathBuf> {
    let search = Search::of_machine();
    let libraries = || paths.iter().filter(|(kind, _)| kind == "library").map(|(_, path)| path);
    let mut needed = BTreeSet::new();
    for library in libraries() {
        let Ok(own) = library.canonicalize() else { continue };
        // A file that is no library comes with nothing.
        for other in closure(library, &search).unwrap_or_default() {
            if Path::new(&other.file) != own {
                let same = |path: &&PathBuf| {
                    path.canonicalize().is_ok_and(|file| file == Path::new(&other.file))
                };
                needed.extend(libraries().filter(same).cloned());
            }
        }
    }
    needed
}

impl Learned {
    /// The options that grant it to the bundle of that name, a line each.
    pub fn options(&self, bundle: &str) -> String {
        let line = |grant| format!("--grant {}\n", shell_word(&format!("{bundle}:{grant}")));
        self.grants.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::stage::Notice;

    fn notice(call: &str, grant: Option<&str>) -> BundleNotice {
        let grant = grant.map(str::to_owned);
        let notice = Notice { call: call.to_owned(), about: None, grant };
        BundleNotice { bundle: "b".to_owned(), function: None, notice }
    }

    fn grants(seen: &[&str]) -> Vec<String> {
        let seen: Vec<_> = seen.iter().map(|grant| notice("openat", Some(grant))).collect();
        let mut found = learned(&seen, &[("b".to_owned(), PathBuf::from("/opt/b_host"))]);
        found.remove("b").unwrap_or_default().grants.into_iter().collect()
    }

    #[test]
    fn what_another_grant_covers_is_left_out() {
        assert_eq!(grants(&["read=/a/b", "read=/a"]), ["read=/a"]);
        assert_eq!(grants(&["read=/a/b", "write=/a"]), ["write=/a"]);
        assert_eq!(grants(&["read=/a", "write=/a"]), ["write=/a"]);
        assert_eq!(grants(&["write=/a/b", "read=/a"]), ["read=/a", "write=/a/b"]);
        assert_eq!(grants(&["write=/a/b", "write=/a"]), ["write=/a"]);
        assert_eq!(grants(&["read=/ab", "read=/a"]), ["read=/a", "read=/ab"]);
    }

    #[test]
    fn what_every_bundle_has_is_left_out() {
        let own = [
            "library=/lib/x86_64-linux-gnu/libc.so.6",
            "library=/opt/b_host/lib/libb.so",
            "read=/etc/ld.so.cache",
            "read=/proc/self/maps",
            "connect=HOST:PORT",
        ];
        assert_eq!(grants(&own), Vec::<String>::new());
        assert_eq!(grants(&["threads=8"]), ["threads=8"]);
    }

    #[test]
    fn a_call_without_a_grant_is_told_unless_it_only_asks() {
        let seen = [notice("fork", None), notice("uname", None)];
        let found = learned(&seen, &[("b".to_owned(), PathBuf::from("/opt/b_host"))]);
        let calls = found.get("b").map(|learned| learned.without_grant.clone());
        assert_eq!(calls, Some(BTreeSet::from(["fork".to_owned()])));
    }

    #[test]
    fn a_path_that_a_library_made_up_stays_one_word() {
        let learned = Learned {
            grants: BTreeSet::from(["read=/x; rm -rf ~".to_owned()]),
            ..Learned::default()
        };
        assert_eq!(learned.options("b"), "--grant 'b:read=/x; rm -rf ~'\n");
    }
}
