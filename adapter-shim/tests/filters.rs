//! The compiled filters against the table that they are compiled from: for every system call number
//! and boundary arguments the kernel's verdict over all filters is the table's.
//!
//! The filters are run here by an interpreter of the few instructions that they use; that the kernel
//! agrees is what `confinement.rs` shows.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use adapter_shim::confine::seccomp;
use adapter_shim::confine::syscalls::{
    self, COMPUTE, Call, Facts, NEVER, Stage, THREADS, Verdict, known,
};
use protocol::policy::Profiles;
use seccompiler::sock_filter;
use std::collections::BTreeSet;

const FACTS: Facts = Facts { process: 4711, sealed: 0x7f12_3456_7000 };

/// Numbers of this architecture end far below.
const NUMBERS: std::ops::Range<i64> = 0..700;

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;
const OTHER_ARCHITECTURE: u32 = 0x4000_0003;

/// `struct seccomp_data` as the words that a filter loads.
fn data(number: i64, arch: u32, args: &[u64; 6]) -> Vec<u32> {
    let halves = |word: u64| {
        let [a, b, c, d, e, f, g, h] = word.to_le_bytes();
        [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])]
    };
    let [number, _] = halves(number.cast_unsigned());
    let mut words = vec![number, arch, 0, 0];
    words.extend(args.iter().copied().flat_map(halves));
    words
}

/// Classic BPF, as far as these filters go; anything else is a surprise.
fn run(program: &[sock_filter], data: &[u32]) -> u32 {
    let (mut at, mut accumulator) = (0, 0_u32);
    loop {
        let sock_filter { code, jt, jf, k } = program[at];
        at += 1;
        let jump = |holds: bool| usize::from(if holds { jt } else { jf });
        match u32::from(code) {
            0x20 => accumulator = data[usize::try_from(k).unwrap() / 4],
            0x54 => accumulator &= k,
            0x05 => at += usize::try_from(k).unwrap(),
            0x15 => at += jump(accumulator == k),
            0x25 => at += jump(accumulator > k),
            0x35 => at += jump(accumulator >= k),
            0x06 => return k,
            other => panic!("unexpected instruction {other:#x}"),
        }
    }
}

/// What the kernel answers: the strictest verdict; of two errors that of the later filter.
fn kernel(filters: &[Vec<sock_filter>], data: &[u32]) -> Verdict {
    let mut verdict = Verdict::Allow;
    for filter in filters {
        let answer = run(filter, data);
        verdict = match (answer & 0xffff_0000, verdict) {
            (libc::SECCOMP_RET_KILL_PROCESS, _) | (_, Verdict::Kill) => Verdict::Kill,
            (libc::SECCOMP_RET_ERRNO, _) => {
                Verdict::Refuse(i32::try_from(answer & 0xffff).unwrap())
            }
            (libc::SECCOMP_RET_ALLOW, before) => before,
            (other, _) => panic!("unexpected answer {other:#x}"),
        };
    }
    verdict
}

fn filters(profiles: Profiles, stage: Stage) -> Vec<Vec<sock_filter>> {
    let mut filters = vec![seccomp::never().unwrap()];
    filters.extend(seccomp::while_loading(profiles, FACTS).unwrap());
    if stage == Stage::Steady {
        filters.push(seccomp::allowed(profiles, Stage::Steady, FACTS).unwrap());
    }
    filters
}

fn all_profiles() -> impl Iterator<Item = Profiles> {
    (0_u8..32).map(|bits| Profiles {
        threads: bits & 1 != 0,
        files: bits & 2 != 0,
        network: bits & 4 != 0,
        devices: bits & 8 != 0,
        libraries: bits & 16 != 0,
    })
}

/// For each test of a row's conditions: what passes it, what just fails it, and both with bits set
/// that the kernel may or may not look at.
fn boundary_arguments(rows: &[&Call]) -> BTreeSet<[u64; 6]> {
    let mut found = BTreeSet::from([[0; 6], [u64::MAX; 6], [1 << 32; 6]]);
    for list in rows.iter().flat_map(|row| row.when) {
        let mut passing = [0_u64; 6];
        for test in *list {
            let (index, mask, value) = test.masked(FACTS);
            let arg = &mut passing[usize::from(index)];
            *arg = (*arg & !mask) | value;
        }
        found.insert(passing);
        for test in *list {
            let (index, mask, value) = test.masked(FACTS);
            let with = |arg: u64| {
                let mut args = passing;
                args[usize::from(index)] = arg;
                args
            };
            for bit in [0, 1, 7, 12, 16, 20, 31, 32, 33, 47, 63] {
                found.insert(with(passing[usize::from(index)] ^ (1 << bit)));
            }
            found.extend([with(value | !mask), with(!value), with(value.wrapping_add(1))]);
            found.insert(with(value | 0xffff_ffff_0000_0000));
        }
    }
    found
}

