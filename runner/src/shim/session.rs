//! A running shim and the conversation with it, from the first call to the end.

use super::exit::{DeadlinePhase, ShimExit};
use super::launch::Timeouts;
use super::process::Process;
use crate::channel::{
    Answer, Blocking, ChannelError, Conversation, ReplyBytes, Wait, deadline_after, run_blocking,
};
use protocol::error::PeerFault;
use protocol::message::{CallFault, ToRunner, ToShim};
use protocol::stage::Layers;
use protocol::text::ForeignText;
use rustix::process::Signal;
use std::sync::Arc;
use std::time::Duration;

/// How long a process that closed its connection may take to be seen as ended.
pub(super) const END_GRACE: Duration = Duration::from_millis(200);

/// Why a request has no result.
#[derive(Debug)]
pub(crate) enum CallEnd {
    /// The request failed; the session goes on.
    Failed(CallFault, ForeignText),
    /// The session is over, because of this request or while it was under way.
    Ended(ShimExit),
    /// The session was over before anything of the request was sent.
    NotSent(ShimExit),
    /// The arguments exceed what one call may carry; nothing was sent.
    TooLarge {
        /// Their size.
        bytes: usize,
        /// The cap.
        max: usize,
    },
}

/// What happens to a process in a request, on purpose. It is stopped until the request is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoil {
    /// Then it gets this signal.
    Hit(Signal),
    /// It stays stopped.
    Freeze,
}

/// A shim that takes calls, one at a time.
#[derive(Debug)]
pub(crate) struct Session {
    pub(super) bundle: String,
    pub(super) conversation: Conversation,
    pub(super) process: Process,
    /// Names of the functions, for notices.
    pub(super) functions: Vec<String>,
    pub(super) timeouts: Timeouts,
    pub(super) end: Option<ShimExit>,
    /// A fault on purpose for the next request.
    pub(super) spoil: Option<Spoil>,
    /// Set while a request is under way: if the caller went away, nobody can use the answer.
    pub(super) in_flight: bool,
}

impl Session {
    /// The layers of the jail.
    pub(crate) fn layers(&self) -> Layers {
        self.process.layers()
    }

    /// How the session ended, if it did.
    pub(crate) fn end(&self) -> Option<&ShimExit> {
        self.end.as_ref()
    }

    /// The number of the latest request, counted from 1 in each process.
    pub(crate) fn last_request(&self) -> u64 {
        self.conversation.last_id()
    }

    /// Calls `function` with encoded arguments. The bytes of the result are not checked yet.
    pub(crate) async fn call(
        &mut self,
        function: u32,
        args: &[u8],
        wait: &impl Wait,
    ) -> Result<ReplyBytes, CallEnd> {
        let max = self.conversation.channel().payload_max();
        if args.len() > max {
            return Err(CallEnd::TooLarge { bytes: args.len(), max });
        }
        let id = self.conversation.next_id();
        self.request(&ToShim::Call { id, function }, args, wait, DeadlinePhase::Call).await
    }

    /// Runs the destructor of a resource, in a call or to reclaim it.
    pub(crate) async fn drop_resource(
        &mut self,
        resource: u32,
        handle: u32,
        wait: &impl Wait,
        phase: DeadlinePhase,
    ) -> Result<(), CallEnd> {
        let id = self.conversation.next_id();
        self.request(&ToShim::Drop { id, resource, handle }, &[], wait, phase).await.map(drop)
    }

