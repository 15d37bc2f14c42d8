//! Shared libraries of the process: opened beneath the bundle directory, then loaded, never
//! unloaded.

use super::call::Code;
use super::error::LoadError;
use libloading::os::unix::{Library as Handle, RTLD_LOCAL, RTLD_NOW};
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{SFlag, fstat};
use std::collections::BTreeMap;
use std::error::Error;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

/// A loaded library.
///
/// It stays loaded until the process ends: its threads may still run its code, and its destructors
/// are foreign code at a moment when nobody expects it.
#[derive(Debug)]
pub(super) struct SharedLibrary {
    handle: ManuallyDrop<Handle>,
    /// Path in the bundle directory, for messages.
    path: String,
    /// Results live in one static area, so only one call at a time may be under way, from however
    /// many adapters.
    turn: Mutex<()>,
    /// Open as long as the library is loaded where the dynamic linker knows it by this number: it
    /// would take another file under the same number for it.
    _file: Option<OwnedFd>,
}

/// Every library of this process, by device and inode. The dynamic linker loads a file once,
/// however often it is asked for.
static LOADED: LazyLock<Mutex<Loaded>> = LazyLock::new(Mutex::default);

type Loaded = BTreeMap<(u64, u64), Arc<SharedLibrary>>;

/// How the dynamic linker is told of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// By the number of its descriptor, which needs `/proc`: what was opened is what is loaded,
    /// whatever happens to the path.
    Descriptors,
    /// By its path beneath this folder, where nobody can change it.
    At(PathBuf),
}

/// A library that was opened and checked, and has not been loaded.
#[derive(Debug)]
pub(super) struct OpenedFile {
    /// Kept open where it is the name; else the path is, which nobody can change.
    file: Option<OwnedFd>,
    /// Path in the bundle directory, for messages.
    path: String,
    /// What the dynamic linker is told.
    name: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
}

impl OpenedFile {
    /// Opens the library at `path` beneath `directory`.
    ///
    /// `path` is followed without leaving the directory and without links.
    pub(super) fn new(
        directory: BorrowedFd<'_>,
        path: &str,
        place: &Place,
    ) -> Result<Self, LoadError> {
        let failed =
            |errno: nix::Error| LoadError::Open { library: path.to_owned(), reason: errno.into() };
        // A pipe in place of the library must not make the process wait for a writer.
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        let how = OpenHow::new().flags(flags).resolve(
            ResolveFlag::RESOLVE_BENEATH
                | ResolveFlag::RESOLVE_NO_SYMLINKS
                | ResolveFlag::RESOLVE_NO_MAGICLINKS,
        );
        let file = openat2(directory, path, how).map_err(failed)?;
        let status = fstat(&file).map_err(failed)?;
        if SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
            return Err(LoadError::NotAFile { library: path.to_owned() });
        }
        let (name, file) = match place {
            Place::Descriptors => {
                (format!("/proc/self/fd/{}", file.as_raw_fd()).into(), Some(file))
            }
            Place::At(folder) => (folder.join(path), None),
        };
        Ok(Self { file, path: path.to_owned(), name, identity: (status.st_dev, status.st_ino) })
    }
}

impl SharedLibrary {
    /// Loads an opened library, unless this process has it already. Runs its constructors, which
    /// is why only [`super::Adapter::load`] calls it, with its permit.
    pub(super) fn load(opened: OpenedFile) -> Result<Arc<Self>, LoadError> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        let identity = opened.identity;
        if let Some(library) = loaded.get(&identity) {
            return Ok(Arc::clone(library));
        }
        let library = Arc::new(Self::link(opened)?);
        loaded.insert(identity, Arc::clone(&library));
        Ok(library)
    }

    fn link(opened: OpenedFile) -> Result<Self, LoadError> {
        let OpenedFile { file, path, name, .. } = opened;
        // SAFETY: constructors run foreign code. Whoever made the permit answers for that: a
        // confined process, or an operator who trusts the bundle.
        let handle = unsafe { Handle::open(Some(&name), RTLD_NOW | RTLD_LOCAL) };
        let handle = handle.map_err(|error| LoadError::Link {
            library: path.clone(),
            // The linker's own words, with a path that the author knows.
            reason: error
                .source()
                .map_or_else(|| error.to_string(), ToString::to_string)
                .replace(&*name.to_string_lossy(), &path),
        })?;
        Ok(Self { handle: ManuallyDrop::new(handle), path, turn: Mutex::default(), _file: file })
    }

    /// Waits until no other adapter of this process calls the library.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The address of a function of any C type.
    pub(super) fn function(&self, symbol: &str, wanted_for: &str) -> Result<Code, LoadError> {
        // SAFETY: an address or null is what `dlsym` returns, and both are an `Option` of a
        // function pointer. Whoever calls it gives it its type.
        let found = unsafe { self.handle.get::<Option<Code>>(symbol) };
        found.ok().and_then(|symbol| *symbol).ok_or_else(|| LoadError::Symbol {
            library: self.path.clone(),
            symbol: symbol.to_owned(),
            wanted_for: wanted_for.to_owned(),
        })
    }
}
