//! The directory in which a bundle is put together, and its move to its place.

use super::super::manifest;
use super::{PackError, failed};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory that is removed unless it was moved to its place.
pub(super) struct Stage {
    path: PathBuf,
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Nobody is left to be told; the error that led here is being reported.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Refuses to replace what is no bundle.
pub(super) fn check_replaceable(out: &Path) -> Result<(), PackError> {
    match fs::symlink_metadata(out) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("cannot look at", out)(error)),
        Ok(found) if !found.is_dir() => Err(PackError::NotABundle(out.to_owned())),
        Ok(_) => {
            let is_empty = fs::read_dir(out).map_err(failed("cannot read", out))?.next().is_none();
            if is_empty || out.join(manifest::FILE).is_file() {
                Ok(())
            } else {
                Err(PackError::NotABundle(out.to_owned()))
            }
        }
    }
}

impl Stage {
    /// Makes an empty directory in the folder of `out`, so that moving it there is a rename.
    pub(super) fn beside(out: &Path) -> Result<Self, PackError> {
        let path = neighbour(out, "new");
        // The name of the stage itself means nothing to the author.
        let folder = match out.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        fs::create_dir(&path).map_err(failed("cannot create a folder in", folder))?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), PackError> {
        let path = self.path.join(name);
        fs::write(&path, text).map_err(failed("cannot write", &path))
    }

    /// Copies one file to the path `to` of the bundle.
    pub(super) fn copy(&self, from: &Path, to: &str) -> Result<(), PackError> {
        let to = self.path.join(to);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(failed("cannot create", folder))?;
        }
        fs::copy(from, &to).map_err(failed("cannot copy", from))?;
        Ok(())
    }

    /// Copies the WIT files of a folder and of its `deps`, and nothing else.
    pub(super) fn copy_wit(&self, from: &Path, to: &str) -> Result<(), PackError> {
        self.copy_wit_files(from, to)?;
        let deps = from.join("deps");
        if !deps.is_dir() {
            return Ok(());
        }
        self.copy_wit_files(&deps, &format!("{to}/deps"))?;
        for (path, name) in sorted(&deps)? {
            if path.is_dir() {
                self.copy_wit_files(&path, &format!("{to}/deps/{name}"))?;
            }
        }
        Ok(())
    }

    fn copy_wit_files(&self, from: &Path, to: &str) -> Result<(), PackError> {
        for (path, name) in sorted(from)? {
            if name.ends_with(".wit") && path.is_file() {
                self.copy(&path, &format!("{to}/{name}"))?;
            }
        }
        Ok(())
    }

    /// Puts the directory to its place, for the bundle that may be there. If that fails, the old
    /// one is put back.
    pub(super) fn move_to(self, out: &Path) -> Result<(), PackError> {
        let old = neighbour(out, "old");
        let had_old = match fs::rename(out, &old) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(failed("cannot replace", out)(error)),
        };
        if let Err(error) = fs::rename(&self.path, out) {
            if had_old {
                fs::rename(&old, out).map_err(failed("cannot put back", out))?;
            }
            return Err(failed("cannot create", out)(error));
        }
        if had_old {
            fs::remove_dir_all(&old).map_err(failed("cannot remove", &old))?;
        }
        Ok(())
    }
}

/// A name beside `out` that nothing else uses.
fn neighbour(out: &Path, kind: &str) -> PathBuf {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    out.with_file_name(format!(".{name}.{kind}-{}-{number}", std::process::id()))
}

fn sorted(folder: &Path) -> Result<Vec<(PathBuf, String)>, PackError> {
    let entries = fs::read_dir(folder).map_err(failed("cannot read", folder))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed("cannot read", folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        found.push((path.clone(), name.ok_or(PackError::FileName(path))?));
    }
    found.sort();
    Ok(found)
}