#[test]
fn every_number_gets_the_verdict_of_the_table_whatever_its_arguments_are() {
    let mut cases = 0_u64;
    for profiles in all_profiles() {
        for stage in [Stage::Load, Stage::Steady] {
            let filters = filters(profiles, stage);
            for number in NUMBERS {
                let rows: Vec<_> = known().filter(|call| call.number == number).collect();
                for args in boundary_arguments(&rows) {
                    let expected = syscalls::verdict(number, &args, profiles, stage, FACTS);
                    let found = kernel(&filters, &data(number, ARCHITECTURE, &args));
                    assert_eq!(found, expected, "{number} {args:x?} {profiles} {stage:?}");
                    cases += 1;
                }
            }
        }
    }
    println!("{cases} cases");
}

#[test]
fn another_architecture_and_numbers_of_another_table_end_the_process() {
    for stage in [Stage::Load, Stage::Steady] {
        let filters = filters(Profiles::COMPUTE, stage);
        for number in NUMBERS {
            let foreign = data(number, OTHER_ARCHITECTURE, &[0; 6]);
            assert_eq!(kernel(&filters, &foreign), Verdict::Kill, "{number}");
            let x32 = data(number | 1 << 30, ARCHITECTURE, &[0; 6]);
            assert_eq!(kernel(&filters, &x32), Verdict::Kill, "{number}");
            let negative = data(-1 - number, ARCHITECTURE, &[0; 6]);
            assert_eq!(kernel(&filters, &negative), Verdict::Kill, "{number}");
        }
    }
}

#[test]
fn computing_takes_at_most_34_system_calls() {
    let names: BTreeSet<_> = COMPUTE.iter().map(|call| call.name).collect();
    assert_eq!(names.len(), COMPUTE.len(), "a name twice");
    assert!(names.len() <= 33, "{}", names.len());
    assert_eq!(THREADS.len(), 1);
}

#[test]
fn no_set_allows_what_may_never_be_called() {
    for call in known() {
        let never = NEVER.iter().any(|never| never.number == call.number);
        assert!(!never, "{} is in two lists", call.name);
    }
}

#[test]
fn every_row_has_a_reason_and_a_library_that_needs_it() {
    for call in known().chain(NEVER) {
        assert!(!call.why.is_empty(), "{}", call.name);
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let places = [
            root.join(format!("../tests/fixtures/{}", call.used_by)),
            root.join(format!("tests/fixtures/{}.c", call.used_by)),
            root.join(format!("../bundles/{}", call.used_by)),
        ];
        assert!(places.iter().any(|place| place.exists()), "{}: {}", call.name, call.used_by);
    }
}

/// Nothing of the steady set for computing makes a descriptor, takes a path, makes a process, sends
/// a descriptor, or maps memory that is shared or executable.
#[test]
fn computing_reaches_nothing() {
    for name in [
        "open",
        "openat",
        "socket",
        "socketpair",
        "pipe2",
        "dup",
        "eventfd2",
        "memfd_create",
        "clone",
        "fork",
        "execve",
        "sendmsg",
        "recvmsg",
        "fcntl",
        "ioctl",
        "kill",
        "seccomp",
    ] {
        assert!(COMPUTE.iter().all(|call| call.name != name), "{name}");
    }
    let map = |protection: u64, flags: u64| {
        let args = [0, 4096, protection, flags, u64::MAX, 0];
        syscalls::verdict(libc::SYS_mmap, &args, Profiles::COMPUTE, Stage::Steady, FACTS)
    };
    assert_eq!(map(3, 0x22), Verdict::Allow);
    assert_eq!(map(7, 0x22), Verdict::Refuse(libc::EPERM), "writable and executable");
    assert_eq!(map(5, 0x22), Verdict::Refuse(libc::EPERM), "executable");
    assert_eq!(map(3, 0x21), Verdict::Refuse(libc::EPERM), "shared");
    assert_eq!(map(1, 0x02), Verdict::Refuse(libc::EPERM), "of a file");
}
