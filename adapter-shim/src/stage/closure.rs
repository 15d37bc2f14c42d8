//! S3: the libraries that every bundle may use: the dynamic linker, and what compilers link to.

use protocol::policy::STANDARD_LIBRARIES;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// The dynamic linker, as every program names it.
#[cfg(target_arch = "x86_64")]
const LINKER: &str = "/lib64/ld-linux-x86-64.so.2";
/// As above.
#[cfg(target_arch = "aarch64")]
const LINKER: &str = "/lib/ld-linux-aarch64.so.1";

/// The C library, by which the folder of the others is found.
pub(super) const LIBC: &str = "libc.so.6";

/// Folders that are links on most machines, and what they link to, for the jail's own root.
pub(crate) const LINKED_FOLDERS: [&str; 4] = ["/lib", "/lib64", "/lib32", "/libx32"];

/// A library: the file, and the path at which the dynamic linker finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standard {
    pub(crate) file: PathBuf,
    pub(crate) path: PathBuf,
}

/// Finds them on this machine: beside the C library that this very process has loaded.
///
/// # Errors
/// If this process has no C library, or no dynamic linker.
pub(crate) fn standard() -> io::Result<Vec<Standard>> {
    let loaded = loaded()?;
    let missing = |name: &str| io::Error::new(io::ErrorKind::NotFound, format!("no {name}"));
    let libc = loaded.get(LIBC).ok_or_else(|| missing(LIBC))?;
    let folder = libc.parent().ok_or_else(|| missing(LIBC))?;
    let linker = Path::new(LINKER);
    let (linker_folder, linker_name) = match (linker.parent(), linker.file_name()) {
        (Some(folder), Some(name)) => (folder.canonicalize()?, name),
        _ => return Err(missing(LINKER)),
    };
    let linker = Standard { file: linker.canonicalize()?, path: linker_folder.join(linker_name) };
    let mut found = vec![linker];
    for name in STANDARD_LIBRARIES {
        let path = loaded.get(name).cloned().unwrap_or_else(|| folder.join(name));
        if let Ok(file) = path.canonicalize() {
            found.push(Standard { file, path });
        }
    }
    Ok(found)
}

/// The shared libraries of this process, by file name.
fn loaded() -> io::Result<BTreeMap<String, PathBuf>> {
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    let paths = maps.lines().filter_map(|line| line.find('/').and_then(|at| line.get(at..)));
    let named = paths.map(PathBuf::from).filter_map(|path| {
        let name = path.file_name()?.to_str()?.to_owned();
        name.contains(".so").then_some((name, path))
    });
    Ok(named.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_libraries_of_this_machine_are_found() {
        let found = standard().unwrap_or_default();
        let has = |name: &str| found.iter().any(|s| s.path.ends_with(name) && s.file.is_file());
        assert!(has(LIBC) && has("libgcc_s.so.1"), "{found:?}");
        assert!(found.first().is_some_and(|linker| linker.path.is_file()), "{found:?}");
    }
}
