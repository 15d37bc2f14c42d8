//! 64 bundles at once in one process, eight of them hostile, and somebody who sends signals to their
//! processes: no honest call has a wrong answer, and none fails without a reason of its own.
//!
//! A number decides what is called, what the hostile ones do, and who is hit after which call.
//! `WRUN_STORM_SEED` sets it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;
use tests::{
    Callers, Count, Line, Process, Random, bundle, descendants, fixture, innermost, program,
    survivors,
};
use wrun::{BundleOptions, CallError, CallFailure, OnFailure, Restart};

/// Each owns a hostile bundle and seven honest ones, and calls them.
const THREADS: usize = 8;
const LINES_OF_A_THREAD: usize = 8;
const LINES: usize = THREADS * LINES_OF_A_THREAD;
const CALLS_OF_A_THREAD: usize = 250;
const STRIKES: usize = 48;
const BYTES_MAX: usize = 20_000;

/// What the hostile bundles do, each its own.
const DEEDS: [&str; THREADS] = [
    "segfault",
    "abort",
    "exit-many",
    "hang",
    "overflow-stack",
    "eat-memory",
    "spin",
    "smash-stack",
];
/// Who is stopped is seldom: each costs the deadline of a call.
const SIGNALS: [Signal; 7] = [
    Signal::SIGKILL,
    Signal::SIGKILL,
    Signal::SIGKILL,
    Signal::SIGSEGV,
    Signal::SIGSEGV,
    Signal::SIGSEGV,
    Signal::SIGSTOP,
];

/// A signal for the process of a bundle, once so many calls have returned.
#[derive(Debug, Clone, Copy)]
struct Strike {
    after: usize,
    line: usize,
    signal: Signal,
}

/// How many calls have returned, of all threads.
#[derive(Default)]
struct Calls {
    returned: Mutex<usize>,
    more: Condvar,
}

impl Calls {
    fn one_more(&self) {
        *self.returned.lock().unwrap() += 1;
        self.more.notify_all();
    }

    /// Nobody waits for a thread that has failed.
    fn give_up(&self) {
        *self.returned.lock().unwrap() = usize::MAX / 2;
        self.more.notify_all();
    }

    fn wait_for(&self, count: usize) {
        let returned = self.returned.lock().unwrap();
        drop(self.more.wait_while(returned, |returned| *returned < count).unwrap());
    }
}

/// Gives up if a thread fails.
struct GiveUp<'a>(&'a Calls);

impl Drop for GiveUp<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.give_up();
        }
    }
}

/// What all threads share.
struct Storm {
    seed: u64,
    callers: Callers,
    folder: TempDir,
    moods: PathBuf,
    /// How often the process of each bundle was sent a signal.
    hits: [AtomicUsize; LINES],
}

impl Storm {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let moods = fixture("moods", None, folder.path());
        for line in 0..LINES {
            symlink(program("adapter-shim"), folder.path().join(name(line))).unwrap();
        }
        let hits = [const { AtomicUsize::new(0) }; LINES];
        Self { seed, callers: Callers::new(), folder, moods, hits }
    }

    fn rage(&self, calls_of_a_thread: usize, strikes: usize) {
        let total = THREADS * calls_of_a_thread;
        let strikes = strikes_of(self.seed, strikes, total);
        let mut fields: Vec<_> = (0..THREADS).map(|thread| Field::new(self, thread)).collect();
        let running = (0..LINES).filter_map(shim_of).count();
        assert_eq!(running, LINES, "all run at once");
        let calls = &Calls::default();
        thread::scope(|scope| {
            for field in &mut fields {
                scope.spawn(move || field.play(calls_of_a_thread, calls));
            }
            for strike in strikes {
                calls.wait_for(strike.after);
                self.strike(strike);
            }
        });
        thread::scope(|scope| {
            for field in &mut fields {
                scope.spawn(move || field.calm());
            }
        });
    }

    fn strike(&self, strike: Strike) {
        // None if it has just ended, and was not called since.
        let Some(hit) = shim_of(strike.line) else { return };
        self.hits[strike.line].fetch_add(1, Ordering::SeqCst);
        // An error means that it has ended in the meantime.
        let _ = kill(Pid::from_raw(hit.pid.cast_signed()), strike.signal);
    }

    /// Starts the bundle of a line. Its stage has the name of the line.
    fn line(&self, line: usize) -> Line {
        let shim = Some(self.folder.path().join(name(line)));
        let restart = Restart { budget: 10_000, backoff: Duration::ZERO, ..Restart::default() };
        let mut options = BundleOptions {
            restart,
            // A process that was stopped answers never.
            call_timeout: Duration::from_secs(3),
            load_timeout: Duration::from_secs(3),
            ..BundleOptions::default()
        };
        if !line.is_multiple_of(LINES_OF_A_THREAD) {
            return self.callers.echo(&bundle("echo"), options, shim);
        }
        options.on_failure = OnFailure::Error { case: None };
        options.call_timeout = Duration::from_millis(200);
        options.policy.limits.memory_bytes = 128 << 20;
        self.callers.moods(&self.moods, options, shim)
    }
}

