//! `hosts.toml`: bundles, and what an operator lets them do.
//!
//! ```toml
//! format = 1
//!
//! [jail]
//! require = ["landlock"]                # layers without which nothing starts
//!
//! [bundle.pkcs11]
//! path = "pkcs11_host"                  # from here; without it: the --host-bundle of this name
//! serves = ["pkcs11:host/*"]            # as with --map
//!
//! [bundle.pkcs11.config]
//! module = "/usr/lib/softhsm/libsofthsm2.so"
//! pin = { file = "/run/secrets/pin" }   # read by wrun
//!
//! [bundle.pkcs11.grants]
//! library = ["/usr/lib/softhsm/libsofthsm2.so"]
//! read = ["/etc/softhsm"]
//! write = ["/var/lib/softhsm/tokens"]
//!
//! [bundle.pkcs11.limits]
//! memory = "512M"
//!
//! [bundle.pkcs11.supervision]
//! restart = "on-failure"
//! retry-idempotent = ["pkcs11:host/slots#list"]
//!
//! [bundle.pkcs11.redact]                # what --trace-calls does not show
//! "pkcs11:host/sessions#[method]session.login" = ["pin"]
//! ```
//!
//! Whoever can write this file can grant, so it must belong to whoever runs wrun, or to root, and
//! nobody else may write it.

use super::config::ConfigValue;
use super::grant::{Item, ItemFault, Kind};
use super::jail::{self, LayerError};
use super::limit::Limit;
use super::settings::{Origin, Settings, Sourced};
use super::supervision::{self, Rule, RuleFault};
use crate::bundle::manifest::is_name;
use crate::document::{Complaint, Fault, Found, Source, Table};
use crate::plan::Map;
use crate::trace::Redact;
use protocol::stage::Layer;
use protocol::text::ForeignText;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest file, in bytes. A generous one is 10 KiB.
const BYTES_MAX: u64 = 256 << 10;

/// The format that this version reads.
const FORMAT: u64 = 1;

/// Permission bits with which others than the owner may write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// A checked `hosts.toml`.
#[derive(Debug, Clone)]
pub struct Hosts {
    /// The file, links resolved.
    pub path: PathBuf,
    /// The bundles, by name.
    pub bundles: BTreeMap<String, Declared>,
    /// Layers of the jail that every bundle must have.
    pub required: Vec<Sourced<Layer>>,
}

/// What the file says about one bundle.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    /// Its directory, absolute.
    pub path: Option<Sourced<PathBuf>>,
    /// Which imports it serves.
    pub serves: Vec<Sourced<Map>>,
    /// Values for its `init`.
    pub config: BTreeMap<String, Sourced<ConfigValue>>,
    /// Grants and limits.
    pub settings: Settings,
    /// What traces of its calls must not show, by function.
    pub redact: Vec<Sourced<Redact>>,
}

/// A `hosts.toml` that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostsError {
    /// It cannot be read.
    #[error("{}: {why}", ForeignText::new(file))]
    Unreadable {
        /// The file, as it was named.
        file: String,
        /// Why.
        why: io::Error,
    },
    /// Somebody else could have written it.
    #[error(
        "{}: {why}; whoever writes this file decides what bundles may do\n  help: {help}",
        ForeignText::new(file)
    )]
    Untrusted {
        /// The file, as it was named.
        file: String,
        /// Who.
        why: String,
        /// What to do.
        help: &'static str,
    },
    /// What it says is wrong.
    #[error(transparent)]
    Wrong(#[from] Complaint<HostsFault>),
}

/// What can be wrong in a `hosts.toml`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostsFault {
    /// What can be wrong with any document.
    #[error(transparent)]
    Document(Fault),
    /// Not the name of a bundle.
    #[error("`{}` is no name of a bundle", ForeignText::new(.0))]
    Name(String),
    /// Not a grant or limit.
    #[error("`{key}`: {fault}")]
    Item {
        /// Its key.
        key: &'static str,
        /// What is wrong.
        fault: ItemFault,
    },
    /// Not a rule.
    #[error("`{key}`: {fault}")]
    Rule {
        /// Its key.
        key: &'static str,
        /// What is wrong.
        fault: RuleFault,
    },
    /// Not something that a bundle can serve.
    #[error("this is no interface: write demo:clock/now@1.0.0, demo:clock/now or demo:clock/*")]
    Serves,
    /// Not a layer.
    #[error("{0}")]
    Layer(LayerError),
    /// A path that is empty.
    #[error("the path is empty")]
    Path,
    /// A key of a configuration that was there, spelled with its dots inside or outside of quotes.
    #[error("`{}` is set twice, here and at {other}", ForeignText::new(.key))]
    Twice {
        /// The key.
        key: String,
        /// Where the other one is.
        other: Origin,
    },
}

type Wrong = Complaint<HostsFault>;

