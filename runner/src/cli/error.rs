//! Every way in which the program can end without success, and its exit code.

use super::interrupt::Interruption;
use crate::operator::OperatorError;
use crate::proxy::CallError;
use crate::registry::Error;
use std::process::ExitCode;

/// Exit code of a wrong command line, as clap uses it.
const USAGE: u8 = 2;
/// Exit code when an input or a bundle cannot be used, or a bundle failed in a call.
const FAILED: u8 = 1;
/// Exit code of a guest that trapped: what a shell reports for SIGABRT, and `wasmtime run` too.
const TRAPPED: u8 = 134;

/// Why the program ends.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    /// The command line does not make sense.
    #[error("{0}\n  help: `wrun --help` has all options")]
    Usage(String),
    /// A file or value that was named cannot be used.
    #[error("{0}")]
    Input(String),
    /// A bundle, or its fit with the component.
    #[error(transparent)]
    Bundle(#[from] Error),
    /// The guest stopped with an error.
    #[error("{}", guest_words(.0))]
    Guest(wasmtime::Error),
    /// The run was ended before its time.
    #[error("{0}")]
    Interrupted(Interruption),
    /// The guest ended by itself, with its own exit code. Nothing to report.
    #[error("the guest exited with {0}")]
    Exit(u8),
}

impl CliError {
    /// Whether a bundle failed, at its start or in a call.
    pub(super) fn is_of_a_bundle(&self) -> bool {
        match self {
            Self::Bundle(error) => matches!(error, Error::Start { .. }),
            Self::Guest(error) => error.is::<CallError>(),
            Self::Usage(_) | Self::Input(_) | Self::Interrupted(_) | Self::Exit(_) => false,
        }
    }

    /// Prints the error, if there is one to print, and returns the exit code.
    pub(super) fn report(&self) -> ExitCode {
        if !matches!(self, Self::Exit(_)) {
            eprintln!("error: {self}");
        }
        ExitCode::from(match self {
            Self::Usage(_) => USAGE,
            Self::Bundle(Error::Plan(error)) if error.is_usage() => USAGE,
            Self::Input(_) | Self::Bundle(_) => FAILED,
            Self::Guest(error) if error.downcast_ref::<CallError>().is_some() => FAILED,
            Self::Guest(_) => TRAPPED,
            Self::Interrupted(interruption) => interruption.code(),
            Self::Exit(code) => *code,
        })
    }
}

impl From<OperatorError> for CliError {
    fn from(error: OperatorError) -> Self {
        let text = error.to_string();
        if error.is_usage() { Self::Usage(text) } else { Self::Input(text) }
    }
}

/// A failed bundle is named first; the guest's own trap is shown with its backtrace.
fn guest_words(error: &wasmtime::Error) -> String {
    match error.downcast_ref::<CallError>() {
        Some(call) => format!("{call}\nthe guest was stopped in this call"),
        None => format!("the guest trapped: {error:?}"),
    }
}
