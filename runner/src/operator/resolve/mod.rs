//! From what an operator wrote to what the kernel is told: paths without links that exist,
//! addresses, and libraries with all that they need.
//!
//! Whatever would undo the jail is refused here, whoever asks for it: the root, kernel file
//! systems, device folders, and writing what the next run would trust.

mod fault;
mod places;
mod trees;

pub use fault::{ResolveError, ResolveFault};

use super::closure::{self, Search};
use super::grant::Grant;
use super::settings::{Settings, Sourced};
use places::Mounts;
use protocol::policy::{Access, Destination, Grants, Library, Tree};
use std::collections::BTreeSet;
use std::net::ToSocketAddrs as _;
use std::path::PathBuf;

/// Something that no bundle may write: it would decide over the next run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protected {
    /// Where it is, links resolved.
    pub path: PathBuf,
    /// What it is, for messages.
    pub what: String,
}

/// A grant, and what it comes to on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The grant.
    pub grant: Sourced<Grant>,
    /// What it comes to.
    pub meaning: Meaning,
}

/// What a grant comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// A tree of files.
    Tree(Tree),
    /// A device, by its path without links.
    Device(String),
    /// A Unix socket, by its path without links.
    Socket(String),
    /// A host with its addresses.
    Destination(Destination),
    /// A library behind those that it needs.
    Libraries(Vec<Library>),
}

/// Looks things up on this machine.
#[derive(Debug, Clone)]
pub(super) struct Resolver {
    mounts: Mounts,
    search: Search,
    protected: Vec<Protected>,
}

impl Resolver {
    /// One for this machine.
    ///
    /// # Errors
    /// If the kernel does not tell what is mounted.
    pub(super) fn of_machine() -> std::io::Result<Self> {
        let (mounts, search) = (Mounts::of_machine()?, Search::of_machine());
        Ok(Self { mounts, search, protected: Vec::new() })
    }

    /// The same, for a bundle that must not write there.
    pub(super) fn protecting(&self, protected: Vec<Protected>) -> Self {
        Self { protected, ..self.clone() }
    }

    /// Where libraries are looked for.
    pub(super) fn search(&self) -> &Search {
        &self.search
    }

    /// Resolves all grants of a bundle, in their order.
    ///
    /// # Errors
    /// [`ResolveError`] for the first that cannot be granted.
    pub(super) fn all(
        &self,
        bundle: &str,
        settings: &Settings,
    ) -> Result<Vec<Resolved>, Box<ResolveError>> {
        let resolve = |grant: &Sourced<Grant>| match self.one(&grant.value) {
            Ok(meaning) => Ok(Resolved { grant: grant.clone(), meaning }),
            Err(fault) => Err(Box::new(ResolveError {
                bundle: bundle.to_owned(),
                grant: grant.clone(),
                fault,
            })),
        };
        settings.grants.iter().map(resolve).collect()
    }

    fn one(&self, grant: &Grant) -> Result<Meaning, ResolveFault> {
        Ok(match grant {
            Grant::Read(path) => Meaning::Tree(Tree {
                path: places::tree(path, &self.mounts)?,
                access: Access::Read,
            }),
            Grant::Write(path) => {
                let path = places::tree(path, &self.mounts)?;
                places::check_writable(&path, &self.protected)?;
                Meaning::Tree(Tree { path, access: Access::Write })
            }
            Grant::Device(path) => Meaning::Device(places::device(path)?),
            Grant::Socket(path) => Meaning::Socket(places::socket(path)?),
            Grant::Connect { host, port } => Meaning::Destination(destination(host, *port)?),
            Grant::Library(path) => {
                let libraries = closure::closure(path, &self.search);
                Meaning::Libraries(libraries.map_err(ResolveFault::Library)?)
            }
        })
    }
}

/// All grants of a bundle as its policy has them: none twice, none within another.
pub(super) fn policy(resolved: &[Resolved]) -> Grants {
    let mut grants = Grants::default();
    let mut trees = Vec::new();
    for Resolved { meaning, .. } in resolved {
        match meaning {
            Meaning::Tree(tree) => trees.push(tree.clone()),
            Meaning::Device(path) => add(&mut grants.devices, path),
            Meaning::Socket(path) => add(&mut grants.sockets, path),
            Meaning::Destination(destination) => add(&mut grants.connect, destination),
            Meaning::Libraries(libraries) => {
                libraries.iter().for_each(|library| add(&mut grants.libraries, library));
            }
        }
    }
    grants.trees = trees::merged(trees);
    grants
}

fn add<T: Clone + PartialEq>(list: &mut Vec<T>, item: &T) {
    if !list.contains(item) {
        list.push(item.clone());
    }
}

fn destination(host: &str, port: u16) -> Result<Destination, ResolveFault> {
    let found = (host, port).to_socket_addrs().map_err(ResolveFault::Host)?;
    let addresses: BTreeSet<_> = found.map(|address| address.ip()).collect();
    if addresses.is_empty() {
        return Err(ResolveFault::Host(std::io::Error::other("it has no address")));
    }
    Ok(Destination { host: host.to_owned(), addresses: addresses.into_iter().collect(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_nobody_to_resolve_it() {
        let found = destination("127.0.0.1", 5432).map(|destination| destination.addresses);
        assert_eq!(found.ok(), Some(vec![std::net::IpAddr::from([127, 0, 0, 1])]));
        assert!(matches!(destination("no-such-host.invalid", 1), Err(ResolveFault::Host(_))));
    }
}
