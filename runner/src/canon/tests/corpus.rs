//! The seeds of the fuzz target `canon`, and some that were changed.

use super::differential::Cases;
use super::roundtrip::runner;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use std::fs;
use std::path::Path;

#[test]
fn seeds_and_changed_seeds_agree_with_the_val_path() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/canon");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let seeds: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(seeds.len() > 100, "the seeds are missing");
    let cases = Cases::new();
    let known = |seed| seeds.contains(seed);
    assert!(cases.seeds().iter().all(known), "the types have changed: write the seeds anew");
    seeds.iter().for_each(|seed| cases.check(seed));
    let change = (any::<Index>(), any::<u8>());
    let strategy = (any::<Index>(), vec(change, 1..4));
    let checked = runner(256).run(&strategy, |(seed, changes)| {
        let mut data = seeds[seed.index(seeds.len())].clone();
        // The type stays: the guests are compiled already.
        let spelled = data.len() - 1;
        for (at, byte) in changes.into_iter().filter(|_| spelled > 0) {
            data[1 + at.index(spelled)] = byte;
        }
        cases.check(&data);
        Ok(())
    });
    checked.unwrap();
}
