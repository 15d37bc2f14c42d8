#![no_main]

use std::panic;
use std::process;
use std::thread;

libfuzzer_sys::fuzz_target!(
    init: {
        // The parser is another project's, and the runner turns its panics into an error. What must
        // not happen is a panic of the runner, an overflow of the stack, or a hang.
        panic::set_hook(Box::new(|info| {
            if thread::current().name() != Some("wit-parser") {
                eprintln!("{info}");
                process::abort();
            }
        }));
    },
    |data: &[u8]| runner_fuzz::checks::wit(data)
);
