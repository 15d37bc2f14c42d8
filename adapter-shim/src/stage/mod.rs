//! The process outside of the jail: builds it, starts the shim in it, watches, and tells the runner
//! how it ended. It has a single thread and never runs code of a bundle.
//!
//! The runner starts it with a control socket as descriptor 0 and the bundle's directory as 1. The
//! steps have the numbers of docs/security.md:
//!
//! - S1 [`hygiene`]: signals, descriptors, session.
//! - S2 [`identity`]: root takes a user id of its own.
//! - S3 [`mounts`], [`closure`]: what the jail's file system will hold.
//! - S4 [`child`]: the child in its namespaces, which goes on in [`crate::confine`].
//! - S5 [`watch`]: until the shim has ended, or the runner; [`notices`] of what was refused; [`crash`],
//!   [`usage`]: how it was when it ended.

pub(crate) mod child;
pub(crate) mod closure;
mod control;
mod crash;
mod hygiene;
pub(crate) mod identity;
pub mod mounts;
mod notices;
mod usage;
mod watch;

use crate::confine::Jail;
use crate::confine::ablation::{LeftOut, Part};
use crate::native::sys::jail::refuse_descriptors;
use child::{Child, NotStarted};
use control::Control;
use nix::fcntl::{OFlag, open};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::sys::stat::Mode;
use notices::Notices;
use protocol::stage::{ASK_DOCTOR, FromStage, JailSpec, Layer, Layers, Purpose};
use protocol::text::ForeignText;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

/// Exit code of a stage that could not do its work. The runner knows why, if it could be told.
const FAILED: i32 = 3;

/// Why there is no jail.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// Not started by a runner.
    #[error("adapter-shim is started by wrun; it is not meant to be run by hand")]
    ByHand,
    /// The runner is gone, or said what it may not say.
    #[error("the control socket: {0}")]
    Control(String),
    /// A step failed.
    #[error("{step} failed: {reason}")]
    Step {
        /// What was to be done.
        step: String,
        /// What the system says.
        reason: io::Error,
    },
    /// The machine cannot give what the jail must have.
    #[error("{0}")]
    Weaker(String),
}

impl StageError {
    fn step(step: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let step = step.into();
        move |reason| Self::Step { step, reason }
    }

    /// The exit code, see [`crate::end`].
    pub fn code(&self) -> i32 {
        if matches!(self, Self::ByHand) { 2 } else { FAILED }
    }
}

/// Everything, from the first look at the descriptors to the last report.
///
/// # Errors
/// [`StageError`], which the runner was told unless the control socket itself failed.
pub fn run(left_out: LeftOut) -> Result<(), StageError> {
    let (socket, bundle) = hygiene::descriptors()?;
    let mut control = Control::new(socket);
    hygiene::clean_up(left_out).map_err(StageError::step("cleaning up what was inherited"))?;
    let spec = control.spec()?;
    match start(&spec, bundle, left_out) {
        Ok(Started { mut child, channel, layers, mut notices }) => {
            let descriptors = [child.pidfd().as_fd(), channel.as_fd()];
            control.send_with(&FromStage::Started { layers }, &descriptors)?;
            drop(channel);
            let ending = watch::until_end(&mut child, &mut control, &mut notices);
            // If the runner is gone there is nobody to tell.
            let _ = control.send(&FromStage::Ended(ending));
            Ok(())
        }
        Err(error) => {
            control.send(&FromStage::Refused { text: ForeignText::new(error.to_string()) })?;
            Err(error)
        }
    }
}

/// A shim in its jail.
struct Started {
    child: Child,
    /// The runner's end.
    channel: OwnedFd,
    layers: Layers,
    notices: Notices,
}

/// Builds the jail and starts the shim.
fn start(spec: &JailSpec, bundle: OwnedFd, left_out: LeftOut) -> Result<Started, StageError> {
    let identity = identity::Identity::plan(spec.purpose);
    let mut mounts = mounts::all(spec, &bundle)?;
    if identity.is_private() {
        // As long as this is root: afterwards nobody here may look into root's files.
        identity.prepare(&mut mounts);
        identity.take().map_err(StageError::step("taking a user id of its own"))?;
    }
    let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty());
    let program = open("/proc/self/exe", OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty());
    let (ours, theirs) = channel().map_err(StageError::step("making the channel"))?;
    let (listener, bell) = sockets().map_err(StageError::step("making a socket"))?;
    let jail = Jail {
        policy: spec.policy.clone(),
        mounts,
        bundle,
        channel: theirs,
        bell,
        purpose: spec.purpose,
        null: null.map_err(|e| StageError::step("opening /dev/null")(e.into()))?,
        program: program.map_err(|e| StageError::step("opening this program")(e.into()))?,
        has_private_uid: identity.is_private(),
        left_out,
    };
    let (child, mut layers) = spawn(spec, &jail, &identity)?;
    layers.uid = identity.is_private();
    let missing = spec.required.iter().find(|layer| !layers.has(**layer));
    match missing {
        // The child is dropped, and with it killed, before it was sent anything.
        Some(layer) => Err(StageError::Weaker(missing_layer(*layer))),
        None => {
            let notices = Notices::new(listener, spec.purpose);
            Ok(Started { child, channel: ours, layers, notices })
        }
    }
}

/// With all namespaces; where the machine does not give them, without, if that is allowed.
fn spawn(
    spec: &JailSpec,
    jail: &Jail,
    identity: &identity::Identity,
) -> Result<(Child, Layers), StageError> {
    // To learn what a bundle reaches for, it must be able to reach it.
    let with_namespaces = spec.purpose == Purpose::Confine && !jail.left_out.has(Part::Namespaces);
    match Child::spawn(jail, identity, with_namespaces) {
        Ok(started) => Ok(started),
        Err(NotStarted::Refused(error)) => Err(error),
        Err(NotStarted::NoNamespaces(reason)) => {
            let needed = |layer: &&Layer| matches!(layer, Layer::Namespaces | Layer::Root);
            if let Some(layer) = spec.required.iter().find(needed) {
                return Err(StageError::Weaker(format!("{} ({reason})", missing_layer(*layer))));
            }
            Child::spawn(jail, identity, false).map_err(|error| match error {
                NotStarted::Refused(error) => error,
                NotStarted::NoNamespaces(reason) => {
                    StageError::step("starting a process")(io::Error::other(reason))
                }
            })
        }
    }
}

fn missing_layer(layer: Layer) -> String {
    format!(
        "the layer `{}` is required, but this machine does not give it{ASK_DOCTOR}",
        layer.name()
    )
}

/// The socket between the runner and the shim: no descriptor can be sent through it.
fn channel() -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) = sockets()?;
    refuse_descriptors(&ours)?;
    refuse_descriptors(&theirs)?;
    Ok((ours, theirs))
}

fn sockets() -> io::Result<(OwnedFd, OwnedFd)> {
    let (family, kind) = (AddressFamily::Unix, SockType::Stream);
    Ok(socketpair(family, kind, None, SockFlag::SOCK_CLOEXEC)?)
}
