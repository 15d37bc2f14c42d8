//! `wrun bundle inspect`: what a bundle may use, and what it would like to.

use super::args::InspectArgs;
use super::bundle::heading;
use super::error::CliError;
use super::orders::orders;
use crate::operator::{Answer, Assembled, Limit, Meaning, Orders, Resolved, assemble};
use protocol::policy::{Library, Policy};
use protocol::text::ForeignText;

/// Describes the bundle. Nothing of it runs.
///
/// # Errors
/// [`CliError`] if the bundle or what was said about it cannot be used.
pub(super) fn inspect(typed: InspectArgs) -> Result<String, CliError> {
    let orders = orders(typed.operator, vec![typed.bundle])?;
    // The other bundles of hosts.toml have nothing to do with this one.
    let assembled = assemble(&Orders { with_declared: false, ..orders })?;
    Ok(assembled.iter().map(describe).collect())
}

fn describe(assembled: &Assembled) -> String {
    let mut text = heading(&assembled.bundle);
    let policy = Policy { limits: assembled.limits(), grants: assembled.grants() };
    text.push_str(&format!("system calls {}\n", policy.profiles()));
    for layer in &assembled.required {
        text.push_str(&format!("requires {} ({})\n", layer.value.name(), layer.origin));
    }
    let limits = Limit::ALL.into_iter().filter_map(|limit| {
        let amount = assembled.settings.limits.get(&limit)?;
        let (value, origin) = (amount.value.to_string(), amount.origin.to_string());
        Some([limit.name().to_owned(), value, origin])
    });
    text.push_str(&section("limits", limits.collect()));
    let granted = assembled.resolved.iter().flat_map(granted);
    text.push_str(&section("granted", granted.collect()));
    let asks = assembled.asks().into_iter().map(|ask| {
        let (word, more) = match ask.answer {
            Answer::Granted(origin) => ("granted", origin.to_string()),
            Answer::Denied(option) => ("denied", option),
            Answer::Senseless(why) => ("senseless", why),
        };
        [format!("{} {}", ask.kind, ForeignText::new(ask.value)), word.to_owned(), more]
    });
    text.push_str(&section("asks for", asks.collect()));
    let needs = assembled.lacking.iter().map(|library| {
        let more = match &library.path {
            Some(path) => assembled.option(&format!("library={}", path.display())),
            None => "it is not on this machine".to_owned(),
        };
        [ForeignText::new(&library.name).to_string(), "denied".to_owned(), more]
    });
    text.push_str(&section("needs", needs.collect()));
    text
}

/// A grant, and below it what it comes to where that is not what was written.
fn granted(resolved: &Resolved) -> Vec<[String; 3]> {
    let grant = &resolved.grant.value;
    let (kind, value) = (grant.kind().name(), grant.value());
    let shown = |text: &str| ForeignText::new(text).to_string();
    let mut lines = vec![[
        format!("{kind} {}", shown(&value)),
        String::new(),
        resolved.grant.origin.to_string(),
    ]];
    let mut more = |text: String| lines.push([format!("  {text}"), String::new(), String::new()]);
    match &resolved.meaning {
        Meaning::Tree(tree) if tree.path == value => {}
        Meaning::Tree(tree) => more(format!("a link: only {} is there", shown(&tree.path))),
        Meaning::Device(path) if *path == value => {}
        Meaning::Device(path) => more(format!("a link: only {} is there", shown(path))),
        Meaning::Socket(path) if value.ends_with(path) => {}
        Meaning::Socket(path) => more(format!("a link: only {} is there", shown(path))),
        Meaning::Destination(destination) => {
            destination.addresses.iter().for_each(|address| more(format!("is {address}")));
        }
        Meaning::Libraries(libraries) => {
            for Library { file, path } in libraries {
                let place = if file == path {
                    shown(path)
                } else {
                    format!("{} (the file {})", shown(path), shown(file))
                };
                match *path == value {
                    true if file == path => {}
                    true => more(format!("the file {}", shown(file))),
                    false => more(format!("with {place}")),
                }
            }
        }
    }
    lines
}

/// A heading and lines in three columns; nothing if there are no lines.
fn section(heading: &str, rows: Vec<[String; 3]>) -> String {
    let width = |column: fn(&[String; 3]) -> &str| {
        // What stands alone needs no column.
        let with_more = rows.iter().filter(|[_, b, c]| !b.is_empty() || !c.is_empty());
        with_more.map(|row| column(row).chars().count()).max().unwrap_or(0)
    };
    let (first, second) = (width(|[first, ..]| first), width(|[_, second, _]| second));
    let mut text = if rows.is_empty() { String::new() } else { format!("{heading}\n") };
    for [a, b, c] in &rows {
        let line = match second {
            0 => format!("  {a:<first$}  {c}"),
            _ => format!("  {a:<first$}  {b:<second$}  {c}"),
        };
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
