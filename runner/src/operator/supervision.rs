//! What is done when a bundle fails, as an operator writes it: `restart=never`, `on-failure=error`.

use super::amount::{Amount, AmountFault, Unit};
use super::settings::{Origin, Sourced};
use crate::bundle::manifest::is_name;
use crate::document::nearest::nearest;
use crate::registry::{BundleOptions, OnFailure};
use crate::supervise::RestartWhen;
use protocol::text::ForeignText;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// A key of `[bundle.NAME.supervision]`, and of `--supervise NAME:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Whether a process that has ended is started again: `never` or `on-failure`.
    Restart,
    /// How many failures are forgiven within the window.
    RestartBudget,
    /// How long a failure counts.
    RestartWindow,
    /// The pause before the second start in a row; each further one is twice as long.
    RestartBackoff,
    /// What the guest sees of a failure: `trap` or `error`.
    OnFailure,
    /// The case of a variant or enum that stands for a failure.
    FailureCase,
    /// A function that may be called once more when its process has ended.
    RetryIdempotent,
}

/// What a rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleValue {
    /// A word or a name.
    Word(String),
    /// A number or a time.
    Amount(Amount),
    /// Several names.
    Names(Vec<String>),
}

/// What an operator says about failures of one bundle.
pub type Supervision = BTreeMap<Rule, Sourced<RuleValue>>;

/// A rule that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleFault {
    /// No such rule.
    #[error("there is no rule `{}`; {}", ForeignText::new(.0), proposal(.0))]
    Unknown(String),
    /// Not one of the words.
    #[error("`{}` is none of: {}", ForeignText::new(found), known.join(", "))]
    Word {
        /// What was written.
        found: String,
        /// What may be.
        known: &'static [&'static str],
    },
    /// Not an amount.
    #[error("{0}")]
    Amount(AmountFault),
    /// Nothing is named.
    #[error("the value is empty")]
    Empty,
}

/// A `--supervise` that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SuperviseError {
    /// Not of the form that it must have.
    #[error(
        "--supervise {}: write NAME:RULE=VALUE with the name of a bundle, as in \
         pkcs11:restart=never",
        ForeignText::new(.0)
    )]
    Form(String),
    /// Not a rule.
    #[error("--supervise {}: {fault}", ForeignText::new(text))]
    Rule {
        /// What was written.
        text: String,
        /// What is wrong with it.
        fault: RuleFault,
    },
    /// A rule that was given before.
    #[error("--supervise {}: {} was given before", ForeignText::new(text), rule.name())]
    Twice {
        /// What was written.
        text: String,
        /// The rule.
        rule: Rule,
    },
}

const NEVER: &str = "never";
const ON_FAILURE: &str = "on-failure";
const TRAP: &str = "trap";
const ERROR: &str = "error";

/// Longest pause and window: a year is for ever.
const TIME_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

fn proposal(name: &str) -> String {
    let names = Rule::ALL.map(Rule::name);
    match nearest(name, names, 1).first() {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are: {}", names.join(", ")),
    }
}

