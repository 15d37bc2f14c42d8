//! The plan: which bundle serves which import of a component, and how.
//!
//! [`build`] compares everything that a component imports with everything that the bundles export,
//! and reports every mismatch at once. Nothing is spawned or loaded before a plan holds, and after
//! it nothing is looked up by name.

mod assign;
mod check;
mod error;
mod map;
mod report;
mod version;
mod wire;

pub use error::{MapError, PlanError};
pub use map::{Map, NoMap};
pub use report::{Fault, Known, Problem, ProblemKind, Report};

use crate::bundle::Bundle;
use crate::shape::World;
use std::sync::Arc;

/// What else a plan depends on.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The operator's assignments.
    pub maps: &'a [Map],
    /// Whether an import, by its full name, is served by somebody else: WASI, or functions that an
    /// embedder put into its linker.
    pub left_alone: &'a dyn Fn(&str) -> bool,
    /// What to do with an import that nobody serves.
    pub unserved: Unserved,
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("maps", &self.maps)
            .field("unserved", &self.unserved)
            .finish_non_exhaustive()
    }
}

/// What to do with an import that nobody serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unserved {
    /// It is a mismatch.
    #[default]
    Refuse,
    /// It is listed in [`Plan::unserved`]; instantiating the component will fail on it.
    Leave,
}

/// Which bundle serves what.
#[derive(Debug)]
pub struct Plan {
    /// The bundles that serve something, in the order in which they were given.
    pub bundles: Vec<BundlePlan>,
    /// The bundles that serve nothing, and need not be started.
    pub idle: Vec<Arc<Bundle>>,
    /// Imports that nobody serves, under [`Unserved::Leave`].
    pub unserved: Vec<String>,
}

/// What one bundle serves.
#[derive(Debug)]
pub struct BundlePlan {
    /// The bundle.
    pub bundle: Arc<Bundle>,
    /// What its shim is told. Limits and the payload cap have their defaults.
    pub wire: protocol::message::Plan,
    /// What is to be linked, in the order of the component's imports; world level comes last.
    pub instances: Vec<InstancePlan>,
}

/// Functions and resource types to be linked under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstancePlan {
    /// Full name of the import, as the component spells it. `None`: functions at world level.
    pub import: Option<String>,
    /// Functions that the component imports.
    pub functions: Vec<FunctionPlan>,
    /// Resource types that the component imports, and that this import owns.
    pub resources: Vec<ResourcePlan>,
}

/// One function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionPlan {
    /// Name as the component spells it: `add`, `[method]counter.next`.
    pub name: String,
    /// Index into the wire plan's functions.
    pub index: u32,
    /// How many flat parameters the canonical ABI passes; `None` if more than 16, so that they
    /// travel in memory.
    pub flat_params: Option<usize>,
    /// How many flat results there are; with more than 1 they travel in memory, and 17 stands for
    /// all larger numbers.
    pub flat_results: usize,
    /// Whether the result may hold handles.
    pub gives_handles: bool,
}

/// One resource type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourcePlan {
    /// Name in the import.
    pub name: String,
    /// Index into the wire plan's resources. Two imports that are versions of one interface share
    /// the index.
    pub index: u32,
}

/// Makes the plan for a component that imports `wanted`.
///
/// Of two bundles that could serve an import, none is preferred: [`Options::maps`] must say which.
/// Imports that only name types need nobody to serve them.
///
/// # Errors
/// [`PlanError`]. A [`PlanError::Mismatch`] lists everything that does not fit.
pub fn build(
    wanted: &World,
    bundles: &[Arc<Bundle>],
    options: &Options<'_>,
) -> Result<Plan, PlanError> {
    let assigned = assign::assign(wanted, bundles, options)?;
    let problems = check::check(wanted, bundles, &assigned);
    if !problems.is_empty() {
        return Err(Report::new(problems, bundles).into());
    }
    let mut plan =
        Plan { bundles: Vec::new(), idle: Vec::new(), unserved: assigned.unserved.clone() };
    for (index, bundle) in bundles.iter().enumerate() {
        match wire::build(bundle, &assigned.of_bundle(index))? {
            Some(planned) => plan.bundles.push(planned),
            None => plan.idle.push(Arc::clone(bundle)),
        }
    }
    Ok(plan)
}
