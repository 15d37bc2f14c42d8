//! One bundle that takes calls, wherever its library runs.

use super::handles::Handles;
use crate::channel::{Blocking, Polled, ReplyBytes, deadline_after, run_blocking};
use crate::inprocess::{self, InProcess};
use crate::shim::{CallEnd, Session, SessionEnd};
use protocol::error::{PeerFault, ValueError, ValueFault};
use protocol::message::{CallFault, Function, Plan};
use protocol::text::ForeignText;
use protocol::types::TypeTable;
use protocol::value::{HandleUse, rewrite_handles, validate_all};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::UnixStream;

/// A call into a bundle that has no result. It reaches the guest as a trap; embedders find it by
/// `downcast_ref::<CallError>()` on wasmtime's error.
#[derive(Debug, thiserror::Error)]
#[error("bundle `{bundle}`: {why} (in `{function}`)")]
pub struct CallError {
    /// Name of the bundle.
    pub bundle: String,
    /// Component name of the function, or of the resource whose destructor ran.
    pub function: String,
    /// What happened.
    pub why: CallFailure,
}

/// What happened to a call that has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallFailure {
    /// The adapter panicked; the bundle goes on.
    #[error("the adapter panicked: {0}")]
    Panicked(ForeignText),
    /// The library returned what is no value of the declared type; the bundle goes on.
    #[error("the library returned an invalid value: {0}")]
    BadResult(ForeignText),
    /// Arguments or result exceed what one call may carry.
    #[error("{0}")]
    TooLarge(String),
    /// The library had no memory for the arguments.
    #[error("the library could not allocate its arguments: {0}")]
    OutOfMemory(ForeignText),
    /// The bundle's process is gone, because of this call.
    #[error("{0}")]
    Ended(SessionEnd),
    /// The bundle's process was gone before this call.
    #[error("not available any more: {0}")]
    Over(SessionEnd),
    /// The guest's handle does not name a live resource of the bundle.
    #[error("the resource does not exist any more")]
    StaleHandle,
    /// The call does not fit the plan that was sent: a bug in this library.
    #[error("internal error of wrun, please report it: {0}")]
    Internal(String),
    /// The library broke its own contract, in this process.
    #[error("the library broke the contract: {0}")]
    Broken(PeerFault),
}

impl CallFailure {
    fn from_fault(fault: CallFault, text: ForeignText) -> Self {
        match fault {
            CallFault::Panicked => Self::Panicked(text),
            CallFault::BadResult => Self::BadResult(text),
            CallFault::TooLarge => Self::TooLarge(text.to_string()),
            CallFault::OutOfMemory => Self::OutOfMemory(text),
        }
    }
}

/// Where a bundle's library runs, and how its callers wait for it.
#[derive(Debug)]
pub(crate) enum Backend {
    /// In its own process; callers are threads.
    Threads(Mutex<Session>),
    /// In its own process; callers are tasks of one tokio runtime.
    Tasks {
        /// The process and the conversation with it.
        session: tokio::sync::Mutex<Session>,
        /// A second descriptor of its socket, registered with the runtime.
        registered: UnixStream,
    },
    /// In this process, unprotected.
    InProcess(Mutex<InProcess>),
}

impl Backend {
    /// A process whose callers are threads.
    pub(crate) fn threads(session: Session) -> Self {
        Self::Threads(Mutex::new(session))
    }

    /// A process whose callers are tasks; `registered` is its socket in their runtime.
    pub(crate) fn tasks(session: Session, registered: UnixStream) -> Self {
        Self::Tasks { session: tokio::sync::Mutex::new(session), registered }
    }

    /// A library in this process.
    pub(crate) fn in_process(library: InProcess) -> Self {
        Self::InProcess(Mutex::new(library))
    }
}

/// A bundle that takes calls.
#[derive(Debug)]
pub(crate) struct Host {
    name: String,
    types: TypeTable,
    functions: Vec<Function>,
    resources: Vec<String>,
    handles: Mutex<Handles>,
    backend: Backend,
    timeout: Duration,
}

/// The bytes of a result, valid for the function's type, handles already translated.
#[derive(Debug)]
pub(crate) enum Reply {
    Process(ReplyBytes),
    InProcess(Vec<u8>),
}

