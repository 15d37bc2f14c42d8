//! Libraries that are wrong before they run: links out of the bundle, segments that are written and
//! executed, needs that lead elsewhere, code that runs before any constructor.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use tests::{Evil, Fixture, Run, Wrun};

const PT_LOAD: u32 = 1;
const PT_TLS: u32 = 7;
const PT_GNU_STACK: u32 = 0x6474_e551;
const EXECUTE: u32 = 1;
const WRITE: u32 = 2;

/// Changes each program header of a 64-bit little-endian ELF file. `change` gets the type, and the
/// bytes of the header: flags at 4, size in memory at 40.
fn change_headers(library: &mut [u8], mut change: impl FnMut(u32, &mut [u8])) {
    let word =
        |at: usize, bytes: &[u8]| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let from = usize::try_from(u64::from_le_bytes(library[32..40].try_into().unwrap())).unwrap();
    let (size, count) = (word(54, library), word(56, library));
    for header in library[from..from + size * count].chunks_mut(size) {
        let kind = u32::from_le_bytes(header[..4].try_into().unwrap());
        change(kind, header);
    }
}

fn flags(header: &[u8]) -> u32 {
    u32::from_le_bytes(header[4..8].try_into().unwrap())
}

fn add_flags(header: &mut [u8], more: u32) {
    let changed = flags(header) | more;
    header[4..8].copy_from_slice(&changed.to_le_bytes());
}

/// The library was not loaded, the error names the bundle, and none of its code was called.
#[track_caller]
fn expect_refused(run: &Run) {
    run.expect_code(1).expect_stderr("evil");
    assert!(!run.stdout.contains("answer"), "{}", run.stdout);
    assert!(!run.stderr.contains("marker: loaded"), "{}", run.stderr);
    for word in ["no answer within", "panicked", "killed by signal"] {
        assert!(!run.stderr.contains(word), "{}", run.stderr);
    }
}

fn run(evil: &Evil, library: &[u8]) -> Run {
    evil.wrun_with(library, &["call", "open_absolute"]).run()
}

#[test]
fn e04_links_out_of_a_bundle_are_refused() {
    for (link, target) in [
        ("lib/libevil.so", "/etc/passwd"),
        ("lib/libevil.so", "../../outside.so"),
        ("lib/libevil.so", "/proc/self/exe"),
        ("wit/evil.wit", "/etc/passwd"),
        ("wit/evil.wit", "../../outside.wit"),
        ("lib", "../outside"),
    ] {
        let evil = Evil::default();
        let wrun = evil.wrun(&[], &["call", "open_absolute"]);
        let work = wrun.work();
        let bundle = work.join("evil_host");
        // What the links lead to is as good as the original.
        fs::copy(bundle.join("lib/libevil.so"), work.join("outside.so")).unwrap();
        fs::copy(bundle.join("wit/evil.wit"), work.join("outside.wit")).unwrap();
        fs::create_dir(work.join("outside")).unwrap();
        fs::copy(bundle.join("lib/libevil.so"), work.join("outside/libevil.so")).unwrap();
        let place = bundle.join(link);
        if place.is_dir() {
            fs::remove_dir_all(&place).unwrap();
        } else {
            fs::remove_file(&place).unwrap();
        }
        symlink(target, &place).unwrap();
        let check = Wrun::new().args(["bundle", "check"]).arg(&bundle).run();
        assert_eq!(check.code, 1, "{link} to {target}: {}{}", check.stdout, check.stderr);
        expect_refused(&wrun.run());
    }
}

#[test]
fn e15_a_segment_that_is_written_and_executed_is_refused() {
    let evil = Evil::default();
    let mut library = evil.library(&[]);
    change_headers(&mut library, |kind, header| {
        if kind == PT_LOAD && flags(header) & EXECUTE != 0 {
            add_flags(header, WRITE);
        }
    });
    expect_refused(&run(&evil, &library));
}

#[test]
fn e15_a_stack_that_is_executed_is_refused() {
    let evil = Evil::default();
    let mut library = evil.library(&[]);
    change_headers(&mut library, |kind, header| {
        if kind == PT_GNU_STACK {
            add_flags(header, EXECUTE);
        }
    });
    expect_refused(&run(&evil, &library));
    let evil = Evil::default().flag("-Wl,-z,execstack");
    expect_refused(&run(&evil, &evil.library(&[])));
}

