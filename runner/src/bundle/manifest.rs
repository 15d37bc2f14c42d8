//! `bundle.toml`: what a bundle says of itself.
//!
//! ```toml
//! format = 1                        # of this file
//! name = "clock"                    # for --map, --bundle-config and messages
//! version = "1.4.0"
//! wit = "wit"                       # folder with the WIT package; this is the default
//! world = "bundle"                  # needed if the package has several and none has this name
//! vendor = ["lib/libvendor.so.1"]   # loaded before the library, in this order
//!
//! [library]                         # one per target
//! x86_64-unknown-linux-gnu = "lib/libclock.so"
//!
//! [config.zone]                     # what --bundle-config may set; "zone.*" is a family of keys
//! help = "Time zone, as in Europe/Paris"
//! required = false
//! secret = false
//!
//! [asks]                            # what it would like to use; only the operator grants
//! read = ["/usr/share/zoneinfo"]    # also write, connect, device, library, threads
//!
//! [symbols]                         # WIT function -> plain C symbol
//! "demo:clock/now@1.0.0#seconds" = "clock_seconds"
//! ```
//!
//! A key that is not known is an error, never ignored: it may be a misspelt restriction.

use super::path::{PathFault, RelativePath};
use crate::document::{Complaint, Fault, Source, Table};
use protocol::text::ForeignText;
use semver::Version;
use std::collections::BTreeMap;

/// Name of the file.
pub const FILE: &str = "bundle.toml";

/// Largest manifest, in bytes. A generous one is 4 KiB.
pub const BYTES_MAX: u64 = 64 << 10;

/// The format that this version reads.
pub const FORMAT: u64 = 1;

/// The folder with WIT where none is named.
pub const WIT_DEFAULT: &str = "wit";

/// Longest name of a bundle or of a configuration key, in bytes of ASCII.
pub const NAME_BYTES_MAX: usize = 64;

/// Most vendor libraries.
pub const VENDOR_MAX: usize = 64;

/// Longest symbol, in bytes; mangled C++ names come near.
pub const SYMBOL_BYTES_MAX: usize = 4096;

/// A `bundle.toml` that cannot be used.
pub type ManifestError = Complaint<ManifestFault>;

/// What can be wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestFault {
    /// What can be wrong with any document.
    #[error(transparent)]
    Document(#[from] Fault),
    /// Not a path inside the bundle.
    #[error("this is no path inside the bundle: {0}")]
    Path(PathFault),
    /// Not a name.
    #[error(
        "`{}` is no name: use letters, digits, `-` and `_`, at most {NAME_BYTES_MAX} in all, \
         with a letter or digit first", ForeignText::new(.0)
    )]
    Name(String),
    /// Not the name of a configuration key.
    #[error(
        "`{}` is no configuration key: use letters, digits, `-`, `_` and `.`, at most \
         {NAME_BYTES_MAX} in all; a key that ends in `.*` stands for a family",
        ForeignText::new(.0)
    )]
    ConfigKey(String),
    /// Not a version.
    #[error("this is no version like \"1.0.0\": {0}")]
    Version(String),
    /// No library at all.
    #[error("[library] is empty; it maps a target triple onto the path of a shared library")]
    NoLibrary,
    /// The same entry twice.
    #[error("`{0}` is listed twice")]
    Twice(String),
    /// More entries than allowed.
    #[error("more than {0} entries")]
    TooMany(usize),
    /// A text that is not what it seems.
    #[error("this has control characters")]
    Control,
    /// Not a symbol.
    #[error("this is no symbol of a library: printable ASCII without spaces")]
    Symbol,
}

impl From<Complaint<Fault>> for ManifestError {
    fn from(complaint: Complaint<Fault>) -> Self {
        complaint.map(ManifestFault::Document)
    }
}

/// A checked manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Name of the bundle: letters, digits, `-` and `_`.
    pub name: String,
    /// Version of the bundle. Only a bundle without a manifest has none.
    pub version: Option<Version>,
    /// Folder with the WIT package.
    pub wit: RelativePath,
    /// World that the bundle implements, if it says so.
    pub world: Option<String>,
    /// The library for each target triple.
    pub library: BTreeMap<String, RelativePath>,
    /// Libraries that are loaded before it, in this order.
    pub vendor: Vec<RelativePath>,
    /// What the bundle would like to use.
    pub asks: Asks,
    /// What the operator may configure; a key that ends in `.*` stands for a family. `None` if the bundle does not say: then anything goes.
    pub config: Option<BTreeMap<String, ConfigKey>>,
    /// Functions whose symbol has a name of its own: component name to symbol.
    pub symbols: BTreeMap<String, String>,
}