impl AsRef<[u8]> for Reply {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Process(bytes) => bytes.as_ref(),
            Self::InProcess(bytes) => bytes,
        }
    }
}

impl Reply {
    fn as_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Process(bytes) => bytes.as_mut(),
            Self::InProcess(bytes) => bytes,
        }
    }
}

/// A task's hold on the session. If the task is dropped in the middle of a call, so is the process:
/// nobody could tell its late answer from the next one.
struct TaskHold<'a>(tokio::sync::MutexGuard<'a, Session>);

impl Drop for TaskHold<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl Host {
    /// Puts the parts together. `types` are the checked definitions of `plan`.
    pub(crate) fn new(plan: &Plan, types: TypeTable, backend: Backend, timeout: Duration) -> Self {
        Self {
            name: plan.bundle.clone(),
            types,
            functions: plan.functions.clone(),
            resources: plan.resources.iter().map(|resource| resource.name.clone()).collect(),
            handles: Mutex::default(),
            backend,
            timeout,
        }
    }

    /// Name of the bundle.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Calls `function` from a thread. `args` are encoded, with the guest's numbers for handles.
    pub(crate) fn call(&self, function: u32, mut args: Vec<u8>) -> Result<Reply, CallError> {
        let described = self.function(function)?;
        let fail = |why| self.error(&described.name, why);
        self.translate_args(described, &mut args).map_err(fail)?;
        match &self.backend {
            Backend::Threads(session) => {
                let mut session = lock(session);
                let wait = Blocking { deadline: deadline_after(self.timeout) };
                let call = session.call(function, &args, &wait, self.timeout);
                let called = run_blocking(call).map_err(|error| fail(broken_wait(error)))?;
                let bytes = called.map_err(|end| fail(call_end(end)))?;
                self.accept(described, Reply::Process(bytes))
                    .map_err(|fault| fail(CallFailure::Ended(session.condemn_peer(fault))))
            }
            Backend::InProcess(library) => {
                let called = lock(library).call(function, &args);
                let bytes = called.map_err(|error| fail(in_process_end(error)))?;
                self.accept(described, Reply::InProcess(bytes))
                    .map_err(|fault| fail(CallFailure::Broken(fault)))
            }
            Backend::Tasks { .. } => Err(fail(broken_wait(io::Error::other("not on a task")))),
        }
    }

    /// Calls `function` from a task.
    pub(crate) async fn call_async(
        &self,
        function: u32,
        mut args: Vec<u8>,
    ) -> Result<Reply, CallError> {
        let Backend::Tasks { session, registered } = &self.backend else {
            return self.call(function, args);
        };
        let described = self.function(function)?;
        let fail = |why| self.error(&described.name, why);
        self.translate_args(described, &mut args).map_err(fail)?;
        let mut session = TaskHold(session.lock().await);
        let wait = Polled { registered, deadline: deadline_after(self.timeout) };
        let called = session.0.call(function, &args, &wait, self.timeout).await;
        let bytes = called.map_err(|end| fail(call_end(end)))?;
        self.accept(described, Reply::Process(bytes))
            .map_err(|fault| fail(CallFailure::Ended(session.0.condemn_peer(fault))))
    }

    /// Runs the destructor of the resource that the guest knew as `number`, from a thread.
    pub(crate) fn drop_resource(&self, resource: u32, number: u32) -> Result<(), CallError> {
        let fail = |why| self.error(self.resource(resource), why);
        let handle = lock(&self.handles).give(resource, number);
        let handle = handle.map_err(|_| fail(CallFailure::StaleHandle))?;
        match &self.backend {
            Backend::Threads(session) => {
                let wait = Blocking { deadline: deadline_after(self.timeout) };
                let mut session = lock(session);
                let drop = session.drop_resource(resource, handle, &wait, self.timeout);
                let dropped = run_blocking(drop).map_err(|error| fail(broken_wait(error)))?;
                finish_drop(dropped).map_err(fail)
            }
            Backend::InProcess(library) => {
                let dropped = lock(library).drop_resource(resource, handle);
                dropped.map_err(|error| fail(in_process_end(error)))
            }
            Backend::Tasks { .. } => Err(fail(broken_wait(io::Error::other("not on a task")))),
        }
    }

