//! The operator's word: what each bundle may reach and use, and how it is configured.
//!
//! A manifest asks; only an operator grants, in `hosts.toml` or on the command line. Defaults are
//! below the file, the file is below the command line; grants add up, and of two limits the one
//! that was said last counts. Every value remembers where it comes from. Nothing is read from the
//! environment, and nothing here can take a mandatory part of the jail away.
//!
//! [`assemble`] opens the bundles of a run, merges what was said about each, resolves it on this
//! machine, and ends in [`crate::registry::BundleOptions`].

mod amount;
mod asks;
mod assemble;
mod closure;
mod config;
mod grant;
mod hosts;
mod jail;
mod learned;
mod limit;
mod resolve;
mod settings;
mod supervision;

pub use amount::{Amount, AmountFault};
pub use asks::{Answer, Ask};
pub use assemble::{Assembled, Lacking, OperatorError, Orders, assemble};
pub use closure::{ClosureFault, Search};
pub use config::{CONFIG_VALUE_BYTES_MAX, ConfigValue};
pub use grant::{Grant, ItemFault, Kind};
pub use hosts::{Declared, Hosts, HostsError, HostsFault};
pub use jail::{LayerError, layers};
pub use learned::{Learned, learned};
pub use limit::Limit;
pub use resolve::{Meaning, Protected, ResolveError, ResolveFault, Resolved};
pub use settings::{GrantError, Origin, Settings, Sourced, from_command_line};
pub use supervision::{Rule, RuleFault, RuleValue, SuperviseError, Supervision, rules};
