//! Everything in which a component and the bundles do not fit, in one text.

use crate::bundle::Bundle;
use crate::bundle::symbols::MissingSymbol;
use crate::shape::diff::Difference;
use protocol::text::ForeignText;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// How many faults are printed, so that the text stays on a screen. All are counted, and all are in
/// [`Report::problems`].
const PRINTED_MAX: usize = 20;

/// Everything that does not fit.
#[derive(Debug, thiserror::Error)]
pub struct Report {
    /// In the order of the component's imports.
    pub problems: Vec<Problem>,
    /// Directories of the bundles that have faults.
    paths: Vec<PathBuf>,
    has_bundles: bool,
}

/// One import that cannot be linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Full name, as the component spells it.
    pub import: String,
    /// What the matter is.
    pub kind: ProblemKind,
}

/// Why an import cannot be linked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// No bundle exports it.
    Unserved {
        /// Other versions of it, else names that are similar.
        known: Vec<Known>,
    },
    /// Several bundles could serve it.
    Ambiguous {
        /// Their names.
        bundles: Vec<String>,
    },
    /// It is of a kind that bundles cannot serve.
    NotServable(&'static str),
    /// A bundle serves it, but not as the component needs it.
    Mismatch {
        /// Name of the bundle.
        bundle: String,
        /// Full name of its export.
        export: String,
        /// What does not fit.
        faults: Vec<Fault>,
    },
}

/// An export that comes near to what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Full name.
    pub name: String,
    /// The bundle that has it.
    pub bundle: String,
}

/// One thing that does not fit between an import and the export that serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The bundle lacks a function.
    NoFunction {
        /// Name in the interface.
        function: String,
        /// Functions with similar names.
        similar: Vec<String>,
    },
    /// The bundle lacks a resource type.
    NoResource {
        /// Name in the interface.
        resource: String,
        /// Resource types with similar names.
        similar: Vec<String>,
    },
    /// A function has another type.
    Differs {
        /// Name in the interface.
        function: String,
        /// Where.
        differences: Vec<Difference>,
    },
    /// A function cannot be carried to a bundle, whatever bundle it is.
    Unsupported {
        /// Name in the interface.
        function: String,
        /// What in it cannot, as a noun phrase.
        what: String,
    },
    /// A function takes or gives handles of a resource that another side serves.
    ForeignResource {
        /// Name in the interface.
        function: String,
        /// Full name of the resource.
        resource: String,
        /// Who serves it, if it is a bundle.
        bundle: Option<String>,
    },
    /// The library lacks a symbol.
    NoSymbol(MissingSymbol),
}

impl Report {
    pub(super) fn new(problems: Vec<Problem>, bundles: &[Arc<Bundle>]) -> Self {
        let is_at_fault = |bundle: &&Arc<Bundle>| {
            problems.iter().any(|problem| match &problem.kind {
                ProblemKind::Mismatch { bundle: name, .. } => name == bundle.name(),
                _ => false,
            })
        };
        let at_fault = bundles.iter().filter(is_at_fault);
        let paths = at_fault.map(|bundle| bundle.path().to_owned()).collect();
        Self { problems, paths, has_bundles: !bundles.is_empty() }
    }

    fn count(&self) -> usize {
        let faults = self.problems.iter().map(|problem| match &problem.kind {
            ProblemKind::Mismatch { faults, .. } => faults.len(),
            _ => 1,
        });
        faults.sum()
    }

