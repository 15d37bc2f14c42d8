//! Calls every function of the bundle echo and compares what comes back.
//!
//! Prints one line per check and a summary; the exit code is 1 if a check failed.

mod actions;
mod bindings;
mod groups;
mod report;

use std::env;
use std::process::ExitCode;

use report::Report;

fn usage() -> String {
    let names = groups::ALL.map(|(name, _)| name).join(" ");
    format!("usage: echo-all [GROUP ...] | ACTION\ngroups: {names}\n{}", actions::USAGE)
}

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if actions::run(&words) {
        return ExitCode::SUCCESS;
    }
    let unknown = |word: &&str| groups::ALL.iter().all(|(name, _)| name != word);
    if let Some(word) = words.iter().find(|word| unknown(word)) {
        eprintln!("echo-all: no group or action `{word}`\n{}", usage());
        return ExitCode::FAILURE;
    }
    let mut report = Report::default();
    for (name, check) in groups::ALL {
        if words.is_empty() || words.contains(&name) {
            report.enter(name);
            check(&mut report);
        }
    }
    report.finish()
}
