//! The table of docs/faults.md says what really happens: each line is run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::collections::BTreeSet;
use tests::{Moods, root};

/// How to make a fault happen: a macro of the library, options, steps before, and the failing one.
struct Recipe {
    fault: &'static str,
    define: Option<&'static str>,
    options: &'static [&'static str],
    before: &'static [&'static str],
    step: &'static str,
}

const fn in_call(fault: &'static str, step: &'static str) -> Recipe {
    Recipe { fault, define: None, options: &[], before: &[], step }
}

const fn at_start(fault: &'static str, define: &'static str) -> Recipe {
    let options = &["--grant", "moods:load-timeout=500ms"];
    Recipe { fault, define: Some(define), options, before: &[], step: "text=answer" }
}

const RECIPES: &[Recipe] = &[
    in_call("segmentation fault", "text=segfault"),
    in_call("abort", "text=abort"),
    in_call("recursion without end", "text=overflow-stack"),
    in_call("exit with code 0", "text=exit-zero"),
    in_call("exit with another code", "text=exit-many"),
    Recipe { options: &["--call-timeout", "500ms"], ..in_call("call that hangs", "text=hang") },
    Recipe {
        options: &["--grant", "moods:cpu=1s"],
        ..in_call("processor time used up", "text=spin")
    },
    Recipe {
        options: &["--grant", "moods:memory=128M"],
        ..in_call("memory used up", "text=eat-memory")
    },
    Recipe {
        options: &["--supervise", "moods:restart-budget=0"],
        before: &["coded=abort"],
        ..in_call("failed too often", "text=answer")
    },
    Recipe {
        options: &["--supervise", "moods:restart=never"],
        before: &["coded=abort"],
        ..in_call("failed, and `restart = \"never\"`", "text=answer")
    },
    Recipe {
        before: &["new=1", "coded=abort"],
        ..in_call("resource of a process that has ended", "get")
    },
    at_start("crash while loading", "CRASH_WHILE_LOADING"),
    at_start("hang while loading", "HANG_WHILE_LOADING"),
    at_start("library with a missing symbol", "NEEDS_MORE"),
];

/// The cells of each line of the table of faults.
fn lines() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(root().join("docs/faults.md")).unwrap();
    let (_, table) = text.split_once("| fault | kind |").expect("the table");
    let lines = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let cells =
        |line: &str| line.trim_matches('|').split(" | ").map(|c| c.trim().to_owned()).collect();
    lines.map(cells).collect()
}

fn moods(recipe: &Recipe) -> Moods {
    Moods::new(recipe.define).options(recipe.options)
}

#[test]
fn each_line_of_the_table_is_what_happens() {
    let lines = lines();
    let faults: BTreeSet<_> = lines.iter().map(|line| line[0].as_str()).collect();
    let known: BTreeSet<_> = RECIPES.iter().map(|recipe| recipe.fault).collect();
    assert_eq!(faults, known, "every line has a recipe, and every recipe a line");
    for recipe in RECIPES {
        let line = lines.iter().find(|line| line[0] == recipe.fault).unwrap();
        let [_, _, operator, guest, code] = line.as_slice() else { panic!("{line:?}") };
        let operator = format!("bundle `moods`: {}", operator.trim_end_matches('…'));
        let mut steps = recipe.before.to_vec();
        steps.extend([recipe.step, "neighbour"]);
        // Steps before need the guest to go on; then only what cannot be told stops it.
        let stopped = if recipe.before.is_empty() { moods(recipe) } else { moods(recipe).errors() };
        let run = stopped.run(&steps);
        assert!(run.stderr.contains(&operator), "{}: {}", recipe.fault, run.stderr);
        let is_told = !guest.starts_with("cannot be told") && guest != "does not run";
        if recipe.before.is_empty() || !is_told {
            run.expect_code(code.parse().unwrap());
        }
        if is_told {
            let run = moods(recipe).errors().run(&steps);
            run.expect_code(0).expect_stdout("neighbour: 42\n").expect_stderr(&operator);
            let text = format!("{}: Err(\"bundle `moods` failed: {guest}\")", recipe.step);
            run.expect_stdout(&text);
        }
    }
}
