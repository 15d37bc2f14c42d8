//! Bundles that cannot be used: one screen that says what, where and what to do; exit code 1.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::fs;
use std::path::{Path, PathBuf};
use tests::{Run, Wrun, fixture};

/// Runs the poke guest with a fault bundle that `spoil` has changed.
fn spoiled(spoil: impl FnOnce(PathBuf)) -> Run {
    let wrun = Wrun::new();
    let fault = fixture("fault", None, &wrun.work());
    spoil(fault.clone());
    let run = poke(wrun, &fault);
    assert_eq!(run.stdout, "", "the guest must not have started");
    assert!(run.stderr.lines().count() <= 24, "more than one screen:\n{}", run.stderr);
    run
}

fn poke(wrun: Wrun, fault: &Path) -> Run {
    let both = wrun.bundle(fault).bundle(tests::bundle("echo"));
    both.arg(tests::guest("poke")).arg("answer").run()
}

fn library(bundle: &Path) -> PathBuf {
    fs::read_dir(bundle.join("lib")).unwrap().next().unwrap().unwrap().path()
}

#[test]
fn without_a_library() {
    let run = spoiled(|bundle| fs::remove_file(library(&bundle)).unwrap());
    run.expect_code(1).expect_stderr("error: bundle").expect_stderr("lib");
}

#[test]
fn with_a_library_for_another_machine() {
    let run = spoiled(|bundle| {
        let path = library(&bundle);
        let mut bytes = fs::read(&path).unwrap();
        // e_machine: AArch64.
        bytes[18..20].copy_from_slice(&183_u16.to_le_bytes());
        fs::write(&path, bytes).unwrap();
    });
    run.expect_code(1).expect_stderr("aarch64").expect_stderr("x86-64");
}

#[test]
fn with_a_library_that_is_no_library() {
    let run = spoiled(|bundle| fs::write(library(&bundle), "#!/bin/sh\n").unwrap());
    run.expect_code(1).expect_stderr("it is text").expect_stderr("not a shared library");
}

#[test]
fn without_a_symbol_that_the_component_needs() {
    let wrun = Wrun::new();
    let fault = fixture("fault", Some("WITHOUT_SYMBOL"), &wrun.work());
    poke(wrun, &fault)
        .expect_code(1)
        .expect_stderr("test:fault/library@0.1.0#do")
        .expect_stderr("wit_test_3afault_2flibrary_400_2e1_2e0_23do");
}

#[test]
fn with_wit_that_does_not_parse() {
    let run = spoiled(|bundle| {
        let path = bundle.join("wit/fault.wit");
        let text = fs::read_to_string(&path).unwrap().replace("enum deed {", "enum deed [");
        fs::write(path, text).unwrap();
    });
    run.expect_code(1).expect_stderr("fault.wit");
}

#[test]
fn with_wit_that_disagrees_with_the_component() {
    let run = spoiled(|bundle| {
        let path = bundle.join("wit/fault.wit");
        let text = fs::read_to_string(&path).unwrap().replace("-> u32", "-> u64");
        fs::write(path, text).unwrap();
    });
    run.expect_code(1)
        .expect_stderr("test:fault/library@0.1.0")
        .expect_stderr("u32")
        .expect_stderr("u64");
}

#[test]
fn that_cannot_be_read() {
    let run = spoiled(|bundle| {
        let path = bundle.join("wit/fault.wit");
        fs::remove_file(&path).unwrap();
        // A link that leaves the bundle is not followed.
        std::os::unix::fs::symlink("/etc/passwd", path).unwrap();
    });
    run.expect_code(1).expect_stderr("fault.wit");
}

/// The echo bundle once more, under another name.
fn twin(folder: &Path) -> PathBuf {
    let twin = folder.join("twin_host");
    let mut copy = std::process::Command::new("cp");
    tests::succeed(copy.arg("-r").arg(tests::bundle("echo")).arg(&twin));
    let manifest = twin.join("bundle.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("name = \"echo\"", "name = \"twin\"")).unwrap();
    twin
}

#[test]
fn that_claim_the_same_interfaces_are_named_with_the_maps_that_settle_it() {
    let both = || {
        let wrun = Wrun::new();
        let twin = twin(&wrun.work());
        wrun.bundle(twin).bundle(tests::bundle("echo"))
    };
    let run = both().arg(tests::guest("echo-all")).run();
    run.expect_code(1)
        .expect_stderr("2 bundles serve it: twin, echo")
        .expect_stderr("--map wrun:echo/*=twin\n")
        .expect_stderr("--map wrun:versions/*=echo\n")
        .expect_stderr("--map greet=twin\n");
    assert!(run.stderr.lines().count() <= 24, "more than one screen:\n{}", run.stderr);
    let maps = ["--map=wrun:echo/*=twin", "--map=wrun:versions/*=echo", "--map=greet=twin"];
    both().args(maps).arg(tests::guest("echo-all")).run().expect_code(0);
}
