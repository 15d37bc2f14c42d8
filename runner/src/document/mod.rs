//! Documents in TOML, read key by key, where each complaint names its line.
//!
//! An unknown key is an error, never ignored: it may be a misspelt restriction.

pub(crate) mod nearest;

use nearest::nearest;
use protocol::text::ForeignText;
use std::fmt;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// How much of a line is shown, in characters.
const SHOWN_MAX: usize = 100;

/// A document that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint<F> {
    /// Where. Boxed, since errors travel through many results.
    pub place: Box<Place>,
    /// What is wrong.
    pub fault: F,
}

/// A line of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The document, as it is called in messages.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// That line's text, cut.
    pub text: String,
}

impl<F: fmt::Display> fmt::Display for Complaint<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { file, line, text } = &*self.place;
        write!(f, "{}, line {line}: {}", ForeignText::new(file), self.fault)?;
        write!(f, "\n    {line} | {}", ForeignText::new(text))
    }
}

impl<F: std::error::Error> std::error::Error for Complaint<F> {}

impl<F> Complaint<F> {
    /// The same complaint without the line's text, which may be a secret.
    pub(crate) fn without_text(mut self) -> Self {
        "…".clone_into(&mut self.place.text);
        self
    }

    /// The same complaint, in the words of a particular document.
    pub(crate) fn map<G>(self, to: impl FnOnce(F) -> G) -> Complaint<G> {
        Complaint { place: self.place, fault: to(self.fault) }
    }
}

/// What can be wrong with any document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Not TOML.
    #[error("{}", ForeignText::new(.0))]
    Syntax(String),
    /// `format` is larger than this version knows.
    #[error("format {found} needs a newer wrun; this one reads format {known}")]
    Format {
        /// What the file says.
        found: String,
        /// What this version reads.
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
}

fn suggestion(known: &[&str]) -> String {
    match known {
        [one] => format!("; did you mean `{one}`?"),
        many => format!("; known are: {}", many.join(", ")),
    }
}

/// The text of a document, and its name for messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
}

impl<'a> Source<'a> {
    pub(crate) fn parse(self) -> Result<DeTable<'a>, Complaint<Fault>> {
        DeTable::parse(self.text).map(Spanned::into_inner).map_err(|problem| {
            let at = problem.span().map_or(0, |span| span.start);
            self.error(at, Fault::Syntax(problem.message().to_owned()))
        })
    }

    fn line(self, at: usize) -> usize {
        self.text.get(..at).unwrap_or(self.text).matches('\n').count() + 1
    }

    fn error<F>(self, at: usize, fault: F) -> Complaint<F> {
        let line = self.line(at);
        let shown = self.text.lines().nth(line - 1).unwrap_or_default();
        let text = shown.chars().take(SHOWN_MAX).collect();
        Complaint { place: Box::new(Place { file: self.file.to_owned(), line, text }), fault }
    }
}

/// A value, and where it stands.
pub(crate) struct Found<'a, T> {
    pub(crate) value: T,
    source: Source<'a>,
    span: Range<usize>,
}

impl<T> Found<'_, T> {
    pub(crate) fn error<F>(&self, fault: F) -> Complaint<F> {
        self.source.error(self.span.start, fault)
    }

    /// The line where it stands.
    pub(crate) fn line(&self) -> usize {
        self.source.line(self.span.start)
    }
}

/// A table of a document.
#[derive(Clone, Copy)]
pub(crate) struct Table<'a> {
    source: Source<'a>,
    table: &'a DeTable<'a>,
    /// Where the table begins.
    start: usize,
}

impl<'a> Table<'a> {
    pub(crate) fn root(source: Source<'a>, table: &'a DeTable<'a>) -> Self {
        Self { source, table, start: 0 }
    }

    /// An error at the line where the table begins.
    pub(crate) fn error<F>(&self, fault: F) -> Complaint<F> {
        self.source.error(self.start, fault)
    }

    /// An error at the line where `key` stands.
    pub(crate) fn error_at<F>(&self, key: &str, fault: F) -> Complaint<F> {
        let at = self.table.get_key_value(key).map_or(self.start, |(key, _)| key.span().start);
        self.source.error(at, fault)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.table.keys().map(|key| key.get_ref().as_ref())
    }

