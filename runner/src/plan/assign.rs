//! Who serves what: the first half of a plan, by names only.

use super::error::{MapError, PlanError};
use super::map::{Exactness, Map};
use super::report::{Known, Problem, ProblemKind};
use super::version;
use super::{Options, Unserved};
use crate::bundle::{Bundle, OWN_PACKAGE};
use crate::document::nearest::nearest;
use crate::shape::{Function, Interface, World};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many candidates are named for an import that nobody serves.
const KNOWN_MAX: usize = 4;

/// The imports that have a bundle, and the complaints about the others.
#[derive(Debug, Default)]
pub(super) struct Assigned<'a> {
    pub(super) interfaces: Vec<Pair<'a, Interface>>,
    pub(super) functions: Vec<Pair<'a, Function>>,
    pub(super) problems: Vec<Problem>,
    pub(super) unserved: Vec<String>,
}

/// An import and the export that serves it.
#[derive(Debug)]
pub(super) struct Pair<'a, T> {
    /// Index of the bundle.
    pub(super) bundle: usize,
    pub(super) wanted: &'a T,
    pub(super) found: &'a T,
}

// Derived, both would ask the same of `T`, of which only references are held.
impl<T> Clone for Pair<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Pair<'_, T> {}

impl<'a> Assigned<'a> {
    /// What is assigned to one bundle.
    pub(super) fn of_bundle(&self, bundle: usize) -> Assigned<'a> {
        let interfaces = self.interfaces.iter().filter(|pair| pair.bundle == bundle);
        let functions = self.functions.iter().filter(|pair| pair.bundle == bundle);
        Assigned {
            interfaces: interfaces.copied().collect(),
            functions: functions.copied().collect(),
            ..Assigned::default()
        }
    }

    /// The export that serves the interface of that name.
    pub(super) fn interface(&self, name: &str) -> Option<&Pair<'a, Interface>> {
        self.interfaces.iter().find(|pair| pair.wanted.name == name)
    }
}

pub(super) fn assign<'a>(
    wanted: &'a World,
    bundles: &'a [Arc<Bundle>],
    options: &Options<'_>,
) -> Result<Assigned<'a>, PlanError> {
    check_names(bundles)?;
    let mut assigner = Assigner {
        bundles,
        options,
        used: BTreeSet::new(),
        errors: Vec::new(),
        unserved: Vec::new(),
    };
    let mut assigned = Assigned::default();
    for interface in wanted.interfaces.iter() {
        if interface.is_types_only() {
            // It needs nobody, but naming it in a map is no mistake.
            assigner.use_maps(&interface.name);
            continue;
        }
        if interface.name.starts_with(OWN_PACKAGE) {
            let kind = ProblemKind::NotServable("between bundles and wrun, not for components");
            assigned.problems.push(Problem { import: interface.name.clone(), kind });
            continue;
        }
        let claims = assigner.claims(&interface.name, |world, name| {
            let names = world.interfaces.iter().map(|interface| interface.name.as_str());
            world.interface(version::select(name, names)?)
        });
        match assigner.choose(&interface.name, claims) {
            Choice::Nobody => {}
            Choice::Problem(problem) => assigned.problems.push(problem),
            Choice::One(bundle, found) => {
                assigned.interfaces.push(Pair { bundle, wanted: interface, found });
            }
        }
    }
    for function in &wanted.functions {
        let claims = assigner.claims(&function.name, |world, name| world.function(name));
        match assigner.choose(&function.name, claims) {
            Choice::Nobody => {}
            Choice::Problem(problem) => assigned.problems.push(problem),
            Choice::One(bundle, found) => {
                assigned.functions.push(Pair { bundle, wanted: function, found });
            }
        }
    }
    for (name, kind) in &wanted.others {
        // An item of an instance goes the way of the instance.
        let import = name.split_once('#').map_or(name.as_str(), |(import, _)| import);
        if !(options.left_alone)(import) {
            let kind = ProblemKind::NotServable(kind);
            assigned.problems.push(Problem { import: name.clone(), kind });
        }
    }
    assigner.check_maps(wanted)?;
    assigned.unserved = assigner.unserved;
    Ok(assigned)
}

fn check_names(bundles: &[Arc<Bundle>]) -> Result<(), PlanError> {
    for (index, bundle) in bundles.iter().enumerate() {
        let twin = bundles.iter().take(index).find(|other| other.name() == bundle.name());
        if let Some(twin) = twin {
            let paths = (twin.path().to_owned(), bundle.path().to_owned());
            return Err(PlanError::SameName { name: bundle.name().to_owned(), paths });
        }
    }
    Ok(())
}

/// Exports of the same kind, with the index of their bundle.
type Claims<'a, T> = Vec<(usize, &'a T)>;

enum Choice<'a, T> {
    One(usize, &'a T),
    /// It is left alone, or listed as unserved, or an assignment for it is wrong.
    Nobody,
    Problem(Problem),
}

struct Assigner<'a, 'o> {
    bundles: &'a [Arc<Bundle>],
    options: &'o Options<'o>,
    /// Indices of the assignments that matched an import.
    used: BTreeSet<usize>,
    errors: Vec<MapError>,
    unserved: Vec<String>,
}

