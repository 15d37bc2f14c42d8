//! What can be wrong with a bundle.

use super::directory::FileError;
use super::exports::ExportError;
use super::library::LibraryFault;
use super::manifest::{FILE, ManifestError, NAME_BYTES_MAX, VENDOR_MAX};
use super::path::RelativePath;
use super::target;
use super::wit::WitError;
use protocol::text::ForeignText;
use std::io;
use std::path::PathBuf;

/// A bundle that cannot be used. `Display` says what, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("bundle {}: {fault}", ForeignText::new(path.to_string_lossy()))]
pub struct BundleError {
    /// The bundle's directory, as it was given.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: BundleFault,
}

/// What is wrong with a bundle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleFault {
    /// The directory cannot be opened.
    #[error("cannot open the directory: {0}")]
    Open(#[source] io::Error),
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The manifest is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// There is no manifest, and the directory is not called after a bundle.
    #[error(
        "there is no {FILE}, so the directory must be called NAME_host, where NAME is letters, \
         digits, `-` and `_`, at most {NAME_BYTES_MAX} in all"
    )]
    Name,
    /// There is no manifest, and not exactly one library.
    #[error(
        "there is no {FILE}, so there must be exactly one lib/lib*.so; found {}",
        if found.is_empty() { "none".to_owned() } else { found.join(", ") }
    )]
    Libraries {
        /// Those that were found.
        found: Vec<String>,
    },
    /// The manifest has no library for this machine.
    #[error(
        "there is no library for {}; {FILE} has: {}",
        target::TRIPLE, targets.join(", ")
    )]
    Target {
        /// Triples that there is a library for.
        targets: Vec<String>,
    },
    /// The library is not one that can be loaded.
    #[error("{path}: {fault}")]
    Library {
        /// Which one, relative to the bundle.
        path: RelativePath,
        /// What is wrong with it.
        fault: LibraryFault,
    },
    /// The WIT is wrong.
    #[error(transparent)]
    Wit(#[from] WitError),
    /// The world is not one for a bundle.
    #[error(transparent)]
    Exports(#[from] ExportError),
    /// `[symbols]` names a function that the world does not export.
    #[error(
        "{FILE}: [symbols] names `{}`, which the world does not export{}",
        ForeignText::new(function),
        nearest.as_ref().map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
    )]
    UnknownSymbol {
        /// The name in the manifest.
        function: String,
        /// The function with the most similar name.
        nearest: Option<String>,
    },
    /// A vendor library is also the library.
    #[error(
        "{FILE}: `{0}` is the library and cannot be among its at most {VENDOR_MAX} vendor libraries"
    )]
    VendorIsLibrary(RelativePath),
}
