//! The shim's own handlers for the signals of a crash. They write down where the thread was, for the
//! stage to read, and then let the signal end the process.
//!
//! From the load on everything here is the library's as well: it can replace the handlers and write
//! into the record. The stage is told less then, or nonsense.

use super::checked;
use protocol::stage::CRASH_FRAMES_MAX;
use std::io;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU64, Ordering};

/// The signals by which a library crashes.
pub(crate) const CRASH_SIGNALS: [i32; 5] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT];

/// Words of the record, each in the byte order of the machine:
///
/// | word | content |
/// |---|---|
/// | 0 | id of the thread that writes the record, as it sees itself; 0 if nobody does |
/// | 1 | the signal |
/// | 2 | how many addresses follow; grows while they are found |
/// | 3 … | addresses, innermost first, each of a byte of the instruction that crashed or called |
pub(crate) const RECORD_WORDS: usize = 3 + CRASH_FRAMES_MAX;

static RECORD: [AtomicU64; RECORD_WORDS] = [const { AtomicU64::new(0) }; RECORD_WORDS];
const FIRST: usize = 3;

/// The stack on which the handlers of the thread run that calls the library: its own may be used up.
/// Unwinding takes some kilobytes, the widest registers of a processor about eleven.
const STACK_BYTES: usize = 64 << 10;

/// A thread that crashes while another one writes the record waits for the end of the process, which
/// comes sooner than this.
static OTHER_THREAD: libc::timespec = libc::timespec { tv_sec: 2, tv_nsec: 0 };

/// What the callback of the unwinder returns.
const GO_ON: libc::c_int = 0;
const ENOUGH: libc::c_int = 5;

type Context = libc::c_void;
type Visit = extern "C" fn(*mut Context, *mut libc::c_void) -> libc::c_int;

// In the library that Rust's own panics use. It takes no lock where glibc has `_dl_find_object`;
// elsewhere it may wait for one for ever, and the stage ends that.
unsafe extern "C" {
    fn _Unwind_Backtrace(visit: Visit, walk: *mut libc::c_void) -> libc::c_int;
    fn _Unwind_GetIPInfo(context: *mut Context, is_exact: *mut libc::c_int) -> usize;
}

/// Installs the handlers, for every thread, and for this one the stack on which they run. Returns
/// the address of the record.
///
/// # Errors
/// Those of the system. Comes before the filters, which would refuse some of it.
pub(crate) fn install_handlers() -> io::Result<u64> {
    // What is made ready on first use is made ready now. No frame has this address.
    walk_from(0);
    use_own_stack()?;
    for signal in CRASH_SIGNALS {
        // Not reset by the kernel at the first one: a second thread that crashed while the way of the
        // first is walked would end the process in the middle of it.
        let flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
        set_action(signal, (on_crash as *const ()).addr(), flags)?;
    }
    Ok(RECORD.as_ptr().addr() as u64)
}

fn set_action(signal: i32, handler: libc::sighandler_t, flags: i32) -> io::Result<()> {
    // SAFETY: zeros are a value of it: no flags, no signals, the default action.
    let mut action = unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() };
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    // SAFETY: `action` lives through the call. What it names is `SIG_DFL` or [`on_crash`], which has
    // the type that SA_SIGINFO asks for and does only what a handler may.
    checked(unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) }.into())
        .map(drop)
}

/// Gives this thread a stack for handlers, with a page below it that nobody can write to. Never
/// freed.
fn use_own_stack() -> io::Result<()> {
    const GUARD_BYTES: usize = 64 << 10;
    let (none, kind) = (libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    let bytes = GUARD_BYTES + STACK_BYTES;
    // SAFETY: asks for new memory.
    let memory = unsafe { libc::mmap(std::ptr::null_mut(), bytes, none, kind, -1, 0) };
    if memory == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    let stack = memory.wrapping_byte_add(GUARD_BYTES);
    let rw = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: the upper part of the new memory, which nobody else knows.
    checked(unsafe { libc::mprotect(stack, STACK_BYTES, rw) }.into())?;
    let new = libc::stack_t { ss_sp: stack, ss_flags: 0, ss_size: STACK_BYTES };
    // SAFETY: the memory is writable, has this size, and is never freed.
    checked(unsafe { libc::sigaltstack(&raw const new, std::ptr::null_mut()) }.into()).map(drop)
}

extern "C" fn on_crash(signal: i32, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: asks for a number.
    let thread = unsafe { libc::gettid() }.cast_unsigned().into();
    let [owner, ..] = head();
    match owner.compare_exchange(0, thread, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => record(signal, context),
        // The way that led here could not be walked: what was found is what there is.
        Err(owner) if owner == thread => {}
        // SAFETY: the time lives through the call, and nothing else is written.
        Err(_) => drop(unsafe { libc::nanosleep(&raw const OTHER_THREAD, std::ptr::null_mut()) }),
    }
    // Now for good. If the signal is blocked it waits, this returns, and what has crashed does so
    // again.
    let _ = set_action(signal, libc::SIG_DFL, 0);
    // SAFETY: numbers only; the signal ends this very process.
    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), libc::gettid(), signal) };
}

