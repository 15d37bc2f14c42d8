//! Panics stay inside the library and become an error of the call.
//!
//! A library must not unwind into its C caller: Rust would abort the process. So `guard` catches
//! the panic at the boundary and keeps its message until the caller asks for it
//! (`wrun_take_panic`). While an export runs, this library's panic hook prints nothing, since the
//! caller reports the message. A cdylib has a copy of std of its own, so the hook is its own too.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};

thread_local! {
    /// How many exports run on this thread, one inside the other.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// The message of the last panic on this thread, if an export runs.
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The message of the call that panicked, until the caller takes it. Not thread-local: the caller
/// may ask from another thread than it called on.
static PENDING: Mutex<Option<String>> = Mutex::new(None);
/// Whether there is one, so that a call without a panic takes no lock.
static IS_PENDING: AtomicBool = AtomicBool::new(false);

/// A result that an exported function can return, and the zero that it returns after a panic.
pub trait Flat {
    /// The value that says nothing.
    const ZERO: Self;
}

macro_rules! flat {
    ($($type:ty = $zero:expr),* $(,)?) => {
        $( impl Flat for $type { const ZERO: Self = $zero; } )*
    };
}

flat! {
    () = (),
    i32 = 0,
    i64 = 0,
    f32 = 0.0,
    f64 = 0.0,
    usize = 0,
    *mut u8 = ptr::null_mut(),
    MaybeUninit<u64> = MaybeUninit::new(0),
}

/// Runs the body of an exported function. A panic in it is kept for the caller, and the function
/// returns zero.
pub fn guard<R: Flat>(body: impl FnOnce() -> R) -> R {
    static HOOK: Once = Once::new();
    HOOK.call_once(install_hook);
    IS_PENDING.store(false, Ordering::Release);
    LAST.set(None);
    DEPTH.set(DEPTH.get() + 1);
    // The body owns its arguments, and what the author shares between calls is the author's own
    // to keep sound: std poisons locks, and cells release their borrows on unwinding.
    let outcome = catch_unwind(AssertUnwindSafe(body));
    DEPTH.set(DEPTH.get() - 1);
    match outcome {
        Ok(value) => value,
        Err(payload) => {
            set_pending(message(payload));
            R::ZERO
        }
    }
}

/// Takes the message of the call that just returned, if it panicked.
pub(super) fn take_pending() -> Option<String> {
    if !IS_PENDING.swap(false, Ordering::AcqRel) {
        return None;
    }
    PENDING.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Runs `body`, which may panic although this thread unwinds already; Rust would abort if the
/// second panic left a destructor. Its message is added to the first.
pub(super) fn contain(what: &str, body: impl FnOnce()) {
    let first = LAST.take();
    let outcome = catch_unwind(AssertUnwindSafe(body));
    let second = outcome.err().map(message);
    LAST.set(match (first, second) {
        (first, None) => first,
        (None, Some(second)) => Some(second),
        (Some(first), Some(second)) => {
            Some(format!("{first}; after that, dropping a {what} panicked too: {second}"))
        }
    });
}

/// Panics because the caller broke the ABI. Inside an export the message has no place, since no
/// line of the author's source is to blame.
#[track_caller]
#[expect(clippy::panic, reason = "generated code has no other way to fail a call")]
pub(super) fn fault(what: &dyn fmt::Display) -> ! {
    if DEPTH.get() == 0 {
        panic!("{what}");
    }
    LAST.set(Some(what.to_string()));
    resume_unwind(Box::new(()))
}

fn set_pending(message: String) {
    *PENDING.lock().unwrap_or_else(PoisonError::into_inner) = Some(message);
    IS_PENDING.store(true, Ordering::Release);
}

/// The message that the hook made, or else the text in the payload.
fn message(payload: Box<dyn Any + Send>) -> String {
    if let Some(message) = LAST.take() {
        return message;
    }
    let text = if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_string()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_string()
    };
    // A payload of the author's own type may panic when it is dropped.
    std::mem::forget(payload);
    text
}

fn install_hook() {
    if std::thread::panicking() {
        return;
    }
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let in_export = DEPTH.try_with(Cell::get).unwrap_or(0) > 0;
        if in_export { keep(info) } else { previous(info) }
    }));
}

/// Keeps the message and the place of a panic inside an export.
fn keep(info: &PanicHookInfo<'_>) {
    let text = info.payload_as_str().unwrap_or("a panic without a message");
    let message = match info.location() {
        Some(place) => format!("{text} ({place})"),
        None => text.to_string(),
    };
    // No panic may leave a hook: if the cell is in use, the payload still has the text.
    let _ = LAST.try_with(|last| last.try_borrow_mut().map(|mut last| *last = Some(message)));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "panics are what is tested")]
    use super::{contain, fault, guard, take_pending};
    use std::sync::{Mutex, MutexGuard, PoisonError};

    /// The pending message belongs to the process, so tests take turns.
    fn turn() -> MutexGuard<'static, ()> {
        static TURN: Mutex<()> = Mutex::new(());
        TURN.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[test]
    fn a_value_passes_and_leaves_nothing_pending() {
        let _turn = turn();
        assert_eq!(guard(|| 7i32), 7);
        assert_eq!(take_pending(), None);
    }

    #[test]
    fn a_panic_becomes_zero_and_a_message_with_its_place() {
        let _turn = turn();
        let number = 3;
        assert_eq!(guard(|| -> i64 { panic!("no slot {number}") }), 0);
        let message = take_pending().unwrap_or_default();
        assert!(message.starts_with("no slot 3 ("), "{message}");
        assert!(message.contains("panics.rs:"), "{message}");
        assert_eq!(take_pending(), None, "a message is given once");
    }

    #[test]
    fn a_later_call_forgets_the_panic_of_an_earlier_one() {
        let _turn = turn();
        guard::<()>(|| panic!("old"));
        guard(|| ());
        assert_eq!(take_pending(), None);
    }

    #[test]
    fn a_panic_that_the_author_caught_is_not_reported() {
        let _turn = turn();
        guard(|| drop(std::panic::catch_unwind(|| panic!("inner"))));
        assert_eq!(take_pending(), None);
    }

    #[test]
    fn a_fault_of_the_caller_has_no_place() {
        let _turn = turn();
        assert_eq!(guard(|| -> i32 { fault(&"handle 5 is unknown") }), 0);
        assert_eq!(take_pending().as_deref(), Some("handle 5 is unknown"));
    }

    #[test]
    fn a_payload_that_is_no_text_is_reported() {
        let _turn = turn();
        guard::<()>(|| std::panic::panic_any(5u8));
        let message = take_pending().unwrap_or_default();
        assert!(message.starts_with("a panic without a message"), "{message}");
    }

    #[test]
    fn a_panic_while_unwinding_is_added_to_the_first() {
        struct Second;
        impl Drop for Second {
            fn drop(&mut self) {
                contain("thing", || panic!("second"));
            }
        }
        let _turn = turn();
        guard::<()>(|| {
            let _second = Second;
            panic!("first")
        });
        let message = take_pending().unwrap_or_default();
        assert!(message.starts_with("first ("), "{message}");
        assert!(message.contains("; after that, dropping a thing panicked too: second ("));
    }
}