impl Rule {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::Restart,
        Self::RestartBudget,
        Self::RestartWindow,
        Self::RestartBackoff,
        Self::OnFailure,
        Self::FailureCase,
        Self::RetryIdempotent,
    ];

    /// Its name, in hosts.toml and behind `--supervise NAME:`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::RestartBudget => "restart-budget",
            Self::RestartWindow => "restart-window",
            Self::RestartBackoff => "restart-backoff",
            Self::OnFailure => "on-failure",
            Self::FailureCase => "failure-case",
            Self::RetryIdempotent => "retry-idempotent",
        }
    }

    /// Whether it is a list in hosts.toml.
    pub(super) fn is_list(self) -> bool {
        self == Self::RetryIdempotent
    }

    /// Reads a value of this rule; of a list, one item.
    ///
    /// # Errors
    /// [`RuleFault`].
    pub(super) fn parse(self, text: &str) -> Result<RuleValue, RuleFault> {
        let word = |known: &'static [&'static str]| match known.contains(&text) {
            true => Ok(RuleValue::Word(text.to_owned())),
            false => Err(RuleFault::Word { found: text.to_owned(), known }),
        };
        let amount = |unit: Unit| unit.parse(text).map_err(RuleFault::Amount);
        match self {
            Self::Restart => word(&[NEVER, ON_FAILURE]),
            Self::OnFailure => word(&[TRAP, ERROR]),
            Self::RestartBudget => amount(Unit::Count).map(RuleValue::Amount),
            Self::RestartWindow | Self::RestartBackoff => match amount(Unit::Time)? {
                Amount::Time(time) if time > TIME_MAX => {
                    Err(RuleFault::Amount(AmountFault::TooLarge(Amount::Time(TIME_MAX))))
                }
                time => Ok(RuleValue::Amount(time)),
            },
            _ if text.is_empty() => Err(RuleFault::Empty),
            Self::FailureCase => Ok(RuleValue::Word(text.to_owned())),
            Self::RetryIdempotent => Ok(RuleValue::Names(vec![text.to_owned()])),
        }
    }
}

impl fmt::Display for RuleValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Amount(amount) => amount.fmt(f),
            Self::Names(names) => f.write_str(&names.join(", ")),
        }
    }
}

/// What holds if nobody says anything.
pub(super) fn defaults() -> Supervision {
    let restart = BundleOptions::default().restart;
    let time = |time| RuleValue::Amount(Amount::Time(time));
    let word = |word: &str| RuleValue::Word(word.to_owned());
    let of = |rule: Rule| {
        Some(match rule {
            Rule::Restart => word(ON_FAILURE),
            Rule::RestartBudget => RuleValue::Amount(Amount::Count(restart.budget.into())),
            Rule::RestartWindow => time(restart.window),
            Rule::RestartBackoff => time(restart.backoff),
            Rule::OnFailure => word(TRAP),
            Rule::FailureCase | Rule::RetryIdempotent => return None,
        })
    };
    Rule::ALL
        .into_iter()
        .filter_map(|rule| Some((rule, Sourced::new(of(rule)?, Origin::Default))))
        .collect()
}

/// Adds what one source says: lists grow. Returns the rule if that source said it before.
pub(super) fn add(
    rules: &mut Supervision,
    rule: Rule,
    value: RuleValue,
    origin: Origin,
) -> Result<(), Rule> {
    match (rules.get_mut(&rule), value) {
        (Some(Sourced { value: RuleValue::Names(names), .. }), RuleValue::Names(more)) => {
            names.extend(more);
            Ok(())
        }
        (Some(_), _) => Err(rule),
        (None, value) => {
            rules.insert(rule, Sourced::new(value, origin));
            Ok(())
        }
    }
}

/// Puts what the rules say into `options`.
pub(super) fn apply(rules: &Supervision, options: &mut BundleOptions) {
    let mut case = None;
    for (rule, Sourced { value, .. }) in rules {
        match (rule, value) {
            (Rule::Restart, RuleValue::Word(word)) => {
                let never = word == NEVER;
                let when = if never { RestartWhen::Never } else { RestartWhen::OnFailure };
                options.restart.when = when;
            }
            (Rule::RestartBudget, RuleValue::Amount(Amount::Count(count))) => {
                options.restart.budget = u32::try_from(*count).unwrap_or(u32::MAX);
            }
            (Rule::RestartWindow, RuleValue::Amount(Amount::Time(time))) => {
                options.restart.window = *time;
            }
            (Rule::RestartBackoff, RuleValue::Amount(Amount::Time(time))) => {
                options.restart.backoff = *time;
            }
            (Rule::OnFailure, RuleValue::Word(word)) if word == ERROR => {
                options.on_failure = OnFailure::Error { case: None };
            }
            (Rule::FailureCase, RuleValue::Word(word)) => case = Some(word.clone()),
            (Rule::RetryIdempotent, RuleValue::Names(names)) => {
                options.retry_idempotent.clone_from(names);
            }
            // `parse` gives each rule its own kind of value.
            _ => {}
        }
    }
    if let OnFailure::Error { case: of_options } = &mut options.on_failure {
        *of_options = case;
    }
}

