//! Events of the library, on standard error.

use crate::{FAILURES_TARGET, STDERR_TARGET};
use std::fmt;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The variable that says which events are shown.
const VARIABLE: &str = "WRUN_LOG";

/// Shows the events that `WRUN_LOG` asks for. Without it: what goes wrong, and everything that
/// bundles write to their standard error, as plain lines.
pub(super) fn start() {
    let asked = std::env::var(VARIABLE).unwrap_or_default();
    let shown = tracing_subscriber::fmt().with_writer(std::io::stderr);
    if asked.is_empty() {
        let filter = EnvFilter::new(format!("error,{STDERR_TARGET}=trace,{FAILURES_TARGET}=warn"));
        shown.event_format(Plain(Format::default())).with_env_filter(filter).init();
    } else {
        shown.with_env_filter(EnvFilter::from_env(VARIABLE)).init();
    }
}

/// Lines of bundles as `NAME: text`, failures that did not end the run as warnings; all else as
/// usual.
struct Plain(Format);

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
        match event.metadata().target() {
            STDERR_TARGET => writeln!(writer, "{}: {}", line.bundle, line.text),
            FAILURES_TARGET => writeln!(writer, "warning: {}", line.text),
            _ => self.0.format_event(context, writer, event),
        }
    }
}

/// The fields of a line that a bundle wrote.
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
