//! The embedding API: open bundles, check them against a component, link their proxies.

mod config;
mod start;
mod treatment;

use crate::bundle::{Bundle, BundleError};
use crate::plan::{self, BundlePlan, Map, Plan, PlanError, Unserved};
use crate::proxy::{Host, Mode, define};
use crate::shim::{LocateError, Notices, ShimExit};
use crate::supervise::{Fault, Restart};
use crate::trace::Trace;
use protocol::error::TypeError;
use protocol::policy::Policy;
use protocol::stage::{Layer, Purpose};
use start::Start;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::{Component, Linker};

/// Where the library of a bundle runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// In an `adapter-shim` process of its own.
    #[default]
    Process,
    /// In this process, without any protection: only for bundles that are trusted like the program
    /// itself.
    InProcess,
}

/// What the guest sees of a call that failed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// It is stopped, as by a trap of its own.
    #[default]
    Trap,
    /// Where the function returns a `result<_, E>` and `E` can carry a failure, it gets an `Err`;
    /// elsewhere it is stopped.
    ///
    /// `E` can if it is a `string`, or a variant or enum that has the case, with no payload or with
    /// a `string`.
    Error {
        /// Name of the case; without it [`FAILURE_CASE`].
        case: Option<String>,
    },
}

/// Name of the case by which a variant or enum says that it can carry the failure of a bundle,
/// unless the operator named another.
pub const FAILURE_CASE: &str = "host-failure";

/// How one bundle is run.
#[derive(Debug, Clone)]
pub struct BundleOptions {
    /// Where its library runs.
    pub isolation: Isolation,
    /// Key and value pairs for the bundle's `init`.
    pub config: BTreeMap<String, String>,
    /// How long one call may take. The process is killed after that. Not enforced in-process.
    pub call_timeout: Duration,
    /// How long starting may take: confine, load, `init`. Not enforced in-process.
    pub load_timeout: Duration,
    /// How long the process may take to leave when it is asked to. It is killed after that.
    pub shutdown_timeout: Duration,
    /// What to do when the process has ended although nobody asked it to.
    pub restart: Restart,
    /// What the guest sees of a call that failed.
    pub on_failure: OnFailure,
    /// Functions, as `ns:pkg/iface#func` with or without the version, that may be called once more
    /// if the process ended before they had answered: calling them twice does what calling them
    /// once does. None may take a resource.
    pub retry_idempotent: Vec<String>,
    /// Faults on purpose, to try a guest with.
    pub faults: Vec<Fault>,
    /// What the process may use and reach.
    pub policy: Policy,
    /// Layers of the jail without which it must not start, beside the mandatory ones.
    pub required: Vec<Layer>,
    /// Whether the jail keeps the bundle in, or only watches: see [`Purpose`].
    pub purpose: Purpose,
    /// Where to tell of system calls that were refused.
    pub notices: Notices,
    /// Whether calls are told of as events of the target [`crate::CALLS_TARGET`], and what is hidden
    /// in them. Not the call of `init`.
    pub trace: Option<Trace>,
    /// Largest arguments or result of one call, in bytes; at most
    /// [`protocol::limits::PAYLOAD_BYTES_MAX`].
    pub payload_bytes_max: u32,
}

impl Default for BundleOptions {
    /// Isolated, no configuration, one minute for a call and for starting.
    fn default() -> Self {
        Self {
            isolation: Isolation::Process,
            config: BTreeMap::new(),
            call_timeout: Duration::from_secs(60),
            load_timeout: Duration::from_secs(60),
            shutdown_timeout: Duration::from_millis(500),
            restart: Restart::default(),
            on_failure: OnFailure::Trap,
            retry_idempotent: Vec::new(),
            faults: Vec::new(),
            policy: Policy::default(),
            required: Vec::new(),
            purpose: Purpose::Confine,
            notices: Notices::default(),
            trace: None,
            payload_bytes_max: u32::try_from(protocol::limits::PAYLOAD_BYTES_MAX)
                .unwrap_or(u32::MAX),
        }
    }
}