    async fn request(
        &mut self,
        request: &ToShim,
        payload: &[u8],
        wait: &impl Wait,
        phase: DeadlinePhase,
    ) -> Result<ReplyBytes, CallEnd> {
        self.abandon();
        if let Some(end) = &self.end {
            return Err(CallEnd::NotSent(end.clone()));
        }
        self.in_flight = true;
        let asked = match self.spoil.take() {
            None => self.conversation.ask(request, payload, wait).await,
            Some(spoil) => self.ask_and_spoil(request, payload, wait, spoil).await,
        };
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
                let not_sent = matches!(error, ChannelError::NotSent);
                let end = self.close(error, phase, self.timeouts.of(phase));
                Err(if not_sent { CallEnd::NotSent(end) } else { CallEnd::Ended(end) })
            }
        }
    }

    /// What happens on purpose in the next request, if anything does.
    pub(crate) fn spoil_next(&mut self, spoil: Option<Spoil>) {
        self.spoil = spoil;
    }

    async fn ask_and_spoil(
        &mut self,
        request: &ToShim,
        payload: &[u8],
        wait: &impl Wait,
        spoil: Spoil,
    ) -> Result<Answer, ChannelError> {
        self.process.signal(Signal::STOP);
        self.conversation.send(request, payload, wait).await?;
        if let Spoil::Hit(signal) = spoil {
            self.process.signal(signal);
            self.process.signal(Signal::CONT);
        }
        self.conversation.answer(request, wait).await
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
    pub(crate) fn condemn_peer(&mut self, fault: PeerFault) -> ShimExit {
        self.condemn(fault.into())
    }

    /// Kills the process of a call that nobody waits for any more.
    pub(crate) fn abandon(&mut self) {
        if self.in_flight && self.end.is_none() {
            self.condemn(ShimExit::Abandoned);
        }
    }

    /// Sends the process the signal that nobody survives, and does not wait.
    pub(crate) fn order_to_die(&mut self) {
        self.process.order_to_die();
    }

    /// Kills the process because nobody needs it any more.
    pub(crate) fn kill(&mut self) -> ShimExit {
        match &self.end {
            Some(end) => end.clone(),
            None => self.condemn(ShimExit::Abandoned),
        }
    }

    pub(super) fn condemn(&mut self, end: ShimExit) -> ShimExit {
        self.process.end(Duration::ZERO);
        let (bundle, pid) = (&self.bundle, self.process.id());
        tracing::warn!(bundle, pid, kind = end.kind(), %end, "adapter process ended");
        self.end.insert(end).clone()
    }

    /// Ends the session because of what happened to its channel in `phase`, which had the time
    /// `after`.
    pub(super) fn close(
        &mut self,
        error: ChannelError,
        phase: DeadlinePhase,
        after: Duration,
    ) -> ShimExit {
        let end = match error {
            ChannelError::Deadline => ShimExit::Deadline { phase, after },
            ChannelError::Peer(fault) => fault.into(),
            ChannelError::Io(error) => ShimExit::Connection(Arc::new(error)),
            ChannelError::Closed | ChannelError::NotSent => self.process.end(END_GRACE).into_exit(),
        };
        self.condemn(end)
    }

    /// Asks the process to leave, and kills it if it does not.
    pub(crate) fn shut_down(&mut self) -> ShimExit {
        self.abandon();
        if let Some(end) = &self.end {
            return end.clone();
        }
        let after = self.timeouts.shutdown;
        let deadline = deadline_after(after);
        let asked =
            run_blocking(self.conversation.ask(&ToShim::Shutdown, &[], &Blocking { deadline }));
        let late = ShimExit::Deadline { phase: DeadlinePhase::Shutdown, after };
        let end = match asked {
            Ok(Ok(_)) => match self.process.end_by(deadline).into_exit() {
                ShimExit::Exited(0) => ShimExit::Clean,
                // It said that it leaves, and did not.
                ShimExit::Protocol(PeerFault::Closed) => late,
                other => other,
            },
            Ok(Err(error)) => return self.close(error, DeadlinePhase::Shutdown, after),
            Err(error) => ShimExit::Connection(Arc::new(error)),
        };
        if matches!(end, ShimExit::Clean) {
            let (bundle, pid) = (&self.bundle, self.process.id());
            tracing::debug!(bundle, pid, "adapter process left in order");
            return self.end.insert(end).clone();
        }
        self.condemn(end)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.shut_down();
    }
}
