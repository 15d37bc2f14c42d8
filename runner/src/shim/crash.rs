//! Where a bundle's process crashed, in words.

use super::locate::PROGRAM;
use protocol::stage::{Collected, Crash, CrashFrame};
use protocol::text::{ForeignText, write_harmless};
use std::fmt::{self, Write as _};
use std::sync::Arc;

/// Longest symbol that is translated into the name that its author wrote.
const MANGLED_BYTES_MAX: usize = 1024;

/// Longest name of a function that is shown, in bytes.
const NAME_BYTES_MAX: usize = 256;

/// Deepest nesting of a name of C++.
const NAME_DEPTH_MAX: u32 = 64;

/// Finds the symbol of the function in which an offset of a module lies. The module is a file name,
/// as [`CrashFrame`] has it: the process's word.
pub(super) type Find<'a> = &'a dyn Fn(&str, u64) -> Option<String>;

/// The same, to be kept until there is a crash.
#[derive(Clone, Default)]
pub(crate) struct Symbols(Option<Arc<Finder>>);

type Finder = dyn Fn(&str, u64) -> Option<String> + Send + Sync;

impl Symbols {
    /// Those that `find` finds.
    pub(crate) fn new(find: impl Fn(&str, u64) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(find)))
    }

    pub(super) fn find(&self, module: &str, offset: u64) -> Option<String> {
        self.0.as_ref()?(module, offset)
    }
}

impl fmt::Debug for Symbols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Symbols")
    }
}

/// Tells the way to a crash, one function a line, innermost first, without a line break at the end:
///
/// ```text
/// the bundle says it was in:
///   0: libfault_host.so+0x1234 (do_segfault)
///   1: …
/// ```
///
/// All of it is the bundle's claim, made harmless for a terminal. What the adapter itself adds at the
/// outer end is left out.
pub(super) fn describe(crash: &Crash, symbols: Find<'_>) -> String {
    let mut text = match crash.collected {
        Collected::Inside => "the bundle says it was in:",
        Collected::Outside => "seen from outside, the bundle was in:",
    }
    .to_owned();
    for (index, frame) in without_adapter(&crash.frames).iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n{index:>3}: {}", FrameText { frame, symbols });
    }
    text
}

/// A way that ends in the adapter goes on through it and the C library to the start of the program,
/// the way of a thread through the C library alone. All of it if there is nothing else.
fn without_adapter(frames: &[CrashFrame]) -> &[CrashFrame] {
    let is_frame_work = |frame: &CrashFrame| {
        // The start of the program has no caller, and an unwinder may make one up.
        frame.module.as_deref().is_none_or(|module| {
            module == PROGRAM || module.starts_with("libc.so") || module.starts_with("ld-")
        })
    };
    match frames.iter().rposition(|frame| !is_frame_work(frame)) {
        Some(last) => frames.get(..=last).unwrap_or(frames),
        None => frames,
    }
}

struct FrameText<'a> {
    frame: &'a CrashFrame,
    symbols: Find<'a>,
}

impl fmt::Display for FrameText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CrashFrame { module, offset } = self.frame;
        let Some(module) = module else { return write!(f, "{offset:#x}, where no file is") };
        write!(f, "{}+{offset:#x}", OneLine(module))?;
        match (self.symbols)(module, *offset) {
            Some(symbol) => write!(f, " ({})", OneLine(&readable(&symbol))),
            None => Ok(()),
        }
    }
}

/// Text of a bundle, made harmless for a terminal, that cannot pass for another line: unlike a
/// message, a name has no line breaks.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\n' | '\t' => write!(f, "{}", c.escape_default()),
            c => write_harmless(f, c),
        })
    }
}

/// The name that the author of a function wrote, as far as its symbol tells; else the symbol.
fn readable(symbol: &str) -> String {
    let mut name = Bounded::default();
    let is_whole = if symbol.len() > MANGLED_BYTES_MAX {
        name.write_str(symbol)
    } else if let Ok(rust) = rustc_demangle::try_demangle(symbol) {
        // Without the hash.
        write!(name, "{rust:#}")
    } else if let Some(result) = of_cpp(symbol, &mut name) {
        result
    } else {
        name.write_str(symbol)
    };
    match (is_whole, name.0.is_empty()) {
        (_, true) => ForeignText::new(symbol).as_raw().to_owned(),
        (Ok(()), _) => name.0,
        (Err(_), _) => name.0 + "…",
    }
}

