//! The processes around one bundle: the *stage* builds a jail and watches it from outside; the
//! *shim* inside takes its channel, loads the library, serves.
//!
//! The modules in the order of the way:
//!
//! - [`stage`]: outside of the jail, until the shim has ended.
//! - [`confine`]: the jail, from inside, one file per layer.
//! - [`channel`]: whole frames over the socket.
//! - [`conversation`]: what may be said when.
//! - [`start`]: greeting, plan, confinement, loading; one function each.
//! - [`permit`]: who answers for running a bundle's code.
//! - [`native`]: the library. The only unsafe code.
//! - [`serve`]: one request, one answer.
//! - [`end`]: how the process ends.
//! - [`probe`]: what the machine gives, for `wrun doctor`; not on the way of a run.
//!
//! `wrun --in-process` uses [`native::Adapter`] alone, with a permit that says who takes the blame.

pub mod channel;
pub mod confine;
pub mod conversation;
pub mod end;
pub mod native;
pub mod permit;
pub mod probe;
pub mod serve;
pub mod stage;
pub mod start;

use confine::ablation::LeftOut;
use confine::{JAILED, descriptors};
use conversation::Conversation;
use end::End;
use std::ffi::OsStr;
use std::io::Write as _;

/// The program: the stage, or with the argument [`JAILED`] the shim that it executes. Trusted until
/// `load`; nobody believes the shim afterwards.
pub fn run(argument: Option<&OsStr>, left_out: LeftOut) -> ! {
    // A mistake in this program must not unwind into the library's frames or be served over.
    std::panic::set_hook(Box::new(|panic| {
        let _ = writeln!(std::io::stderr(), "adapter-shim: internal error: {panic}");
        std::process::abort();
    }));
    let end = match argument {
        Some(argument) if argument == JAILED => shim(left_out).unwrap_or_else(|end| end),
        _ => stage::run(left_out).map_or_else(End::from, |()| End::Finished),
    };
    end.exit()
}

/// Inside of the jail, top to bottom.
fn shim(left_out: LeftOut) -> Result<End, End> {
    // Nothing else is open, apart from the pipe for messages.
    let inherited = descriptors::take().ok_or(stage::StageError::ByHand)?;
    let mut runner = Conversation::new(inherited.channel);
    start::greet(&mut runner)?;
    let plan = start::read_plan(&mut runner)?;
    // The last layers close. The libraries are open, and nothing of them has run.
    let (bundle, bell) = (inherited.bundle, inherited.bell);
    let (opened, confined) = start::confine(&mut runner, bundle, bell, left_out, &plan)?;
    // The bundle's code runs for the first time, in constructors, and then in its `init`.
    let adapter = start::load(&mut runner, opened, confined, &plan)?;
    Ok(serve::serve(runner, adapter))
}
