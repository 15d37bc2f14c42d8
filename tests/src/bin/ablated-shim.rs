//! `adapter-shim` with one layer of the jail left out: the one that the file `without` beside this
//! program names. For the tests that prove that each layer does something.

use adapter_shim::confine::JAILED;
use adapter_shim::confine::ablation::{LeftOut, Part};

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let argument = arguments.next();
    let name = match argument.as_deref() {
        // Inside of the jail there is no file; the stage passes the name on.
        Some(argument) if argument == JAILED => arguments.next().and_then(|n| n.into_string().ok()),
        _ => named(),
    };
    let part = name.as_deref().and_then(|name| Part::named(name.trim()));
    let left_out = part.map_or(LeftOut::NOTHING, LeftOut::only);
    adapter_shim::run(argument.as_deref(), left_out)
}

fn named() -> Option<String> {
    let program = std::env::current_exe().ok()?;
    std::fs::read_to_string(program.with_file_name("without")).ok()
}
