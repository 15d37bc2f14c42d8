//! What must hold of `canon` for any reply: the harness of its own tests, which compares it with
//! wasmtime's `Val` path.
#![allow(dead_code, reason = "the tests use more of it")]

#[path = "../../../runner/src/canon/tests/differential.rs"]
mod differential;
#[path = "../../../runner/src/canon/tests/edges.rs"]
mod edges;
#[path = "../../../runner/src/canon/tests/guest.rs"]
mod guest;
#[path = "../../../runner/src/canon/tests/host.rs"]
mod host;
#[path = "../../../runner/src/canon/tests/reference.rs"]
mod reference;
#[path = "../../../runner/src/canon/tests/types.rs"]
mod types;
#[path = "../../../runner/src/canon/tests/values.rs"]
mod values;

thread_local! {
    static CASES: differential::Cases = differential::Cases::new();
}

/// Takes `data` for the number of a type and a reply of that type.
///
/// # Panics
/// If `canon` and `Val` do not agree, with each other and with the validation.
pub fn check(data: &[u8]) {
    CASES.with(|cases| cases.check(data));
}

/// Inputs to begin with.
pub fn seeds() -> Vec<Vec<u8>> {
    CASES.with(differential::Cases::seeds)
}
