//! What `init` was given.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Echo;
use crate::exports::wrun::bundle::lifecycle;
use crate::exports::wrun::echo::config;

struct Given {
    values: BTreeMap<String, String>,
    inits: u32,
}

static GIVEN: Mutex<Given> = Mutex::new(Given { values: BTreeMap::new(), inits: 0 });

impl lifecycle::Guest for Echo {
    // Not read by `wrun_bundle::Config`: this bundle shows every key, so it takes any.
    fn init(config: Vec<(String, String)>) -> Result<(), String> {
        let mut given = given();
        given.inits += 1;
        given.values = config.into_iter().collect();
        match given.values.get("fail") {
            Some(message) => Err(message.clone()),
            None => Ok(()),
        }
    }
}

impl config::Guest for Echo {
    fn get(key: String) -> Option<String> {
        get(&key)
    }

    fn keys() -> Vec<String> {
        given().values.keys().cloned().collect()
    }

    fn inits() -> u32 {
        given().inits
    }
}

/// The value that the operator gave for `key`.
pub(crate) fn get(key: &str) -> Option<String> {
    given().values.get(key).cloned()
}

fn given() -> MutexGuard<'static, Given> {
    GIVEN.lock().unwrap_or_else(PoisonError::into_inner)
}
