//! One bundle that takes calls, wherever its library runs.

use super::backend::{Backend, lock};
use super::carrier::Carrier;
use super::failure::{CallError, CallFailure};
use super::handles::{HandleFault, Handles, StoreId};
use super::reclaim::Patience;
use super::reply::Reply;
use super::traced;
use crate::channel::{deadline_after, run_blocking};
use crate::inprocess::InProcess;
use crate::shim::{CallEnd, DeadlinePhase, ShimExit};
use crate::supervise::{Deed, FAILURES_TARGET, Fault, OnTask, Running, Supervisor, Way};
use crate::trace::Tracer;
use protocol::error::{PeerFault, ValueError, ValueFault};
use protocol::message::{Function, Plan};
use protocol::types::{Type, TypeTable};
use protocol::value::{HandleUse, rewrite_handles, validate_all};
use std::io;
use std::sync::{Arc, Mutex};

/// What is special about one function of a bundle.
#[derive(Debug, Clone, Default)]
pub(crate) struct Treatment {
    /// A call whose process ended on the way is made once more.
    pub(crate) retry: bool,
    /// How the guest is told of a failure, if not by a trap.
    pub(crate) carrier: Option<Carrier>,
}

/// A bundle that takes calls.
#[derive(Debug)]
pub(crate) struct Host {
    name: String,
    types: TypeTable,
    functions: Vec<Function>,
    /// One for each function.
    treatments: Vec<Treatment>,
    resources: Vec<String>,
    pub(super) handles: Mutex<Handles>,
    pub(super) backend: Backend,
    /// Shows the calls, if anybody wants to see them.
    tracer: Option<Tracer>,
}

/// A function that is being called.
#[derive(Clone, Copy)]
struct Called<'a> {
    /// Whose guest calls.
    store: StoreId,
    index: u32,
    function: &'a Function,
    treatment: &'a Treatment,
}

/// A call that came to nothing, with its number if it reached a process.
type Failed = (Option<u64>, CallFailure);

/// A task's hold on the process. If the task is dropped in the middle of a call, so is the process:
/// nobody could tell its late answer from the next one.
pub(super) struct TaskHold<'a> {
    pub(super) supervisor: tokio::sync::MutexGuard<'a, Supervisor<OnTask>>,
    pub(super) host: &'a Host,
}

impl Drop for TaskHold<'_> {
    fn drop(&mut self) {
        if self.supervisor.abandon() {
            lock(&self.host.handles).retire();
        }
    }
}

impl Host {
    /// Puts the parts together. `types` are the checked definitions of `plan`, `treatments` are in
    /// the order of its functions.
    pub(crate) fn new(
        plan: &Plan,
        types: TypeTable,
        treatments: Vec<Treatment>,
        backend: Backend,
    ) -> Self {
        Self {
            name: plan.bundle.clone(),
            types,
            functions: plan.functions.clone(),
            treatments,
            resources: plan.resources.iter().map(|resource| resource.name.clone()).collect(),
            handles: Mutex::default(),
            backend,
            tracer: None,
        }
    }

    /// The same, with its calls shown.
    pub(crate) fn traced(self, tracer: Option<Tracer>) -> Self {
        Self { tracer, ..self }
    }

    /// Name of the bundle.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Calls a function from a thread. `args` are encoded, with the guest's numbers for handles.
    pub(crate) fn call(
        &self,
        store: StoreId,
        index: u32,
        args: Vec<u8>,
    ) -> Result<Reply, CallError> {
        let called = self.called(store, index)?;
        let span = self.tracer.as_ref().and_then(|tracer| tracer.call(index, &args));
        let reply = match &self.backend {
            Backend::Threads(supervisor) => {
                run_blocking(self.exchange(&mut lock(supervisor), called, args))
                    .unwrap_or_else(|error| Err((None, broken_wait(error))))
            }
            Backend::InProcess(library) => {
                self.call_here(&mut lock(library), called, args).map_err(|why| (None, why))
            }
            Backend::Tasks { .. } => Err((None, not_on_a_task())),
        };
        let outcome = self.outcome(called, reply);
        traced::call(span, &outcome);
        outcome
    }

