//! Why a guest gives up.

use std::{fmt, io};

use crate::types;

/// A failed call, or anything else in a sentence.
#[derive(Debug)]
pub enum Failure {
    /// The bundle or the token refused a call.
    Token(types::Error),
    /// What is wrong, for people.
    Other(String),
}

/// What fallible functions of the guests return.
pub type Result<T> = std::result::Result<T, Failure>;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(error) => {
                write!(f, "{} returned {} ({:#x})", error.function, error.name, error.code)?;
                if error.detail.is_empty() { Ok(()) } else { write!(f, ": {}", error.detail) }
            }
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl From<types::Error> for Failure {
    fn from(error: types::Error) -> Self {
        Self::Token(error)
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::Other(text)
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Self::Other(text.to_owned())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Other(error.to_string())
    }
}
