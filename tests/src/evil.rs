//! The evil bundle: which probes it has, and what came of them.

use crate::{Fixture, Mode, Run, Wrun, bundle, guest};
use nix::errno::Errno;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where in the library a probe is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Site {
    /// While it is loaded.
    Constructor,
    /// In a call.
    Call,
    /// In a call, on a second thread.
    Thread,
}

impl Site {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Constructor, Self::Call, Self::Thread];

    /// Its name in tables, and for the guest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Constructor => "constructor",
            Self::Call => "call",
            Self::Thread => "thread",
        }
    }
}

/// One attack of `tests/fixtures/evil`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probe {
    /// The number of its case, as in `E10`.
    pub case: String,
    /// Its name.
    pub name: String,
    /// Whether it leaves the process in a state in which no other can be run.
    pub alone: bool,
}

/// What came of a probe: `ok` if the attack worked, the name of an errno or a signal, or a word
/// for another end: see [`Verdict::refused`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Verdict(pub String);

/// Answers of the jail. Any other errno is the kernel's, which the call has then reached.
const REFUSALS: [&str; 5] = ["EACCES", "EPERM", "ENOSYS", "ENOTTY", "SIGSYS"];

/// How many threads the bundle is granted, so that attacks from a second one are possible.
const THREADS: &str = "evil:threads=8";

impl Verdict {
    fn of(code: i64) -> Self {
        Self(match code {
            0 => "ok".to_owned(),
            -1 => "nothing".to_owned(),
            -2 => "no-thread".to_owned(),
            -3 => "not-run".to_owned(),
            code => i32::try_from(code).map_or_else(
                |_| code.to_string(),
                |number| format!("{:?}", Errno::from_raw(number)),
            ),
        })
    }

    /// How a bundle's process ended, by what wrun says.
    pub fn of_end(run: &Run) -> Self {
        let after = |mark: &str| {
            let (_, rest) = run.stderr.rsplit_once(mark)?;
            Some(rest.split(|c: char| !c.is_ascii_alphanumeric()).next()?.to_owned())
        };
        let signal = || Some("SIGSYS".to_owned()).filter(|signal| run.stderr.contains(signal));
        let end = match run.code {
            0 => Some("none".to_owned()),
            1 => signal()
                .or_else(|| after("killed by signal "))
                .or_else(|| Some(format!("exit-{}", after("exited with code ")?)))
                .or_else(|| after("no answer within ").map(|_| "hang".to_owned()))
                .or_else(|| after("broke the protocol").map(|_| "protocol".to_owned())),
            code => Some(format!("wrun-{code}")),
        };
        Self(end.unwrap_or_else(|| "other".to_owned()))
    }

