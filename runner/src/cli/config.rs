//! `wrun config print`: what options and hosts.toml come to.

use super::args::PrintArgs;
use super::error::CliError;
use super::orders::orders;
use crate::operator::{
    Amount, Assembled, ConfigValue, Grant, Kind, Origin, RuleValue, Settings, Sourced, assemble,
};
use crate::trace::Redact;
use protocol::stage::Layer;
use std::collections::BTreeMap;

/// Where remarks begin, unless a line is longer.
const REMARK_COLUMN: usize = 40;

/// Prints the bundles of a run as a hosts.toml. Secrets are not read, and so not printed.
///
/// # Errors
/// [`CliError`] if a bundle or what was said about it cannot be used.
pub(super) fn print(typed: PrintArgs) -> Result<(), CliError> {
    let assembled = assemble(&orders(typed.operator, typed.host_bundle)?)?;
    let mut page = Page::default();
    page.line("format = 1", None);
    if let Some(required) = assembled.first().map(|first| &first.required) {
        page.jail(required);
    }
    for bundle in &assembled {
        page.bundle(bundle)?;
    }
    print!("{}", page.finish());
    Ok(())
}

/// Lines, some with a remark that is set in a column.
#[derive(Default)]
struct Page {
    lines: Vec<(String, Option<String>)>,
}

impl Page {
    fn line(&mut self, text: impl Into<String>, origin: Option<&Origin>) {
        self.lines.push((text.into(), origin.map(ToString::to_string)));
    }

    fn jail(&mut self, required: &[Sourced<Layer>]) {
        if !required.is_empty() {
            self.line("\n[jail]", None);
            let layers =
                required.iter().map(|layer| (layer.value.name().to_owned(), &layer.origin));
            self.list("require", layers);
        }
    }

    fn bundle(&mut self, assembled: &Assembled) -> Result<(), CliError> {
        let name = key(assembled.bundle.name());
        self.line(format!("\n[bundle.{name}]"), None);
        let path = std::path::absolute(assembled.bundle.path());
        let path = path.map_err(|error| CliError::Input(error.to_string()))?;
        self.line(format!("path = {}", string(&path.to_string_lossy())), Some(&assembled.origin));
        let serves = assembled.serves.iter();
        self.list("serves", serves.map(|map| (map.value.import().to_owned(), &map.origin)));
        self.config(&name, &assembled.config);
        self.settings(&name, &assembled.settings);
        self.redact(&name, &assembled.redact);
        Ok(())
    }

    fn config(&mut self, name: &str, config: &BTreeMap<String, Sourced<ConfigValue>>) {
        if !config.is_empty() {
            self.line(format!("\n[bundle.{name}.config]"), None);
        }
        for (name, Sourced { value, origin }) in config {
            let name = key(name);
            let line = match value {
                ConfigValue::Text(text) => format!("{name} = {}", string(text)),
                ConfigValue::File(path) => {
                    // Absolute, since this may be written elsewhere.
                    let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                    format!("{name} = {{ file = {} }}", string(&path.to_string_lossy()))
                }
                // There is no descriptor where this is read again.
                ConfigValue::Descriptor(number) => format!("# {name} is read from fd:{number}"),
            };
            self.line(line, Some(origin));
        }
    }

    fn settings(&mut self, name: &str, settings: &Settings) {
        if !settings.grants.is_empty() {
            self.line(format!("\n[bundle.{name}.grants]"), None);
        }
        for kind in Kind::ALL {
            let of_kind = |grant: &&Sourced<Grant>| grant.value.kind() == kind;
            let grants = settings.grants.iter().filter(of_kind);
            self.list(kind.name(), grants.map(|grant| (grant.value.value(), &grant.origin)));
        }
        self.line(format!("\n[bundle.{name}.limits]"), None);
        for (limit, amount) in &settings.limits {
            let value = match amount.value {
                Amount::Count(count) => count.to_string(),
                other => string(&other.to_string()),
            };
            self.line(format!("{} = {value}", limit.name()), Some(&amount.origin));
        }
        self.line(format!("\n[bundle.{name}.supervision]"), None);
        for (rule, Sourced { value, origin }) in &settings.supervision {
            let value = match value {
                RuleValue::Names(names) => {
                    self.list(rule.name(), names.iter().map(|name| (name.clone(), origin)));
                    continue;
                }
                RuleValue::Amount(Amount::Count(count)) => count.to_string(),
                other => string(&other.to_string()),
            };
            self.line(format!("{} = {value}", rule.name()), Some(origin));
        }
    }

    fn redact(&mut self, name: &str, redact: &[Sourced<Redact>]) {
        if !redact.is_empty() {
            self.line(format!("\n[bundle.{name}.redact]"), None);
        }
        for of_function in redact.chunk_by(|a, b| a.value.function == b.value.function) {
            let function = of_function.first().map(|first| key(&first.value.function));
            let values = of_function.iter().map(|item| (item.value.value.clone(), &item.origin));
            self.list(&function.unwrap_or_default(), values);
        }
    }

    fn list<'a>(&mut self, name: &str, items: impl Iterator<Item = (String, &'a Origin)>) {
        let items: Vec<_> = items.collect();
        if items.is_empty() {
            return;
        }
        self.line(format!("{name} = ["), None);
        for (item, origin) in items {
            self.line(format!("  {},", string(&item)), Some(origin));
        }
        self.line("]", None);
    }

    fn finish(self) -> String {
        let line = |(line, remark): &(String, Option<String>)| match remark {
            Some(remark) => format!("{line:<REMARK_COLUMN$}  # {remark}\n"),
            None => format!("{line}\n"),
        };
        self.lines.iter().map(line).collect()
    }
}

/// A key of TOML, quoted if it must be.
fn key(text: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !text.is_empty() && text.chars().all(is_bare) { text.to_owned() } else { string(text) }
}

/// A string of TOML, with everything escaped that a terminal would not show as it is.
fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        let mut shown = String::new();
        // Writing to a `String` cannot fail.
        let _ = protocol::text::write_harmless(&mut shown, c);
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if matches!(c, '\n' | '\t') || !shown.chars().eq([c]) => {
                quoted.push_str(&format!("\\U{:08x}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
