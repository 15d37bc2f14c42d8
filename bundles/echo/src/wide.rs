//! Many parameters.

use crate::Echo;
use crate::exports::wrun::echo::wide::Guest;

/// The arguments as text, one after the other.
macro_rules! joined {
    ($($argument:expr),* $(,)?) => {
        [$( format!("{:?}", $argument) ),*].join(" ")
    };
}

impl Guest for Echo {
    fn sixteen(
        a: u8,
        b: i8,
        c: u16,
        d: i16,
        e: u32,
        f: i32,
        g: u64,
        h: i64,
        i: f32,
        j: f64,
        k: bool,
        l: char,
        m: String,
        n: u32,
        o: f64,
    ) -> String {
        joined!(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o)
    }

    fn seventeen(
        a: u8,
        b: i8,
        c: u16,
        d: i16,
        e: u32,
        f: i32,
        g: u64,
        h: i64,
        i: f32,
        j: f64,
        k: bool,
        l: char,
        m: String,
        n: u32,
        o: f64,
        p: u8,
    ) -> String {
        joined!(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)
    }

    fn twenty(
        a: u8,
        b: i64,
        c: f32,
        d: String,
        e: bool,
        f: Vec<u16>,
        g: Option<u32>,
        h: f64,
        i: char,
        j: (u8, String),
        k: i8,
        l: u64,
        m: Result<u32, String>,
        n: Vec<String>,
        o: u16,
        p: i16,
        q: u32,
        r: i32,
        s: Option<String>,
        t: f64,
    ) -> String {
        joined!(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t)
    }
}
