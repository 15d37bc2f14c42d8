//! Asks the fake bundle for what the arguments name, one after the other, and prints what it gets:
//! `ask truth text take=1000 thing drop`. `neighbour` asks the echo bundle.

wit_bindgen::generate!({
    path: ["../../fixtures/fake/wit", "../../../bundles/echo/wit", "wit"],
    world: "tests:ask/ask",
    generate_all,
});

use test::fake::values::{self, Other, Thing};

#[derive(Default)]
struct Held {
    things: Vec<Thing>,
    others: Vec<Other>,
}

fn main() {
    let mut held = Held::default();
    for word in std::env::args().skip(1) {
        let answer = held.ask(&word).unwrap_or_else(|| simple(&word));
        println!("{word}: {answer}");
    }
}

impl Held {
    /// What has to do with resources; they are kept until the end, or until `drop`.
    fn ask(&mut self, word: &str) -> Option<String> {
        match word {
            "thing" => self.things.push(Thing::new()),
            "other" => self.others.push(Other::new()),
            "things" => self.things.extend(values::things()),
            "thing-number" => return Some(self.things.last()?.number().to_string()),
            "give" => return Some(values::give(self.things.pop()?).to_string()),
            "drop" => drop(self.things.pop()?),
            // What is held is not dropped: nothing is asked of the bundle any more.
            "forget" => std::process::exit(0),
            _ => return None,
        }
        Some(format!("{} and {}", self.things.len(), self.others.len()))
    }
}

fn simple(word: &str) -> String {
    match word {
        "neighbour" => wrun::echo::scalars::add(20, 22).to_string(),
        "nothing" => {
            values::nothing();
            "nothing".to_owned()
        }
        "truth" => values::truth().to_string(),
        "letter" => format!("{:?}", values::letter()),
        "number" => values::number().to_string(),
        "real" => format!("{:016x}", values::real().to_bits()),
        "single" => format!("{:08x}", values::single().to_bits()),
        "text" => format!("{:?}", values::text()),
        "bytes" => format!("{:?}", values::bytes()),
        "numbers" => format!("{:?}", values::numbers()),
        "words" => format!("{:?}", values::words()),
        "pair" => format!("{:?}", values::pair()),
        "color" => format!("{:?}", values::color()),
        "shape" => format!("{:?}", values::shape()),
        "marks" => format!("{:?}", values::marks()),
        "maybe" => format!("{:?}", values::maybe()),
        "outcome" => format!("{:?}", values::outcome()),
        other => match other.strip_prefix("take=").and_then(|size| size.parse().ok()) {
            Some(size) => values::take(&vec![7; size]).to_string(),
            None => {
                eprintln!("ask: unknown word {other:?}");
                std::process::exit(2);
            }
        },
    }
}
