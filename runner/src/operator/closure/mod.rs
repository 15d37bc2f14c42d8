//! A granted library with all that it needs, found as the dynamic linker would find it.
//!
//! Nothing is loaded. Every file is checked to be a shared library for this machine, so that a
//! library cannot have arbitrary files put into its jail by claiming to need them.

mod search;

pub use search::Search;

use crate::bundle::dynamic::Dynamic;
use crate::bundle::library::LibraryFault;
use protocol::policy::{Library, STANDARD_LIBRARIES};
use protocol::text::ForeignText;
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};

/// Most libraries that one grant may bring. Large ones bring about 100.
const LIBRARIES_MAX: usize = 512;

/// Names that libraries need and that are no files to be found: the dynamic linker, which every jail
/// has, and what the kernel maps by itself.
const LINKERS: [&str; 3] = ["ld-linux-aarch64.so.1", "ld-linux-x86-64.so.2", "linux-vdso.so.1"];

/// Whether every jail has the library of that name.
pub(super) fn is_standard(name: &str) -> bool {
    STANDARD_LIBRARIES.contains(&name) || LINKERS.contains(&name)
}

/// Why a library cannot be granted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClosureFault {
    /// A file cannot be used as a library.
    #[error("{}: {fault}", ForeignText::new(file.to_string_lossy()))]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        fault: LibraryFault,
    },
    /// Another library is not there.
    #[error(
        "{} needs {}, which is neither in its own search path nor in those of this machine\n  \
         help: install it",
        ForeignText::new(by.to_string_lossy()), ForeignText::new(name)
    )]
    NotFound {
        /// The name of the one that is missing.
        name: String,
        /// The library that needs it.
        by: PathBuf,
    },
    /// More than any library needs.
    #[error("it needs more than {LIBRARIES_MAX} libraries")]
    TooMany,
    /// A path that cannot be written into a policy.
    #[error("{} is not UTF-8", ForeignText::new(.0.to_string_lossy()))]
    NotText(PathBuf),
}

/// The library at `path` behind all that it needs: an order in which each can be loaded.
///
/// # Errors
/// [`ClosureFault`].
pub(super) fn closure(path: &Path, search: &Search) -> Result<Vec<Library>, ClosureFault> {
    let mut walk = Walk { search, seen: BTreeSet::new(), found: Vec::new() };
    let path = without_dots(path).map_err(|error| unusable(path, error.into()))?;
    let dynamic = read(&path)?;
    walk.add(&path, &dynamic, &[])?;
    Ok(walk.found)
}

struct Walk<'a> {
    search: &'a Search,
    /// Names that were looked for.
    seen: BTreeSet<String>,
    found: Vec<Library>,
}

impl Walk<'_> {
    /// Adds what the library at `path` needs, then the library. `inherited` are the old-style
    /// search paths of those that load it.
    fn add(
        &mut self,
        path: &Path,
        dynamic: &Dynamic,
        inherited: &[PathBuf],
    ) -> Result<(), ClosureFault> {
        let origin = path.parent().unwrap_or(Path::new("/"));
        let own = dynamic.runpath.as_ref().or(dynamic.rpath.as_ref());
        let mut places: Vec<PathBuf> =
            own.iter().flat_map(|paths| search::folders(paths, origin)).collect();
        if dynamic.runpath.is_none() {
            places.extend_from_slice(inherited);
        }
        // A RUNPATH counts for its own library only; an RPATH is handed on.
        let handed_on = if dynamic.runpath.is_none() { places.as_slice() } else { inherited };
        for name in &dynamic.needed {
            if is_standard(name) || !self.seen.insert(name.clone()) {
                continue;
            }
            if self.seen.len() > LIBRARIES_MAX {
                return Err(ClosureFault::TooMany);
            }
            let (needed, dynamic) = self.find(name, &places, path)?;
            self.add(&needed, &dynamic, handed_on)?;
        }
        let file = path.canonicalize().map_err(|error| unusable(path, error.into()))?;
        let library = Library { file: text(file)?, path: text(path.to_owned())? };
        self.found.push(library);
        Ok(())
    }

    fn find(
        &self,
        name: &str,
        places: &[PathBuf],
        by: &Path,
    ) -> Result<(PathBuf, Dynamic), ClosureFault> {
        let missing = || ClosureFault::NotFound { name: name.to_owned(), by: by.to_owned() };
        if name.starts_with('/') {
            let path = without_dots(Path::new(name)).map_err(|_| missing())?;
            return Ok((path.clone(), read(&path)?));
        }
        self.search.find(name, places)?.ok_or_else(missing)
    }
}

/// `path` without `..`. The folder is then the real one, since `..` goes up from where a link leads.
fn without_dots(path: &Path) -> io::Result<PathBuf> {
    if !path.components().any(|part| part == Component::ParentDir) {
        return Ok(path.to_owned());
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return path.canonicalize();
    };
    Ok(folder.canonicalize()?.join(name))
}

/// Opens without waiting, should somebody have put a pipe there.
fn open(path: &Path) -> Result<File, LibraryFault> {
    let flags = nix::fcntl::OFlag::O_NONBLOCK.bits();
    let file = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(LibraryFault::Kind("no plain file")) }
}

fn read(path: &Path) -> Result<Dynamic, ClosureFault> {
    let read = open(path).and_then(|file| Dynamic::read(&file));
    read.map_err(|fault| unusable(path, fault))
}

fn unusable(path: &Path, fault: LibraryFault) -> ClosureFault {
    ClosureFault::File { file: path.to_owned(), fault }
}

fn text(path: PathBuf) -> Result<String, ClosureFault> {
    path.into_os_string().into_string().map_err(|path| ClosureFault::NotText(path.into()))
}
