//! Whether each assigned export is what the component wants: the second half of a plan.

use super::assign::{Assigned, Pair};
use super::report::{Fault, Problem, ProblemKind};
use super::version;
use crate::bundle::{Bundle, INIT};
use crate::document::nearest::nearest;
use crate::shape::diff::Diff;
use crate::shape::{Function, Interface, ResourceId, Shape, ShapeId, Shapes, World};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// How many similar names are offered.
const SIMILAR_MAX: usize = 3;

/// All problems, in the order of the component's imports.
pub(super) fn check(
    wanted: &World,
    bundles: &[Arc<Bundle>],
    assigned: &Assigned<'_>,
) -> Vec<Problem> {
    let mut problems = assigned.problems.clone();
    for (index, bundle) in bundles.iter().enumerate() {
        let own = assigned.of_bundle(index);
        if own.interfaces.is_empty() && own.functions.is_empty() {
            continue;
        }
        let same_resource =
            |wanted: &ResourceId, found: &ResourceId| is_same(assigned, wanted, found);
        let diff = Diff::new(&wanted.shapes, &bundle.exports().world.shapes, &same_resource);
        let mut checker =
            Checker { wanted, bundles, index, bundle, assigned, diff, lacks_realloc: false };
        problems.extend(checker.problems(&own));
    }
    let mut order: HashMap<&str, usize> = HashMap::new();
    let interfaces = wanted.interfaces.iter().map(|interface| interface.name.as_str());
    let functions = wanted.functions.iter().map(|function| function.name.as_str());
    for (index, name) in interfaces.chain(functions).enumerate() {
        order.insert(name, index);
    }
    // Stable, so that what is no import of the component stays behind, in the order of bundles.
    problems
        .sort_by_key(|problem| order.get(problem.import.as_str()).copied().unwrap_or(usize::MAX));
    problems
}

/// Whether a resource that the component names is the one that the bundle names: the same name, in
/// an interface that stands in for the one that the component imports.
fn is_same(assigned: &Assigned<'_>, wanted: &ResourceId, found: &ResourceId) -> bool {
    let (Some(owner), Some(found_owner)) = (&wanted.interface, &found.interface) else {
        return false;
    };
    let is_owner = match assigned.interface(owner) {
        Some(pair) => pair.found.name == *found_owner,
        // Nobody was found for the owner; that is reported already, once.
        None => version::is_compatible(owner, found_owner),
    };
    is_owner && wanted.name == found.name
}

struct Checker<'a> {
    wanted: &'a World,
    bundles: &'a [Arc<Bundle>],
    index: usize,
    bundle: &'a Bundle,
    assigned: &'a Assigned<'a>,
    diff: Diff<'a>,
    /// Whether the missing allocation function was reported already.
    lacks_realloc: bool,
}

impl<'a> Checker<'a> {
    fn problems(&mut self, own: &Assigned<'a>) -> Vec<Problem> {
        let mut problems = Vec::new();
        for pair in &own.interfaces {
            let faults = self.interface(pair);
            problems.extend(self.problem(&pair.wanted.name, &pair.found.name, faults));
        }
        for pair in &own.functions {
            let faults = self.function(None, pair.wanted, pair.found);
            problems.extend(self.problem(&pair.wanted.name, &pair.found.name, faults));
        }
        if let Some(lifecycle) = &self.bundle.exports().lifecycle {
            let symbols = self.bundle.function_symbols(Some(&lifecycle.name), INIT);
            let mut faults: Vec<Fault> = symbols.err().into_iter().map(Fault::NoSymbol).collect();
            faults.extend(lifecycle.function(INIT).and_then(|init| self.realloc(init)));
            problems.extend(self.problem(&lifecycle.name, &lifecycle.name, faults));
        }
        problems
    }

    fn problem(&self, import: &str, export: &str, faults: Vec<Fault>) -> Option<Problem> {
        if faults.is_empty() {
            return None;
        }
        let (bundle, export) = (self.bundle.name().to_owned(), export.to_owned());
        let kind = ProblemKind::Mismatch { bundle, export, faults };
        Some(Problem { import: import.to_owned(), kind })
    }

