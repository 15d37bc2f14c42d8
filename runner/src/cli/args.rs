//! What was typed, one to one. `request` makes sense of it.

use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Runs WebAssembly components whose imports are served by native host bundles.
///
/// A bundle is a directory with a native shared library, the WIT that it implements, and a
/// manifest. Each bundle's library runs in a process of its own: if it crashes, hangs or lies, the
/// guest gets an error, and nothing else happens.
///
/// `wrun app.wasm` is short for `wrun run app.wasm`.
#[derive(Debug, Parser)]
#[command(
    name = "wrun",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = EXAMPLES,
    after_long_help = EXIT_STATUS
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) run: Option<RunArgs>,
    // Not within `RunArgs`: clap then no longer sees whether there are any.
    #[command(flatten)]
    pub(super) operator: OperatorArgs,
}

const EXAMPLES: &str = "\
Examples:
  wrun hello.wasm one two
  wrun --dir . --host-bundle ./pkcs11_host \\
       --bundle-config pkcs11.module=/usr/lib/softhsm/libsofthsm2.so \\
       --bundle-config-from pkcs11.pin=file:/run/secrets/pin \\
       --grant pkcs11:library=/usr/lib/softhsm/libsofthsm2.so \\
       --grant pkcs11:read=/etc/softhsm \\
       --grant pkcs11:write=/var/lib/softhsm/tokens  sign.wasm
  wrun --host-config hosts.toml sign.wasm
  wrun --invoke 'add(1, 2)' calculator.wasm";

const EXIT_STATUS: &str = "\
Examples:
  wrun hello.wasm one two
  wrun --dir . --host-bundle ./pkcs11_host \\
       --bundle-config pkcs11.module=/usr/lib/softhsm/libsofthsm2.so \\
       --bundle-config-from pkcs11.pin=file:/run/secrets/pin \\
       --grant pkcs11:library=/usr/lib/softhsm/libsofthsm2.so \\
       --grant pkcs11:read=/etc/softhsm \\
       --grant pkcs11:write=/var/lib/softhsm/tokens  sign.wasm
  wrun --host-config hosts.toml sign.wasm
  wrun --invoke 'add(1, 2)' calculator.wasm

WRUN_LOG says which events appear on standard error, as TARGET=LEVEL,...; levels are error, warn,
info, debug, trace and off. Targets are:
  wrun               what happens to bundles: WRUN_LOG=wrun=debug
  wrun::bundle       lines that bundles write to their standard error
  wrun::failures     failures of bundles that did not stop the guest
  wrun::calls        calls into bundles, with --trace-calls

Exit status:
  the guest's own    it ran and exited, also through wasi:cli/exit
  1                  the component or a bundle cannot be used, or a bundle failed in a call
  2                  wrong usage
  124                the guest was stopped by --timeout
  134                the guest trapped by itself
  129, 130, 143      SIGHUP, SIGINT (Ctrl-C) or SIGTERM ended the run";

impl Cli {
    /// Whether calls into bundles are to be shown.
    pub(super) fn traces_calls(&self) -> bool {
        let run = match &self.command {
            Some(Command::Run(typed)) => Some(&typed.run),
            Some(Command::Policy(PolicyCommand::Learn(typed))) => Some(&typed.run.run),
            Some(_) => None,
            None => self.run.as_ref(),
        };
        run.is_some_and(|run| run.trace_calls)
    }
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run a component (the default)
    Run(Box<RunCommand>),
    /// Make and check bundles
    #[command(subcommand)]
    Bundle(BundleCommand),
    /// Show what options and hosts.toml come to
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Find out what bundles need
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Say whether this machine can isolate bundles, how well, and what to do about it
    ///
    /// Tries each feature of the kernel that a jail is made of. Then builds a whole jail as for a
    /// bundle, looks at it from outside, and takes it down: that is the verdict. Nothing is left
    /// behind.
    Doctor(DoctorArgs),
}

/// `wrun config …`
#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print the merged configuration as a hosts.toml, each value with where it comes from
    Print(PrintArgs),
}

/// `wrun config print`
#[derive(Debug, Args)]
pub(super) struct PrintArgs {
    /// Take part with the bundle in this directory (repeatable)
    #[arg(long, value_name = "DIR")]
    pub(super) host_bundle: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) operator: OperatorArgs,
}

/// `wrun policy …`
#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Run a component WITHOUT a jail around its bundles, and print the grants that they used
    ///
    /// The bundles' libraries still run in processes of their own, but with all of your rights: only
    /// for bundles that you trust, on data that you can lose. What is printed is what this run used;
    /// another run may use more. Options are those of `wrun run`.
    #[command(after_help = LEARN_EXAMPLE)]
    Learn(Box<LearnArgs>),
}

const LEARN_EXAMPLE: &str = "\
Example:
  wrun policy learn --i-trust-this-bundle --host-bundle ./pkcs11_host \\
       --bundle-config pkcs11.module=/usr/lib/softhsm/libsofthsm2.so sign.wasm";

