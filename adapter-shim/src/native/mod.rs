//! The library: loaded, called, and believed in nothing that can be checked.
//!
//! **This is the only folder of the crate with unsafe code**, and in it only `memory`, `call`,
//! `library`, `load` and `sys` have some. `include/wrun_bundle.h` describes the ABI for authors.
//!
//! In order of a call: `lower` reads the arguments from the wire and places them as `layout` and
//! `flatten` say, `call` calls, `lift` checks the result and writes it to the wire.
#![allow(unsafe_code, reason = "calling a library of which only the ABI is known")]

mod call;
mod error;
mod flatten;
mod layout;
mod library;
mod lift;
mod load;
mod lower;
mod memory;
#[cfg(test)]
mod reference_tests;
pub(crate) mod sys;

pub use error::{CallError, InitError, LoadError, RequestError};
pub use layout::LayoutError;
pub use library::Place;
pub use load::Opened;

use crate::permit::LoadPermit;
use call::Callable;
use library::SharedLibrary;
use protocol::message::Plan;
use protocol::text::ForeignText;
use protocol::value::Reader;
use std::sync::Arc;

#[cfg(not(all(target_pointer_width = "64", target_endian = "little")))]
compile_error!("memory and wire hold the same bytes only on 64-bit little-endian machines");

/// A bundle's library, ready to be called.
///
/// Calls take `&mut self`: a library serves one call at a time. Adapters of one library file share
/// it within a process, and wait for each other.
#[derive(Debug)]
pub struct Adapter {
    functions: Box<[Callable]>,
    destructors: Box<[Destructor]>,
    /// Index into `functions`.
    init: Option<u32>,
    common: call::Library,
    /// Below what points into it, although a library is never unloaded.
    library: Arc<SharedLibrary>,
}

type Destructor = unsafe extern "C" fn(u32);

impl Adapter {
    /// Loads the vendor libraries of `plan` and then its library, which were `opened` for it, and
    /// finds every symbol. This runs the libraries' constructors.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load(permit: LoadPermit, opened: Opened, plan: &Plan) -> Result<Self, LoadError> {
        load::load(permit, opened, plan)
    }

    /// Calls the bundle's `init` with `config_args`, an encoded `list<tuple<string, string>>`.
    /// Does nothing if the plan has no `init`; then `config_args` must be empty.
    ///
    /// # Errors
    /// [`InitError::Refused`] with the bundle's own text, or as [`Self::call`].
    pub fn init(&mut self, config_args: &[u8]) -> Result<(), InitError> {
        let Some(init) = self.init else {
            return match config_args {
                [] => Ok(()),
                _ => Err(CallError::from(RequestError::Init).into()),
            };
        };
        let mut result = Vec::new();
        self.call(init, config_args, &mut result)?;
        // `load` has checked the type, and `call` the value.
        match result.split_first() {
            Some((0, _)) => Ok(()),
            Some((_, text)) => {
                let text = Reader::new(text).string_bytes().unwrap_or_default();
                Err(InitError::Refused(ForeignText::new(String::from_utf8_lossy(text))))
            }
            None => Ok(()),
        }
    }

    /// Calls function `function` of the plan with encoded arguments.
    ///
    /// `out` is cleared, and holds the encoded result if this returns `Ok`. Nothing else is
    /// allocated, except by the library.
    ///
    /// # Errors
    /// [`CallError::Failed`] if there is no result: the library panicked, had no memory for the
    /// arguments, or returned something that is no value of the declared type or is too large. The
    /// next call may succeed. [`CallError::Request`] if the request does not fit the plan.
    pub fn call(&mut self, function: u32, args: &[u8], out: &mut Vec<u8>) -> Result<(), CallError> {
        out.clear();
        let callable = usize::try_from(function).ok().and_then(|at| self.functions.get(at));
        let callable = callable.ok_or(RequestError::Function(function))?;
        let _turn = self.library.turn();
        let called = callable.call(&self.common, args, out);
        if called.is_err() {
            out.clear();
        }
        called
    }

    /// Runs the destructor of resource `resource` of the plan.
    ///
    /// # Errors
    /// [`CallError::Failed`] if the destructor panicked, [`CallError::Request`] if there is no such
    /// resource or `handle` is 0.
    pub fn drop_resource(&mut self, resource: u32, handle: u32) -> Result<(), CallError> {
        let destructor = usize::try_from(resource).ok().and_then(|at| self.destructors.get(at));
        let destructor = *destructor.ok_or(RequestError::Resource(resource))?;
        if handle == 0 {
            return Err(RequestError::Handle.into());
        }
        let _turn = self.library.turn();
        // SAFETY: the ABI gives a destructor this type, and `self.library` stays loaded.
        unsafe { destructor(handle) };
        self.common.check_panic()
    }
}
