//! Measures what a call costs, beside wasmtime's own ways to define a host function and beside a
//! bare socket between two processes, and what a start costs: `cargo xtask bench`.
//!
//! [`calls`] times the guest `bench-guest`, whose imports each of the [`ways`] serves, with the
//! [`workload`]s; [`starts`] times the program `wrun`; [`jails`] times a jail, layer by layer; [`expectations`] compares the figures with
//! what the project promises. docs/benchmarks.md explains the method and has figures.

mod calls;
mod cores;
mod expectations;
mod figure;
mod guest;
mod jails;
mod machine;
mod places;
mod starts;
mod table;
mod ways;
mod workload;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;

use ways::ping_pong;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words[..] {
        [] => measure(),
        [ping_pong::PEER, request, reply] => ping_pong::serve(request, reply),
        _ => {
            eprintln!("usage: bench (no arguments; `cargo xtask bench` builds what it needs)");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Prints everything. Figures that miss an expectation are no failure: a machine may be busy.
fn measure() -> Result<()> {
    let start = Instant::now();
    print!("{}", machine::description());
    let calls = calls::measure()?;
    print!("{}", calls.report());
    let starts = starts::measure()?;
    print!("{}", starts.report());
    let jails = jails::measure()?;
    print!("{}", jails.report());
    print!("{}", expectations::report(&calls, &starts, &jails));
    println!("\nMeasured in {:.0} s.", start.elapsed().as_secs_f64());
    Ok(())
}
