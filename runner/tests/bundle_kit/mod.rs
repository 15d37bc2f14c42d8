//! Bundles and components made from WIT text, and the comparison with golden texts.
#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, and each test binary uses a part of this"
)]

mod component;

pub(crate) use component::{component, component_bytes};

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use wrun::bundle::{Bundle, symbols};

/// A bundle directory that is being written.
pub(crate) struct Kit {
    /// Keeps the directory alive.
    _temporary: tempfile::TempDir,
    folder: PathBuf,
}

impl Kit {
    /// An empty directory `NAME_host`.
    pub(crate) fn new(name: &str) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join(format!("{name}_host"));
        fs::create_dir(&folder).unwrap();
        Self { _temporary: temporary, folder }
    }

    /// A bundle by convention whose library implements all of `wit`.
    pub(crate) fn complete(name: &str, wit: &str) -> Self {
        Self::new(name).file("wit/world.wit", wit).library_of(&format!("lib/lib{name}.so"), wit)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn file(self, path: &str, contents: impl AsRef<[u8]>) -> Self {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
        self
    }

    /// A library with a symbol for everything that the world `bundle` of `wit` exports.
    pub(crate) fn library_of(self, path: &str, wit: &str) -> Self {
        let names = component_names(wit).into_iter().map(|name| symbols::escaped(&name));
        let names: Vec<String> = names.chain([symbols::REALLOC.to_owned()]).collect();
        self.library(path, &names)
    }

    /// A library that defines `symbols`, which do nothing.
    pub(crate) fn library(self, path: &str, symbols: &[impl AsRef<str>]) -> Self {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        compile(&path, symbols, &["-shared", "-fPIC"]);
        self
    }

    pub(crate) fn open(&self) -> Arc<Bundle> {
        Arc::new(Bundle::open(&self.folder).unwrap_or_else(|error| panic!("{error}")))
    }

    /// What [`Bundle::open`] complains about, without the temporary path.
    pub(crate) fn refusal(&self) -> String {
        let error = Bundle::open(&self.folder).expect_err("this bundle must be refused");
        self.without_path(&error.to_string())
    }

    pub(crate) fn without_path(&self, text: &str) -> String {
        text.replace(self.folder.parent().unwrap().to_str().unwrap(), "DIR")
    }
}

/// Compiles C that defines `symbols`.
pub(crate) fn compile(out: &Path, symbols: &[impl AsRef<str>], flags: &[&str]) {
    let mut code = String::new();
    for (index, symbol) in symbols.iter().enumerate() {
        let symbol = symbol.as_ref();
        writeln!(
            code,
            "void f{index}(void) __asm__(\"\\\"{symbol}\\\"\"); void f{index}(void) {{}}"
        )
        .unwrap();
    }
    let source = out.with_extension("c");
    fs::write(&source, code).unwrap();
    let status = Command::new("cc").args(flags).arg("-o").arg(out).arg(&source).status().unwrap();
    assert!(status.success(), "cc failed");
    fs::remove_file(source).unwrap();
}

/// Component names of all that the world `bundle` of `wit` exports.
fn component_names(wit: &str) -> Vec<String> {
    let mut resolve = wit_parser::Resolve::new();
    let package = resolve.push_source("world.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some("bundle")).unwrap();
    let world = wrun::shape::wit::exports(&resolve, world);
    let mut names: Vec<String> = world.functions.iter().map(|f| f.name.clone()).collect();
    for interface in &world.interfaces {
        let destructors = interface.resources.iter().map(|name| format!("[dtor]{name}"));
        let items = interface.functions.iter().map(|f| f.name.clone()).chain(destructors);
        names.extend(items.map(|item| symbols::component_name(Some(&interface.name), &item)));
    }
    names
}

/// Compares with `tests/golden/NAME.txt`; `BLESS=1` writes it.
pub(crate) fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.txt"));
    let text = format!("{}\n", text.trim_end());
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "differs from {}; BLESS=1 rewrites it", path.display());
}
