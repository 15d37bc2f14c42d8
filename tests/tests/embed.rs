//! The library is used as its documentation says: the example runs, and authors can build theirs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::fs;
use std::process::Command;
use tests::{Wrun, bundle, guest, program, programs, root, succeed, target};

#[test]
fn the_embedding_example_links_a_bundle_beside_its_own_functions() {
    let example = programs().join("examples/embed");
    assert!(example.exists(), "{} is missing; cargo builds examples", example.display());
    let mut embed = Command::new(example);
    embed.arg(program("adapter-shim")).arg(bundle("echo")).arg(guest("bench-guest"));
    let printed = succeed(&mut embed);
    assert_eq!(printed, "started: echo\n1000 calls of wrun:echo/scalars.add were right\n");
}

#[test]
fn a_bundle_is_a_wit_folder_a_manifest_of_cargo_and_one_trait_impl() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("greeter_host");
    let built = target().join("authors");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--offline", "--locked", "--target-dir"]).arg(&built);
    succeed(cargo.current_dir(root().join("sdk/examples/greeter")));
    let library = fs::read_dir(built.join("debug"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "so"))
        .expect("the example is a cdylib");
    let source = root().join("sdk/examples/greeter");
    Wrun::new()
        .args(["bundle", "pack", "--library"])
        .arg(library)
        .arg("--source")
        .arg(source)
        .arg("--out")
        .arg(&out)
        .run()
        .expect_code(0)
        .expect_stdout("packed bundle");
    Wrun::new().args(["bundle", "check"]).arg(&out).run().expect_code(0).expect_stdout("serves ");
}
