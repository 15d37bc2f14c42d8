//! Calls of libraries that were refused, or that were only watched, collected for the operator.

use protocol::stage::Notice;
use std::sync::{Arc, Mutex, PoisonError};

/// A place where notices of bundles come together. Clones are the same place.
#[derive(Debug, Clone, Default)]
pub struct Notices(Arc<Mutex<Vec<BundleNotice>>>);

/// A call of a bundle's library that needs a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleNotice {
    /// Name of the bundle.
    pub bundle: String,
    /// The function that was running, if it is known.
    pub function: Option<String>,
    /// The call, and the grant that would allow it.
    pub notice: Notice,
}

impl BundleNotice {
    /// The option that would allow the call, if one does.
    pub fn option(&self) -> Option<String> {
        let grant = self.notice.grant.as_deref()?;
        Some(format!("--grant {}:{}", self.bundle, protocol::text::ForeignText::new(grant)))
    }
}

impl std::fmt::Display for BundleNotice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "bundle `{}` was refused {}", self.bundle, self.notice)?;
        if let Some(function) = &self.function {
            write!(f, " (in `{function}`)")?;
        }
        match self.option() {
            Some(option) => write!(f, "; {option} would allow it"),
            None => f.write_str("; no grant allows it"),
        }
    }
}

impl Notices {
    /// Everything since the last time, in the order of arrival.
    pub fn take(&self) -> Vec<BundleNotice> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds one.
    pub(super) fn add(&self, notice: BundleNotice) {
        tracing::info!(bundle = %notice.bundle, call = %notice.notice, "refused");
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(notice);
    }
}
