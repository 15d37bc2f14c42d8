//! Handles in every position.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::Echo;
use crate::exports::wrun::echo::more;
use crate::exports::wrun::echo::resources::{
    Counter, CounterBorrow, Either, Guest, GuestCounter, GuestLabel, Label, LabelBorrow, Named,
};

/// How many counters exist.
static LIVE: AtomicU32 = AtomicU32::new(0);
/// The counter that the bundle keeps.
static STASH: Mutex<Option<Counter>> = Mutex::new(None);

/// The value of a `counter`.
pub(crate) struct Number(Cell<u32>);

impl Number {
    fn starting_at(start: u32) -> Self {
        LIVE.fetch_add(1, Ordering::Relaxed);
        Self(Cell::new(start))
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The value of a `label`.
pub(crate) struct Text(String);

impl GuestCounter for Number {
    fn new(start: u32) -> Self {
        Self::starting_at(start)
    }

    fn increment(&self, by: u32) -> u32 {
        #[expect(clippy::expect_used, reason = "the interface promises a failure")]
        let sum = self.0.get().checked_add(by).expect("the counter overflowed");
        self.0.set(sum);
        sum
    }

    fn value(&self) -> u32 {
        self.0.get()
    }

    fn parse(text: String) -> Result<Counter, String> {
        let start = text.parse().map_err(|error| format!("`{text}` is not a number: {error}"))?;
        Ok(Counter::new(Self::starting_at(start)))
    }

    fn sum(a: CounterBorrow<'_>, b: CounterBorrow<'_>) -> Counter {
        let sum = a.get::<Self>().value().wrapping_add(b.get::<Self>().value());
        Counter::new(Self::starting_at(sum))
    }
}

impl GuestLabel for Text {
    fn new(text: String) -> Self {
        Self(text)
    }

    fn text(&self) -> String {
        self.0.clone()
    }
}

impl Guest for Echo {
    type Counter = Number;
    type Label = Text;

    fn live() -> u32 {
        LIVE.load(Ordering::Relaxed)
    }

    fn consume(counter: Counter) -> u32 {
        counter.get::<Number>().value()
    }

    fn pass(counter: Counter) -> Counter {
        counter
    }

    fn peek(counter: CounterBorrow<'_>) -> u32 {
        counter.get::<Number>().value()
    }

    fn total(counters: Vec<CounterBorrow<'_>>) -> u32 {
        counters.iter().fold(0, |sum, counter| sum.wrapping_add(counter.get::<Number>().value()))
    }

    fn make(start: u32, count: u32) -> Vec<Counter> {
        (0..count).map(|i| Counter::new(Number::starting_at(start.wrapping_add(i)))).collect()
    }

    fn reverse(mut counters: Vec<Counter>) -> Vec<Counter> {
        counters.reverse();
        counters
    }

    fn rename(named: Named) -> Named {
        Named { name: named.name.to_uppercase(), counter: named.counter }
    }

    fn keep_if_positive(counter: Option<Counter>) -> Option<Counter> {
        counter.filter(|counter| counter.get::<Number>().value() > 0)
    }

    fn choose(either: Either) -> Either {
        either
    }

    fn stash(counter: Option<Counter>) -> Option<Counter> {
        let mut stash = STASH.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *stash, counter)
    }
}

impl more::Guest for Echo {
    fn double(counter: CounterBorrow<'_>) -> u32 {
        counter.get::<Number>().value().wrapping_mul(2)
    }

    fn describe(counter: Counter) -> Label {
        Label::new(Text(counter.get::<Number>().value().to_string()))
    }

    fn recount(label: LabelBorrow<'_>) -> Result<Counter, String> {
        Number::parse(label.get::<Text>().text())
    }
}
