//! Measures what a call costs, beside wasmtime's own ways to define a host function and beside a
//! bare socket between two processes, and what a start costs: `cargo xtask bench`.
//!
//! [`calls`] times the guest `bench-guest`, whose imports each of the [`ways`] serves, with the
//! [`workload`]s; [`starts`] times the program `wrun`; [`jails`] times a jail, layer by
//! layer; [`faults`] times crashes, hangs and kills until all is well again; [`expectations`] compares
//! the figures with what the project promises. docs/benchmarks.md explains the method and has figures.

mod calls;
mod cores;
mod expectations;
mod faults;
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
        [faults::NAME] => measure_faults(),
        [faults::VICTIM] => faults::fall(),
        [ping_pong::PEER, request, reply] => ping_pong::serve(request, reply),
        _ => {
            eprintln!("usage: bench [faults] (`cargo xtask bench` builds what it needs)");
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
    let faults = faults::measure()?;
    print!("{}", faults.report());
    print!("{}", expectations::report(&calls, &starts, &jails, &faults));
    println!("\nMeasured in {:.0} s.", start.elapsed().as_secs_f64());
    Ok(())
}

/// One part alone, to run it several times.
fn measure_faults() -> Result<()> {
    print!("{}", machine::description());
    let faults = faults::measure()?;
    print!("{}", faults.report());
    print!("\nExpectations\n\n{}", expectations::of_faults(&faults));
    Ok(())
}
