//! `wrun doctor`: what [`crate::doctor`] has found, for people and for programs.

use super::args::DoctorArgs;
use super::error::CliError;
use crate::doctor::{Diagnosis, ShimProgram, Verdict, examine};
use protocol::probe::Report;
use protocol::stage::{Layer, Layers};
use protocol::text::ForeignText;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Widest name of a feature.
const NAME_WIDTH: usize = 20;

/// Looks at the machine and says what it gives.
///
/// # Errors
/// Exit code 1 for everything but full strength.
pub(super) fn run(typed: &DoctorArgs) -> Result<(), CliError> {
    let diagnosis = examine();
    let text = if typed.json { json(&diagnosis)? } else { table(&diagnosis) };
    print!("{text}");
    match diagnosis.verdict {
        Verdict::Full => Ok(()),
        _ => Err(CliError::Exit(1)),
    }
}

/// For people: what is there first, then what is not and what to do, then the verdict.
fn table(diagnosis: &Diagnosis) -> String {
    let mut text = String::new();
    if let Ok(report) = &diagnosis.evidence.report {
        let who = if report.is_root { "root" } else { "a user that is not root" };
        let _ = writeln!(text, "Linux {} on {}, as {who}\n", report.kernel, report.machine);
    }
    for line in &diagnosis.lines {
        let found = harmless(&line.found);
        let (status, name) = (line.status.name(), line.name);
        let row = format!("{status:<8} {name:<NAME_WIDTH$} {found}");
        let _ = writeln!(text, "{}", row.trim_end());
        let more = [("costs", line.costs), ("do", line.help.as_deref())];
        for (what, words) in more.into_iter().filter_map(|(what, words)| Some((what, words?))) {
            let _ = writeln!(text, "         {what:>6}: {}", harmless(words));
        }
    }
    let _ = writeln!(text, "\n{}", rehearsal(diagnosis));
    let _ = writeln!(text, "\n{}", harmless(&diagnosis.verdict.to_string()));
    text
}

/// What was seen of a whole jail.
fn rehearsal(diagnosis: &Diagnosis) -> String {
    match &diagnosis.evidence.rehearsal {
        Ok(layers) => format!(
            "a jail was built, with {}\nthe mandatory set holds: no new privileges, filters, \
             limits, nothing inherited, seen in /proc;\nfiles are kept away by {}",
            layer_names(*layers, diagnosis.evidence.report.as_ref().ok()),
            diagnosis.walls.join(" and ")
        ),
        Err(_) => "no jail could be built: the mandatory set does not hold".to_owned(),
    }
}

fn layer_names(layers: Layers, report: Option<&Report>) -> String {
    let there = Layer::ALL.into_iter().filter(|layer| layers.has(*layer));
    let mut names: Vec<_> = there
        .map(|layer| match layer {
            Layer::Landlock => format!("landlock {}", layers.landlock),
            other => other.name().to_owned(),
        })
        .collect();
    if report.is_some_and(|report| report.has(protocol::probe::Feature::Mseal)) {
        names.push("mseal".to_owned());
    }
    if names.is_empty() { "no optional layer".to_owned() } else { names.join(", ") }
}

/// Words of the system and of files' names, harmless for a terminal.
fn harmless(text: &str) -> String {
    ForeignText::new(text).to_string()
}

/// The one object of `--json`. Keys do not change; there may be more one day.
#[derive(Serialize)]
struct Output<'a> {
    /// `full`, `weaker` or `impossible`.
    verdict: &'static str,
    /// The line that people read last.
    summary: String,
    /// What keeps the verdict from being `full`.
    without: Vec<String>,
    mandatory: Mandatory<'a>,
    jail: Option<Jail>,
    kernel: Option<&'a str>,
    machine: Option<&'a str>,
    root: Option<bool>,
    shim: Shim,
    features: BTreeMap<&'static str, Feature<'a>>,
    settings: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
struct Mandatory<'a> {
    holds: bool,
    walls: &'a [&'static str],
}

/// The layers that were in force in the rehearsal.
#[derive(Serialize)]
struct Jail {
    namespaces: bool,
    root: bool,
    landlock: u8,
    mdwe: bool,
    uid: bool,
}

#[derive(Serialize)]
struct Shim {
    path: Option<String>,
    usable: bool,
}

#[derive(Serialize)]
struct Feature<'a> {
    status: &'static str,
    found: &'a str,
    costs: Option<&'static str>,
    help: Option<&'a str>,
}

fn json(diagnosis: &Diagnosis) -> Result<String, CliError> {
    let evidence = &diagnosis.evidence;
    let report = evidence.report.as_ref().ok();
    let (verdict, without) = match &diagnosis.verdict {
        Verdict::Full => ("full", Vec::new()),
        Verdict::Weaker(without) => ("weaker", without.clone()),
        Verdict::Impossible(why) => ("impossible", vec![why.clone()]),
    };
    let features = diagnosis.lines.iter().map(|line| {
        let (status, found, costs) = (line.status.name(), line.found.as_str(), line.costs);
        (line.name, Feature { status, found, costs, help: line.help.as_deref() })
    });
    let settings = report.map(|report| report.settings.as_slice()).unwrap_or_default();
    let output = Output {
        verdict,
        summary: diagnosis.verdict.to_string(),
        without,
        mandatory: Mandatory {
            holds: !matches!(diagnosis.verdict, Verdict::Impossible(_)),
            walls: &diagnosis.walls,
        },
        jail: evidence.rehearsal.as_ref().ok().map(|layers| Jail {
            namespaces: layers.namespaces,
            root: layers.root,
            landlock: layers.landlock,
            mdwe: layers.mdwe,
            uid: layers.uid,
        }),
        kernel: report.map(|report| report.kernel.as_str()),
        machine: report.map(|report| report.machine.as_str()),
        root: report.map(|report| report.is_root),
        shim: shim(&evidence.shim),
        features: features.collect(),
        settings: settings.iter().map(|s| (s.name.as_str(), s.value.as_str())).collect(),
    };
    let text = serde_json::to_string_pretty(&output);
    text.map(|text| text + "\n").map_err(|error| CliError::Input(error.to_string()))
}

fn shim(program: &ShimProgram) -> Shim {
    let path = match program {
        ShimProgram::Missing(_) => None,
        ShimProgram::Found(path)
        | ShimProgram::Unusable { path, .. }
        | ShimProgram::OtherRelease { path, .. } => Some(path.display().to_string()),
    };
    Shim { path, usable: matches!(program, ShimProgram::Found(_)) }
}
