//! A bundle that does not answer is ended by a deadline: while loading, in a call, at the end. And
//! whatever happens to the runner, no process of a bundle outlives it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tests::{Moods, Process, descendants, innermost, spawn, survivors};

#[test]
fn h01_a_constructor_that_hangs_is_ended_by_the_load_deadline() {
    let run = Moods::new(Some("HANG_WHILE_LOADING"))
        .options(&["--grant", "moods:load-timeout=300ms"])
        .run(&["neighbour"]);
    run.expect_code(1);
    run.expect_stderr(
        "bundle `moods`: no answer while starting within 300ms; its process was killed",
    );
}

#[test]
fn r08_a_constructor_that_spins_is_ended_by_the_load_deadline() {
    let run = Moods::new(Some("SPIN_WHILE_LOADING"))
        .options(&["--grant", "moods:load-timeout=300ms"])
        .run(&["neighbour"]);
    run.expect_code(1).expect_stderr("no answer while starting within 300ms");
}

fn late(deed: &str) {
    let run = Moods::default().options(&["--call-timeout", "300ms"]).errors().run(&[
        &format!("text={deed}"),
        "neighbour",
        "count",
    ]);
    run.expect_code(0).expect_stdout("(deadline)\")\nneighbour: 42\ncount: 1\n");
    run.expect_stderr("bundle `moods`: no answer within 300ms; its process was killed (in `test:");
}

#[test]
fn h02_a_call_that_sleeps_is_ended_by_its_deadline_and_the_next_finds_a_fresh_process() {
    late("hang");
}

#[test]
fn h02_a_call_that_waits_for_its_own_lock_is_ended_by_its_deadline() {
    late("deadlock");
}

#[test]
fn r08_a_call_that_spins_is_ended_by_its_deadline() {
    late("spin");
}