/// What went wrong between opening a bundle and the first call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A bundle cannot be used as it is.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The component and the bundles do not fit together.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The component's imports are larger than a plan may be.
    #[error("the component's imports: {0}")]
    Imports(#[from] crate::shape::component::TooManyTypes),
    /// A bundle does not take the configuration or the options that were given.
    #[error("bundle `{bundle}`: {problem}")]
    Config {
        /// Name of the bundle.
        bundle: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The `adapter-shim` program is missing.
    #[error(transparent)]
    Locate(#[from] LocateError),
    /// A bundle's process did not reach the point where it takes calls.
    #[error("bundle `{bundle}`: {why}")]
    Start {
        /// Name of the bundle.
        bundle: String,
        /// What happened.
        why: ShimExit,
    },
    /// A library could not be loaded into this process.
    #[error("bundle `{bundle}`: {why}")]
    InProcess {
        /// Name of the bundle.
        bundle: String,
        /// What happened.
        why: String,
    },
    /// The types of a bundle exceed what the protocol can describe.
    #[error("bundle `{bundle}`: {why}")]
    Types {
        /// Name of the bundle.
        bundle: String,
        /// What is too large.
        why: TypeError,
    },
    /// The linker refused a definition, most likely because it has that name already.
    #[error("bundle `{bundle}`: cannot link {why:#}")]
    Link {
        /// Name of the bundle.
        bundle: String,
        /// wasmtime's reason.
        why: wasmtime::Error,
    },
}

#[derive(Debug)]
struct Registered {
    bundle: Arc<Bundle>,
    options: BundleOptions,
}

/// The bundles that may serve a component's imports.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use wasmtime::component::{Component, Linker};
/// let engine = wasmtime::Engine::default();
/// let component = Component::from_file(&engine, "app.wasm")?;
/// let mut linker: Linker<()> = Linker::new(&engine);
/// let mut registry = wrun::Registry::new();
/// registry.register_bundle("./echo_host", wrun::BundleOptions::default())?;
/// let hosts = registry.link_all(&mut linker, &component)?;
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct Registry {
    bundles: Vec<Registered>,
    maps: Vec<Map>,
    shim: Option<PathBuf>,
}

impl Registry {
    /// No bundles yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the `adapter-shim` program is. Without this it is looked for beside the running
    /// program, see `wrun::locate`.
    pub fn shim_program(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.shim = Some(path.into());
        self
    }

    /// Opens the bundle at `path`. Nothing of it runs yet.
    ///
    /// # Errors
    /// [`Error::Bundle`] if it is no usable bundle, [`Error::Config`] if it does not take the
    /// configuration, or has not what its trace is to hide.
    pub fn register_bundle(
        &mut self,
        path: impl AsRef<Path>,
        options: BundleOptions,
    ) -> Result<&mut Self, Error> {
        self.register(Bundle::open(path.as_ref())?, options)
    }

    /// As [`Registry::register_bundle`], with a bundle that was opened before.
    ///
    /// # Errors
    /// [`Error::Config`], see there.
    pub fn register(&mut self, bundle: Bundle, options: BundleOptions) -> Result<&mut Self, Error> {
        let refuse = |problem| Error::Config { bundle: bundle.name().to_owned(), problem };
        config::check(&bundle, &options.config).map_err(refuse)?;
        let mut redact = options.trace.iter().flat_map(|trace| &trace.redact);
        let known = redact.try_for_each(|redact| redact.check(bundle.exports()));
        known.map_err(|fault| refuse(fault.to_string()))?;
        self.bundles.push(Registered { bundle: Arc::new(bundle), options });
        Ok(self)
    }

    /// Says which bundle serves an interface that several offer.
    pub fn map(&mut self, map: Map) -> &mut Self {
        self.maps.push(map);
        self
    }

    /// The bundles, in the order in which they were registered.
    pub fn bundles(&self) -> impl Iterator<Item = &Bundle> {
        self.bundles.iter().map(|registered| &*registered.bundle)
    }

    /// Checks the bundles against the imports of `component`, without starting anything.
    ///
    /// Imports for which `left_alone` returns true are not looked at: they are the linker's own.
    ///
    /// # Errors
    /// [`Error::Plan`] with every mismatch at once.
    pub fn check(
        &self,
        component: &Component,
        left_alone: &dyn Fn(&str) -> bool,
        unserved: Unserved,
    ) -> Result<Plan, Error> {
        let bundles: Vec<_> = self.bundles.iter().map(|entry| Arc::clone(&entry.bundle)).collect();
        let wanted = crate::shape::component::imports(component)?;
        let options = plan::Options { maps: &self.maps, left_alone, unserved };
        Ok(plan::build(&wanted, &bundles, &options)?)
    }

    /// Starts the bundles that `component` needs and defines their functions in `linker`, for a
    /// store whose functions are called synchronously. Imports that no bundle offers are left to
    /// the linker's own definitions.
    ///
    /// The linker then fits this component only: functions are defined with its types.
    ///
    /// # Errors
    /// [`Error`]; no process is left behind then.
    pub fn link_all<T: Send + 'static>(
        &self,
        linker: &mut Linker<T>,
        component: &Component,
    ) -> Result<Hosts, Error> {
        let plan = self.check(component, &|_| false, Unserved::Leave)?;
        self.link_plan(linker, &plan)
    }

    /// As [`Registry::link_all`], for a store whose functions are called with `call_async`.
    ///
    /// Neither starting a bundle nor a call into one blocks the thread, except for bundles in this
    /// process. Must run inside a tokio runtime with I/O and time enabled, and the store must be
    /// used in the same runtime.
    ///
    /// # Errors
    /// [`Error`]; no process is left behind then.
    pub async fn link_all_async<T: Send + 'static>(
        &self,
        linker: &mut Linker<T>,
        component: &Component,
    ) -> Result<Hosts, Error> {
        let plan = self.check(component, &|_| false, Unserved::Leave)?;
        self.link_plan_async(linker, &plan).await
    }

    /// As [`Registry::link_all`], with a plan that was checked before.
    ///
    /// # Errors
    /// [`Error`]; no process is left behind then.
    pub fn link_plan<T: Send + 'static>(
        &self,
        linker: &mut Linker<T>,
        plan: &Plan,
    ) -> Result<Hosts, Error> {
        let mut hosts = Vec::new();
        for planned in &plan.bundles {
            let host = Arc::new(self.start_of(planned)?.on_thread(self.shim.as_deref())?);
            link(linker, &host, planned, Mode::Sync)?;
            hosts.push(host);
        }
        Ok(Hosts { hosts })
    }

    /// As [`Registry::link_all_async`], with a plan that was checked before.
    ///
    /// # Errors
    /// [`Error`]; no process is left behind then.
    pub async fn link_plan_async<T: Send + 'static>(
        &self,
        linker: &mut Linker<T>,
        plan: &Plan,
    ) -> Result<Hosts, Error> {
        let mut hosts = Vec::new();
        for planned in &plan.bundles {
            let started = self.start_of(planned)?.on_task(self.shim.as_deref()).await?;
            let host = Arc::new(started);
            link(linker, &host, planned, Mode::Async)?;
            hosts.push(host);
        }
        Ok(Hosts { hosts })
    }

    /// What is known of a planned bundle. A plan of another registry is refused.
    fn start_of<'a>(&'a self, planned: &'a BundlePlan) -> Result<Start<'a>, Error> {
        let of_plan = |entry: &&Registered| Arc::ptr_eq(&entry.bundle, &planned.bundle);
        match self.bundles.iter().find(of_plan) {
            Some(registered) => Start::new(planned, registered),
            None => Err(Error::Config {
                bundle: planned.bundle.name().to_owned(),
                problem: "the plan was made by another registry".to_owned(),
            }),
        }
    }
}

