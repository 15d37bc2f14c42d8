//! The bundle that the tests call, written as an author would.

wrun_bundle::generate!({
    path: "tests/wit",
    world: "bundle",
    additional_derives: [PartialEq],
    with: { "test:sdk/colours@0.1.0": crate::bundle::colours },
});

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use exports::test::sdk::things::{self, Bomb, GuestBomb, GuestThing, Thing, ThingBorrow};
use exports::test::sdk::values::{self, Shape as OwnShape};
use test::sdk::shapes::Point;

/// What `with` maps the interface `colours` onto.
pub(crate) mod colours {
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub(crate) struct Colour {
        pub(crate) red: u8,
        pub(crate) green: u8,
        pub(crate) blue: u8,
    }
}

struct Bundle;

export!(Bundle);

static LIVE: AtomicU32 = AtomicU32::new(0);

impl Guest for Bundle {
    fn answer() -> u32 {
        42
    }

    fn is_text(shape: Shape) -> bool {
        matches!(shape, Shape::Text(_))
    }
}

impl values::Guest for Bundle {
    fn concat(parts: Vec<String>) -> String {
        parts.concat()
    }

    fn add_points(a: Point, b: Point) -> Point {
        Point { x: a.x + b.x, y: a.y + b.y }
    }

    fn invert(colour: colours::Colour) -> colours::Colour {
        let colours::Colour { red, green, blue } = colour;
        colours::Colour { red: !red, green: !green, blue: !blue }
    }

    fn same_shape(shape: OwnShape) -> OwnShape {
        shape
    }

    fn reverse_shapes(mut shapes: Vec<OwnShape>) -> Vec<OwnShape> {
        shapes.reverse();
        shapes
    }

    #[rustfmt::skip]
    fn wide(
        a: u8, b: u16, c: u32, d: u64, e: f32, f: f64, g: bool, h: char, i: String,
        j: i8, k: i16, l: i32, m: i64, n: u8, o: u8, p: u8, q: String,
    ) -> String {
        format!("{a} {b} {c} {d} {e} {f} {g} {h} {i} {j} {k} {l} {m} {n} {o} {p} {q}")
    }

    fn reverse_fixed(mut items: [u16; 3]) -> [u16; 3] {
        items.reverse();
        items
    }

    fn join_fixed(parts: [String; 2]) -> String {
        parts.join("+")
    }

    fn double_values(entries: BTreeMap<String, u32>) -> BTreeMap<String, u32> {
        entries.into_iter().map(|(key, value)| (key, value * 2)).collect()
    }

    fn sizes(bytes: Vec<u8>, text: String) -> u32 {
        u32::try_from(bytes.len() * 100 + text.len()).unwrap()
    }

    fn fail(message: String) -> String {
        panic!("{message}")
    }
}

pub(crate) struct Item(u32);

impl Item {
    fn counted(id: u32) -> Self {
        LIVE.fetch_add(1, Ordering::Relaxed);
        Self(id)
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

impl GuestThing for Item {
    fn new(id: u32) -> Self {
        Self::counted(id)
    }

    fn id(&self) -> u32 {
        self.0
    }

    #[rustfmt::skip]
    fn sum(
        &self, a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8,
        i: u8, j: u8, k: u8, l: u8, m: u8, n: u8, o: u8, p: u8,
    ) -> u32 {
        let all = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p];
        self.0 + all.into_iter().map(u32::from).sum::<u32>()
    }

    fn try_new(id: u32) -> Result<Thing, String> {
        if id == 0 { Err("zero".to_string()) } else { Ok(Thing::new(Self::counted(id))) }
    }
}

pub(crate) struct Charge(String);

impl GuestBomb for Charge {
    fn new(message: String) -> Self {
        Self(message)
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        panic!("{}", self.0)
    }
}

impl things::Guest for Bundle {
    type Thing = Item;
    type Bomb = Charge;

    fn live() -> u32 {
        LIVE.load(Ordering::Relaxed)
    }

    fn total(things: Vec<ThingBorrow<'_>>) -> u32 {
        things.iter().map(|thing| thing.get::<Item>().0).sum()
    }

    fn swap(a: Thing, b: Thing) -> Vec<Thing> {
        vec![b, a]
    }

    fn drop_thing(thing: Thing) {
        drop(thing);
    }

    fn panic_holding(_bomb: Bomb, message: String) {
        panic!("{message}")
    }
}
