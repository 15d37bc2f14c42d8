//! A native host bundle: a directory with a shared library, the WIT that it implements, and
//! `bundle.toml`.
//!
//! [`Bundle::open`] reads and checks everything that can be known without running the library.
//! Nothing of it is trusted further than that: names and texts of a bundle reach a terminal only in
//! harmless form, every size has a cap, and what the library really does is the shim's affair.
//!
//! Without a manifest, `NAME_host/lib/lib*.so` (exactly one) and `NAME_host/wit/` make the bundle
//! `NAME`.

pub mod directory;
pub(crate) mod dynamic;
mod error;
mod exports;
mod functions;
pub mod library;
pub mod manifest;
pub mod pack;
mod path;
pub(crate) mod places;
pub mod symbols;
pub mod target;
mod wit;

pub use error::{BundleError, BundleFault};
pub(crate) use exports::OWN_PACKAGE;
pub use exports::{ExportError, Exports, INIT};
pub(crate) use functions::means_function;
pub use pack::{PackError, PackOptions, pack};
pub use path::{PATH_BYTES_MAX, PathFault, RelativePath};
pub(crate) use wit::text as wit_text;
pub use wit::{WORLD_DEFAULT, WitError};

use crate::document::nearest::nearest;
use directory::{Directory, FileError, FileFault};
use library::Library;
use manifest::Manifest;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use symbols::{FunctionSymbols, MissingSymbol, Place};

/// What the directory of a bundle without a manifest is called, behind the bundle's name.
const DIRECTORY_SUFFIX: &str = "_host";

/// An opened and checked bundle.
#[derive(Debug)]
pub struct Bundle {
    path: PathBuf,
    directory: Directory,
    manifest: Manifest,
    library_path: RelativePath,
    library: Library,
    vendor: Vec<Library>,
    exports: Exports,
}

impl Bundle {
    /// Opens the bundle in the directory `path`.
    ///
    /// The directory is opened once; the descriptor is kept, and all files are read beneath it.
    ///
    /// # Errors
    /// [`BundleError`]: an unreadable directory or file, a manifest, library or WIT folder that is
    /// wrong, no library for this machine.
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        Self::try_open(path).map_err(|fault| BundleError { path: path.to_owned(), fault })
    }

    /// The directory, as it was given to [`Bundle::open`].
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory itself, opened with `O_PATH`: what a shim is given.
    pub fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Name of the bundle.
    pub fn name(&self) -> &str {
        &self.manifest.name
    }

    /// The manifest, or what stands for it by convention.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The library for this machine, relative to the directory.
    pub fn library_path(&self) -> &RelativePath {
        &self.library_path
    }

    /// The symbol of the function of the bundle's library in which `offset` lies, if `module` is that
    /// library's file name. For messages only: the table is the bundle's claim.
    pub(crate) fn symbol_at(&self, module: &str, offset: u64) -> Option<String> {
        let path = self.library_path();
        if path.as_str().rsplit('/').next() != Some(module) {
            return None;
        }
        let file = self.directory.file(path).ok()?;
        places::Functions::read(&file).ok()?.at(offset).map(str::to_owned)
    }

    /// What the bundle exports.
    pub fn exports(&self) -> &Exports {
        &self.exports
    }

    /// The symbols of a function that [`Bundle::exports`] names.
    ///
    /// # Errors
    /// [`MissingSymbol`] if the library defines none of the possible names.
    pub fn function_symbols(
        &self,
        interface: Option<&str>,
        function: &str,
    ) -> Result<FunctionSymbols, MissingSymbol> {
        let place = self.place(interface);
        symbols::of_function(&self.library, &self.manifest.symbols, place, function)
    }

    /// The symbol of the destructor of a resource that [`Bundle::exports`] names.
    ///
    /// # Errors
    /// [`MissingSymbol`] if the library defines none of the possible names.
    pub fn destructor_symbol(
        &self,
        interface: &str,
        resource: &str,
    ) -> Result<String, MissingSymbol> {
        let place = self.place(Some(interface));
        symbols::of_destructor(&self.library, &self.manifest.symbols, place, resource)
    }

    /// Whether the library itself defines a function of exactly that name.
    pub fn defines(&self, symbol: &str) -> bool {
        self.library.defines(symbol)
    }

    /// Names of the libraries that its own ones need and that are not in the bundle, those of the
    /// C library included, each once.
    pub fn needed(&self) -> Vec<&str> {
        let vendor = self.vendor.iter().zip(&self.manifest.vendor);
        let brought: Vec<&str> = vendor
            .flat_map(|(library, path)| {
                library.dynamic().soname.as_deref().into_iter().chain([path.file_name()])
            })
            .collect();
        let mut needed = Vec::new();
        for name in
            self.vendor.iter().chain([&self.library]).flat_map(|library| &library.dynamic().needed)
        {
            if !brought.contains(&name.as_str()) && !needed.contains(&name.as_str()) {
                needed.push(name.as_str());
            }
        }
        needed
    }

    /// The symbols that are missing for anything that the bundle exports, whether used or not.
    pub fn missing_symbols(&self) -> Vec<MissingSymbol> {
        let mut missing = Vec::new();
        let interfaces = self.exports.world.interfaces.iter().chain(&self.exports.lifecycle);
        let mut needs_realloc = false;
        let mut look = |interface: Option<&str>, function: &crate::shape::Function| {
            missing.extend(self.function_symbols(interface, &function.name).err());
            needs_realloc |= self.needs_realloc(function);
        };
        for function in &self.exports.world.functions {
            look(None, function);
        }
        for interface in interfaces.clone() {
            for function in &interface.functions {
                look(Some(&interface.name), function);
            }
        }
        for interface in interfaces {
            for resource in &interface.resources {
                missing.extend(self.destructor_symbol(&interface.name, resource).err());
            }
        }
        missing.extend(self.realloc().err().filter(|_| needs_realloc));
        missing
    }

    /// The symbol that allocates memory for arguments.
    ///
    /// # Errors
    /// [`MissingSymbol`] if the library does not define it.
    pub fn realloc(&self) -> Result<String, MissingSymbol> {
        let name = symbols::REALLOC.to_owned();
        if self.defines(&name) {
            Ok(name)
        } else {
            Err(MissingSymbol { function: name.clone(), tried: vec![name] })
        }
    }

    /// Whether arguments of `function` lie in memory that the library must provide: those with
    /// strings and lists, and all if there are more than the ABI passes in registers.
    pub fn needs_realloc(&self, function: &crate::shape::Function) -> bool {
        let facts = function.params.iter().map(|(_, ty)| self.exports.world.shapes.facts(*ty));
        let (flat, memory) = facts
            .fold((0, false), |(flat, memory), facts| (flat + facts.flat, memory || facts.memory));
        memory || flat >= crate::shape::FLAT_MAX
    }

    fn place<'a>(&'a self, interface: Option<&'a str>) -> Place<'a> {
        let c_prefix = self.exports.c_prefixes.get(&interface.map(str::to_owned));
        Place { interface, c_prefix: c_prefix.map_or("", String::as_str) }
    }

    fn try_open(path: &Path) -> Result<Self, BundleFault> {
        let directory = Directory::open(path).map_err(BundleFault::Open)?;
        let manifest = match read_manifest(&directory)? {
            Some(manifest) => manifest,
            None => by_convention(path, &directory)?,
        };
        let Some(library_path) = manifest.library.get(target::TRIPLE).cloned() else {
            let targets = manifest.library.keys().map(|t| harmless(t)).collect();
            return Err(BundleFault::Target { targets });
        };
        if manifest.vendor.contains(&library_path) {
            return Err(BundleFault::VendorIsLibrary(library_path));
        }
        let library = inspect(&directory, &library_path)?;
        let vendor = manifest.vendor.iter().map(|vendor| inspect(&directory, vendor));
        let vendor = vendor.collect::<Result<_, _>>()?;
        let parsed = wit::read(&directory, &manifest.wit, manifest.world.as_deref())?;
        let exports = exports::read(&parsed)?;
        let path = path.to_owned();
        let bundle = Self { path, directory, manifest, library_path, library, vendor, exports };
        bundle.check_symbol_names()?;
        Ok(bundle)
    }

    /// A misspelt name in `[symbols]` would silently have no effect.
    fn check_symbol_names(&self) -> Result<(), BundleFault> {
        let known = self.component_names();
        let unknown = self.manifest.symbols.keys().find(|name| !known.contains(name));
        let Some(function) = unknown else { return Ok(()) };
        let nearest = nearest(function, known.iter().map(String::as_str), 1);
        let nearest = nearest.first().map(|name| (*name).to_owned());
        Err(BundleFault::UnknownSymbol { function: function.clone(), nearest })
    }

    /// The component names of everything that has a symbol.
    fn component_names(&self) -> Vec<String> {
        let exports = &self.exports;
        let mut names: Vec<_> = exports.world.functions.iter().map(|f| f.name.clone()).collect();
        for interface in exports.world.interfaces.iter().chain(&exports.lifecycle) {
            let name = |item: &str| symbols::component_name(Some(&interface.name), item);
            names.extend(interface.functions.iter().map(|function| name(&function.name)));
            names.extend(interface.resources.iter().map(|r| name(&format!("[dtor]{r}"))));
        }
        names
    }
}