    pub(crate) fn known(&self, known: &[&'static str]) -> Result<(), Complaint<Fault>> {
        let unknown = self.table.keys().find(|key| !known.contains(&key.get_ref().as_ref()));
        let Some(key) = unknown else { return Ok(()) };
        let nearest = nearest(key.get_ref(), known.iter().copied(), 1);
        let known = if nearest.is_empty() { known } else { &nearest };
        let known = known.to_vec();
        let fault = Fault::UnknownKey { key: key.get_ref().to_string(), known };
        Err(self.source.error(key.span().start, fault))
    }

    pub(crate) fn format(&self, known: u64) -> Result<(), Complaint<Fault>> {
        let value = self.value("format").ok_or(self.error(Fault::Missing("format")))?;
        let wrong = Fault::Type { key: "format".into(), wanted: "a positive number" };
        let DeValue::Integer(found) = value.value else { return Err(value.error(wrong)) };
        match u64::from_str_radix(found.as_str(), found.radix()) {
            Ok(0) | Err(_) => Err(value.error(wrong)),
            Ok(found) if found == known => Ok(()),
            Ok(found) => Err(value.error(Fault::Format { found: found.to_string(), known })),
        }
    }

    pub(crate) fn required<T>(
        &self,
        key: &'static str,
        read: impl Fn(&Self, &str) -> Result<Option<Found<'a, T>>, Complaint<Fault>>,
    ) -> Result<Found<'a, T>, Complaint<Fault>> {
        read(self, key)?.ok_or_else(|| self.error(Fault::Missing(key)))
    }

    pub(crate) fn string(&self, key: &str) -> Result<Option<Found<'a, &'a str>>, Complaint<Fault>> {
        let Some(found) = self.value(key) else { return Ok(None) };
        match found.value {
            DeValue::String(string) => {
                Ok(Some(Found { value: string.as_ref(), source: found.source, span: found.span }))
            }
            _ => Err(wrong_type(&found, key, "a string")),
        }
    }

    pub(crate) fn boolean(&self, key: &str) -> Result<Option<bool>, Complaint<Fault>> {
        let Some(found) = self.value(key) else { return Ok(None) };
        match found.value {
            DeValue::Boolean(boolean) => Ok(Some(*boolean)),
            _ => Err(wrong_type(&found, key, "true or false")),
        }
    }

    pub(crate) fn table(
        &self,
        key: &str,
    ) -> Result<Option<Found<'a, Table<'a>>>, Complaint<Fault>> {
        let Some(found) = self.value(key) else { return Ok(None) };
        match found.value {
            DeValue::Table(table) => Ok(Some(Found {
                value: Table { source: self.source, table, start: found.span.start },
                source: found.source,
                span: found.span,
            })),
            _ => Err(wrong_type(&found, key, "a table")),
        }
    }

    /// The table at `key`, if what is there is one.
    pub(crate) fn table_if(&self, key: &str) -> Option<Found<'a, Table<'a>>> {
        self.table(key).ok().flatten()
    }

    /// A string, a whole number or a truth value, as text.
    pub(crate) fn scalar(&self, key: &str) -> Result<Option<Found<'a, String>>, Complaint<Fault>> {
        let Some(found) = self.value(key) else { return Ok(None) };
        let text = match found.value {
            DeValue::String(string) => Some(string.to_string()),
            DeValue::Boolean(boolean) => Some(boolean.to_string()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .ok()
                .map(|number| number.to_string()),
            _ => None,
        };
        match text {
            Some(value) => Ok(Some(Found { value, source: found.source, span: found.span })),
            None => Err(wrong_type(&found, key, "a string or a whole number")),
        }
    }

    /// A list of strings; empty if the key is not there.
    pub(crate) fn strings(&self, key: &str) -> Result<Vec<Found<'a, &'a str>>, Complaint<Fault>> {
        const WANTED: &str = "a list of strings";
        let Some(found) = self.value(key) else { return Ok(Vec::new()) };
        let DeValue::Array(items) = found.value else {
            return Err(wrong_type(&found, key, WANTED));
        };
        let item = |item: &'a Spanned<DeValue<'a>>| match item.get_ref() {
            DeValue::String(string) => {
                Ok(Found { value: string.as_ref(), source: found.source, span: item.span() })
            }
            _ => Err(wrong_type(&found, key, WANTED)),
        };
        items.iter().map(item).collect()
    }

    fn value(&self, key: &str) -> Option<Found<'a, &'a DeValue<'a>>> {
        let value = self.table.get(key)?;
        Some(Found { value: value.get_ref(), source: self.source, span: value.span() })
    }
}

fn wrong_type(
    found: &Found<'_, &DeValue<'_>>,
    key: &str,
    wanted: &'static str,
) -> Complaint<Fault> {
    found.error(Fault::Type { key: key.to_owned(), wanted })
}