/// The words before the addresses: owner, signal, count.
fn head() -> [&'static AtomicU64; FIRST] {
    let [owner, signal, count, ..] = &RECORD;
    [owner, signal, count]
}

/// Whether there is room for another address after this one.
fn push(address: usize) -> bool {
    let [_, _, counter] = head();
    let count = counter.load(Ordering::Acquire);
    let index = usize::try_from(count).unwrap_or(usize::MAX).saturating_add(FIRST);
    let Some(slot) = RECORD.get(index) else { return false };
    slot.store(address as u64, Ordering::Release);
    counter.store(count.saturating_add(1), Ordering::Release);
    index + 1 < RECORD_WORDS
}

fn record(signal: i32, context: *mut libc::c_void) {
    let [_, number, count] = head();
    number.store(signal.cast_unsigned().into(), Ordering::Release);
    // SAFETY: the kernel passes a `ucontext_t` to a handler with SA_SIGINFO. A library that calls
    // this function itself answers for what it passes.
    let Some(context) = (unsafe { context.cast::<libc::ucontext_t>().as_ref() }) else { return };
    let (address, caller) = places(context);
    push(address);
    walk_from(address);
    if count.load(Ordering::Acquire) == 1
        && let Some(caller) = caller()
    {
        // Nothing is known of that place: most often a call of a pointer that leads nowhere.
        push(caller.wrapping_sub(1));
    }
}

/// Where a thread was interrupted, and who had called, if it had only just arrived there.
#[cfg(target_arch = "x86_64")]
fn places(context: &libc::ucontext_t) -> (usize, impl Fn() -> Option<usize>) {
    let register = |number: libc::c_int| {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        let value = context.uc_mcontext.gregs.get(index).copied().unwrap_or(0);
        usize::try_from(value.cast_unsigned()).unwrap_or(0)
    };
    let stack = register(libc::REG_RSP);
    let caller = move || {
        let place = std::ptr::with_exposed_provenance::<usize>(stack);
        // SAFETY: the thread's own stack. If the library has led the register elsewhere this may
        // fault; that keeps what was found, and ends the process as the first fault does.
        place.is_aligned().then(|| unsafe { place.read_volatile() })
    };
    (register(libc::REG_RIP), caller)
}

/// As above.
#[cfg(target_arch = "aarch64")]
fn places(context: &libc::ucontext_t) -> (usize, impl Fn() -> Option<usize>) {
    const LINK: usize = 30;
    let address = |value: u64| usize::try_from(value).unwrap_or(0);
    let link = context.uc_mcontext.regs.get(LINK).copied().map(address);
    (address(context.uc_mcontext.pc), move || link)
}

/// The frames of this thread beyond the one that was interrupted at `address`.
struct Walk {
    address: usize,
    is_beyond: bool,
}

fn walk_from(address: usize) {
    let mut walk = Walk { address, is_beyond: false };
    // SAFETY: `visit` has the type that is asked for, and `walk` lives through the call.
    unsafe { _Unwind_Backtrace(visit, (&raw mut walk).cast()) };
}

extern "C" fn visit(context: *mut Context, walk: *mut libc::c_void) -> libc::c_int {
    // SAFETY: this is what `walk_from` passes, and it lives there.
    let Some(walk) = (unsafe { walk.cast::<Walk>().as_mut() }) else { return ENOUGH };
    let mut is_exact = 0;
    // SAFETY: the unwinder passes its context, and `is_exact` lives through the call.
    let address = unsafe { _Unwind_GetIPInfo(context, &raw mut is_exact) };
    if !walk.is_beyond {
        walk.is_beyond = walk.address == address;
        return GO_ON;
    }
    // A return address lies behind the call, which may be the last instruction of its function.
    let address = if is_exact == 0 { address.wrapping_sub(1) } else { address };
    if push(address) { GO_ON } else { ENOUGH }
}
