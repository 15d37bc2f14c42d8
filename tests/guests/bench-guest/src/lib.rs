//! Loops over calls of the bundle echo, to be timed from outside: see `wit/world.wit`.

wit_bindgen::generate!({
    path: ["../../../bundles/echo/wit", "wit"],
    world: "tests:bench-guest/bench-guest",
    generate_all,
    additional_derives: [PartialEq],
});

use std::hint::black_box;

use wrun::echo::bytes::{self, Row};
use wrun::echo::scalars;

struct Bench;

impl Guest for Bench {
    fn run_add(n: u32) {
        let mut sum = 0;
        for _ in 0..n {
            sum = scalars::add(black_box(sum), 1);
        }
        assert_eq!(sum, n, "add returned a wrong sum");
    }

    fn run_bytes(size: u32, n: u32) {
        let sent: Vec<u8> = (0..size).map(|i| i.to_le_bytes()[0]).collect();
        let received = last_of(n, || bytes::echo(black_box(&sent)));
        assert!(received.is_none_or(|received| received == sent), "echo returned other bytes");
    }

    fn run_records(count: u32, n: u32) {
        let row = |id| Row { id, name: format!("row {id}"), value: f64::from(id) / 3.0 };
        let sent: Vec<Row> = (0..count).map(row).collect();
        let received = last_of(n, || bytes::records(black_box(&sent)));
        assert!(received.is_none_or(|received| received == sent), "records returned other rows");
    }
}

/// What the last of `n` calls returned; none for no calls.
fn last_of<T>(n: u32, call: impl Fn() -> T) -> Option<T> {
    (0..n).fold(None, |_, _| Some(call()))
}

export!(Bench);
