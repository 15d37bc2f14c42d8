//! From a recipe to a shim that takes calls: spawn, jail, greeting, plan, load, the look from outside.

use super::crash::Symbols;
use super::exit::{DeadlinePhase, ShimExit};
use super::notices::Notices;
use super::process::{JailFault, Process};
use super::session::{END_GRACE, Session};
use super::verify::Unconfined;
use crate::channel::{
    Blocking, Channel, ChannelError, Conversation, Polled, Wait, deadline_after, run_blocking,
};
use protocol::error::PeerFault;
use protocol::message::{Plan, Step, ToRunner, ToShim};
use protocol::stage::{JailSpec, Layer, Layers, Purpose};
use protocol::text::ForeignText;
use protocol::version::{MAGIC, SUPPORTED, VersionError};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

/// How long a process may take for what it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timeouts {
    /// From its start to the first call.
    pub(crate) load: Duration,
    /// One call, or one destructor.
    pub(crate) call: Duration,
    /// Leaving when it is asked to, and before that the destructors of what a dropped store held.
    pub(crate) shutdown: Duration,
}

impl Timeouts {
    /// The time for `phase`.
    pub(crate) fn of(self, phase: DeadlinePhase) -> Duration {
        match phase {
            DeadlinePhase::Load => self.load,
            DeadlinePhase::Call => self.call,
            DeadlinePhase::Reclaim | DeadlinePhase::Shutdown => self.shutdown,
        }
    }
}

/// All that a bundle's process is made from. It can be started again, always the same.
#[derive(Debug)]
pub(crate) struct Recipe {
    /// The `adapter-shim` program.
    pub(crate) program: PathBuf,
    /// The bundle's directory.
    pub(crate) directory: OwnedFd,
    /// Its jail.
    pub(crate) spec: JailSpec,
    /// What it serves.
    pub(crate) plan: Plan,
    /// The encoded arguments of the bundle's `init`, if the plan has one.
    pub(crate) init: Vec<u8>,
    /// How long it may take.
    pub(crate) timeouts: Timeouts,
    /// Where to tell of system calls that were refused.
    pub(crate) notices: Notices,
    /// Names for the places of a crash.
    pub(crate) symbols: Symbols,
}

impl Recipe {
    /// Brings a new shim to the point where it takes calls; this thread waits.
    ///
    /// # Errors
    /// Why it did not get there; its processes are gone then.
    pub(crate) fn start(&self) -> Result<Session, ShimExit> {
        let wait = Blocking { deadline: deadline_after(self.timeouts.load) };
        let mut process = self.spawn()?;
        let jailed = run_blocking(process.jail(&self.spec, &wait))?;
        let (mut session, plan) = self.session(process, jailed)?;
        let prepared = run_blocking(session.prepare(&plan, &self.init, &wait))?;
        session.ready(&plan, prepared)
    }

    /// As [`Recipe::start`]; this task waits. Also returns a second descriptor of the channel,
    /// registered with the tokio runtime of this task.
    ///
    /// # Errors
    /// Why it did not get there; its processes are gone then.
    pub(crate) async fn start_on(&self) -> Result<(Session, tokio::net::UnixStream), ShimExit> {
        let deadline = deadline_after(self.timeouts.load);
        let mut process = self.spawn()?;
        let registered = register(process.control()?)?;
        let jailed = process.jail(&self.spec, &Polled { registered: &registered, deadline }).await;
        let (mut session, plan) = self.session(process, jailed)?;
        let registered = register(session.conversation.channel().stream())?;
        let wait = Polled { registered: &registered, deadline };
        let prepared = session.prepare(&plan, &self.init, &wait).await;
        Ok((session.ready(&plan, prepared)?, registered))
    }

    fn spawn(&self) -> io::Result<Process> {
        let directory = self.directory.try_clone()?;
        let (notices, symbols) = (self.notices.clone(), self.symbols.clone());
        let process = Process::spawn(&self.program, &self.spec, directory, notices, symbols)?;
        tracing::debug!(bundle = %self.spec.bundle, pid = process.id(), "adapter process started");
        Ok(process)
    }

