//! Starts one bundle of a plan: in a process of its own, or in this one.

use super::{BundleOptions, Error, Isolation, Registered};
use crate::inprocess::InProcess;
use crate::plan::BundlePlan;
use crate::proxy::{Backend, Host};
use crate::shim::{Launched, StartError, locate};
use protocol::message::Plan as WirePlan;
use protocol::stage::JailSpec;
use protocol::types::TypeTable;
use std::collections::BTreeMap;
use std::path::Path;

/// A bundle that is about to be started.
pub(super) struct Start<'a> {
    planned: &'a BundlePlan,
    options: &'a BundleOptions,
    wire: WirePlan,
    spec: JailSpec,
    types: TypeTable,
    /// The encoded arguments of the bundle's `init`, if it has one.
    init: Vec<u8>,
}

impl<'a> Start<'a> {
    /// Puts together what the bundle's process is told.
    pub(super) fn new(planned: &'a BundlePlan, registered: &'a Registered) -> Result<Self, Error> {
        let options = &registered.options;
        let mut wire = planned.wire.clone();
        wire.profiles = options.policy.profiles();
        wire.purpose = options.purpose;
        wire.payload_bytes_max = options.payload_bytes_max;
        let types = TypeTable::new(wire.types.clone(), wire.resources.len())
            .map_err(|why| Error::Types { bundle: planned.bundle.name().to_owned(), why })?;
        let init = wire.init.map(|_| encode_config(&options.config)).unwrap_or_default();
        let spec = JailSpec {
            bundle: wire.bundle.clone(),
            policy: options.policy.clone(),
            required: options.required.clone(),
            purpose: options.purpose,
        };
        Ok(Self { planned, options, wire, spec, types, init })
    }

    /// Starts it; this thread waits.
    pub(super) fn on_thread(self, shim: Option<&Path>) -> Result<Host, Error> {
        let backend = match self.options.isolation {
            Isolation::InProcess => self.in_process()?,
            Isolation::Process => {
                let launched = self.launch(shim)?;
                let timeout = self.options.load_timeout;
                let session = launched.start(&self.spec, &self.wire, &self.init, timeout);
                Backend::threads(session.map_err(|why| self.failed(why))?)
            }
        };
        Ok(Host::new(&self.wire, self.types, backend, self.options.call_timeout))
    }

    /// Starts it; this task waits.
    pub(super) async fn on_task(self, shim: Option<&Path>) -> Result<Host, Error> {
        let backend = match self.options.isolation {
            Isolation::InProcess => self.in_process()?,
            Isolation::Process => {
                let launched = self.launch(shim)?;
                let timeout = self.options.load_timeout;
                let started = launched.start_on(&self.spec, &self.wire, &self.init, timeout).await;
                let (session, registered) = started.map_err(|why| self.failed(why))?;
                Backend::tasks(session, registered)
            }
        };
        Ok(Host::new(&self.wire, self.types, backend, self.options.call_timeout))
    }

    fn launch(&self, shim: Option<&Path>) -> Result<Launched, Error> {
        let program = shim.map_or_else(locate, |path| Ok(path.to_owned()))?;
        let directory = self.planned.bundle.directory().try_clone_to_owned();
        let directory = directory.map_err(|error| self.failed(error.into()))?;
        Launched::spawn(&program, directory, &self.wire, self.options.notices.clone())
            .map_err(|error| self.failed(error.into()))
    }

    fn in_process(&self) -> Result<Backend, Error> {
        let library = InProcess::start(self.planned.bundle.directory(), &self.wire, &self.init);
        let bundle = || self.planned.bundle.name().to_owned();
        library.map(Backend::in_process).map_err(|why| Error::InProcess { bundle: bundle(), why })
    }

    fn failed(&self, why: StartError) -> Error {
        Error::Start { bundle: self.planned.bundle.name().to_owned(), why }
    }
}

/// The arguments of `init`: one `list<tuple<string, string>>`.
fn encode_config(config: &BTreeMap<String, String>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    bytes.extend_from_slice(&length(config.len()));
    for text in config.iter().flat_map(|(key, value)| [key, value]) {
        bytes.extend_from_slice(&length(text.len()));
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}
