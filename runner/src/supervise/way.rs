//! The two ways to wait for a bundle's process: on a thread, or on a task.

use crate::channel::{Blocking, Polled, Wait};
use crate::shim::{Recipe, Session, ShimExit};
use std::fmt;
use std::future::Future;
use std::time::Instant;
use tokio::net::UnixStream;

/// How the callers of a bundle wait.
pub(crate) trait Way: fmt::Debug + Send + Sync + 'static {
    /// What is needed to wait for the channel of a session.
    type Registered: fmt::Debug + Send + Sync;

    /// Starts a process, see [`Recipe::start`].
    fn start(
        recipe: &Recipe,
    ) -> impl Future<Output = Result<(Session, Self::Registered), ShimExit>> + Send;

    /// Waits for a channel until `deadline`.
    fn wait(registered: &Self::Registered, deadline: Instant) -> impl Wait;

    /// Waits until `time`.
    fn pause(time: Instant) -> impl Future<Output = ()> + Send;
}

/// Callers are threads, which sleep. Its futures are always ready.
#[derive(Debug)]
pub(crate) struct OnThread;

impl Way for OnThread {
    type Registered = ();

    async fn start(recipe: &Recipe) -> Result<(Session, ()), ShimExit> {
        Ok((recipe.start()?, ()))
    }

    fn wait((): &(), deadline: Instant) -> impl Wait {
        Blocking { deadline }
    }

    async fn pause(time: Instant) {
        std::thread::sleep(time.saturating_duration_since(Instant::now()));
    }
}

/// Callers are tasks of one tokio runtime.
#[derive(Debug)]
pub(crate) struct OnTask;

impl Way for OnTask {
    type Registered = UnixStream;

    async fn start(recipe: &Recipe) -> Result<(Session, UnixStream), ShimExit> {
        recipe.start_on().await
    }

    fn wait(registered: &UnixStream, deadline: Instant) -> impl Wait {
        Polled { registered, deadline }
    }

    async fn pause(time: Instant) {
        tokio::time::sleep_until(time.into()).await;
    }
}
