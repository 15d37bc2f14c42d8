//! How to wait for a socket: on a thread, or on a tokio task.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::future::Future;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tokio::time::timeout_at;

/// When an exchange that may take `timeout` has to be over.
pub(crate) fn deadline_after(timeout: Duration) -> Instant {
    /// Stands for ever; a time that is further away than a clock can tell would be a panic.
    const AGES: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    Instant::now() + timeout.min(AGES)
}

/// Repeats an operation on a socket until it neither would block nor was interrupted.
///
/// Both methods fail with [`io::ErrorKind::TimedOut`] once the deadline has passed.
pub(crate) trait Wait: Sync {
    /// Waits until `operation` can read.
    fn read<R: Send>(
        &self,
        stream: &UnixStream,
        operation: impl FnMut(&UnixStream) -> io::Result<R> + Send,
    ) -> impl Future<Output = io::Result<R>> + Send;

    /// Waits until `operation` can write.
    fn write<R: Send>(
        &self,
        stream: &UnixStream,
        operation: impl FnMut(&UnixStream) -> io::Result<R> + Send,
    ) -> impl Future<Output = io::Result<R>> + Send;
}

/// Waits by putting this thread to sleep. Its futures are always ready.
#[derive(Debug)]
pub(crate) struct Blocking {
    /// When to give up.
    pub(crate) deadline: Instant,
}

impl Wait for Blocking {
    async fn read<R: Send>(
        &self,
        stream: &UnixStream,
        mut operation: impl FnMut(&UnixStream) -> io::Result<R> + Send,
    ) -> io::Result<R> {
        loop {
            // The answer is never there yet: sleep first, and save a read that would fail.
            self.sleep(stream, PollFlags::POLLIN)?;
            if let Some(done) = settled(operation(stream)) {
                return done;
            }
        }
    }

    async fn write<R: Send>(
        &self,
        stream: &UnixStream,
        mut operation: impl FnMut(&UnixStream) -> io::Result<R> + Send,
    ) -> io::Result<R> {
        loop {
            if let Some(done) = settled(operation(stream)) {
                return done;
            }
            self.sleep(stream, PollFlags::POLLOUT)?;
        }
    }
}

impl Blocking {
    fn sleep(&self, stream: &UnixStream, interest: PollFlags) -> io::Result<()> {
        // Not asked any more once the time is over: a peer that always has a byte would never be late.
        if Instant::now() < self.deadline && ready_by(stream.as_fd(), interest, self.deadline)? {
            return Ok(());
        }
        Err(io::ErrorKind::TimedOut.into())
    }
}

/// Puts this thread to sleep until `descriptor` is ready for `interest`, at most until `deadline`; asks
/// once if that has passed. Whether it is ready.
pub(crate) fn ready_by(
    descriptor: BorrowedFd<'_>,
    interest: PollFlags,
    deadline: Instant,
) -> io::Result<bool> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // Rounded up, so that the last millisecond is waited for and not spun through.
        let millis = if left.is_zero() { 0 } else { left.as_millis().saturating_add(1) };
        let millis = i32::try_from(millis).unwrap_or(i32::MAX);
        let timeout = PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(descriptor, interest)], timeout) {
            Ok(0) if left.is_zero() => return Ok(false),
            Ok(0) | Err(nix::errno::Errno::EINTR) => {}
            Ok(_) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The outcome of an operation, or `None` if it has to be tried again.
fn settled<R>(outcome: io::Result<R>) -> Option<io::Result<R>> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        Err(error) if error.kind() == io::ErrorKind::Interrupted => None,
        other => Some(other),
    }
}

/// Waits on a tokio runtime.
#[derive(Debug)]
pub(crate) struct Polled<'a> {
    /// The socket, registered with the runtime.
    pub(crate) registered: &'a tokio::net::UnixStream,
    /// When to give up.
    pub(crate) deadline: Instant,
}

impl Polled<'_> {
    async fn io<R: Send>(
        &self,
        interest: tokio::io::Interest,
        mut operation: impl FnMut() -> io::Result<R> + Send,
    ) -> io::Result<R> {
        let retried = self.registered.async_io(interest, || {
            loop {
                match operation() {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    other => return other,
                }
            }
        });
        timeout_at(self.deadline.into(), retried)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Wait for Polled<'_> {
    async fn read<R: Send>(
        &self,
        stream: &UnixStream,
        mut operation: impl FnMut(&UnixStream) -> io::Result<R> + Send,
    ) -> io::Result<R> {
        self.io(tokio::io::Interest::READABLE, || operation(stream)).await
    }

    async fn write<R: Send>(
        &self,
        stream: &UnixStream,
        mut operation: impl FnMut(&UnixStream) -> io::Result<R> + Send,
    ) -> io::Result<R> {
        self.io(tokio::io::Interest::WRITABLE, || operation(stream)).await
    }
}

/// Runs a future that waits only through [`Blocking`], and therefore never has to be polled twice.
///
/// # Errors
/// [`io::ErrorKind::Other`] if it did wait for something else.
pub(crate) fn run_blocking<F: Future>(future: F) -> io::Result<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Ok(output),
        Poll::Pending => Err(io::Error::other("a blocking exchange was suspended")),
    }
}