    /// The conversation with the shim in its jail, and the plan with what the shim must know of it.
    fn session(
        &self,
        mut process: Process,
        jailed: Result<(UnixStream, Layers), JailFault>,
    ) -> Result<(Session, Plan), ShimExit> {
        let after = self.timeouts.load;
        let (stream, layers) = jailed.map_err(|fault| match fault {
            JailFault::Refused(text) => ShimExit::Jail(text),
            JailFault::Channel(ChannelError::Deadline) => {
                ShimExit::Deadline { phase: DeadlinePhase::Load, after }
            }
            JailFault::Channel(ChannelError::Closed | ChannelError::NotSent) => {
                process.end(END_GRACE).into_exit()
            }
            JailFault::Channel(ChannelError::Peer(fault)) => fault.into(),
            JailFault::Channel(ChannelError::Io(error)) => error.into(),
        })?;
        log_layers(&self.spec.bundle, layers, &process);
        let session = Session {
            bundle: self.spec.bundle.clone(),
            conversation: Conversation::new(Channel::new(stream)?),
            process,
            functions: self.plan.functions.iter().map(|f| f.name.clone()).collect(),
            timeouts: self.timeouts,
            end: None,
            spoil: None,
            in_flight: false,
        };
        Ok((session, Plan { own_root: layers.root, ..self.plan.clone() }))
    }
}

/// A second descriptor of a socket, registered with the tokio runtime of this task.
fn register(stream: &UnixStream) -> io::Result<tokio::net::UnixStream> {
    // Registering would panic without a runtime.
    tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
    tokio::net::UnixStream::from_std(stream.try_clone()?)
}

/// A jail that is weaker than it could be is not kept from the operator.
fn log_layers(bundle: &str, layers: Layers, process: &Process) {
    let missing: Vec<_> = Layer::ALL
        .into_iter()
        // Only root can give an id of its own, and nobody else needs one as much.
        .filter(|layer| *layer != Layer::Uid && !layers.has(*layer))
        .map(Layer::name)
        .collect();
    // Looked up only if somebody reads it.
    tracing::debug!(bundle, pid = process.shim_id(), "adapter in its jail");
    if missing.is_empty() {
        tracing::debug!(bundle, landlock = layers.landlock, uid = layers.uid, "jail built");
    } else {
        let missing = missing.join(", ");
        tracing::warn!(bundle, missing, "this machine gives a weaker jail; see `wrun doctor`");
    }
}

impl Session {
    fn ready(mut self, plan: &Plan, prepared: Result<(), StartFault>) -> Result<Self, ShimExit> {
        let after = self.timeouts.load;
        match prepared {
            Ok(()) => {}
            Err(StartFault::Step(step, text)) => {
                self.process.collect_notices(None);
                return Err(self.condemn(ShimExit::Setup { step, text }));
            }
            Err(StartFault::Channel(error)) => {
                return Err(self.close(error, DeadlinePhase::Load, after));
            }
        }
        // What was said until here may have been said by the library.
        if plan.purpose == Purpose::Confine
            && let Err(unconfined) = self.process.verify()
        {
            let end = match unconfined {
                Unconfined::Gone => self.process.end(END_GRACE).into_exit(),
                other => ShimExit::Unconfined(other),
            };
            return Err(self.condemn(end));
        }
        tracing::debug!(bundle = %plan.bundle, "library loaded");
        Ok(self)
    }

    async fn prepare(
        &mut self,
        plan: &Plan,
        init: &[u8],
        wait: &impl Wait,
    ) -> Result<(), StartFault> {
        let hello = ToShim::Hello { magic: MAGIC, versions: SUPPORTED };
        match self.conversation.ask(&hello, &[], wait).await?.message {
            ToRunner::Hello { magic, .. } if magic != MAGIC => {
                return Err(VersionError::Magic.into());
            }
            ToRunner::Hello { version, .. } if !SUPPORTED.contains(version) => {
                return Err(VersionError::NotOffered(version).into());
            }
            ToRunner::Refused { versions } => {
                return Err(VersionError::NoneInCommon { ours: SUPPORTED, theirs: versions }.into());
            }
            _ => {}
        }
        let encoded =
            postcard::to_stdvec(plan).map_err(|error| ChannelError::Io(io::Error::other(error)))?;
        self.step(&ToShim::Plan, &encoded, wait).await?;
        // The bundle's own cap is for calls; the plan itself may be larger.
        let payload_max = usize::try_from(plan.payload_bytes_max).unwrap_or(usize::MAX);
        self.conversation.channel_mut().limit(payload_max);
        self.step(&ToShim::Load, init, wait).await
    }

    async fn step(
        &mut self,
        request: &ToShim,
        payload: &[u8],
        wait: &impl Wait,
    ) -> Result<(), StartFault> {
        match self.conversation.ask(request, payload, wait).await?.message {
            ToRunner::Failed { step, text } => Err(StartFault::Step(step, text)),
            _ => Ok(()),
        }
    }
}

/// Why the way to the first call was left.
enum StartFault {
    Step(Step, ForeignText),
    Channel(ChannelError),
}

impl From<ChannelError> for StartFault {
    fn from(error: ChannelError) -> Self {
        Self::Channel(error)
    }
}

impl From<VersionError> for StartFault {
    fn from(error: VersionError) -> Self {
        Self::Channel(PeerFault::from(error).into())
    }
}
