//! `adapter-shim` with layers of the jail left out: those that the file `without` beside this program
//! names. For the tests that prove that each layer does something, and the benchmark of its cost.

use adapter_shim::confine::JAILED;
use adapter_shim::confine::ablation::LeftOut;

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let argument = arguments.next();
    let name = match argument.as_deref() {
        // Inside of the jail there is no file; the stage passes the name on.
        Some(argument) if argument == JAILED => arguments.next().and_then(|n| n.into_string().ok()),
        _ => named(),
    };
    let left_out = LeftOut::named(&name.unwrap_or_default());
    adapter_shim::run(argument.as_deref(), left_out)
}

fn named() -> Option<String> {
    let program = std::env::current_exe().ok()?;
    std::fs::read_to_string(program.with_file_name("without")).ok()
}
