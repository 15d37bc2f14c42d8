//! What the PKCS#11 guests share: the imports of the bundle pkcs11, names for the numbers of the
//! specification, and the encodings that other programs read.

mod bindings {
    wit_bindgen::generate!({
        path: ["../../../bundles/pkcs11/wit", "wit"],
        world: "tests:pkcs11-client/client",
        generate_all,
    });
}
pub mod der;
mod failure;
pub mod numbers;
pub mod public_key;
mod start;
pub mod template;
mod token;

pub use bindings::pkcs11::host::{sessions, slots, types};
pub use failure::{Failure, Result};
pub use start::start;
pub use token::find_token;
