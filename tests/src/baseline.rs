//! What must be the same after an attack as before it.

use crate::left::children;
use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The files of a folder, to be found as they were.
#[derive(Debug)]
pub struct Baseline {
    folder: PathBuf,
    files: BTreeMap<PathBuf, u64>,
}

/// How much of what a process has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    descriptors: usize,
    threads: usize,
    children: usize,
    /// Memory that is really there, in KiB.
    resident: u64,
}

/// How much more memory may be there afterwards: what allocators keep for the next time.
const RESIDENT_SLACK_KIB: u64 = 4 << 10;

fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("/proc is mounted");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    let number = line.split_whitespace().next().expect("a number");
    number.parse().expect("a number")
}

impl Count {
    /// Of this process, now. Children count until somebody has waited for them.
    pub fn now() -> Self {
        let entries = |path: &str| fs::read_dir(path).expect("/proc is mounted").count();
        Self {
            descriptors: entries("/proc/self/fd"),
            threads: entries("/proc/self/task"),
            children: children(),
            resident: resident(),
        }
    }

    /// Waits until the process has no more than this again.
    ///
    /// # Panics
    /// If that does not come.
    pub fn assert_again(self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        // Fewer are no leak: a worker thread of wasmtime may have been there by chance.
        while !Self::now().is_within(self) && Instant::now() < deadline {
            std::thread::yield_now();
        }
        let now = Self::now();
        assert!(now.is_within(self), "the runner holds more: {now:?}, before: {self:?}");
    }

    fn is_within(self, other: Self) -> bool {
        self.descriptors <= other.descriptors
            && self.threads <= other.threads
            && self.children <= other.children
            && self.resident <= other.resident + RESIDENT_SLACK_KIB
    }
}

impl Baseline {
    /// As they are now.
    pub fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), files: digest(folder) }
    }

    /// Asserts that every file has the same content, owner, mode and time, and that none was added.
    ///
    /// # Panics
    /// If not.
    pub fn assert_same(&self) {
        assert_eq!(digest(&self.folder), self.files, "{} was changed", self.folder.display());
    }
}

fn digest(folder: &Path) -> BTreeMap<PathBuf, u64> {
    let mut files = BTreeMap::new();
    let entries = fs::read_dir(folder).expect("a folder that can be read");
    for path in entries.flatten().map(|entry| entry.path()) {
        let status = fs::symlink_metadata(&path).expect("a file that is there");
        let mut hasher = DefaultHasher::new();
        (status.mode(), status.uid(), status.gid(), status.mtime(), status.mtime_nsec())
            .hash(&mut hasher);
        if status.is_file() {
            fs::read(&path).expect("a file that can be read").hash(&mut hasher);
        }
        if status.is_dir() {
            files.extend(digest(&path));
        }
        files.insert(path, hasher.finish());
    }
    files
}
