//! The processes around one bundle. See [`adapter_shim::run`].

use adapter_shim::confine::ablation::LeftOut;
use protocol::version::SUPPORTED;

fn main() {
    let argument = std::env::args_os().nth(1);
    if argument.as_deref().is_some_and(|argument| argument == "--version") {
        println!("adapter-shim {} (protocol {SUPPORTED})", env!("CARGO_PKG_VERSION"));
        return;
    }
    adapter_shim::run(argument.as_deref(), LeftOut::NOTHING)
}