    /// Calls a function from a task.
    pub(crate) async fn call_async(
        &self,
        store: StoreId,
        index: u32,
        args: Vec<u8>,
    ) -> Result<Reply, CallError> {
        let Backend::Tasks(supervisor) = &self.backend else {
            return self.call(store, index, args);
        };
        let called = self.called(store, index)?;
        let span = self.tracer.as_ref().and_then(|tracer| tracer.call(index, &args));
        let mut hold = TaskHold { supervisor: supervisor.lock().await, host: self };
        self.destroy_orphans(&mut hold.supervisor, Patience::OfWay).await;
        let reply = self.exchange(&mut hold.supervisor, called, args).await;
        let outcome = self.outcome(called, reply);
        traced::call(span, &outcome);
        outcome
    }

    /// Makes the call in a process, which is started again if the last one has failed.
    async fn exchange<W: Way>(
        &self,
        supervisor: &mut Supervisor<W>,
        called: Called<'_>,
        mut args: Vec<u8>,
    ) -> Result<Reply, Failed> {
        let holds_handles = self.may_hold_handles(called.function.params.iter());
        if holds_handles {
            self.translate_args(called.function, &mut args).map_err(|why| (None, why))?;
        }
        let mut may_retry = called.treatment.retry && !holds_handles;
        let (timeout, mut deed) = (supervisor.timeouts().call, supervisor.next_deed());
        loop {
            let ready = supervisor.ready().await;
            let Running { session, registered } = ready.map_err(|why| (None, why.into()))?;
            session.spoil_next(deed.map(Deed::spoil));
            let deadline = deadline_after(timeout);
            let answered = session.call(called.index, &args, &W::wait(registered, deadline)).await;
            let number = Some(session.last_request());
            let ended = match answered {
                Ok(bytes) => match self.accept(called, Reply::Process(bytes)) {
                    Ok(reply) => return Ok(reply),
                    Err(fault) => session.condemn_peer(fault),
                },
                Err(CallEnd::NotSent(end)) => {
                    self.process_ended(supervisor, end);
                    if holds_handles {
                        return Err((None, self.stale(called.function)));
                    }
                    // It had ended before, so this is the next call, and the library saw none of it.
                    continue;
                }
                Err(CallEnd::Ended(end)) => end,
                Err(other) => return Err((number, other.into())),
            };
            self.process_ended(supervisor, ended.clone());
            // The guest has waited long enough for one that was late.
            if !may_retry || matches!(ended, ShimExit::Deadline { .. }) {
                return Err((number, CallFailure::Ended(ended)));
            }
            (may_retry, deed) = (false, None);
            tracing::info!(bundle = self.name, function = called.function.name, "retrying");
        }
    }

    pub(super) fn process_ended<W: Way>(&self, supervisor: &mut Supervisor<W>, end: ShimExit) {
        supervisor.failed(end);
        lock(&self.handles).retire();
    }

    fn call_here(
        &self,
        library: &mut InProcess,
        called: Called<'_>,
        mut args: Vec<u8>,
    ) -> Result<Reply, CallFailure> {
        if self.may_hold_handles(called.function.params.iter()) {
            self.translate_args(called.function, &mut args)?;
        }
        let bytes = library.call(called.index, &args)?;
        self.accept(called, Reply::Here(bytes)).map_err(CallFailure::Broken)
    }

    /// What the guest gets: the result, the failure as a value of its own, or a trap.
    fn outcome(
        &self,
        called: Called<'_>,
        reply: Result<Reply, Failed>,
    ) -> Result<Reply, CallError> {
        let (call, why) = match reply {
            Ok(reply) => return Ok(reply),
            Err(failed) => failed,
        };
        let error = self.error(&called.function.name, call, why);
        match &called.treatment.carrier {
            Some(carrier) if !matches!(*error.why, CallFailure::Internal(_)) => {
                tracing::warn!(target: FAILURES_TARGET, "{error}; the guest got an error");
                Ok(Reply::Here(carrier.encode(&error)))
            }
            _ => Err(error),
        }
    }

