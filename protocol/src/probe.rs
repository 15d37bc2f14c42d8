//! What `adapter-shim --probe` tells of a machine: one [`Report`], in postcard, on its standard
//! output.
//!
//! It is written and read by programs of one release; `wrun doctor` compares versions before it
//! asks. A report explains. What the machine really gives is seen by building a jail.

use serde::{Deserialize, Serialize};

/// Everything that was found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Release of the kernel.
    pub kernel: String,
    /// Architecture, as Rust names it.
    pub machine: String,
    /// Whether the process runs as root, in whichever namespace.
    pub is_root: bool,
    /// One for each of [`Feature::ALL`], in that order.
    pub findings: Vec<Finding>,
    /// Settings of the kernel that can take features away, as far as they can be read.
    pub settings: Vec<Setting>,
    /// A shared library that every machine has and that does nothing when it is loaded: what a
    /// rehearsal can use in place of a bundle's.
    pub library: Option<String>,
}

/// What was found out about one feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which one.
    pub feature: Feature,
    /// Whether it is there.
    pub found: Found,
}

/// Whether a feature is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Found {
    /// It was used, and worked. The text says more, or nothing.
    Yes(String),
    /// It was tried, and did not work.
    No(Trouble),
    /// It was not tried, for this reason.
    Untried(String),
}

/// Why something did not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// The system's number for the error; 0 if it is not the system's.
    pub errno: i32,
    /// In words.
    pub reason: String,
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self { errno: error.raw_os_error().unwrap_or(0), reason: error.to_string() }
    }
}

/// A setting of the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Its name, as `sysctl` knows it; `lsm` is the list of security modules.
    pub name: String,
    /// Its value.
    pub value: String,
}

macro_rules! features {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What a jail is made of, and what watching it takes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Feature {
            $($(#[$doc])* $variant,)*
        }

        impl Feature {
            /// All of them, in the order in which they are shown.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name, for people and for programs: it does not change.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

features! {
    /// Executing a program gives no privileges.
    NoNewPrivs = "no-new-privs",
    /// All filters of a shim, installed on a process that loads nothing.
    Seccomp = "seccomp",
    /// A filter can be put on every thread at once.
    SeccompTsync = "seccomp-tsync",
    /// A filter can end the whole process.
    SeccompKillProcess = "seccomp-kill-process",
    /// The kernel shows how many filters a process has.
    SeccompCount = "seccomp-count",
    /// `/proc` shows the status of other processes.
    Proc = "proc",
    /// A process can be started, named and killed by descriptor.
    Pidfd = "pidfd",
    /// Paths can be opened without following links.
    Openat2 = "openat2",
    /// Descriptors can be closed by range.
    CloseRange = "close-range",
    /// Landlock, in a version that knows truncation.
    Landlock = "landlock",
    /// A user namespace can be made, and gives its rights.
    UserNamespace = "user-namespaces",
    /// A mount namespace in it.
    MountNamespace = "mount-namespaces",
    /// A process namespace in it.
    PidNamespace = "pid-namespaces",
    /// A network namespace in it.
    NetworkNamespace = "network-namespaces",
    /// An IPC namespace in it.
    IpcNamespace = "ipc-namespaces",
    /// A host name namespace in it.
    UtsNamespace = "uts-namespaces",
    /// A cgroup namespace in it.
    CgroupNamespace = "cgroup-namespaces",
    /// A file system in memory, mounted in a mount namespace in it.
    Tmpfs = "tmpfs",
    /// Mounts by descriptor: copies, and attributes of them.
    MountApi = "mount-api",
    /// A user id that no other process has.
    PrivateUid = "private-uid",
    /// Mounts that translate user ids.
    IdMappedMounts = "idmapped-mounts",
    /// Memory that was writable never becomes executable.
    Mdwe = "mdwe",
    /// Memory that nobody can change or move.
    Mseal = "mseal",
    /// A child can be traced.
    Ptrace = "ptrace",
    /// A process can hear of the calls that a filter refuses another.
    SeccompListener = "seccomp-listener",
    /// A socket can refuse descriptors.
    PassRights = "pass-rights",
    /// Shared memory that cannot shrink under its reader.
    MemfdSeals = "memfd-seals",
    /// A cgroup in which children can be limited.
    Cgroups = "cgroups",
}

impl Report {
    /// What was found out about `feature`.
    pub fn found(&self, feature: Feature) -> Option<&Found> {
        self.findings.iter().find(|finding| finding.feature == feature).map(|f| &f.found)
    }

    /// Whether `feature` is there.
    pub fn has(&self, feature: Feature) -> bool {
        matches!(self.found(feature), Some(Found::Yes(_)))
    }

    /// The value of a setting.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|setting| setting.name == name).map(|s| s.value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_for_command_lines_and_each_is_used_once() {
        let names: std::collections::BTreeSet<_> = Feature::ALL.iter().map(|f| f.name()).collect();
        assert_eq!(names.len(), Feature::ALL.len());
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(names.iter().all(|name| name.chars().all(plain)), "{names:?}");
    }
}
