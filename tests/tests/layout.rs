//! The shape of the source tree: one-way imports, the unsafe fence, lengths of files and functions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use proc_macro2::LineColumn;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use tests::root;

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

/// Folders that may hold unsafe code, each with a fence of its own.
const UNSAFE_FOLDERS: &[&str] = &[
    // wasmtime's Lift and Lower over guest memory.
    "runner/src/canon",
    // dlopen and calls into the library.
    "adapter-shim/src/native",
    // What an author's generated code needs; runs on the library's side.
    "sdk/src/rt",
    // The PKCS#11 function list; runs on the library's side.
    "bundles/pkcs11/src/ck",
    // An allocator that counts; nothing that ships.
    "fuzz/src/allocated.rs",
];

/// Which module of the runner may name which others. `error` types travel with their modules.
const RUNNER_IMPORTS: &[(&str, &[&str])] = &[
    ("document", &[]),
    ("shape", &[]),
    ("bundle", &["document", "shape"]),
    ("plan", &["bundle", "document", "shape"]),
    ("trace", &["bundle", "document", "shape"]),
    ("canon", &[]),
    ("channel", &[]),
    ("shim", &["channel"]),
    ("supervise", &["channel", "shim"]),
    ("doctor", &["shim"]),
    ("inprocess", &[]),
    ("proxy", &["canon", "channel", "inprocess", "plan", "shim", "supervise", "trace"]),
    (
        "registry",
        &[
            "bundle",
            "document",
            "inprocess",
            "plan",
            "proxy",
            "shape",
            "shim",
            "supervise",
            "trace",
        ],
    ),
    ("operator", &["bundle", "document", "plan", "registry", "shim", "supervise", "trace"]),
    ("fuzzing", &["bundle", "operator"]),
    ("cli", &["bundle", "doctor", "document", "operator", "plan", "proxy", "registry", "trace"]),
];

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["protocol", "runner", "adapter-shim", "sdk", "bundles", "tests", "xtask", "fuzz"]
    {
        collect(&root().join(folder), &mut found);
    }
    assert!(found.len() > 50, "the source tree was not found");
    found.sort();
    found
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                collect(&path, found);
            }
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().into_owned()
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let long: Vec<_> = sources()
        .iter()
        .map(|path| (relative(path), std::fs::read_to_string(path).unwrap().lines().count()))
        .filter(|(_, lines)| *lines > FILE_LINES_MAX)
        .collect();
    assert!(long.is_empty(), "files of more than {FILE_LINES_MAX} lines: {long:#?}");
}

#[derive(Default)]
struct Functions {
    long: Vec<(String, usize)>,
    unsafe_code: bool,
}

