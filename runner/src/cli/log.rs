//! Events of the library, on standard error.

use super::error::CliError;
use crate::document::nearest::nearest;
use crate::{CALLS_TARGET, FAILURES_TARGET, STDERR_TARGET};
use protocol::text::ForeignText;
use std::env::VarError;
use std::fmt;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The variable that says which events are shown.
const VARIABLE: &str = "WRUN_LOG";

/// Words that are a level where they stand alone.
const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// Shows the events that `WRUN_LOG` asks for, and calls if they are traced. Without it: what goes
/// wrong, and everything that bundles write to their standard error, as plain lines.
///
/// # Errors
/// [`CliError::Usage`] for a `WRUN_LOG` that makes no sense.
pub(super) fn start(trace_calls: bool) -> Result<(), CliError> {
    let asked = match std::env::var(VARIABLE) {
        Ok(asked) => asked,
        Err(VarError::NotPresent) => String::new(),
        Err(VarError::NotUnicode(_)) => return Err(wrong("", "it is not UTF-8")),
    };
    let filter = filter(&asked, trace_calls)?;
    let format = Plain { format: Format::default(), nothing_asked: asked.is_empty() };
    let shown = tracing_subscriber::fmt().with_writer(std::io::stderr);
    shown.event_format(format).with_env_filter(filter).init();
    Ok(())
}

fn filter(asked: &str, trace_calls: bool) -> Result<EnvFilter, CliError> {
    let mut directives = asked.to_owned();
    if asked.is_empty() {
        directives = format!("error,{STDERR_TARGET}=trace,{FAILURES_TARGET}=warn");
    }
    // Whoever names the calls has said which are shown.
    if trace_calls && !asked.contains(CALLS_TARGET) {
        directives = format!("{directives},{CALLS_TARGET}=info");
    }
    check_words(asked)?;
    EnvFilter::builder()
        .parse(&directives)
        .map_err(|error| wrong(asked, &ForeignText::new(error.to_string()).to_string()))
}

/// A word that stands alone is the name of a target, of which everything is shown. A misspelt level
/// is one too, and shows nothing.
fn check_words(asked: &str) -> Result<(), CliError> {
    for word in asked.split(',').map(str::trim) {
        let lower = word.to_lowercase();
        let is_name = !word.is_empty() && !word.contains(['=', '[', ':']) && lower != "wrun";
        if is_name
            && !LEVELS.contains(&lower.as_str())
            && let Some(near) = nearest(&lower, LEVELS, 1).first()
        {
            let word = ForeignText::new(word);
            return Err(wrong(asked, &format!("`{word}` is no level; did you mean `{near}`?")));
        }
    }
    Ok(())
}

fn wrong(asked: &str, why: &str) -> CliError {
    CliError::Usage(format!(
        "{VARIABLE}={}: {why}\n  help: write a level, or TARGET=LEVEL, as in wrun=debug or \
         warn,{CALLS_TARGET}=info",
        ForeignText::new(asked)
    ))
}

/// Calls as `trace: NAME call`. If nothing else was asked for, lines of bundles as `NAME: text` and
/// failures that did not end the run as warnings. All else as usual.
struct Plain {
    format: Format,
    nothing_asked: bool,
}

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Line::default();
        event.record(&mut line);
        let Line { bundle, text } = line;
        match event.metadata().target() {
            CALLS_TARGET => writeln!(writer, "trace: {bundle} {text}"),
            STDERR_TARGET if self.nothing_asked => writeln!(writer, "{bundle}: {text}"),
            FAILURES_TARGET if self.nothing_asked => writeln!(writer, "warning: {text}"),
            _ => self.format.format_event(context, writer, event),
        }
    }
}

/// The fields of a line that is about a bundle.
#[derive(Default)]
struct Line {
    bundle: String,
    text: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "bundle" {
            value.clone_into(&mut self.bundle);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.text = format!("{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_makes_no_sense_is_refused_with_what_was_meant() {
        for good in ["", "debug", "WARN", "wrun", "wrun=debug", "error,wrun::calls=off", "wasmtime"]
        {
            assert!(filter(good, false).is_ok(), "{good}");
        }
        let why =
            |asked| filter(asked, false).map_or_else(|error| error.to_string(), |_| String::new());
        assert!(why("debgu").contains("did you mean `debug`?"), "{}", why("debgu"));
        assert!(why("wrun=debgu").contains("WRUN_LOG=wrun=debgu: "), "{}", why("wrun=debgu"));
        assert!(why("wrun=\x1b[2J").contains("\\u{1b}"), "{}", why("wrun=\x1b[2J"));
    }

    #[test]
    fn traced_calls_are_shown_unless_the_variable_names_them() {
        let shown = |asked| filter(asked, true).map_or_else(|_| String::new(), |f| f.to_string());
        assert!(shown("").contains("wrun::calls=info"));
        assert!(shown("error").contains("wrun::calls=info"));
        assert!(shown("wrun::calls=off").contains("wrun::calls=off"));
        assert!(!shown("wrun::calls=off").contains("wrun::calls=info"));
    }
}
