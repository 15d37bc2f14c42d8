//! Where the library of a bundle runs.

use crate::channel::run_blocking;
use crate::inprocess::InProcess;
use crate::shim::{Recipe, ShimExit};
use crate::supervise::{Fault, OnTask, OnThread, Restart, Supervisor};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where a bundle's library runs, and how its callers wait for it.
#[derive(Debug)]
pub(crate) enum Backend {
    /// In its own process; callers are threads.
    Threads(Mutex<Supervisor<OnThread>>),
    /// In its own process; callers are tasks of one tokio runtime.
    Tasks(tokio::sync::Mutex<Supervisor<OnTask>>),
    /// In this process, unprotected.
    InProcess(Mutex<InProcess>),
}

impl Backend {
    /// A process whose callers are threads; this one waits until it takes calls.
    ///
    /// # Errors
    /// Why it does not.
    pub(crate) fn threads(
        recipe: Recipe,
        restart: Restart,
        faults: Vec<Fault>,
    ) -> Result<Self, ShimExit> {
        let supervisor = run_blocking(Supervisor::start(recipe, restart, faults))??;
        Ok(Self::Threads(Mutex::new(supervisor)))
    }

    /// A process whose callers are tasks of this task's runtime.
    ///
    /// # Errors
    /// Why it does not take calls.
    pub(crate) async fn tasks(
        recipe: Recipe,
        restart: Restart,
        faults: Vec<Fault>,
    ) -> Result<Self, ShimExit> {
        let supervisor = Supervisor::start(recipe, restart, faults).await?;
        Ok(Self::Tasks(tokio::sync::Mutex::new(supervisor)))
    }

    /// A library in this process.
    pub(crate) fn in_process(library: InProcess) -> Self {
        Self::InProcess(Mutex::new(library))
    }

    /// Asks the process to leave. How it ended, or the last one; `None` without a process of the
    /// bundle's own, and for one of tasks that is in a call.
    pub(super) fn shut_down(&self) -> Option<ShimExit> {
        match self {
            Self::Threads(supervisor) => Some(lock(supervisor).shut_down()),
            Self::Tasks(supervisor) => Some(supervisor.try_lock().ok()?.shut_down()),
            Self::InProcess(_) => None,
        }
    }

    /// Faults on purpose that did not come; none while a call is under way.
    pub(super) fn pending_faults(&self) -> Vec<Fault> {
        match self {
            Self::Threads(supervisor) => supervisor.try_lock().map(|one| one.pending_faults()).ok(),
            Self::Tasks(supervisor) => supervisor.try_lock().map(|one| one.pending_faults()).ok(),
            Self::InProcess(_) => None,
        }
        .unwrap_or_default()
    }

    /// Sends the process the signal that nobody survives, unless a call is under way, and does not
    /// wait.
    pub(super) fn order_to_die(&self) {
        // An error means that a call is under way.
        let _ = match self {
            Self::Threads(supervisor) => {
                supervisor.try_lock().map(|mut one| one.order_to_die()).ok()
            }
            Self::Tasks(supervisor) => supervisor.try_lock().map(|mut one| one.order_to_die()).ok(),
            Self::InProcess(_) => None,
        };
    }

    /// Kills the process and waits for its end, unless a call is under way. Whether it did.
    pub(super) fn kill(&self) -> bool {
        match self {
            Self::Threads(supervisor) => supervisor.try_lock().map(|mut one| one.kill()).is_ok(),
            Self::Tasks(supervisor) => supervisor.try_lock().map(|mut one| one.kill()).is_ok(),
            Self::InProcess(_) => false,
        }
    }
}

/// A panic while the lock was held left nothing half done that the next call would notice.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
