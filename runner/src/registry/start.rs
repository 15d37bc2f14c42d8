//! Starts one bundle of a plan: in a process of its own, or in this one.

use super::{BundleOptions, Error, Isolation, Registered, treatment};
use crate::inprocess::InProcess;
use crate::plan::BundlePlan;
use crate::proxy::{Backend, Host, Treatment};
use crate::shim::{Recipe, ShimExit, Symbols, Timeouts, locate};
use crate::supervise::Fault;
use crate::trace::Tracer;
use protocol::message::Plan as WirePlan;
use protocol::stage::JailSpec;
use protocol::types::TypeTable;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A bundle that is about to be started.
pub(super) struct Start<'a> {
    planned: &'a BundlePlan,
    options: &'a BundleOptions,
    wire: WirePlan,
    types: TypeTable,
    treatments: Vec<Treatment>,
}

impl<'a> Start<'a> {
    /// Puts together what the bundle's process is told.
    pub(super) fn new(planned: &'a BundlePlan, registered: &'a Registered) -> Result<Self, Error> {
        let options = &registered.options;
        let mut wire = planned.wire.clone();
        wire.profiles = options.policy.profiles();
        wire.purpose = options.purpose;
        wire.payload_bytes_max = options.payload_bytes_max;
        let bundle = || planned.bundle.name().to_owned();
        let types = TypeTable::new(wire.types.clone(), wire.resources.len())
            .map_err(|why| Error::Types { bundle: bundle(), why })?;
        let treatments = treatment::of_functions(&planned.bundle, &wire, &types, options)
            .map_err(|problem| Error::Config { bundle: bundle(), problem })?;
        Ok(Self { planned, options, wire, types, treatments })
    }

    /// Starts it; this thread waits.
    pub(super) fn on_thread(self, shim: Option<&Path>) -> Result<Host, Error> {
        let backend = match self.options.isolation {
            Isolation::InProcess => self.in_process()?,
            Isolation::Process => {
                Backend::threads(self.recipe(shim)?, self.options.restart, self.faults())
                    .map_err(|why| self.failed(why))?
            }
        };
        Ok(self.host(backend))
    }

    /// Starts it; this task waits.
    pub(super) async fn on_task(self, shim: Option<&Path>) -> Result<Host, Error> {
        let backend = match self.options.isolation {
            Isolation::InProcess => self.in_process()?,
            Isolation::Process => {
                Backend::tasks(self.recipe(shim)?, self.options.restart, self.faults())
                    .await
                    .map_err(|why| self.failed(why))?
            }
        };
        Ok(self.host(backend))
    }

    fn host(self, backend: Backend) -> Host {
        let trace = self.options.trace.as_ref();
        let tracer =
            trace.map(|trace| Tracer::new(&self.planned.bundle, &self.wire, &self.types, trace));
        Host::new(&self.wire, self.types, self.treatments, backend).traced(tracer)
    }

    fn faults(&self) -> Vec<Fault> {
        self.options.faults.clone()
    }

    /// All that the bundle's process is made from, now and when it has to be started again.
    fn recipe(&self, shim: Option<&Path>) -> Result<Recipe, Error> {
        let directory = self.planned.bundle.directory().try_clone_to_owned();
        let options = self.options;
        let spec = JailSpec {
            bundle: self.wire.bundle.clone(),
            policy: options.policy.clone(),
            required: options.required.clone(),
            purpose: options.purpose,
        };
        Ok(Recipe {
            program: shim.map_or_else(locate, |path| Ok(path.to_owned()))?,
            directory: directory.map_err(|error| self.failed(error.into()))?,
            spec,
            plan: self.wire.clone(),
            init: self.init(),
            timeouts: Timeouts {
                load: options.load_timeout,
                call: options.call_timeout,
                shutdown: options.shutdown_timeout,
            },
            notices: options.notices.clone(),
            symbols: Symbols::new({
                let bundle = Arc::clone(&self.planned.bundle);
                move |module, offset| bundle.symbol_at(module, offset)
            }),
        })
    }

    fn in_process(&self) -> Result<Backend, Error> {
        if !self.options.faults.is_empty() {
            let problem = "faults on purpose need a process of the bundle's own".to_owned();
            return Err(Error::Config { bundle: self.planned.bundle.name().to_owned(), problem });
        }
        let library = InProcess::start(self.planned.bundle.directory(), &self.wire, &self.init());
        let bundle = || self.planned.bundle.name().to_owned();
        library.map(Backend::in_process).map_err(|why| Error::InProcess { bundle: bundle(), why })
    }

    /// The encoded arguments of the bundle's `init`, if it has one.
    fn init(&self) -> Vec<u8> {
        self.wire.init.map(|_| encode_config(&self.options.config)).unwrap_or_default()
    }

    fn failed(&self, why: ShimExit) -> Error {
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