    /// Runs the destructor of the resource that the guest knew as `number`, from a thread.
    pub(crate) fn drop_resource(&self, resource: u32, number: u32) -> Result<(), CallError> {
        let span = self.tracer.as_ref().and_then(|tracer| tracer.drop_resource(resource, number));
        let dropped = match &self.backend {
            Backend::Threads(supervisor) => {
                run_blocking(self.destroy(&mut lock(supervisor), resource, number))
                    .unwrap_or_else(|error| Err((None, broken_wait(error))))
            }
            Backend::InProcess(library) => self
                .destroy_here(&mut lock(library), resource, number)
                .map_err(|error| (None, error)),
            Backend::Tasks { .. } => Err((None, not_on_a_task())),
        };
        let dropped = dropped.map_err(|(call, why)| self.error(self.resource(resource), call, why));
        traced::dropped(span, &dropped);
        dropped
    }

    /// Runs the destructor of the resource that the guest knew as `number`, from a task.
    pub(crate) async fn drop_resource_async(
        &self,
        resource: u32,
        number: u32,
    ) -> Result<(), CallError> {
        let Backend::Tasks(supervisor) = &self.backend else {
            return self.drop_resource(resource, number);
        };
        let span = self.tracer.as_ref().and_then(|tracer| tracer.drop_resource(resource, number));
        let mut hold = TaskHold { supervisor: supervisor.lock().await, host: self };
        let dropped = self.destroy(&mut hold.supervisor, resource, number).await;
        let dropped = dropped.map_err(|(call, why)| self.error(self.resource(resource), call, why));
        traced::dropped(span, &dropped);
        dropped
    }

    /// The library's number of a resource that the guest drops; `None` if there is nothing left to
    /// destroy, because its process has ended.
    fn let_go(&self, resource: u32, number: u32) -> Result<Option<u32>, CallFailure> {
        match lock(&self.handles).give(resource, number) {
            Ok(handle) => Ok(Some(handle)),
            Err(HandleFault::Stale) => Ok(None),
            Err(_) => Err(CallFailure::UnknownHandle),
        }
    }

    /// A resource of a process that is gone is gone as well; none is started for it.
    async fn destroy<W: Way>(
        &self,
        supervisor: &mut Supervisor<W>,
        resource: u32,
        number: u32,
    ) -> Result<(), Failed> {
        // Looked up only now: the process cannot change any more, and with it whose number it is.
        let Some(handle) = self.let_go(resource, number).map_err(|why| (None, why))? else {
            return Ok(());
        };
        let (timeout, deed) = (supervisor.timeouts().call, supervisor.next_deed());
        let Some(Running { session, registered }) = supervisor.running() else { return Ok(()) };
        session.spoil_next(deed.map(Deed::spoil));
        let deadline = deadline_after(timeout);
        let phase = DeadlinePhase::Call;
        let dropped =
            session.drop_resource(resource, handle, &W::wait(registered, deadline), phase).await;
        let number = Some(session.last_request());
        match dropped {
            Ok(()) => Ok(()),
            Err(CallEnd::NotSent(end)) => {
                self.process_ended(supervisor, end);
                Ok(())
            }
            Err(CallEnd::Ended(end)) => {
                self.process_ended(supervisor, end.clone());
                Err((number, CallFailure::Ended(end)))
            }
            Err(other) => Err((number, other.into())),
        }
    }

    fn destroy_here(
        &self,
        library: &mut InProcess,
        resource: u32,
        number: u32,
    ) -> Result<(), CallFailure> {
        match self.let_go(resource, number)? {
            Some(handle) => Ok(library.drop_resource(resource, handle)?),
            None => Ok(()),
        }
    }

    /// Asks the bundle's process to leave, see [`Backend::shut_down`]. What a dropped store held is
    /// destroyed before.
    pub(crate) fn shut_down(&self) -> Option<ShimExit> {
        self.destroy_orphans_now();
        let end = self.backend.shut_down()?;
        lock(&self.handles).retire();
        Some(end)
    }

    /// Faults on purpose that did not come; none while a call is under way.
    pub(crate) fn pending_faults(&self) -> Vec<Fault> {
        self.backend.pending_faults()
    }

    /// Sends the bundle's process the signal that nobody survives, and does not wait.
    pub(crate) fn order_to_die(&self) {
        self.backend.order_to_die();
    }

    /// Kills the bundle's process and waits for its end, unless a call is under way.
    pub(crate) fn kill(&self) {
        if self.backend.kill() {
            lock(&self.handles).retire();
        }
    }

