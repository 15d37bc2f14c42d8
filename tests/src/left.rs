//! What a run left behind.

use nix::sys::prctl::set_child_subreaper;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

/// What the tests started themselves. Whatever else becomes a child of this process has lost its
/// parent.
static STARTED: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Starts a process such that all that it leaves behind becomes a child of this one.
///
/// # Panics
/// If it cannot be started.
pub fn spawn(command: &mut Command) -> Child {
    static ADOPT: Once = Once::new();
    ADOPT.call_once(|| set_child_subreaper(true).expect("a process may adopt orphans"));
    // Nobody looks for orphans until the new process is known.
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    started.insert(child.id());
    child
}

/// A process, as `/proc` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// The number of its parent.
    pub parent: u32,
    /// The first 15 bytes of its name.
    pub name: String,
    /// Whether it has ended and was not waited for yet.
    pub ended: bool,
}

impl Process {
    fn read(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // PID (NAME) STATE PPID …, and NAME may hold anything.
        let (head, rest) = stat.rsplit_once(')')?;
        let (_, name) = head.split_once('(')?;
        let mut fields = rest.split_whitespace();
        let ended = matches!(fields.next()?, "Z" | "X");
        Some(Self { pid, parent: fields.next()?.parse().ok()?, name: name.to_owned(), ended })
    }
}

/// All processes of the machine.
fn processes() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").expect("/proc is mounted");
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter_map(Process::read).collect()
}

/// Processes that `ancestor` started and that have not ended, directly or not.
pub fn descendants(ancestor: u32) -> Vec<Process> {
    let parents: BTreeMap<_, _> = processes().into_iter().map(|p| (p.pid, p)).collect();
    let descends = |process: &&Process| {
        // At most as many steps as there are processes: numbers can be reused while we look.
        let mut above = process.parent;
        for _ in 0..parents.len() {
            match parents.get(&above) {
                _ if above == ancestor => return true,
                Some(parent) => above = parent.parent,
                None => return false,
            }
        }
        false
    };
    parents.values().filter(|process| !process.ended).filter(descends).cloned().collect()
}

/// Those of [`descendants`] that have no child: of a jail of several processes the innermost, which
/// runs the library.
pub fn innermost(ancestor: u32) -> Vec<Process> {
    let all = descendants(ancestor);
    let parents: BTreeSet<_> = all.iter().map(|process| process.parent).collect();
    all.into_iter().filter(|process| !parents.contains(&process.pid)).collect()
}

/// How many children this process has, those included that it has not waited for.
pub fn children() -> usize {
    let own = std::process::id();
    processes().iter().filter(|process| process.parent == own).count()
}

/// Processes that have lost their parent to this one, and live. Those that have ended are buried.
fn orphans() -> Vec<Process> {
    let started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    let own = std::process::id();
    let children = processes().into_iter().filter(|process| process.parent == own);
    let (ended, live): (Vec<_>, Vec<_>) =
        children.filter(|process| !started.contains(&process.pid)).partition(|one| one.ended);
    for process in ended {
        let number = i32::try_from(process.pid).expect("the kernel's numbers are small");
        // Somebody else may have waited for it in the meantime.
        let _ = waitpid(Pid::from_raw(number), Some(WaitPidFlag::WNOHANG));
    }
    live
}

/// Processes that outlive what started them. Those that are being killed get the time to die.
pub fn survivors() -> Vec<Process> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let left = orphans();
        if left.is_empty() || Instant::now() > deadline {
            return left;
        }
        std::thread::yield_now();
    }
}

/// All files and folders below `folder`, sorted.
pub fn tree(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries.flatten() {
        found.push(entry.path().display().to_string());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(tree(&entry.path()));
        }
    }
    found.sort();
    found
}
