//! One thread that starts all shims, and lives as long as this process.
//!
//! A shim asks the kernel to kill it when its parent dies. The kernel takes the *thread* that
//! spawned it for the parent: a shim started by a pooled worker would die with that worker. So all
//! are started here.

use std::io;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

type Job = (Command, Sender<io::Result<Child>>);

/// Spawns `command` on the spawner thread.
///
/// # Errors
/// Those of [`Command::spawn`], and of starting the thread.
pub(super) fn spawn(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<Option<Sender<Job>>> = OnceLock::new();
    let gone = || io::Error::other("the thread that starts adapter processes is gone");
    let spawner = SPAWNER.get_or_init(|| start().ok()).as_ref().ok_or_else(gone)?;
    let (reply, answer) = channel();
    spawner.send((command, reply)).map_err(|_| gone())?;
    answer.recv().map_err(|_| gone())?
}

fn start() -> io::Result<Sender<Job>> {
    let (sender, jobs) = channel::<Job>();
    std::thread::Builder::new().name("wrun-spawner".into()).spawn(move || {
        for (mut command, reply) in jobs {
            // Nobody waits any more if the receiver is gone; the child is then reaped by `Drop`.
            if let Err(unwanted) = reply.send(command.spawn()) {
                reap(unwanted.0);
            }
        }
    })?;
    Ok(sender)
}

fn reap(spawned: io::Result<Child>) {
    if let Ok(mut child) = spawned {
        let _ = child.kill();
        let _ = child.wait();
    }
}
