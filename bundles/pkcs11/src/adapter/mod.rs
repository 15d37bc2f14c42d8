//! The traits that are generated from `wit/`, implemented with `ck`.

mod object;
mod session;
mod slots;

use std::rc::Rc;

use crate::ck;
use crate::exports::pkcs11::host::sessions::{Object, ObjectBorrow};
use crate::exports::pkcs11::host::{sessions, types};
use crate::exports::wrun::bundle::lifecycle;
use crate::host::{self, Host};
use crate::{Bundle, convert};

/// What the functions of the WIT return.
type Answer<T> = Result<T, types::Error>;

/// The resource `session`.
#[derive(Debug)]
pub struct SessionResource {
    host: Rc<Host>,
    session: ck::Session,
}

/// The resource `object`.
#[derive(Debug)]
pub struct ObjectResource {
    host: Rc<Host>,
    object: ck::Object,
}

impl lifecycle::Guest for Bundle {
    fn init(config: Vec<(String, String)>) -> Result<(), String> {
        host::init(config)
    }
}

impl sessions::Guest for Bundle {
    type Session = SessionResource;
    type Object = ObjectResource;
}

/// A handle for a new object.
fn object(host: &Rc<Host>, object: ck::Object) -> Object {
    Object::new(ObjectResource { host: Rc::clone(host), object })
}

/// The object behind a borrowed handle.
fn borrowed<'a>(object: &'a ObjectBorrow<'_>) -> &'a ck::Object {
    &object.get::<ObjectResource>().object
}

/// A mechanism that the operator allows.
fn mechanism(
    host: &Host,
    function: &'static str,
    given: types::Mechanism,
) -> ck::Result<ck::Mechanism> {
    host.policy.mechanism(function, given.type_)?;
    convert::mechanism(function, given)
}

/// A template without what the module must not see.
fn template(host: &Host, given: Vec<types::Attribute>) -> Vec<ck::Attribute> {
    host.policy.template(convert::template(given))
}
