//! The commands that build, check, show and measure this repository: `cargo xtask --help`.
//!
//! One module per command; [`process`] runs programs, [`workspace`] knows the folders,
//! [`stage`] times what a long command does.

mod bench;
mod build;
mod bundles;
mod demo;
mod fuzz;
mod guests;
mod process;
mod setup;
mod stage;
mod test;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Build, check, show and measure wrun.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install what the other commands need, or print the line that installs it.
    Setup,
    /// Build the test guests into target/guests/wasm, as components.
    Guests,
    /// Build the bundles of this repository into target/bundles.
    Bundles,
    /// The main job, step by step: a component signs with a throw-away SoftHSM token.
    Demo,
    /// Measure calls and starts, beside wasmtime's own ways and a bare socket.
    Bench,
    /// Give the decoders random bytes and look for a panic, a wrong answer, or too much memory.
    Fuzz {
        /// How long each target runs.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Which targets; without any, those that build in seconds.
        targets: Vec<String>,
    },
    /// Everything: setup, format, lints, build, guests, bundles, all tests, a short fuzz run.
    Test {
        /// Passed to `cargo nextest run`, for example a part of a test's name.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        nextest: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    let result = match Args::parse().command {
        Command::Setup => setup::run(),
        Command::Guests => guests::run(),
        Command::Bundles => bundles::run(),
        Command::Demo => demo::run(),
        Command::Bench => bench::run(),
        Command::Fuzz { seconds, targets } => fuzz::run(&targets, seconds),
        Command::Test { nextest } => test::run(&nextest),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
