//! `cargo xtask guests`: the guests of `tests/guests`, built into components.
//!
//! Cargo decides what is compiled again. Turning a module into a component takes milliseconds,
//! so that is always done, and a component is written only if its bytes have changed.

mod component;
mod toolchain;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{process, workspace};
use component::Style;
pub(crate) use toolchain::Toolchain;

/// Builds every guest into `target/guests/wasm/NAME.wasm`.
pub(crate) fn run() -> Result<()> {
    let toolchain = Toolchain::find()
        .context("no compiler for WebAssembly guests; `cargo xtask setup` installs or names one")?;
    let out = workspace::components();
    fs::create_dir_all(&out).with_context(|| format!("cannot create {}", out.display()))?;
    for module in compile(&toolchain)? {
        let component = component::of(&module.file, module.style)?;
        write_if_changed(&out.join(format!("{}.wasm", module.name)), &component)?;
    }
    eprintln!("guests: {}, built by {toolchain}", out.display());
    Ok(())
}

/// Checks the format of the guests' sources.
pub(crate) fn format() -> Result<()> {
    process::run(cargo().args(["fmt", "--all", "--check"]))
}

/// Runs clippy over the guests, compiled for this machine: no clippy knows Debian's compiler.
pub(crate) fn lints() -> Result<()> {
    process::run(cargo().args(["clippy", "--locked", "--", "-D", "warnings"]))
}

/// One file that the guests' compiler linked: a core module, or a component already.
#[derive(Debug)]
struct Module {
    name: String,
    style: Style,
    file: PathBuf,
}

fn cargo() -> Command {
    let mut command = workspace::cargo();
    command.current_dir(workspace::guests()).env("CARGO_TARGET_DIR", workspace::guests_target());
    command
}

fn compile(toolchain: &Toolchain) -> Result<Vec<Module>> {
    let mut command = cargo();
    toolchain.configure(&mut command);
    command.args(["--locked", "--release", "--message-format=json-render-diagnostics"]);
    let messages = process::output(&mut command)?;
    let artifacts = messages
        .lines()
        .map(serde_json::from_str::<Message>)
        .collect::<Result<Vec<_>, _>>()
        .context("cargo's messages are not the JSON that this program knows")?;
    Ok(artifacts.into_iter().filter_map(Message::into_module).collect())
}

/// A line of `cargo build --message-format=json`.
#[derive(Debug, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        target: Target,
        filenames: Vec<PathBuf>,
    },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Message {
    fn into_module(self) -> Option<Module> {
        let Self::CompilerArtifact { target, filenames } = self else { return None };
        let file = filenames.into_iter().find(|file| file.extension() == Some("wasm".as_ref()))?;
        let is_program = target.kind.iter().any(|kind| kind == "bin");
        let style = if is_program { Style::Command } else { Style::Library };
        // Cargo names a library `a_b`; the guests are named as their packages, `a-b`.
        Some(Module { name: target.name.replace('_', "-"), style, file })
    }
}

/// Leaves an equal file alone, so that its time says when the guest last changed.
fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

    use super::*;

    fn module(line: &str) -> Option<Module> {
        serde_json::from_str::<Message>(line).unwrap().into_module()
    }

    #[test]
    fn a_program_and_a_library_are_modules_named_as_their_packages() {
        let program = module(
            r#"{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"sign-file"},
                "filenames":["/t/sign-file.wasm"],"fresh":true}"#,
        )
        .unwrap();
        assert_eq!((program.name.as_str(), program.style), ("sign-file", Style::Command));

        let library = module(
            r#"{"reason":"compiler-artifact","target":{"kind":["cdylib"],"name":"bench_guest"},
                "filenames":["/t/bench_guest.wasm"]}"#,
        )
        .unwrap();
        assert_eq!((library.name.as_str(), library.style), ("bench-guest", Style::Library));
        assert_eq!(library.file, Path::new("/t/bench_guest.wasm"));
    }

    #[test]
    fn dependencies_and_other_messages_are_not_modules() {
        let dependency = r#"{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"std"},
            "filenames":["/t/libstd.rlib"]}"#;
        assert!(module(dependency).is_none());
        assert!(module(r#"{"reason":"build-finished","success":true}"#).is_none());
    }
}
