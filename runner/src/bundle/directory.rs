//! A bundle's directory: opened once, and everything else read beneath it.
//!
//! Files are opened with `openat2(2)`, so no `..`, no symbolic link and no mount trick leads out of
//! the directory, and replacing the path afterwards changes nothing.

use super::path::RelativePath;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::sys::stat::Mode;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// Most entries of one folder that are looked at.
pub const ENTRIES_MAX: usize = 4096;

/// A file in a bundle that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {fault}")]
pub struct FileError {
    /// Which file, relative to the bundle.
    pub path: RelativePath,
    /// What is wrong with it.
    pub fault: FileFault,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileFault {
    /// It does not exist.
    #[error("there is no such file or folder")]
    NotFound,
    /// It, or a folder on the way to it, is a symbolic link.
    #[error("it is a symbolic link, or lies behind one")]
    Link,
    /// It is something else than a plain file.
    #[error("it is not a plain file")]
    NotAFile,
    /// It is something else than a folder.
    #[error("it is not a folder")]
    NotAFolder,
    /// It is longer than allowed.
    #[error("it is larger than the {max} bytes that are allowed")]
    TooLarge {
        /// The cap, in bytes.
        max: u64,
    },
    /// It holds bytes that are not UTF-8.
    #[error("it is not UTF-8 text")]
    NotText,
    /// It has a name that is not UTF-8, or not one that a bundle may use.
    #[error("it holds a file whose name cannot be used: {0}")]
    Name(String),
    /// A folder with more than [`ENTRIES_MAX`] entries.
    #[error("it holds more than {ENTRIES_MAX} files")]
    TooMany,
    /// The kernel has no `openat2(2)`.
    #[error("this kernel lacks openat2(2), which keeps reads inside the bundle")]
    Kernel,
    /// Any other failure.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl FileFault {
    /// What to do about it.
    pub(super) fn help(&self) -> &'static str {
        match self {
            Self::NotFound => {
                "build the bundle again (`wrun bundle pack`), or correct the path in bundle.toml"
            }
            Self::Link => "put a copy of the file there: a bundle holds its files itself",
            Self::NotAFile | Self::NotAFolder => {
                "put the right thing there, or correct bundle.toml"
            }
            Self::TooLarge { .. } | Self::TooMany => "remove what does not belong into the bundle",
            Self::NotText => "save the file as UTF-8",
            Self::Name(_) => "rename or remove that file",
            Self::Kernel => "run on Linux 5.6 or newer, and outside sandboxes that forbid openat2",
            Self::Io(_) => "see that the file can be read by this user",
        }
    }
}

/// A directory, held open.
#[derive(Debug)]
pub struct Directory {
    fd: OwnedFd,
}

/// An entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Path relative to the bundle.
    pub path: RelativePath,
    /// Last component of the path.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
}

impl Directory {
    /// Opens the directory at `path`, which may be reached through links.
    ///
    /// # Errors
    /// Those of `open(2)`; `ENOTDIR` if it is not a directory.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(Self { fd: open(path, flags, Mode::empty())? })
    }

    /// The descriptor, opened with `O_PATH`.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Opens a plain file for reading.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn file(&self, path: &RelativePath) -> Result<File, FileError> {
        self.try_file(path).map_err(|fault| FileError { path: path.clone(), fault })
    }

    /// Reads a text file of at most `max` bytes.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read_text(&self, path: &RelativePath, max: u64) -> Result<String, FileError> {
        let read = || {
            let mut bytes = Vec::new();
            // One byte more than allowed, to tell "exactly full" from "too long".
            self.try_file(path)?.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
            if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > max {
                return Err(FileFault::TooLarge { max });
            }
            String::from_utf8(bytes).map_err(|_| FileFault::NotText)
        };
        read().map_err(|fault| FileError { path: path.clone(), fault })
    }

    /// The entries of a folder, sorted by name. Entries that are links count as files.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn list(&self, path: &RelativePath) -> Result<Vec<Entry>, FileError> {
        self.try_list(path).map_err(|fault| FileError { path: path.clone(), fault })
    }

    fn try_file(&self, path: &RelativePath) -> Result<File, FileFault> {
        // Not blocking: somebody may have put a FIFO there.
        let file = File::from(self.beneath(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK)?);
        if file.metadata()?.is_file() { Ok(file) } else { Err(FileFault::NotAFile) }
    }

    fn try_list(&self, path: &RelativePath) -> Result<Vec<Entry>, FileFault> {
        let fd = self.beneath(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY)?;
        let mut folder = Dir::from_fd(fd).map_err(io::Error::from)?;
        let mut entries = Vec::new();
        for entry in folder.iter() {
            let entry = entry.map_err(io::Error::from)?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            if entries.len() == ENTRIES_MAX {
                return Err(FileFault::TooMany);
            }
            let shown =
                || FileFault::Name(String::from_utf8_lossy(name).escape_debug().to_string());
            let name = std::str::from_utf8(name).map_err(|_| shown())?;
            let path = path.join(name).map_err(|_| shown())?;
            let is_folder = match entry.file_type() {
                Some(kind) => kind == nix::dir::Type::Directory,
                // Some file systems do not tell.
                None => self.beneath(&path, OFlag::O_PATH | OFlag::O_DIRECTORY).is_ok(),
            };
            entries.push(Entry { name: name.to_owned(), path, is_folder });
        }
        entries.sort();
        Ok(entries)
    }

    fn beneath(&self, path: &RelativePath, flags: OFlag) -> Result<OwnedFd, FileFault> {
        let how = OpenHow::new()
            .flags(flags | OFlag::O_CLOEXEC | OFlag::O_NOCTTY)
            .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS);
        // The kernel answers EAGAIN when it could not rule out a concurrent rename. Somebody who
        // renames without end shall not keep the runner here.
        let mut tries_left = 128;
        loop {
            tries_left -= 1;
            return match openat2(&self.fd, path.as_str(), how) {
                Ok(fd) => Ok(fd),
                Err(Errno::EAGAIN | Errno::EINTR) if tries_left > 0 => continue,
                Err(Errno::ENOENT) => Err(FileFault::NotFound),
                Err(Errno::ELOOP) => Err(FileFault::Link),
                Err(Errno::ENOTDIR) if flags.contains(OFlag::O_DIRECTORY) => {
                    Err(FileFault::NotAFolder)
                }
                Err(Errno::ENOTDIR) => Err(FileFault::NotFound),
                Err(Errno::ENOSYS) => Err(FileFault::Kernel),
                Err(other) => Err(FileFault::Io(other.into())),
            };
        }
    }
}
