//! The table of handles: what `own<R>` and `borrow<R>` are at the boundary of a library.
//!
//! A handle is a number that this library chose for one value of one resource. Its low 24 bits
//! are the place in the table plus one, so that it is never 0; its high 8 bits count how often
//! the place was used, so that a handle which outlived its value is noticed.
//!
//! Each value has one owner, the caller or the library's own code. An own handle that comes in
//! is claimed for the library, one that goes out is released to the caller, and a borrow is only
//! lent by the owner. The table belongs to one library: each has a copy of this crate.

use std::any::TypeId;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::panics::{self, fault};
use super::raw::Rep;

/// A resource type that generated code exports.
pub trait Exported: 'static {
    /// Its name: `pkg:ns/interface@1.0.0#resource`.
    const NAME: &'static str;
}

/// Bits of a handle that are the place in the table plus one.
const PLACE_BITS: u32 = 24;
/// The most values that can live at once. The last place would make the handle `u32::MAX`
/// possible, which generated code uses for "taken".
const PLACES_MAX: usize = (1 << PLACE_BITS) - 2;

static TABLE: Mutex<Table> = Mutex::new(Table { slots: Vec::new(), free: Vec::new() });

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Owner {
    Caller,
    Library,
}

/// Which resource is meant.
#[derive(Clone, Copy)]
struct Kind {
    id: TypeId,
    name: &'static str,
}

impl Kind {
    fn of<R: Exported>() -> Self {
        Self { id: TypeId::of::<R>(), name: R::NAME }
    }
}

struct Entry {
    kind: Kind,
    owner: Owner,
    rep: Rep,
}

#[derive(Default)]
struct Slot {
    generation: u8,
    entry: Option<Entry>,
}

struct Table {
    slots: Vec<Slot>,
    /// Places without an entry.
    free: Vec<usize>,
}

/// Why a handle was refused.
enum Refusal {
    Zero,
    Unknown,
    OtherKind(&'static str),
    OtherOwner(Owner),
}

impl Table {
    /// The handle of the new entry, or the entry if the table is full.
    fn insert(&mut self, entry: Entry) -> Result<u32, Entry> {
        let place = match self.free.pop() {
            Some(place) => place,
            None if self.slots.len() < PLACES_MAX => {
                self.slots.push(Slot::default());
                self.slots.len() - 1
            }
            None => return Err(entry),
        };
        let (Some(slot), Ok(low)) = (self.slots.get_mut(place), u32::try_from(place + 1)) else {
            return Err(entry);
        };
        slot.entry = Some(entry);
        Ok((u32::from(slot.generation) << PLACE_BITS) | low)
    }

    /// The place and the entry of a handle, if all agrees.
    fn find(
        &mut self,
        handle: u32,
        kind: Kind,
        owner: Owner,
    ) -> Result<(usize, &mut Entry), Refusal> {
        let low = handle & ((1 << PLACE_BITS) - 1);
        let place = usize::try_from(low).ok().and_then(|low| low.checked_sub(1));
        let place = place.ok_or(if handle == 0 { Refusal::Zero } else { Refusal::Unknown })?;
        let slot = self.slots.get_mut(place).ok_or(Refusal::Unknown)?;
        if u32::from(slot.generation) != handle >> PLACE_BITS {
            return Err(Refusal::Unknown);
        }
        let entry = slot.entry.as_mut().ok_or(Refusal::Unknown)?;
        if entry.kind.id != kind.id {
            return Err(Refusal::OtherKind(entry.kind.name));
        }
        if entry.owner != owner {
            return Err(Refusal::OtherOwner(entry.owner));
        }
        Ok((place, entry))
    }

