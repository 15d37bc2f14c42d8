//! The program `wrun`, killed while it is in a call: how long its bundles' processes live on.

use std::io::{BufRead as _, BufReader};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::places;

/// What is waited for a process at most before it counts as one that is left.
const PATIENCE: Duration = Duration::from_secs(10);
/// From the guest's last word to the call after it.
const INTO_THE_CALL: Duration = Duration::from_millis(5);

/// What a run left, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Killed {
    /// Seconds from SIGKILL until nothing was left.
    pub(super) seconds: f64,
    /// How many processes there were beside `wrun`.
    pub(super) processes: usize,
}

/// Kills one run with two bundles, one of which is in a call that never returns. `folder` has the
/// cache of compiled code and temporary files.
pub(super) fn kill(moods: &Path, folder: &Path) -> Result<Killed> {
    let mut wrun = run(moods, folder)?;
    let mut output = BufReader::new(wrun.stdout.take().context("its output is a pipe")?);
    let mut said = String::new();
    for _ in 0..2 {
        output.read_line(&mut said).context("cannot read what the guest says")?;
    }
    if said != "neighbour: 42\ntext=answer: Ok(42)\n" {
        bail!("the guest said {said:?}");
    }
    std::thread::sleep(INTO_THE_CALL);
    let below = tests::descendants(wrun.id());
    let numbers = below.iter().map(|process| process.pid).chain([wrun.id()]);
    let mut alive = numbers.map(descriptor).collect::<Result<Vec<_>>>()?;
    let begin = Instant::now();
    wrun.kill().context("cannot kill wrun")?;
    wait(&mut alive, begin)?;
    let seconds = begin.elapsed().as_secs_f64();
    wrun.wait().context("wrun cannot be waited for")?;
    // Also buries those that have ended.
    let left = tests::survivors();
    if !left.is_empty() {
        bail!("a killed run left {left:?}");
    }
    Ok(Killed { seconds, processes: below.len() })
}

fn run(moods: &Path, folder: &Path) -> Result<Child> {
    let mut wrun = Command::new(places::program("wrun")?);
    wrun.arg("--isolate").arg("--host-bundle").arg(moods);
    wrun.arg("--host-bundle").arg(places::bundle("echo")?);
    wrun.arg(places::guest("moods")?).args(["neighbour", "text=answer", "text=hang"]);
    wrun.env("XDG_CACHE_HOME", folder).env("TMPDIR", folder);
    wrun.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    // What loses its parent becomes a child of this process.
    Ok(tests::spawn(&mut wrun))
}

fn descriptor(number: u32) -> Result<OwnedFd> {
    let pid = i32::try_from(number).ok().and_then(Pid::from_raw).context("no such number")?;
    pidfd_open(pid, PidfdFlags::empty()).with_context(|| format!("process {number} is gone"))
}

/// Until all have ended.
fn wait(alive: &mut Vec<OwnedFd>, since: Instant) -> Result<()> {
    while !alive.is_empty() {
        let rest = PollTimeout::try_from(PATIENCE.saturating_sub(since.elapsed()))?;
        let mut events: Vec<_> =
            alive.iter().map(|one| PollFd::new(one.as_fd(), PollFlags::POLLIN)).collect();
        if poll(&mut events, rest).context("cannot wait")? == 0 {
            bail!("{} processes live on after {PATIENCE:?}", alive.len());
        }
        let mut ended =
            events.iter().map(|event| event.any().unwrap_or(false)).collect::<Vec<_>>().into_iter();
        alive.retain(|_| !ended.next().unwrap_or(false));
    }
    Ok(())
}
