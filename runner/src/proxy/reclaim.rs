//! What a guest held when it went: its resources are destroyed, or their process is.
//!
//! A guest that ends in order drops its resources itself. One that traps, or whose store is dropped,
//! does not, and wasmtime runs no destructor then. But it drops every host function of a store with
//! it: so a store that gets a resource gets a function as well, which nobody calls, and which owns a
//! [`Lease`].

use super::backend::{Backend, lock};
use super::failure::CallFailure;
use super::handles::StoreId;
use super::host::{Host, TaskHold};
use crate::channel::{Blocking, deadline_after, run_blocking};
use crate::inprocess::InProcess;
use crate::shim::{CallEnd, DeadlinePhase};
use crate::supervise::{FAILURES_TARGET, Running, Supervisor, Way};
use std::fmt;
use std::sync::Arc;
use tokio::runtime::Handle;
use wasmtime::{Func, StoreContextMut};

/// A store's hold on a bundle. When it goes, what the store holds of the bundle is destroyed.
struct Lease {
    host: Arc<Host>,
    store: StoreId,
}

impl Drop for Lease {
    fn drop(&mut self) {
        lock(&self.host.handles).close(self.store);
        self.host.reclaim();
    }
}

/// The store of a call. If `gives_handles`, it is looked after from now on.
pub(super) fn holder<T: 'static>(
    host: &Arc<Host>,
    mut context: StoreContextMut<'_, T>,
    gives_handles: bool,
) -> StoreId {
    let store = StoreId::of(context.data());
    if gives_handles && lock(&host.handles).open(store) {
        let lease = Lease { host: Arc::clone(host), store };
        Func::wrap(&mut context, move || {
            let _lease = &lease;
        });
    }
    store
}

/// What a task that destroys owns. If it is dropped with its work undone, as by a runtime that ends,
/// the process goes with it.
struct Unfinished {
    host: Arc<Host>,
    finished: bool,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.finished && self.host.has_orphans() {
            self.host.kill();
        }
    }
}

impl Unfinished {
    async fn finish(mut self) {
        // A call may have come first and done it.
        if let Backend::Tasks(supervisor) = &self.host.backend
            && self.host.has_orphans()
        {
            let mut hold = TaskHold { supervisor: supervisor.lock().await, host: &self.host };
            self.host.destroy_orphans(&mut hold.supervisor, Patience::OfWay).await;
        }
        self.finished = true;
    }
}

/// How to wait for destructors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// As the callers of the bundle do.
    OfWay,
    /// This thread sleeps.
    Sleep,
}

impl Host {
    /// Destroys what is held by nobody: now on a thread, soon on a task. A task that calls the bundle
    /// meanwhile does it before, so no guest meets the leavings of another.
    fn reclaim(self: &Arc<Self>) {
        if !self.has_orphans() {
            return;
        }
        match (&self.backend, Handle::try_current()) {
            (Backend::Tasks(_), Ok(runtime)) => {
                let unfinished = Unfinished { host: Arc::clone(self), finished: false };
                runtime.spawn(unfinished.finish());
            }
            _ => self.destroy_orphans_now(),
        }
    }

    /// Destroys what is held by nobody, while this thread waits. If a task is in a call, the next one
    /// does it.
    pub(super) fn destroy_orphans_now(&self) {
        match &self.backend {
            Backend::Threads(supervisor) => self.destroy_on_thread(&mut lock(supervisor)),
            Backend::Tasks(supervisor) => {
                if let Ok(mut supervisor) = supervisor.try_lock() {
                    self.destroy_on_thread(&mut supervisor);
                }
            }
            Backend::InProcess(library) => self.destroy_orphans_here(&mut lock(library)),
        }
    }

    fn destroy_on_thread<W: Way>(&self, supervisor: &mut Supervisor<W>) {
        if let Err(error) = run_blocking(self.destroy_orphans(supervisor, Patience::Sleep)) {
            self.tell(&error);
        }
    }

    /// Runs the destructors of all that is held by nobody, within the time for an orderly end. If it
    /// does not do, the process ends, and takes the rest with it.
    pub(super) async fn destroy_orphans<W: Way>(
        &self,
        supervisor: &mut Supervisor<W>,
        patience: Patience,
    ) {
        let deadline = deadline_after(supervisor.timeouts().shutdown);
        while let Some((resource, handle)) = self.next_orphan() {
            let Some(Running { session, registered }) = supervisor.running() else { return };
            let phase = DeadlinePhase::Reclaim;
            let destroyed = match patience {
                Patience::OfWay => {
                    let wait = W::wait(registered, deadline);
                    session.drop_resource(resource, handle, &wait, phase).await
                }
                Patience::Sleep => {
                    session.drop_resource(resource, handle, &Blocking { deadline }, phase).await
                }
            };
            let Err(end) = destroyed else { continue };
            if let CallEnd::Ended(end) | CallEnd::NotSent(end) = &end {
                self.process_ended(supervisor, end.clone());
            }
            self.tell(&CallFailure::from(end));
        }
    }

    fn destroy_orphans_here(&self, library: &mut InProcess) {
        while let Some((resource, handle)) = self.next_orphan() {
            if let Err(error) = library.drop_resource(resource, handle) {
                self.tell(&error);
            }
        }
    }

    fn has_orphans(&self) -> bool {
        lock(&self.handles).has_orphans()
    }

    fn next_orphan(&self) -> Option<(u32, u32)> {
        lock(&self.handles).next_orphan()
    }

    /// No guest is left to tell.
    fn tell(&self, why: &dyn fmt::Display) {
        let bundle = self.name();
        tracing::warn!(
            target: FAILURES_TARGET,
            "bundle `{bundle}`: {why}; it was destroying what a dropped store had held"
        );
    }
}