    fn remove(&mut self, handle: u32, kind: Kind, owner: Owner) -> Result<Rep, Refusal> {
        let (place, _) = self.find(handle, kind, owner)?;
        let slot = self.slots.get_mut(place).ok_or(Refusal::Unknown)?;
        let entry = slot.entry.take().ok_or(Refusal::Unknown)?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(place);
        Ok(entry.rep)
    }
}

/// Puts a value into the table. The handle is the caller's until it is claimed.
///
/// # Panics
/// If 16,777,214 values live already; `rep` is destroyed then.
pub(super) fn insert<R: Exported>(rep: Rep) -> u32 {
    let entry = Entry { kind: Kind::of::<R>(), owner: Owner::Caller, rep };
    let inserted = table().insert(entry);
    match inserted {
        Ok(handle) => handle,
        Err(entry) => {
            entry.rep.destroy();
            fault(&format!("no room for another {}: {PLACES_MAX} live already", R::NAME))
        }
    }
}

/// The value of a handle that the library's code owns.
///
/// # Panics
/// If the library does not own such a handle.
pub fn resource_rep<R: Exported>(handle: u32) -> *mut u8 {
    value::<R>(handle, Owner::Library)
}

/// The value of a handle that the caller lends for one call.
///
/// # Panics
/// If the caller does not own such a handle.
pub fn borrow<R: Exported>(handle: u32) -> *const u8 {
    value::<R>(handle, Owner::Caller)
}

/// The caller passes an own handle to the library.
///
/// # Panics
/// If the caller does not own such a handle.
pub fn claim<R: Exported>(handle: u32) {
    pass::<R>(handle, Owner::Caller, Owner::Library);
}

/// The library passes an own handle to the caller.
///
/// # Panics
/// If the library does not own such a handle.
pub fn release<R: Exported>(handle: u32) {
    pass::<R>(handle, Owner::Library, Owner::Caller);
}

/// The library's code drops an own handle.
///
/// # Panics
/// If the library does not own such a handle, or the destructor panics; but not while the thread
/// unwinds, when a second panic would abort the process.
pub fn resource_drop<R: Exported>(handle: u32) {
    if std::thread::panicking() {
        panics::contain(R::NAME, || destroy::<R>(handle, Owner::Library));
    } else {
        destroy::<R>(handle, Owner::Library);
    }
}

/// The caller drops an own handle.
///
/// # Panics
/// If the caller does not own such a handle, or the destructor panics.
pub fn resource_dtor<R: Exported>(handle: u32) {
    destroy::<R>(handle, Owner::Caller);
}

fn value<R: Exported>(handle: u32, owner: Owner) -> *mut u8 {
    let found = table().find(handle, Kind::of::<R>(), owner).map(|(_, entry)| entry.rep.value());
    found.unwrap_or_else(|refusal| refuse::<R>(handle, &refusal))
}

fn pass<R: Exported>(handle: u32, from: Owner, to: Owner) {
    let passed = table().find(handle, Kind::of::<R>(), from).map(|(_, entry)| entry.owner = to);
    passed.unwrap_or_else(|refusal| refuse::<R>(handle, &refusal));
}

fn destroy<R: Exported>(handle: u32, owner: Owner) {
    let removed = table().remove(handle, Kind::of::<R>(), owner);
    match removed {
        // The table is free again: the author's destructor may drop other resources.
        Ok(rep) => rep.destroy(),
        Err(refusal) => refuse::<R>(handle, &refusal),
    }
}

fn table() -> MutexGuard<'static, Table> {
    // Nothing in this module panics while it holds the lock.
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refuse<R: Exported>(handle: u32, refusal: &Refusal) -> ! {
    fault(&Message { handle, wanted: R::NAME, refusal })
}

struct Message<'a> {
    handle: u32,
    wanted: &'static str,
    refusal: &'a Refusal,
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { handle, wanted, refusal } = self;
        match refusal {
            Refusal::Zero => write!(f, "0 is not a handle of {wanted}"),
            Refusal::Unknown => write!(
                f,
                "handle {handle:#x} of {wanted} is unknown: it was dropped, or never given out"
            ),
            Refusal::OtherKind(found) => {
                write!(f, "handle {handle:#x} is a {found}, not a {wanted}")
            }
            Refusal::OtherOwner(Owner::Library) => write!(
                f,
                "handle {handle:#x} of {wanted} was given to the bundle: the caller may not use it"
            ),
            Refusal::OtherOwner(Owner::Caller) => write!(
                f,
                "handle {handle:#x} of {wanted} was given to the caller: the bundle may not use it"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(unsafe_code, clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::super::raw::resource_new;
    use super::{Exported, borrow, claim, release, resource_drop, resource_dtor, resource_rep};
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    struct Red;
    impl Exported for Red {
        const NAME: &'static str = "test:colours/paint#red";
    }

    struct Blue;
    impl Exported for Blue {
        const NAME: &'static str = "test:colours/paint#blue";
    }

    thread_local! {
        static DESTROYED: Cell<u32> = const { Cell::new(0) };
    }

    unsafe fn destroy(value: *mut u8) {
        // SAFETY: `red` made it by `Box::into_raw`.
        drop(unsafe { Box::from_raw(value) });
        DESTROYED.set(DESTROYED.get() + 1);
    }

    fn red() -> u32 {
        let value = Box::into_raw(Box::new(0u8));
        // SAFETY: a box is valid for `destroy`, once.
        unsafe { resource_new::<Red>(value, destroy) }
    }

    fn refusal(action: impl FnOnce()) -> String {
        let payload = catch_unwind(AssertUnwindSafe(action)).unwrap_err();
        payload.downcast_ref::<String>().unwrap().clone()
    }

    #[test]
    fn a_handle_is_never_zero_and_finds_its_value() {
        let handle = red();
        assert_ne!(handle, 0);
        let lent = borrow::<Red>(handle);
        claim::<Red>(handle);
        assert_eq!(resource_rep::<Red>(handle).cast_const(), lent);
        release::<Red>(handle);
        resource_dtor::<Red>(handle);
        assert_eq!(DESTROYED.get(), 1);
    }

    #[test]
    fn only_the_owner_may_use_a_handle() {
        let handle = red();
        assert!(refusal(|| resource_drop::<Red>(handle)).contains("was given to the caller"));
        claim::<Red>(handle);
        let again = refusal(|| claim::<Red>(handle));
        assert!(again.contains("was given to the bundle"), "{again}");
        assert!(
            refusal(|| {
                borrow::<Red>(handle);
            })
            .contains("was given to the bundle")
        );
        resource_drop::<Red>(handle);
        assert_eq!(DESTROYED.get(), 1);
    }

    #[test]
    fn the_resource_type_is_checked() {
        let handle = red();
        let message = refusal(|| {
            borrow::<Blue>(handle);
        });
        let expected = format!(
            "handle {handle:#x} is a test:colours/paint#red, not a test:colours/paint#blue"
        );
        assert_eq!(message, expected);
        resource_dtor::<Red>(handle);
    }

    #[test]
    fn a_dropped_handle_stays_unknown_when_its_place_is_used_again() {
        let old = red();
        resource_dtor::<Red>(old);
        let new = red();
        assert_ne!(old, new);
        assert!(refusal(|| resource_dtor::<Red>(old)).contains("is unknown"));
        resource_dtor::<Red>(new);
        assert_eq!(DESTROYED.get(), 2);
    }

    #[test]
    fn numbers_that_were_never_given_out_are_refused() {
        assert!(
            refusal(|| {
                borrow::<Red>(0);
            })
            .contains("0 is not a handle")
        );
        for handle in [u32::MAX, 0xff_ffff, 0x0100_0000] {
            assert!(
                refusal(|| {
                    borrow::<Red>(handle);
                })
                .contains("is unknown"),
                "{handle:#x}"
            );
        }
    }
}
