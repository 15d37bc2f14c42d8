//! Asks the fault bundle to do the deeds that the arguments name; the neighbour is asked before.
//! `poke lie` asks for a string that is not UTF-8, `poke answers` for a thousand answers.

wit_bindgen::generate!({
    path: ["../../fixtures/fault/wit", "../../../bundles/echo/wit", "wit"],
    world: "tests:poke/poke",
    generate_all,
});

use test::fault::library::{Deed, do_, lie};

fn main() {
    println!("neighbour: {}", wrun::echo::scalars::add(20, 22));
    let words: Vec<_> = std::env::args().skip(1).collect();
    for word in &words {
        match &**word {
            "lie" => println!("answer: {}", lie()),
            "answers" => {
                for _ in 0..1000 {
                    assert_eq!(do_(Deed::Answer), 42, "no answer is a wrong one");
                }
            }
            word => println!("answer: {}", do_(deed(word))),
        }
    }
}

fn deed(word: &str) -> Deed {
    match word {
        "answer" => Deed::Answer,
        "segfault" => Deed::Segfault,
        "abort" => Deed::Abort,
        "leave" => Deed::Leave,
        "hang" => Deed::Hang,
        "forbidden-call" => Deed::ForbiddenCall,
        "scribble" => Deed::Scribble,
        "close-channel" => Deed::CloseChannel,
        "steal" => Deed::Steal,
        "write-junk" => Deed::WriteJunk,
        "write-too-large" => Deed::WriteTooLarge,
        "answer-and-take" => Deed::AnswerAndTake,
        "flood" => Deed::Flood,
        other => {
            eprintln!("poke: unknown deed {other:?}");
            std::process::exit(2);
        }
    }
}
