//! What the operator wants for single functions: whether a call may be made once more, and how the
//! guest is told of a failure.

use super::{BundleOptions, FAILURE_CASE, OnFailure};
use crate::bundle::{Bundle, means_function};
use crate::proxy::{Carrier, Treatment};
use crate::shape::{Function, Shape, ShapeId, Shapes};
use protocol::message::Plan;
use protocol::text::ForeignText;
use protocol::types::{TypeTable, case_bytes};

/// The treatment of each function of `plan`, in its order.
///
/// # Errors
/// What the operator asked for and cannot have, in words.
pub(super) fn of_functions(
    bundle: &Bundle,
    plan: &Plan,
    types: &TypeTable,
    options: &BundleOptions,
) -> Result<Vec<Treatment>, String> {
    check_retries(bundle, options)?;
    let carriers = Carriers::new(bundle, &options.on_failure)?;
    let mut treatments = Vec::new();
    for function in &plan.functions {
        let retry =
            options.retry_idempotent.iter().any(|name| means_function(name, &function.name));
        let takes_handles = |ty: &_| types.facts(*ty).is_some_and(|facts| facts.handles);
        if retry && function.params.iter().any(takes_handles) {
            return Err(format!(
                "`retry-idempotent`: `{}` takes a resource, and resources end with their process",
                function.name
            ));
        }
        let carrier =
            bundle.exports().function(&function.name).and_then(|found| carriers.of(found));
        treatments.push(Treatment { retry, carrier });
    }
    Ok(treatments)
}

fn check_retries(bundle: &Bundle, options: &BundleOptions) -> Result<(), String> {
    let exports = bundle.exports();
    for wanted in &options.retry_idempotent {
        if exports.functions().any(|(name, _)| means_function(wanted, &name)) {
            continue;
        }
        let help = exports.nearest_function(wanted);
        let help = help.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        let wanted = ForeignText::new(wanted.as_str());
        return Err(format!("`retry-idempotent`: the bundle has no function `{wanted}`{help}"));
    }
    Ok(())
}

/// Which results can carry a failure.
struct Carriers<'a> {
    shapes: &'a Shapes,
    /// `None`: failures are traps.
    case: Option<&'a str>,
}

impl<'a> Carriers<'a> {
    fn new(bundle: &'a Bundle, on_failure: &'a OnFailure) -> Result<Self, String> {
        let world = &bundle.exports().world;
        let case = match on_failure {
            OnFailure::Trap => None,
            OnFailure::Error { case } => Some(case.as_deref().unwrap_or(FAILURE_CASE)),
        };
        let carriers = Self { shapes: &world.shapes, case };
        let functions = world.interfaces.iter().flat_map(|interface| &interface.functions);
        let mut all = functions.chain(&world.functions);
        // Asking for what no function can do is a mistake in the operator's file.
        if case.is_some() && !all.any(|function| carriers.of(function).is_some()) {
            return Err(match on_failure {
                OnFailure::Error { case: Some(case) } => format!(
                    "`failure-case`: no function returns a result whose error has a case `{}` with \
                     no payload or a string, or is a string",
                    ForeignText::new(case.as_str())
                ),
                _ => format!(
                    "`on-failure = \"error\"`: no function returns a result whose error is a string \
                     or has a case `{FAILURE_CASE}`; `failure-case` names another"
                ),
            });
        }
        Ok(carriers)
    }

    fn of(&self, function: &Function) -> Option<Carrier> {
        let case = self.case?;
        let Shape::Result(_, Some(error)) = self.shapes.get(function.result?) else { return None };
        match self.shapes.get(*error) {
            Shape::String => Some(Carrier::Text),
            Shape::Enum(names) => {
                let at = names.iter().position(|name| name == case)?;
                Some(Carrier::Case { number: number(at, names.len()), text: false })
            }
            Shape::Variant(cases) => {
                let at = cases.iter().position(|(name, _)| name == case)?;
                let text = match cases.get(at)?.1 {
                    None => false,
                    Some(payload) if self.is_string(payload) => true,
                    Some(_) => return None,
                };
                Some(Carrier::Case { number: number(at, cases.len()), text })
            }
            _ => None,
        }
    }

    fn is_string(&self, id: ShapeId) -> bool {
        matches!(self.shapes.get(id), Shape::String)
    }
}

/// A case's number as it is encoded.
fn number(case: usize, cases: usize) -> Vec<u8> {
    let bytes = case.to_le_bytes();
    bytes.get(..case_bytes(cases)).unwrap_or_default().to_vec()
}