#[test]
#[cfg(target_arch = "x86_64")]
fn e15_relocations_of_code_are_refused() {
    let evil = Evil::default().flag("-DTEXT_RELOCATION").flag("-Wl,-z,notext");
    expect_refused(&run(&evil, &evil.library(&[])));
}

#[test]
fn e29_a_library_needed_by_an_absolute_path_is_not_loaded() {
    let marker = Fixture::new("marker").library().display().to_string();
    let evil = Evil::default().flag("-Wl,--no-as-needed").flag(marker);
    expect_refused(&run(&evil, &evil.library(&[])));
}

#[test]
fn e29_a_search_path_does_not_lead_out_of_the_bundle() {
    let marker = Fixture::new("marker").library();
    let name = marker.file_name().unwrap().to_str().unwrap().to_owned();
    let evil = Evil::default()
        .flag("-Wl,--no-as-needed,-rpath,$ORIGIN/../..")
        .flag(format!("-L{}", marker.parent().unwrap().display()))
        .flag(format!("-l:{name}"));
    let wrun = evil.wrun(&[], &["call", "open_absolute"]);
    fs::copy(&marker, wrun.work().join(name)).unwrap();
    expect_refused(&wrun.run());
}

#[test]
fn e29_a_libc_in_the_bundle_does_not_take_the_place_of_the_real_one() {
    let evil = Evil::default().flag("-Wl,-rpath,$ORIGIN");
    let wrun = evil.wrun(&[], &["call", "open_absolute"]);
    let shadow = wrun.work().join("evil_host/lib/libc.so.6");
    fs::copy(Fixture::new("marker").library(), shadow).unwrap();
    let run = wrun.run();
    assert!(!run.stderr.contains("marker: loaded"), "{}", run.stderr);
    // Either the second library is refused, or it does not matter.
    assert!(run.code == 1 || run.stdout.contains("answer: 42"), "{}{}", run.stdout, run.stderr);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn e29_code_that_runs_before_constructors_is_jailed_too() {
    let evil = Evil::default().flag("-DEARLY");
    let run = run(&evil, &evil.library(&[]));
    run.expect_code(0).expect_stderr("evil: early: shut\n");
    let evil = Evil::default().flag("-Wl,-z,initfirst");
    let names = ["open_absolute", "open_secret", "socket_tcp", "fork"];
    for name in names {
        let verdict = &evil.verdicts(tests::Site::Constructor, &[name])[name];
        assert!(verdict.refused() || ["ENOENT", "nothing"].contains(&verdict.0.as_str()), "{name}");
    }
}

#[test]
fn e30_names_of_libc_in_a_library_change_nothing_for_the_shim() {
    let evil = Evil::default().flag("-DINTERPOSE");
    let run = run(&evil, &evil.library(&[]));
    run.expect_code(0).expect_stdout("answer: 42\nneighbour: 42\n");
    assert!(!run.stderr.contains("interposed"), "{}", run.stderr);
}

/// Makes the segments that `pick` picks a terabyte large in memory.
fn enlarged(evil: &Evil, pick: fn(u32, &[u8]) -> bool) -> Vec<u8> {
    let mut library = evil.library(&[]);
    let mut found = false;
    change_headers(&mut library, |kind, header| {
        if pick(kind, header) {
            header[40..48].copy_from_slice(&(1_u64 << 40).to_le_bytes());
            found = true;
        }
    });
    assert!(found, "no such segment");
    library
}

#[test]
fn r02_a_library_that_is_larger_than_its_limit_is_refused() {
    let evil = Evil::default();
    let data = |kind, header: &[u8]| kind == PT_LOAD && flags(header) & WRITE != 0;
    expect_refused(&run(&evil, &enlarged(&evil, data)));
}

#[test]
fn r02_data_of_threads_that_is_larger_than_its_limit_ends_the_bundle_that_uses_it() {
    // It is taken when it is used first.
    let evil = Evil::default().argument("secret=/etc/passwd\n");
    let library = enlarged(&evil, |kind, _| kind == PT_TLS);
    let run = evil.wrun_with(&library, &["call", "open_secret"]).run();
    run.expect_code(1).expect_stderr("bundle `evil`");
    assert!(!run.stdout.contains("answer"), "{}", run.stdout);
}

#[test]
fn a_library_that_is_no_library_runs_nothing() {
    let evil = Evil::default();
    for library in [&b""[..], b"\x7fELF", &evil.library(&[])[..4096]] {
        expect_refused(&run(&evil, library));
    }
    assert!(Path::new("/bin/true").exists());
    expect_refused(&run(&evil, &fs::read("/bin/true").unwrap()));
}
