//! `wrun policy learn`: runs bundles without a jail, and says which grants they would have needed.

use super::args::LearnArgs;
use super::error::CliError;
use super::request::{Request, usage};
use super::run;
use crate::Notices;
use crate::bundle::Bundle;
use crate::operator::{Learned, learned};
use crate::registry::Isolation;
use protocol::stage::Purpose;
use std::fmt::Write as _;

/// Does what was typed.
///
/// # Errors
/// [`CliError::Usage`] without the operator's word that the bundles are trusted; else those of a
/// run, after what was learned until then.
pub(super) fn learn(typed: LearnArgs) -> Result<(), CliError> {
    if !typed.i_trust_this_bundle {
        return Err(usage(
            "policy learn runs the bundles WITHOUT a jail, with all of your rights, to see what they \
             use\n  help: for bundles that you trust as you trust wrun, add --i-trust-this-bundle",
        ));
    }
    let request = Request::new(typed.run.run, typed.run.operator)?;
    if request.orders.isolation == Isolation::InProcess {
        return Err(usage(
            "policy learn cannot look into wrun's own process: leave out --in-process",
        ));
    }
    let notices = Notices::default();
    let mut bundles = Vec::new();
    let ran = run::run_for(&request, Purpose::Learn, &notices, &mut |bundle: &Bundle| {
        let path = bundle.path().canonicalize().unwrap_or_else(|_| bundle.path().to_owned());
        bundles.push((bundle.name().to_owned(), path));
    });
    let found = learned(&notices.take(), &bundles);
    for (bundle, learned) in &found {
        print!("{}", report(bundle, learned));
    }
    ran
}

/// What one bundle used, for a person; the lines with options can be copied as they are.
fn report(bundle: &str, learned: &Learned) -> String {
    let mut text = if learned.grants.is_empty() {
        format!("# bundle {bundle} used nothing that needs a grant\n")
    } else {
        format!("# bundle {bundle} used this; read it before you grant it\n")
    };
    text.push_str(&learned.options(bundle));
    for call in &learned.without_grant {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# and the system call {call}, which no grant allows");
    }
    text
}
