//! Who answers for running a bundle's code.

/// Permission to load one bundle. Loading runs code of the bundle at once, in constructors.
///
/// A confined process has it, see [`crate::confine::Confined::permit`]. An operator may give it for
/// a bundle that is to run inside another process.
#[derive(Debug)]
pub struct LoadPermit(());

impl LoadPermit {
    /// The operator trusts the bundle as much as the process that loads it.
    ///
    /// **This is unprotected**: the bundle can read and change everything in the process, ends it
    /// when it crashes, and can do whatever the user may do.
    pub fn operator_trusts_bundle() -> Self {
        Self(())
    }

    pub(crate) fn confined() -> Self {
        Self(())
    }
}
