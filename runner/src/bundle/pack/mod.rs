//! Making a bundle directory from what an author has: a WIT folder and a built library.

mod complete;
mod stage;

use super::manifest::{self, Manifest};
use super::path::RelativePath;
use super::symbols::MissingSymbol;
use super::{Bundle, BundleError, DIRECTORY_SUFFIX, harmless, target};
use complete::Known;
use stage::Stage;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The version of a bundle whose author gives none.
const VERSION_DEFAULT: &str = "0.0.0";

/// What goes into a bundle, and where it is made.
#[derive(Debug, Clone)]
pub struct PackOptions {
    /// A crate or folder that holds `wit/`, and perhaps `bundle.toml`.
    pub source: PathBuf,
    /// The built library for this machine.
    pub library: PathBuf,
    /// Libraries that it needs beside it, loaded before it in this order.
    pub vendor: Vec<PathBuf>,
    /// The directory to make. `NAME_host` makes the bundle `NAME` if there is no `bundle.toml`.
    pub out: PathBuf,
}

/// Why no bundle was made. Nothing is left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// Something cannot be read or written.
    #[error("{what} {}: {error}", harmless(&path.to_string_lossy()))]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        error: io::Error,
    },
    /// There is no WIT folder.
    #[error(
        "{}: there is no such folder; the source must hold the WIT that the library implements",
        harmless(&.0.to_string_lossy())
    )]
    NoWit(PathBuf),
    /// There is no library.
    #[error("{}: there is no such file; build the library first", harmless(&.0.to_string_lossy()))]
    NoLibrary(PathBuf),
    /// The output exists and is something else.
    #[error(
        "{} exists and is no bundle, so it is not overwritten; remove it, or choose another --out",
        harmless(&.0.to_string_lossy())
    )]
    NotABundle(PathBuf),
    /// There is no manifest, and no name can be derived.
    #[error(
        "{} has no {}, so the output must be called NAME_host, where NAME is letters, digits, \
         `-` and `_`",
        harmless(&.0.to_string_lossy()), manifest::FILE
    )]
    Name(PathBuf),
    /// A file cannot go into a bundle under its name.
    #[error("{}: a file with that name cannot be in a bundle", harmless(&.0.to_string_lossy()))]
    FileName(PathBuf),
    /// The author's manifest cannot be completed.
    #[error("{0}")]
    Manifest(String),
    /// The author's manifest names a file that is not there.
    #[error(
        "{} names {path}, which is neither given nor in {}; \
         remove the entry, or put the file there",
        manifest::FILE, harmless(&source_folder.to_string_lossy())
    )]
    Missing {
        /// The path in the manifest.
        path: RelativePath,
        /// The author's folder.
        source_folder: PathBuf,
    },
    /// A vendor library that the author's manifest does not list.
    #[error(
        "{} does not list {} under `vendor`; add it there, in the order of loading",
        manifest::FILE, harmless(&.0.to_string_lossy())
    )]
    Unlisted(PathBuf),
    /// What was put together is no usable bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The library does not implement the whole world.
    #[error(
        "the library does not implement all that the WIT exports; missing:\n{}",
        lines(.0)
    )]
    Symbols(Vec<MissingSymbol>),
}

/// How many missing functions are printed.
const MISSING_SHOWN_MAX: usize = 20;

fn lines(missing: &[MissingSymbol]) -> String {
    let shown = missing.iter().take(MISSING_SHOWN_MAX);
    let mut lines: Vec<_> = shown
        .map(|m| format!("  {}\n    looked for: {}", harmless(&m.function), m.tried.join(", ")))
        .collect();
    if let Some(rest @ 1..) = missing.len().checked_sub(MISSING_SHOWN_MAX) {
        lines.push(format!("  and {rest} more"));
    }
    lines.join("\n")
}

