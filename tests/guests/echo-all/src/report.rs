//! The outcome of the checks.

use std::fmt::Debug;
use std::process::ExitCode;

/// A wrong value is printed up to this many characters.
const SHOWN_CHARS: usize = 200;

/// Counts checks and prints a line for each.
#[derive(Default)]
pub struct Report {
    group: &'static str,
    passed: u32,
    failed: u32,
}

impl Report {
    /// The checks that follow belong to this group.
    pub fn enter(&mut self, group: &'static str) {
        self.group = group;
    }

    /// One check: both values print the same.
    ///
    /// The debug form shows every digit of a number and the sign of a zero; NaNs go through
    /// `to_bits` first.
    pub fn equal(&mut self, name: &str, want: impl Debug, got: impl Debug) {
        let (want, got) = (format!("{want:?}"), format!("{got:?}"));
        let group = self.group;
        if want == got {
            self.passed += 1;
            println!("ok {group}.{name}");
        } else {
            self.failed += 1;
            println!("FAIL {group}.{name}: want {} got {}", crop(&want), crop(&got));
        }
    }

    /// One check of a call that returns its argument, for all of `values`.
    pub fn echo<V: Debug, R: Debug>(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = V>,
        call: impl Fn(&V) -> R,
    ) {
        let (want, got): (Vec<V>, Vec<R>) = values
            .into_iter()
            .map(|value| {
                let got = call(&value);
                (value, got)
            })
            .unzip();
        self.equal(name, want, got);
    }

    /// Prints the sum; the exit code says whether all is well.
    pub fn finish(self) -> ExitCode {
        println!("{} passed, {} failed", self.passed, self.failed);
        if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn crop(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
    }
}
