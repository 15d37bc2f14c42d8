//! What the runner and the *stage* say to each other: the process that builds a bundle's jail,
//! starts the shim in it, and stays outside to watch it.
//!
//! Both sides are trusted; the stage never runs code of a bundle. The frames are those of
//! [`crate::frame`], without payloads. The runner sends one [`ToStage`]; the stage answers with
//! [`FromStage::Started`] or [`FromStage::Refused`], and says at the end how the shim ended. The
//! end of this stream is also the stage's sign that the runner is gone.

use crate::limits::HEAD_BYTES_MAX;
use crate::policy::Policy;
use crate::text::ForeignText;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How a refusal for want of a feature ends.
pub const ASK_DOCTOR: &str = "; `wrun doctor` says what to do";

/// From the runner to the stage. The payload of the frame holds the [`JailSpec`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToStage {
    /// Build this jail and start the shim in it.
    Jail,
}

/// The jail to build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JailSpec {
    /// Name of the bundle, for messages.
    pub bundle: String,
    /// Limits and grants.
    pub policy: Policy,
    /// Layers without which the bundle must not start, beside those that are always mandatory.
    pub required: Vec<Layer>,
    /// Refuse, or only look on. See [`Purpose`].
    pub purpose: Purpose,
}

/// What the jail is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// To keep the bundle in.
    #[default]
    Confine,
    /// To find out what the bundle would have to be granted. It reaches what its user reaches: only
    /// for bundles that are trusted, and only on the operator's word.
    Learn,
}

/// From the stage to the runner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromStage {
    /// The jail is built and the shim runs in it. Two descriptors travel with this message: a pidfd
    /// of the shim, and the runner's end of the channel to it.
    Started {
        /// The layers that are in force.
        layers: Layers,
    },
    /// The jail could not be built; nothing of the bundle has run.
    Refused {
        /// Which step failed, and what to do.
        text: ForeignText,
    },
    /// The library made a call that was refused, or, in [`Purpose::Learn`], that would need a grant.
    /// Each is reported once.
    Noticed(Notice),
    /// The shim has ended, and everything that it started with it.
    Ended(Ending),
}

/// A call that needs a grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Notice {
    /// Name of the system call.
    pub call: String,
    /// What it was about, as far as it is known: a path, a destination. The library's own words.
    pub about: Option<String>,
    /// The grant that would allow it, as it is written behind the bundle's name: `read=/etc/x`.
    /// None if nothing allows it.
    pub grant: Option<String>,
}

impl std::fmt::Display for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.about {
            Some(about) => write!(f, "{}({})", self.call, ForeignText::new(about.as_str())),
            None => f.write_str(&self.call),
        }
    }
}

/// How the shim ended, as the kernel told its parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// Exit code, or signal.
    pub status: Status,
    /// The system call that ended it, if one did and the stage could look.
    pub violation: Option<Violation>,
    /// Where it was when it crashed, if it did and the stage could look.
    pub crash: Option<Crash>,
    /// What it had used up.
    pub usage: Usage,
}

/// Exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// It left by itself with this code.
    Exited(i32),
    /// A signal killed it.
    Signaled(i32),
}

/// A system call that no grant allows, as the kernel shows it from outside: the library cannot
/// forge it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// Its number on this machine.
    pub number: u64,
    /// Its name, if the stage knows one.
    pub name: Option<String>,
    /// Its arguments: registers, not what they point to.
    pub args: [u64; 6],
}

/// Where a process was when it crashed, innermost function first.
///
/// The process was the library's: it may have written into the list what it liked. It is told to
/// people and decides nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crash {
    /// Who looked.
    pub collected: Collected,
    /// At most [`CRASH_FRAMES_MAX`].
    pub frames: Vec<CrashFrame>,
}

/// Who found out where a process crashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Collected {
    /// The process itself, in a handler of the signal: the whole way, as it claims.
    Inside,
    /// The stage, from the registers, and as far as there were frame pointers.
    Outside,
}

/// One function on the way to a crash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrashFrame {
    /// File name of the library or program, without its folder, at most [`MODULE_BYTES_MAX`] bytes.
    /// None for an address where no file is mapped.
    pub module: Option<String>,
    /// In the module: an address as its own symbol table counts, of a byte of the instruction that
    /// crashed or called. Without a module: the address itself.
    pub offset: u64,
}

/// Most frames of a [`Crash`].
pub const CRASH_FRAMES_MAX: usize = 32;

/// Longest name of a module, in bytes.
pub const MODULE_BYTES_MAX: usize = 96;

/// What a process had used up, as the kernel counts it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Time on processors, of all its threads, for itself and in the kernel.
    pub cpu: Duration,
    /// Most address space that it had at a time, in bytes, if the stage could see that.
    pub memory_peak: Option<u64>,
    /// Threads that it had when a fatal signal arrived, or at its end, if the stage could see that.
    pub threads: Option<u32>,
}

/// A layer of the jail that may be missing on some machines. The mandatory ones (system call
/// filters, limits, no new privileges, descriptors and environment) are not listed: without them
/// nothing starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Layer {
    /// A user namespace of its own, with namespaces for processes, network, IPC, host name and
    /// cgroups.
    Namespaces,
    /// A file system of its own that holds nothing but what was granted. Comes with `Namespaces`.
    Root,
    /// Landlock: files, TCP ports, signals, abstract sockets.
    Landlock,
    /// Memory that was writable never becomes executable (`PR_SET_MDWE`).
    Mdwe,
    /// A user id of its own. Only root can give one.
    Uid,
}

impl Layer {
    /// All of them, in the order in which they are put up.
    pub const ALL: [Self; 5] =
        [Self::Uid, Self::Namespaces, Self::Root, Self::Mdwe, Self::Landlock];

    /// Its name on a command line and in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::Root => "root",
            Self::Landlock => "landlock",
            Self::Mdwe => "mdwe",
            Self::Uid => "uid",
        }
    }
}

/// The optional layers that are in force.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layers {
    /// [`Layer::Namespaces`].
    pub namespaces: bool,
    /// [`Layer::Root`].
    pub root: bool,
    /// Version of Landlock's interface; 0 without it.
    pub landlock: u8,
    /// [`Layer::Mdwe`].
    pub mdwe: bool,
    /// [`Layer::Uid`].
    pub uid: bool,
    /// Filters that the stage installed before the shim was executed.
    pub filters: u8,
}

impl Layers {
    /// Whether `layer` is in force.
    pub fn has(self, layer: Layer) -> bool {
        match layer {
            Layer::Namespaces => self.namespaces,
            Layer::Root => self.root,
            Layer::Landlock => self.landlock > 0,
            Layer::Mdwe => self.mdwe,
            Layer::Uid => self.uid,
        }
    }
}

// The largest report carries one text, or one crash: each number takes at most ten bytes.
const _: () = assert!(crate::limits::TEXT_BYTES_MAX + 256 < HEAD_BYTES_MAX);
const _: () = assert!(CRASH_FRAMES_MAX * (MODULE_BYTES_MAX + 2 + 10) + 256 < HEAD_BYTES_MAX);
