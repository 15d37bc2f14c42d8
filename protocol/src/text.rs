//! Text from the other side, for a person to read.
//!
//! A bundle can put anything into a message: a gigabyte, terminal escapes, a fake prompt. Text is
//! cut at [`TEXT_BYTES_MAX`] where it is made and where it is received, and printed with every
//! control and direction-changing character escaped.

use crate::limits::TEXT_BYTES_MAX;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Text whose author is not trusted. `Display` is safe for a terminal.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct ForeignText(String);

impl ForeignText {
    /// Keeps at most [`TEXT_BYTES_MAX`] bytes; what is cut is marked with an ellipsis.
    pub fn new(text: impl Into<String>) -> Self {
        const MARK: &str = "…";
        let mut text = text.into();
        if text.len() > TEXT_BYTES_MAX {
            let mut end = TEXT_BYTES_MAX - MARK.len();
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
            text.push_str(MARK);
        }
        Self(text)
    }

    /// The text as it was written, not made safe for a terminal.
    pub fn as_raw(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for ForeignText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Borrowed first: the length is bounded by the frame's head before anything is copied.
        let text = <&str>::deserialize(deserializer)?;
        if text.len() > TEXT_BYTES_MAX {
            return Err(serde::de::Error::custom("text longer than the limit"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ForeignText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| write_harmless(f, c))
    }
}

impl fmt::Debug for ForeignText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Writes `c`, escaped if a terminal would act on it or if it would hide other text.
///
/// # Errors
/// Those of `out`.
pub fn write_harmless(out: &mut impl fmt::Write, c: char) -> fmt::Result {
    let acts = c.is_control() && c != '\n' && c != '\t';
    // Bidirectional controls and zero-width characters make a line read otherwise than it is.
    let hides = matches!(c,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    if acts || hides { write!(out, "{}", c.escape_unicode()) } else { out.write_char(c) }
}

/// `text` as one word of a shell, for a line that a person may copy.
///
/// Such lines repeat what a manifest asks for, or what a library tried. Pasted, they must grant that
/// and do nothing else.
pub fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    // A terminal may act on a new line even where the shell has seen an opening quote.
    let shown = ForeignText::new(text).to_string().replace('\n', "\\n").replace('\t', "\\t");
    if !shown.is_empty() && shown.chars().all(is_plain) {
        return shown;
    }
    format!("'{}'", shown.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_to_be_copied_grants_and_does_nothing_else() {
        assert_eq!(shell_word("x:read=/etc/softhsm"), "x:read=/etc/softhsm");
        assert_eq!(shell_word("x:read=/a b"), "'x:read=/a b'");
        assert_eq!(shell_word("x:read=/a;rm -rf ~"), "'x:read=/a;rm -rf ~'");
        assert_eq!(shell_word("x:read=/a'$(id)'"), r"'x:read=/a'\''$(id)'\'''");
        assert_eq!(shell_word("x:read=/a\nrm"), r"'x:read=/a\nrm'");
        assert_eq!(shell_word("x:read=\x1b[0m"), r"'x:read=\u{1b}[0m'");
        assert_eq!(shell_word(""), "''");
    }

    #[test]
    fn terminal_escapes_are_printed_harmless() {
        let text = ForeignText::new("\x1b]0;owned\x07 \u{202e}abc\nnext");
        assert_eq!(text.to_string(), "\\u{1b}]0;owned\\u{7} \\u{202e}abc\nnext");
    }

    #[test]
    fn long_text_is_cut_at_a_character_boundary() {
        let text = ForeignText::new("ä".repeat(TEXT_BYTES_MAX));
        assert!(text.as_raw().len() <= TEXT_BYTES_MAX);
        assert!(text.as_raw().ends_with('…'));
    }
}
