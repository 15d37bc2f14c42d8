//! `wrun:echo`: every WIT value type, back and forth, for tests and benchmarks.
//!
//! Each module implements the interface of its name; `wit/` says what each function does.

mod bytes;
mod compound;
mod config;
mod faults;
mod resources;
mod scalars;
#[cfg(test)]
mod tests;
mod wide;

wrun_bundle::generate!({
    path: "wit",
    world: "bundle",
});

/// The bundle. Its state is in the modules.
struct Echo;

export!(Echo);

impl Guest for Echo {
    fn greet(name: String) -> String {
        let greeting = config::get("greeting").unwrap_or_else(|| "Hello".to_string());
        format!("{greeting}, {name}!")
    }
}

impl exports::wrun::versions1_0_0::which::Guest for Echo {
    fn which() -> String {
        "1.0.0".to_string()
    }
}

impl exports::wrun::versions2_1_0::which::Guest for Echo {
    fn which() -> String {
        "2.1.0".to_string()
    }
}
