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
//!
//! When a store goes, its guest is gone without having dropped anything. What it held becomes an
//! *orphan* until its destructor has run (`reclaim`).

use protocol::limits::HANDLES_MAX;
use std::collections::{HashMap, HashSet, hash_map};

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

/// A store that holds resources of the bundle: one that lives, by an address that is its own while it
/// does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct StoreId(usize);

impl StoreId {
    /// The store whose data is at `data`. wasmtime keeps them in a box with the rest of the store, so
    /// they stay where they are until it is gone.
    pub(super) fn of<T>(data: &T) -> Self {
        Self(std::ptr::from_ref(data).addr())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    resource: u32,
    handle: u32,
    store: StoreId,
    /// Of which process it is; stale if that has ended.
    process: u64,
}

/// The live resources of one bundle.
#[derive(Debug, Default)]
pub(crate) struct Handles {
    /// Slot `n - 1` holds the resource that the guest's tables know as `n`.
    slots: Vec<Option<Entry>>,
    free: Vec<u32>,
    /// What the process holds for somebody, by its own numbers.
    held: HashSet<(u32, u32)>,
    /// The stores that are looked after, with the numbers of what each holds.
    stores: HashMap<StoreId, HashSet<u32>>,
    /// Held for nobody any more, and not destroyed yet; by the process's numbers.
    orphans: Vec<(u32, u32)>,
    /// How many processes have ended.
    process: u64,
}

impl Handles {
    /// Looks after a store from now on. Whether it is new.
    pub(crate) fn open(&mut self, store: StoreId) -> bool {
        match self.stores.entry(store) {
            hash_map::Entry::Occupied(_) => false,
            hash_map::Entry::Vacant(new) => {
                new.insert(HashSet::new());
                true
            }
        }
    }

    /// A store is gone, and what it held is held by nobody.
    pub(crate) fn close(&mut self, store: StoreId) {
        for number in self.stores.remove(&store).into_iter().flatten() {
            if let Some(entry) = self.slot(number).and_then(Option::take) {
                self.free.push(number);
                if entry.process == self.process {
                    self.orphans.push((entry.resource, entry.handle));
                }
            }
        }
    }

    /// Whether anything is held by nobody.
    pub(crate) fn has_orphans(&self) -> bool {
        !self.orphans.is_empty()
    }

    /// One that is held by nobody, to be destroyed now.
    pub(crate) fn next_orphan(&mut self) -> Option<(u32, u32)> {
        let orphan = self.orphans.pop()?;
        self.held.remove(&orphan);
        Some(orphan)
    }

    /// Takes over a resource that the library gave out to `store`; returns its number for the guest.
    pub(crate) fn receive(
        &mut self,
        resource: u32,
        handle: u32,
        store: StoreId,
    ) -> Result<u32, HandleFault> {
        // Stale ones count as well: they take memory until the guest lets them go.
        if self.slots.len() - self.free.len() + self.orphans.len() >= HANDLES_MAX {
            return Err(HandleFault::TooMany);
        }
        if !self.held.insert((resource, handle)) {
            return Err(HandleFault::GivenTwice);
        }
        let number = self.put(Entry { resource, handle, store, process: self.process })?;
        self.stores.entry(store).or_default().insert(number);
        Ok(number)
    }

    fn put(&mut self, entry: Entry) -> Result<u32, HandleFault> {
        if let Some(number) = self.free.pop()
            && let Some(slot) = self.slot(number)
        {
            *slot = Some(entry);
            return Ok(number);
        }
        self.slots.push(Some(entry));
        u32::try_from(self.slots.len()).map_err(|_| HandleFault::TooMany)
    }