    fn has(&self, is_kind: impl Fn(&ProblemKind) -> bool) -> bool {
        self.problems.iter().any(|problem| is_kind(&problem.kind))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, mut left) = (self.count(), PRINTED_MAX);
        let plural = if count == 1 { "" } else { "s" };
        writeln!(f, "the component and the bundles do not fit: {count} problem{plural}")?;
        let (unknown, others): (Vec<_>, Vec<_>) =
            self.problems.iter().partition(|problem| problem.is_unknown());
        let contested = self.contested_packages();
        for problem in others {
            if left == 0 {
                break;
            }
            if problem.contest().is_none_or(|contest| !contested.contains_key(&contest)) {
                write_problem(f, problem, &mut left)?;
            }
        }
        let grouped: usize = contested.values().sum();
        for ((package, bundles), count) in contested {
            let package = ForeignText::new(package);
            writeln!(f, "\n{package}/* ({count} imports)")?;
            write_contest(f, &format!("{package}/*"), bundles)?;
        }
        // With nothing else to say of them, a line each is enough.
        if !unknown.is_empty() && left > 0 {
            writeln!(f, "\nno bundle serves")?;
        }
        for problem in unknown.iter().take(left) {
            writeln!(f, "  {}", ForeignText::new(&problem.import))?;
        }
        if let Some(rest @ 1..) = count.checked_sub(grouped + PRINTED_MAX) {
            writeln!(f, "\n... and {rest} more")?;
        }
        writeln!(f)?;
        self.write_advice(f)
    }
}

impl Report {
    /// Packages of which the same bundles could serve several imports, with the number of those:
    /// one assignment for all of them settles it.
    fn contested_packages(&self) -> BTreeMap<(&str, &[String]), usize> {
        let mut counts = BTreeMap::new();
        for contest in self.problems.iter().filter_map(Problem::contest) {
            *counts.entry(contest).or_insert(0) += 1;
        }
        counts.retain(|_, count| *count > 1);
        counts
    }

    fn write_advice(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut advice = Vec::new();
        if self.has(|kind| matches!(kind, ProblemKind::Unserved { .. })) {
            advice.push(if self.has_bundles {
                "Give a bundle that serves what is missing: --host-bundle DIR".to_owned()
            } else {
                "No bundle was given. Give one that serves this: --host-bundle DIR".to_owned()
            });
        }
        if self.has(|kind| matches!(kind, ProblemKind::Ambiguous { .. })) {
            advice.push("Say which bundle serves it, with one of the --map options above".into());
        }
        if self.has(|kind| matches!(kind, ProblemKind::NotServable(_))) {
            advice.push("Build the component without the imports that no bundle can serve".into());
        }
        let paths =
            self.paths.iter().map(|path| ForeignText::new(path.to_string_lossy()).to_string());
        let paths = paths.collect::<Vec<_>>().join(", ");
        if self.has_fault(Fault::is_disagreement) {
            advice
                .push(format!("Build the component and the bundle from the same WIT; see {paths}"));
        }
        if self.has_fault(|fault| matches!(fault, Fault::NoSymbol(_))) {
            advice.push(format!("Build the library again from the bundle's WIT; see {paths}"));
        }
        if self.has_fault(|fault| matches!(fault, Fault::Unsupported { .. })) {
            advice.push("Build the component without the functions that wrun cannot carry".into());
        }
        if self.has_fault(|fault| matches!(fault, Fault::ForeignResource { .. })) {
            advice.push("Let one bundle serve both interfaces: --map INTERFACE=BUNDLE".into());
        }
        write!(f, "{}", advice.join("\n"))
    }

    fn has_fault(&self, is_kind: impl Fn(&Fault) -> bool) -> bool {
        self.has(|kind| match kind {
            ProblemKind::Mismatch { faults, .. } => faults.iter().any(&is_kind),
            _ => false,
        })
    }
}

impl Problem {
    /// The package of an import that several bundles could serve, and those bundles.
    fn contest(&self) -> Option<(&str, &[String])> {
        match &self.kind {
            ProblemKind::Ambiguous { bundles } => {
                self.import.split_once('/').map(|(package, _)| (package, bundles.as_slice()))
            }
            _ => None,
        }
    }

    /// Whether no bundle has the import, nor anything like it.
    fn is_unknown(&self) -> bool {
        matches!(&self.kind, ProblemKind::Unserved { known } if known.is_empty())
    }
}