fn read_manifest(directory: &Directory) -> Result<Option<Manifest>, BundleFault> {
    let path = RelativePath::fixed(manifest::FILE);
    match directory.read_text(&path, manifest::BYTES_MAX) {
        Ok(text) => Ok(Some(Manifest::parse(&text)?)),
        Err(FileError { fault: FileFault::NotFound, .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn by_convention(path: &Path, directory: &Directory) -> Result<Manifest, BundleFault> {
    // The path may be `.` or end in `..`; what counts is what the directory is called.
    let full = path.canonicalize().map_err(BundleFault::Open)?;
    let name = full.file_name().and_then(|name| name.to_str());
    let name = name.and_then(|name| name.strip_suffix(DIRECTORY_SUFFIX));
    let name = name.filter(|name| manifest::is_name(name)).ok_or(BundleFault::Name)?;
    let entries = match directory.list(&RelativePath::fixed("lib")) {
        Ok(entries) => entries,
        Err(FileError { fault: FileFault::NotFound, .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let is_library = |name: &str| name.starts_with("lib") && name.ends_with(".so");
    let mut found = entries.into_iter().filter(|e| !e.is_folder && is_library(&e.name));
    let (first, second) = (found.next(), found.next());
    match (first, second) {
        (Some(only), None) => Ok(Manifest::by_convention(
            name.to_owned(),
            target::TRIPLE,
            only.path,
            RelativePath::fixed(manifest::WIT_DEFAULT),
        )),
        (first, second) => {
            let found = first.into_iter().chain(second).chain(found);
            Err(BundleFault::Libraries { found: found.map(|e| e.path.to_string()).collect() })
        }
    }
}

fn inspect(directory: &Directory, path: &RelativePath) -> Result<Library, BundleFault> {
    let file = directory.file(path)?;
    Library::inspect(&file).map_err(|fault| BundleFault::Library { path: path.clone(), fault })
}

fn harmless(text: &str) -> String {
    protocol::text::ForeignText::new(text).to_string()
}
