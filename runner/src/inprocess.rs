//! A bundle's library in this very process: fast, and without any protection.
//!
//! A crash of the library is a crash of the runner, and it can read and write everything here. It
//! is for bundles that the operator trusts as much as the runner itself, and only on request.

pub(crate) use adapter_shim::native::CallError;
use adapter_shim::native::{Adapter, Opened, Place};
use adapter_shim::permit::LoadPermit;
use protocol::message::Plan;
use std::os::fd::BorrowedFd;

/// A library that was loaded into this process.
#[derive(Debug)]
pub(crate) struct InProcess(Adapter);

impl InProcess {
    /// Loads the library of `plan` from the bundle's directory and runs its `init`.
    ///
    /// # Errors
    /// Why it could not be loaded, or what its `init` said.
    pub(crate) fn start(
        directory: BorrowedFd<'_>,
        plan: &Plan,
        init: &[u8],
    ) -> Result<Self, String> {
        let permit = LoadPermit::operator_trusts_bundle();
        let mut adapter = Opened::new(directory, plan, Place::Descriptors)
            .and_then(|opened| Adapter::load(permit, opened, plan))
            .map_err(|error| error.to_string())?;
        adapter.init(init).map_err(|error| error.to_string())?;
        Ok(Self(adapter))
    }

    /// Calls a function; returns the encoded result.
    pub(crate) fn call(&mut self, function: u32, args: &[u8]) -> Result<Vec<u8>, CallError> {
        let mut result = Vec::new();
        self.0.call(function, args, &mut result)?;
        Ok(result)
    }

    /// Runs a destructor.
    pub(crate) fn drop_resource(&mut self, resource: u32, handle: u32) -> Result<(), CallError> {
        self.0.drop_resource(resource, handle)
    }
}
