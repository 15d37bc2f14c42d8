//! The command line: the first user of this library.

mod args;
mod bundle;
mod component;
mod config;
mod doctor;
mod error;
mod inspect;
mod interrupt;
mod invoke;
mod learn;
mod log;
mod orders;
mod request;
mod run;

use args::{Cli, Command, ConfigCommand, PolicyCommand};
use clap::{CommandFactory as _, Parser as _};
use error::CliError;
use request::Request;
use std::process::ExitCode;

/// Parses the command line, does what it says, and returns the exit code of the process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match log::start(cli.traces_calls()).and_then(|()| dispatch(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

fn dispatch(cli: Cli) -> Result<(), CliError> {
    match (cli.command, cli.run) {
        (Some(Command::Run(typed)), _) => run::run(&Request::new(typed.run, typed.operator)?),
        (None, Some(typed)) => run::run(&Request::new(typed, cli.operator)?),
        (Some(Command::Bundle(command)), _) => bundle::dispatch(command),
        (Some(Command::Config(ConfigCommand::Print(typed))), _) => config::print(typed),
        (Some(Command::Policy(PolicyCommand::Learn(typed))), _) => learn::learn(*typed),
        (Some(Command::Doctor(typed)), _) => doctor::run(&typed),
        (None, None) => Err(CliError::Usage(Cli::command().render_usage().to_string())),
    }
}
