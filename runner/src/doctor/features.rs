//! What each feature is for: how much is lost without it, in which words.

use protocol::probe::Feature;

/// How much a jail needs a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Without it no bundle is started.
    Mandatory,
    /// One of the two walls around files: Landlock. The other may do.
    Wall,
    /// Part of the other wall: a root of its own. Landlock may do.
    OwnRoot,
    /// The jail is weaker without it.
    Strength,
    /// As above, for root.
    Root,
    /// No jail is weaker without it.
    Nothing,
}

use Need::{Mandatory, Nothing, OwnRoot, Root, Strength, Wall};

/// All of them must be there, or the stage makes no namespaces at all.
pub(super) const OWN_ROOT: [Feature; 9] = [
    Feature::UserNamespace,
    Feature::MountNamespace,
    Feature::PidNamespace,
    Feature::NetworkNamespace,
    Feature::IpcNamespace,
    Feature::UtsNamespace,
    Feature::CgroupNamespace,
    Feature::Tmpfs,
    Feature::MountApi,
];

const REFUSED: &str = "no bundle is started";
const ALL_OR_NONE: &str = "namespaces are made all together or not at all";

/// What is lost without a feature.
pub(super) const ABOUT: [(Feature, Need, &str); 28] = [
    (
        Feature::NoNewPrivs,
        Mandatory,
        "a bundle could gain privileges by executing a program: no bundle is started",
    ),
    (
        Feature::Seccomp,
        Mandatory,
        "every system call would be open to a bundle: no bundle is started",
    ),
    (
        Feature::SeccompTsync,
        Mandatory,
        "threads of a bundle could escape the last filter: no bundle is started",
    ),
    (
        Feature::SeccompKillProcess,
        Mandatory,
        "a violation would end one thread of a bundle, not all: no bundle is started",
    ),
    (
        Feature::SeccompCount,
        Mandatory,
        "a bundle could pretend to have its filters: no bundle is started",
    ),
    (Feature::Proc, Mandatory, "nobody could see that a bundle is confined: no bundle is started"),
    (Feature::Pidfd, Mandatory, REFUSED),
    (Feature::Openat2, Mandatory, REFUSED),
    (Feature::CloseRange, Mandatory, REFUSED),
    (
        Feature::Landlock,
        Wall,
        "files, signals and abstract sockets have one wall less; without namespaces too, no \
         bundle is started",
    ),
    (
        Feature::UserNamespace,
        OwnRoot,
        "a bundle sees the file system, the processes and the network of the machine; only the \
         filters and Landlock keep it from them",
    ),
    (Feature::MountNamespace, OwnRoot, ALL_OR_NONE),
    (Feature::PidNamespace, OwnRoot, ALL_OR_NONE),
    (Feature::NetworkNamespace, OwnRoot, ALL_OR_NONE),
    (Feature::IpcNamespace, OwnRoot, ALL_OR_NONE),
    (Feature::UtsNamespace, OwnRoot, ALL_OR_NONE),
    (Feature::CgroupNamespace, OwnRoot, ALL_OR_NONE),
    (Feature::Tmpfs, OwnRoot, "a bundle has no root of its own, and no namespaces"),
    (Feature::MountApi, OwnRoot, "a bundle has no root of its own, and no namespaces"),
    (
        Feature::PrivateUid,
        Root,
        "bundles run with the user id of wrun, and the number of their threads has no limit \
         outside of namespaces",
    ),
    (Feature::IdMappedMounts, Nothing, "bundles of root get no files that only root may read"),
    (Feature::Mdwe, Strength, "only the filters keep memory of a bundle from becoming executable"),
    (
        Feature::Mseal,
        Strength,
        "a bundle could put another filter in the place of the last, and keep the rights to load",
    ),
    (Feature::Ptrace, Nothing, "a system call that ends a bundle is reported without its name"),
    (
        Feature::SeccompListener,
        Nothing,
        "system calls that a bundle is refused are not reported, and what it needs cannot be learned",
    ),
    (
        Feature::PassRights,
        Nothing,
        "descriptors that a bundle sends are dropped when they arrive, not refused",
    ),
    (Feature::MemfdSeals, Nothing, "nothing: not used yet"),
    (Feature::Cgroups, Nothing, "nothing: not used yet, limits are those of processes"),
];
