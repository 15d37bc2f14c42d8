//! The calls of one bundle, as they begin and end.

use super::print::{INVALID, Known, split, value};
use super::redact::Hidden;
use super::text::{Full, Text, displayed};
use super::{CALLS_TARGET, Trace};
use crate::bundle::Bundle;
use crate::bundle::symbols::component_name;
use crate::shape::{ShapeId, Shapes};
use protocol::message::Plan;
use protocol::types::{Type, TypeTable};
use protocol::value::Reader;
use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much of a name is shown, in characters.
const NAME_CHARS_MAX: usize = 200;

/// How much of one value is shown, in characters.
const VALUE_CHARS_MAX: usize = 240;

/// How much of all arguments of a call is shown, in characters.
const ARGUMENTS_CHARS_MAX: usize = 1200;

/// What is shown of a value that must not be seen.
const REDACTED: &str = "<redacted>";

/// What is shown in place of the outcome of a call whose caller went away.
const UNFINISHED: &str = "<unfinished>";

/// Shows the calls of one bundle.
#[derive(Debug)]
pub(crate) struct Tracer {
    bundle: Arc<Bundle>,
    types: TypeTable,
    /// In the order of the plan.
    functions: Vec<Described>,
    /// What a drop of each resource type is called.
    drops: Vec<String>,
    /// The short name of each resource type, as values show it.
    resources: Vec<String>,
}

#[derive(Debug)]
struct Described {
    name: String,
    params: Vec<Param>,
    result: Option<(Type, Option<ShapeId>)>,
    hidden: Hidden,
}

#[derive(Debug)]
struct Param {
    name: String,
    ty: Type,
    shape: Option<ShapeId>,
}

/// How a call ended.
pub(crate) enum Outcome<'a> {
    /// With these bytes, which were checked; none for a function without a result and for a drop.
    Result(&'a [u8]),
    /// With an error.
    Failed(&'a dyn Display),
}

/// A call that is under way. If it is dropped, its caller went away.
#[derive(Debug)]
pub(crate) struct Span<'a> {
    tracer: &'a Tracer,
    name: &'a str,
    /// `None` for a drop.
    function: Option<&'a Described>,
    arguments: String,
    started: Instant,
    ended: bool,
}

impl Tracer {
    /// For the functions of `plan`, which is one for `bundle` and has the checked `types`.
    pub(crate) fn new(bundle: &Arc<Bundle>, plan: &Plan, types: &TypeTable, trace: &Trace) -> Self {
        let exports = bundle.exports();
        let functions = plan.functions.iter().map(|function| {
            let found = exports.function(&function.name);
            let known = |at: usize| found.and_then(|found| found.params.get(at));
            let param = |(at, ty): (usize, &Type)| Param {
                name: known(at).map_or_else(|| at.to_string(), |(name, _)| name.clone()),
                ty: *ty,
                shape: known(at).map(|(_, shape)| *shape),
            };
            let shape = found.and_then(|found| found.result);
            Described {
                name: displayed(&function.name, NAME_CHARS_MAX),
                params: function.params.iter().enumerate().map(param).collect(),
                result: function.result.map(|ty| (ty, shape)),
                hidden: found
                    .map(|found| Hidden::of(&trace.redact, &function.name, found))
                    .unwrap_or_default(),
            }
        });
        let (mut drops, mut resources) = (Vec::new(), Vec::new());
        for resource in &plan.resources {
            let (interface, name) = match resource.name.rsplit_once('#') {
                Some((interface, name)) => (Some(interface), name),
                None => (None, resource.name.as_str()),
            };
            let drop = component_name(interface, &format!("[resource-drop]{name}"));
            drops.push(displayed(&drop, NAME_CHARS_MAX));
            resources.push(name.to_owned());
        }
        Self {
            bundle: Arc::clone(bundle),
            types: types.clone(),
            functions: functions.collect(),
            drops,
            resources,
        }
    }

