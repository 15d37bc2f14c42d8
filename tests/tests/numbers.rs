//! Every numbered attack on the protocol has a test that carries its number.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tests::root;

/// Cases without a test, and why. None at present.
const WITHOUT: &[(&str, &str)] = &[];

/// The cases: protocol, then exhaustion, crashes and hangs that reach the runner by the channel.
fn cases() -> BTreeSet<String> {
    let numbers = |letter: char, numbers: &[u32]| {
        numbers.iter().map(|number| format!("{letter}{number:02}")).collect::<Vec<_>>()
    };
    [
        numbers('p', &(1..=25).collect::<Vec<_>>()),
        numbers('r', &[9, 10, 11, 12, 13]),
        numbers('c', &[13, 14]),
        numbers('h', &[3, 4]),
    ]
    .concat()
    .into_iter()
    .collect()
}

/// Names of all test functions by the cases in front of them: `p16_p17_there_is_nothing`.
fn tests(folder: &Path, found: &mut BTreeMap<String, Vec<String>>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            tests(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let lines: Vec<_> = text.lines().map(str::trim).collect();
            for pair in lines.windows(2).filter(|pair| pair[0] == "#[test]") {
                let name = pair[1].trim_start_matches("fn ").split('(').next().unwrap();
                for case in name.split('_').take_while(|word| is_case(word)) {
                    found.entry(case.to_owned()).or_default().push(name.to_owned());
                }
            }
        }
    }
}

fn is_case(word: &str) -> bool {
    let digits = word.get(1..).unwrap_or_default();
    digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[test]
fn every_attack_on_the_protocol_has_a_test_of_its_number() {
    let mut found = BTreeMap::new();
    for folder in ["protocol", "runner", "adapter-shim", "tests"] {
        tests(&root().join(folder), &mut found);
    }
    let missing: Vec<_> = cases()
        .into_iter()
        .filter(|case| !found.contains_key(case))
        .filter(|case| WITHOUT.iter().all(|(excused, _)| excused != case))
        .collect();
    assert!(missing.is_empty(), "no test has these numbers: {missing:?}");
    let both: Vec<_> = WITHOUT.iter().filter(|(case, _)| found.contains_key(*case)).collect();
    assert!(both.is_empty(), "they have a test and need no excuse: {both:?}");
}
