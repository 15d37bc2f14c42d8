//! The jail, from inside, one file per layer.
//!
//! The child of the stage puts up most of it and then executes this program again ([`enter`]); the
//! steps have the numbers of docs/security.md:
//!
//! - T1 [`death`]: the process does not outlive the stage.
//! - T2 [`root`]: a file system that holds what was granted, and nothing else.
//! - T3 [`privileges`]: no capabilities.
//! - T4 [`limits`]: memory, time, threads, files, descriptors.
//! - T5 [`privileges`], [`landlock`]: nothing can be gained, only granted files can be touched.
//! - T6 [`descriptors`], [`seccomp`]: exactly five descriptors; then the filter of system calls
//!   that nobody needs.
//!
//! The shim, once executed, puts up the rest before the library is loaded ([`apply`]) and takes the
//! rights to load away afterwards ([`Confined::narrow`]).

pub mod ablation;
mod death;
pub mod descriptors;
mod landlock;
mod limits;
mod privileges;
pub(crate) mod root;
pub mod seccomp;
pub mod syscalls;

use crate::native::sys::crash::install_handlers;
use crate::native::sys::filter::SealedFilter;
use crate::native::sys::jail::execute;
use crate::native::sys::{default_fault_signals, exit_now};
use crate::permit::LoadPermit;
use crate::stage::mounts::Mount;
use ablation::{LeftOut, Part};
use protocol::message::Plan;
use protocol::policy::Policy;
use protocol::stage::{Layers, Purpose};
use serde::{Deserialize, Serialize};
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;

/// The argument with which the child executes this program.
pub const JAILED: &str = "--jailed";

/// Exit code of a child that could not build its jail; the stage knows why.
const FAILED: i32 = 3;

/// What the child needs to build its jail.
#[derive(Debug)]
pub struct Jail {
    /// Limits and grants.
    pub policy: Policy,
    /// What can be reached by a path.
    pub mounts: Vec<Mount>,
    /// The bundle's directory on the host.
    pub bundle: OwnedFd,
    /// The shim's end of the channel.
    pub channel: OwnedFd,
    /// The shim's end of the socket by which the stage learns where a crash will be written down,
    /// and gets the filter's listener.
    pub bell: OwnedFd,
    /// Whether the jail keeps the bundle in.
    pub purpose: Purpose,
    /// `/dev/null`.
    pub null: OwnedFd,
    /// This program, to be executed inside.
    pub program: OwnedFd,
    /// Whether no other process has the user id.
    pub has_private_uid: bool,
    /// What is left out. Nothing, except in tests.
    pub left_out: LeftOut,
}

/// What the child tells the stage before it executes the shim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Note {
    /// Everything is in force, and execution is next.
    Ready(Layers),
    /// The machine does not give the namespaces, or not what they are for.
    Unavailable(String),
    /// A layer failed.
    Failed(String),
}

