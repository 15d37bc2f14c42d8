//! The process around one bundle. Trusted until `load`; nobody believes it afterwards.

use adapter_shim::confine::descriptors;
use adapter_shim::conversation::Conversation;
use adapter_shim::end::End;
use adapter_shim::{serve, start};
use protocol::version::SUPPORTED;
use std::io::Write;

fn main() {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == "--version") {
        println!("adapter-shim {} (protocol {SUPPORTED})", env!("CARGO_PKG_VERSION"));
        return;
    }
    // A mistake in this program must not unwind into the library's frames or be served over.
    std::panic::set_hook(Box::new(|panic| {
        let _ = writeln!(std::io::stderr(), "adapter-shim: internal error: {panic}");
        std::process::abort();
    }));
    run().unwrap_or_else(|end| end).exit()
}

fn run() -> Result<End, End> {
    // Nothing but the channel, the bundle directory and stderr is open after this.
    let (channel, inherited) = descriptors::take()?;
    let mut runner = Conversation::new(channel);
    start::greet(&mut runner)?;
    let plan = start::read_plan(&mut runner)?;
    // The jail closes.
    let confined = start::confine(&mut runner, &inherited, &plan)?;
    // The bundle's code runs for the first time, in constructors.
    let adapter = start::load(&mut runner, &confined, inherited, &plan)?;
    Ok(serve::serve(runner, adapter))
}
