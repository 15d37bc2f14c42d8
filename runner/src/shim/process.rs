//! The processes behind an isolated bundle: the stage, which is this process's child, and the shim
//! in the jail that the stage has built. Both are watched through pidfds, and always reaped.

use super::crash::{Symbols, describe};
use super::exit::{LimitHit, ShimExit};
use super::limits::limit_hit;
use super::notices::{BundleNotice, Notices};
use super::stderr::STDERR_TARGET;
use super::{spawner, stderr, verify};
use crate::channel::{Blocking, ChannelError, Wait, deadline_after, ready_by, run_blocking};
use nix::poll::PollFlags;
use protocol::error::{FrameError, PeerFault};
use protocol::frame::{FrameBuffer, encode_head};
use protocol::limits::PAYLOAD_BYTES_MAX;
use protocol::policy::Limits;
use protocol::stage::{Crash, Ending, FromStage, JailSpec, Layers, Notice, ToStage};
use protocol::text::ForeignText;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::io::{self, IoSliceMut, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the stage may take for its last report and its own end.
const REPORT_GRACE: Duration = Duration::from_secs(1);

/// Descriptors with which a jail is reported: a pidfd of the shim, and the channel to it.
const STARTED_DESCRIPTORS: usize = 2;

/// A stage and, once there is one, its shim. Dropping it kills and reaps both.
#[derive(Debug)]
pub(super) struct Process {
    stage: Child,
    stage_pidfd: OwnedFd,
    /// Closing it is an order to end, for the stage and by it for the shim.
    control: Option<UnixStream>,
    shim: Option<Shim>,
    stderr: Option<stderr::Forwarded>,
    end: Option<ProcessEnd>,
    bundle: String,
    limits: Limits,
    notices: Notices,
    symbols: Symbols,
    /// The stage's last report, if it came while notices were collected.
    ending: Option<Ending>,
}

#[derive(Debug)]
struct Shim {
    pidfd: OwnedFd,
    layers: Layers,
}

/// How a process ended.
#[derive(Debug, Clone)]
pub(super) enum ProcessEnd {
    /// By itself, or by somebody else: what the stage told, and the limit that it was for.
    Told(Ending, Option<LimitHit>),
    /// By an order of the runner.
    Killed,
    /// The stage that watched it was killed, and it went with it.
    Unwatched,
}

impl ProcessEnd {
    /// The end of a process that closed its connection.
    pub(super) fn into_exit(self) -> ShimExit {
        match self {
            Self::Told(_, Some(limit)) => ShimExit::Limit(limit),
            Self::Told(ending, None) => ShimExit::from_ending(ending),
            Self::Killed => PeerFault::Closed.into(),
            Self::Unwatched => ShimExit::KilledFromOutside,
        }
    }
}

/// Why there is no jail.
#[derive(Debug)]
pub(super) enum JailFault {
    /// The stage could not build it.
    Refused(ForeignText),
    /// The stage went away, was silent, or made no sense.
    Channel(ChannelError),
}

impl From<ChannelError> for JailFault {
    fn from(error: ChannelError) -> Self {
        Self::Channel(error)
    }
}

impl From<FrameError> for JailFault {
    fn from(error: FrameError) -> Self {
        Self::Channel(error.into())
    }
}

impl From<io::Error> for JailFault {
    fn from(error: io::Error) -> Self {
        Self::Channel(error.into())
    }
}

impl Process {
    /// Starts the stage, `program`, with the bundle's directory and nothing else.
    ///
    /// # Errors
    /// Those of spawning a process and a thread.
    pub(super) fn spawn(
        program: &Path,
        spec: &JailSpec,
        directory: OwnedFd,
        notices: Notices,
        symbols: Symbols,
    ) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut command = Command::new(program);
        command
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(directory))
            .stderr(Stdio::piped());
        let mut child = spawner::spawn(command)?;
        match watch(spec, &mut child) {
            Ok((stage_pidfd, stderr)) => Ok(Self {
                stage: child,
                stage_pidfd,
                control: Some(ours),
                shim: None,
                stderr,
                end: None,
                bundle: spec.bundle.clone(),
                limits: spec.policy.limits,
                notices,
                symbols,
                ending: None,
            }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// The stage's process id, for messages.
    pub(super) fn id(&self) -> u32 {
        self.stage.id()
    }

    /// The shim's process id as it is seen from here, for messages.
    pub(super) fn shim_id(&self) -> Option<u32> {
        let shim = self.shim.as_ref()?;
        verify::pid_of(shim.pidfd.as_fd()).ok()
    }

    /// The socket to the stage, to register it with an event loop.
    pub(super) fn control(&self) -> io::Result<&UnixStream> {
        self.control.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Has the jail built. Returns the channel to the shim in it, and what is in force.
    pub(super) async fn jail(
        &mut self,
        spec: &JailSpec,
        wait: &impl Wait,
    ) -> Result<(UnixStream, Layers), JailFault> {
        let payload = postcard::to_stdvec(spec).map_err(io::Error::other)?;
        let mut frame = Vec::new();
        encode_head(&ToStage::Jail, payload.len(), PAYLOAD_BYTES_MAX, &mut frame)?;
        frame.extend_from_slice(&payload);
        let control = self.control()?;
        let mut rest = frame.as_slice();
        while !rest.is_empty() {
            let sent = wait.write(control, |mut stream| stream.write(rest)).await?;
            rest = rest.get(sent..).unwrap_or_default();
        }
        let mut descriptors = Vec::new();
        match receive(control, wait, &mut descriptors).await? {
            FromStage::Started { layers } => {
                let (Some(channel), Some(pidfd), None) =
                    (descriptors.pop(), descriptors.pop(), descriptors.pop())
                else {
                    return Err(io::Error::other("the stage sent no descriptors").into());
                };
                self.shim = Some(Shim { pidfd, layers });
                Ok((UnixStream::from(channel), layers))
            }
            FromStage::Refused { text } => Err(JailFault::Refused(text)),
            FromStage::Ended(_) | FromStage::Noticed(_) => Err(ChannelError::Closed.into()),
        }
    }

    /// Looks at the shim from outside: whether the kernel confines it as it should.
    ///
    /// # Errors
    /// [`verify::Unconfined`] if it does not.
    pub(super) fn verify(&self) -> Result<(), verify::Unconfined> {
        match &self.shim {
            Some(shim) => verify::check(shim.pidfd.as_fd(), shim.layers),
            None => Err(verify::Unconfined::Gone),
        }
    }

    /// The layers that the stage has reported; none before there is a jail.
    pub(super) fn layers(&self) -> Layers {
        self.shim.as_ref().map(|shim| shim.layers).unwrap_or_default()
    }

    /// Waits until the shim has ended, at most `grace`, then kills it. Returns how it ended.
    pub(super) fn end(&mut self, grace: Duration) -> ProcessEnd {
        if let Some(end) = &self.end {
            return end.clone();
        }
        let watched = self.shim.as_ref().map_or(&self.stage_pidfd, |shim| &shim.pidfd);
        let ended = wait_for(watched.as_fd(), grace);
        if !ended && let Some(shim) = &self.shim {
            // An error means that it has ended meanwhile.
            let _ = pidfd_send_signal(&shim.pidfd, Signal::KILL);
        }
        let ending = match self.shim {
            Some(_) => self.last_report(),
            None => None,
        };
        // An order to end, if there is still somebody to follow it.
        self.control = None;
        if !wait_for(self.stage_pidfd.as_fd(), REPORT_GRACE) {
            let _ = self.stage.kill();
        }
        let _ = self.stage.wait();
        let end = match ending {
            _ if !ended => ProcessEnd::Killed,
            Some(ending) => {
                let limit = limit_hit(&ending, &self.limits);
                ProcessEnd::Told(ending, limit)
            }
            None => ProcessEnd::Unwatched,
        };
        // The last words come out before whoever called reports the end.
        if let Some(stderr) = self.stderr.take() {
            stderr.finish();
        }
        let end = self.end.insert(end).clone();
        if let Some(crash) = self.crash() {
            let (bundle, text) = (
                self.bundle.as_str(),
                describe(crash, &|module, offset| self.symbols.find(module, offset)),
            );
            for line in text.lines() {
                tracing::error!(target: STDERR_TARGET, bundle, "{line}");
            }
        }
        end
    }

    /// Where it crashed, if it has.
    pub(super) fn crash(&self) -> Option<&Crash> {
        match &self.end {
            Some(ProcessEnd::Told(ending, _)) => ending.crash.as_ref(),
            _ => None,
        }
    }

    /// Sends the shim the signal that nobody survives, and does not wait.
    pub(super) fn order_to_die(&self) {
        self.signal(Signal::KILL);
    }

    /// Sends the shim a signal, if it still lives.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(shim) = &self.shim {
            // An error means that it has ended meanwhile.
            let _ = pidfd_send_signal(&shim.pidfd, signal);
        }
    }

    /// As [`Process::end`], with a time instead of a duration.
    pub(super) fn end_by(&mut self, deadline: Instant) -> ProcessEnd {
        self.end(deadline.saturating_duration_since(Instant::now()))
    }

    /// Takes what the stage has noticed so far, while `function` was running.
    pub(super) fn collect_notices(&mut self, function: Option<&str>) {
        let has_come = |control: &UnixStream| wait_for(control.as_fd(), Duration::ZERO);
        while self.ending.is_none() && self.control.as_ref().is_some_and(has_come) {
            match self.report() {
                Some(FromStage::Noticed(notice)) => self.notice(notice, function),
                Some(FromStage::Ended(ending)) => self.ending = Some(ending),
                _ => break,
            }
        }
    }

    fn notice(&self, notice: Notice, function: Option<&str>) {
        let (bundle, function) = (self.bundle.clone(), function.map(str::to_owned));
        self.notices.add(BundleNotice { bundle, function, notice });
    }

    /// What the stage tells of the shim's end, after what it has noticed before.
    fn last_report(&mut self) -> Option<Ending> {
        if let Some(ending) = self.ending.take() {
            return Some(ending);
        }
        loop {
            match self.report()? {
                FromStage::Noticed(notice) => self.notice(notice, None),
                FromStage::Ended(ending) => return Some(ending),
                _ => return None,
            }
        }
    }

    fn report(&self) -> Option<FromStage> {
        let control = self.control.as_ref()?;
        let deadline = Instant::now() + REPORT_GRACE;
        let (wait, mut none) = (Blocking { deadline }, Vec::new());
        run_blocking(receive(control, &wait, &mut none)).ok()?.ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end(Duration::ZERO);
    }
}

/// Receives a message of the stage, and the descriptors that come with it.
async fn receive(
    control: &UnixStream,
    wait: &impl Wait,
    descriptors: &mut Vec<OwnedFd>,
) -> Result<FromStage, ChannelError> {
    let mut buffer = FrameBuffer::new();
    loop {
        let space = buffer.exact_space(0)?;
        let count = wait.read(control, |stream| receive_some(stream, space, descriptors)).await?;
        if count == 0 {
            return Err(buffer.at_end().map_or(ChannelError::Closed, ChannelError::from));
        }
        if buffer.advance(count, 0)? {
            return Ok(buffer.message(0)?.0);
        }
    }
}

fn receive_some(
    stream: &UnixStream,
    space: &mut [u8],
    descriptors: &mut Vec<OwnedFd>,
) -> io::Result<usize> {
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(STARTED_DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut room);
    let mut parts = [IoSliceMut::new(space)];
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = rustix::net::recvmsg(stream, &mut parts, &mut ancillary, flags)?;
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            descriptors.extend(received);
        }
    }
    Ok(received.bytes)
}

/// Whether `descriptor` has something to read, after at most `grace`; a pidfd has once its process has
/// ended. One that cannot be asked has not.
fn wait_for(descriptor: BorrowedFd<'_>, grace: Duration) -> bool {
    ready_by(descriptor, PollFlags::POLLIN, deadline_after(grace)).unwrap_or(false)
}

fn watch(spec: &JailSpec, child: &mut Child) -> io::Result<(OwnedFd, Option<stderr::Forwarded>)> {
    let pid = rustix::process::Pid::from_child(child);
    let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
    let stderr = child
        .stderr
        .take()
        .map(|pipe| stderr::forward(&spec.bundle, pipe, spec.policy.limits.stderr_bytes))
        .transpose()?;
    Ok((pidfd, stderr))
}
