//! P23: no file of an author or operator makes a parser panic, hang or overflow the stack.
//!
//! The seeds of the fuzz targets, changed at random. The targets themselves, which need a build of
//! wasmtime of their own, are in `fuzz/runner`; see docs/fuzzing.md.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a test stops at the first surprise, and what it checks is shared with another crate"
)]

#[path = "../../fuzz/runner/src/checks.rs"]
mod checks;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use std::path::Path;

/// What is done to a seed: a part is cut out, and something is put in its place.
type Change = (Index, usize, Vec<u8>);

/// The seeds of a target, by name.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("../fuzz/corpus").join(target);
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 3, "the seeds of {target} are missing");
    files.into_iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Runs `check` on each seed, then on as many changed ones as `PROPTEST_CASES` asks for, or `cases`.
fn check_all(target: &str, cases: u32, put: BoxedStrategy<Vec<u8>>, check: impl Fn(&[u8])) {
    let seeds = seeds(target);
    seeds.iter().for_each(|seed| check(seed));
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    let change =
        (any::<Index>(), prop_oneof![3 => Just(0), 2 => 1..8_usize, 1 => 0..400_usize], put);
    let strategy = (any::<Index>(), vec(change, 1..6));
    let checked =
        proptest::test_runner::TestRunner::new(config).run(&strategy, |(seed, changes)| {
            let mut data = seeds[seed.index(seeds.len())].clone();
            changes.into_iter().for_each(|change| apply(&mut data, change));
            check(&data);
            Ok(())
        });
    checked.unwrap();
}

fn apply(data: &mut Vec<u8>, (at, cut, put): Change) {
    let at = at.index(data.len() + 1);
    let end = (at + cut).min(data.len());
    data.splice(at..end, put);
}

/// Parts of a text, most of which mean something in it.
fn words(words: &'static [&'static str]) -> BoxedStrategy<Vec<u8>> {
    prop_oneof![
        4 => proptest::sample::select(words).prop_map(|word| word.as_bytes().to_vec()),
        2 => "[a-z0-9 \\n\\[\\]{}=.,\"'#<>():;@*/-]{0,6}".prop_map(String::into_bytes),
        1 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
        2 => Just(Vec::new()),
    ]
    .boxed()
}

const TOML: &[&str] = &[
    "\n[config.x]\n",
    "\n[asks]\nread = [\"/\"]\n",
    "[bundle.x.grants]\n",
    "[bundle.x.config]\n",
    "[[a]]\n",
    "'''",
    "\"\"\"",
    "\\u202e",
    "\\U0010ffff",
    "0x7fffffffffffffff",
    "1e999",
    "inf",
    "1979-05-27T07:32:00Z",
    "a.b.c = 1\n",
    "{ file = \"/x\" }",
    "\"..\"",
    "\"/\"",
    "\u{feff}",
    "\u{1b}[0m",
    "\u{202e}",
    "\0",
    "\r",
    "unix:",
    ":65536",
    "[::1]:80",
    "512M",
    "-1",
    "format = 1\n",
];

const WIT: &[&str] = &[
    "record r { a: u8 }",
    "variant v { a(u8), b }",
    "flags f { a }",
    "enum e { a }",
    "resource r { constructor(); m: func(); s: static func() -> r; }",
    "use i.{r};",
    "import ",
    "export ",
    "include w;",
    "type t = ",
    "list<",
    "option<",
    "result<_, ",
    "tuple<",
    "map<u8, ",
    ">",
    "own<r>",
    "borrow<r>",
    "stream<u8>",
    "future",
    "async func()",
    "%",
    "@since(version = 1.0.0)",
    "@unstable(feature = x)",
    "package a:b@1.0.0;",
    "package a:b { }",
    "interface i { }",
    "/*",
    "//",
    "world w { }",
    "\u{202e}",
    "\u{1b}",
];

#[test]
fn p23_no_manifest_makes_the_reader_panic() {
    check_all("manifest", 16_384, words(TOML), checks::manifest);
}

#[test]
fn p23_no_hosts_file_makes_the_reader_panic() {
    check_all("hosts", 16_384, words(TOML), checks::hosts);
}

#[test]
fn p23_no_wit_makes_the_reader_panic() {
    check_all("wit", 4096, words(WIT), checks::wit);
}

#[test]
fn p23_no_library_makes_the_reader_panic() {
    let file = tempfile::tempfile().unwrap();
    let numbers = prop_oneof![
        vec(any::<u8>(), 0..=8),
        proptest::sample::select(
            &[0_u64, 1, 1 << 31, 1 << 32, 1 << 63, u64::MAX - 7, u64::MAX][..]
        )
        .prop_map(|number| number.to_le_bytes().to_vec()),
    ];
    check_all("library", 16_384, numbers.boxed(), |data| checks::library(&file, data));
}

/// `count` of `open`, as deep as a file of the largest size can nest.
fn nested(open: &str, bytes_max: usize, around: [&str; 2]) -> String {
    let count = (bytes_max - around[0].len() - around[1].len()) / open.len();
    [around[0], &open.repeat(count), around[1]].concat()
}

#[test]
fn p07_the_deepest_documents_do_not_overflow_the_stack() {
    for (open, around) in [
        ("a.", ["", "a = 1\n"]),
        ("a.", ["[", "a]\n"]),
        ("a.", ["[[", "a]]\n"]),
        ("a.", ["[config.", "a]\n"]),
        ("[", ["a = ", ""]),
        ("{a=", ["a = ", ""]),
        ("{a.", ["a = ", ""]),
        ("a={a.", ["a = {", ""]),
    ] {
        checks::manifest(nested(open, 64 << 10, around).as_bytes());
        let hosts = nested(open, 256 << 10, around);
        checks::hosts(hosts.as_bytes());
    }
    let config = ["format = 1\n[bundle.b.config]\n", "a = 1\n"];
    checks::hosts(nested("a.", 256 << 10, config).as_bytes());
}

#[test]
fn p07_the_deepest_wit_does_not_overflow_the_stack() {
    for (open, around) in [
        ("list<", ["package a:b; interface i { type t = ", "; } world w { export i; }"]),
        ("option<", ["package a:b; interface i { type t = ", "; } world w { export i; }"]),
        ("result<_,", ["package a:b; interface i { type t = ", "; } world w { export i; }"]),
        ("tuple<", ["package a:b; interface i { type t = ", "; } world w { export i; }"]),
        ("/*", ["package a:b; ", "world w {}"]),
        ("package a:b { ", ["package a:b; ", ""]),
        ("world w {", ["package a:b; ", ""]),
        ("import i: interface {", ["package a:b; world w {", ""]),
    ] {
        checks::wit(nested(open, 4 << 20, around).as_bytes());
    }
}
