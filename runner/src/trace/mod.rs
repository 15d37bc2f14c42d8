//! Calls into bundles, one line each, for a person to read: what was called with what, what came
//! back, and how long it took.
//!
//! [`Trace`] in the options of a bundle switches it on. Each call becomes one event of the target
//! [`CALLS_TARGET`] at the level INFO when it has ended, with the fields `bundle`, `function` and
//! `micros`, the time from the guest's call to its answer in microseconds. The message is the call:
//! `ns:pkg/iface@1.0.0#func(a: 1, b: "text") -> ok(2) 340µs`. Events go to whatever subscriber the
//! embedder has set, and nothing is formatted for one that does not want them.
//!
//! Values are cut, and everything in them that a terminal would act on is escaped. What
//! [`Trace::redact`] names is not looked at.

mod print;
mod redact;
#[cfg(test)]
mod tests;
mod text;
mod tracer;

pub use redact::{ANY_FUNCTION, RESULT, Redact, RedactFault};
pub(crate) use tracer::{Outcome, Span, Tracer};

/// Target of the events that tell of calls into bundles, one line each.
pub const CALLS_TARGET: &str = "wrun::calls";

/// That calls into a bundle are traced, and what must not be seen of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// Values that are shown as `<redacted>`. Nothing else is hidden.
    pub redact: Vec<Redact>,
}
