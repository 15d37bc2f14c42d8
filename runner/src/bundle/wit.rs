//! The WIT folder of a bundle: read beneath its directory, parsed, and its world selected.
//!
//! The layout is that of all WIT tools: `*.wit` is the package, `deps/NAME/*.wit` and
//! `deps/NAME.wit` are packages that it uses.

use super::directory::{Directory, Entry, FileError, FileFault};
use super::path::RelativePath;
use protocol::text::ForeignText;
use wit_parser::{Resolve, SourceMap, UnresolvedPackageGroup, WorldId};

/// Most WIT text in all, in bytes. The whole of WASI 0.2 is about 300 KiB.
pub const BYTES_MAX: u64 = 4 << 20;

/// The world that is taken where none is named and the package has several.
pub const WORLD_DEFAULT: &str = "bundle";

/// Stack of the parser, in bytes; only what is used costs memory. It recurses from interface to
/// interface, and [`BYTES_MAX`] leaves room for some 100,000 of them in one chain.
const STACK_BYTES: usize = 512 << 20;

/// A WIT folder that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WitError {
    /// A file or folder cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The folder has no WIT in it.
    #[error("{0}: there is no .wit file in it")]
    Empty(RelativePath),
    /// More than [`BYTES_MAX`] in all.
    #[error("{0}: the WIT files are larger than {BYTES_MAX} bytes in all")]
    TooLarge(RelativePath),
    /// A dependency in WebAssembly's binary or text format.
    #[error(
        "{0}: packages in deps must be WIT text; \
         `wasm-tools component wit` turns this file into it"
    )]
    Encoded(RelativePath),
    /// Text that is no WIT. Holds the place and a snippet.
    #[error("the WIT does not parse: {0}")]
    Parse(ForeignText),
    /// The world is not there, or it is not clear which one is meant.
    #[error("{0}")]
    World(String),
    /// The parser failed in a way that it should not.
    #[error("the WIT parser gave up on this text; please report it with the WIT files")]
    Parser,
}

/// Parsed WIT, and the world that the bundle implements.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) resolve: Resolve,
    pub(super) world: WorldId,
}

/// Reads the package in `folder` and selects `world`.
pub(super) fn read(
    directory: &Directory,
    folder: &RelativePath,
    world: Option<&str>,
) -> Result<Parsed, WitError> {
    let mut reader = Reader { directory, folder, bytes_left: BYTES_MAX };
    let entries = directory.list(folder)?;
    let main = reader.package(&entries)?.ok_or_else(|| WitError::Empty(folder.clone()))?;
    let mut deps = Vec::new();
    if entries.iter().any(|entry| entry.is_folder && entry.name == "deps") {
        let folder = folder.join("deps").map_err(|_| WitError::Empty(folder.clone()))?;
        for entry in directory.list(&folder)? {
            deps.extend(reader.dependency(&entry)?);
        }
    }
    let world = world.map(str::to_owned);
    // A thread of its own gives it the stack that the deepest text needs, and turns a panic of the
    // parser into an error.
    let parser = std::thread::Builder::new()
        .name("wit-parser".into())
        .stack_size(STACK_BYTES)
        .spawn(move || parse(main, deps, world.as_deref()));
    parser.map_err(|_| WitError::Parser)?.join().map_err(|_| WitError::Parser)?
}

struct Reader<'a> {
    directory: &'a Directory,
    folder: &'a RelativePath,
    bytes_left: u64,
}

impl Reader<'_> {
    /// The WIT files among `entries`, as one package; `None` if there is none.
    fn package(&mut self, entries: &[Entry]) -> Result<Option<SourceMap>, WitError> {
        let mut sources = SourceMap::new();
        for entry in entries.iter().filter(|entry| !entry.is_folder) {
            if entry.name.ends_with(".wit") {
                sources.push_str(entry.path.as_str(), self.text(&entry.path)?);
            }
        }
        Ok(Some(sources).filter(|sources| sources.source_names().next().is_some()))
    }

    fn dependency(&mut self, entry: &Entry) -> Result<Option<SourceMap>, WitError> {
        if entry.is_folder {
            return self.package(&self.directory.list(&entry.path)?);
        }
        if entry.name.ends_with(".wasm") || entry.name.ends_with(".wat") {
            return Err(WitError::Encoded(entry.path.clone()));
        }
        self.package(std::slice::from_ref(entry))
    }

    fn text(&mut self, path: &RelativePath) -> Result<String, WitError> {
        let text =
            self.directory.read_text(path, self.bytes_left).map_err(|error| match error.fault {
                FileFault::TooLarge { .. } => WitError::TooLarge(self.folder.clone()),
                _ => WitError::File(error),
            })?;
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.bytes_left = self.bytes_left.saturating_sub(length);
        Ok(text)
    }
}

fn parse(main: SourceMap, deps: Vec<SourceMap>, world: Option<&str>) -> Result<Parsed, WitError> {
    let group = |sources: SourceMap| -> Result<UnresolvedPackageGroup, WitError> {
        sources.parse().map_err(|(sources, error)| unparsed(error.render(&sources)))
    };
    let main = group(main)?;
    let deps = deps.into_iter().map(group).collect::<Result<Vec<_>, _>>()?;
    let mut resolve = Resolve::new();
    let package = match resolve.push_groups(main, deps) {
        Ok(package) => package,
        Err(error) => return Err(unparsed(error.render(&resolve.source_map))),
    };
    let worlds = resolve.packages.get(package).map(|package| &package.worlds);
    let chosen = match (world, worlds) {
        // The parser knows names with package and version as well.
        (Some(name), _) => resolve.select_world(&[package], Some(name)).ok(),
        (None, Some(worlds)) => worlds
            .get(WORLD_DEFAULT)
            .or_else(|| worlds.values().next().filter(|_| worlds.len() == 1))
            .copied(),
        (None, None) => None,
    };
    let names = worlds.map(|worlds| worlds.keys().cloned().collect()).unwrap_or_default();
    match chosen {
        Some(world) => Ok(Parsed { resolve, world }),
        None => Err(WitError::World(no_world(world, names))),
    }
}

fn unparsed(rendered: String) -> WitError {
    WitError::Parse(ForeignText::new(rendered))
}

fn no_world(wanted: Option<&str>, names: Vec<String>) -> String {
    let known = match names.as_slice() {
        [] => "the package has no world at all".to_owned(),
        names => format!("the package has: {}", names.join(", ")),
    };
    match wanted {
        Some(wanted) => {
            format!("there is no world `{}` in the WIT; {known}", ForeignText::new(wanted))
        }
        None if names.is_empty() => format!("it is not clear what the bundle implements; {known}"),
        None => format!(
            "it is not clear which world the bundle implements; {known}.\n  \
             Name one in bundle.toml (world = \"...\"), or call it `{WORLD_DEFAULT}`"
        ),
    }
}
