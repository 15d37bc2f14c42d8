//! A running shim and the conversation with it, from the greeting to the end.

use super::exit::ShimExit;
use super::notices::Notices;
use super::process::{JailFault, Process};
use super::verify::Unconfined;
use crate::channel::{
    Blocking, Channel, ChannelError, Conversation, Polled, ReplyBytes, Wait, deadline_after,
    run_blocking,
};
use protocol::error::PeerFault;
use protocol::message::{CallFault, Plan, Step, ToRunner, ToShim};
use protocol::stage::{JailSpec, Layer, Layers, Purpose};
use protocol::text::ForeignText;
use protocol::version::{MAGIC, SUPPORTED, VersionError};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long a process that closed its connection may take to be seen as ended.
const END_GRACE: Duration = Duration::from_millis(200);

/// How long an orderly shutdown may take before the process is killed.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(500);

/// Why a shim could not be brought to the point where it takes calls.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The system refused a socket, a process or a thread.
    #[error("its adapter process could not be started: {0}")]
    System(#[from] io::Error),
    /// The shim reported that a step failed.
    #[error("{}: {text}", step_words(*.step))]
    Step {
        /// Which step.
        step: Step,
        /// Why, in the shim's or the library's words.
        text: ForeignText,
    },
    /// The jail could not be built; nothing of the bundle has run.
    #[error("its jail could not be built: {0}")]
    Jail(ForeignText),
    /// The process ended, was silent, or broke the protocol.
    #[error("{0}")]
    Ended(SessionEnd),
}

fn step_words(step: Step) -> &'static str {
    match step {
        Step::Plan => "its adapter process did not accept the plan",
        Step::Confine => "its adapter process could not be confined",
        Step::Load => "its library could not be loaded",
        Step::Init => "its `init` failed",
    }
}

/// Why a session is over.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SessionEnd {
    /// The process went away.
    #[error("its process {0}")]
    Exit(ShimExit),
    /// No answer in time.
    #[error("no answer within {0:?}; its process was killed")]
    Deadline(Duration),
    /// The process broke the protocol.
    #[error("its process broke the protocol and was killed: {0}")]
    Peer(#[from] PeerFault),
    /// The process is not confined as it claims.
    #[error("its process is not confined and was killed: {0}")]
    Unconfined(Unconfined),
    /// The runner's side of the socket failed.
    #[error("the connection to its process failed: {0}")]
    Io(Arc<io::Error>),
    /// The guest was stopped in the middle of a call.
    #[error("its process was killed because a call was abandoned")]
    Abandoned,
}

/// Why a request has no result.
#[derive(Debug)]
pub(crate) enum CallEnd {
    /// The request failed; the session goes on.
    Failed(CallFault, ForeignText),
    /// The session is over, because of this request.
    Ended(SessionEnd),
    /// The session was over before.
    Over(SessionEnd),
    /// The arguments exceed what one call may carry; nothing was sent.
    TooLarge {
        /// Their size.
        bytes: usize,
        /// The cap.
        max: usize,
    },
}

/// A shim that takes calls, one at a time.
#[derive(Debug)]
pub(crate) struct Session {
    conversation: Conversation,
    process: Process,
    /// Names of the functions, for notices.
    functions: Vec<String>,
    end: Option<SessionEnd>,
    /// Set while a request is under way: if the caller went away, nobody can use the answer.
    in_flight: bool,
}

/// A stage that was started and has not been spoken to.
#[derive(Debug)]
pub(crate) struct Launched(Process);