    /// Whether the answer is the jail's own.
    pub fn refused(&self) -> bool {
        REFUSALS.contains(&self.0.as_str())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The evil bundle, and how it is run.
#[derive(Debug, Clone)]
pub struct Evil {
    fixture: Fixture,
    mode: Mode,
    argument: String,
    call_timeout: &'static str,
    threads: bool,
    in_process: bool,
}

impl Default for Evil {
    fn default() -> Self {
        Self::new(Mode::own())
    }
}

impl Evil {
    /// Run in this mode.
    pub fn new(mode: Mode) -> Self {
        Self {
            fixture: Fixture::new("evil"),
            mode,
            argument: String::new(),
            call_timeout: "20s",
            threads: true,
            in_process: false,
        }
    }

    /// What the probes are told about the things to attack: a line `KEY=VALUE` for each.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.argument = argument.to_owned();
        self
    }

    /// How long one call may take; a probe that waits is seen by it.
    #[must_use]
    pub fn call_timeout(mut self, timeout: &'static str) -> Self {
        self.call_timeout = timeout;
        self
    }

    /// Without the grant to start threads, which it has otherwise.
    #[must_use]
    pub fn without_threads(mut self) -> Self {
        self.threads = false;
        self
    }

    /// In wrun itself, without any protection: to see that the attacks are some.
    #[must_use]
    pub fn in_process(mut self) -> Self {
        self.in_process = true;
        self.without_threads()
    }

    /// Another option of the compiler.
    #[must_use]
    pub fn flag(mut self, flag: impl Into<String>) -> Self {
        self.fixture = self.fixture.flag(flag);
        self
    }

    /// The library, whose constructor runs these probes.
    pub fn library(&self, constructor: &[&str]) -> Vec<u8> {
        const MARK: &[u8] = b"EVIL-PLAN:";
        let mut library = std::fs::read(self.fixture.library()).expect("the compiled library");
        let found = library.windows(MARK.len()).position(|bytes| bytes == MARK);
        let from = found.expect("the library has room for a plan") + MARK.len();
        let plan = format!("{}\n{}\0", constructor.join(" "), self.argument);
        let room = library.get_mut(from..from + plan.len()).expect("the plan is not that long");
        room.copy_from_slice(plan.as_bytes());
        library
    }

    /// A bundle of a library, which a test may have changed.
    pub fn bundle(&self, library: &[u8], folder: &Path) -> PathBuf {
        self.fixture.bundle_of(library, folder)
    }

    /// A run of wrun with the evil bundle, an honest neighbour, and a guest that does what `words`
    /// say; see `tests/guests/prowl`.
    pub fn wrun(&self, constructor: &[&str], words: &[&str]) -> Wrun {
        self.wrun_with(&self.library(constructor), words)
    }

    /// As [`Evil::wrun`], with a library that a test has changed.
    pub fn wrun_with(&self, library: &[u8], words: &[&str]) -> Wrun {
        let wrun = Wrun::as_mode(self.mode);
        let evil = self.bundle(library, &wrun.work());
        let grants: &[_] = if self.threads { &["--grant", THREADS] } else { &[] };
        wrun.args(["--call-timeout", self.call_timeout])
            .args(grants)
            .args(self.in_process.then_some("--in-process"))
            .bundle(evil)
            .bundle(bundle("echo"))
            .arg(guest("prowl"))
            .args(words)
            .stdin(self.argument.as_bytes())
    }

    /// All its probes.
    pub fn probes(&self) -> Vec<Probe> {
        let run = self.wrun(&[], &["list"]).run();
        run.expect_code(0);
        let line = |line: &str| {
            let (case, rest) = line.split_once(' ')?;
            let name = rest.strip_suffix(" alone").unwrap_or(rest);
            let is_title = case.starts_with(['E', 'R']) && !name.contains(' ');
            let (case, name) = (case.to_owned(), name.to_owned());
            is_title.then_some(Probe { case, alone: rest.len() > name.len(), name })
        };
        run.stdout.lines().filter_map(line).collect()
    }

    /// Runs probes one after the other, in as few processes as possible: one that ends its process
    /// is known by the name that was printed and has no result, and the rest is run in another.
    pub fn verdicts(&self, site: Site, names: &[&str]) -> BTreeMap<String, Verdict> {
        let mut verdicts = BTreeMap::new();
        let mut left = names;
        while let Some(first) = left.first() {
            let run = match site {
                Site::Constructor => self.wrun(left, &["constructor", first]).run(),
                site => self.wrun(&[], &[&[site.name()], left].concat()).run(),
            };
            assert_eq!(run.survivors, [], "{} {left:?}", site.name());
            let done = match site {
                Site::Constructor => results(&run.stderr, "evil: constructor ", " = "),
                _ => results(&run.stdout, "", " ... "),
            };
            let done: Vec<_> =
                left.iter().map_while(|name| Some((*name, *done.get(*name)?))).collect();
            left = left.get(done.len()..).unwrap_or_default();
            verdicts
                .extend(done.into_iter().map(|(name, code)| (name.to_owned(), Verdict::of(code))));
            match left.split_first() {
                Some((deadly, rest)) => {
                    verdicts.insert((*deadly).to_owned(), Verdict::of_end(&run));
                    assert_ne!(
                        run.code, 0,
                        "{deadly} has no result:\n{}{}",
                        run.stdout, run.stderr
                    );
                    left = rest;
                }
                None => self.expect_unharmed(&run),
            }
        }
        verdicts
    }

    /// The guest came to its end, and the neighbour answered before and after.
    fn expect_unharmed(&self, run: &Run) {
        run.expect_code(0);
        assert_eq!(run.stdout.matches("neighbour: 42\n").count(), 2, "{}", run.stdout);
    }
}

/// Lines `PREFIX NAME SEPARATOR CODE`.
fn results(text: &str, prefix: &str, separator: &str) -> BTreeMap<String, i64> {
    let line = |line: &str| {
        let (name, code) = line.strip_prefix(prefix)?.split_once(separator)?;
        Some((name.to_owned(), code.trim().parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}