impl Functions {
    fn measure(&mut self, name: &syn::Ident, start: LineColumn, end: LineColumn) {
        let lines = end.line + 1 - start.line;
        if lines > FUNCTION_LINES_MAX {
            self.long.push((name.to_string(), lines));
        }
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.measure(&item.sig.ident, item.sig.span().start(), item.block.span().end());
        self.unsafe_code |= item.sig.unsafety.is_some();
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.measure(&item.sig.ident, item.sig.span().start(), item.block.span().end());
        self.unsafe_code |= item.sig.unsafety.is_some();
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_expr_unsafe(&mut self, item: &'ast syn::ExprUnsafe) {
        self.unsafe_code = true;
        visit::visit_expr_unsafe(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        self.unsafe_code |= item.unsafety.is_some();
        visit::visit_item_impl(self, item);
    }
}

fn functions(path: &Path) -> Functions {
    let text = std::fs::read_to_string(path).unwrap();
    let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", relative(path)));
    let mut functions = Functions::default();
    functions.visit_file(&file);
    functions
}

#[test]
fn no_function_is_longer_than_a_screen() {
    let long: Vec<_> = sources()
        .iter()
        .flat_map(|path| {
            let place = relative(path);
            functions(path).long.into_iter().map(move |function| (place.clone(), function))
        })
        .collect();
    assert!(long.is_empty(), "functions of more than {FUNCTION_LINES_MAX} lines: {long:#?}");
}

#[test]
fn unsafe_code_stays_inside_its_fences() {
    let production = |path: &str| !path.starts_with("tests/") && !path.contains("/tests");
    let strays: Vec<_> = sources()
        .iter()
        .map(|path| (relative(path), path))
        .filter(|(place, _)| production(place))
        .filter(|(place, _)| !UNSAFE_FOLDERS.iter().any(|folder| place.starts_with(folder)))
        .filter(|(_, path)| functions(path).unsafe_code)
        .map(|(place, _)| place)
        .collect();
    assert!(strays.is_empty(), "unsafe code outside of {UNSAFE_FOLDERS:?}: {strays:#?}");
}

/// The modules that a file names through `crate::`.
fn imports(text: &str) -> BTreeSet<String> {
    text.match_indices("crate::")
        .map(|(at, matched)| &text[at + matched.len()..])
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or(""))
        .filter(|name| name.starts_with(|c: char| c.is_lowercase()))
        .map(str::to_owned)
        .collect()
}

#[test]
fn modules_of_the_runner_import_one_way() {
    let folder = root().join("runner/src");
    for (module, allowed) in RUNNER_IMPORTS {
        let mut files = Vec::new();
        match folder.join(module) {
            path if path.is_dir() => collect(&path, &mut files),
            path => files.push(path.with_extension("rs")),
        }
        for file in files {
            let named = imports(&std::fs::read_to_string(&file).unwrap());
            let stray: Vec<_> = named
                .iter()
                .filter(|name| name != module && !allowed.contains(&name.as_str()))
                .collect();
            assert!(stray.is_empty(), "{} imports {stray:?}", relative(&file));
        }
    }
    let listed: BTreeSet<_> =
        RUNNER_IMPORTS.iter().map(|(module, _)| (*module).to_owned()).collect();
    let lib = std::fs::read_to_string(folder.join("lib.rs")).unwrap();
    let declared: BTreeSet<_> = lib
        .lines()
        .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod "))
        .map(|rest| rest.trim_end_matches(';').to_owned())
        .collect();
    assert_eq!(declared, listed, "every module has its row in RUNNER_IMPORTS");
}

/// Dependencies of a crate, as its manifest lists them.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join(manifest)).unwrap();
    let section = text.split("[dependencies]").nth(1).expect("[dependencies]");
    section
        .split("\n[")
        .next()
        .unwrap()
        .lines()
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_process_that_loads_foreign_code_links_nothing_it_does_not_need() {
    let linked = dependencies("adapter-shim/Cargo.toml");
    for heavy in ["wasmtime", "wasmtime-wasi", "tokio", "wit-parser", "wit-component", "clap"] {
        assert!(!linked.contains(heavy), "adapter-shim depends on {heavy}");
    }
    assert!(!dependencies("protocol/Cargo.toml").iter().any(|name| name == "runner"));
}

#[test]
fn only_one_file_of_the_runner_can_reach_a_library_in_its_own_process() {
    let mut files = Vec::new();
    collect(&root().join("runner/src"), &mut files);
    let reach: Vec<_> = files
        .iter()
        .filter(|file| std::fs::read_to_string(file).unwrap().contains("adapter_shim::"))
        .map(|file| relative(file))
        .collect();
    assert_eq!(reach, ["runner/src/inprocess.rs"]);
}

#[test]
fn every_crate_follows_the_workspace_lints() {
    for folder in [
        "protocol",
        "runner",
        "adapter-shim",
        "sdk",
        "sdk/macros",
        "bundles/echo",
        "bundles/pkcs11",
        "tests",
        "xtask",
    ] {
        let manifest = root().join(folder).join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest).unwrap();
        assert!(text.contains("[lints]\nworkspace = true"), "{}", manifest.display());
    }
}
