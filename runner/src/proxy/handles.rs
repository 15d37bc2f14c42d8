//! Which resources of a bundle live, and by which number the guest's tables know them.
//!
//! wasmtime keeps a guest from forging handles; this table keeps a *library* from it. The library
//! names its resources by numbers of its own choice. The guest's tables hold numbers of this table
//! instead, and every number that crosses is translated, so a library can neither give out one
//! resource twice nor make the guest hold what it never made.
//!
//! When the library's process ends, its resources are gone, but the guest still holds its numbers.
//! They stay taken, and *stale*, until the guest drops them: so a number of an old process never
//! becomes a resource of the next one.

use protocol::limits::HANDLES_MAX;
use std::collections::HashSet;

/// Why a handle was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HandleFault {
    /// The library gave out a handle that is still held.
    GivenTwice,
    /// No such resource lives, or it is of another type.
    Unknown,
    /// The process that held it has ended.
    Stale,
    /// The guest holds [`HANDLES_MAX`] resources of this bundle.
    TooMany,
}

impl HandleFault {
    /// What is wrong, of a handle that a library gave out.
    pub(crate) fn problem(self) -> &'static str {
        match self {
            Self::GivenTwice => "it was given out before and is still held",
            Self::Unknown => "it does not exist",
            Self::Stale => "its process has ended",
            Self::TooMany => "too many resources are held",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    resource: u32,
    /// `None`: stale.
    handle: Option<u32>,
}

/// The live resources of one bundle.
#[derive(Debug, Default)]
pub(crate) struct Handles {
    /// Slot `n - 1` holds the resource that the guest's tables know as `n`.
    slots: Vec<Option<Entry>>,
    free: Vec<u32>,
    /// The same entries by the library's numbers.
    held: HashSet<(u32, u32)>,
}

impl Handles {
    /// Takes over a resource that the library gave out; returns its number for the guest.
    pub(crate) fn receive(&mut self, resource: u32, handle: u32) -> Result<u32, HandleFault> {
        // Stale ones count as well: they take memory until the guest lets them go.
        if self.slots.len() - self.free.len() >= HANDLES_MAX {
            return Err(HandleFault::TooMany);
        }
        if !self.held.insert((resource, handle)) {
            return Err(HandleFault::GivenTwice);
        }
        let entry = Some(Entry { resource, handle: Some(handle) });
        if let Some(number) = self.free.pop()
            && let Some(slot) = self.slot(number)
        {
            *slot = entry;
            return Ok(number);
        }
        self.slots.push(entry);
        u32::try_from(self.slots.len()).map_err(|_| HandleFault::TooMany)
    }

    /// The library's number of a resource that is lent to it for one call.
    pub(crate) fn lend(&mut self, resource: u32, number: u32) -> Result<u32, HandleFault> {
        match self.slot(number) {
            Some(Some(entry)) if entry.resource == resource => {
                entry.handle.ok_or(HandleFault::Stale)
            }
            _ => Err(HandleFault::Unknown),
        }
    }

    /// Gives a resource back to the library: by an `own` argument, or to be destroyed. The guest has
    /// let go of a stale one as well.
    pub(crate) fn give(&mut self, resource: u32, number: u32) -> Result<u32, HandleFault> {
        let lent = self.lend(resource, number);
        match lent {
            Ok(handle) => {
                self.held.remove(&(resource, handle));
            }
            Err(HandleFault::Stale) => {}
            Err(other) => return Err(other),
        }
        if let Some(slot) = self.slot(number) {
            *slot = None;
        }
        self.free.push(number);
        lent
    }

    /// The process of all these resources has ended.
    pub(crate) fn retire(&mut self) {
        self.held.clear();
        for entry in self.slots.iter_mut().flatten() {
            entry.handle = None;
        }
    }

    /// How many resources the guest holds.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }

    fn slot(&mut self, number: u32) -> Option<&mut Option<Entry>> {
        self.slots.get_mut(usize::try_from(number.checked_sub(1)?).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_known_only_with_its_own_type() -> Result<(), HandleFault> {
        let mut handles = Handles::default();
        let number = handles.receive(3, 77)?;
        assert_eq!(handles.lend(3, number), Ok(77));
        assert_eq!(handles.lend(4, number), Err(HandleFault::Unknown));
        assert_eq!(handles.lend(3, number + 1), Err(HandleFault::Unknown));
        assert_eq!(handles.lend(3, 0), Err(HandleFault::Unknown));
        Ok(())
    }

    #[test]
    fn a_library_cannot_give_out_one_resource_twice() -> Result<(), HandleFault> {
        let mut handles = Handles::default();
        let number = handles.receive(0, 5)?;
        assert_eq!(handles.receive(0, 5), Err(HandleFault::GivenTwice));
        assert_eq!(handles.give(0, number), Ok(5));
        assert_eq!(handles.give(0, number), Err(HandleFault::Unknown));
        assert!(handles.receive(0, 5).is_ok());
        Ok(())
    }

    #[test]
    fn a_library_cannot_fill_the_runners_memory_with_resources() {
        let mut handles = Handles::default();
        let given = (1..).take_while(|handle| handles.receive(0, *handle).is_ok()).count();
        assert_eq!(given, HANDLES_MAX);
    }

    #[test]
    fn a_number_of_an_old_process_never_names_a_resource_of_the_next() -> Result<(), HandleFault> {
        let mut handles = Handles::default();
        let old = handles.receive(0, 5)?;
        handles.retire();
        assert_eq!(handles.lend(0, old), Err(HandleFault::Stale));
        let new = handles.receive(0, 5)?;
        assert_ne!(old, new, "the guest still holds the old number");
        assert_eq!(handles.lend(0, old), Err(HandleFault::Stale));
        assert_eq!(handles.lend(1, old), Err(HandleFault::Unknown), "of another type");
        assert_eq!(handles.give(0, old), Err(HandleFault::Stale));
        assert_eq!(handles.give(0, old), Err(HandleFault::Unknown), "the guest let it go");
        assert_eq!(handles.lend(0, new), Ok(5));
        assert_eq!(handles.receive(0, 6)?, old, "and the number is free again");
        Ok(())
    }

    #[test]
    fn stale_resources_do_not_grow_without_end() {
        let mut handles = Handles::default();
        let mut given = 0;
        // A process after the other that gives out some and dies.
        while handles.receive(0, 1).is_ok() {
            given += 1 + (2..1000).take_while(|handle| handles.receive(0, *handle).is_ok()).count();
            handles.retire();
        }
        assert_eq!(given, HANDLES_MAX);
    }

    #[test]
    fn numbers_are_used_again() -> Result<(), HandleFault> {
        let mut handles = Handles::default();
        for handle in 1..=1000 {
            let number = handles.receive(0, handle)?;
            assert_eq!(number, 1);
            handles.give(0, number)?;
        }
        assert_eq!(handles.len(), 0);
        Ok(())
    }
}
