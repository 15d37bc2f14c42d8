//! `wrun doctor` on this machine, and on this machine made poorer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tests::{Run, Wrun, bundle, guest, program};

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

/// The object, and the run that printed it.
fn json() -> (Value, Run) {
    let run = Wrun::new().args(["doctor", "--json"]).run();
    (parse(&run.stdout), run)
}

/// Runs `script` in a user namespace, as its root. `None`, loudly, where that cannot be.
fn in_user_namespace(script: &str) -> Option<Output> {
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "sh", "-c", script]);
        command.env("WRUN", program("wrun")).output()
    };
    match unshare("true") {
        Ok(output) if output.status.success() => Some(unshare(script).unwrap()),
        Ok(output) => {
            eprintln!("skipped: unshare: {}", String::from_utf8_lossy(&output.stderr).trim());
            None
        }
        Err(error) => {
            eprintln!("skipped: unshare: {error}");
            None
        }
    }
}

#[test]
fn the_verdict_is_what_a_real_run_gets() {
    let (seen, doctor) = json();
    let run = Wrun::new()
        .env("WRUN_LOG", "wrun=debug")
        .args(["--isolate"])
        .bundle(bundle("echo"))
        .arg(guest("echo-all"))
        .run();
    if seen["verdict"] == "impossible" {
        run.expect_code(1).expect_stderr("could not be");
        doctor.expect_code(1);
        return;
    }
    run.expect_code(0);
    let layer = |name: &str| seen["jail"][name].as_bool().unwrap();
    let line = |text: &str| run.stderr.lines().find(|line| line.contains(text)).map(str::to_owned);
    let missing: Vec<_> = ["namespaces", "root", "mdwe"]
        .into_iter()
        .filter(|name| !layer(name))
        .chain((seen["jail"]["landlock"] == 0).then_some("landlock"))
        .collect();
    if missing.is_empty() {
        let built = line("jail built").expect(&run.stderr);
        let (landlock, uid) = (&seen["jail"]["landlock"], &seen["jail"]["uid"]);
        assert!(built.contains(&format!("landlock={landlock}")), "{built}");
        assert!(built.contains(&format!("uid={uid}")), "{built}");
    } else {
        let weaker = line("a weaker jail").expect(&run.stderr);
        assert!(weaker.contains(&missing.join(", ")), "{weaker}");
    }
    let rootless = seen["root"] == false || layer("uid");
    let sealed = seen["features"]["mseal"]["status"] == "ok";
    let full = missing.is_empty() && rootless && sealed;
    assert_eq!(seen["verdict"], if full { "full" } else { "weaker" });
    doctor.expect_code(if full { 0 } else { 1 });
}

#[test]
fn json_is_one_object_with_stable_keys() {
    let (seen, _) = json();
    let keys: Vec<_> = seen.as_object().unwrap().keys().map(String::as_str).collect();
    let known = [
        "features",
        "jail",
        "kernel",
        "machine",
        "mandatory",
        "root",
        "settings",
        "shim",
        "summary",
        "verdict",
        "without",
    ];
    assert_eq!(keys, known);
    for name in [
        "adapter-shim",
        "cgroups",
        "landlock",
        "mdwe",
        "mseal",
        "pidfd",
        "proc",
        "ptrace",
        "seccomp",
        "user-namespaces",
    ] {
        let feature = &seen["features"][name];
        let status = feature["status"].as_str().unwrap_or_else(|| panic!("no {name}"));
        assert!(["ok", "weaker", "missing", "absent"].contains(&status), "{name}: {status}");
    }
}

#[test]
fn the_table_ends_with_the_verdict_of_the_object() {
    let (seen, object) = json();
    let run = Wrun::new().arg("doctor").run();
    run.expect_code(object.code);
    assert_eq!(run.stdout.lines().last(), seen["summary"].as_str(), "{}", run.stdout);
    assert_eq!(run.stderr, "");
}

#[test]
fn a_machine_without_user_namespaces_is_weaker_and_is_told_what_to_do() {
    let script = "echo 0 > /proc/sys/user/max_user_namespaces; exec \"$WRUN\" doctor";
    let Some(output) = in_user_namespace(script) else { return };
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("sysctl -w user.max_user_namespaces="), "{text}");
    let verdict = text.lines().last().unwrap();
    let with_landlock = text.contains("ok       landlock");
    let beginning = if with_landlock { "weaker: " } else { "bundles cannot be isolated here: " };
    assert!(verdict.starts_with(beginning) && verdict.contains("namespaces"), "{text}");
}

