//! Whether this machine can isolate bundles, how well, and what to do about it.
//!
//! `adapter-shim --probe` says which features there are; that explains. What counts is a
//! *rehearsal*: a whole jail, built and looked at as for a bundle, and taken down again. Nothing is
//! left behind.

mod features;
mod remedy;
#[cfg(test)]
mod tests;

use crate::shim::{ShimExit, locate, rehearsal};
use features::{ABOUT, Need};
use protocol::probe::{Feature, Found, Report};
use protocol::stage::{ASK_DOCTOR, Layer, Layers};
use std::path::{Path, PathBuf};

/// Looks at this machine. Takes some tens of milliseconds, and blocks.
pub fn examine() -> Diagnosis {
    Diagnosis::judge(Evidence::gather())
}

/// What was seen.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The program that builds jails.
    pub shim: ShimProgram,
    /// What it says of this machine, or why it says nothing.
    pub report: Result<Report, String>,
    /// The layers of the jail that was built, or why there was none.
    pub rehearsal: Result<Layers, String>,
    /// Why the jail had no namespaces, if it had none.
    pub no_namespaces: Option<String>,
}

/// The program `adapter-shim`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShimProgram {
    /// It is in none of the places where it has to be.
    Missing(Vec<PathBuf>),
    /// It does not say what it is.
    Unusable {
        /// Where it is.
        path: PathBuf,
        /// What happened instead.
        why: String,
    },
    /// It belongs to another release of wrun.
    OtherRelease {
        /// Where it is.
        path: PathBuf,
        /// What it says it is.
        found: String,
        /// What it has to be.
        expected: String,
    },
    /// It is of this release.
    Found(PathBuf),
}

/// What that means.
#[derive(Debug, Clone)]
pub struct Diagnosis {
    /// One for each feature.
    pub lines: Vec<Line>,
    /// Whether bundles can be isolated.
    pub verdict: Verdict,
    /// What keeps a bundle from files: `namespaces`, `landlock`, or both. One is mandatory.
    pub walls: Vec<&'static str>,
    /// What was seen.
    pub evidence: Evidence,
}

/// One feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its name, which does not change.
    pub name: &'static str,
    /// Whether it is there, and if not, how bad that is.
    pub status: Status,
    /// What was seen.
    pub found: String,
    /// What is lost without it, if it is not there.
    pub costs: Option<&'static str>,
    /// What to do, if it is not there and something can be done.
    pub help: Option<String>,
}

/// Whether a feature is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is.
    Ok,
    /// It is not, and bundles are isolated, but less.
    Weaker,
    /// It is not, and without it no bundle is started.
    Missing,
    /// It is not, which makes no jail weaker.
    Absent,
}

impl Status {
    /// The word for it, for people and for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Weaker => "weaker",
            Self::Missing => "missing",
            Self::Absent => "absent",
        }
    }
}

/// Whether bundles can be isolated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// With everything that wrun knows of.
    Full,
    /// Yes, but without these.
    Weaker(Vec<String>),
    /// No, for this reason: `--isolate` refuses.
    Impossible(String),
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Full => f.write_str("full strength"),
            Self::Weaker(without) => write!(f, "weaker: {}", without.join("; ")),
            Self::Impossible(why) => write!(f, "bundles cannot be isolated here: {why}"),
        }
    }
}

impl Evidence {
    fn gather() -> Self {
        let shim = ShimProgram::find();
        let path = match &shim {
            ShimProgram::Found(path) => path.clone(),
            ShimProgram::Missing(_) => return Self::nothing(shim, "adapter-shim was not found"),
            ShimProgram::Unusable { .. } => {
                return Self::nothing(shim, "adapter-shim does not say what it is");
            }
            // Programs of different releases do not understand each other's reports.
            ShimProgram::OtherRelease { .. } => {
                return Self::nothing(shim, "adapter-shim belongs to another release of wrun");
            }
        };
        let report = rehearsal::probe(&path).map_err(|error| error.to_string());
        let library = match &report {
            Ok(report) => report.library.clone(),
            Err(_) => None,
        };
        let Some(library) = library.map(PathBuf::from) else {
            let why = match &report {
                Err(why) => format!("adapter-shim could not look at this machine: {why}"),
                Ok(_) => "the C library of this system was not found".to_owned(),
            };
            return Self { shim, report, rehearsal: Err(why), no_namespaces: None };
        };
        let explained = report.as_ref().ok().and_then(no_namespaces);
        let rehearsed = rehearse(&path, &library, Vec::new());
        let no_namespaces = match &rehearsed {
            // Building it once more, and insisting, is what makes the stage say why.
            Ok(layers) if !layers.namespaces && explained.is_none() => {
                rehearse(&path, &library, vec![Layer::Namespaces]).err()
            }
            Ok(layers) if !layers.namespaces => explained,
            _ => None,
        };
        Self { shim, report, rehearsal: rehearsed, no_namespaces }
    }

    /// Without a program to ask.
    fn nothing(shim: ShimProgram, why: &str) -> Self {
        let (report, rehearsal) = (Err(why.to_owned()), Err(why.to_owned()));
        Self { shim, report, rehearsal, no_namespaces: None }
    }
}

/// Which feature is the reason that there are no namespaces, as far as the report knows.
fn no_namespaces(report: &Report) -> Option<String> {
    features::OWN_ROOT.into_iter().find_map(|feature| match report.found(feature)? {
        Found::No(trouble) => Some(format!("{}: {}", feature.name(), trouble.reason)),
        _ => None,
    })
}

