//! `cargo xtask setup`: what the other commands need, installed or named.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::guests::Toolchain;
use crate::{process, workspace};

/// Programs, and the packages of Debian and Ubuntu that have them.
const PROGRAMS: [(&str, &str); 4] = [
    // libffi is built with it.
    ("make", "make"),
    // libFuzzer is built with it.
    ("c++", "g++"),
    // Makes the tokens of the PKCS#11 tests and the demo; the package has the module as well.
    ("softhsm2-util", "softhsm2"),
    // Verifies what guests sign.
    ("openssl", "openssl"),
];

/// Debian's compiler for the guests.
const GUEST_PACKAGES: [&str; 3] = ["rustc-web", "rust-web-src", "wasi-libc"];

/// The other compiler for the guests. Never run from here: a toolchain that the user manages with
/// rustup is the user's to change.
const RUSTUP_WAY: &str = "rustup target add wasm32-wasip2";

/// Everything that `cargo xtask test` needs: [`packages`], and the test runner.
pub(crate) fn run() -> Result<()> {
    packages()?;
    if process::probe(workspace::cargo().args(["nextest", "--version"])).is_some() {
        return Ok(());
    }
    process::run(workspace::cargo().args(["install", "cargo-nextest", "--locked"]))
}

/// Programs and a compiler for the guests: installed as root where apt is, else named by the error.
pub(crate) fn packages() -> Result<()> {
    let programs = missing_programs();
    let compiler_is_missing = Toolchain::find().is_none();
    if programs.is_empty() && !compiler_is_missing {
        return Ok(());
    }
    if !can_install() {
        bail!("{}", how_to_install(&programs, compiler_is_missing));
    }
    // The compiler comes second, and alone: not every distribution with apt has its packages.
    if !programs.is_empty() {
        install(&programs)?;
    }
    if compiler_is_missing {
        install(&GUEST_PACKAGES).with_context(|| {
            format!("cannot install a compiler for the guests; the other way is: {RUSTUP_WAY}")
        })?;
    }
    if Toolchain::find().is_none() {
        bail!(
            "the packages are installed, but are no compiler for the guests together with the \
             toolchain of `cargo xtask`; the other way is: {RUSTUP_WAY}"
        );
    }
    Ok(())
}

fn missing_programs() -> Vec<&'static str> {
    PROGRAMS.iter().filter(|(program, _)| !on_path(program)).map(|(_, package)| *package).collect()
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Whether this is root on a system with apt.
fn can_install() -> bool {
    let is_root = process::probe(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    is_root && on_path("apt-get")
}

/// What is missing, and the lines that install it.
fn how_to_install(programs: &[&str], compiler_is_missing: bool) -> String {
    let apt = "sudo apt-get install --yes";
    let mut text = String::from("something is missing");
    if !programs.is_empty() {
        text.push_str(&format!("\n  programs:      {apt} {}", programs.join(" ")));
    }
    if compiler_is_missing {
        text.push_str(&format!("\n  guest target:  {RUSTUP_WAY}"));
        text.push_str(&format!("\n  or, on Debian: {apt} {}", GUEST_PACKAGES.join(" ")));
    }
    text.push_str(
        "\nthen run this command again; the package names are those of Debian and Ubuntu",
    );
    text
}

fn install(packages: &[&str]) -> Result<()> {
    process::run(Command::new("apt-get").arg("update"))?;
    process::run(
        Command::new("apt-get")
            .args(["install", "--yes", "--no-install-recommends"])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_a_compiler_are_named() {
        let text = how_to_install(&[], true);
        assert!(text.contains("rustup target add wasm32-wasip2"), "{text}");
        assert!(text.contains("apt-get install --yes rustc-web rust-web-src wasi-libc"), "{text}");
    }

    #[test]
    fn only_what_is_missing_is_named() {
        let text = how_to_install(&["softhsm2"], false);
        assert!(text.contains("apt-get install --yes softhsm2"), "{text}");
        assert!(!text.contains("rustup") && !text.contains("wasi-libc"), "{text}");
    }
}