    /// The library's number of a resource that is lent to it for one call.
    pub(crate) fn lend(&mut self, resource: u32, number: u32) -> Result<u32, HandleFault> {
        let process = self.process;
        match self.slot(number) {
            Some(Some(entry)) if entry.resource == resource => {
                if entry.process == process {
                    Ok(entry.handle)
                } else {
                    Err(HandleFault::Stale)
                }
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
        if let Some(entry) = self.slot(number).and_then(Option::take)
            && let Some(numbers) = self.stores.get_mut(&entry.store)
        {
            numbers.remove(&number);
        }
        self.free.push(number);
        lent
    }

    /// The process of all these resources has ended.
    pub(crate) fn retire(&mut self) {
        self.held.clear();
        self.orphans.clear();
        self.process += 1;
    }

    /// How many resources the process holds for the guest.
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

    const ONE: StoreId = StoreId(1);
    const OTHER: StoreId = StoreId(2);

    #[test]
    fn a_handle_is_known_only_with_its_own_type() -> Result<(), HandleFault> {
        let mut handles = Handles::default();
        let number = handles.receive(3, 77, ONE)?;
        assert_eq!(handles.lend(3, number), Ok(77));
        assert_eq!(handles.lend(4, number), Err(HandleFault::Unknown));
        assert_eq!(handles.lend(3, number + 1), Err(HandleFault::Unknown));
        assert_eq!(handles.lend(3, 0), Err(HandleFault::Unknown));
        Ok(())
    }

    #[test]
    fn a_library_cannot_give_out_one_resource_twice() -> Result<(), HandleFault> {
        let mut handles = Handles::default();
        let number = handles.receive(0, 5, ONE)?;
        assert_eq!(handles.receive(0, 5, ONE), Err(HandleFault::GivenTwice));
        assert_eq!(handles.give(0, number), Ok(5));
        assert_eq!(handles.give(0, number), Err(HandleFault::Unknown));
        assert!(handles.receive(0, 5, ONE).is_ok());
        Ok(())
    }

    #[test]
    fn a_library_cannot_fill_the_runners_memory_with_resources() {
        let mut handles = Handles::default();
        let given = (1..).take_while(|handle| handles.receive(0, *handle, ONE).is_ok()).count();
        assert_eq!(given, HANDLES_MAX);
    }

    #[test]
    fn a_number_of_an_old_process_never_names_a_resource_of_the_next() -> Result<(), HandleFault> {
        let mut handles = Handles::default();
        let old = handles.receive(0, 5, ONE)?;
        handles.retire();
        assert_eq!(handles.lend(0, old), Err(HandleFault::Stale));
        let new = handles.receive(0, 5, ONE)?;
        assert_ne!(old, new, "the guest still holds the old number");
        assert_eq!(handles.lend(0, old), Err(HandleFault::Stale));
        assert_eq!(handles.lend(1, old), Err(HandleFault::Unknown), "of another type");
        assert_eq!(handles.give(0, old), Err(HandleFault::Stale));
        assert_eq!(handles.give(0, old), Err(HandleFault::Unknown), "the guest let it go");
        assert_eq!(handles.lend(0, new), Ok(5));
        assert_eq!(handles.receive(0, 6, ONE)?, old, "and the number is free again");
        Ok(())
    }

    #[test]
    fn stale_resources_do_not_grow_without_end() {
        let mut handles = Handles::default();
        let mut given = 0;
        // A process after the other that gives out some and dies.
        while handles.receive(0, 1, ONE).is_ok() {
            given +=
                1 + (2..1000).take_while(|handle| handles.receive(0, *handle, ONE).is_ok()).count();
            handles.retire();
        }
        assert_eq!(given, HANDLES_MAX);
    }

    #[test]
    fn what_a_store_held_is_held_by_nobody_once_it_is_gone() -> Result<(), HandleFault> {
        let mut handles = Handles::default();
        assert!(handles.open(ONE));
        assert!(!handles.open(ONE), "it is looked after already");
        let kept = handles.receive(0, 5, OTHER)?;
        let given = handles.receive(0, 6, ONE)?;
        let left = handles.receive(1, 7, ONE)?;
        handles.give(0, given)?;
        handles.close(ONE);
        assert_eq!(handles.lend(1, left), Err(HandleFault::Unknown));
        assert_eq!(handles.lend(0, kept), Ok(5));
        let again = handles.receive(1, 7, OTHER);
        assert_eq!(again, Err(HandleFault::GivenTwice), "the process still holds it");
        assert_eq!(handles.next_orphan(), Some((1, 7)));
        assert_eq!(handles.next_orphan(), None);
        assert!(handles.receive(1, 7, OTHER).is_ok(), "it was destroyed, and is another one");
        assert!(handles.open(ONE), "another store may come to lie there");
        Ok(())
    }

    #[test]
    fn what_ended_with_its_process_is_not_destroyed_in_the_next() -> Result<(), HandleFault> {
        let mut handles = Handles::default();
        let old = handles.receive(0, 5, ONE)?;
        handles.receive(0, 6, OTHER)?;
        handles.close(OTHER);
        handles.retire();
        handles.receive(0, 5, OTHER)?;
        handles.close(ONE);
        assert_eq!(handles.next_orphan(), None);
        assert_eq!(handles.lend(0, old), Err(HandleFault::Unknown));
        assert_eq!(handles.len(), 1);
        Ok(())
    }

    #[test]
    fn orphans_count_until_they_are_destroyed() {
        let mut handles = Handles::default();
        let mut given = 0;
        // A store after the other that takes some and goes.
        while handles.receive(0, given, ONE).is_ok() {
            given += 1;
            while given % 1000 != 0 && handles.receive(0, given, ONE).is_ok() {
                given += 1;
            }
            handles.close(ONE);
        }
        assert_eq!(usize::try_from(given), Ok(HANDLES_MAX));
    }

    #[test]
    fn numbers_are_used_again() -> Result<(), HandleFault> {
        let mut handles = Handles::default();
        for handle in 1..=1000 {
            let number = handles.receive(0, handle, ONE)?;
            assert_eq!(number, 1);
            handles.give(0, number)?;
        }
        assert_eq!(handles.len(), 0);
        Ok(())
    }
}