fn rehearse(program: &Path, library: &Path, required: Vec<Layer>) -> Result<Layers, String> {
    rehearsal::rehearse(program, library, required).map_err(|error| {
        let text = match error {
            ShimExit::Jail(text) => text.to_string(),
            other => other.to_string(),
        };
        text.replace(ASK_DOCTOR, "").replace('\n', " ")
    })
}

impl ShimProgram {
    fn find() -> Self {
        let path = match locate() {
            Ok(path) => path,
            Err(error) => return Self::Missing(error.tried().to_vec()),
        };
        let expected = rehearsal::own_version();
        match rehearsal::version(&path) {
            Ok(found) if found == expected => Self::Found(path),
            Ok(found) => Self::OtherRelease { path, found, expected },
            Err(error) => Self::Unusable { path, why: error.to_string() },
        }
    }

    fn line(&self) -> Line {
        let missing = |found: String, help: &str| Line {
            name: SHIM,
            status: Status::Missing,
            found,
            costs: Some("it builds the jails: no bundle is started"),
            help: Some(help.to_owned()),
        };
        const INSTALL: &str = "install adapter-shim beside wrun, from the same release";
        match self {
            Self::Found(path) => Line {
                name: SHIM,
                status: Status::Ok,
                found: path.display().to_string(),
                costs: None,
                help: None,
            },
            Self::Missing(tried) if tried.is_empty() => missing(
                "cannot be looked for: nothing tells where wrun itself is".to_owned(),
                "mount /proc where wrun runs",
            ),
            Self::Missing(tried) => {
                let tried: Vec<_> = tried.iter().map(|path| path.display().to_string()).collect();
                missing(format!("is none of {}", tried.join(", ")), INSTALL)
            }
            Self::Unusable { path, why } => missing(format!("{}: {why}", path.display()), INSTALL),
            Self::OtherRelease { path, found, expected } => {
                missing(format!("{}: is {found}, not {expected}", path.display()), INSTALL)
            }
        }
    }
}

/// Name of the line of [`ShimProgram`].
const SHIM: &str = "adapter-shim";

/// The oldest version of Landlock that alone keeps a bundle from files.
const LANDLOCK_OLDEST: u8 = 3;

impl Diagnosis {
    /// Says what the evidence means.
    pub fn judge(evidence: Evidence) -> Self {
        let mut lines = vec![evidence.shim.line()];
        if let Ok(report) = &evidence.report {
            lines.extend(ABOUT.iter().map(|(feature, need, costs)| {
                let status = status(report, *feature, *need);
                let (found, help) = remedy::words(report, *feature);
                let was_tried = matches!(report.found(*feature), Some(Found::No(_)));
                let costs = was_tried.then_some(*costs);
                let help = help.filter(|_| status != Status::Ok);
                Line { name: feature.name(), status, found, costs, help }
            }));
        }
        let layers = evidence.rehearsal.as_ref().copied().unwrap_or_default();
        let walls = walls(layers);
        Self { lines, verdict: verdict(&evidence, &walls), walls, evidence }
    }
}

fn walls(layers: Layers) -> Vec<&'static str> {
    let own_root = layers.namespaces && layers.root;
    let landlock = layers.landlock >= LANDLOCK_OLDEST;
    let both = [("namespaces", own_root), ("landlock", landlock)];
    both.into_iter().filter(|(_, stands)| *stands).map(|(name, _)| name).collect()
}

/// The rehearsal decides. The probe is asked only for what cannot be seen there from outside.
fn verdict(evidence: &Evidence, walls: &[&str]) -> Verdict {
    let layers = match &evidence.rehearsal {
        Ok(layers) => *layers,
        Err(why) => return Verdict::Impossible(why.clone()),
    };
    if walls.is_empty() {
        let why = "neither namespaces nor Landlock keep a bundle from files".to_owned();
        return Verdict::Impossible(why);
    }
    let is_root = evidence.report.as_ref().is_ok_and(|report| report.is_root);
    let counts = |layer: &Layer| *layer != Layer::Uid || is_root;
    let mut without: Vec<_> = Layer::ALL
        .into_iter()
        .filter(|layer| counts(layer) && !layers.has(*layer))
        .map(|layer| without(layer, evidence))
        .collect();
    if !evidence.report.as_ref().is_ok_and(|report| report.has(Feature::Mseal)) {
        without.push("no mseal".to_owned());
    }
    if without.is_empty() { Verdict::Full } else { Verdict::Weaker(without) }
}

fn without(layer: Layer, evidence: &Evidence) -> String {
    match (layer, &evidence.no_namespaces) {
        (Layer::Namespaces, Some(why)) => format!("no {} ({why})", layer.name()),
        _ => format!("no {}", layer.name()),
    }
}

fn status(report: &Report, feature: Feature, need: Need) -> Status {
    match (report.found(feature), need) {
        (Some(Found::Yes(_)), _) => Status::Ok,
        (_, Need::Mandatory) => Status::Missing,
        (_, Need::Nothing) => Status::Absent,
        // Nothing to be had, and nothing lost: a user who is not root has an id of their own.
        (Some(Found::Untried(_)), Need::Root) => Status::Absent,
        (_, Need::Root) => Status::Weaker,
        (_, Need::Wall) if stands(report, &features::OWN_ROOT) => Status::Weaker,
        (_, Need::Wall | Need::OwnRoot) if !report.has(Feature::Landlock) => Status::Missing,
        (_, Need::Wall | Need::OwnRoot | Need::Strength) => Status::Weaker,
    }
}

fn stands(report: &Report, features: &[Feature]) -> bool {
    features.iter().all(|feature| report.has(*feature))
}
