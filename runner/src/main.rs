//! The `wrun` program.

fn main() -> std::process::ExitCode {
    wrun::cli::main()
}
