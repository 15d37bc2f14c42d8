//! `PROTOCOL.md`: its blocks of vectors and its tables.

/// The document that the tests hold against the code.
pub(crate) const TEXT: &str = include_str!("../../PROTOCOL.md");

/// The lines of the block that starts with ```` ```vectors NAME ````, split at `|`.
pub(crate) fn vectors(name: &str) -> Vec<Vec<String>> {
    let fence = format!("```vectors {name}\n");
    let (_, rest) = TEXT.split_once(&fence).unwrap_or_else(|| panic!("no block {fence}"));
    let (block, _) = rest.split_once("```").unwrap();
    block.lines().map(columns).collect()
}

fn columns(line: &str) -> Vec<String> {
    line.split(" | ").map(|column| column.trim().to_owned()).collect()
}

/// The rows of the table whose first column is headed `heading`, without backquotes.
pub(crate) fn table(heading: &str) -> Vec<Vec<String>> {
    let start = format!("| {heading} |");
    let mut lines = TEXT.lines().skip_while(|line| !line.starts_with(&start));
    assert!(lines.next().is_some(), "no table {start}");
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| columns(&row.trim_matches('|').replace('`', ""))).collect()
}

/// Bytes as the document writes them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// The bytes of such a text.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}
