//! Writes the seeds of the target `canon` into `corpus/`: `cargo run --example seeds`.

use std::path::Path;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/canon");
    std::fs::create_dir_all(&folder).expect("a folder for the corpus");
    for (number, seed) in runner_fuzz::canon::seeds().into_iter().enumerate() {
        std::fs::write(folder.join(format!("type-{number:03}")), seed).expect("a seed");
    }
}
