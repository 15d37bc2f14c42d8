//! S3: what a bundle's process can reach by a path, as a list. With a root of its own each entry is
//! a mount; Landlock has a rule for each in any case.

use super::StageError;
use super::closure::{LIBC, standard};
use crate::native::sys::jail::MountAttributes;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{SFlag, fstat};
use protocol::message::BUNDLE_ROOT;
use protocol::policy::Access;
use protocol::stage::JailSpec;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

/// What may be done with a file or a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Map it as code, and read it.
    Library,
    /// The bundle itself: read, list, map as code.
    Bundle,
    /// Read and list.
    Read,
    /// Read, write, make, remove.
    Write,
    /// Open, read, write, control a device.
    Device,
    /// Connect to a socket.
    Socket,
}

/// Something that can be reached.
#[derive(Debug)]
pub struct Mount {
    /// Where it is on the host, links resolved.
    pub source: PathBuf,
    /// Where it is in a root of its own.
    pub target: PathBuf,
    /// What may be done with it.
    pub usage: Use,
    is_folder: bool,
    /// Device and inode, as they were when the list was made.
    identity: (u64, u64),
    /// The mount, if it was made beforehand.
    pub tree: Option<OwnedFd>,
}

impl Mount {
    pub(crate) fn new(source: &Path, target: &Path, usage: Use) -> io::Result<Self> {
        let mut mount = Self {
            source: source.to_owned(),
            target: target.to_owned(),
            usage,
            is_folder: false,
            identity: (0, 0),
            tree: None,
        };
        let status = fstat(&open_exactly(source)?)?;
        let kind = SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT;
        mount.is_folder = kind == SFlag::S_IFDIR;
        mount.identity = (status.st_dev, status.st_ino);
        Ok(mount)
    }

    /// Opens the place without rights to read or write.
    ///
    /// # Errors
    /// Also if a link or another file has been put in its place since the list was made.
    pub fn open(&self) -> io::Result<OwnedFd> {
        let place = open_exactly(&self.source)?;
        let status = fstat(&place)?;
        if (status.st_dev, status.st_ino) != self.identity {
            return Err(io::Error::other("it was replaced by another file"));
        }
        Ok(place)
    }

    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        self.is_folder
    }

    /// How the mount is restricted, whatever the mount on the host allows.
    pub(crate) fn attributes(&self) -> MountAttributes {
        MountAttributes {
            read_only: matches!(self.usage, Use::Library | Use::Bundle | Use::Read),
            no_exec: !matches!(self.usage, Use::Library | Use::Bundle),
            no_devices: self.usage != Use::Device,
        }
    }
}

/// Opens a path that has no links in it.
fn open_exactly(path: &Path) -> io::Result<OwnedFd> {
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    Ok(openat2(AT_FDCWD, path, how)?)
}

/// Everything, parents before what lies in them.
///
/// # Errors
/// [`StageError`] names what is not there.
pub(super) fn all(spec: &JailSpec, bundle: &OwnedFd) -> Result<Vec<Mount>, StageError> {
    let grants = &spec.policy.grants;
    let mut mounts = Vec::new();
    let mut add = |source: &Path, target: &Path, usage| {
        let step = || format!("looking at {}", source.display());
        mounts.push(Mount::new(source, target, usage).map_err(StageError::step(step()))?);
        Ok(())
    };
    let closure = standard().map_err(StageError::step("finding the C library"))?;
    for library in &closure {
        add(&library.file, &library.path, Use::Library)?;
    }
    let libc = closure.iter().find(|library| library.path.ends_with(LIBC));
    let libc_folder = libc.and_then(|libc| libc.path.parent()).map(Path::to_owned);
    for library in &grants.libraries {
        let path = in_real_folder(Path::new(&library.path));
        add(Path::new(&library.file), &path, Use::Library)?;
        // The cache that tells the dynamic linker of further folders is not in the jail.
        if let (Some(folder), Some(name)) = (&libc_folder, path.file_name()) {
            let beside = folder.join(name);
            if beside != path && !beside.exists() {
                add(Path::new(&library.file), &beside, Use::Library)?;
            }
        }
    }
    add(&directory(bundle)?, Path::new(BUNDLE_ROOT), Use::Bundle)?;
    for tree in &grants.trees {
        let usage = if tree.access == Access::Write { Use::Write } else { Use::Read };
        add(Path::new(&tree.path), Path::new(&tree.path), usage)?;
    }
    for device in &grants.devices {
        add(Path::new(device), Path::new(device), Use::Device)?;
    }
    for socket in &grants.sockets {
        add(Path::new(socket), Path::new(socket), Use::Socket)?;
    }
    mounts.sort_by(|a, b| a.target.cmp(&b.target));
    mounts.dedup_by(|a, b| a.target == b.target && a.usage == b.usage);
    Ok(mounts)
}

/// The path with the links of its folder resolved, but not the file's own: that is the name by
/// which it is loaded.
fn in_real_folder(path: &Path) -> PathBuf {
    match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

/// The path of the bundle's directory, which the runner has opened.
fn directory(bundle: &OwnedFd) -> Result<PathBuf, StageError> {
    let link = format!("/proc/self/fd/{}", bundle.as_raw_fd());
    let failed = || StageError::step("finding the bundle's directory");
    let path = std::fs::read_link(link).map_err(failed())?;
    // The name is only a name: what is there now must be what was opened.
    let same = |place: &OwnedFd| -> io::Result<bool> {
        let (there, here) = (fstat(place)?, fstat(bundle)?);
        Ok((there.st_dev, there.st_ino) == (here.st_dev, here.st_ino))
    };
    match open_exactly(&path).and_then(|place| same(&place)) {
        Ok(true) => Ok(path),
        Ok(false) => Err(failed()(io::Error::other("it was moved or replaced meanwhile"))),
        Err(error) => Err(failed()(error)),
    }
}
