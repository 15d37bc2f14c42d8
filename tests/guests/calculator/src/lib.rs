//! Functions to call from outside: `wrun --invoke 'add(1, 2)' calculator.wasm`.

wit_bindgen::generate!({ path: "wit", world: "calculator" });

struct Calculator;

impl Guest for Calculator {
    fn add(a: u32, b: u32) -> u32 {
        a.wrapping_add(b)
    }

    fn divide(dividend: i32, divisor: i32) -> Result<i32, String> {
        dividend
            .checked_div(divisor)
            .ok_or_else(|| format!("cannot divide {dividend} by {divisor}"))
    }

    fn greet(name: String) -> String {
        format!("hello, {name}")
    }

    fn bounds(points: Vec<Point>) -> Option<(Point, Point)> {
        let first = *points.first()?;
        Some(points.iter().fold((first, first), |(low, high), point| {
            let low = Point { x: low.x.min(point.x), y: low.y.min(point.y) };
            (low, Point { x: high.x.max(point.x), y: high.y.max(point.y) })
        }))
    }

    fn fail(message: String) {
        panic!("{message}");
    }
}

export!(Calculator);
