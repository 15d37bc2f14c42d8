//! T2: a root of its own, in memory and read-only, that holds the dynamic linker's libraries, the
//! bundle, and the granted trees at their own paths. No `/proc`, no `/sys`, no `/dev`.

use super::ConfineError;
use crate::native::sys::jail::{attach_mount, detached_copy, restrict_mount};
use crate::stage::closure::LINKED_FOLDERS;
use crate::stage::mounts::Mount;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat, openat2};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{chdir, fchdir, pivot_root, symlinkat};
use protocol::policy::Policy;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

const LAYER: &str = "root";

/// Where a bundle with scratch space has it.
pub(super) const SCRATCH: &str = "/tmp";
/// The names that a bundle with a network grant can resolve.
pub(super) const HOSTS: &str = "/etc/hosts";

/// Folders that every system has, one of which is covered by the new root while it is built.
const COVERED: [&str; 4] = ["/tmp", "/dev", "/run", "/etc"];

/// Room for mount points and nothing else.
const OPTIONS: &str = "mode=0755,size=1m,nr_inodes=4096";

/// Builds it and goes there; the old root is gone afterwards.
pub(super) fn build(mounts: &[Mount], policy: &Policy) -> Result<(), ConfineError> {
    let at = |step: &'static str| ConfineError::at::<nix::Error>(LAYER, step);
    make_private().map_err(at("making mounts private"))?;
    forbid_namespaces();
    // All sources are opened before one of them is covered.
    let trees = mounts.iter().map(tree).collect::<Result<Vec<_>, _>>()?;
    let root = new_root().map_err(at("mounting an empty root"))?;
    fchdir(&root).map_err(at("entering it"))?;
    link_folders(&root).map_err(at("linking folders"))?;
    for (mount, tree) in mounts.iter().zip(trees) {
        let attach = || {
            let place = make_place(&root, &mount.target, mount.is_folder())?;
            attach_mount(tree, place)
        };
        let step = format!("mounting {}", mount.target.display());
        attach().map_err(ConfineError::at(LAYER, step))?;
    }
    own_files(&root, policy)?;
    pivot_root(".", ".").map_err(at("changing the root"))?;
    umount2(".", MntFlags::MNT_DETACH).map_err(at("leaving the old root"))?;
    // Without it the working directory would still be outside.
    chdir("/").map_err(at("entering the root"))?;
    let closed = MsFlags::MS_REMOUNT
        | MsFlags::MS_BIND
        | MsFlags::MS_RDONLY
        | MsFlags::MS_NOSUID
        | MsFlags::MS_NODEV
        | MsFlags::MS_NOEXEC;
    mount(None::<&str>, "/", None::<&str>, closed, None::<&str>).map_err(at("making it read-only"))
}

/// No further user namespaces inside this one: a third lock beside the filter and the missing
/// capabilities. Where `/proc/sys` is read-only, as in containers, the other two stand.
fn forbid_namespaces() {
    let _ = std::fs::write("/proc/sys/user/max_user_namespaces", "0");
}

fn tree(mount: &Mount) -> Result<OwnedFd, ConfineError> {
    let step = || format!("opening {}", mount.source.display());
    let make = || {
        if let Some(tree) = &mount.tree {
            return tree.try_clone();
        }
        let tree = detached_copy(mount.open()?, mount.is_folder())?;
        restrict_mount(&tree, mount.attributes(), None)?;
        Ok(tree)
    };
    make().map_err(ConfineError::at(LAYER, step()))
}

/// What is mounted from here on is not seen outside.
pub(crate) fn make_private() -> nix::Result<()> {
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>)
}

/// An empty file system in memory, over a folder that every system has.
pub(crate) fn new_root() -> nix::Result<OwnedFd> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    let mut result = Err(Errno::ENOENT);
    for place in COVERED {
        result = mount(Some("wrun"), place, Some("tmpfs"), flags, Some(OPTIONS)).and_then(|()| {
            open(place, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
        });
        if !matches!(result, Err(Errno::ENOENT | Errno::ENOTDIR)) {
            break;
        }
    }
    result
}

/// `/lib` and its like are links on most systems, and libraries are looked for through them.
fn link_folders(root: &OwnedFd) -> nix::Result<()> {
    for folder in LINKED_FOLDERS {
        let path = Path::new(folder);
        if let (Ok(target), Some(name)) = (std::fs::read_link(path), path.file_name()) {
            symlinkat(&target, root, name)?;
        }
    }
    Ok(())
}

/// Opens the place for a mount, and makes it if it is not there. No link is followed on the way: a
/// granted tree, in which a bundle can write, may be the parent.
fn make_place(root: &OwnedFd, target: &Path, is_folder: bool) -> io::Result<OwnedFd> {
    let mut place = root.try_clone()?;
    let mut names = target.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name),
        _ => None,
    });
    let Some(mut name) = names.next() else { return Ok(place) };
    loop {
        let next = names.next();
        let here = if next.is_some() || is_folder {
            match mkdirat(&place, name, Mode::from_bits_truncate(0o755)) {
                Ok(()) | Err(Errno::EEXIST) => {}
                // On a read-only tree it is there already, or cannot be made.
                Err(Errno::EROFS | Errno::EACCES) => {}
                Err(errno) => return Err(errno.into()),
            }
            step(&place, name, OFlag::O_DIRECTORY)
        } else {
            let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
            // Whatever it says: what counts is whether there is something to mount on.
            let _ = openat(&place, name, flags, Mode::from_bits_truncate(0o644));
            step(&place, name, OFlag::empty())
        }?;
        place = here;
        match next {
            Some(next) => name = next,
            None => return Ok(place),
        }
    }
}

fn step(place: &OwnedFd, name: &std::ffi::OsStr, kind: OFlag) -> io::Result<OwnedFd> {
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_CLOEXEC | kind)
        .resolve(ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_BENEATH);
    Ok(openat2(place, name, how)?)
}

/// Scratch space and the names of granted destinations.
fn own_files(root: &OwnedFd, policy: &Policy) -> Result<(), ConfineError> {
    if policy.limits.scratch_bytes > 0 {
        let place = make_place(root, Path::new(SCRATCH), true);
        place.map_err(ConfineError::at(LAYER, "making scratch space"))?;
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        let options = format!("mode=0700,size={},nr_inodes=65536", policy.limits.scratch_bytes);
        mount(Some("wrun"), "./tmp", Some("tmpfs"), flags, Some(options.as_str()))
            .map_err(ConfineError::at(LAYER, "mounting scratch space"))?;
    }
    let destinations = &policy.grants.connect;
    if !destinations.is_empty() {
        let mut text = String::from("127.0.0.1 localhost\n::1 localhost\n");
        for destination in destinations {
            for address in &destination.addresses {
                text.push_str(&format!("{address} {}\n", destination.host));
            }
        }
        let write = || {
            make_place(root, Path::new("/etc"), true)?;
            std::fs::File::create("./etc/hosts")?.write_all(text.as_bytes())
        };
        write().map_err(ConfineError::at(LAYER, "writing /etc/hosts"))?;
    }
    Ok(())
}
