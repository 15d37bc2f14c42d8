//! Bundles in C, compiled when a test needs them, and once for all tests that need the same.

use crate::{root, succeed, target};
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A bundle of `tests/fixtures`, to be built.
#[derive(Debug, Clone)]
pub struct Fixture {
    name: String,
    flags: Vec<String>,
}

/// Compiles and packs `tests/fixtures/NAME`, a bundle in C, into `folder`; `define` is a macro that
/// switches a misbehaviour on.
pub fn fixture(name: &str, define: Option<&str>, folder: &Path) -> PathBuf {
    let fixture = Fixture::new(name);
    define.into_iter().fold(fixture, |fixture, define| fixture.define(define)).bundle(folder)
}

impl Fixture {
    /// `tests/fixtures/NAME`: all its C files are one library, its world is in `wit/NAME.wit`.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), flags: Vec::new() }
    }

    /// Switches something on, as in `#ifdef`.
    #[must_use]
    pub fn define(self, name: &str) -> Self {
        self.flag(format!("-D{name}"))
    }

    /// An option of the compiler, or of the linker with `-Wl,`.
    #[must_use]
    pub fn flag(mut self, flag: impl Into<String>) -> Self {
        self.flags.push(flag.into());
        self
    }

    /// The compiled library. It is shared with other tests: not to be changed.
    pub fn library(&self) -> PathBuf {
        let sources = self.sources();
        let cache = target().join("fixtures");
        fs::create_dir_all(&cache).expect("a folder for compiled fixtures");
        let key = self.key(&sources);
        let library = cache.join(format!("lib{}-{key:016x}.so", self.name));
        if !library.exists() {
            // Another test may be at it too; a rename is all or nothing.
            let made = cache.join(format!("{}-{key:016x}.{}", self.name, std::process::id()));
            let mut cc = Command::new("cc");
            // Entries of tables stay in the order of the source.
            cc.args(["-shared", "-fPIC", "-O1", "-fno-toplevel-reorder", "-o"]).arg(&made);
            cc.args(sources.iter().filter(|file| file.extension().is_some_and(|end| end == "c")));
            succeed(cc.args(&self.flags).args(["-pthread", "-ldl"]));
            fs::rename(&made, &library).expect("one file system");
        }
        library
    }

    /// Packs the library as the bundle `NAME_host` into `folder`, by convention: without a manifest,
    /// and without the checks that packing would make.
    pub fn bundle(&self, folder: &Path) -> PathBuf {
        self.bundle_of(&fs::read(self.library()).expect("the compiled library"), folder)
    }

    /// As [`Fixture::bundle`], of a library that a test has changed.
    pub fn bundle_of(&self, library: &[u8], folder: &Path) -> PathBuf {
        let out = folder.join(format!("{}_host", self.name));
        fs::create_dir_all(out.join("lib")).expect("a new folder");
        fs::create_dir_all(out.join("wit")).expect("a new folder");
        fs::write(out.join("lib").join(format!("lib{}.so", self.name)), library).expect("a file");
        let wit = format!("{}.wit", self.name);
        let text = fs::read_to_string(self.folder().join("wit").join(&wit));
        let text = text.expect("the fixture's WIT");
        if text.contains("wrun:bundle/") {
            let deps = out.join("wit/deps/wrun-bundle");
            fs::create_dir_all(&deps).expect("a new folder");
            fs::copy(root().join("wit/wrun-bundle/lifecycle.wit"), deps.join("lifecycle.wit"))
                .expect("a file");
        }
        fs::write(out.join("wit").join(wit), text).expect("a file");
        out
    }

    fn folder(&self) -> PathBuf {
        root().join("tests/fixtures").join(&self.name)
    }

    fn sources(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder()).expect("a folder of tests/fixtures");
        let files = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file());
        let mut files: Vec<_> = files.collect();
        files.sort();
        files
    }

    fn key(&self, sources: &[PathBuf]) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.flags.hash(&mut hasher);
        for source in sources {
            fs::read(source).expect("a source file").hash(&mut hasher);
        }
        hasher.finish()
    }
}
