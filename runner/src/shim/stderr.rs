//! What a bundle writes to its standard error: prefixed, made harmless, and capped.

use protocol::text::write_harmless;
use std::io::{self, BufRead as _, BufReader, Read};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Most bytes of one bundle that are shown; what follows is counted and dropped.
const SHOWN_BYTES_MAX: u64 = 1 << 20;

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

/// Starts a thread that prints each line of `pipe` with the bundle's name, until the pipe closes.
///
/// # Errors
/// Those of starting the thread.
pub(super) fn forward(bundle: &str, pipe: impl Read + Send + 'static) -> io::Result<Forwarded> {
    let bundle = bundle.to_owned();
    let (done, forwarded) = channel();
    std::thread::Builder::new().name("wrun-stderr".into()).spawn(move || {
        copy(&bundle, BufReader::new(pipe), &mut |line| eprintln!("{line}"));
        let _ = done.send(());
    })?;
    Ok(Forwarded(forwarded))
}

fn copy(bundle: &str, mut pipe: impl io::BufRead, show: &mut dyn FnMut(&str)) {
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
        if shown + count > SHOWN_BYTES_MAX {
            dropped += count;
            continue;
        }
        shown += count;
        show(&printable(bundle, &line));
    }
    if dropped > 0 {
        show(&format!("{bundle}: … {dropped} more bytes were dropped"));
    }
}

fn printable(bundle: &str, line: &[u8]) -> String {
    let mut text = format!("{bundle}: ");
    for c in String::from_utf8_lossy(line).trim_end_matches(['\n', '\r']).chars() {
        // Writing to a String cannot fail.
        let _ = write_harmless(&mut text, c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        copy("evil", bytes, &mut |line| lines.push(line.to_owned()));
        lines
    }

    #[test]
    fn lines_are_prefixed_and_terminal_escapes_are_shown_not_sent() {
        assert_eq!(
            shown(b"plain\n\x1b]0;title\x07\nno newline"),
            ["evil: plain", "evil: \\u{1b}]0;title\\u{7}", "evil: no newline"]
        );
    }

    #[test]
    fn a_flood_is_cut_and_counted() {
        let flood = vec![b'x'; usize::try_from(SHOWN_BYTES_MAX).unwrap_or_default() * 2];
        let lines = shown(&flood);
        assert_eq!(
            lines.last().map(String::as_str),
            Some("evil: … 1048576 more bytes were dropped")
        );
    }
}
