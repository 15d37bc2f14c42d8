//! Calls the moods bundle, one call per argument, and prints what came of each. Goes on after an
//! error that it can see.
//!
//! `text=DEED`, `coded=DEED`, `named=DEED`, `plain=DEED`, `count`, `setting`, `new=NUMBER` (kept),
//! `get`, `take`, `drop` (of the thing that was kept last), `tally`, `neighbour`, `loop` (for ever),
//! `read` (waits for the end of standard input).

wit_bindgen::generate!({
    // The echo bundle brings `wrun:bundle` with it, which both use.
    path: ["../../../bundles/echo/wit", "../../fixtures/moods/wit", "wit"],
    world: "tests:moods/moods",
    generate_all,
});

use test::moods::library::{Deed, Thing, coded, count, named, plain, setting, take, tally, text};

fn main() {
    let mut things = Vec::new();
    for step in std::env::args().skip(1) {
        println!("{step}: {}", run(&step, &mut things));
    }
    // Left to the end of the instance.
    std::mem::forget(things);
}

fn run(step: &str, things: &mut Vec<Thing>) -> String {
    let (name, value) = step.split_once('=').unwrap_or((step, ""));
    match name {
        "text" => format!("{:?}", text(deed(value))),
        "coded" => format!("{:?}", coded(deed(value))),
        "named" => format!("{:?}", named(deed(value))),
        "plain" => plain(deed(value)).to_string(),
        "count" => count().to_string(),
        "setting" => setting(),
        "new" => {
            things.push(Thing::new(value.parse().expect("a number")));
            "made".to_owned()
        }
        "get" => things.last().expect("a thing").get().to_string(),
        "take" => take(things.pop().expect("a thing")).to_string(),
        "drop" => {
            drop(things.pop().expect("a thing"));
            "dropped".to_owned()
        }
        "tally" => tally().to_string(),
        "neighbour" => wrun::echo::scalars::add(20, 22).to_string(),
        "loop" => loop {
            std::hint::black_box(());
        },
        "read" => std::io::read_to_string(std::io::stdin()).expect("standard input"),
        other => panic!("unknown step {other}"),
    }
}

fn deed(name: &str) -> Deed {
    match name {
        "answer" => Deed::Answer,
        "segfault" => Deed::Segfault,
        "abort" => Deed::Abort,
        "illegal" => Deed::Illegal,
        "divide" => Deed::Divide,
        "bus" => Deed::Bus,
        "smash-stack" => Deed::SmashStack,
        "overflow-stack" => Deed::OverflowStack,
        "exit-zero" => Deed::ExitZero,
        "exit-many" => Deed::ExitMany,
        "exit-raw" => Deed::ExitRaw,
        "hang" => Deed::Hang,
        "deadlock" => Deed::Deadlock,
        "spin" => Deed::Spin,
        "eat-memory" => Deed::EatMemory,
        "long-file" => Deed::LongFile,
        "throw" => Deed::Throw,
        other => panic!("unknown deed {other}"),
    }
}
