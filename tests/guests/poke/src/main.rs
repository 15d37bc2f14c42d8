//! Asks the fault bundle to do the deed that the first argument names; the neighbour is asked
//! before. `poke lie` asks for a string that is not UTF-8.

wit_bindgen::generate!({
    path: ["../../fixtures/fault/wit", "../../../bundles/echo/wit", "wit"],
    world: "tests:poke/poke",
    generate_all,
});

use test::fault::library::{Deed, do_, lie};

fn main() {
    println!("neighbour: {}", wrun::echo::scalars::add(20, 22));
    let deed = match std::env::args().nth(1).as_deref() {
        Some("answer") => Deed::Answer,
        Some("segfault") => Deed::Segfault,
        Some("abort") => Deed::Abort,
        Some("leave") => Deed::Leave,
        Some("hang") => Deed::Hang,
        Some("forbidden-call") => Deed::ForbiddenCall,
        Some("lie") => {
            println!("answer: {}", lie());
            return;
        }
        other => {
            eprintln!("poke: unknown deed {other:?}");
            std::process::exit(2);
        }
    };
    println!("answer: {}", do_(deed));
}