#[test]
fn root_of_a_namespace_without_further_ids_is_told_so() {
    let Some(output) = in_user_namespace("exec \"$WRUN\" doctor --json") else { return };
    let seen = parse(&String::from_utf8_lossy(&output.stdout));
    assert_eq!(output.status.code(), Some(1), "{seen:#}");
    assert_eq!(seen["features"]["private-uid"]["status"], "weaker");
    let without = seen["without"].as_array().unwrap();
    assert!(without.iter().any(|layer| layer == "no uid"), "{seen:#}");
}

#[test]
fn without_the_program_that_builds_jails_there_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let alone = folder.path().join("wrun");
    std::fs::copy(program("wrun"), &alone).unwrap();
    let output = Command::new(&alone).arg("doctor").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let verdict = "bundles cannot be isolated here: adapter-shim was not found";
    assert_eq!(text.lines().last(), Some(verdict));
    // A program of another release answers to the same question.
    let other = folder.path().join("adapter-shim");
    std::fs::write(&other, "#!/bin/sh\necho 'adapter-shim 0.0.1 (protocol 1 to 1)'\n").unwrap();
    tests::succeed(Command::new("chmod").arg("755").arg(&other));
    let output = Command::new(&alone).arg("doctor").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("is adapter-shim 0.0.1 (protocol 1 to 1), not"), "{text}");
    assert!(text.contains("from the same release"), "{text}");
}

/// A program that takes one system call away, then goes on as another.
fn without(folder: &Path) -> PathBuf {
    let program = folder.join("without");
    let source = tests::root().join("tests/fixtures/without.c");
    tests::succeed(Command::new("cc").arg("-o").arg(&program).arg(source));
    program
}

#[test]
fn a_machine_without_one_system_call_is_told_which() {
    use nix::libc;
    let (all, _) = json();
    if all["verdict"] != "full" {
        eprintln!("skipped: this machine is not at full strength: {}", all["summary"]);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let without = without(folder.path());
    // The numbers of newer system calls are the same on all machines. glibc and Rust's library do
    // without them.
    for (number, errno, feature, status, verdict) in [
        (435, libc::ENOSYS, "pidfd", "missing", "impossible"),
        (437, libc::ENOSYS, "openat2", "missing", "impossible"),
        (436, libc::ENOSYS, "close-range", "missing", "impossible"),
        (444, libc::EOPNOTSUPP, "landlock", "weaker", "weaker"),
        (428, libc::EPERM, "mount-api", "weaker", "weaker"),
        (462, libc::ENOSYS, "mseal", "weaker", "weaker"),
    ] {
        let output = Command::new(&without)
            .args([number.to_string(), errno.to_string()])
            .arg(program("wrun"))
            .args(["doctor", "--json"])
            .output()
            .unwrap();
        let seen = parse(&String::from_utf8_lossy(&output.stdout));
        assert_eq!(output.status.code(), Some(1), "{feature}: {seen:#}");
        assert_eq!(seen["features"][feature]["status"], status, "{seen:#}");
        assert_eq!(seen["verdict"], verdict, "{feature}: {seen:#}");
        assert!(seen["features"][feature]["help"].is_string(), "{feature}: {seen:#}");
        assert_eq!(seen["features"]["seccomp-count"]["found"], "1 inherited", "{feature}");
    }
}

#[test]
fn nothing_is_left_behind() {
    use nix::errno::Errno;
    use nix::sys::wait::{WaitPidFlag, waitpid};
    let mounts = || std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let before = mounts();
    // Whatever wrun leaves alive or unwaited-for becomes a child of this process.
    nix::sys::prctl::set_child_subreaper(true).unwrap();
    let run = Wrun::new().arg("doctor").run();
    run.expect_code(run.code);
    assert_eq!(waitpid(None, Some(WaitPidFlag::WNOHANG)), Err(Errno::ECHILD));
    assert_eq!(mounts(), before);
}
