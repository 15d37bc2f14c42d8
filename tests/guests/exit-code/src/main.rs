//! Ends with the code in its first argument, through the function of WASI 0.2 that carries one.
//!
//! `std::process::exit` uses the stable function, which knows only success and failure.

wit_bindgen::generate!({ path: "wit", world: "exit-code", generate_all });

fn main() {
    let code = std::env::args().nth(1).and_then(|code| code.parse().ok());
    let Some(code) = code else {
        eprintln!("usage: exit-code CODE (0 to 255)");
        std::process::exit(1);
    };
    wasi::cli::exit::exit_with_code(code);
}