/// `None` if the symbol is none of C++.
fn of_cpp(symbol: &str, out: &mut Bounded) -> Option<fmt::Result> {
    use cpp_demangle::{DemangleOptions, ParseOptions, Symbol};
    if !symbol.starts_with("_Z") {
        return None;
    }
    let options = ParseOptions::default().recursion_limit(NAME_DEPTH_MAX);
    let symbol = Symbol::new_with_options(symbol, &options).ok()?;
    let options = DemangleOptions::default().recursion_limit(NAME_DEPTH_MAX);
    Some(symbol.structured_demangle(out, &options))
}

/// Text of at most [`NAME_BYTES_MAX`] bytes: a short symbol can stand for a name of gigabytes. More
/// is an error, which ends the writing.
#[derive(Default)]
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if self.0.len() + c.len_utf8() > NAME_BYTES_MAX {
                return Err(fmt::Error);
            }
            self.0.push(c);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(module: Option<&str>, offset: u64) -> CrashFrame {
        CrashFrame { module: module.map(str::to_owned), offset }
    }

    fn crash(frames: &[CrashFrame]) -> Crash {
        Crash { collected: Collected::Inside, frames: frames.to_vec() }
    }

    #[test]
    fn a_crash_is_told_one_function_a_line() {
        let symbols = |module: &str, offset: u64| {
            (module == "libfault_host.so" && offset < 0x2000).then(|| "do_segfault".to_owned())
        };
        let crash = crash(&[
            frame(None, 0),
            frame(Some("libfault_host.so"), 0x1234),
            frame(Some("libc.so.6"), 0x10),
            frame(Some("libfault_host.so"), 0x2000),
            frame(Some(PROGRAM), 0x99),
            frame(Some("libc.so.6"), 0x77),
            frame(Some(PROGRAM), 0x11),
        ]);
        let expected = "the bundle says it was in:\n  0: 0x0, where no file is\n  1: \
                        libfault_host.so+0x1234 (do_segfault)\n  2: libc.so.6+0x10\n  3: \
                        libfault_host.so+0x2000";
        assert_eq!(describe(&crash, &symbols), expected);
        let outside = Crash { collected: Collected::Outside, frames: Vec::new() };
        assert_eq!(describe(&outside, &symbols), "seen from outside, the bundle was in:");
    }

    #[test]
    fn a_crash_of_the_adapter_itself_is_not_hidden() {
        let crash = crash(&[frame(Some("libc.so.6"), 1), frame(Some(PROGRAM), 2)]);
        let text = describe(&crash, &|_, _| None);
        assert!(text.ends_with("\n  0: libc.so.6+0x1\n  1: adapter-shim+0x2"), "{text}");
    }

    #[test]
    fn names_of_modules_and_functions_cannot_act_on_a_terminal() {
        let crash = crash(&[frame(Some("lib\x1b[2J\nx.so"), 1)]);
        let text = describe(&crash, &|_, _| Some("fine\n\x1b]0;owned\x07".to_owned()));
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(!text.contains(['\x1b', '\x07']), "{text}");
    }

    #[test]
    fn symbols_become_the_names_that_their_authors_wrote() {
        for (symbol, name) in [
            ("do_segfault", "do_segfault"),
            ("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad"),
            ("_RNvCs1234_4demo3foo", "demo::foo"),
            ("_ZN5space3fooEi", "space::foo(int)"),
            ("_Znonsense", "_Znonsense"),
            ("", ""),
        ] {
            assert_eq!(readable(symbol), name);
        }
    }

    #[test]
    fn a_symbol_that_stands_for_an_endless_name_is_cut() {
        // Each substitution doubles what the ones before it stand for.
        let mut bomb = "_Z1fI1AS_E".to_owned();
        let types = ["S_", "S0_", "S1_", "S2_", "S3_", "S4_", "S5_", "S6_"];
        for ty in types {
            bomb.push_str(&format!("1BI{ty}{ty}{ty}{ty}E"));
        }
        for symbol in [bomb, "x".repeat(1 << 20), "ä".repeat(600)] {
            assert!(readable(&symbol).len() <= NAME_BYTES_MAX + "…".len());
        }
    }

    proptest! {
        #[test]
        fn whatever_a_symbol_is_it_is_told(
            symbol in "(_Z|_R|_ZN|_RNv)?([0-9][a-z]{1,3}|[A-Z]{1,2}|[SNIEJKLT][0-9a-z_]|S[0-9]?_|.){0,40}",
        ) {
            prop_assert!(readable(&symbol).len() <= NAME_BYTES_MAX + "…".len());
        }
    }
}