impl<'a, 'o> Assigner<'a, 'o> {
    /// All exports that could serve the import called `name`.
    fn claims<T>(
        &self,
        name: &str,
        find: impl Fn(&'a World, &str) -> Option<&'a T>,
    ) -> Claims<'a, T> {
        let worlds = self.bundles.iter().map(|bundle| &bundle.exports().world).enumerate();
        worlds.filter_map(|(index, world)| Some((index, find(world, name)?))).collect()
    }

    fn choose<T>(&mut self, name: &str, claims: Claims<'a, T>) -> Choice<'a, T> {
        let map = self.use_maps(name);
        if (self.options.left_alone)(name) {
            if let Some(map) = map {
                let import = name.to_owned();
                self.errors.push(MapError::NotForBundles { map: map.clone(), import });
            }
            return Choice::Nobody;
        }
        if let Some(map) = map {
            return self.follow(map, name, claims);
        }
        match claims.as_slice() {
            [] if self.options.unserved == Unserved::Leave => {
                self.unserved.push(name.to_owned());
                Choice::Nobody
            }
            [] => Choice::Problem(self.nobody(name)),
            [(bundle, export)] => Choice::One(*bundle, export),
            several => {
                let names = several.iter().filter_map(|(index, _)| self.bundles.get(*index));
                let names = names.map(|bundle| bundle.name().to_owned()).collect();
                let kind = ProblemKind::Ambiguous { bundles: names };
                Choice::Problem(Problem { import: name.to_owned(), kind })
            }
        }
    }

    /// The most exact assignment for an import, a standing one only if there is no other. All that
    /// match it count as used.
    fn use_maps(&mut self, name: &str) -> Option<&'o Map> {
        let mut best: Option<((bool, Exactness), &'o Map)> = None;
        for (index, map) in self.options.maps.iter().enumerate() {
            let Some(exactness) = map.exactness(name) else { continue };
            let exactness = (!map.is_standing(), exactness);
            self.used.insert(index);
            match best {
                Some((other, _)) if other > exactness => {}
                Some((other, first)) if other == exactness && first.bundle() != map.bundle() => {
                    self.errors.push(MapError::Contradiction {
                        first: first.clone(),
                        second: map.clone(),
                        import: name.to_owned(),
                    });
                }
                _ => best = Some((exactness, map)),
            }
        }
        best.map(|(_, map)| map)
    }

    fn follow<T>(&mut self, map: &Map, name: &str, claims: Claims<'a, T>) -> Choice<'a, T> {
        let chosen = self.bundles.iter().position(|bundle| bundle.name() == map.bundle());
        // An unknown bundle is reported once per assignment, not once per import.
        let Some(chosen) = chosen else { return Choice::Nobody };
        match claims.into_iter().find(|(bundle, _)| *bundle == chosen) {
            Some((bundle, export)) => Choice::One(bundle, export),
            None => {
                let exports = self.bundles.get(chosen).map(|bundle| export_names(bundle));
                self.errors.push(MapError::NotExported {
                    map: map.clone(),
                    import: name.to_owned(),
                    exports: exports.unwrap_or_default(),
                });
                Choice::Nobody
            }
        }
    }

    /// The complaint that nobody serves `name`, with what comes near.
    fn nobody(&self, name: &str) -> Problem {
        let mut known = Vec::new();
        let exports = |bundle: &Arc<Bundle>| export_names(bundle).into_iter();
        for bundle in self.bundles {
            let other_versions =
                exports(bundle).filter(|e| version::base(e) == version::base(name));
            known.extend(
                other_versions.map(|name| Known { name, bundle: bundle.name().to_owned() }),
            );
        }
        if known.is_empty() {
            for bundle in self.bundles {
                let names: Vec<String> = exports(bundle).collect();
                let near = nearest(name, names.iter().map(String::as_str), KNOWN_MAX);
                let bundle = bundle.name();
                known.extend(
                    near.into_iter()
                        .map(|name| Known { name: name.to_owned(), bundle: bundle.to_owned() }),
                );
            }
        }
        known.truncate(KNOWN_MAX);
        Problem { import: name.to_owned(), kind: ProblemKind::Unserved { known } }
    }

    fn check_maps(&mut self, wanted: &World) -> Result<(), PlanError> {
        let names = self.bundles.iter().map(|bundle| bundle.name().to_owned());
        let bundles: Vec<String> = names.collect();
        let interfaces = wanted.interfaces.iter().map(|interface| &interface.name);
        let imports = interfaces.chain(wanted.functions.iter().map(|function| &function.name));
        let imports: Vec<String> =
            imports.filter(|name| !(self.options.left_alone)(name)).cloned().collect();
        for (index, map) in self.options.maps.iter().enumerate() {
            if !bundles.iter().any(|name| name == map.bundle()) {
                let bundles = bundles.clone();
                self.errors.push(MapError::NoBundle { map: map.clone(), bundles });
            } else if !map.is_standing() && !self.used.contains(&index) {
                let imports = imports.clone();
                self.errors.push(MapError::Unused { map: map.clone(), imports });
            }
        }
        match std::mem::take(&mut self.errors) {
            errors if errors.is_empty() => Ok(()),
            errors => Err(PlanError::Maps(errors)),
        }
    }
}

/// Everything that a bundle serves, by full name.
fn export_names(bundle: &Bundle) -> Vec<String> {
    let world = &bundle.exports().world;
    let interfaces = world.interfaces.iter().filter(|interface| !interface.is_types_only());
    let interfaces = interfaces.map(|interface| interface.name.clone());
    interfaces.chain(world.functions.iter().map(|function| function.name.clone())).collect()
}
