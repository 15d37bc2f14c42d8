//! Reading a TOML table key by key, where each complaint names its line.

use super::super::nearest::nearest;
use super::super::path::{PathFault, RelativePath};
use super::{FILE, NAME_BYTES_MAX};
use protocol::text::ForeignText;
use std::fmt;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// How much of a line is shown, in characters.
const SHOWN_MAX: usize = 100;

/// A `bundle.toml` that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ManifestError {
    /// Line, counted from 1.
    pub line: usize,
    /// That line's text, cut.
    pub text: String,
    /// What is wrong.
    pub fault: ManifestFault,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, text, fault } = self;
        write!(f, "{FILE}, line {line}: {fault}\n    {line} | {}", ForeignText::new(text))
    }
}

/// What can be wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestFault {
    /// Not TOML.
    #[error("{}", ForeignText::new(.0))]
    Syntax(String),
    /// `format` is larger than this version knows.
    #[error("format {found} needs a newer wrun; this one reads format {known}")]
    Format {
        /// What the file says.
        found: String,
        /// [`super::FORMAT`].
        known: u64,
    },
    /// A key that has no meaning here.
    #[error("unknown key `{}`{}", ForeignText::new(key), suggestion(known))]
    UnknownKey {
        /// The key.
        key: String,
        /// The known key that is nearest, if one is near; else all that are known.
        known: Vec<&'static str>,
    },
    /// A key that must be there is not.
    #[error("the key `{0}` is missing")]
    Missing(&'static str),
    /// A value of another type.
    #[error("`{}` must be {wanted}", ForeignText::new(key))]
    Type {
        /// The key.
        key: String,
        /// What it must be.
        wanted: &'static str,
    },
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
    /// Not a symbol.
    #[error("this is no symbol of a library: printable ASCII without spaces")]
    Symbol,
}

fn suggestion(known: &[&str]) -> String {
    match known {
        [one] => format!("; did you mean `{one}`?"),
        many => format!("; known are: {}", many.join(", ")),
    }
}

/// A value, and where it stands.
pub(super) struct Found<'a, T> {
    pub(super) value: T,
    text: &'a str,
    span: Range<usize>,
}

impl<T> Found<'_, T> {
    pub(super) fn error(&self, fault: ManifestFault) -> ManifestError {
        error(self.text, self.span.start, fault)
    }
}

pub(super) fn parse(text: &str) -> Result<DeTable<'_>, ManifestError> {
    DeTable::parse(text).map(Spanned::into_inner).map_err(|problem| {
        let at = problem.span().map_or(0, |span| span.start);
        error(text, at, ManifestFault::Syntax(problem.message().to_owned()))
    })
}

fn error(text: &str, at: usize, fault: ManifestFault) -> ManifestError {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let shown = text.lines().nth(line - 1).unwrap_or_default().chars().take(SHOWN_MAX).collect();
    ManifestError { line, text: shown, fault }
}

/// A table of the manifest.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    text: &'a str,
    table: &'a DeTable<'a>,
    /// Where the table begins.
    start: usize,
}

impl<'a> Table<'a> {
    pub(super) fn root(text: &'a str, table: &'a DeTable<'a>) -> Self {
        Self { text, table, start: 0 }
    }

    pub(super) fn error(&self, offset: usize, fault: ManifestFault) -> ManifestError {
        error(self.text, self.start + offset, fault)
    }

    /// An error at the line where `key` stands.
    pub(super) fn error_at(&self, key: &str, fault: ManifestFault) -> ManifestError {
        let at = self.table.get_key_value(key).map_or(self.start, |(key, _)| key.span().start);
        error(self.text, at, fault)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.table.keys().map(|key| key.get_ref().as_ref())
    }

