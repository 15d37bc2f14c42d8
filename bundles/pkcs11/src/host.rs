//! What the bundle is between calls: the module and the operator's decisions.

use std::cell::RefCell;
use std::rc::Rc;

use crate::ck::sys::CKR_CRYPTOKI_NOT_INITIALIZED;
use crate::ck::{Error, Module, Result, environment};
use crate::config::Settings;
use crate::pins::Pins;
use crate::policy::Policy;

/// The initialized bundle.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) module: Rc<Module>,
    pub(crate) policy: Policy,
    pub(crate) pins: Pins,
}

/// The host of this thread, the only one that calls the bundle. When the process exits in order,
/// the thread's storage is dropped and with it the module finalized, also if a guest left sessions.
struct Current(Rc<Host>);

impl Drop for Current {
    fn drop(&mut self) {
        // Sessions hold the module too; they are useless from now on. At the end of a process
        // nobody is left to hear of an error.
        let _ = self.0.module.finalize();
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
}

/// Read the settings, load the module, and be ready for calls.
///
/// # Errors
/// What the operator has to change, in words.
pub(crate) fn init(config: Vec<(String, String)>) -> std::result::Result<(), String> {
    let settings = Settings::read(config)?;
    if CURRENT.with_borrow(Option::is_some) {
        return Err("the bundle is initialized already".to_owned());
    }
    for (name, value) in &settings.environment {
        environment::set(name, value)?;
    }
    let module = Module::load(settings.options).map_err(|error| error.to_string())?;
    let host = Host { module, policy: settings.policy, pins: settings.pins };
    CURRENT.set(Some(Current(Rc::new(host))));
    Ok(())
}

/// Finalize the module and forget the configuration. Sessions that are left fail from now on.
/// `init` may be called again. Does nothing without `init`.
pub fn shutdown() {
    CURRENT.take();
}

/// The host, for the function of this name.
///
/// # Errors
/// `CKR_CRYPTOKI_NOT_INITIALIZED` before `init`.
pub(crate) fn host(function: &'static str) -> Result<Rc<Host>> {
    CURRENT.with_borrow(|current| match current {
        Some(current) => Ok(Rc::clone(&current.0)),
        None => {
            let why = "the bundle was not initialized";
            Err(Error::bundle(function, CKR_CRYPTOKI_NOT_INITIALIZED, why))
        }
    })
}