/// The process that runs the library of a line: below the stage, which has the line's name.
fn shim_of(line: usize) -> Option<Process> {
    let (own, name) = (std::process::id(), name(line));
    let is_stage = |process: &Process| process.parent == own && process.name == name;
    let stage = descendants(own).into_iter().find(is_stage)?;
    innermost(stage.pid).pop()
}

/// Of a program with this name, the kernel says so in `/proc`.
fn name(line: usize) -> String {
    format!("line-{line}")
}

fn strikes_of(seed: u64, count: usize, total: usize) -> Vec<Strike> {
    let mut random = Random::new(seed);
    let mut strikes: Vec<_> = (0..count)
        .map(|_| Strike {
            after: random.below(total),
            line: random.below(LINES),
            signal: random.one_of(&SIGNALS),
        })
        .collect();
    strikes.sort_by_key(|strike| strike.after);
    strikes
}

/// The bundles of one thread. The first is hostile.
struct Field<'a> {
    storm: &'a Storm,
    deed: &'static str,
    random: Random,
    lines: Vec<(usize, Line)>,
    /// How many calls of each have failed.
    failures: [usize; LINES_OF_A_THREAD],
}

impl<'a> Field<'a> {
    fn new(storm: &'a Storm, thread: usize) -> Self {
        let first = thread * LINES_OF_A_THREAD;
        let own = u64::try_from(thread).unwrap() + 1;
        Self {
            storm,
            deed: DEEDS[thread],
            random: Random::new(storm.seed.wrapping_mul(own).wrapping_add(own)),
            lines: (first..first + LINES_OF_A_THREAD).map(|at| (at, storm.line(at))).collect(),
            failures: [0; LINES_OF_A_THREAD],
        }
    }

    fn play(&mut self, calls: usize, count: &Calls) {
        let _failing = GiveUp(count);
        for _ in 0..calls {
            match self.random.below(LINES_OF_A_THREAD) {
                0 => self.provoke(),
                at => {
                    self.ask(at);
                }
            }
            count.one_more();
        }
    }

    /// Calls the hostile bundle. It never answers what it was not asked.
    fn provoke(&mut self) {
        let deed = self.random.one_of(&["answer", self.deed]);
        match self.lines[0].1.text(deed).expect("an error of the guest's own, but no trap") {
            Ok(number) => assert_eq!((deed, number), ("answer", 42)),
            Err(told) => assert!(told.starts_with("bundle `moods` failed: "), "{deed}: {told}"),
        }
    }

    /// Calls an honest bundle: its answer is right, or its process was hit once more than its calls
    /// have failed. Whether it answered.
    fn ask(&mut self, at: usize) -> bool {
        let bytes = self.random.bytes(BYTES_MAX);
        let (line, bundle) = &mut self.lines[at];
        match bundle.echo(&bytes) {
            Ok(answer) => {
                assert!(answer == bytes, "line {line} returned other bytes");
                true
            }
            Err(error) => {
                self.failures[at] += 1;
                let hits = self.storm.hits[*line].load(Ordering::SeqCst);
                assert!(self.failures[at] <= hits, "line {line}, hit {hits} times: {error:?}");
                assert_defined(&error);
                false
            }
        }
    }

    /// Nobody is hit any more: of an honest bundle at most one call fails, then none.
    fn calm(&mut self) {
        for at in 1..LINES_OF_A_THREAD {
            self.ask(at);
            assert!(self.ask(at), "line {} goes on failing", self.lines[at].0);
        }
    }
}

/// The error says what happened to a process that somebody else hit.
fn assert_defined(error: &wasmtime::Error) {
    let call = error.downcast_ref::<CallError>().unwrap_or_else(|| panic!("{error:?}"));
    assert_eq!(call.bundle, "echo");
    let (CallFailure::Ended(end) | CallFailure::Restart(end)) = &*call.why else {
        panic!("{error:?}")
    };
    assert!(["killed", "signal", "deadline"].contains(&end.kind()), "{error:?}");
}

fn seed() -> u64 {
    let chosen = std::env::var("WRUN_STORM_SEED").ok();
    let chosen = chosen.map(|seed| seed.parse().expect("WRUN_STORM_SEED is a number"));
    chosen.unwrap_or_else(|| RandomState::new().build_hasher().finish())
}

#[test]
fn in_a_storm_honest_bundles_answer_right_and_nothing_is_left() {
    let seed = seed();
    println!("WRUN_STORM_SEED={seed}");
    Storm::new(seed).rage(10, 8);
    // Who has lost a stage is a child of this process, which nobody else buries.
    assert_eq!(survivors(), []);
    let before = Count::now();
    let storm = Storm::new(seed);
    storm.rage(CALLS_OF_A_THREAD, STRIKES);
    drop(storm);
    assert_eq!(survivors(), [], "a process is left");
    before.assert_again();
    let mut after = Callers::new().echo(&bundle("echo"), BundleOptions::default(), None);
    assert_eq!(after.echo(b"still here").unwrap(), b"still here");
}