/// A clock on the wall that jumps a day forth and back, each time that somebody looks.
const JUMPING_CLOCK: &str = "
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *time) {
    static int looked;
    int failed = syscall(SYS_clock_gettime, clock, time);
    if (!failed && clock == CLOCK_REALTIME) time->tv_sec += looked++ % 2 ? 86400 : -86400;
    return failed;
}
__attribute__((constructor)) static void loaded(void) {
    struct timespec once, twice;
    clock_gettime(CLOCK_REALTIME, &once);
    clock_gettime(CLOCK_REALTIME, &twice);
    if (twice.tv_sec - once.tv_sec > 86400) write(2, \"the clock jumps\\n\", 16);
}
";

#[test]
fn h10_a_clock_that_is_set_ends_no_call_and_saves_none() {
    let folder = tempfile::tempdir().unwrap();
    let (source, library) = (folder.path().join("clock.c"), folder.path().join("clock.so"));
    std::fs::write(&source, JUMPING_CLOCK).unwrap();
    let mut cc = std::process::Command::new("cc");
    let compiled = cc.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status().unwrap();
    assert!(compiled.success());
    let run = |options: &[&str], steps: &[&str]| {
        Moods::default().options(options).steps(steps).env("LD_PRELOAD", &library).run()
    };
    let run_well = run(&["--call-timeout", "30s", "--timeout", "60s"], &["plain=answer", "count"]);
    run_well.expect_code(0).expect_stdout("plain=answer: 42\ncount: 2\n");
    let late = run(&["--call-timeout", "300ms"], &["plain=hang"]);
    late.expect_code(1).expect_stderr("the clock jumps\n").expect_stderr("no answer within 300ms");
}

#[test]
fn h06_a_destructor_that_hangs_is_ended_and_so_is_the_run() {
    let run = Moods::new(Some("HANG_IN_DESTRUCTOR")).options(&["--call-timeout", "300ms"]).run(&[
        "new=1",
        "neighbour",
        "drop",
    ]);
    run.expect_code(1).expect_stdout("neighbour: 42\n");
    run.expect_stderr("no answer within 300ms; its process was killed (in `");
    run.expect_stderr("#thing`, call 2)");
}

#[test]
fn what_a_guest_left_behind_is_destroyed_at_the_end_in_bounded_time() {
    let good = Moods::default().run(&["new=1", "new=2"]);
    good.expect_code(0);
    assert_eq!(good.stderr, "");
    let hangs = Moods::new(Some("HANG_IN_DESTRUCTOR")).run(&["new=1", "new=2"]);
    hangs.expect_code(0).expect_stderr(
        "bundle `moods`: no answer to the destructors of what a dropped store \
         held within 500ms; its process was killed",
    );
    let crashes = Moods::new(Some("CRASH_IN_DESTRUCTOR")).run(&["new=1", "new=2"]);
    crashes.expect_code(0).expect_stderr("its process was killed by signal SIGABRT");
}

#[test]
fn a_crash_in_a_destructor_stops_the_guest_and_names_the_resource() {
    let run = Moods::new(Some("CRASH_IN_DESTRUCTOR")).run(&["new=1", "drop"]);
    run.expect_code(1)
        .expect_stderr("signal SIGABRT (in `test:moods/library@0.1.0#thing`, call 2)");
}

/// A run whose guest has made a call and now waits in its last step, and what it prints.
struct Underway {
    child: Child,
    stdout: BufReader<ChildStdout>,
    _folder: TempDir,
}

impl Underway {
    /// The last step is one that does not end by itself.
    fn new(moods: Moods, last: &[&str]) -> Self {
        let mut steps = vec!["count", "neighbour"];
        steps.extend(last);
        let (mut command, folder) = moods.steps(&steps).into_command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = spawn(&mut command);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        for expected in ["count: 1\n", "neighbour: 42\n"] {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            assert_eq!(line, expected);
        }
        Self { child, stdout, _folder: folder }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// Exit code (128 and the signal if one ended it), rest of stdout, and stderr. Asserts that
    /// nothing is left.
    fn end(mut self) -> (i32, String, String) {
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).unwrap();
        let output = self.child.wait_with_output().unwrap();
        let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
        let code = output.status.code().or(signal.map(|number| 128 + number)).unwrap();
        assert!(survivors().is_empty(), "still alive: {:?}", survivors());
        (code, stdout, String::from_utf8(output.stderr).unwrap())
    }
}

/// In a call into the bundle; while the guest computes; while it reads.
const LAST: [&str; 3] = ["plain=hang", "loop", "read"];

fn interrupted(signal: Signal, code: i32, words: &str) {
    for last in LAST {
        let run = Underway::new(Moods::default(), &[last]);
        run.signal(signal);
        let (found, _, stderr) = run.end();
        assert_eq!(found, code, "{last}: {stderr}");
        assert!(stderr.contains(words), "{last}: {stderr}");
    }
}

#[test]
fn h11_ctrl_c_ends_the_run_with_130_and_no_process_is_left() {
    interrupted(Signal::SIGINT, 130, "interrupted by SIGINT");
}

#[test]
fn h11_sigterm_ends_the_run_with_143_and_no_process_is_left() {
    interrupted(Signal::SIGTERM, 143, "interrupted by SIGTERM");
}

#[test]
fn h11_sighup_ends_the_run_with_129_and_no_process_is_left() {
    interrupted(Signal::SIGHUP, 129, "interrupted by SIGHUP");
}

#[test]
fn h11_a_guest_whose_output_nobody_reads_can_be_interrupted() {
    let mood = format!("moods.mood={}", "x".repeat(6000));
    let moods = Moods::default().options(&["--bundle-config", &mood]);
    let mut run = Underway::new(moods, &["setting"; 40]);
    // Not much more fits: the system will keep the guest in a call.
    let waiting = || rustix::io::ioctl_fionread(run.stdout.get_ref()).unwrap();
    until("an almost full pipe", || waiting() > 32_000);
    run.signal(Signal::SIGTERM);
    // It ends although still nobody has read.
    run.child.wait().unwrap();
    let (code, _, stderr) = run.end();
    assert_eq!(code, 143, "{stderr}");
    assert!(stderr.contains("interrupted by SIGTERM"), "{stderr}");
}

#[test]
fn h11_sigpipe_is_no_end_the_guest_sees_a_closed_stream() {
    let mut run = Underway::new(Moods::default(), &["read"]);
    run.signal(Signal::SIGPIPE);
    drop(run.child.stdin.take());
    let (code, stdout, stderr) = run.end();
    assert_eq!((code, stdout.as_str()), (0, "read: \n"), "{stderr}");
}

#[test]
fn a_run_that_takes_too_long_is_ended_by_timeout_with_124() {
    for last in LAST {
        let run = Underway::new(Moods::default().options(&["--timeout", "700ms"]), &[last]);
        let (code, _, stderr) = run.end();
        assert_eq!(code, 124, "{last}: {stderr}");
        assert!(stderr.contains("the guest was stopped after 700ms (--timeout)"), "{stderr}");
    }
}

/// Waits until it is so.
fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::yield_now();
    }
}

