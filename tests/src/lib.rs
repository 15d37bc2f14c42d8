//! What the integration tests share: where things are, and how to run `wrun` and look at what it
//! left behind.
//!
//! The tests run the real program on real bundles, which `cargo xtask test` builds first.
#![allow(
    clippy::panic,
    clippy::expect_used,
    reason = "a test that cannot be set up must fail, with the reason"
)]

mod baseline;
mod direct;
mod embedder;
mod evil;
mod fixture;
mod left;
mod mode;
mod moods;
mod random;
mod run;
mod script;
mod victim;

pub use baseline::{Baseline, Count};
pub use direct::{Callers, Line};
pub use embedder::{Embedder, Outcome, Started};
pub use evil::{Evil, Probe, Site, Verdict};
pub use fixture::{Fixture, fixture};
pub use left::{Process, children, descendants, innermost, spawn, survivors, tree};
pub use mode::{Mode, skip};
pub use moods::Moods;
pub use random::Random;
pub use run::{Run, Wrun};
pub use script::{Moment, SCRIPT, Script, Step, frame, raw_frame, returned};
pub use victim::Victim;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The root of the source tree.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests folder has a parent")
}

/// The folder of built programs: that of this program itself, without `deps` for a test.
pub fn programs() -> PathBuf {
    let own = std::env::current_exe().expect("a program knows its own path");
    let folder = own.parent().expect("target/PROFILE, or target/PROFILE/deps");
    let folder = if folder.ends_with("deps") { folder.parent() } else { Some(folder) };
    folder.expect("target/PROFILE").to_path_buf()
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

/// Runs a command that must succeed.
pub fn succeed(command: &mut Command) -> String {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = spawn(command).wait_with_output().expect("a child can be waited for");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}:\n{stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