/// Reads the values of `--supervise`: rules by the name of the bundle.
///
/// # Errors
/// [`SuperviseError`] for the first that makes no sense.
pub fn rules(texts: &[String]) -> Result<BTreeMap<String, Supervision>, SuperviseError> {
    let mut all: BTreeMap<String, Supervision> = BTreeMap::new();
    for text in texts {
        let form = || SuperviseError::Form(text.clone());
        let (left, value) = text.split_once('=').ok_or_else(form)?;
        let (bundle, name) = left.split_once(':').ok_or_else(form)?;
        if !is_name(bundle) {
            return Err(form());
        }
        let wrong = |fault| SuperviseError::Rule { text: text.clone(), fault };
        let rule = Rule::ALL.into_iter().find(|rule| rule.name() == name);
        let rule = rule.ok_or_else(|| wrong(RuleFault::Unknown(name.to_owned())))?;
        let value = rule.parse(value).map_err(wrong)?;
        let of_bundle = all.entry(bundle.to_owned()).or_default();
        add(of_bundle, rule, value, Origin::CommandLine)
            .map_err(|rule| SuperviseError::Twice { text: text.clone(), rule })?;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::Restart;

    fn typed(texts: &[&str]) -> Result<Supervision, SuperviseError> {
        let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
        Ok(rules(&texts)?.remove("x").unwrap_or_default())
    }

    #[test]
    fn every_rule_arrives_in_the_options() -> Result<(), SuperviseError> {
        let typed = typed(&[
            "x:restart=never",
            "x:restart-budget=7",
            "x:restart-window=2m",
            "x:restart-backoff=5ms",
            "x:on-failure=error",
            "x:failure-case=gone",
            "x:retry-idempotent=a:b/c#d",
            "x:retry-idempotent=a:b/c#e",
        ])?;
        let mut options = BundleOptions::default();
        apply(&typed, &mut options);
        let restart = Restart {
            when: RestartWhen::Never,
            budget: 7,
            window: Duration::from_secs(120),
            backoff: Duration::from_millis(5),
        };
        assert_eq!(options.restart, restart);
        assert_eq!(options.on_failure, OnFailure::Error { case: Some("gone".to_owned()) });
        assert_eq!(options.retry_idempotent, ["a:b/c#d", "a:b/c#e"]);
        Ok(())
    }

    #[test]
    fn the_defaults_change_nothing() {
        let mut options = BundleOptions::default();
        apply(&defaults(), &mut options);
        assert_eq!(options.restart, Restart::default());
        assert_eq!(options.on_failure, OnFailure::Trap);
    }

    #[test]
    fn a_rule_that_makes_no_sense_is_refused_with_what_would() {
        let words = |text: &str| typed(&[text]).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(words("x:restart=always").contains("`always` is none of: never, on-failure"));
        assert!(words("x:restrat=never").contains("did you mean `restart`?"));
        assert!(words("x:restart-budget=many").contains("it is no number"));
        assert!(words("x:restart-window=900years").contains("at most"));
        assert!(words("x:failure-case=").contains("empty"));
        for text in ["restart=never", "x:restart", "../x:restart=never", ""] {
            assert_eq!(typed(&[text]), Err(SuperviseError::Form(text.to_owned())), "{text}");
        }
        let twice = typed(&["x:restart=never", "x:restart=never"]);
        assert!(matches!(twice, Err(SuperviseError::Twice { rule: Rule::Restart, .. })));
    }
}
