//! What an operator configures, against what a bundle says it takes.

use crate::bundle::Bundle;
use crate::bundle::manifest::ConfigKey;
use crate::document::nearest::nearest;
use protocol::text::ForeignText;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The declaration of `key`: of that name, or of a family `name.*` that it belongs to.
pub(super) fn declaration<'a>(bundle: &'a Bundle, key: &str) -> Option<&'a ConfigKey> {
    let declared = bundle.manifest().config.as_ref()?;
    let in_family = |name: &str| {
        let family = name.strip_suffix('*');
        family.is_some_and(|prefix| key.len() > prefix.len() && key.starts_with(prefix))
    };
    declared.get(key).or_else(|| declared.iter().find(|(name, _)| in_family(name)).map(|(_, k)| k))
}

/// Checks the keys of `config`, and that nothing required is missing.
///
/// # Errors
/// What is wrong, and what the bundle takes.
pub(super) fn check(bundle: &Bundle, config: &BTreeMap<String, String>) -> Result<(), String> {
    if bundle.exports().lifecycle.is_none() {
        return match config.keys().next() {
            Some(key) => Err(format!(
                "it takes no configuration (it does not export wrun:bundle/lifecycle), \
                 but `{key}` is given"
            )),
            None => Ok(()),
        };
    }
    let Some(declared) = &bundle.manifest().config else { return Ok(()) };
    if let Some(key) = config.keys().find(|key| declaration(bundle, key).is_none()) {
        let mut text = format!("it knows no configuration key `{key}`");
        let known = declared.keys().map(String::as_str);
        if let Some(near) = nearest(key, known, 1).first() {
            let _ = write!(text, "; did you mean `{near}`?");
        }
        return Err(text + &takes(declared));
    }
    let missing = declared.iter().find(|(key, about)| about.required && !config.contains_key(*key));
    match missing {
        Some((key, about)) => {
            let option = if about.secret { "--bundle-config-from" } else { "--bundle-config" };
            let value = if about.secret { "file:PATH" } else { "VALUE" };
            let help = about.help.as_deref().unwrap_or("no description");
            Err(format!(
                "it needs the configuration key `{key}`: {}\n  help: add {option} {}.{key}={value}",
                ForeignText::new(help),
                bundle.name()
            ))
        }
        None => Ok(()),
    }
}

fn takes(declared: &BTreeMap<String, ConfigKey>) -> String {
    if declared.is_empty() {
        return "; it has none".to_owned();
    }
    let width = declared.keys().map(String::len).max().unwrap_or(0);
    let line = |(key, about): (&String, &ConfigKey)| {
        let help = about.help.as_deref().unwrap_or_default();
        format!("\n    {key:<width$}  {}", ForeignText::new(help))
    };
    format!("\n  help: its keys are:{}", declared.iter().map(line).collect::<String>())
}
