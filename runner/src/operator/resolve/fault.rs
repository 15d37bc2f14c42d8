//! Why something is not granted.

use super::super::closure::ClosureFault;
use super::super::grant::Grant;
use super::super::settings::{Origin, Sourced};
use protocol::text::ForeignText;
use std::fmt;
use std::io;

/// A grant that cannot be carried out, or must not be.
#[derive(Debug)]
pub struct ResolveError {
    /// Name of the bundle.
    pub bundle: String,
    /// The grant.
    pub grant: Sourced<Grant>,
    /// Why not.
    pub fault: ResolveFault,
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bundle, grant: Sourced { value: grant, origin }, fault } = self;
        match origin {
            Origin::File { file, line } => {
                write!(
                    f,
                    "{}, line {line}: bundle `{bundle}`, {grant}",
                    ForeignText::new(&**file)
                )?;
            }
            Origin::CommandLine | Origin::Default => write!(f, "--grant {bundle}:{grant}")?,
        }
        write!(f, ": {fault}")?;
        fault.help().map_or(Ok(()), |help| write!(f, "\n  help: {help}"))
    }
}

impl std::error::Error for ResolveError {}

/// Why something is not granted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveFault {
    /// The path leads nowhere.
    #[error("there is no such file or folder")]
    NotFound,
    /// The path cannot be looked at.
    #[error("{0}")]
    Io(io::Error),
    /// The path cannot be written into a policy.
    #[error("its path is not UTF-8")]
    NotText,
    /// `/`.
    #[error("that is the root of the file system, with everything on this machine")]
    Root,
    /// A kernel file system.
    #[error(
        "it {} {} ({kind}), through which the kernel and other processes are reached; that is \
         never granted",
        if *inside { "lies in" } else { "holds" }, ForeignText::new(mount)
    )]
    Kernel {
        /// Where it is mounted.
        mount: String,
        /// The type of the file system.
        kind: String,
        /// Whether the grant lies in it; else it lies in the grant.
        inside: bool,
    },
    /// In `/dev`.
    #[error("it lies in /dev, where devices are")]
    Devices,
    /// Neither a file nor a folder.
    #[error("it is {0}, neither a file nor a folder")]
    Special(&'static str),
    /// Not a device.
    #[error("it is {0}, not a device")]
    NotADevice(&'static str),
    /// A device that is the machine's memory, or its ports.
    #[error("through this device all memory of the machine is reached; it is never granted")]
    MemoryDevice,
    /// Not a socket.
    #[error("it is {0}, not a socket")]
    NotASocket(&'static str),
    /// Writing there would decide over the next run.
    #[error("the bundle could then replace {} ({})", what, ForeignText::new(path))]
    Protected {
        /// What is there.
        what: String,
        /// Where it is.
        path: String,
    },
    /// A name without address.
    #[error("the host's address cannot be found: {0}")]
    Host(io::Error),
    /// A library, or one that it needs.
    #[error("{0}")]
    Library(ClosureFault),
}

impl ResolveFault {
    /// What to do about it.
    fn help(&self) -> Option<&'static str> {
        match self {
            Self::NotFound => Some(
                "create it first: a grant is for what is there, and a path that appears later \
                 could be anything",
            ),
            Self::Root => Some("grant the folders that are needed"),
            Self::Devices => Some("grant a single device with device=PATH, or memory with scratch"),
            Self::Special("a socket") => Some("grant it with connect=unix:PATH"),
            Self::Special("a device") => Some("grant it with device=PATH"),
            Self::NotASocket(_) => Some("start the service that makes the socket first"),
            Self::Protected { .. } => Some("grant a folder that holds nothing else"),
            _ => None,
        }
    }
}

impl From<io::Error> for ResolveFault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            _ => Self::Io(error),
        }
    }
}
