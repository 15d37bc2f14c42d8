//! Fixed-width text fields.

/// The text of a fixed-width field. The specification pads with blanks and forbids a terminator;
/// modules also pad with zeros, so both are cut. What is not UTF-8 becomes U+FFFD.
#[must_use]
pub fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    let used = field.get(..end).unwrap_or(field);
    String::from_utf8_lossy(used).trim_end_matches(' ').to_owned()
}

/// A text as a field of `N` bytes padded with blanks, or `None` if it is longer.
pub(super) fn padded<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut field = [b' '; N];
    field.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
    Some(field)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn padding_of_both_kinds_is_cut() {
        assert_eq!(text(b"SoftHSM v2      "), "SoftHSM v2");
        assert_eq!(text(b"short\0garbage"), "short");
        assert_eq!(text(b"        "), "");
        assert_eq!(text(b"\xff  "), "\u{fffd}");
    }

    #[test]
    fn a_text_fits_or_is_refused() {
        assert_eq!(padded::<4>("ab").unwrap(), *b"ab  ");
        assert_eq!(padded::<4>("abcd").unwrap(), *b"abcd");
        assert!(padded::<4>("abcde").is_none());
    }
}
