//! What a library is given by being started: descriptors, variables, a user, a terminal; and what
//! it leaves on a terminal or a disk.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::openpty;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;
use tests::{Evil, Fixture, Mode, innermost, skip, spawn, tree};

/// A run whose evil bundle spins in a call, so that its process can be looked at.
struct Spinning {
    wrun: Child,
    _folder: TempDir,
}

impl Spinning {
    fn start() -> Self {
        let wrun = Evil::default().wrun(&[], &["call", "spin"]);
        let (mut command, folder) = wrun.into_command();
        let mut wrun = spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()));
        let mut stdout = BufReader::new(wrun.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "neighbour: 42\n");
        // Both bundles are loaded, and what follows does not come to an end.
        let mut begun = [0; 9];
        stdout.read_exact(&mut begun).unwrap();
        assert_eq!(&begun, b"spin ... ");
        Self { wrun, _folder: folder }
    }
}

impl Drop for Spinning {
    fn drop(&mut self) {
        let _ = self.wrun.kill();
        let _ = self.wrun.wait();
    }
}

#[test]
fn e06_only_its_own_descriptors_are_open() {
    // The runner was started with a secret open, and not closed on exec.
    let secret = tempfile::tempfile().unwrap();
    let high = fcntl(secret.as_fd(), FcntlArg::F_DUPFD(57)).unwrap();
    assert!(high >= 57);
    let names = ["inherited_descriptor", "descriptors_beyond_own_library"];
    for site in tests::Site::ALL {
        for (name, verdict) in Evil::default().verdicts(site, &names) {
            assert_eq!(verdict.0, "ENOENT", "{name}");
        }
    }
    let run = Spinning::start();
    for shim in innermost(run.wrun.id()) {
        let entries = fs::read_dir(format!("/proc/{}/fd", shim.pid)).unwrap().flatten();
        let target =
            |entry: fs::DirEntry| fs::read_link(entry.path()).unwrap().display().to_string();
        let kind = |target: String| target.split(':').next().unwrap().to_owned();
        let mut open: Vec<_> = entries.map(target).map(kind).collect();
        open.retain(|target| !(target.contains("/lib/lib") && target.ends_with(".so")));
        open.sort();
        assert_eq!(open, ["/dev/null", "/dev/null", "pipe", "socket"]);
    }
}

#[test]
fn e07_neither_variables_nor_arguments_nor_paths_of_the_host_arrive() {
    let wrun = Evil::default().wrun(&[], &["look-around"]).env("WRUN_TEST_SECRET", "hunter2");
    let folder = wrun.work().display().to_string();
    let run = wrun.run();
    run.expect_code(0);
    assert!(!run.stdout.contains("environment "), "{}", run.stdout);
    assert!(!run.stdout.contains(&folder), "{}", run.stdout);
    assert!(!run.stdout.contains(&tests::target().display().to_string()), "{}", run.stdout);
    let lines: Vec<_> = run.stdout.lines().filter(|line| line.starts_with("program ")).collect();
    assert_eq!(lines.len(), 1, "{}", run.stdout);
}

#[test]
fn e08_what_the_runners_environment_says_to_the_dynamic_linker_means_nothing_inside() {
    let marker = Fixture::new("marker").library();
    let run = Evil::default()
        .wrun(&[], &["call", "open_absolute"])
        .env("LD_PRELOAD", &marker)
        .env("LD_LIBRARY_PATH", tests::target().join("fixtures"))
        .env("LD_DEBUG", "statistics")
        .env("GLIBC_TUNABLES", "glibc.malloc.check=3")
        .run();
    run.expect_code(0);
    // It works on the runner itself, whose environment is the operator's.
    run.expect_stderr("\nmarker: loaded\n");
    assert!(!run.stderr.contains("evil: marker"), "{}", run.stderr);
    assert!(!run.stderr.contains("echo: marker"), "{}", run.stderr);
    assert!(!run.stderr.contains("evil: "), "{}", run.stderr);
}