impl From<Complaint<Fault>> for Wrong {
    fn from(complaint: Complaint<Fault>) -> Self {
        complaint.map(HostsFault::Document)
    }
}

impl Hosts {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// [`HostsError`].
    pub fn read(path: &Path) -> Result<Self, HostsError> {
        let shown = path.display().to_string();
        let unreadable = |why| HostsError::Unreadable { file: shown.clone(), why };
        // Not blocking: somebody may have put a pipe there.
        let flags = nix::fcntl::OFlag::O_NONBLOCK.bits();
        let opened = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path);
        let file = opened.map_err(unreadable)?;
        check_owner(&file, &shown)?;
        let mut text = String::new();
        let read = file.take(BYTES_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
        if u64::try_from(read).unwrap_or(u64::MAX) > BYTES_MAX {
            return Err(unreadable(io::Error::other(format!("longer than {BYTES_MAX} bytes"))));
        }
        let path = path.canonicalize().map_err(unreadable)?;
        Ok(Self::parse(&shown, &path, &text)?)
    }

    /// Reads `text`, which is called `shown` in messages and stands at `path`.
    ///
    /// # Errors
    /// A complaint with the line.
    pub(crate) fn parse(shown: &str, path: &Path, text: &str) -> Result<Self, Wrong> {
        let source = Source { file: shown, text };
        let document = source.parse()?;
        let root = Table::root(source, &document);
        root.format(FORMAT)?;
        root.known(&["format", "jail", "bundle"])?;
        let base = path.parent().unwrap_or(Path::new("/"));
        let reader = Reader { file: shown.into(), base };
        let mut bundles = BTreeMap::new();
        if let Some(table) = root.table("bundle")? {
            for name in table.value.keys() {
                if !is_name(name) {
                    return Err(table.value.error_at(name, HostsFault::Name(name.to_owned())));
                }
                if let Some(declared) = table.value.table(name)? {
                    bundles.insert(name.to_owned(), reader.bundle(name, &declared.value)?);
                }
            }
        }
        Ok(Self { path: path.to_owned(), bundles, required: reader.required(&root)? })
    }
}

fn check_owner(file: &File, shown: &str) -> Result<(), HostsError> {
    let unreadable = |why| HostsError::Unreadable { file: shown.to_owned(), why };
    let about = file.metadata().map_err(unreadable)?;
    let untrusted = |why, help| Err(HostsError::Untrusted { file: shown.to_owned(), why, help });
    if !about.is_file() {
        return Err(unreadable(io::Error::other("it is not a plain file")));
    }
    let own = rustix::process::geteuid().as_raw();
    if about.uid() != 0 && about.uid() != own {
        let why = format!("it belongs to the user {}, neither to you nor to root", about.uid());
        return untrusted(why, "make a copy of your own");
    }
    if about.mode() & WRITABLE_BY_OTHERS != 0 {
        let why = format!("others than its owner may write it (mode {:o})", about.mode() & 0o7777);
        return untrusted(why, "chmod go-w");
    }
    Ok(())
}

/// What is needed to make sense of a line.
struct Reader<'a> {
    file: Arc<str>,
    /// Where relative paths start.
    base: &'a Path,
}