/// `wrun policy learn`
#[derive(Debug, Args)]
pub(super) struct LearnArgs {
    /// Say that the bundles may do whatever you may do
    #[arg(long)]
    pub(super) i_trust_this_bundle: bool,
    #[command(flatten)]
    pub(super) run: RunCommand,
}

/// `wrun doctor`
#[derive(Debug, Args)]
#[command(after_help = DOCTOR_STATUS)]
pub(super) struct DoctorArgs {
    /// Print one JSON object instead of a table
    #[arg(long)]
    pub(super) json: bool,
}

const DOCTOR_STATUS: &str = "\
Features:
  ok        it is there
  weaker    it is not: bundles are isolated, but less
  missing   it is not: bundles are not started
  absent    it is not, which makes no jail weaker

Exit status:
  0         full strength
  1         weaker, or impossible
  2         wrong usage";

/// `wrun bundle …`
#[derive(Debug, Subcommand)]
pub(super) enum BundleCommand {
    /// Make a bundle directory from a built library and its WIT
    Pack(PackArgs),
    /// Open a bundle, check its manifest, WIT and library, and say what it offers
    Check(CheckArgs),
    /// Show what a bundle may use, what it asks for, and the options that would grant it
    ///
    /// Nothing of the bundle runs.
    #[command(after_help = INSPECT_EXAMPLES)]
    Inspect(InspectArgs),
    /// Run a component, and have bundles fail in calls of your choice
    ///
    /// Nothing is simulated: the bundle's process is hit by a signal in the middle of the call, and
    /// what follows is what follows a real failure. So it shows what a guest makes of one. Options are
    /// those of `wrun run`.
    #[command(after_help = FAULT_EXAMPLES)]
    Fault(Box<FaultArgs>),
}

const FAULT_EXAMPLES: &str = "\
Deeds:
  crash     SIGSEGV, as by a wild pointer
  abort     SIGABRT, as by a failed assertion
  kill      SIGKILL, as by somebody who needs the memory
  hang      it never answers, so that the deadline passes

Examples:
  wrun bundle fault --at pkcs11:3=crash --host-bundle ./pkcs11_host sign.wasm
  wrun bundle fault --at pkcs11:1=hang --call-timeout 1s \\
       --supervise pkcs11:on-failure=error --host-bundle ./pkcs11_host sign.wasm";

/// `wrun bundle fault`
#[derive(Debug, Args)]
pub(super) struct FaultArgs {
    /// Which bundle fails in which call into it, destructors included, counted from 1, and how
    /// (repeatable)
    #[arg(long, value_name = "NAME:CALL=DEED", required = true)]
    pub(super) at: Vec<String>,
    #[command(flatten)]
    pub(super) run: RunCommand,
}

const INSPECT_EXAMPLES: &str = "\
Examples:
  wrun bundle inspect pkcs11_host
  wrun bundle inspect pkcs11_host --grant pkcs11:read=/etc/softhsm
  wrun bundle inspect pkcs11_host --host-config hosts.toml";

/// `wrun bundle pack`
#[derive(Debug, Args)]
pub(super) struct PackArgs {
    /// The shared library, as `cargo build` made it
    #[arg(long, value_name = "FILE")]
    pub(super) library: PathBuf,
    /// Folder with the `wit` folder, and with `bundle.toml` if the bundle has one
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) source: PathBuf,
    /// Further library that the bundle's library needs; loaded before it (repeatable)
    #[arg(long, value_name = "FILE")]
    pub(super) vendor: Vec<PathBuf>,
    /// The bundle directory to make, NAME_host by convention
    #[arg(long, short, value_name = "DIR")]
    pub(super) out: PathBuf,
}

/// `wrun bundle check`
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The bundle directory
    #[arg(value_name = "DIR")]
    pub(super) bundle: PathBuf,
}

/// `wrun bundle inspect`
#[derive(Debug, Args)]
pub(super) struct InspectArgs {
    /// The bundle directory
    #[arg(value_name = "DIR")]
    pub(super) bundle: PathBuf,
    #[command(flatten)]
    pub(super) operator: OperatorArgs,
}

/// `wrun run`
#[derive(Debug, Args)]
pub(super) struct RunCommand {
    #[command(flatten)]
    pub(super) run: RunArgs,
    #[command(flatten)]
    pub(super) operator: OperatorArgs,
}

