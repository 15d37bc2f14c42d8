//! WIT values to those of PKCS#11 and back. No decisions here: `policy` and the module decide.

mod attributes;
mod info;
mod mechanism;
mod parameters;

pub(crate) use attributes::{reading, template, value};
pub(crate) use info::{library_info, mechanism_info, session_info, slot_info, token_info};
pub(crate) use mechanism::mechanism;

use crate::ck;
use crate::exports::pkcs11::host::types;

impl From<ck::Error> for types::Error {
    fn from(error: ck::Error) -> Self {
        Self {
            code: error.code,
            name: error.name().into_owned(),
            function: error.function.to_owned(),
            origin: match error.origin {
                ck::Origin::Module => types::ErrorOrigin::Module,
                ck::Origin::Bundle => types::ErrorOrigin::Bundle,
            },
            detail: error.detail.into_owned(),
        }
    }
}
