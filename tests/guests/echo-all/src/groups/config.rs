//! What the bundle was given when it started.

use crate::bindings::wrun::echo::config::*;
use crate::report::Report;

pub fn check(report: &mut Report) {
    report.equal("inits", 1, inits());
    let keys = keys();
    report.equal("keys-ascend", true, keys.is_sorted());
    report.equal("keys-have-values", true, keys.iter().all(|key| get(key).is_some()));
    report.equal("get-absent", None::<String>, get("never set by any test"));
}