    /// The guest's numbers become the library's; what is given away leaves the table.
    fn translate_args(&self, function: &Function, args: &mut [u8]) -> Result<(), CallFailure> {
        let mut handles = lock(&self.handles);
        let params = function.params.iter().copied();
        let mut refused = None;
        rewrite_handles(&self.types, params, args, &mut |usage, resource, number| {
            let translated = match usage {
                HandleUse::Own => handles.give(resource, number),
                HandleUse::Borrow => handles.lend(resource, number),
            };
            translated.map_err(|fault| {
                refused = Some((fault, resource));
                ValueFault::Handle
            })
        })
        .map_err(|_| match refused {
            Some((HandleFault::Stale, resource)) => {
                CallFailure::Stale { resource: self.resource(resource).to_owned() }
            }
            _ => CallFailure::UnknownHandle,
        })
    }

    /// What to say of a call whose handles became stale on the way: it names the first one's type.
    fn stale(&self, function: &Function) -> CallFailure {
        let resource = function.params.iter().find_map(|ty| self.resource_in(*ty));
        CallFailure::Stale { resource: resource.unwrap_or("?").to_owned() }
    }

    fn resource_in(&self, ty: Type) -> Option<&str> {
        use protocol::types::TypeDef;
        let Type::Defined(index) = ty else { return None };
        match self.types.def(index)? {
            TypeDef::Own(resource) | TypeDef::Borrow(resource) => Some(self.resource(*resource)),
            TypeDef::List(part) | TypeDef::FixedList(part, _) | TypeDef::Option(part) => {
                self.resource_in(*part)
            }
            TypeDef::Map(key, value) => [key, value].iter().find_map(|ty| self.resource_in(**ty)),
            TypeDef::Record(parts) => parts.iter().find_map(|ty| self.resource_in(*ty)),
            TypeDef::Variant(cases) => cases.iter().flatten().find_map(|ty| self.resource_in(*ty)),
            TypeDef::Result(ok, err) => {
                [ok, err].into_iter().flatten().find_map(|ty| self.resource_in(*ty))
            }
            TypeDef::Enum(_) | TypeDef::Flags(_) => None,
        }
    }

    /// A claim becomes a result: it is of the declared type, and its handles are new.
    fn accept(&self, called: Called<'_>, mut reply: Reply) -> Result<Reply, PeerFault> {
        let (store, function) = (called.store, called.function);
        let validated = validate_all(&self.types, function.result, reply.as_ref());
        validated
            .map_err(|error| ValueError { path: format!("result {}", error.path), ..error })?;
        if self.may_hold_handles(function.result.iter()) {
            let mut handles = lock(&self.handles);
            let result = function.result;
            rewrite_handles(&self.types, result, reply.as_mut(), &mut |_, resource, handle| {
                handles.receive(resource, handle, store).map_err(|fault| PeerFault::Handle {
                    handle,
                    resource: self.resource(resource).to_owned(),
                    problem: fault.problem(),
                })
            })?;
        }
        Ok(reply)
    }

    fn may_hold_handles<'a>(&self, mut types: impl Iterator<Item = &'a Type>) -> bool {
        types.any(|ty| self.types.facts(*ty).is_some_and(|facts| facts.handles))
    }

    fn called(&self, store: StoreId, index: u32) -> Result<Called<'_>, CallError> {
        let found = usize::try_from(index).ok().and_then(|at| {
            Some(Called {
                store,
                index,
                function: self.functions.get(at)?,
                treatment: self.treatments.get(at)?,
            })
        });
        let missing = || CallFailure::Internal(format!("the plan has no function {index}"));
        found.ok_or_else(|| self.error("?", None, missing()))
    }

    fn resource(&self, index: u32) -> &str {
        let found = usize::try_from(index).ok().and_then(|index| self.resources.get(index));
        found.map_or("?", String::as_str)
    }

    fn error(&self, function: &str, call: Option<u64>, why: CallFailure) -> CallError {
        let (bundle, function) = (self.name.clone(), function.to_owned());
        CallError { bundle, function, call, why: Box::new(why) }
    }
}

fn broken_wait(error: io::Error) -> CallFailure {
    CallFailure::Ended(ShimExit::Connection(Arc::new(error)))
}

fn not_on_a_task() -> CallFailure {
    CallFailure::Internal("a bundle of an async linker was called from a thread".to_owned())
}
