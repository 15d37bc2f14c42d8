//! Words for a command line, to be copied by a person.
//!
//! What a manifest asks for is a stranger's text. A line that is meant to be pasted into a shell
//! must not do anything but grant.

use protocol::text::ForeignText;

/// `text` as one word of a shell.
pub fn word(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    // Escapes what a terminal would act on; a new line ends a word even between quotes of paste.
    let shown = ForeignText::new(text).to_string().replace('\n', "\\n").replace('\t', "\\t");
    if !shown.is_empty() && shown.chars().all(harmless) {
        return shown;
    }
    format!("'{}'", shown.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn a_line_to_be_copied_grants_and_does_nothing_else() {
        assert_eq!(word("x:read=/etc/softhsm"), "x:read=/etc/softhsm");
        assert_eq!(word("x:read=/a b"), "'x:read=/a b'");
        assert_eq!(word("x:read=/a;rm -rf ~"), "'x:read=/a;rm -rf ~'");
        assert_eq!(word("x:read=/a'$(id)'"), r"'x:read=/a'\''$(id)'\'''");
        assert_eq!(word("x:read=/a\nrm"), r"'x:read=/a\nrm'");
        assert_eq!(word("x:read=\x1b[0m"), r"'x:read=\u{1b}[0m'");
        assert_eq!(word(""), "''");
    }
}
