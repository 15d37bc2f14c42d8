//! The loop: one request, one answer, until the runner has enough.

use crate::conversation::Conversation;
use crate::end::End;
use crate::native::{Adapter, CallError};
use protocol::message::{ToRunner, ToShim};

/// Serves until the conversation ends. A call that fails is answered, and the next one may come; a
/// request that does not fit the plan is the runner's fault and ends the process.
pub fn serve(mut runner: Conversation, mut adapter: Adapter) -> End {
    // Reused, so that a call allocates nothing of its own.
    let mut result = Vec::new();
    loop {
        match serve_one(&mut runner, &mut adapter, &mut result) {
            Ok(()) => {}
            Err(end) => return end,
        }
    }
}

fn serve_one(
    runner: &mut Conversation,
    adapter: &mut Adapter,
    result: &mut Vec<u8>,
) -> Result<(), End> {
    let (request, payload) = runner.request()?;
    let answer = match request {
        ToShim::Call { id, function } => {
            match adapter.call(function, runner.payload(payload), result) {
                Ok(()) => return runner.answer(&ToRunner::Return { id }, result),
                Err(error) => call_failed(id, error)?,
            }
        }
        ToShim::Drop { id, resource, handle } => match adapter.drop_resource(resource, handle) {
            Ok(()) => ToRunner::Dropped { id },
            Err(error) => call_failed(id, error)?,
        },
        ToShim::Shutdown => {
            runner.answer(&ToRunner::Bye, &[])?;
            return Err(End::Finished);
        }
        other => return Err(runner.not_now(&other)),
    };
    runner.answer(&answer, &[])
}

fn call_failed(id: u64, error: CallError) -> Result<ToRunner, End> {
    match error {
        CallError::Failed { fault, text } => Ok(ToRunner::CallFailed { id, fault, text }),
        CallError::Request(error) => Err(End::Violation(error.to_string())),
    }
}
