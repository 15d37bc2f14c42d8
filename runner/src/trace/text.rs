//! One line of bounded length that is harmless on a terminal, whoever wrote its parts.

use protocol::text::write_harmless;
use std::fmt::{self, Write as _};

/// Nothing more has room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

/// What is written where more had no room.
const MARK: &str = "…";

/// Text that is being written.
#[derive(Debug)]
pub(super) struct Text {
    text: String,
    chars_left: usize,
}

impl Text {
    /// An empty line that holds at most `chars_max` characters, and the mark that it was cut.
    pub(super) fn new(chars_max: usize) -> Self {
        Self { text: String::new(), chars_left: chars_max }
    }

    /// Adds `text`, as much of it as has room.
    pub(super) fn put(&mut self, text: &str) -> Result<(), Full> {
        text.chars().try_for_each(|c| self.put_char(c))
    }

    /// Adds `c` inside of quotes.
    pub(super) fn put_quoted(&mut self, c: char) -> Result<(), Full> {
        match c {
            '"' => self.whole("\\\""),
            '\\' => self.whole("\\\\"),
            c => self.put_char(c),
        }
    }

    /// The line; `done` says whether everything had room.
    pub(super) fn finish(mut self, done: Result<(), Full>) -> String {
        if done.is_err() {
            self.text.push_str(MARK);
        }
        self.text
    }

    fn put_char(&mut self, c: char) -> Result<(), Full> {
        match c {
            '\n' => self.whole("\\n"),
            '\t' => self.whole("\\t"),
            c => {
                let mut shown = String::new();
                // Writing to a String cannot fail.
                let _ = write_harmless(&mut shown, c);
                self.whole(&shown)
            }
        }
    }

    /// An escape is there as a whole or not at all.
    fn whole(&mut self, shown: &str) -> Result<(), Full> {
        self.chars_left = self.chars_left.checked_sub(shown.chars().count()).ok_or(Full)?;
        self.text.push_str(shown);
        Ok(())
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put(text).map_err(|Full| fmt::Error)
    }
}

/// What `shown` displays, on one line of at most `chars_max` characters.
pub(super) fn displayed(shown: &dyn fmt::Display, chars_max: usize) -> String {
    let mut text = Text::new(chars_max);
    let done = write!(text, "{shown}").map_err(|fmt::Error| Full);
    text.finish(done)
}
