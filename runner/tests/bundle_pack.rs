//! Packing: what a bundle is made of, and that nothing is left behind when it cannot be made.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod bundle_kit;

use bundle_kit::{compile, golden};
use std::fs;
use std::path::{Path, PathBuf};
use wrun::bundle::{Bundle, PackError, PackOptions, pack, symbols::escaped, target};

const WIT: &str = "package demo:clock@1.0.0;
interface now { seconds: func() -> u64; zone: func(name: string); }
world bundle { export now; }
";

/// An author's folder beside an empty folder for the output.
struct Author {
    folder: tempfile::TempDir,
}

impl Author {
    fn new() -> Self {
        let author = Self { folder: tempfile::tempdir().unwrap() };
        author.write("crate/wit/world.wit", WIT);
        author.write("crate/wit/deps/x.wit", "package x:y; interface z { type t = u8; }");
        author.write("crate/wit/notes.txt", "not for the bundle");
        let functions = ["seconds", "zone"].map(|f| escaped(&format!("demo:clock/now@1.0.0#{f}")));
        let symbols = [&functions[0], &functions[1], "cabi_realloc"];
        compile(&author.path("libclock.so"), &symbols, &["-shared", "-fPIC"]);
        fs::create_dir(author.path("out")).unwrap();
        author
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    fn options(&self) -> PackOptions {
        PackOptions {
            source: self.path("crate"),
            library: self.path("libclock.so"),
            vendor: Vec::new(),
            out: self.path("out/clock_host"),
        }
    }

    /// What packing complains about; nothing may be left behind.
    fn refusal(&self, options: &PackOptions) -> String {
        let before = entries(&self.path("out"));
        let error = pack(options).expect_err("this must not be packed");
        assert_eq!(entries(&self.path("out")), before, "something is left behind");
        error.to_string().replace(self.folder.path().to_str().unwrap(), "DIR")
    }
}

/// All files beneath a folder.
fn entries(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        found.push(path.display().to_string());
        if path.is_dir() {
            found.extend(entries(&path));
        }
    }
    found.sort();
    found
}

#[test]
fn a_wit_folder_and_a_library_make_a_bundle() {
    let author = Author::new();
    author.write("crate/Cargo.toml", "[package]\nname = \"clock\"\nversion = \"2.3.4\"\n");
    let out = author.path("out/clock_host");
    let bundle = pack(&author.options()).unwrap();
    assert_eq!((bundle.name(), bundle.path()), ("clock", out.as_path()));
    assert_eq!(bundle.manifest().version, Some(semver::Version::new(2, 3, 4)));
    let prefix = format!("{}/", out.display());
    let files: Vec<_> =
        entries(&out).iter().map(|path| path.strip_prefix(&prefix).unwrap().to_owned()).collect();
    assert_eq!(
        files,
        [
            "bundle.toml",
            "lib",
            "lib/libclock.so",
            "wit",
            "wit/deps",
            "wit/deps/x.wit",
            "wit/world.wit"
        ]
    );
    // Once more, over the bundle that is there now.
    fs::write(out.join("leftover"), "").unwrap();
    pack(&author.options()).unwrap();
    assert!(!out.join("leftover").exists());
    assert_eq!(entries(&author.path("out")).len(), files.len() + 1);
    assert_eq!(Bundle::open(&out).unwrap().missing_symbols(), []);
}

#[test]
fn the_authors_manifest_is_completed_and_the_version_inherited() {
    let author = Author::new();
    author.write("Cargo.toml", "[workspace.package]\nversion = \"5.0.0\"\n");
    author.write("crate/Cargo.toml", "[package]\nname = \"c\"\nversion.workspace = true\n");
    assert_eq!(
        pack(&author.options()).unwrap().manifest().version,
        Some(semver::Version::new(5, 0, 0))
    );
    author.write(
        "crate/bundle.toml",
        "format = 1\nname = \"mine\"\nversion = \"1.0.0\"\n\n[library]\nx-y-z = \"lib/other.so\"\n",
    );
    golden("pack_missing_library", &author.refusal(&author.options()));
    author.write("crate/lib/other.so", "for another machine");
    compile(&author.path("libvendor.so.1"), &["v"], &["-shared", "-fPIC"]);
    let listed = fs::read_to_string(author.path("crate/bundle.toml")).unwrap();
    let other = listed.replace("\n\n", "\nvendor = [\"lib/libother.so\"]\n\n");
    author.write("crate/bundle.toml", &other);
    let vendor = vec![author.path("libvendor.so.1")];
    golden("pack_unlisted", &author.refusal(&PackOptions { vendor, ..author.options() }));
    author.write("crate/bundle.toml", &listed);
    let vendor = vec![author.path("libvendor.so.1")];
    let bundle = pack(&PackOptions { vendor, ..author.options() }).unwrap();
    assert_eq!(bundle.name(), "mine");
    assert_eq!(bundle.manifest().library.len(), 2);
    assert_eq!(bundle.manifest().library[target::TRIPLE].as_str(), "lib/libclock.so");
    assert_eq!(bundle.manifest().vendor[0].as_str(), "lib/libvendor.so.1");
}

#[test]
fn what_is_no_bundle_is_not_overwritten() {
    let author = Author::new();
    author.write("out/clock_host/precious.txt", "mine");
    golden("pack_not_a_bundle", &author.refusal(&author.options()));
    let file = PackOptions { out: author.path("out/file_host"), ..author.options() };
    author.write("out/file_host", "mine");
    assert!(matches!(pack(&file), Err(PackError::NotABundle(_))));
    let link = PackOptions { out: author.path("out/link_host"), ..author.options() };
    std::os::unix::fs::symlink("clock_host", &link.out).unwrap();
    assert!(matches!(pack(&link), Err(PackError::NotABundle(_))));
}

#[test]
fn what_cannot_be_a_bundle_leaves_nothing_behind() {
    let author = Author::new();
    let options = author.options();
    golden(
        "pack_name",
        &author.refusal(&PackOptions { out: author.path("out/clock"), ..options.clone() }),
    );
    let missing = PackOptions { library: author.path("libnone.so"), ..options.clone() };
    golden("pack_no_library", &author.refusal(&missing));
    golden(
        "pack_no_wit",
        &author.refusal(&PackOptions { source: author.path("out"), ..options.clone() }),
    );
    let nowhere = PackOptions { out: author.path("none/clock_host"), ..options.clone() };
    golden("pack_nowhere", &author.refusal(&nowhere));

    compile(&author.path("libclock.so"), &["other"], &["-shared", "-fPIC"]);
    golden("pack_symbols", &author.refusal(&options));
    author.write("crate/wit/world.wit", "package a:b; nonsense");
    golden("pack_wit", &author.refusal(&options));
}