/// What a bundle would like to use. Nothing of it is granted by this.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asks {
    /// Files and trees to read.
    pub read: Vec<String>,
    /// Files and trees to write.
    pub write: Vec<String>,
    /// `HOST:PORT` to connect to.
    pub connect: Vec<String>,
    /// Device files to open.
    pub device: Vec<String>,
    /// Libraries to load in `init`.
    pub library: Vec<String>,
    /// Whether it starts threads.
    pub threads: bool,
}

/// A key of the bundle's configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigKey {
    /// What it is for, for the operator.
    pub help: Option<String>,
    /// Whether the bundle cannot start without it.
    pub required: bool,
    /// Whether its value must not be on a command line.
    pub secret: bool,
}

impl Manifest {
    /// The manifest of a bundle that has no `bundle.toml`.
    pub fn by_convention(
        name: String,
        target: &str,
        library: RelativePath,
        wit: RelativePath,
    ) -> Self {
        Self {
            name,
            version: None,
            wit,
            world: None,
            library: BTreeMap::from([(target.to_owned(), library)]),
            vendor: Vec::new(),
            asks: Asks::default(),
            config: None,
            symbols: BTreeMap::new(),
        }
    }

    /// Reads the text of a `bundle.toml`.
    ///
    /// # Errors
    /// [`ManifestError`], which names the line.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let source = Source { file: FILE, text };
        let document = source.parse()?;
        let root = Table::root(source, &document);
        // First of all: a later format may have other keys, and says so by its number only.
        root.format(FORMAT)?;
        root.known(&[
            "format", "name", "version", "wit", "world", "library", "vendor", "asks", "config",
            "symbols",
        ])?;
        let name = root.required("name", Table::string)?;
        if !is_name(name.value) {
            return Err(name.error(ManifestFault::Name(name.value.to_owned())));
        }
        let version = root.required("version", Table::string)?;
        let version = Version::parse(version.value)
            .map_err(|error| version.error(ManifestFault::Version(error.to_string())))?;
        let wit = path(&root, "wit")?.unwrap_or_else(|| RelativePath::fixed(WIT_DEFAULT));
        let library = library(&root.required("library", Table::table)?.value)?;
        Ok(Self {
            name: name.value.to_owned(),
            version: Some(version),
            wit,
            world: root.string("world")?.map(|world| world.value.to_owned()),
            library,
            vendor: vendor(&root)?,
            asks: asks(&root)?,
            config: Some(config(&root)?),
            symbols: symbols(&root)?,
        })
    }
}

/// Whether `text` may name a bundle.
pub fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    text.len() <= NAME_BYTES_MAX
        && chars.next().is_some_and(|c| c.is_ascii_alphanumeric())
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// Whether a terminal shows the character as it is.
fn is_harmless(c: char) -> bool {
    let mut shown = String::new();
    // Writing to a `String` cannot fail.
    let _ = protocol::text::write_harmless(&mut shown, c);
    !matches!(c, '\n' | '\t') && shown.chars().eq([c])
}

/// Whether `text` may name a configuration key: names joined by dots, the last of which may be `*`
/// for any.
fn is_config_key(text: &str) -> bool {
    let names = text.strip_suffix(".*").unwrap_or(text);
    text.len() <= NAME_BYTES_MAX && names.split('.').all(is_name)
}

fn path(table: &Table<'_>, key: &str) -> Result<Option<RelativePath>, ManifestError> {
    let Some(found) = table.string(key)? else { return Ok(None) };
    RelativePath::new(found.value)
        .map(Some)
        .map_err(|fault| found.error(ManifestFault::Path(fault)))
}

fn library(table: &Table<'_>) -> Result<BTreeMap<String, RelativePath>, ManifestError> {
    let mut found = BTreeMap::new();
    for target in table.keys() {
        if let Some(path) = path(table, target)? {
            found.insert(target.to_owned(), path);
        }
    }
    if found.is_empty() { Err(table.error(ManifestFault::NoLibrary)) } else { Ok(found) }
}

