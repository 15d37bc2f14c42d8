//! What a manifest asks for, against what was granted.

use super::assemble::Assembled;
use super::grant::{Grant, Kind};
use super::limit::Limit;
use super::settings::Origin;
use super::{Amount, Meaning};
use crate::bundle::manifest::Asks;
use protocol::policy::{Access, Library, Tree};
use protocol::text::shell_word;
use std::path::{Path, PathBuf};

/// How many threads a line proposes for a bundle that asks for threads: enough for most, and too
/// few to hurt.
const THREADS_PROPOSED: u64 = 8;

/// Something that a manifest asks for, and the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// What, as in `read`.
    pub kind: &'static str,
    /// Which, in the manifest's words.
    pub value: String,
    /// The answer.
    pub answer: Answer,
}

/// The answer to an [`Ask`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Granted, by whoever said so.
    Granted(Origin),
    /// Not granted; this option of the command line would.
    Denied(String),
    /// It makes no sense, for this reason.
    Senseless(String),
}

impl Assembled {
    /// What the bundle's manifest asks for, with the answers.
    pub fn asks(&self) -> Vec<Ask> {
        let Asks { read, write, connect, device, library, threads } = &self.bundle.manifest().asks;
        let lists = [
            (Kind::Library, library),
            (Kind::Read, read),
            (Kind::Write, write),
            (Kind::Connect, connect),
            (Kind::Device, device),
        ];
        let mut asks = Vec::new();
        for (kind, values) in lists {
            asks.extend(values.iter().map(|value| self.ask(kind, value)));
        }
        if *threads {
            asks.push(self.ask_threads());
        }
        asks
    }

    fn ask(&self, kind: Kind, value: &str) -> Ask {
        let answer = match kind.parse(value, Path::new("")) {
            Err(fault) => Answer::Senseless(fault.to_string()),
            Ok(grant) if path(&grant).is_some_and(|path| !path.is_absolute()) => {
                Answer::Senseless("it is a relative path".to_owned())
            }
            Ok(grant) => match self.resolved.iter().find(|given| allows(&given.meaning, &grant)) {
                Some(given) => Answer::Granted(given.grant.origin.clone()),
                None => Answer::Denied(self.option(&format!("{}={}", kind.name(), grant.value()))),
            },
        };
        Ask { kind: kind.name(), value: value.to_owned(), answer }
    }

    fn ask_threads(&self) -> Ask {
        let name = Limit::Threads.name();
        let given = self.settings.limits.get(&Limit::Threads);
        let answer = match given {
            Some(given) if given.value != Amount::Count(0) => Answer::Granted(given.origin.clone()),
            _ => Answer::Denied(self.option(&format!("{name}={THREADS_PROPOSED}"))),
        };
        Ask { kind: name, value: "yes".to_owned(), answer }
    }

    /// The option that grants `what`, ready to be copied.
    pub fn option(&self, what: &str) -> String {
        format!("--grant {}", shell_word(&format!("{}:{what}", self.bundle.name())))
    }
}

fn path(grant: &Grant) -> Option<&PathBuf> {
    match grant {
        Grant::Read(path)
        | Grant::Write(path)
        | Grant::Socket(path)
        | Grant::Device(path)
        | Grant::Library(path) => Some(path),
        Grant::Connect { .. } => None,
    }
}

/// Whether what was given includes what is asked for.
fn allows(given: &Meaning, asked: &Grant) -> bool {
    // What is asked for may not exist; then it can be named as it is, within a tree.
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let within = |tree: &Tree, path: &Path, access| {
        tree.access >= access && real(path).starts_with(&tree.path)
    };
    match (given, asked) {
        (Meaning::Tree(tree), Grant::Read(path)) => within(tree, path, Access::Read),
        (Meaning::Tree(tree), Grant::Write(path)) => within(tree, path, Access::Write),
        (Meaning::Device(given), Grant::Device(path))
        | (Meaning::Socket(given), Grant::Socket(path)) => real(path) == Path::new(given),
        (Meaning::Destination(given), Grant::Connect { host, port }) => {
            given.host == *host && given.port == *port
        }
        // Loaded by its own name, so the name counts.
        (Meaning::Libraries(given), Grant::Library(path)) => {
            given.iter().any(|Library { path: given, .. }| Path::new(given) == path)
        }
        _ => false,
    }
}
