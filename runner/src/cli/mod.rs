//! The command line: the first user of this library.

mod args;
mod bundle;
mod component;
mod doctor;
mod error;
mod invoke;
mod request;
mod run;

use args::{Cli, Command};
use clap::{CommandFactory as _, Parser as _};
use error::CliError;
use request::Request;
use std::process::ExitCode;

/// Parses the command line, does what it says, and returns the exit code of the process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    log();
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

fn dispatch(cli: Cli) -> Result<(), CliError> {
    match (cli.command, cli.run) {
        (Some(Command::Run(typed)), _) | (None, Some(typed)) => run::run(&Request::new(typed)?),
        (Some(Command::Bundle(command)), _) => bundle::dispatch(command),
        (Some(Command::Doctor(typed)), _) => doctor::run(&typed),
        (None, None) => Err(CliError::Usage(Cli::command().render_usage().to_string())),
    }
}

/// Events of the library, on standard error, where `WRUN_LOG` asks for them.
fn log() {
    let filter = tracing_subscriber::EnvFilter::from_env("WRUN_LOG");
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
