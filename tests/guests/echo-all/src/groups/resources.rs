//! Handles in every position, and when what they stand for is dropped.

use crate::bindings::wrun::echo::more::{describe, double, recount};
use crate::bindings::wrun::echo::resources::*;
use crate::report::Report;

pub fn check(report: &mut Report) {
    let before = live();
    methods(report);
    drops(report);
    owned(report);
    borrowed(report);
    in_lists(report);
    in_compounds(report);
    stashed(report);
    across_interfaces(report);
    report.equal("nothing-leaks", before, live());
}

fn methods(report: &mut Report) {
    let counter = Counter::new(40);
    report.equal("increment", 42, counter.increment(2));
    report.equal("value", 42, counter.value());
    report.equal("text", "aß", Label::new("aß").text());
    report.equal("parse", Ok::<_, String>(17), Counter::parse("17").map(|it| it.value()));
    report.equal("parse-error", true, Counter::parse("seventeen").is_err());
    let sum = Counter::sum(&counter, &Counter::new(8));
    report.equal("sum", (42, 50), (counter.value(), sum.value()));
    report.equal("sum-of-one", 84, Counter::sum(&counter, &counter).value());
}

fn drops(report: &mut Report) {
    let before = live();
    let counters: Vec<Counter> = (0..100).map(Counter::new).collect();
    report.equal("live-after-constructors", before + 100, live());
    drop(counters);
    report.equal("live-after-drops", before, live());
}

fn owned(report: &mut Report) {
    let before = live();
    let counter = Counter::new(5);
    counter.increment(1);
    let counter = pass(counter);
    report.equal("pass-same-one", (6, before + 1), (counter.value(), live()));
    report.equal("consume", (6, before), (consume(counter), live()));
}

fn borrowed(report: &mut Report) {
    let (one, two) = (Counter::new(1), Counter::new(2));
    report.equal("peek", 1, peek(&one));
    report.equal("total", 3, total(&[&one, &two]));
    report.equal("total-of-none", 0, total(&[]));
    report.equal("total-of-one-thrice", 6, total(&[&two, &two, &two]));
    report.equal("usable-after-borrows", (2, 3), (one.increment(1), two.increment(1)));
}

fn in_lists(report: &mut Report) {
    report.equal("make", vec![7, 8, 9], values(&make(7, 3)));
    report.equal("make-none", 0, make(7, 0).len());
    report.equal("reverse", vec![9, 8, 7], values(&reverse(make(7, 3))));
    report.equal("reverse-many", 1000, reverse(make(0, 1000)).len());
    report.equal("reverse-none", 0, reverse(Vec::new()).len());
}

fn values(counters: &[Counter]) -> Vec<u32> {
    counters.iter().map(Counter::value).collect()
}

fn in_compounds(report: &mut Report) {
    let named = rename(Named { name: "abc".to_owned(), counter: Counter::new(3) });
    report.equal("rename", ("ABC", 3), (named.name.as_str(), named.counter.value()));

    let before = live();
    let kept = keep_if_positive(Some(Counter::new(4)));
    report.equal("keep-positive", Some(4), kept.as_ref().map(Counter::value));
    report.equal("keep-zero", true, keep_if_positive(Some(Counter::new(0))).is_none());
    report.equal("keep-none", true, keep_if_positive(None).is_none());
    report.equal("keep-drops-zero", before + 1, live());

    report.equal("choose-one", "one 5", show(&choose(Either::One(Counter::new(5)))));
    report.equal("choose-other", "other x", show(&choose(Either::Other(Label::new("x")))));
    report.equal("choose-neither", "neither", show(&choose(Either::Neither)));
}

fn show(either: &Either) -> String {
    match either {
        Either::One(counter) => format!("one {}", counter.value()),
        Either::Other(label) => format!("other {}", label.text()),
        Either::Neither => "neither".to_owned(),
    }
}

fn stashed(report: &mut Report) {
    let before = live();
    report.equal("stash-first", true, stash(Some(Counter::new(1))).is_none());
    report.equal("stash-lives-in-bundle", before + 1, live());
    let value = |counter: Option<Counter>| counter.map(|it| it.value());
    report.equal("stash-second", Some(1), value(stash(Some(Counter::new(2)))));
    report.equal("stash-none", Some(2), value(stash(None)));
    report.equal("stash-empty", None::<u32>, value(stash(None)));
}

fn across_interfaces(report: &mut Report) {
    let counter = Counter::new(21);
    report.equal("double", (42, 21), (double(&counter), counter.value()));
    let label = describe(counter);
    report.equal("describe", "21", label.text());
    report.equal("recount", Ok::<_, String>(21), recount(&label).map(|it| it.value()));
    report.equal("recount-error", true, recount(&Label::new("no number")).is_err());
}
