//! From the greeting to the first call, one function per step of the protocol.

use crate::confine::ablation::LeftOut;
use crate::confine::{self, Confined};
use crate::conversation::Conversation;
use crate::end::End;
use crate::native::{Adapter, CallError, InitError, LoadError, Opened, Place};
use protocol::message::{BUNDLE_ROOT, Plan, Step, ToRunner, ToShim};
use protocol::version::{MAGIC, SUPPORTED, VersionError};
use std::os::fd::{AsFd as _, OwnedFd};

/// Agrees on a protocol version.
///
/// # Errors
/// [`End::Refused`] if there is none in common.
pub fn greet(runner: &mut Conversation) -> Result<(), End> {
    let (magic, versions) = match runner.request()? {
        (ToShim::Hello { magic, versions }, _) => (magic, versions),
        (other, _) => return Err(runner.not_now(&other)),
    };
    if magic != MAGIC {
        return Err(End::Violation(VersionError::Magic.to_string()));
    }
    match SUPPORTED.agree(versions) {
        Ok(version) => runner.answer(&ToRunner::Hello { magic: MAGIC, version }, &[]),
        Err(_) => {
            runner.answer(&ToRunner::Refused { versions: SUPPORTED }, &[])?;
            Err(End::Refused)
        }
    }
}

/// Reads what there is to serve.
///
/// # Errors
/// [`End::Failed`] if the payload is no plan.
pub fn read_plan(runner: &mut Conversation) -> Result<Plan, End> {
    let payload = match runner.request()? {
        (ToShim::Plan, payload) => payload,
        (other, _) => return Err(runner.not_now(&other)),
    };
    match postcard::take_from_bytes::<Plan>(runner.payload(payload)) {
        Ok((plan, [])) => {
            runner.limit_payload(plan.payload_bytes_max);
            Ok(plan)
        }
        Ok(_) => Err(runner.fail(Step::Plan, "bytes follow the plan")),
        Err(error) => Err(runner.fail(Step::Plan, format_args!("the plan is malformed: {error}"))),
    }
}

/// Opens the libraries and puts up the last layers, before any code of the bundle runs.
///
/// # Errors
/// [`End::Failed`] if a file cannot be opened or a layer cannot be put up. The process never
/// continues with less.
pub fn confine(
    runner: &mut Conversation,
    bundle: OwnedFd,
    bell: OwnedFd,
    left_out: LeftOut,
    plan: &Plan,
) -> Result<(Opened, Confined), End> {
    let place = match plan.own_root {
        true => Place::At(BUNDLE_ROOT.into()),
        false => Place::Descriptors,
    };
    let opened = Opened::new(bundle.as_fd(), plan, place);
    let opened = opened.map_err(|error| runner.fail(step_of(&error), error))?;
    drop(bundle);
    let confined = confine::apply(plan, bell, left_out);
    let confined = confined.map_err(|error| runner.fail(Step::Confine, error))?;
    runner.answer(&ToRunner::Confined, &[])?;
    Ok((opened, confined))
}

/// Loads the library, calls its `init`, and takes the rights to load away. **From here on nobody
/// trusts this process.**
///
/// # Errors
/// [`End::Failed`] if the library cannot be loaded or `init` does not succeed.
pub fn load(
    runner: &mut Conversation,
    opened: Opened,
    confined: Confined,
    plan: &Plan,
) -> Result<Adapter, End> {
    let config = match runner.request()? {
        (ToShim::Load, payload) => payload,
        (other, _) => return Err(runner.not_now(&other)),
    };
    let mut adapter = match Adapter::load(confined.permit(), opened, plan) {
        Ok(adapter) => adapter,
        Err(error) => return Err(runner.fail(step_of(&error), error)),
    };
    match adapter.init(runner.payload(config)) {
        Ok(()) => {}
        Err(InitError::Call(CallError::Request(error))) => {
            return Err(End::Violation(error.to_string()));
        }
        Err(error) => return Err(runner.fail(Step::Init, error)),
    }
    confined.narrow().map_err(|error| runner.fail(Step::Confine, error))?;
    runner.answer(&ToRunner::Ready, &[])?;
    Ok(adapter)
}

fn step_of(error: &LoadError) -> Step {
    match error {
        LoadError::Types(_) | LoadError::Layout(_) | LoadError::Plan(_) => Step::Plan,
        _ => Step::Load,
    }
}
