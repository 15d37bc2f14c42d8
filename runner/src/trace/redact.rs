//! Which values a trace must not show.

use crate::bundle::{Exports, means_function};
use crate::document::nearest::nearest;
use crate::shape::Function;
use protocol::text::ForeignText;
use std::collections::BTreeSet;

/// Stands for every function.
pub const ANY_FUNCTION: &str = "*";

/// Stands for the result of a function. A parameter of this name is meant as well.
pub const RESULT: &str = "result";

/// One value that a trace must not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redact {
    /// The function, as `ns:pkg/iface#func` with or without the version, or [`ANY_FUNCTION`].
    pub function: String,
    /// Name of a parameter, or [`RESULT`].
    pub value: String,
}

/// A [`Redact`] that means nothing: a slip of the pen here shows a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedactFault {
    /// The bundle exports no such function.
    #[error(
        "`redact`: the bundle has no function `{}`{}",
        ForeignText::new(function), suggestion(near.as_deref())
    )]
    Function {
        /// What was written.
        function: String,
        /// What may have been meant.
        near: Option<String>,
    },
    /// No function that is meant has such a value.
    #[error("{}", value_words(function, value, near.as_deref(), known))]
    Value {
        /// The function, as it was written.
        function: String,
        /// What was written.
        value: String,
        /// What may have been meant.
        near: Option<String>,
        /// All that there is.
        known: Vec<String>,
    },
}

fn suggestion(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean `{}`?", ForeignText::new(near)))
}

fn value_words(function: &str, value: &str, near: Option<&str>, known: &[String]) -> String {
    let value = ForeignText::new(value);
    let what = match function {
        ANY_FUNCTION => format!("no function of the bundle has a parameter `{value}`"),
        name => format!("`{}` has no parameter `{value}`", ForeignText::new(name)),
    };
    let help = match near {
        None if function != ANY_FUNCTION => format!("; it has: {}", known.join(", ")),
        near => suggestion(near),
    };
    format!("`redact`: {what}{help}")
}

impl Redact {
    /// Checks that it means a value of a function that the bundle exports.
    ///
    /// # Errors
    /// [`RedactFault`], with what may have been meant.
    pub(crate) fn check(&self, exports: &Exports) -> Result<(), RedactFault> {
        let mut known: BTreeSet<&str> = BTreeSet::new();
        let mut found = false;
        for (name, function) in exports.functions() {
            if self.means(&name) {
                found = true;
                known.extend(function.params.iter().map(|(name, _)| name.as_str()));
                known.extend(function.result.map(|_| RESULT));
            }
        }
        if !found && self.function != ANY_FUNCTION {
            let near = exports.nearest_function(&self.function);
            return Err(RedactFault::Function { function: self.function.clone(), near });
        }
        if known.contains(self.value.as_str()) {
            return Ok(());
        }
        let near = nearest(&self.value, known.iter().copied(), 1);
        Err(RedactFault::Value {
            function: self.function.clone(),
            value: self.value.clone(),
            near: near.first().map(|near| (*near).to_owned()),
            known: known.into_iter().map(str::to_owned).collect(),
        })
    }

    fn means(&self, component_name: &str) -> bool {
        self.function == ANY_FUNCTION || means_function(&self.function, component_name)
    }
}

/// What is hidden of one function.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hidden {
    /// One for each parameter.
    pub(super) params: Vec<bool>,
    pub(super) result: bool,
}

impl Hidden {
    /// What `redact` hides of `function`, which has this component name.
    pub(super) fn of(redact: &[Redact], component_name: &str, function: &Function) -> Self {
        let meant: Vec<&str> = redact
            .iter()
            .filter(|redact| redact.means(component_name))
            .map(|redact| redact.value.as_str())
            .collect();
        let params = function.params.iter().map(|(name, _)| meant.contains(&name.as_str()));
        Self { params: params.collect(), result: meant.contains(&RESULT) }
    }

    /// Whether anything is hidden.
    pub(super) fn any(&self) -> bool {
        self.result || self.params.contains(&true)
    }
}
