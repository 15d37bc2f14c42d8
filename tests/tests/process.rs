//! What the process of a bundle looks like from outside while it serves a real component.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::fs;
use std::io::BufRead as _;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use tempfile::TempDir;
use tests::{Wrun, fixture};

/// A run whose guest hangs in a call, so that its bundles can be looked at.
struct Hanging {
    wrun: Child,
    _folder: TempDir,
}

impl Hanging {
    fn start() -> Self {
        let wrun = Wrun::new();
        let fault = fixture("fault", None, &wrun.work());
        let (mut command, folder) = wrun
            .bundle(&fault)
            .bundle(tests::bundle("echo"))
            .arg(tests::guest("poke"))
            .arg("hang")
            .into_command();
        let mut wrun = tests::spawn(command.stdout(Stdio::piped()));
        // The neighbour has answered: both bundles are loaded.
        let mut line = String::new();
        let mut stdout = std::io::BufReader::new(wrun.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "neighbour: 42\n");
        Self { wrun, _folder: folder }
    }

    /// `/proc` folders of the processes that run the libraries.
    fn shims(&self) -> Vec<PathBuf> {
        let shims = tests::innermost(self.wrun.id()).into_iter();
        shims.map(|process| PathBuf::from(format!("/proc/{}", process.pid))).collect()
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        let _ = self.wrun.kill();
        let _ = self.wrun.wait();
    }
}

fn field(status: &str, name: &str) -> String {
    let line = status.lines().find(|line| line.starts_with(&format!("{name}:"))).unwrap();
    line.split_once(':').unwrap().1.trim().to_owned()
}

#[test]
fn each_bundle_has_a_process_of_its_own_without_privileges_and_with_limits() {
    let run = Hanging::start();
    let shims = run.shims();
    assert_eq!(shims.len(), 2);
    for shim in shims {
        let status = fs::read_to_string(shim.join("status")).unwrap();
        assert_eq!(field(&status, "NoNewPrivs"), "1");
        assert_eq!(field(&status, "Seccomp"), "2");
        let limits = fs::read_to_string(shim.join("limits")).unwrap();
        let limit = |name: &str| {
            let line = limits.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
            line[name.len()..].split_whitespace().next().unwrap().to_owned()
        };
        assert_eq!(limit("Max core file size"), "0");
        assert_eq!(limit("Max address space"), (1_u64 << 30).to_string());
        assert_eq!(limit("Max open files"), "64");
        assert_eq!(limit("Max file size"), (64_u64 << 20).to_string());
        assert_eq!(limit("Max locked memory"), "0");
    }
}

#[test]
fn no_process_outlives_wrun_whatever_ends_it() {
    for signal in ["-KILL", "-TERM", "-INT", "-HUP"] {
        let mut run = Hanging::start();
        let shims = run.shims();
        assert_eq!(shims.len(), 2);
        let pid = run.wrun.id().to_string();
        tests::succeed(std::process::Command::new("kill").args([signal, &pid]));
        run.wrun.wait().unwrap();
        assert_eq!(tests::survivors(), [], "after {signal}");
    }
}