fn link<T: Send + 'static>(
    linker: &mut Linker<T>,
    host: &Arc<Host>,
    planned: &BundlePlan,
    mode: Mode,
) -> Result<(), Error> {
    let resources = planned.wire.resources.len();
    define(linker, host, resources, &planned.instances, mode)
        .map_err(|why| Error::Link { bundle: planned.bundle.name().to_owned(), why })
}

/// Bundles that were started for one linker.
///
/// They live as long as this value or a linker, store or instance with their functions; the last
/// one to go ends the processes.
#[derive(Debug)]
pub struct Hosts {
    hosts: Vec<Arc<Host>>,
}

impl Hosts {
    /// Asks the processes of all bundles to leave, and kills those that do not in time. How each one
    /// ended; a bundle in this process is not listed, and neither is one that a task keeps busy with a
    /// call, or with destroying what a dropped store held.
    ///
    /// Without this, dropping the last user does the same and tells nobody.
    pub fn shut_down(&self) -> Vec<(&str, ShimExit)> {
        self.hosts.iter().filter_map(|host| Some((host.name(), host.shut_down()?))).collect()
    }

    /// Kills the processes of all bundles at once, and waits until they are gone. Where a call is
    /// under way, the bundle is left to that caller.
    pub fn kill(&self) {
        // First all, then each: they die side by side.
        for host in &self.hosts {
            host.order_to_die();
        }
        for host in &self.hosts {
            host.kill();
        }
    }

    /// Faults on purpose that did not come, since there were not as many calls, with the bundle's
    /// name.
    pub fn pending_faults(&self) -> Vec<(&str, Fault)> {
        let of = |host| Host::pending_faults(host).into_iter().map(|fault| (host.name(), fault));
        self.hosts.iter().flat_map(|host| of(&**host)).collect()
    }

    /// Names of the bundles that were started.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.hosts.iter().map(|host| host.name())
    }
}

/// Whether the bundle declares `key` as one whose value must not be seen by others.
pub fn is_secret(bundle: &Bundle, key: &str) -> bool {
    config::declaration(bundle, key).is_some_and(|about| about.secret)
}