    pub(super) fn known(&self, known: &[&'static str]) -> Result<(), ManifestError> {
        let unknown = self.table.keys().find(|key| !known.contains(&key.get_ref().as_ref()));
        let Some(key) = unknown else { return Ok(()) };
        let nearest = nearest(key.get_ref(), known.iter().copied(), 1);
        let known = if nearest.is_empty() { known } else { &nearest };
        let known = known.to_vec();
        let fault = ManifestFault::UnknownKey { key: key.get_ref().to_string(), known };
        Err(error(self.text, key.span().start, fault))
    }

    pub(super) fn format(&self, known: u64) -> Result<(), ManifestError> {
        let value = self.value("format").ok_or(self.error(0, ManifestFault::Missing("format")))?;
        let wrong = ManifestFault::Type { key: "format".into(), wanted: "a positive number" };
        let DeValue::Integer(found) = value.value else { return Err(value.error(wrong)) };
        match u64::from_str_radix(found.as_str(), found.radix()) {
            Ok(0) | Err(_) => Err(value.error(wrong)),
            Ok(found) if found == known => Ok(()),
            Ok(found) => {
                Err(value.error(ManifestFault::Format { found: found.to_string(), known }))
            }
        }
    }

    pub(super) fn required<T>(
        &self,
        key: &'static str,
        read: impl Fn(&Self, &str) -> Result<Option<Found<'a, T>>, ManifestError>,
    ) -> Result<Found<'a, T>, ManifestError> {
        read(self, key)?.ok_or_else(|| self.error(0, ManifestFault::Missing(key)))
    }

    pub(super) fn string(&self, key: &str) -> Result<Option<Found<'a, &'a str>>, ManifestError> {
        let Some(found) = self.value(key) else { return Ok(None) };
        match found.value {
            DeValue::String(string) => {
                Ok(Some(Found { value: string.as_ref(), text: found.text, span: found.span }))
            }
            _ => Err(wrong_type(&found, key, "a string")),
        }
    }

    pub(super) fn boolean(&self, key: &str) -> Result<Option<bool>, ManifestError> {
        let Some(found) = self.value(key) else { return Ok(None) };
        match found.value {
            DeValue::Boolean(boolean) => Ok(Some(*boolean)),
            _ => Err(wrong_type(&found, key, "true or false")),
        }
    }

    pub(super) fn table(&self, key: &str) -> Result<Option<Found<'a, Table<'a>>>, ManifestError> {
        let Some(found) = self.value(key) else { return Ok(None) };
        match found.value {
            DeValue::Table(table) => Ok(Some(Found {
                value: Table { text: self.text, table, start: found.span.start },
                text: found.text,
                span: found.span,
            })),
            _ => Err(wrong_type(&found, key, "a table")),
        }
    }

    /// A list of strings; empty if the key is not there.
    pub(super) fn strings(&self, key: &str) -> Result<Vec<Found<'a, &'a str>>, ManifestError> {
        const WANTED: &str = "a list of strings";
        let Some(found) = self.value(key) else { return Ok(Vec::new()) };
        let DeValue::Array(items) = found.value else {
            return Err(wrong_type(&found, key, WANTED));
        };
        let item = |item: &'a Spanned<DeValue<'a>>| match item.get_ref() {
            DeValue::String(string) => {
                Ok(Found { value: string.as_ref(), text: found.text, span: item.span() })
            }
            _ => Err(wrong_type(&found, key, WANTED)),
        };
        items.iter().map(item).collect()
    }

    pub(super) fn path(&self, key: &str) -> Result<Option<RelativePath>, ManifestError> {
        let Some(found) = self.string(key)? else { return Ok(None) };
        RelativePath::new(found.value)
            .map(Some)
            .map_err(|fault| found.error(ManifestFault::Path(fault)))
    }

    fn value(&self, key: &str) -> Option<Found<'a, &'a DeValue<'a>>> {
        let value = self.table.get(key)?;
        Some(Found { value: value.get_ref(), text: self.text, span: value.span() })
    }
}

fn wrong_type(found: &Found<'_, &DeValue<'_>>, key: &str, wanted: &'static str) -> ManifestError {
    found.error(ManifestFault::Type { key: key.to_owned(), wanted })
}
