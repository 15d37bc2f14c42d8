//! The operator's settings for a bundle, read with good errors.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// The settings that `wrun:bundle/lifecycle.init` brings.
///
/// Ask for every key that the bundle has, then call [`finish`](Self::finish): a key that nobody
/// asked for is a mistake of the operator and becomes an error that names the nearest one.
///
/// ```
/// # fn open(_: &str, _: u32, _: bool) {}
/// fn init(config: Vec<(String, String)>) -> Result<(), String> {
///     let mut config = wrun_bundle::Config::new(config)?;
///     let module = config.required("module")?;
///     let slots: u32 = config.parse("slots")?.unwrap_or(4);
///     let read_only = config.flag("read-only")?;
///     config.finish()?;
///     open(&module, slots, read_only);
///     Ok(())
/// }
/// # assert!(init(vec![("module".into(), "/usr/lib/x.so".into())]).is_ok());
/// # assert!(init(vec![]).is_err());
/// ```
///
/// Values are never shown, neither in errors nor by `Debug`: they may be secrets.
pub struct Config {
    given: BTreeMap<String, String>,
    asked: Vec<&'static str>,
}

impl Config {
    /// Takes the list that `init` was called with.
    ///
    /// # Errors
    /// If a key is in the list twice.
    pub fn new(pairs: Vec<(String, String)>) -> Result<Self, ConfigError> {
        let mut given = BTreeMap::new();
        for (key, value) in pairs {
            if given.contains_key(&key) {
                return Err(ConfigError(format!("configuration key `{key}` is given twice")));
            }
            given.insert(key, value);
        }
        Ok(Self { given, asked: Vec::new() })
    }

    /// The value of a key that may be missing.
    pub fn optional(&mut self, key: &'static str) -> Option<String> {
        self.asked.push(key);
        self.given.get(key).cloned()
    }

    /// The value of a key that must be there.
    ///
    /// # Errors
    /// If it is missing; the error names the given key that looks like it, if there is one.
    pub fn required(&mut self, key: &'static str) -> Result<String, ConfigError> {
        if let Some(value) = self.optional(key) {
            return Ok(value);
        }
        let mut message = format!("configuration key `{key}` is missing");
        let others = self.given.keys().map(String::as_str);
        if let Some(near) = nearest(key, others.filter(|other| !self.asked.contains(other))) {
            message.push_str(&format!(" (is `{near}` a misspelling of it?)"));
        } else {
            message.push_str(&format!("; set it with --bundle-config NAME.{key}=VALUE"));
        }
        Err(ConfigError(message))
    }

    /// The value of a key as a `T`, for example a number; none if the key is missing.
    ///
    /// # Errors
    /// If the value is not a `T`.
    pub fn parse<T>(&mut self, key: &'static str) -> Result<Option<T>, ConfigError>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        let Some(value) = self.optional(key) else {
            return Ok(None);
        };
        value.parse().map(Some).map_err(|error| {
            let kind = short_type_name::<T>();
            ConfigError(format!("configuration key `{key}` must be a value of {kind}: {error}"))
        })
    }

    /// A switch: `true` or `false`; off if the key is missing.
    ///
    /// # Errors
    /// If the value is something else.
    pub fn flag(&mut self, key: &'static str) -> Result<bool, ConfigError> {
        match self.optional(key).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => {
                Err(ConfigError(format!("configuration key `{key}` must be `true` or `false`")))
            }
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// If there is a key that was not asked for; the error names the nearest one that was.
    pub fn finish(self) -> Result<(), ConfigError> {
        let unknown: Vec<String> = self
            .given
            .keys()
            .filter(|key| !self.asked.contains(&key.as_str()))
            .map(|key| match nearest(key, self.asked.iter().copied()) {
                Some(near) => format!("`{key}` (did you mean `{near}`?)"),
                None => format!("`{key}`"),
            })
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let mut message = format!("unknown configuration: {}", unknown.join(", "));
        if self.asked.is_empty() {
            message.push_str("; this bundle has no configuration");
        } else {
            let known: Vec<String> = self.asked.iter().map(|key| format!("`{key}`")).collect();
            message.push_str(&format!("; the keys are {}", known.join(", ")));
        }
        Err(ConfigError(message))
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&String> = self.given.keys().collect();
        f.debug_struct("Config").field("keys", &keys).finish_non_exhaustive()
    }
}

/// What is wrong with the settings, in words for the operator. `?` turns it into the `string` that
/// `init` returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for ConfigError {}

impl From<ConfigError> for String {
    fn from(error: ConfigError) -> Self {
        error.0
    }
}

/// `u32` for `u32`, `IpAddr` for `core::net::ip_addr::IpAddr`.
fn short_type_name<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    if name.contains('<') { name } else { name.rsplit("::").next().unwrap_or(name) }
}

/// The candidate that is most like `wanted`, if one is near enough to be meant.
fn nearest<'a>(wanted: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = wanted.chars().count().div_ceil(3);
    candidates
        .map(|candidate| (distance(wanted, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many characters must be inserted, removed or replaced to make `a` of `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (to, above) in b.chars().zip(row.iter().skip(1)) {
            let replaced = diagonal + usize::from(from != to);
            left = replaced.min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::{Config, distance};

    fn config(pairs: &[(&str, &str)]) -> Config {
        let pairs = pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        Config::new(pairs).unwrap()
    }

    #[test]
    fn values_are_read_by_type() {
        let mut config = config(&[("module", "x.so"), ("slots", "7"), ("fast", "true")]);
        assert_eq!(config.required("module").unwrap(), "x.so");
        assert_eq!(config.parse::<u16>("slots").unwrap(), Some(7));
        assert_eq!(config.parse::<u16>("other").unwrap(), None);
        assert!(config.flag("fast").unwrap());
        assert!(!config.flag("slow").unwrap());
        assert_eq!(config.finish(), Ok(()));
    }

    #[test]
    fn a_missing_key_names_the_likely_misspelling() {
        let error = config(&[("modul", "x.so")]).required("module").unwrap_err().to_string();
        assert!(error.contains("`module` is missing (is `modul` a misspelling"), "{error}");
        let error = config(&[("zzz", "")]).required("module").unwrap_err().to_string();
        assert!(error.contains("--bundle-config NAME.module=VALUE"), "{error}");
    }

    #[test]
    fn unknown_keys_are_reported_together_with_the_nearest() {
        let mut config = config(&[("slot", "1"), ("colour", "red")]);
        assert_eq!(config.optional("slots"), None);
        let error = config.finish().unwrap_err().to_string();
        assert_eq!(
            error,
            "unknown configuration: `colour`, `slot` (did you mean `slots`?); the keys are `slots`"
        );
    }

    #[test]
    fn no_value_is_ever_shown() {
        let mut config = config(&[("pin", "1234"), ("slots", "1234")]);
        let error = config.parse::<bool>("slots").unwrap_err().to_string();
        assert!(error.contains("must be a value of bool"), "{error}");
        let flag = config.flag("pin").unwrap_err().to_string();
        for text in [error, flag, format!("{config:?}")] {
            assert!(!text.contains("1234"), "{text}");
        }
    }

    #[test]
    fn a_key_given_twice_is_refused() {
        let pair = || ("a".to_string(), String::new());
        assert!(Config::new(vec![pair(), pair()]).is_err());
    }

    #[test]
    fn distances_are_those_of_levenshtein() {
        for (a, b, expected) in
            [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }
}
