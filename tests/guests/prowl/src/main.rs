//! Has the evil bundle try its probes: `prowl SITE [NAME ...]`, where SITE is `call`, `thread` or
//! `constructor`. Without names, all that can be run one after the other. Standard input is the
//! probes' argument. Prints `NAME ...` before each probe and its result after it, so that one that
//! ends the process is known. `prowl list` prints all probes, `prowl look-around` what the library
//! was started with; `prowl neighbour` leaves the evil bundle alone.

wit_bindgen::generate!({
    path: ["../../fixtures/evil/wit", "../../../bundles/echo/wit", "wit"],
    world: "tests:prowl/prowl",
    generate_all,
});

use std::io::{Read as _, Write as _};
use test::evil::probes;

struct Probe {
    index: u32,
    title: String,
}

impl Probe {
    /// The second word; the first is the number of the case.
    fn name(&self) -> &str {
        self.title.split(' ').nth(1).unwrap_or_default()
    }

    fn is_alone(&self) -> bool {
        self.title.ends_with(" alone")
    }
}

fn main() {
    println!("neighbour: {}", wrun::echo::scalars::add(20, 22));
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == ["neighbour"] {
        return;
    }
    let all: Vec<_> =
        (0..probes::count()).map(|index| Probe { index, title: probes::name(index) }).collect();
    match arguments.split_first() {
        Some((site, [])) if site == "list" => {
            all.iter().for_each(|probe| println!("{}", probe.title))
        }
        Some((site, [])) if site == "look-around" => print!("{}", probes::look_around()),
        Some((site, names)) => prowl(site, names, &all),
        None => stop("which site?"),
    }
    println!("answer: {}", probes::answer());
    println!("neighbour: {}", wrun::echo::scalars::add(40, 2));
}

fn prowl(site: &str, names: &[String], all: &[Probe]) {
    let run = match site {
        "call" => probes::run,
        "thread" => probes::run_in_thread,
        "constructor" => |index, _: &str| probes::in_constructor(index),
        _ => stop("no such site"),
    };
    let mut argument = String::new();
    if let Err(error) = std::io::stdin().read_to_string(&mut argument) {
        stop(&error.to_string());
    }
    let named = |name: &String| {
        let found = all.iter().find(|probe| probe.name() == name);
        found.unwrap_or_else(|| stop(&format!("no probe {name}")))
    };
    let chosen: Vec<_> = match names {
        [] => all.iter().filter(|probe| !probe.is_alone()).collect(),
        names => names.iter().map(named).collect(),
    };
    for probe in chosen {
        print!("{} ... ", probe.name());
        // A pipe is written to at once or never.
        let _ = std::io::stdout().flush();
        println!("{}", run(probe.index, &argument));
    }
}

fn stop(why: &str) -> ! {
    eprintln!("prowl: {why}");
    std::process::exit(2);
}