fn vendor(root: &Table<'_>) -> Result<Vec<RelativePath>, ManifestError> {
    let mut found = Vec::new();
    for item in root.strings("vendor")? {
        let path = RelativePath::new(item.value)
            .map_err(|fault| item.error(ManifestFault::Path(fault)))?;
        if found.contains(&path) {
            return Err(item.error(ManifestFault::Twice(path.to_string())));
        }
        if found.len() == VENDOR_MAX {
            return Err(item.error(ManifestFault::TooMany(VENDOR_MAX)));
        }
        found.push(path);
    }
    Ok(found)
}

fn asks(root: &Table<'_>) -> Result<Asks, ManifestError> {
    let Some(table) = root.table("asks")? else { return Ok(Asks::default()) };
    let table = table.value;
    table.known(&["read", "write", "connect", "device", "library", "threads"])?;
    let list = |key| -> Result<Vec<String>, ManifestError> {
        let items = table.strings(key)?.into_iter();
        // They are shown in tables and in lines to be copied.
        items
            .map(|item| match item.value.chars().all(is_harmless) {
                true => Ok(item.value.to_owned()),
                false => Err(item.error(ManifestFault::Control)),
            })
            .collect()
    };
    Ok(Asks {
        read: list("read")?,
        write: list("write")?,
        connect: list("connect")?,
        device: list("device")?,
        library: list("library")?,
        threads: table.boolean("threads")?.unwrap_or(false),
    })
}

fn config(root: &Table<'_>) -> Result<BTreeMap<String, ConfigKey>, ManifestError> {
    let mut found = BTreeMap::new();
    let Some(table) = root.table("config")? else { return Ok(found) };
    for key in table.value.keys() {
        if !is_config_key(key) {
            return Err(table.value.error_at(key, ManifestFault::ConfigKey(key.to_owned())));
        }
        let Some(entry) = table.value.table(key)? else { continue };
        entry.value.known(&["help", "required", "secret"])?;
        let key_of = ConfigKey {
            help: entry.value.string("help")?.map(|help| help.value.to_owned()),
            required: entry.value.boolean("required")?.unwrap_or(false),
            secret: entry.value.boolean("secret")?.unwrap_or(false),
        };
        found.insert(key.to_owned(), key_of);
    }
    Ok(found)
}

fn symbols(root: &Table<'_>) -> Result<BTreeMap<String, String>, ManifestError> {
    let mut found = BTreeMap::new();
    let Some(table) = root.table("symbols")? else { return Ok(found) };
    for function in table.value.keys() {
        let Some(symbol) = table.value.string(function)? else { continue };
        let is_symbol = (1..=SYMBOL_BYTES_MAX).contains(&symbol.value.len())
            && symbol.value.chars().all(|c| c.is_ascii_graphic());
        if !is_symbol {
            return Err(symbol.error(ManifestFault::Symbol));
        }
        found.insert(function.to_owned(), symbol.value.to_owned());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "format = 1\nname = \"clock\"\nversion = \"1.4.0\"\nworld = 'w'\n\
        vendor = [\"lib/v.so\"]\n[library]\nx86_64-unknown-linux-gnu = \"lib/l.so\"\n\
        [config.zone]\nhelp = \"h\"\nsecret = true\n[asks]\nread = [\"/x\"]\n\
        [symbols]\n\"a:b/c#d\" = \"e\"\n";

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in any::<String>()) {
            let _ = Manifest::parse(&text);
        }

        #[test]
        fn no_change_of_a_manifest_makes_the_reader_panic(
            at in 0..TEXT.len(),
            length in 0..20_usize,
            put in "[\\[\\]{}=.,\"'#\\\\a-z0-9\n \u{e4}\u{202e}\u{1b}]{0,6}",
        ) {
            let end = (at + length).min(TEXT.len());
            let (before, after) = (TEXT.get(..at), TEXT.get(end..));
            let text = [before.unwrap_or_default(), &put, after.unwrap_or_default()].concat();
            if let Err(error) = Manifest::parse(&text) {
                let shown = error.to_string();
                prop_assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
            }
        }
    }

    #[test]
    fn the_unchanged_manifest_is_read() {
        assert!(Manifest::parse(TEXT).is_ok());
    }
}
