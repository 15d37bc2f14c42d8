//! The processes around one bundle. Trusted until `load`; nobody believes the inner one afterwards.

use adapter_shim::confine::{JAILED, descriptors};
use adapter_shim::conversation::Conversation;
use adapter_shim::end::End;
use adapter_shim::{probe, serve, stage, start};
use protocol::version::SUPPORTED;
use std::io::Write;

fn main() {
    // A mistake in this program must not unwind into the library's frames or be served over.
    std::panic::set_hook(Box::new(|panic| {
        let _ = writeln!(std::io::stderr(), "adapter-shim: internal error: {panic}");
        std::process::abort();
    }));
    match std::env::args_os().nth(1) {
        Some(argument) if argument == "--version" => {
            println!("adapter-shim {} (protocol {SUPPORTED})", env!("CARGO_PKG_VERSION"));
        }
        Some(argument) if argument == "--probe" => {
            if let Err(error) = probe::print() {
                eprintln!("adapter-shim: the report could not be written: {error}");
                std::process::exit(1);
            }
        }
        Some(argument) if argument == JAILED => shim().unwrap_or_else(|end| end).exit(),
        _ => stage::run().map_or_else(End::from, |()| End::Finished).exit(),
    }
}

/// Inside of the jail.
fn shim() -> Result<End, End> {
    // Nothing else is open, apart from the pipe for messages.
    let inherited = descriptors::take().ok_or(stage::StageError::ByHand)?;
    let mut runner = Conversation::new(inherited.channel);
    start::greet(&mut runner)?;
    let plan = start::read_plan(&mut runner)?;
    // The last layers close. The libraries are open, and nothing of them has run.
    let (opened, confined) = start::confine(&mut runner, inherited.bundle, inherited.bell, &plan)?;
    // The bundle's code runs for the first time, in constructors, and then in its `init`.
    let adapter = start::load(&mut runner, opened, confined, &plan)?;
    Ok(serve::serve(runner, adapter))
}
