//! The WIT folder of a bundle: read beneath its directory, parsed, and its world selected.
//!
//! The layout is that of all WIT tools: `*.wit` is the package, `deps/NAME/*.wit` and
//! `deps/NAME.wit` are packages that it uses.

use super::directory::{Directory, Entry, FileError, FileFault};
use super::path::RelativePath;
use protocol::text::ForeignText;
use wit_parser::{Resolve, SourceMap, UnresolvedPackageGroup, WorldId};

/// Most WIT text in all, in bytes. The whole of WASI 0.2 is about 300 KiB.
pub(super) const BYTES_MAX: u64 = 4 << 20;

/// The world that is taken where none is named and the package has several.
pub const WORLD_DEFAULT: &str = "bundle";

/// Most interfaces and worlds in all. The whole of WASI 0.2 has about 60.
pub(super) const INTERFACES_MAX: usize = 4096;

/// Most types in all, those without a name counted too.
pub(super) const TYPES_MAX: usize = 64 << 10;

/// Stack of the parser, in bytes; only what is used costs memory. It recurses from interface to
/// interface and from type to type, and this is several times what the longest chains need.
const STACK_BYTES: usize = 64 << 20;

/// A WIT folder that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WitError {
    /// A file or folder cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The folder has no WIT in it.
    #[error("{0}: there is no .wit file in this folder")]
    Empty(RelativePath),
    /// More interfaces, worlds or types than any real package has.
    #[error("the WIT has more than {INTERFACES_MAX} interfaces and worlds or {TYPES_MAX} types")]
    TooMany,
    /// More text than any real package has.
    #[error("{0}: the WIT files are larger than {BYTES_MAX} bytes in all")]
    TooLarge(RelativePath),
    /// A dependency in WebAssembly's binary or text format.
    #[error("{0}: a package in deps must be WIT text")]
    Encoded(RelativePath),
    /// Text that is no WIT. Holds the place and a snippet.
    #[error("the WIT does not parse\n{0}")]
    Parse(ForeignText),
    /// The world is not there, or it is not clear which one is meant.
    #[error("{}; {}", world_wanted(wanted.as_deref()), worlds_known(known))]
    World {
        /// The world that the manifest names.
        wanted: Option<String>,
        /// Worlds that the package has.
        known: Vec<String>,
    },
    /// The parser failed in a way that it should not.
    #[error("the WIT parser gave up on this text")]
    Parser,
}

impl WitError {
    /// What to do about it.
    pub(super) fn help(&self) -> &'static str {
        match self {
            Self::File(error) => error.fault.help(),
            Self::Empty(_) => "put the WIT package there that the library implements",
            Self::TooLarge(_) | Self::TooMany => {
                "remove packages that the bundle's world does not use"
            }
            Self::Encoded(_) => "turn the file into text with `wasm-tools component wit`",
            Self::Parse(_) => "correct the WIT at the place shown",
            Self::World { known, .. } if known.is_empty() => {
                "add a world that exports what the library implements"
            }
            Self::World { .. } => {
                "name the world in bundle.toml (world = \"...\"), or call it `bundle`"
            }
            Self::Parser => "please report this, with the WIT files",
        }
    }
}

fn world_wanted(wanted: Option<&str>) -> String {
    match wanted {
        Some(wanted) => format!("there is no world `{}` in the WIT", ForeignText::new(wanted)),
        None => "it is not clear which world the bundle implements".to_owned(),
    }
}

fn worlds_known(known: &[String]) -> String {
    match known {
        [] => "the package has none".to_owned(),
        known => format!("the package has: {}", known.join(", ")),
    }
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
    parse_apart(main, deps, world)
}

/// Reads a package that is this one file.
pub(crate) fn text(text: &str) -> Result<(), WitError> {
    let mut main = SourceMap::new();
    main.push_str("text.wit", text);
    parse_apart(main, Vec::new(), None).map(drop)
}

fn parse_apart(
    main: SourceMap,
    deps: Vec<SourceMap>,
    world: Option<&str>,
) -> Result<Parsed, WitError> {
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
    check_counts(deps.iter().chain([&main]))?;
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
        None => Err(WitError::World { wanted: world.map(str::to_owned), known: names }),
    }
}

/// Up to here the parser does not recurse; from here on it does, along what is counted.
fn check_counts<'a>(
    groups: impl Iterator<Item = &'a UnresolvedPackageGroup>,
) -> Result<(), WitError> {
    let (mut interfaces, mut types) = (0_usize, 0_usize);
    for package in groups.flat_map(|group| group.nested.iter().chain([&group.main])) {
        interfaces += package.interfaces.len() + package.worlds.len();
        types += package.types.len();
    }
    if interfaces > INTERFACES_MAX || types > TYPES_MAX { Err(WitError::TooMany) } else { Ok(()) }
}

fn unparsed(rendered: String) -> WitError {
    WitError::Parse(ForeignText::new(rendered))
}