impl Fault {
    /// Whether component and bundle were built from different WIT.
    fn is_disagreement(&self) -> bool {
        matches!(self, Self::NoFunction { .. } | Self::NoResource { .. } | Self::Differs { .. })
    }
}

fn write_problem(f: &mut fmt::Formatter<'_>, problem: &Problem, left: &mut usize) -> fmt::Result {
    let import = ForeignText::new(&problem.import);
    let (bundle, export, faults) = match &problem.kind {
        ProblemKind::Mismatch { bundle, export, faults } => (bundle, export, faults),
        other => {
            *left = left.saturating_sub(1);
            writeln!(f, "\n{import}")?;
            return write_unassigned(f, &problem.import, other);
        }
    };
    if *export == problem.import {
        writeln!(f, "\n{import} (bundle {bundle})")?;
    } else {
        writeln!(f, "\n{import} (bundle {bundle} has {})", ForeignText::new(export))?;
    }
    for fault in faults {
        if *left == 0 {
            break;
        }
        *left -= 1;
        write_fault(f, bundle, fault)?;
    }
    Ok(())
}

fn write_unassigned(f: &mut fmt::Formatter<'_>, import: &str, kind: &ProblemKind) -> fmt::Result {
    match kind {
        ProblemKind::Unserved { known } => {
            writeln!(f, "  no bundle serves it")?;
            for Known { name, bundle } in known {
                writeln!(f, "  known: {} (bundle {bundle})", ForeignText::new(name))?;
            }
            Ok(())
        }
        ProblemKind::Ambiguous { bundles } => write_contest(f, import, bundles),
        ProblemKind::NotServable(what) => writeln!(f, "  it is {what}"),
        ProblemKind::Mismatch { .. } => Ok(()),
    }
}

/// `imports` is a name or a pattern, as `--map` takes it.
fn write_contest(f: &mut fmt::Formatter<'_>, imports: &str, bundles: &[String]) -> fmt::Result {
    writeln!(f, "  {} bundles serve it: {}", bundles.len(), bundles.join(", "))?;
    bundles
        .iter()
        .try_for_each(|bundle| writeln!(f, "    --map {}={bundle}", ForeignText::new(imports)))
}

fn write_fault(f: &mut fmt::Formatter<'_>, bundle: &str, fault: &Fault) -> fmt::Result {
    match fault {
        Fault::NoFunction { function, similar } => {
            writeln!(f, "  {function}: the bundle has no such function{}", known(similar))
        }
        Fault::NoResource { resource, similar } => {
            writeln!(f, "  {resource}: the bundle has no such resource{}", known(similar))
        }
        Fault::Differs { function, differences } => {
            for difference in differences {
                let Difference { place, wanted, found } = difference;
                let place = if place.is_empty() { String::new() } else { format!(", {place}") };
                writeln!(f, "  {function}{place}")?;
                writeln!(f, "    component wants  {wanted}")?;
                writeln!(f, "    bundle has       {found}")?;
            }
            Ok(())
        }
        Fault::Unsupported { function, what } => {
            writeln!(f, "  {function}: it is or has {what}, which cannot be carried to a bundle")
        }
        Fault::ForeignResource { function, resource, bundle: owner } => {
            let owner = match owner {
                Some(owner) => format!("bundle {owner}"),
                None => "no bundle".to_owned(),
            };
            writeln!(
                f,
                "  {function}: handles of {resource}, which {owner} serves, cannot go to bundle \
                 {bundle}"
            )
        }
        Fault::NoSymbol(MissingSymbol { function, tried }) => {
            writeln!(
                f,
                "  {}: the library lacks its symbol; looked for",
                ForeignText::new(function)
            )?;
            tried.iter().try_for_each(|name| writeln!(f, "    {}", ForeignText::new(name)))
        }
    }
}

fn known(similar: &[String]) -> String {
    match similar {
        [] => String::new(),
        names => format!("; it has: {}", names.join(", ")),
    }
}
