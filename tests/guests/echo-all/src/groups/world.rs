//! Functions of the world itself, and two versions of one package.

use crate::bindings::greet;
use crate::bindings::wrun::echo::config;
use crate::bindings::wrun::{versions1_0_0, versions2_1_0};
use crate::report::Report;

pub fn check(report: &mut Report) {
    let greeting = config::get("greeting").unwrap_or_else(|| "Hello".to_owned());
    report.equal("greet", format!("{greeting}, wörld!"), greet("wörld"));
    report.equal("version-1", "1.0.0", versions1_0_0::which::which());
    report.equal("version-2", "2.1.0", versions2_1_0::which::which());
}