    fn interface(&mut self, pair: &Pair<'a, Interface>) -> Vec<Fault> {
        let Pair { wanted, found, .. } = *pair;
        let mut faults = Vec::new();
        for resource in &wanted.resources {
            if found.resources.contains(resource) {
                let symbol = self.bundle.destructor_symbol(&found.name, resource);
                faults.extend(symbol.err().map(Fault::NoSymbol));
            } else {
                let similar = similar(resource, found.resources.iter());
                faults.push(Fault::NoResource { resource: resource.clone(), similar });
            }
        }
        for function in &wanted.functions {
            match found.function(&function.name) {
                Some(export) => faults.extend(self.function(Some(&found.name), function, export)),
                None => {
                    let similar = similar(&function.name, found.functions.iter().map(|f| &f.name));
                    faults.push(Fault::NoFunction { function: function.name.clone(), similar });
                }
            }
        }
        faults
    }

    fn function(
        &mut self,
        interface: Option<&str>,
        wanted: &'a Function,
        found: &'a Function,
    ) -> Vec<Fault> {
        let function = wanted.name.clone();
        let differences = self.diff.functions(wanted, found);
        if !differences.is_empty() {
            return vec![Fault::Differs { function, differences }];
        }
        // Both sides agree from here on, so looking at one of them is enough.
        if let Some(what) = unsupported(&self.wanted.shapes, wanted) {
            return vec![Fault::Unsupported { function, what }];
        }
        let mut faults = self.foreign_resources(wanted);
        faults.extend(
            self.bundle.function_symbols(interface, &found.name).err().map(Fault::NoSymbol),
        );
        faults.extend(self.realloc(found));
        faults
    }

    /// The missing allocation function, if `function` is the first that needs it.
    fn realloc(&mut self, function: &Function) -> Option<Fault> {
        if self.lacks_realloc || !self.bundle.needs_realloc(function) {
            return None;
        }
        let missing = self.bundle.realloc().err()?;
        self.lacks_realloc = true;
        Some(Fault::NoSymbol(missing))
    }

    /// Resources in `wanted` that belong to somebody else: a library never sees such handles.
    fn foreign_resources(&self, wanted: &Function) -> Vec<Fault> {
        let foreign = resources(&self.wanted.shapes, wanted).into_iter().filter_map(|resource| {
            let owner = resource.interface.as_deref()?;
            match self.assigned.interface(owner) {
                Some(pair) if pair.bundle == self.index => None,
                Some(pair) => Some((resource, self.bundles.get(pair.bundle))),
                // The import itself is a problem already.
                None if self.assigned.problems.iter().any(|p| p.import == owner) => None,
                None => Some((resource, None)),
            }
        });
        let fault =
            |(resource, bundle): (&ResourceId, Option<&Arc<Bundle>>)| Fault::ForeignResource {
                function: wanted.name.clone(),
                resource: resource.to_string(),
                bundle: bundle.map(|bundle| bundle.name().to_owned()),
            };
        foreign.map(fault).collect()
    }
}

fn similar<'n>(name: &str, known: impl Iterator<Item = &'n String>) -> Vec<String> {
    let near = nearest(name, known.map(String::as_str), SIMILAR_MAX);
    near.into_iter().map(str::to_owned).collect()
}

/// What in `function` cannot be carried to a bundle.
fn unsupported(shapes: &Shapes, function: &Function) -> Option<String> {
    if function.is_async {
        return Some("an `async func`".to_owned());
    }
    let mut types = function.params.iter().map(|(_, ty)| *ty).chain(function.result);
    types.find_map(|ty| shapes.facts(ty).unsupported).map(|reason| reason.to_string())
}

/// All resources that a value of `function` may hold handles of, in order of their names.
fn resources<'a>(shapes: &'a Shapes, function: &Function) -> BTreeSet<&'a ResourceId> {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut left: Vec<ShapeId> = function.params.iter().map(|(_, ty)| *ty).collect();
    left.extend(function.result);
    while let Some(id) = left.pop() {
        if !shapes.facts(id).handles || !seen.insert(id) {
            continue;
        }
        match shapes.get(id) {
            Shape::Own(resource) | Shape::Borrow(resource) => {
                found.insert(resource);
            }
            Shape::List(part) | Shape::FixedList(part, _) | Shape::Option(part) => left.push(*part),
            Shape::Map(key, value) => left.extend([*key, *value]),
            Shape::Record(fields) => left.extend(fields.iter().map(|(_, ty)| *ty)),
            Shape::Tuple(types) => left.extend(types),
            Shape::Variant(cases) => left.extend(cases.iter().filter_map(|(_, ty)| *ty)),
            Shape::Result(ok, err) => left.extend(ok.iter().chain(err)),
            _ => {}
        }
    }
    found
}
