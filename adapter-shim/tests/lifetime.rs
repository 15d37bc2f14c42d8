//! Who lives how long: a shim never longer than its stage, a stage never longer than the runner,
//! whenever the other end goes. And no shorter than they.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod common;

use common::shim::{Shim, ask_for_jail, stage};
use common::{Bundle, Planner};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use protocol::message::ToShim;
use protocol::policy::Policy;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

static BUNDLE: LazyLock<Bundle> = LazyLock::new(|| Bundle::shared("jail"));

/// A shim that takes calls, and the index of a function that answers with a number.
fn ready() -> (Shim, u32) {
    let mut plan = Planner::new();
    plan.plan.realloc = None;
    let pid = plan.function("t_pid", &[], Some(protocol::types::Type::U32));
    (Shim::ready_with(&BUNDLE, &plan.plan, &Policy::default()), pid)
}

fn has_ended(pidfd: &OwnedFd) -> bool {
    let mut events = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
    poll(&mut events, PollTimeout::from(20_000_u16)) == Ok(1)
}

#[test]
fn c15_the_shim_dies_with_the_stage() {
    let (mut shim, _) = ready();
    shim.stage.kill().unwrap();
    shim.stage.wait().unwrap();
    assert!(has_ended(&shim.pidfd));
}

/// The stage's parent is a thread that ends at once; the runner lives.
#[test]
fn h08_the_shim_lives_on_when_the_thread_that_started_it_ends() {
    let (mut shim, pid) = std::thread::spawn(ready).join().unwrap();
    assert_eq!(shim.call(pid, &[]), 1_u32.to_le_bytes());
    assert_eq!(shim.ask(&ToShim::Shutdown, &[]).0, protocol::message::ToRunner::Bye);
}

#[test]
fn the_end_of_the_runner_ends_stage_and_shim() {
    let Shim { mut stage, control, socket, pidfd, .. } = ready().0;
    // All that a dead runner closes; the channel is kept, so that it is not what ends the shim.
    drop(control);
    assert!(has_ended(&pidfd));
    assert_eq!(stage.wait().unwrap().code(), Some(0));
    drop(socket);
}

/// Children of a process that is alone with its one thread, each held by a pidfd.
fn children(pid: u32) -> Vec<OwnedFd> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let listed = std::fs::read_to_string(path).unwrap_or_default();
    let open = |number: &str| {
        let pid = Pid::from_raw(number.parse().ok()?)?;
        pidfd_open(pid, PidfdFlags::empty()).ok()
    };
    listed.split_whitespace().filter_map(open).collect()
}

/// Between the birth of the child and its wish to die with its parent lies a moment. Each round
/// strikes a little later after the birth, so that some strike there.
fn struck_at_birth(strike: impl Fn(&mut std::process::Child, std::os::unix::net::UnixStream)) {
    for round in 0..40 {
        let (mut stage, control) = stage(&BUNDLE);
        ask_for_jail(&control, &Policy::default(), &[]);
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut born = Vec::new();
        while born.is_empty() {
            assert!(Instant::now() < deadline, "no child");
            born = children(stage.id());
        }
        for _ in 0..round {
            std::hint::black_box(children(stage.id()));
        }
        strike(&mut stage, control);
        stage.wait().unwrap();
        for child in &born {
            assert!(has_ended(child), "round {round}: a child has outlived its stage");
        }
    }
}

#[test]
fn h09_a_stage_that_is_killed_while_its_child_is_born_leaves_nothing() {
    struck_at_birth(|stage, control| {
        stage.kill().unwrap();
        drop(control);
    });
}

#[test]
fn h09_a_runner_that_dies_while_the_child_is_born_leaves_nothing() {
    struck_at_birth(|_, control| drop(control));
}
