//! What the integration tests share: where things are, and how to run `wrun` and look at what it
//! left behind.
//!
//! The tests run the real program on real bundles, which `cargo xtask test` builds first.
#![allow(
    clippy::panic,
    clippy::expect_used,
    reason = "a test that cannot be set up must fail, with the reason"
)]

mod left;
mod run;

pub use left::{processes_of_group, tree};
pub use run::{Run, Wrun};

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The root of the source tree.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests folder has a parent")
}

/// The folder of built programs: that of this test's own binary, without `deps`.
pub fn programs() -> PathBuf {
    let own = std::env::current_exe().expect("a test knows its own path");
    let folder = own.ancestors().nth(2).expect("target/PROFILE/deps/test");
    folder.to_path_buf()
}

/// The `target` folder.
pub fn target() -> PathBuf {
    programs().parent().expect("target/PROFILE").to_path_buf()
}

/// A guest component that `cargo xtask guests` has built.
pub fn guest(name: &str) -> PathBuf {
    built(target().join("guests/wasm").join(name).with_extension("wasm"), "guests")
}

/// A bundle directory that `cargo xtask bundles` has packed.
pub fn bundle(name: &str) -> PathBuf {
    built(target().join("bundles").join(format!("{name}_host")), "bundles")
}

/// A workspace program.
pub fn program(name: &str) -> PathBuf {
    let path = programs().join(name);
    assert!(path.exists(), "{} is missing; run `cargo build --workspace`", path.display());
    path
}

fn built(path: PathBuf, stage: &str) -> PathBuf {
    assert!(path.exists(), "{} is missing; run `cargo xtask {stage}`", path.display());
    path
}

/// Compiles and packs `tests/fixtures/NAME`, a bundle in C, into `folder`; `define` is a macro that
/// switches a misbehaviour on.
pub fn fixture(name: &str, define: Option<&str>, folder: &Path) -> PathBuf {
    let source = root().join("tests/fixtures").join(name);
    let library = folder.join(format!("lib{name}.so"));
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library);
    cc.args(define.map(|define| format!("-D{define}")));
    succeed(cc.arg(source.join(name).with_extension("c")));
    let out = folder.join(format!("{name}_host"));
    fs::create_dir_all(out.join("lib")).expect("a new folder");
    fs::create_dir_all(out.join("wit")).expect("a new folder");
    // By convention, without a manifest, and without the checks that packing would make.
    fs::rename(&library, out.join("lib").join(format!("lib{name}.so"))).expect("one file system");
    let wit = format!("{name}.wit");
    fs::copy(source.join("wit").join(&wit), out.join("wit").join(wit)).expect("the fixture's WIT");
    out
}

/// Runs a command that must succeed.
pub fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}:\n{stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Waits for something that another process does, in small steps and at most ten seconds.
pub fn wait_until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < deadline, "still not so: {what}");
        std::thread::yield_now();
    }
}