    /// A call of the plan's function `index`. `args` are encoded, with the guest's numbers for
    /// handles. `None` if nobody would see it.
    pub(crate) fn call(&self, index: u32, args: &[u8]) -> Option<Span<'_>> {
        if !is_wanted() {
            return None;
        }
        let function = self.functions.get(usize::try_from(index).ok()?)?;
        Some(self.span(&function.name, Some(function), self.arguments(function, args)))
    }

    /// A drop of the resource that the guest knows as `number`.
    pub(crate) fn drop_resource(&self, resource: u32, number: u32) -> Option<Span<'_>> {
        if !is_wanted() {
            return None;
        }
        let at = usize::try_from(resource).ok()?;
        let arguments = displayed(
            &format_args!("self: {}#{number}", self.resources.get(at)?),
            ARGUMENTS_CHARS_MAX,
        );
        Some(self.span(self.drops.get(at)?, None, arguments))
    }

    fn span<'a>(
        &'a self,
        name: &'a str,
        function: Option<&'a Described>,
        arguments: String,
    ) -> Span<'a> {
        Span { tracer: self, name, function, arguments, started: Instant::now(), ended: false }
    }

    fn shapes(&self) -> &Shapes {
        &self.bundle.exports().world.shapes
    }

    fn known(&self) -> Known<'_> {
        Known { types: &self.types, shapes: self.shapes(), resources: &self.resources }
    }

    fn arguments(&self, function: &Described, args: &[u8]) -> String {
        let mut text = Text::new(ARGUMENTS_CHARS_MAX);
        let mut reader = Reader::new(args);
        let hidden = function.hidden.params.iter().chain(std::iter::repeat(&false));
        let mut params = function.params.iter().zip(hidden).enumerate();
        let done = params.try_for_each(|(index, (param, hidden))| {
            text.put(if index == 0 { "" } else { ", " })?;
            text.put(&param.name)?;
            text.put(": ")?;
            let bytes = split(&self.types, param.ty, &mut reader);
            match bytes {
                _ if *hidden => text.put(REDACTED)?,
                Some(bytes) => {
                    let shape = param.shape;
                    text.put(&value(self.known(), param.ty, shape, bytes, VALUE_CHARS_MAX))?;
                }
                None => text.put(INVALID)?,
            }
            // Nobody knows where the next value begins: it must not show bytes of this one.
            if bytes.is_none() { Err(Full) } else { Ok(()) }
        });
        text.finish(done)
    }

    fn result(&self, function: Option<&Described>, bytes: &[u8]) -> String {
        match function.and_then(|function| Some((function, function.result?))) {
            None => "()".to_owned(),
            Some((function, _)) if function.hidden.result => REDACTED.to_owned(),
            Some((_, (ty, shape))) => value(self.known(), ty, shape, bytes, VALUE_CHARS_MAX),
        }
    }
}

impl Span<'_> {
    /// Whether anything of the call is hidden. What a library says of such a call may repeat it.
    pub(crate) fn hides(&self) -> bool {
        self.function.is_some_and(|function| function.hidden.any())
    }

    /// Tells of the call, which has ended.
    pub(crate) fn end(mut self, outcome: &Outcome<'_>) {
        let took = self.started.elapsed();
        let outcome = match outcome {
            Outcome::Result(bytes) => self.tracer.result(self.function, bytes),
            Outcome::Failed(why) => displayed(&format_args!("error: {why}"), VALUE_CHARS_MAX),
        };
        self.tell(&outcome, took);
    }

    fn tell(&mut self, outcome: &str, took: Duration) {
        self.ended = true;
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        tracing::info!(
            target: CALLS_TARGET,
            bundle = self.tracer.bundle.name(),
            function = self.name,
            micros,
            "{}({}) -> {outcome} {}",
            self.name,
            self.arguments,
            shown_time(micros)
        );
    }
}

impl Drop for Span<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let took = self.started.elapsed();
            self.tell(UNFINISHED, took);
        }
    }
}

/// Whether any subscriber listens to such events.
fn is_wanted() -> bool {
    tracing::enabled!(target: CALLS_TARGET, tracing::Level::INFO)
}

/// In the unit in which it has few digits.
fn shown_time(micros: u64) -> String {
    // Tenths of the next unit, rounded down.
    let tenths = |unit: u64| format!("{}.{}", micros / unit, micros % unit / (unit / 10));
    match micros {
        0..1_000 => format!("{micros}µs"),
        1_000..1_000_000 => tenths(1_000) + "ms",
        _ => tenths(1_000_000) + "s",
    }
}
