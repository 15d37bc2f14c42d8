//! Where the dynamic linker looks for libraries: search paths of files, and those of the machine.

use super::{ClosureFault, open, unusable, without_dots};
use crate::bundle::dynamic::Dynamic;
use crate::bundle::library::LibraryFault;
use crate::bundle::target;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// The file that lists the folders of this machine.
const CONFIGURATION: &str = "/etc/ld.so.conf";

/// Largest such file that is read, in bytes. Real ones have a few lines.
const CONFIGURATION_BYTES_MAX: u64 = 64 << 10;

/// How deep such files may include others.
const INCLUDE_DEPTH_MAX: u32 = 4;

/// Most folders that are searched.
const FOLDERS_MAX: usize = 256;

/// The folders that the dynamic linker knows by itself, on Debian's systems and on the others.
const DEFAULTS: &[&str] = match target::MACHINE {
    object::elf::EM_AARCH64 => &[
        "/lib/aarch64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/lib64",
        "/usr/lib64",
        "/lib",
        "/usr/lib",
    ],
    _ => &[
        "/lib/x86_64-linux-gnu",
        "/usr/lib/x86_64-linux-gnu",
        "/lib64",
        "/usr/lib64",
        "/lib",
        "/usr/lib",
    ],
};

/// The folders of a machine in which libraries are looked for, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    folders: Vec<PathBuf>,
}

impl Search {
    /// The folders of this machine: those of `/etc/ld.so.conf`, then those that need no mention.
    pub fn of_machine() -> Self {
        let mut search = Self::default();
        search.read(Path::new(CONFIGURATION), 0);
        DEFAULTS.iter().for_each(|folder| search.add(Path::new(folder)));
        search
    }

    /// The library called `name`, in one of `first` or in a folder of this machine.
    pub(super) fn find(
        &self,
        name: &str,
        first: &[PathBuf],
    ) -> Result<Option<(PathBuf, Dynamic)>, ClosureFault> {
        // Anything with a slash is a path from wherever the process stands: nothing to rely on.
        if name.contains('/') || matches!(name, "" | "." | "..") {
            return Ok(None);
        }
        for folder in first.iter().chain(&self.folders) {
            let path = folder.join(name);
            match open(&path).and_then(|file| Dynamic::read(&file)) {
                Ok(dynamic) => {
                    let path =
                        without_dots(&path).map_err(|error| unusable(&path, error.into()))?;
                    return Ok(Some((path, dynamic)));
                }
                // As the dynamic linker does: not there, or for another machine, means go on.
                Err(LibraryFault::Machine { .. }) => {}
                Err(LibraryFault::Io(error))
                    if matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                    ) => {}
                Err(fault) => return Err(unusable(&path, fault)),
            }
        }
        Ok(None)
    }

    /// Where the library called `name` is on this machine, if it is there and can be used.
    pub fn locate(&self, name: &str) -> Option<PathBuf> {
        self.find(name, &[]).ok().flatten().map(|(path, _)| path)
    }

    /// Reads a list of folders. What cannot be read is left out, as the dynamic linker's own cache
    /// would leave it out.
    fn read(&mut self, file: &Path, depth: u32) {
        let mut text = String::new();
        let opened = fs::File::open(file);
        let read = opened.map(|f| f.take(CONFIGURATION_BYTES_MAX).read_to_string(&mut text));
        if !matches!(read, Ok(Ok(_))) {
            return;
        }
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            match line.strip_prefix("include").filter(|rest| rest.starts_with([' ', '\t'])) {
                Some(pattern) if depth < INCLUDE_DEPTH_MAX => {
                    let base = file.parent().unwrap_or(Path::new("/"));
                    let files = matching(&base.join(pattern.trim()));
                    files.iter().for_each(|file| self.read(file, depth + 1));
                }
                None if line.starts_with('/') => self.add(Path::new(line)),
                _ => {}
            }
        }
    }

    fn add(&mut self, folder: &Path) {
        if self.folders.len() < FOLDERS_MAX && !self.folders.iter().any(|known| known == folder) {
            self.folders.push(folder.to_owned());
        }
    }
}

/// The files that a pattern means, in order; `*` may stand in the last part, once.
fn matching(pattern: &Path) -> Vec<PathBuf> {
    let name = pattern.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let (Some((start, end)), Some(folder)) = (name.split_once('*'), pattern.parent()) else {
        return vec![pattern.to_owned()];
    };
    let fits = |name: &str| {
        name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_str().is_some_and(fits))
        .map(|entry| entry.path())
        .take(FOLDERS_MAX)
        .collect();
    files.sort();
    files
}

/// The folders of a search path, where `$ORIGIN` is the folder of the file that has it.
///
/// What is relative, or has a variable that is not known here, is left out: it would mean something
/// else in the jail.
pub(super) fn folders(paths: &str, origin: &Path) -> Vec<PathBuf> {
    let folder = |path: &str| {
        let rest =
            ["$ORIGIN", "${ORIGIN}"].into_iter().find_map(|variable| path.strip_prefix(variable));
        match rest {
            Some("") => Some(origin.to_owned()),
            Some(rest) => Some(origin.join(rest.strip_prefix('/')?)),
            None => path.starts_with('/').then(|| path.into()),
        }
    };
    let known = |path: &PathBuf| !path.to_string_lossy().contains('$');
    paths.split(':').filter_map(folder).filter(known).take(FOLDERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_path_that_depends_on_the_working_directory_is_left_out() {
        let found = folders("$ORIGIN:${ORIGIN}/../x:/opt/y:rel::$LIB/z:$ORIGINAL", "/a/b".as_ref());
        assert_eq!(found, ["/a/b", "/a/b/../x", "/opt/y"].map(PathBuf::from));
    }

    #[test]
    fn included_lists_are_read_in_order_and_loops_end() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let main = folder.path().join("ld.so.conf");
        fs::create_dir(folder.path().join("d"))?;
        fs::write(&main, "/first # comment\ninclude d/*.conf\nhwcap 1 x\ninclude ld.so.conf\n")?;
        fs::write(folder.path().join("d/b.conf"), "/b\n/first\n")?;
        fs::write(folder.path().join("d/a.conf"), "\t/a\n")?;
        fs::write(folder.path().join("d/c.other"), "/c\n")?;
        let mut search = Search::default();
        search.read(&main, 0);
        assert_eq!(search.folders, ["/first", "/a", "/b"].map(PathBuf::from));
        Ok(())
    }
}
