//! A shim process: started, watched through a pidfd, always reaped.

use super::exit::ShimExit;
use super::{spawner, stderr};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{PidfdFlags, pidfd_open};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running shim. Dropping it kills and reaps it.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    pidfd: OwnedFd,
    stderr: Option<stderr::Forwarded>,
    exit: Option<ShimExit>,
}

impl Process {
    /// Starts `program` for `bundle` with the channel, the bundle directory and nothing else.
    ///
    /// # Errors
    /// Those of spawning a process and a thread.
    pub(super) fn spawn(
        program: &Path,
        bundle: &str,
        channel: UnixStream,
        directory: OwnedFd,
    ) -> io::Result<Self> {
        let mut command = Command::new(program);
        command
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(channel)))
            .stdout(Stdio::from(directory))
            .stderr(Stdio::piped());
        let mut child = spawner::spawn(command)?;
        let watched = watch(bundle, &mut child);
        match watched {
            Ok((pidfd, stderr)) => Ok(Self { child, pidfd, stderr, exit: None }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// The process id, for messages.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the process has ended, at most `grace`, then kills it. Returns how it ended.
    pub(super) fn end(&mut self, grace: Duration) -> ShimExit {
        if let Some(exit) = self.exit {
            return exit;
        }
        let ended = self.wait_for_end(grace);
        if !ended {
            let _ = self.child.kill();
        }
        let exit = match self.child.wait() {
            Ok(_) if !ended => ShimExit::Killed,
            Ok(status) => status.into(),
            Err(_) => ShimExit::Unknown,
        };
        self.exit = Some(exit);
        // The last words come out before whoever called reports the end.
        if let Some(stderr) = self.stderr.take() {
            stderr.finish();
        }
        exit
    }

    fn wait_for_end(&self, grace: Duration) -> bool {
        let deadline = Instant::now() + grace;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let millis = i32::try_from(left.as_millis()).unwrap_or(i32::MAX);
            let timeout = PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX);
            match poll(&mut [PollFd::new(self.pidfd.as_fd(), PollFlags::POLLIN)], timeout) {
                Ok(0) => return false,
                Ok(_) => return true,
                Err(nix::errno::Errno::EINTR) => {}
                Err(_) => return false,
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end(Duration::ZERO);
    }
}

fn watch(bundle: &str, child: &mut Child) -> io::Result<(OwnedFd, Option<stderr::Forwarded>)> {
    let pid = rustix::process::Pid::from_child(child);
    let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
    let stderr = child.stderr.take().map(|pipe| stderr::forward(bundle, pipe)).transpose()?;
    Ok((pidfd, stderr))
}
