//! Which core runs what. Two processes that take turns cost about 10 us for each turn on one core,
//! and on two cores several times that on a virtual machine, where waking a sleeping core is dear.
//! The scheduler's choice varies from run to run, and would decide every comparison. So this
//! program chooses.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context as _, Result};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// Where the other process of a call runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On the core of this program.
    SameCore,
    /// On another one.
    OtherCore,
}

impl Place {
    /// As the table names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SameCore => "one core",
            Self::OtherCore => "two cores",
        }
    }
}

/// This thread is on one core until it is dropped.
pub(crate) struct Cores {
    allowed: CpuSet,
    own: CpuSet,
    /// None where this program may use only one.
    other: Option<CpuSet>,
}

impl Cores {
    /// Puts this thread on the first core that it may use.
    pub(crate) fn take() -> Result<Self> {
        let this = Pid::from_raw(0);
        let allowed = sched_getaffinity(this).context("cannot find out the allowed cores")?;
        let mut cores =
            (0..CpuSet::count()).filter(|core| allowed.is_set(*core).unwrap_or_default());
        let own = only(cores.next().context("no core is allowed")?)?;
        let other = cores.next().map(only).transpose()?;
        sched_setaffinity(this, &own).context("cannot choose a core")?;
        Ok(Self { allowed, own, other })
    }

    /// Whether there is such a place on this machine.
    pub(crate) fn has(&self, place: Place) -> bool {
        place == Place::SameCore || self.other.is_some()
    }

    /// Puts the processes that `start` starts to `place`.
    pub(crate) fn put<T>(&self, place: Place, start: impl FnOnce() -> Result<T>) -> Result<T> {
        let before = children()?;
        let started = start()?;
        let core = match place {
            Place::SameCore => &self.own,
            Place::OtherCore => self.other.as_ref().unwrap_or(&self.own),
        };
        for child in children()?.difference(&before) {
            let put = sched_setaffinity(Pid::from_raw(*child), core);
            put.with_context(|| format!("cannot choose a core for process {child}"))?;
        }
        Ok(started)
    }
}

impl Drop for Cores {
    fn drop(&mut self) {
        // What was allowed before is allowed again.
        let _ = sched_setaffinity(Pid::from_raw(0), &self.allowed);
    }
}

fn only(core: usize) -> Result<CpuSet> {
    let mut set = CpuSet::new();
    set.set(core)?;
    Ok(set)
}

/// The processes that this one has started, and those that they have started, that still run.
fn children() -> Result<BTreeSet<i32>> {
    let mut parents = BTreeMap::new();
    for entry in fs::read_dir("/proc").context("cannot read /proc")?.flatten() {
        let Some(process) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // A process may be gone by now.
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // PID (NAME) STATE PPID …, and NAME may hold anything.
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1));
        if let Some(parent) = parent.and_then(|parent| parent.parse::<i32>().ok()) {
            parents.insert(process, parent);
        }
    }
    let own = Pid::this().as_raw();
    let mut found = BTreeSet::new();
    loop {
        let is_new = |(child, parent): &(&i32, &i32)| {
            (**parent == own || found.contains(*parent)) && !found.contains(*child)
        };
        let new: Vec<i32> = parents.iter().filter(is_new).map(|(child, _)| *child).collect();
        if new.is_empty() {
            return Ok(found);
        }
        found.extend(new);
    }
}
