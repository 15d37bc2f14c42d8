//! The distinguished encoding rules (X.690), as far as keys and signatures need them.

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// A sequence of parts that are encoded already.
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, &parts.concat())
}

/// A positive integer, given by its bytes, the most significant first.
pub fn unsigned(number: &[u8]) -> Vec<u8> {
    let first = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    let mut content = number[first..].to_vec();
    // The first bit is the sign; zero has one byte.
    if content.first().is_none_or(|byte| *byte >= 0x80) {
        content.insert(0, 0);
    }
    element(INTEGER, &content)
}

/// Whole bytes as a bit string.
pub fn bit_string(bytes: &[u8]) -> Vec<u8> {
    let unused_bits = [0];
    element(BIT_STRING, &[unused_bits.as_slice(), bytes].concat())
}

/// The content of an octet string that takes up all of `bytes`; none if they are something else.
pub fn octet_string_content(bytes: &[u8]) -> Option<&[u8]> {
    // A prefix is compared, not parsed: the encoding of a length is unique.
    let content = (2..=6).filter_map(|header| bytes.get(header..));
    content.into_iter().find(|content| element(OCTET_STRING, content) == bytes)
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let first = length.iter().position(|byte| *byte != 0).unwrap_or(length.len() - 1);
    let significant = &length[first..];
    let mut encoded = vec![tag];
    if content.len() >= 0x80 {
        encoded.push(0x80 | significant.len() as u8);
    }
    encoded.extend(significant);
    encoded.extend(content);
    encoded
}
