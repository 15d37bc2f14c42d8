//! What a bundle writes to its standard error: events with a level, made harmless, and capped.

use protocol::text::write_harmless;
use std::io::{self, BufRead as _, BufReader, Read};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tracing::Level;

/// Target of the events that carry what bundles write to their standard error, one line each, with
/// the bundle's name in the field `bundle`.
pub const STDERR_TARGET: &str = "wrun::bundle";

/// Longest line that is shown as one.
const LINE_BYTES_MAX: u64 = 4 << 10;

/// How long the last words of a process that has ended are waited for. A process that the library
/// started and that outlives it can hold the pipe open for ever.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// The end of a stream that is being forwarded.
#[derive(Debug)]
pub(super) struct Forwarded(Receiver<()>);

impl Forwarded {
    /// Waits until everything was shown, or for a moment.
    pub(super) fn finish(self) {
        let _ = self.0.recv_timeout(LAST_WORDS);
    }
}

/// Starts a thread that passes on each line of `pipe`, until the pipe closes. Of more than
/// `bytes_max` bytes the rest is counted and dropped.
///
/// # Errors
/// Those of starting the thread.
pub(super) fn forward(
    bundle: &str,
    pipe: impl Read + Send + 'static,
    bytes_max: u64,
) -> io::Result<Forwarded> {
    let bundle = bundle.to_owned();
    let (done, forwarded) = channel();
    std::thread::Builder::new().name("wrun-stderr".into()).spawn(move || {
        copy(BufReader::new(pipe), bytes_max, &mut |line| emit(&bundle, line));
        let _ = done.send(());
    })?;
    Ok(Forwarded(forwarded))
}

fn copy(mut pipe: impl io::BufRead, bytes_max: u64, show: &mut dyn FnMut(&str)) {
    let mut shown = 0;
    let mut dropped: u64 = 0;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut pipe).take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
        let count = match read {
            Ok(0) | Err(_) => break,
            Ok(count) => u64::try_from(count).unwrap_or(u64::MAX),
        };
        if count > bytes_max.saturating_sub(shown) {
            // Nothing after it either, or lines would seem to follow each other that do not.
            shown = bytes_max;
            dropped += count;
            continue;
        }
        shown += count;
        show(&printable(&line));
    }
    if dropped > 0 {
        show(&format!("… {dropped} more bytes were dropped"));
    }
}

fn printable(line: &[u8]) -> String {
    let mut text = String::new();
    for c in String::from_utf8_lossy(line).trim_end_matches(['\n', '\r']).chars() {
        // Writing to a String cannot fail.
        let _ = write_harmless(&mut text, c);
    }
    text
}

fn emit(bundle: &str, line: &str) {
    // The level of an event is fixed where it is written.
    match level(line) {
        Level::ERROR => tracing::error!(target: STDERR_TARGET, bundle, "{line}"),
        Level::WARN => tracing::warn!(target: STDERR_TARGET, bundle, "{line}"),
        Level::DEBUG => tracing::debug!(target: STDERR_TARGET, bundle, "{line}"),
        Level::TRACE => tracing::trace!(target: STDERR_TARGET, bundle, "{line}"),
        _ => tracing::info!(target: STDERR_TARGET, bundle, "{line}"),
    }
}

/// The level that a line claims: `ERROR …` or `[ERROR …`, as most loggers write it.
fn level(line: &str) -> Level {
    let line = line.strip_prefix('[').unwrap_or(line);
    match line.split(|c: char| !c.is_ascii_alphanumeric()).next() {
        Some("ERROR") => Level::ERROR,
        Some("WARN" | "WARNING") => Level::WARN,
        Some("DEBUG") => Level::DEBUG,
        Some("TRACE") => Level::TRACE,
        _ => Level::INFO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8], bytes_max: u64) -> Vec<String> {
        let mut lines = Vec::new();
        copy(bytes, bytes_max, &mut |line| lines.push(line.to_owned()));
        lines
    }

    #[test]
    fn terminal_escapes_are_shown_not_sent() {
        assert_eq!(
            shown(b"plain\n\x1b]0;title\x07\nno newline", 100),
            ["plain", "\\u{1b}]0;title\\u{7}", "no newline"]
        );
    }

    #[test]
    fn a_flood_is_cut_at_the_limit_and_counted() {
        assert_eq!(shown(b"12345\n78\n", 9), ["12345", "78"]);
        assert_eq!(shown(b"12345\n789\n\n", 9), ["12345", "… 5 more bytes were dropped"]);
        assert_eq!(shown(b"x", 0), ["… 1 more bytes were dropped"]);
        let flood = vec![b'x'; 3 << 20];
        let lines = shown(&flood, 1 << 20);
        assert_eq!(lines.last().map(String::as_str), Some("… 2097152 more bytes were dropped"));
    }

    #[test]
    fn a_line_has_the_level_that_it_begins_with() {
        for (line, wanted) in [
            ("ERROR out of cheese", Level::ERROR),
            ("[ERROR softhsm] no token", Level::ERROR),
            ("[WARN] slow", Level::WARN),
            ("WARNING: slow", Level::WARN),
            ("INFO", Level::INFO),
            ("DEBUG: x", Level::DEBUG),
            ("[TRACE]", Level::TRACE),
            ("ERRORS are many", Level::INFO),
            ("an ERROR", Level::INFO),
            ("", Level::INFO),
        ] {
            assert_eq!(level(line), wanted, "{line}");
        }
    }
}