/// What is run, and how.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Serve imports with the bundle in this directory (repeatable)
    #[arg(long, value_name = "DIR")]
    pub(super) host_bundle: Vec<PathBuf>,

    /// Run each bundle in a process of its own, confined (the default)
    #[arg(long, conflicts_with = "in_process")]
    pub(super) isolate: bool,

    /// Load the bundles' libraries into wrun itself: UNPROTECTED
    ///
    /// A library then runs with all of wrun's rights, can read and write all of its memory, and its
    /// crash is wrun's crash. Timeouts are not enforced. Only for bundles that you trust as you
    /// trust wrun.
    #[arg(long, conflicts_with_all = ["grant", "jail"])]
    pub(super) in_process: bool,

    /// Let one bundle serve an interface that several offer, as in demo:clock/now=clock or
    /// demo:clock/*=clock (repeatable)
    #[arg(long, value_name = "IFACE=BUNDLE")]
    pub(super) map: Vec<String>,

    /// Give the guest access to a directory of the host (repeatable)
    #[arg(long, value_name = "HOST[::GUEST]")]
    pub(super) dir: Vec<String>,

    /// Environment variable for the guest; without a value it is taken from wrun's own (repeatable)
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub(super) env: Vec<String>,

    /// Call an exported function instead of wasi:cli/run, and print its result
    ///
    /// Arguments are written in WAVE: 'add(1, 2)', 'greet("you")'. A function of an interface is
    /// named with it: 'ns:pkg/iface.func(1)' or 'iface.func(1)'.
    #[arg(long, value_name = "CALL")]
    pub(super) invoke: Option<String>,

    /// The guest's `argv[0]`, instead of the component's file name
    #[arg(long, value_name = "NAME")]
    pub(super) argv0: Option<String>,

    /// Time that the run may take from the start of its bundles, such as 500ms, 30s or 2m
    ///
    /// After it the guest is stopped, wherever it is, and the bundles' processes are killed.
    #[arg(long, value_name = "DURATION")]
    pub(super) timeout: Option<humantime::Duration>,

    /// Show every call into a bundle on standard error: arguments, result and time
    ///
    /// Long values are cut. Secrets are shown as well, unless [bundle.NAME.redact] in hosts.toml
    /// names them.
    #[arg(long)]
    pub(super) trace_calls: bool,

    /// Do not keep compiled code in the user's cache directory
    #[arg(long)]
    pub(super) no_cache: bool,

    /// The component, and the arguments for the guest
    #[arg(value_name = "COMPONENT", required = true, trailing_var_arg = true)]
    pub(super) component_and_args: Vec<OsString>,
}

/// What an operator says about bundles, whatever is done with them.
#[derive(Debug, Args)]
pub(super) struct OperatorArgs {
    /// Read bundles, grants, limits and configuration from this hosts.toml
    ///
    /// It must belong to you or to root, and nobody else may write it. The command line adds to its
    /// grants and overrides its limits and configuration.
    #[arg(long, value_name = "FILE")]
    pub(super) host_config: Option<PathBuf>,

    /// Let a bundle use something, as in pkcs11:read=/etc/softhsm (repeatable)
    ///
    /// WHAT=VALUE is read=PATH, write=PATH, connect=HOST:PORT, connect=unix:PATH, device=PATH or
    /// library=FILE, or a limit: memory=512M, cpu=10m, threads=8, descriptors=64, file-size=64M,
    /// scratch=16M, stderr=1M, call-timeout=5s, load-timeout=30s, shutdown-timeout=2s.
    /// Without grants, a bundle
    /// computes, and that is all. `wrun bundle inspect` shows what a bundle asks for.
    #[arg(long, value_name = "NAME:WHAT=VALUE")]
    pub(super) grant: Vec<String>,

    /// Say what is done when a bundle fails, as in pkcs11:restart=never (repeatable)
    ///
    /// RULE=VALUE is restart=on-failure (the default) or restart=never; restart-budget=3,
    /// restart-window=1m and restart-backoff=100ms for how often and how soon; on-failure=trap (the
    /// default) or on-failure=error, with which functions that return a result give the guest an
    /// error instead of stopping it; failure-case=NAME for the case of a variant or enum that stands
    /// for a failure; retry-idempotent=IFACE#FUNC for a function that is called once more.
    #[arg(long, value_name = "NAME:RULE=VALUE")]
    pub(super) supervise: Vec<String>,

    /// Refuse to start bundles without these layers of the jail, as in require:landlock,root
    /// (repeatable)
    ///
    /// Layers are uid, namespaces, root, mdwe and landlock. The other parts of the jail, such as
    /// its system call filters, are always required. Nothing can be switched off.
    #[arg(long, value_name = "require:LAYERS")]
    pub(super) jail: Vec<String>,

    /// Time that one call into a bundle may take, such as 500ms, 30s or 2m; by default 60s
    #[arg(long, value_name = "DURATION")]
    pub(super) call_timeout: Option<humantime::Duration>,

    /// Configuration value for a bundle's `init` (repeatable)
    ///
    /// Visible to everybody who can list processes: for secrets use --bundle-config-from.
    #[arg(long, value_name = "NAME.KEY=VALUE")]
    pub(super) bundle_config: Vec<String>,

    /// Configuration value that wrun reads from file:PATH or fd:NUMBER (repeatable)
    ///
    /// One trailing newline is removed.
    #[arg(long, value_name = "NAME.KEY=SOURCE")]
    pub(super) bundle_config_from: Vec<String>,
}