#[test]
fn e23_nothing_can_be_typed_into_a_terminal() {
    let pty = openpty(None, None).unwrap();
    let names = ["type_into_terminal", "type_into_terminal_high_bit", "console", "take_terminal"];
    let (command, folder) =
        Evil::default().wrun(&names, &[&["call"], &names[..]].concat()).into_command();
    // wrun gets the terminal for its own: it is what the attack is for.
    let mut inside = Command::new("setsid");
    inside.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args());
    inside.current_dir(folder.path().join("work"));
    let terminal = || Stdio::from(pty.slave.try_clone().unwrap());
    let mut wrun = spawn(inside.stdin(terminal()).stdout(terminal()).stderr(Stdio::piped()));
    let mut master = File::from(pty.master.try_clone().unwrap());
    // The guest reads its argument to its end, which on a terminal is this character.
    master.write_all(b"\x04").unwrap();
    let mut stderr = String::new();
    wrun.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert!(wrun.wait().unwrap().success(), "{stderr}");
    // What was typed and not read is still there: nothing.
    let input = fcntl(pty.slave.as_fd(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
    input.unwrap();
    let left = nix::unistd::read(pty.slave.as_fd(), &mut [0; 16]);
    assert_eq!(left, Err(nix::errno::Errno::EAGAIN));
    fcntl(pty.master.as_fd(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    let mut shown = Vec::new();
    let _ = master.read_to_end(&mut shown);
    let shown = String::from_utf8_lossy(&shown);
    assert!(!shown.contains('#'), "{shown}");
    for name in names {
        assert!(shown.contains(&format!("{name} ... 13\r\n")), "{shown}");
        assert!(stderr.contains(&format!("constructor {name} = 13\n")), "{stderr}");
    }
}

#[test]
fn e32_what_a_terminal_would_obey_is_shown_and_not_sent() {
    let evil = Evil::default();
    let run = evil.wrun(&["terminal_escapes"], &["call", "terminal_escapes"]).run();
    run.expect_code(0);
    let harmless = |text: &str| text.chars().all(|c| c == '\n' || !c.is_control());
    assert!(harmless(&run.stderr), "{:?}", run.stderr);
    assert!(!run.stderr.contains('\u{202e}'), "{:?}", run.stderr);
    run.expect_stderr("evil: \\u{1b}]0;owned\\u{7}\\u{1b}[2J\\u{1b}[31mred ");
    assert!(!run.stderr.lines().any(|line| line.starts_with(']')), "{:?}", run.stderr);
    // The same in the text of an error.
    let run = evil.flag("-DPANIC_TEXT").wrun(&[], &["call", "open_absolute"]).run();
    run.expect_code(1).expect_stderr("\\u{1b}[2Jgone ");
    assert!(harmless(&run.stderr), "{:?}", run.stderr);
    assert!(!run.stderr.contains('\u{202e}'), "{:?}", run.stderr);
}

#[test]
fn e33_a_crash_leaves_no_core_file() {
    // The runner may write as large a core as it likes; a bundle must not.
    let (_, hard) = getrlimit(Resource::RLIMIT_CORE).unwrap();
    setrlimit(Resource::RLIMIT_CORE, hard, hard).unwrap();
    let cores = |folder: &str| -> BTreeSet<String> {
        let names = fs::read_dir(folder).unwrap().flatten();
        let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with("core")).collect()
    };
    let before = cores("/");
    let run = Evil::default().wrun(&[], &["call", "deep_recursion"]).run();
    run.expect_code(1).expect_stderr("SIGSEGV");
    assert_eq!(cores("/"), before);
    let left = tree(run.folder.path());
    assert!(!left.iter().any(|path| path.rsplit('/').next().unwrap().starts_with("core")));
}

#[test]
fn e34_bits_of_privilege_on_the_library_mean_nothing() {
    let evil = Evil::default();
    let wrun = evil.wrun(&[], &["call", "become_root_3", "become_root"]);
    let library = wrun.work().join("evil_host/lib/libevil.so");
    fs::set_permissions(&library, fs::Permissions::from_mode(0o6755)).unwrap();
    if nix::unistd::geteuid().is_root() {
        let mut setcap = Command::new("setcap");
        tests::succeed(setcap.arg("cap_sys_admin,cap_setuid=ep").arg(&library));
    }
    let verdict = tests::Verdict::of_end(&wrun.run());
    assert!(verdict.refused() || verdict.0 == "none", "{verdict}");
}

#[test]
fn e36_a_bundle_of_root_is_not_root_and_no_other_bundle() {
    if let Some(why) = Mode::Root.missing() {
        skip("e36", &why);
        return;
    }
    let run = Spinning::start();
    let uids: Vec<_> = innermost(run.wrun.id())
        .into_iter()
        .map(|shim| {
            let status = fs::read_to_string(format!("/proc/{}/status", shim.pid)).unwrap();
            let line = status.lines().find(|line| line.starts_with("Uid:")).unwrap().to_owned();
            let uids: BTreeSet<u32> =
                line.split_whitespace().skip(1).map(|uid| uid.parse().unwrap()).collect();
            assert_eq!(uids.len(), 1, "{line}");
            uids.into_iter().next().unwrap()
        })
        .collect();
    assert_eq!(uids.len(), 2);
    assert!(uids.iter().all(|uid| *uid != 0 && *uid < u32::MAX - 1), "{uids:?}");
    assert_ne!(uids[0], uids[1]);
}