impl Reader<'_> {
    fn origin<T>(&self, found: &Found<'_, T>) -> Origin {
        Origin::File { file: Arc::clone(&self.file), line: found.line() }
    }

    fn required(&self, root: &Table<'_>) -> Result<Vec<Sourced<Layer>>, Wrong> {
        let Some(table) = root.table("jail")? else { return Ok(Vec::new()) };
        table.value.known(&["require"])?;
        let layer = |item: &Found<'_, &str>| {
            let layer = jail::layer(item.value);
            let layer = layer.map_err(|error| item.error(HostsFault::Layer(error)))?;
            Ok(Sourced::new(layer, self.origin(item)))
        };
        table.value.strings("require")?.iter().map(layer).collect()
    }

    fn bundle(&self, name: &str, table: &Table<'_>) -> Result<Declared, Wrong> {
        const KEYS: [&str; 7] =
            ["path", "serves", "config", "grants", "limits", "supervision", "redact"];
        table.known(&KEYS)?;
        let path = match table.string("path")? {
            Some(found) if found.value.is_empty() => return Err(found.error(HostsFault::Path)),
            Some(found) => Some(Sourced::new(self.base.join(found.value), self.origin(&found))),
            None => None,
        };
        let mut serves = Vec::new();
        for item in table.strings("serves")? {
            if item.value.is_empty() || item.value.contains(['=', ' ']) {
                return Err(item.error(HostsFault::Serves));
            }
            let origin = self.origin(&item);
            let map = Map::standing(item.value, name, origin.to_string());
            serves.push(Sourced::new(map, origin));
        }
        let mut config = BTreeMap::new();
        if let Some(table) = table.table("config")? {
            self.config(&table.value, "", &mut config)?;
        }
        let mut settings = Settings::default();
        if let Some(table) = table.table("grants")? {
            self.grants(&table.value, &mut settings)?;
        }
        if let Some(table) = table.table("limits")? {
            self.limits(&table.value, &mut settings)?;
        }
        if let Some(table) = table.table("supervision")? {
            self.supervision(&table.value, &mut settings)?;
        }
        let redact = match table.table("redact")? {
            Some(table) => self.redact(&table.value)?,
            None => Vec::new(),
        };
        Ok(Declared { path, serves, config, settings, redact })
    }

    /// Keys with dots are tables in TOML: `env.HOME = "/"` and `"env.HOME" = "/"` are the same
    /// here. A table with nothing but `file` is a value that is read from there.
    fn config(
        &self,
        table: &Table<'_>,
        prefix: &str,
        found: &mut BTreeMap<String, Sourced<ConfigValue>>,
    ) -> Result<(), Wrong> {
        for key in table.keys() {
            let name = format!("{prefix}{key}");
            let mut put = |value| match found.entry(name.clone()) {
                Entry::Vacant(free) => {
                    free.insert(value);
                    Ok(())
                }
                Entry::Occupied(taken) => {
                    let other = taken.get().origin.clone();
                    let fault = HostsFault::Twice { key: name.clone(), other };
                    Err(table.error_at(key, fault).without_text())
                }
            };
            let Some(inner) = table.table_if(key) else {
                // The line is not repeated: it may hold a secret.
                let value = table.scalar(key).map_err(Complaint::without_text)?;
                if let Some(value) = value {
                    let origin = self.origin(&value);
                    put(Sourced::new(ConfigValue::Text(value.value), origin))?;
                }
                continue;
            };
            if inner.value.keys().eq(["file"]) {
                if let Some(file) = inner.value.string("file")? {
                    if file.value.is_empty() {
                        return Err(file.error(HostsFault::Path));
                    }
                    let value = ConfigValue::File(self.base.join(file.value));
                    put(Sourced::new(value, self.origin(&file)))?;
                }
            } else {
                self.config(&inner.value, &format!("{name}."), found)?;
            }
        }
        Ok(())
    }

    fn grants(&self, table: &Table<'_>, settings: &mut Settings) -> Result<(), Wrong> {
        table.known(&Kind::ALL.map(Kind::name))?;
        for kind in Kind::ALL {
            for item in table.strings(kind.name())? {
                let grant = kind
                    .parse(item.value, self.base)
                    .map_err(|fault| item.error(HostsFault::Item { key: kind.name(), fault }))?;
                settings.grants.push(Sourced::new(grant, self.origin(&item)));
            }
        }
        Ok(())
    }

    /// The keys are functions, which only the bundle knows.
    fn redact(&self, table: &Table<'_>) -> Result<Vec<Sourced<Redact>>, Wrong> {
        let mut redact = Vec::new();
        for function in table.keys() {
            for item in table.strings(function)? {
                let (function, value) = (function.to_owned(), item.value.to_owned());
                redact.push(Sourced::new(Redact { function, value }, self.origin(&item)));
            }
        }
        Ok(redact)
    }

    fn limits(&self, table: &Table<'_>, settings: &mut Settings) -> Result<(), Wrong> {
        table.known(&Limit::ALL.map(Limit::name))?;
        for limit in Limit::ALL {
            let key = limit.name();
            let Some(found) = table.scalar(key)? else { continue };
            let wrong = |fault| found.error(HostsFault::Item { key, fault });
            let Item::Limit(limit, amount) =
                Item::parse(key, &found.value, self.base).map_err(wrong)?
            else {
                continue;
            };
            settings.limits.insert(limit, Sourced::new(amount, self.origin(&found)));
        }
        Ok(())
    }

    fn supervision(&self, table: &Table<'_>, settings: &mut Settings) -> Result<(), Wrong> {
        table.known(&Rule::ALL.map(Rule::name))?;
        for rule in Rule::ALL {
            let key = rule.name();
            let mut put = |text: &str, origin| {
                let value = rule.parse(text)?;
                // A key is there once, and lists grow: nothing is said twice.
                let _ = supervision::add(&mut settings.supervision, rule, value, origin);
                Ok(())
            };
            let wrong = |fault| HostsFault::Rule { key, fault };
            if rule.is_list() {
                for item in table.strings(key)? {
                    let origin = self.origin(&item);
                    put(item.value, origin).map_err(|fault| item.error(wrong(fault)))?;
                }
            } else if let Some(found) = table.scalar(key)? {
                let origin = self.origin(&found);
                put(&found.value, origin).map_err(|fault| found.error(wrong(fault)))?;
            }
        }
        Ok(())
    }
}