/// One letter of `/proc/PID/stat`; `X` for a process that is gone.
fn state(process: &Process) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.pid)).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.unwrap_or('X')
}

/// Sends a signal to some processes of a run whose guest waits, then lets it call both bundles.
fn from_outside(
    options: &[&str],
    which: fn(u32) -> Vec<Process>,
    signal: Signal,
    states: &[char],
) -> (i32, String, String) {
    let moods = Moods::default().options(options).errors();
    let mut run = Underway::new(moods, &["read", "text=answer", "count"]);
    let shims = innermost(run.child.id());
    let targets = which(run.child.id());
    assert_eq!((targets.len(), shims.len()), (2, 2), "{targets:?} {shims:?}");
    for target in &targets {
        kill(Pid::from_raw(target.pid.cast_signed()), signal).unwrap();
    }
    // A stage that has died takes its shim with it.
    let gone = if signal == Signal::SIGKILL { &shims } else { &targets };
    until("the end", || gone.iter().all(|process| states.contains(&state(process))));
    drop(run.child.stdin.take());
    run.end()
}

fn stages(runner: u32) -> Vec<Process> {
    descendants(runner).into_iter().filter(|process| process.parent == runner).collect()
}

const STOPPED: [char; 2] = ['T', 't'];
const ENDED: [char; 2] = ['Z', 'X'];

#[test]
fn h05_a_stopped_process_is_ended_by_the_deadline_in_a_call_and_at_the_end() {
    let options = ["--call-timeout", "300ms", "--grant", "echo:shutdown-timeout=300ms"];
    let (code, stdout, stderr) = from_outside(&options, innermost, Signal::SIGSTOP, &STOPPED);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("(deadline)\")\ncount: 1\n"), "{stdout}");
    let words =
        "bundle `echo`: no answer to the order to leave within 300ms; its process was killed";
    assert!(stderr.contains(words), "{stderr}");
}

#[test]
fn h05_a_stopped_stage_does_not_keep_the_run_from_ending() {
    let options = ["--call-timeout", "300ms", "--grant", "echo:shutdown-timeout=300ms"];
    let (code, stdout, stderr) = from_outside(&options, stages, Signal::SIGSTOP, &STOPPED);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("text=answer: Ok(42)\ncount: 3\n"), "{stdout}");
}

#[test]
fn c15_a_stage_that_is_killed_takes_its_shim_with_it_and_a_fresh_one_takes_the_call() {
    let (code, stdout, stderr) = from_outside(&[], stages, Signal::SIGKILL, &ENDED);
    assert_eq!(code, 0, "{stderr}");
    // Nothing of the call had been sent when it was noticed.
    assert!(stdout.contains("text=answer: Ok(42)\ncount: 2\n"), "{stdout}");
}

#[test]
fn a_shim_that_is_killed_between_two_calls_costs_nothing_but_its_state() {
    let (code, stdout, stderr) = from_outside(&[], innermost, Signal::SIGKILL, &ENDED);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("text=answer: Ok(42)\ncount: 2\n"), "{stdout}");
}

#[test]
fn a_shim_that_is_killed_in_a_call_is_named_as_that() {
    // Or just before it: with a restart it would go on then.
    let once = Moods::default().options(&["--supervise", "moods:restart=never"]);
    let run = Underway::new(once, &["plain=hang"]);
    for shim in innermost(run.child.id()) {
        kill(Pid::from_raw(shim.pid.cast_signed()), Signal::SIGKILL).unwrap();
    }
    let (code, _, stderr) = run.end();
    assert_eq!(code, 1);
    assert!(stderr.contains("its process was killed from outside (in `test:moods/"), "{stderr}");
}

#[test]
fn h07_when_the_runner_is_killed_no_process_is_left() {
    for last in LAST {
        let run = Underway::new(Moods::default(), &[last]);
        assert!(descendants(run.child.id()).len() >= 4);
        run.signal(Signal::SIGKILL);
        let (code, ..) = run.end();
        assert_eq!(code, 137);
    }
}
