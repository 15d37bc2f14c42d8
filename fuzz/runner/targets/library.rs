#![no_main]

use std::cell::LazyCell;
use std::fs::File;

thread_local! {
    /// Overwritten by each input.
    static FILE: LazyCell<File> =
        LazyCell::new(|| tempfile::tempfile().expect("a file without a name"));
}

libfuzzer_sys::fuzz_target!(
    |data: &[u8]| FILE.with(|file| runner_fuzz::checks::library(file, data))
);
