//! What one bundle's process may do: limits, and what the operator granted.
//!
//! The runner writes a [`Policy`]; the process that builds the jail applies it before any code of
//! the bundle runs. A bundle that was granted nothing computes, and that is all.

use serde::{Deserialize, Serialize};

/// What one bundle's process may do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// How much it may use.
    pub limits: Limits,
    /// What it may reach.
    pub grants: Grants,
}

/// How much a bundle's process may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Address space, in bytes (`RLIMIT_AS`).
    pub memory_bytes: u64,
    /// Processor time, in seconds (`RLIMIT_CPU`); the kernel sends SIGXCPU at the end of
    /// it, and kills a second later.
    pub cpu_seconds: u64,
    /// Threads that the library may start. 0 takes away the system call as well.
    pub threads: u32,
    /// Descriptors that may be open, its own four included (`RLIMIT_NOFILE`). Without grants no
    /// system call makes new ones.
    pub descriptors: u64,
    /// Largest file that may be written, in bytes (`RLIMIT_FSIZE`).
    pub file_bytes: u64,
    /// Size of a private, empty, writable `/tmp` in memory, in bytes; 0 is none.
    pub scratch_bytes: u64,
    /// How much of its standard error is shown, in bytes. The rest is counted and dropped.
    pub stderr_bytes: u64,
}

impl Default for Limits {
    /// Enough for a codec, too little to hurt the machine.
    fn default() -> Self {
        Self {
            memory_bytes: 1 << 30,
            cpu_seconds: 3600,
            threads: 0,
            descriptors: 64,
            file_bytes: 64 << 20,
            scratch_bytes: 0,
            stderr_bytes: 1 << 20,
        }
    }
}

/// What a bundle's process may reach, each entry by the operator's word. All paths are absolute,
/// without links, `.` and `..`, and mean the same inside the jail as outside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// Files and trees of files.
    pub trees: Vec<Tree>,
    /// Shared libraries that the bundle loads in its `init`, with everything that they need.
    pub libraries: Vec<Library>,
    /// Device nodes to open, read, write and control.
    pub devices: Vec<String>,
    /// TCP destinations.
    pub connect: Vec<Destination>,
    /// Unix sockets, by their path.
    pub sockets: Vec<String>,
}

/// A file, or a folder with everything beneath it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// Where it is.
    pub path: String,
    /// What may be done there.
    pub access: Access,
}

/// What may be done with a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Access {
    /// Open files and list folders.
    Read,
    /// Also write, create, rename and remove. Never execute.
    Write,
}

/// A shared library, or one that another needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Library {
    /// The file on the host, links resolved.
    pub file: String,
    /// The path by which it is loaded: that of the grant, or where the dynamic linker looks.
    pub path: String,
}

/// What every jail has whatever was granted, beside the dynamic linker: the run-time libraries of C,
/// C++ and Rust, by the names that other libraries ask for. The last three are empty since glibc
/// 2.34, and old libraries still ask for them. One that a machine lacks is left out.
pub const STANDARD_LIBRARIES: [&str; 7] = [
    "libc.so.6",
    "libgcc_s.so.1",
    "libm.so.6",
    "libstdc++.so.6",
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
];

/// A TCP destination.
///
/// The kernel enforces the port. The addresses are what the name meant when the run began; they
/// are the only names that can be resolved inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// Name or address, as it was granted.
    pub host: String,
    /// Its addresses.
    pub addresses: Vec<std::net::IpAddr>,
    /// The port.
    pub port: u16,
}

/// Sets of system calls, one for each kind of grant, each added to what computing needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profiles {
    /// Start threads.
    pub threads: bool,
    /// Open, read, write and arrange files.
    pub files: bool,
    /// Make and use connections.
    pub network: bool,
    /// Control devices.
    pub devices: bool,
    /// Load further libraries in `init`.
    pub libraries: bool,
}

impl Policy {
    /// What the grants need.
    pub fn profiles(&self) -> Profiles {
        let Grants { trees, libraries, devices, connect, sockets } = &self.grants;
        Profiles {
            threads: self.limits.threads > 0,
            files: !trees.is_empty() || !devices.is_empty() || self.limits.scratch_bytes > 0,
            network: !connect.is_empty() || !sockets.is_empty(),
            devices: !devices.is_empty(),
            libraries: !libraries.is_empty(),
        }
    }
}

impl Profiles {
    /// Nothing but computing.
    pub const COMPUTE: Self =
        Self { threads: false, files: false, network: false, devices: false, libraries: false };

    /// All of them, each with the name that is shown to an operator.
    pub fn named(self) -> [(&'static str, bool); 5] {
        [
            ("threads", self.threads),
            ("files", self.files),
            ("network", self.network),
            ("devices", self.devices),
            ("libraries", self.libraries),
        ]
    }
}

impl std::fmt::Display for Profiles {
    /// `compute`, `compute+threads+files`, …
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("compute")?;
        self.named()
            .into_iter()
            .filter(|(_, on)| *on)
            .try_for_each(|(name, _)| write!(f, "+{name}"))
    }
}
