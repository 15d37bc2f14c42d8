//! What `wrun doctor` asks of `adapter-shim`: what it is, what it finds, and a jail for nothing.

use super::crash::Symbols;
use super::exit::ShimExit;
use super::launch::{Recipe, Timeouts};
use super::notices::Notices;
use super::spawner;
use crate::channel::ready_by;
use nix::poll::PollFlags;
use protocol::limits::PAYLOAD_BYTES_MAX;
use protocol::message::Plan;
use protocol::policy::Policy;
use protocol::probe::Report;
use protocol::stage::{JailSpec, Layer, Layers, Purpose};
use protocol::version::SUPPORTED;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the program may take for an answer, or for a jail. It takes some tens of milliseconds.
const TIME_MAX: Duration = Duration::from_secs(10);

/// More than a report can have.
const OUTPUT_BYTES_MAX: usize = 64 << 10;

/// The name that stands in messages for a bundle.
const NAME: &str = "doctor";

/// What `adapter-shim --version` of this release prints.
pub(crate) fn own_version() -> String {
    format!("adapter-shim {} (protocol {SUPPORTED})", env!("CARGO_PKG_VERSION"))
}

/// What the program prints of itself.
///
/// # Errors
/// Those of the system, and if it does not end in time or not well.
pub(crate) fn version(program: &Path) -> io::Result<String> {
    let output = ask(program, "--version")?;
    Ok(String::from_utf8_lossy(&output).trim().to_owned())
}

/// What the program finds out about this machine. Only for one of this release.
///
/// # Errors
/// As [`version`], and if it makes no sense.
pub(crate) fn probe(program: &Path) -> io::Result<Report> {
    postcard::from_bytes(&ask(program, "--probe")?).map_err(io::Error::other)
}

/// Builds a jail as for a bundle that was granted nothing, has a library loaded in it that does
/// nothing, looks at it from outside, and ends it. Returns the layers that were in force.
///
/// # Errors
/// As for a bundle; also if one of `required` was not in force.
pub(crate) fn rehearse(
    program: &Path,
    library: &Path,
    required: Vec<Layer>,
) -> Result<Layers, ShimExit> {
    let name = library.file_name().and_then(|name| name.to_str());
    let (Some(folder), Some(name)) = (library.parent(), name) else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput).into());
    };
    let plan = Plan {
        bundle: NAME.to_owned(),
        library: name.to_owned(),
        payload_bytes_max: u32::try_from(PAYLOAD_BYTES_MAX).unwrap_or(u32::MAX),
        ..Plan::default()
    };
    let spec = JailSpec {
        bundle: NAME.to_owned(),
        policy: Policy::default(),
        required,
        purpose: Purpose::Confine,
    };
    let recipe = Recipe {
        program: program.to_owned(),
        directory: File::open(folder)?.into(),
        spec,
        plan,
        init: Vec::new(),
        timeouts: Timeouts { load: TIME_MAX, call: TIME_MAX, shutdown: TIME_MAX },
        notices: Notices::default(),
        symbols: Symbols::default(),
    };
    Ok(recipe.start()?.layers())
}

/// Runs the program to its end and returns what it printed.
fn ask(program: &Path, question: &str) -> io::Result<Vec<u8>> {
    let mut command = Command::new(program);
    command.arg(question).env_clear().current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = Asked(spawner::spawn(command)?);
    let mut output = Vec::new();
    let deadline = Instant::now() + TIME_MAX;
    if let Some(mut stdout) = child.0.stdout.take() {
        loop {
            wait_for(&stdout, deadline)?;
            let mut space = [0; 4096];
            let count = stdout.read(&mut space)?;
            output.extend_from_slice(space.get(..count).unwrap_or_default());
            if count == 0 {
                break;
            }
            if output.len() > OUTPUT_BYTES_MAX {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
        }
    }
    match child.0.wait()? {
        status if status.success() => Ok(output),
        status => Err(io::Error::other(format!("`adapter-shim {question}`: {status}"))),
    }
}

/// Waits for something to read, or the end of it.
fn wait_for(stream: &impl AsFd, deadline: Instant) -> io::Result<()> {
    match ready_by(stream.as_fd(), PollFlags::POLLIN, deadline)? {
        true => Ok(()),
        false => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// A child that does not outlive the question. Its own children end with it.
struct Asked(Child);

impl Drop for Asked {
    fn drop(&mut self) {
        // Errors mean that it has ended, and was waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
