//! Runs `wrun` as a user would, in an empty directory and its own process group.

use crate::left::{Process, spawn, survivors, tree};
use crate::{Mode, program, target};
use std::ffi::OsStr;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A run to be started.
#[derive(Debug)]
pub struct Wrun {
    command: Command,
    stdin: Vec<u8>,
    folder: TempDir,
}

/// What a run did.
#[derive(Debug)]
pub struct Run {
    /// Exit code; 128 and the number of the signal if one ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The directory in which it ran.
    pub folder: TempDir,
    /// Processes that outlived it.
    pub survivors: Vec<Process>,
    /// Files in its temporary directory after it.
    pub temporary: Vec<String>,
}

impl Default for Wrun {
    fn default() -> Self {
        Self::new()
    }
}

impl Wrun {
    /// `wrun`, with an empty working directory and an empty directory for temporary files.
    pub fn new() -> Self {
        Self::as_mode(Mode::own())
    }

    /// The same, run in this way. Everybody can look into the directory.
    pub fn as_mode(mode: Mode) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        Self::set_up(mode, folder, &program("wrun"))
    }

    /// `wrun` with the fake shim beside it instead of its own: bundles with a script follow it.
    pub fn with_fake_shim() -> Self {
        // Beside the built programs, since a link cannot lead to another file system.
        let folder = tempfile::tempdir_in(target()).expect("a temporary directory");
        let wrun = folder.path().join("wrun");
        for (name, link) in [("wrun", "wrun"), ("fake-shim", "adapter-shim")] {
            let link = folder.path().join(link);
            std::fs::hard_link(program(name), link).expect("one file system");
        }
        Self::set_up(Mode::own(), folder, &wrun)
    }

    fn set_up(mode: Mode, folder: TempDir, wrun: &Path) -> Self {
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).expect("a folder of our own");
        let (work, temporary) = (folder.path().join("work"), folder.path().join("tmp"));
        for made in [&work, &temporary] {
            std::fs::create_dir(made).expect("a folder in a new temporary directory");
            mode.own_file(made);
        }
        let mut command = mode.command(wrun);
        command.current_dir(&work).env("TMPDIR", &temporary).process_group(0);
        Self { command, stdin: Vec::new(), folder }
    }

    /// The working directory, to put files into.
    pub fn work(&self) -> std::path::PathBuf {
        self.folder.path().join("work")
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// Adds `--host-bundle`.
    #[must_use]
    pub fn bundle(self, path: impl AsRef<Path>) -> Self {
        self.arg("--host-bundle").arg(path.as_ref())
    }

    /// Sets an environment variable of wrun itself.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// What the guest reads from its standard input.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// The command, for tests that do more than run it to its end. To be started with
    /// [`crate::spawn`].
    pub fn into_command(self) -> (Command, TempDir) {
        (self.command, self.folder)
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Run {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = spawn(&mut self.command);
        let mut stdin = child.stdin.take().expect("stdin is a pipe");
        let bytes = std::mem::take(&mut self.stdin);
        // A guest that does not read closes the pipe; that is not an error of the test.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&bytes)));
        let output = child.wait_with_output().expect("wrun can be waited for");
        writer.join().expect("the writer does not panic");
        let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
        let code = output.status.code().or(signal.map(|number| 128 + number));
        Run {
            code: code.expect("an exit code or a signal"),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            survivors: survivors(),
            temporary: tree(&self.folder.path().join("tmp")),
            folder: self.folder,
        }
    }
}

impl Run {
    /// Asserts the exit code, and that neither a process nor a temporary file is left.
    #[track_caller]
    pub fn expect_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        assert!(self.survivors.is_empty(), "still alive: {:?}", self.survivors);
        assert!(self.temporary.is_empty(), "left in TMPDIR: {:?}", self.temporary);
        self
    }

    /// Asserts that standard error has `text`.
    #[track_caller]
    pub fn expect_stderr(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "no `{text}` in:\n{}", self.stderr);
        self
    }

    /// Asserts that standard output has `text`.
    #[track_caller]
    pub fn expect_stdout(&self, text: &str) -> &Self {
        assert!(self.stdout.contains(text), "no `{text}` in:\n{}", self.stdout);
        self
    }
}
