//! `cargo xtask fuzz`: builds the fuzz targets with instrumentation, and runs them.
//!
//! libFuzzer comes as C++ source with the crate `libfuzzer-sys`, and the compiler that builds
//! everything else instruments as well. So neither `cargo-fuzz` nor another toolchain is needed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::{process, workspace};

/// How long each target runs in `cargo xtask test`, in seconds.
const SMOKE_SECONDS: u64 = 8;

/// Longest input, in bytes: the longest head, a header, and room for a payload.
const INPUT_BYTES_MAX: usize = 16 << 10;

/// Memory at which a target is stopped, in MiB. The targets count allocations themselves; this is
/// for what they do not look at.
const MEMORY_MIB_MAX: usize = 1024;

/// Seconds after which one input counts as a hang.
const INPUT_SECONDS_MAX: u64 = 20;

/// What `cargo-fuzz` passes as well: coverage of edges, and comparisons that guide the mutations.
const INSTRUMENTATION: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Cllvm-args=-simplifycfg-branch-fold-threshold=0 \
    -Ccodegen-units=1 -Clink-dead-code";

/// A package with fuzz targets, in a workspace of its own.
struct Package {
    /// Where it is, below the folder `fuzz`.
    folder: &'static str,
    targets: &'static [&'static str],
}

/// Needs `protocol` alone.
const DECODERS: Package =
    Package { folder: "", targets: &["frames", "messages", "plans", "values", "conversation"] };

/// Needs the runner, and so builds wasmtime once more, with instrumentation.
const RUNNER: Package =
    Package { folder: "runner", targets: &["manifest", "hosts", "library", "wit", "canon"] };

/// Runs `targets`, or those that build in seconds if none is named, for `seconds` each.
pub(crate) fn run(targets: &[String], seconds: u64) -> Result<()> {
    let all = || [&DECODERS, &RUNNER].into_iter();
    let is_known = |name: &str| all().any(|package| package.targets.contains(&name));
    if let Some(unknown) = targets.iter().find(|name| !is_known(name)) {
        let known: Vec<_> = all().flat_map(|package| package.targets).copied().collect();
        bail!("there is no fuzz target `{unknown}`; there are {}", known.join(", "));
    }
    all().try_for_each(|package| {
        let wanted = package.targets.iter().copied().filter(|target| match targets {
            [] => package.folder == DECODERS.folder,
            named => named.iter().any(|name| name == target),
        });
        run_of(package, &wanted.collect::<Vec<_>>(), seconds)
    })
}

/// A short run of every target: it must still work, and find nothing.
pub(crate) fn smoke() -> Result<()> {
    [DECODERS, RUNNER]
        .iter()
        .try_for_each(|package| run_of(package, package.targets, SMOKE_SECONDS))
}

fn run_of(package: &Package, targets: &[&str], seconds: u64) -> Result<()> {
    if targets.is_empty() {
        return Ok(());
    }
    let programs = build(package)?;
    targets.iter().try_for_each(|target| fuzz(&programs, target, seconds))
}

/// Whether the fuzz targets are formatted: the main workspace does not know them.
pub(crate) fn format() -> Result<()> {
    [DECODERS, RUNNER]
        .iter()
        .try_for_each(|package| process::run(cargo(package).args(["fmt", "--check"])))
}

fn root() -> PathBuf {
    workspace::root().join("fuzz")
}

/// Cargo in the workspace of these targets, whatever flags the caller's environment has.
fn cargo(package: &Package) -> Command {
    let mut command = workspace::cargo();
    command.current_dir(root().join(package.folder)).env_remove("CARGO_ENCODED_RUSTFLAGS");
    command
}

/// Builds the targets of a package and returns where they are.
fn build(package: &Package) -> Result<PathBuf> {
    let about = process::output(Command::new("rustc").arg("-vV").current_dir(root()))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.ok_or_else(|| anyhow!("`rustc -vV` does not name its host"))?;
    // A target is named although it is the host: without one, the flags would also instrument
    // build scripts, which are not linked with libFuzzer.
    let target = root().join("target");
    process::run(
        cargo(package)
            .args(["build", "--bins", "--target", host, "--target-dir"])
            .arg(&target)
            .env("RUSTFLAGS", INSTRUMENTATION),
    )?;
    Ok(target.join(host).join("debug"))
}

fn fuzz(programs: &Path, target: &str, seconds: u64) -> Result<()> {
    let made = root().join("target");
    // What is found lies beside the seeds, which are read only.
    let (corpus, logs) = (made.join("corpus").join(target), made.join("log"));
    let seeds = root().join("corpus").join(target);
    ensure!(seeds.is_dir(), "the seeds are missing: {}", seeds.display());
    for folder in [&corpus, &logs] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let log = logs.join(format!("{target}.txt"));
    let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut command = Command::new(programs.join(target));
    command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={INPUT_BYTES_MAX}"))
        .arg(format!("-rss_limit_mb={MEMORY_MIB_MAX}"))
        .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
        .arg(format!("-artifact_prefix={}/{target}-", logs.display()))
        .arg("-print_final_stats=1")
        .args([&corpus, &seeds]);
    let status = command.stdin(Stdio::null()).stderr(file).status();
    let status = status.with_context(|| format!("cannot start the target `{target}`"))?;
    let text = fs::read(&log).with_context(|| format!("cannot read {}", log.display()))?;
    let text = String::from_utf8_lossy(&text);
    if !status.success() {
        let last: Vec<_> = text.lines().rev().take(30).collect();
        last.iter().rev().for_each(|line| eprintln!("{line}"));
        bail!(
            "the fuzz target `{target}` ended with {status}; all it said is in {}, and \
             `{} FILE` runs one input again",
            log.display(),
            programs.join(target).display()
        );
    }
    eprintln!("{target:>14}: {}", summary(&text));
    Ok(())
}

/// Executions and coverage, from what libFuzzer says at the end.
fn summary(log: &str) -> String {
    let word_after = |key: &str| {
        let (_, rest) = log.rsplit_once(key)?;
        rest.split_whitespace().next()
    };
    let executions = word_after("stat::number_of_executed_units:").unwrap_or("?");
    let [edges, features] = [" cov: ", " ft: "].map(|key| word_after(key).unwrap_or("?"));
    format!("{executions} executions, {edges} edges, {features} features")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_the_last_that_were_said() {
        let log = "#1\tINITED cov: 5 ft: 6 corp: 1\n#9\tDONE   cov: 7 ft: 8 corp: 2/9b\n\
                   stat::number_of_executed_units: 10\n";
        assert_eq!(summary(log), "10 executions, 7 edges, 8 features");
        assert_eq!(summary(""), "? executions, ? edges, ? features");
    }

    #[test]
    fn every_target_is_listed_and_has_seeds() {
        for package in [DECODERS, RUNNER] {
            for target in package.targets {
                let seeds = fs::read_dir(root().join("corpus").join(target));
                assert!(seeds.is_ok_and(|seeds| seeds.count() > 3), "{target}");
            }
            let sources = root().join(package.folder).join("targets");
            let count = fs::read_dir(&sources).map_or(0, Iterator::count);
            assert_eq!(count, package.targets.len(), "{}", sources.display());
        }
    }
}
