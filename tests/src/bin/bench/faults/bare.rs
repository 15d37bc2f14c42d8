//! A process without wrun that comes to the same end: what the kernel takes at least.

use std::io::{Read as _, Write as _, stdin};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, raise};
use std::os::unix::process::ExitStatusExt as _;

/// The hidden argument that makes this program the process that ends: by a crash once it has read a
/// byte.
pub(crate) const VICTIM: &str = "--victim";

/// A running one.
struct Victim {
    child: Child,
}

impl Victim {
    fn start() -> Result<Self> {
        let program = std::env::current_exe().context("this program does not know its path")?;
        let mut child = Command::new(program)
            .arg(VICTIM)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start a process")?;
        let mut ready = [0];
        let stdout = child.stdout.as_mut().context("its output is a pipe")?;
        stdout.read_exact(&mut ready).context("the process does not start")?;
        Ok(Self { child })
    }

    /// Waits for its end, by this signal.
    fn end(mut self, by: Signal) -> Result<()> {
        // Its input stays open: `wait` would close it, which is no work of the kernel's.
        let stdin = self.child.stdin.take();
        let status = self.child.wait().context("the process cannot be waited for")?;
        drop(stdin);
        if status.signal() != Some(by as i32) {
            bail!("the process ended with {status} instead of {by}");
        }
        Ok(())
    }
}

/// What the hidden argument does.
pub(crate) fn fall() -> Result<()> {
    std::io::stdout().write_all(&[1]).context("cannot write")?;
    std::io::stdout().flush().context("cannot write")?;
    stdin().read_exact(&mut [0]).context("cannot read")?;
    // The first one is caught by the standard library, which looks for an overflow of the stack.
    loop {
        raise(Signal::SIGSEGV).context("cannot crash")?;
    }
}

/// Seconds from a request to a process that crashes upon it until it is reaped.
pub(super) fn crash() -> Result<f64> {
    let mut victim = Victim::start()?;
    let stdin = victim.child.stdin.as_mut().context("its input is a pipe")?;
    let begin = Instant::now();
    stdin.write_all(&[1]).context("cannot write")?;
    victim.end(Signal::SIGSEGV)?;
    Ok(begin.elapsed().as_secs_f64())
}

/// Seconds from SIGKILL until the process is reaped.
pub(super) fn kill() -> Result<f64> {
    late(Duration::ZERO)
}

/// Seconds, beyond `deadline`, until a process that is killed at the deadline is reaped.
pub(super) fn late(deadline: Duration) -> Result<f64> {
    let mut victim = Victim::start()?;
    let begin = Instant::now();
    if !deadline.is_zero() {
        std::thread::sleep(deadline);
    }
    victim.child.kill().context("cannot kill a process")?;
    victim.end(Signal::SIGKILL)?;
    Ok(begin.elapsed().as_secs_f64() - deadline.as_secs_f64())
}