    /// Runs the destructor of the resource that the guest knew as `number`, from a task.
    pub(crate) async fn drop_resource_async(
        &self,
        resource: u32,
        number: u32,
    ) -> Result<(), CallError> {
        let Backend::Tasks { session, registered } = &self.backend else {
            return self.drop_resource(resource, number);
        };
        let fail = |why| self.error(self.resource(resource), why);
        let handle = lock(&self.handles).give(resource, number);
        let handle = handle.map_err(|_| fail(CallFailure::StaleHandle))?;
        let mut session = TaskHold(session.lock().await);
        let wait = Polled { registered, deadline: deadline_after(self.timeout) };
        let dropped = session.0.drop_resource(resource, handle, &wait, self.timeout).await;
        finish_drop(dropped).map_err(fail)
    }

    /// The guest's numbers become the library's; what is given away leaves the table.
    fn translate_args(&self, function: &Function, args: &mut [u8]) -> Result<(), CallFailure> {
        if !self.may_hold_handles(function.params.iter()) {
            return Ok(());
        }
        let mut handles = lock(&self.handles);
        let params = function.params.iter().copied();
        rewrite_handles(&self.types, params, args, &mut |usage, resource, number| {
            let translated = match usage {
                HandleUse::Own => handles.give(resource, number),
                HandleUse::Borrow => handles.lend(resource, number),
            };
            translated.map_err(|_| ValueFault::Handle)
        })
        .map_err(|_| CallFailure::StaleHandle)
    }

    /// A claim becomes a result: it is of the declared type, and its handles are new.
    fn accept(&self, function: &Function, mut reply: Reply) -> Result<Reply, PeerFault> {
        let validated = validate_all(&self.types, function.result, reply.as_ref());
        validated
            .map_err(|error| ValueError { path: format!("result {}", error.path), ..error })?;
        if self.may_hold_handles(function.result.iter()) {
            let mut handles = lock(&self.handles);
            let result = function.result;
            rewrite_handles(&self.types, result, reply.as_mut(), &mut |_, resource, handle| {
                handles.receive(resource, handle).map_err(|fault| PeerFault::Handle {
                    handle,
                    resource: self.resource(resource).to_owned(),
                    problem: fault.problem(),
                })
            })?;
        }
        Ok(reply)
    }

    fn may_hold_handles<'a>(
        &self,
        mut types: impl Iterator<Item = &'a protocol::types::Type>,
    ) -> bool {
        types.any(|ty| self.types.facts(*ty).is_some_and(|facts| facts.handles))
    }

    fn function(&self, index: u32) -> Result<&Function, CallError> {
        let found = usize::try_from(index).ok().and_then(|index| self.functions.get(index));
        let missing = || CallFailure::Internal(format!("the plan has no function {index}"));
        found.ok_or_else(|| self.error("?", missing()))
    }

    fn resource(&self, index: u32) -> &str {
        let found = usize::try_from(index).ok().and_then(|index| self.resources.get(index));
        found.map_or("?", String::as_str)
    }

    fn error(&self, function: &str, why: CallFailure) -> CallError {
        CallError { bundle: self.name.clone(), function: function.to_owned(), why }
    }
}

/// A panic while the lock was held left nothing half done that the next call would notice.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn broken_wait(error: io::Error) -> CallFailure {
    CallFailure::Ended(SessionEnd::Io(Arc::new(error)))
}

fn in_process_end(error: inprocess::CallError) -> CallFailure {
    match error {
        inprocess::CallError::Failed { fault, text } => CallFailure::from_fault(fault, text),
        inprocess::CallError::Request(error) => CallFailure::Internal(error.to_string()),
    }
}

fn call_end(end: CallEnd) -> CallFailure {
    match end {
        CallEnd::Failed(fault, text) => CallFailure::from_fault(fault, text),
        CallEnd::Ended(end) => CallFailure::Ended(end),
        CallEnd::Over(end) => CallFailure::Over(end),
        CallEnd::TooLarge { bytes, max } => CallFailure::TooLarge(format!(
            "the arguments take {bytes} bytes, but one call carries at most {max}"
        )),
    }
}

/// A resource of a process that is gone is gone as well: nothing is left to destroy.
fn finish_drop(dropped: Result<(), CallEnd>) -> Result<(), CallFailure> {
    match dropped {
        Ok(()) | Err(CallEnd::Over(_)) => Ok(()),
        Err(end) => Err(call_end(end)),
    }
}
