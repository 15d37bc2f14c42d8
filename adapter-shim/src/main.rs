//! The processes around one bundle. See [`adapter_shim::run`].

use adapter_shim::confine::ablation::LeftOut;
use adapter_shim::probe;
use protocol::version::SUPPORTED;

fn main() {
    let argument = std::env::args_os().nth(1);
    let is = |word: &str| argument.as_deref().is_some_and(|argument| argument == word);
    if is("--version") {
        println!("adapter-shim {} (protocol {SUPPORTED})", env!("CARGO_PKG_VERSION"));
    } else if is("--probe") {
        if let Err(error) = probe::print() {
            eprintln!("adapter-shim: the report could not be written: {error}");
            std::process::exit(1);
        }
    } else {
        adapter_shim::run(argument.as_deref(), LeftOut::NOTHING)
    }
}
