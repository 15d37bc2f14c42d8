//! Ends a run before its time: Ctrl-C, SIGTERM, SIGHUP, `--timeout`.
//!
//! A thread of its own watches, since the guest may keep the other one busy. It moves the engine's
//! epoch on, which makes a guest that computes give way; one that waits does so anyway. If neither
//! helps, because the system keeps the guest in a call (a pipe that nobody reads, say), the program
//! ends without further ado: the bundles' processes go with it.

use super::error::CliError;
use nix::sys::signal::Signal;
use std::convert::Infallible;
use std::fmt;
use std::time::Duration;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};
use tokio::sync::oneshot;
use wasmtime::Engine;

/// How long an interrupted run may take for its end. An end in order takes about 10 ms, and nothing is
/// to be left 100 ms after a signal.
const GRACE: Duration = Duration::from_millis(50);

/// How often the epoch moves on then. More than once, since a store that is only being made may start
/// from an epoch that has moved already.
const EPOCH: Duration = Duration::from_millis(5);

/// The signals that end a run.
const SIGNALS: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// Exit code of a run that took too long, as `timeout(1)` has it.
const TIMED_OUT: u8 = 124;

/// Why a run ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interruption {
    /// Somebody sent this signal.
    Signal(Signal),
    /// `--timeout` is over.
    Timeout(Duration),
}

impl Interruption {
    /// 128 and the number of the signal, as a shell reports a program that one ended.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Signal(signal) => 128_u8.saturating_add((signal as i32).to_le_bytes()[0]),
            Self::Timeout(_) => TIMED_OUT,
        }
    }
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(signal) => write!(f, "interrupted by {signal}"),
            Self::Timeout(after) => {
                write!(
                    f,
                    "the guest was stopped after {} (--timeout)",
                    humantime::Duration::from(*after)
                )
            }
        }
    }
}

/// Watches until the returned end is dropped or has received an interruption and the program ends.
///
/// # Errors
/// If the system refuses a thread or a handler.
pub(super) fn watch(
    engine: &Engine,
    timeout: Option<Duration>,
) -> Result<oneshot::Receiver<Interruption>, CliError> {
    let refused = |error| CliError::Input(format!("cannot watch for signals: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(refused)?;
    let (sender, receiver) = oneshot::channel();
    // Registered here: from now on no signal is missed.
    let streams = {
        let _inside = runtime.enter();
        streams().map_err(refused)?
    };
    let engine = engine.clone();
    std::thread::Builder::new()
        .name("wrun-signals".into())
        .spawn(move || runtime.block_on(wait(streams, timeout, sender, &engine)))
        .map_err(refused)?;
    Ok(receiver)
}

/// Those that whoever started the program has not switched off: `nohup` means it.
fn streams() -> std::io::Result<Vec<(Signal, Stream)>> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let is_ignored = |signal: Signal| ignored >> (signal as i32 - 1) & 1 == 1;
    SIGNALS
        .into_iter()
        .filter(|signal| !is_ignored(*signal))
        .map(|number| Ok((number, signal(SignalKind::from_raw(number as i32))?)))
        .collect()
}

async fn wait(
    mut streams: Vec<(Signal, Stream)>,
    timeout: Option<Duration>,
    mut sender: oneshot::Sender<Interruption>,
    engine: &Engine,
) {
    let interruption = tokio::select! {
        () = sender.closed() => return,
        signal = next(&mut streams) => Interruption::Signal(signal),
        after = after(timeout) => Interruption::Timeout(after),
    };
    if sender.send(interruption).is_err() {
        return;
    }
    tokio::select! {
        // Whoever asks twice does not want to wait.
        _ = next(&mut streams) => {}
        () = tokio::time::sleep(GRACE) => {}
        never = give_way(engine) => match never {},
    }
    eprintln!("error: {interruption}");
    std::process::exit(interruption.code().into());
}

/// Makes a guest that computes give way, over and over.
async fn give_way(engine: &Engine) -> Infallible {
    loop {
        engine.increment_epoch();
        tokio::time::sleep(EPOCH).await;
    }
}

/// The next of these signals.
async fn next(streams: &mut [(Signal, Stream)]) -> Signal {
    std::future::poll_fn(|context| {
        for (signal, stream) in streams.iter_mut() {
            if stream.poll_recv(context).is_ready() {
                return std::task::Poll::Ready(*signal);
            }
        }
        std::task::Poll::Pending
    })
    .await
}

/// After this time; never without one.
async fn after(timeout: Option<Duration>) -> Duration {
    match timeout {
        Some(timeout) => {
            tokio::time::sleep(timeout).await;
            timeout
        }
        None => std::future::pending().await,
    }
}