/// A layer that could not be put up. The process must not load anything then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfineError {
    /// A system call of a layer failed.
    #[error("{layer}: {step} failed: {reason}")]
    System {
        /// Which layer.
        layer: &'static str,
        /// Which step of it.
        step: String,
        /// What the system says.
        reason: io::Error,
    },
    /// The machine does not have what the jail must have.
    #[error("{0}")]
    Weaker(String),
    /// The system call filter could not be compiled or installed.
    #[error("system call filter: {0}")]
    Seccomp(#[from] seccompiler::Error),
    /// The system call filter is not known for this machine.
    #[error("system call filter: no list of system calls for {0}")]
    Architecture(&'static str),
}

impl ConfineError {
    fn at<E: Into<io::Error>>(
        layer: &'static str,
        step: impl Into<String>,
    ) -> impl FnOnce(E) -> Self {
        let step = step.into();
        move |reason| Self::System { layer, step, reason: reason.into() }
    }
}

/// The child's side of the clone: waits for the stage, builds the jail, executes the shim. `note`
/// is where it tells how that went, and closes by itself with the execution.
pub fn enter(jail: &Jail, wait: OwnedFd, note: OwnedFd, with_namespaces: bool) -> ! {
    let mut note = File::from(note);
    let told = match build(jail, wait, &mut note, with_namespaces) {
        Ok(never) => match never {},
        Err(told) => told,
    };
    tell(&mut note, &told);
    exit_now(FAILED)
}

fn tell(note: &mut File, what: &Note) {
    let bytes = postcard::to_stdvec(what).unwrap_or_default();
    // If the stage is gone, so is this process.
    let _ = note.write_all(&bytes);
}

fn build(
    jail: &Jail,
    wait: OwnedFd,
    note: &mut File,
    with_namespaces: bool,
) -> Result<std::convert::Infallible, Note> {
    let failed = |error: ConfineError| Note::Failed(error.to_string());
    death::wait_for(&wait).map_err(failed)?;
    death::follow(&wait).map_err(failed)?;
    let mut layers = Layers { namespaces: with_namespaces, ..Layers::default() };
    if with_namespaces {
        // Machines that give the namespace and no rights in it are found out here.
        root::build(&jail.mounts, &jail.policy)
            .map_err(|error| Note::Unavailable(error.to_string()))?;
        layers.root = true;
    }
    let placed = descriptors::place(jail, layers.root, note).map_err(failed)?;
    *note = placed.note;
    let whole = |part| !jail.left_out.has(part);
    if whole(Part::Capabilities) {
        privileges::drop_capabilities(with_namespaces).map_err(failed)?;
    }
    if whole(Part::Limits) {
        limits::apply(jail, with_namespaces).map_err(failed)?;
    }
    layers.mdwe = privileges::gain_nothing(whole(Part::Mdwe)).map_err(failed)?;
    if jail.purpose == Purpose::Confine && whole(Part::Landlock) {
        layers.landlock = landlock::restrict(jail, &placed.program, layers.root).map_err(failed)?;
    }
    if whole(Part::Descriptors) {
        descriptors::close_others().map_err(failed)?;
    }
    // Last: from here on a system call of the list ends the process.
    if whole(Part::Never) {
        seccomp::install_never().map_err(failed)?;
    }
    layers.filters = 1;
    tell(note, &Note::Ready(layers));
    let error = execute(&placed.program, &arguments(jail.left_out));
    Err(Note::Failed(format!("executing the shim failed: {error}")))
}

/// How the shim is executed; behind its own argument stands what a test leaves out.
fn arguments(left_out: LeftOut) -> Vec<CString> {
    let parts = left_out.names();
    let words = ["adapter-shim", JAILED].into_iter().chain(parts.as_deref());
    words.filter_map(|word| CString::new(word).ok()).collect()
}

/// Witness that everything is in force that must be before a library is loaded. There is no other
/// way to get one than [`apply`].
#[derive(Debug)]
pub struct Confined {
    /// None where the operator only wants to learn.
    steady: Option<SealedFilter>,
}

/// Puts up the layers that depend on the plan, in the shim itself.
///
/// # Errors
/// [`ConfineError`]; the layers before the failed one stay in force.
pub fn apply(plan: &Plan, bell: OwnedFd, left_out: LeftOut) -> Result<Confined, ConfineError> {
    let (profiles, purpose) = (plan.profiles, plan.purpose);
    prepare_for_crash(plan, &bell)?;
    if purpose == Purpose::Learn {
        seccomp::install_learn(&bell)?;
        return Ok(Confined { steady: None });
    }
    // `execve` has reset it. Nobody of the same user may look into this process or attach to it.
    privileges::hide()?;
    if left_out.has(Part::Filters) {
        return Ok(Confined { steady: None });
    }
    let steady = seccomp::install_load(profiles, &bell)?;
    Ok(Confined { steady: Some(steady).filter(|_| !left_out.has(Part::Narrowing)) })
}

/// Installs the handlers for a crash, and tells the stage where they write.
///
/// Only where the stage may read this process's memory: as the owner of its namespace, or because
/// nobody is kept from it. Elsewhere the stage could not tell a handler that hangs from a library's
/// own, so there the kernel ends the process at once.
fn prepare_for_crash(plan: &Plan, bell: &OwnedFd) -> Result<(), ConfineError> {
    let failed = |step: &'static str| ConfineError::at::<io::Error>("signals", step);
    let record = match plan.own_root || plan.purpose == Purpose::Learn {
        true => install_handlers().map_err(failed("installing handlers"))?,
        false => {
            default_fault_signals().map_err(failed("resetting handlers"))?;
            0
        }
    };
    let told = nix::unistd::write(bell, &record.to_ne_bytes());
    told.map(drop).map_err(|errno| failed("telling the stage")(errno.into()))
}

impl Confined {
    /// A confined process may load the bundle it was made for.
    pub fn permit(&self) -> LoadPermit {
        LoadPermit::confined()
    }

    /// Takes the rights to load away, on every thread.
    ///
    /// # Errors
    /// If a thread of the library has made that impossible. The process must end then.
    pub fn narrow(self) -> Result<(), ConfineError> {
        let Some(steady) = self.steady else { return Ok(()) };
        steady.install().map_err(ConfineError::at("system call filter", "narrowing"))
    }
}
