//! The tables of `PROTOCOL.md` say what the code says: limits, phases, messages, versions.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod common;

use common::document::{TEXT, table, vectors};
use protocol::frame::{HEADER_BYTES, MARK};
use protocol::limits::*;
use protocol::message::Tag;
use protocol::phase::{ANSWERS, Phase, REQUESTS, carries_payload};
use protocol::version::{MAGIC, SUPPORTED};

#[test]
fn every_limit_is_in_the_document_with_its_value() {
    let limits = [
        ("PAYLOAD_BYTES_MAX", PAYLOAD_BYTES_MAX),
        ("HEAD_BYTES_MAX", HEAD_BYTES_MAX),
        ("TEXT_BYTES_MAX", TEXT_BYTES_MAX),
        ("TYPE_DEPTH_MAX", TYPE_DEPTH_MAX as usize),
        ("TYPES_MAX", TYPES_MAX),
        ("FUNCTIONS_MAX", FUNCTIONS_MAX),
        ("RESOURCES_MAX", RESOURCES_MAX),
        ("MEMBERS_MAX", MEMBERS_MAX),
        ("FIXED_LIST_MAX", FIXED_LIST_MAX as usize),
        ("HANDLES_MAX", HANDLES_MAX),
    ];
    let documented: Vec<_> =
        table("Limit").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    assert_eq!(documented, limits.map(|(name, value)| (name.to_owned(), value.to_string())));
    // None of the constants is missing in the list above.
    let source = include_str!("../src/limits.rs");
    assert_eq!(source.matches("pub const ").count(), limits.len());
    assert!(limits.iter().all(|(name, _)| source.contains(&format!("pub const {name}:"))));
}

/// The rows of a table in `phase.rs`, as the document writes them.
fn rows(table: &[(Phase, Tag, Phase)]) -> Vec<Vec<String>> {
    let row = |(from, tag, to): &(Phase, Tag, Phase)| {
        vec![format!("{from:?}"), format!("{tag:?}"), format!("{to:?}")]
    };
    table.iter().map(row).collect()
}

#[test]
fn both_phase_tables_are_the_ones_in_the_code() {
    assert_eq!(table("Phase before the request"), rows(REQUESTS));
    assert_eq!(table("Phase before the answer"), rows(ANSWERS));
}

/// Every message that a table lists for a direction, in the order of the document.
fn check_messages(heading: &str, block: &str, steps: &[(Phase, Tag, Phase)]) {
    let documented = table(heading);
    let vectors = vectors(block);
    for row in &documented {
        let [name, number, _, payload] = &row[..] else { panic!("{row:?}") };
        // The name leads to the tag through the tables, and to the number through the vectors.
        let (_, tag, _) = steps.iter().find(|(_, tag, _)| format!("{tag:?}") == *name).unwrap();
        assert_eq!(payload != "-", carries_payload(*tag), "payload of {name}");
        let vector = vectors.iter().find(|line| line[0].split(' ').next() == Some(name));
        let head = &vector.unwrap_or_else(|| panic!("no vector of {name}"))[1];
        assert_eq!(u8::from_str_radix(&head[..2], 16).unwrap().to_string(), *number, "{name}");
    }
    let tags: std::collections::BTreeSet<_> =
        steps.iter().map(|(_, tag, _)| format!("{tag:?}")).collect();
    let names = documented.iter().map(|row| row[0].clone()).collect();
    assert_eq!(tags, names, "messages of the table `{heading}`");
}

#[test]
fn every_message_is_in_the_document_with_its_number_and_payload() {
    check_messages("To the shim", "to-shim", REQUESTS);
    check_messages("To the runner", "to-runner", ANSWERS);
}

#[test]
fn the_numbers_in_the_text_are_the_ones_in_the_code() {
    let magic = std::str::from_utf8(&MAGIC).unwrap();
    for sentence in [
        format!("A header has {HEADER_BYTES} bytes"),
        format!("`{MARK:#06x}`"),
        format!("the magic is `{magic}`"),
        format!("This document describes version {}.", SUPPORTED.newest),
        format!("speaks versions {} to {}", SUPPORTED.oldest, SUPPORTED.newest),
    ] {
        assert!(TEXT.contains(&sentence), "PROTOCOL.md does not say: {sentence}");
    }
}
