//! The README shows the example as it is, and every copy of a shipped WIT file is the same.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display())).unwrap()
}

#[test]
fn the_readme_shows_the_files_of_the_example() {
    let readme = read("README.md");
    for (file, language) in [
        ("Cargo.toml", "toml"),
        ("wit/world.wit", "wit"),
        ("src/lib.rs", "rust"),
        ("bundle.toml", "toml"),
    ] {
        let shown = format!("```{language}\n{}```", read(&format!("examples/greeter/{file}")));
        assert!(
            readme.contains(&shown),
            "README.md does not show examples/greeter/{file} as it is"
        );
    }
}

#[test]
fn copies_of_the_lifecycle_package_are_the_same() {
    let shipped = read("../wit/wrun-bundle/lifecycle.wit");
    let bundles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bundles");
    let bundles = fs::read_dir(bundles).unwrap().map(|entry| entry.unwrap().path());
    let mut copies: Vec<PathBuf> =
        bundles.map(|bundle| bundle.join("wit/deps/wrun-bundle/lifecycle.wit")).collect();
    copies.retain(|copy| copy.exists());
    assert!(!copies.is_empty());
    copies.push(PathBuf::from("examples/greeter/wit/deps/wrun-bundle/lifecycle.wit"));
    for copy in copies {
        assert_eq!(read(&copy.display().to_string()), shipped, "{}", copy.display());
    }
}
