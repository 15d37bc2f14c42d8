//! docs/grants.md says what the code does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use wrun::BundleOptions;
use wrun::operator::{Hosts, Kind, Limit, from_command_line};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

fn document() -> String {
    read("docs/grants.md")
}

/// The cells of the table whose first column is called `name`.
fn rows(name: &str) -> Vec<Vec<String>> {
    let text = document();
    let (_, table) = text.split_once(&format!("| {name} |")).expect("the table is there");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let cell = |cell: &str| cell.trim().to_owned();
    rows.map(|row| row.trim_matches('|').split('|').map(cell).collect()).collect()
}

#[test]
fn the_table_of_limits_is_that_of_the_code() {
    let options = BundleOptions::default();
    let code = Limit::ALL.map(|limit| (limit.name().to_owned(), limit.of(&options).to_string()));
    let table: Vec<_> = rows("limit")
        .into_iter()
        .map(|row| (row[0].replace('`', ""), row[1].replace('`', "")))
        .collect();
    assert_eq!(table, code);
}

#[test]
fn every_kind_of_grant_is_in_the_table_and_no_other() {
    let mut table: Vec<String> = rows("grant")
        .iter()
        .flat_map(|row| row[0].split(", ").map(str::to_owned).collect::<Vec<_>>())
        .map(|grant| grant.trim_matches('`').split('=').next().unwrap().to_owned())
        .collect();
    table.dedup();
    assert_eq!(table, Kind::ALL.map(Kind::name));
}

#[test]
fn the_examples_of_a_hosts_file_are_some() {
    for document in ["docs/grants.md", "bundles/pkcs11/README.md"] {
        let text = read(document);
        let (_, example) = text.split_once("```toml\n").unwrap();
        let (example, _) = example.split_once("```").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts.toml");
        fs::write(&path, example).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let hosts = Hosts::read(&path).unwrap_or_else(|error| panic!("{document}: {error}"));
        let declared = &hosts.bundles["pkcs11"];
        assert_eq!(declared.settings.grants.len(), 3, "{document}");
        assert!(declared.config.contains_key("pin"), "{document}");
    }
}

#[test]
fn every_example_on_a_command_line_is_read() {
    let text = document();
    let words = text.split_whitespace().map(|word| word.trim_matches(['`', ':', ',', '.']));
    let words: Vec<_> = words.collect();
    let grants: Vec<String> = words
        .windows(2)
        .filter(|pair| pair[0] == "--grant" && pair[1].contains(':') && !pair[1].contains("WHAT"))
        .map(|pair| pair[1].to_owned())
        .collect();
    assert!(grants.len() >= 2, "{grants:?}");
    for grant in grants {
        from_command_line(&[grant], Path::new("/")).unwrap_or_else(|error| panic!("{error}"));
    }
}