/// Makes the bundle directory [`PackOptions::out`], and opens it.
///
/// It is put together beside its place and checked as [`Bundle::open`] checks it; besides, every
/// exported function must have its symbol. Only then it is moved to its place, with a rename. A
/// bundle that is there already is moved away first, and removed afterwards; it is put back if the
/// new one cannot take its place.
///
/// # Errors
/// [`PackError`].
pub fn pack(options: &PackOptions) -> Result<Bundle, PackError> {
    let PackOptions { source, out, .. } = options;
    stage::check_replaceable(out)?;
    let template = match fs::read_to_string(source.join(manifest::FILE)) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed("cannot read", &source.join(manifest::FILE))(error)),
    };
    let text = manifest_text(options, template.as_deref())?;
    let manifest =
        Manifest::parse(&text).map_err(|error| PackError::Manifest(error.to_string()))?;

    let wit = source.join(manifest.wit.as_str());
    if !wit.is_dir() {
        return Err(PackError::NoWit(wit));
    }
    let given = options.vendor.iter().chain([&options.library]);
    if let Some(missing) = given.into_iter().find(|path| !path.is_file()) {
        return Err(PackError::NoLibrary(missing.clone()));
    }
    let stage = Stage::beside(out)?;
    stage.write(manifest::FILE, &text)?;
    stage.copy_wit(&wit, manifest.wit.as_str())?;
    for (target, path) in &manifest.library {
        let given = (target == target::TRIPLE).then_some(options.library.as_path());
        stage.copy(&origin(options, path, given)?, path.as_str())?;
    }
    let is_at = |given: &Path, path: &RelativePath| {
        given.file_name().is_some_and(|name| name == path.file_name())
    };
    for given in &options.vendor {
        if !manifest.vendor.iter().any(|path| is_at(given, path)) {
            return Err(PackError::Unlisted(given.clone()));
        }
    }
    for path in &manifest.vendor {
        let given = options.vendor.iter().map(PathBuf::as_path).find(|given| is_at(given, path));
        stage.copy(&origin(options, path, given)?, path.as_str())?;
    }

    let mut bundle = Bundle::open(stage.path()).map_err(|error| BundleError {
        // The stage has no meaning for the author.
        path: out.clone(),
        ..error
    })?;
    let missing = bundle.missing_symbols();
    if !missing.is_empty() {
        return Err(PackError::Symbols(missing));
    }
    stage.move_to(out)?;
    bundle.path.clone_from(out);
    Ok(bundle)
}

fn failed<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> PackError + use<'a> {
    move |error| PackError::Io { what, path: path.to_owned(), error }
}

fn manifest_text(options: &PackOptions, template: Option<&str>) -> Result<String, PackError> {
    let in_lib = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        let path_in = name.and_then(|name| RelativePath::new(&format!("lib/{name}")).ok());
        path_in.ok_or_else(|| PackError::FileName(path.clone()))
    };
    let library = in_lib(&options.library)?;
    let vendor = options.vendor.iter().map(in_lib).collect::<Result<Vec<_>, _>>()?;
    let name = options.out.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = name.strip_suffix(DIRECTORY_SUFFIX).unwrap_or_default();
    let version = version_of(&options.source).unwrap_or_else(|| VERSION_DEFAULT.to_owned());
    let known = Known {
        name,
        version: &version,
        target: target::TRIPLE,
        library: &library,
        vendor: &vendor,
    };
    match template {
        Some(text) => complete::complete(text, &known),
        None if manifest::is_name(name) => Ok(complete::from_nothing(&known)),
        None => Err(PackError::Name(options.source.clone())),
    }
}

/// Where a file of the bundle comes from: what was given for it, else the author's folder.
fn origin(
    options: &PackOptions,
    path: &RelativePath,
    given: Option<&Path>,
) -> Result<PathBuf, PackError> {
    let in_source = options.source.join(path.as_str());
    match given {
        Some(given) => Ok(given.to_owned()),
        None if in_source.is_file() => Ok(in_source),
        None => {
            Err(PackError::Missing { path: path.clone(), source_folder: options.source.clone() })
        }
    }
}

/// The version in the author's `Cargo.toml`, also one that is inherited from a workspace.
fn version_of(source: &Path) -> Option<String> {
    let read = |folder: &Path| -> Option<toml::Table> {
        fs::read_to_string(folder.join("Cargo.toml")).ok()?.parse().ok()
    };
    let version = read(source)?.get("package")?.get("version")?.clone();
    if let Some(version) = version.as_str() {
        return Some(version.to_owned());
    }
    let source = source.canonicalize().ok()?;
    let workspace = source
        .ancestors()
        .skip(1)
        .find_map(|folder| read(folder).filter(|manifest| manifest.contains_key("workspace")))?;
    let version = workspace.get("workspace")?.get("package")?.get("version")?;
    version.as_str().map(str::to_owned)
}