impl Launched {
    /// Starts the stage at `program` for the bundle of `spec`, whose directory it is given.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn spawn(
        program: &Path,
        directory: OwnedFd,
        spec: &JailSpec,
        notices: Notices,
    ) -> io::Result<Self> {
        let process = Process::spawn(program, spec, directory, notices)?;
        tracing::debug!(bundle = %spec.bundle, pid = process.id(), "adapter process started");
        Ok(Self(process))
    }

    /// Brings a shim to the point where it takes calls; this thread waits.
    ///
    /// `init` holds the encoded arguments of the bundle's `init`, if the plan has one.
    ///
    /// # Errors
    /// [`StartError`]; the processes are gone then.
    pub(crate) fn start(
        mut self,
        spec: &JailSpec,
        plan: &Plan,
        init: &[u8],
        timeout: Duration,
    ) -> Result<Session, StartError> {
        let wait = Blocking { deadline: deadline_after(timeout) };
        let jailed = run_blocking(self.0.jail(spec, &wait))?;
        let (mut session, plan) = self.session(jailed, plan, timeout)?;
        let prepared = run_blocking(session.prepare(&plan, init, &wait))?;
        session.ready(&plan, prepared, timeout)
    }

    /// As [`Launched::start`]; this task waits. Also returns a second descriptor of the channel,
    /// registered with the tokio runtime of this task.
    ///
    /// # Errors
    /// [`StartError`]; the processes are gone then.
    pub(crate) async fn start_on(
        mut self,
        spec: &JailSpec,
        plan: &Plan,
        init: &[u8],
        timeout: Duration,
    ) -> Result<(Session, tokio::net::UnixStream), StartError> {
        let deadline = deadline_after(timeout);
        let registered = register(self.0.control()?)?;
        let jailed = self.0.jail(spec, &Polled { registered: &registered, deadline }).await;
        let (mut session, plan) = self.session(jailed, plan, timeout)?;
        let registered = register(session.conversation.channel().stream())?;
        let wait = Polled { registered: &registered, deadline };
        let prepared = session.prepare(&plan, init, &wait).await;
        Ok((session.ready(&plan, prepared, timeout)?, registered))
    }

    /// The conversation with the shim in its jail, and the plan with what the shim must know of it.
    fn session(
        mut self,
        jailed: Result<(UnixStream, Layers), JailFault>,
        plan: &Plan,
        timeout: Duration,
    ) -> Result<(Session, Plan), StartError> {
        match jailed {
            Ok((stream, layers)) => {
                log_layers(&plan.bundle, layers, &self.0);
                let conversation = Conversation::new(Channel::new(stream)?);
                let functions = plan.functions.iter().map(|f| f.name.clone()).collect();
                let session = Session {
                    conversation,
                    process: self.0,
                    functions,
                    end: None,
                    in_flight: false,
                };
                Ok((session, Plan { own_root: layers.root, ..plan.clone() }))
            }
            Err(JailFault::Refused(text)) => Err(StartError::Jail(text)),
            Err(JailFault::Channel(ChannelError::Deadline)) => {
                Err(StartError::Ended(SessionEnd::Deadline(timeout)))
            }
            Err(JailFault::Channel(ChannelError::Closed)) => {
                Err(StartError::Ended(SessionEnd::Exit(self.0.end(END_GRACE))))
            }
            Err(JailFault::Channel(ChannelError::Peer(fault))) => {
                Err(StartError::Ended(SessionEnd::Peer(fault)))
            }
            Err(JailFault::Channel(ChannelError::Io(error))) => Err(error.into()),
        }
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
    fn ready(
        mut self,
        plan: &Plan,
        prepared: Result<(), StartFault>,
        timeout: Duration,
    ) -> Result<Self, StartError> {
        match prepared {
            Ok(()) => {}
            Err(StartFault::Step(step, text)) => {
                self.process.collect_notices(None);
                return Err(StartError::Step { step, text });
            }
            Err(StartFault::Channel(error)) => {
                return Err(StartError::Ended(self.close(error, timeout)));
            }
        }
        // What was said until here may have been said by the library.
        if plan.purpose == Purpose::Confine
            && let Err(unconfined) = self.process.verify()
        {
            let end = match unconfined {
                Unconfined::Gone => SessionEnd::Exit(self.process.end(END_GRACE)),
                other => SessionEnd::Unconfined(other),
            };
            return Err(StartError::Ended(self.condemn(end)));
        }
        tracing::debug!(bundle = %plan.bundle, "library loaded");
        Ok(self)
    }

    /// The layers of the jail.
    pub(crate) fn layers(&self) -> Layers {
        self.process.layers()
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

    /// Calls `function` with encoded arguments. The bytes of the result are not checked yet.
    pub(crate) async fn call(
        &mut self,
        function: u32,
        args: &[u8],
        wait: &impl Wait,
        timeout: Duration,
    ) -> Result<ReplyBytes, CallEnd> {
        let max = self.conversation.channel().payload_max();
        if args.len() > max {
            return Err(CallEnd::TooLarge { bytes: args.len(), max });
        }
        let id = self.conversation.next_id();
        self.request(&ToShim::Call { id, function }, args, wait, timeout).await
    }

    /// Runs the destructor of a resource.
    pub(crate) async fn drop_resource(
        &mut self,
        resource: u32,
        handle: u32,
        wait: &impl Wait,
        timeout: Duration,
    ) -> Result<(), CallEnd> {
        let id = self.conversation.next_id();
        self.request(&ToShim::Drop { id, resource, handle }, &[], wait, timeout).await.map(drop)
    }

    async fn request(
        &mut self,
        request: &ToShim,
        payload: &[u8],
        wait: &impl Wait,
        timeout: Duration,
    ) -> Result<ReplyBytes, CallEnd> {
        self.abandon();
        if let Some(end) = &self.end {
            return Err(CallEnd::Over(end.clone()));
        }
        self.in_flight = true;
        let asked = self.conversation.ask(request, payload, wait).await;
        self.in_flight = false;
        match asked {
            Ok(answer) => match answer.message {
                ToRunner::CallFailed { fault, text, .. } => {
                    self.collect_notices(request);
                    Err(CallEnd::Failed(fault, text))
                }
                _ => Ok(answer.payload),
            },
            Err(error) => {
                self.collect_notices(request);
                Err(CallEnd::Ended(self.close(error, timeout)))
            }
        }
    }

    /// What the library was refused may be why a request failed.
    fn collect_notices(&mut self, request: &ToShim) {
        let function = match request {
            ToShim::Call { function, .. } => usize::try_from(*function).ok(),
            _ => None,
        };
        let name = function.and_then(|index| self.functions.get(index));
        self.process.collect_notices(name.map(String::as_str));
    }

    /// Ends the session because its process broke the protocol: a reply that is not a value, say.
    pub(crate) fn condemn_peer(&mut self, fault: PeerFault) -> SessionEnd {
        self.condemn(SessionEnd::Peer(fault))
    }

    /// Kills the process of a call that nobody waits for any more.
    pub(crate) fn abandon(&mut self) {
        if self.in_flight && self.end.is_none() {
            self.condemn(SessionEnd::Abandoned);
        }
    }

    fn condemn(&mut self, end: SessionEnd) -> SessionEnd {
        self.process.end(Duration::ZERO);
        tracing::warn!(pid = self.process.id(), %end, "adapter process ended");
        self.end.insert(end).clone()
    }

    fn close(&mut self, error: ChannelError, timeout: Duration) -> SessionEnd {
        let end = match error {
            ChannelError::Deadline => SessionEnd::Deadline(timeout),
            ChannelError::Peer(fault) => SessionEnd::Peer(fault),
            ChannelError::Io(error) => SessionEnd::Io(Arc::new(error)),
            ChannelError::Closed => SessionEnd::Exit(self.process.end(END_GRACE)),
        };
        self.condemn(end)
    }
}

impl Drop for Session {
    /// Asks the process to leave, for a moment; then `Process` kills it.
    fn drop(&mut self) {
        if self.end.is_some() || self.in_flight {
            return;
        }
        let wait = Blocking { deadline: deadline_after(SHUTDOWN_GRACE) };
        let asked = run_blocking(self.conversation.ask(&ToShim::Shutdown, &[], &wait));
        if matches!(asked, Ok(Ok(_))) {
            self.process.end(SHUTDOWN_GRACE);
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
