//! The main job, and a look at its processes while the guest runs.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow, bail};

use super::token::{LABEL, Token};
use crate::workspace;

/// The guest's name for the folder it may write to.
const GUEST_FOLDER: &str = "/output";

/// What was seen while the guest ran, after the module had answered.
#[derive(Debug)]
pub(super) struct Ran {
    /// Process of wrun.
    pub(super) runner: u32,
    /// Whether the PKCS#11 module was mapped into wrun.
    pub(super) module_in_runner: bool,
    /// Process of the adapter that wrun started.
    pub(super) adapter: u32,
    /// What the kernel says of it.
    pub(super) adapter_status: Status,
    /// Who started the process that started it.
    pub(super) grandparent: u32,
}

/// The lines of `/proc/PID/status` that matter here. Nobody but root may read more of an adapter
/// process, its memory map for example: it has made itself undumpable.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Status {
    /// `Name`, the program.
    pub(super) name: String,
    /// `PPid`, the process that started it.
    pub(super) parent: u32,
    /// `NoNewPrivs`: whether it can never gain privileges.
    pub(super) no_new_privileges: bool,
    /// `Seccomp`: whether a filter decides on its system calls.
    pub(super) has_filter: bool,
}

impl Status {
    fn of(process: u32) -> Result<Self> {
        let path = format!("/proc/{process}/status");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        Self::parse(&text).with_context(|| format!("cannot understand {path}"))
    }

    fn parse(text: &str) -> Option<Self> {
        let field = |name: &str| {
            let is_it = |line: &str| line.strip_prefix(name)?.strip_prefix(':').map(str::to_owned);
            text.lines().find_map(is_it).map(|value| value.trim().to_owned())
        };
        Some(Self {
            name: field("Name")?,
            parent: field("PPid")?.parse().ok()?,
            no_new_privileges: field("NoNewPrivs")? == "1",
            has_filter: field("Seccomp")? == "2",
        })
    }
}

/// Runs the guest `pkcs11-demo` on `token`.
pub(super) fn run(token: &Token) -> Result<Ran> {
    let arguments = arguments(token);
    println!("{}", shown(&arguments));
    let mut child = Command::new(workspace::binaries().join("wrun"))
        .args(&arguments)
        .current_dir(workspace::root())
        // The library says which process it starts.
        .env("WRUN_LOG", "wrun=debug")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start wrun")?;
    let seen = watch(&mut child, token);
    let status = child.wait().context("cannot wait for wrun")?;
    let (seen, stderr) = seen?;
    let messages = stderr.join().map_err(|_| anyhow!("the reader of wrun's messages failed"))?;
    if !status.success() {
        bail!("wrun ended with {status}; its messages:\n{messages}");
    }
    seen.with_context(|| format!("wrun's messages:\n{messages}"))
}

/// The command line, with paths as one would type them in the root of the repository.
fn arguments(token: &Token) -> Vec<OsString> {
    let joined = |left: &str, right: &std::path::Path| {
        let mut word = OsString::from(left);
        word.push(right);
        word
    };
    let mut dir = token.output.clone().into_os_string();
    dir.push("::");
    dir.push(GUEST_FOLDER);
    vec![
        "--isolate".into(),
        "--host-bundle".into(),
        "target/bundles/pkcs11_host".into(),
        "--bundle-config".into(),
        joined("pkcs11.module=", &token.module),
        "--bundle-config".into(),
        joined("pkcs11.env.SOFTHSM2_CONF=", &token.conf),
        "--bundle-config-from".into(),
        joined("pkcs11.pin=file:", &token.pin),
        "--grant".into(),
        joined("pkcs11:library=", &token.module),
        "--grant".into(),
        joined("pkcs11:read=", &token.conf),
        "--grant".into(),
        joined("pkcs11:write=", &token.tokens),
        "--dir".into(),
        dir,
        "target/guests/wasm/pkcs11-demo.wasm".into(),
        LABEL.into(),
        GUEST_FOLDER.into(),
    ]
}

/// The command over several lines, each option with its value.
fn shown(arguments: &[OsString]) -> String {
    let mut text = String::from("$ wrun");
    for word in arguments.iter().map(|word| word.to_string_lossy()) {
        let starts_line = word.starts_with("--") || word.ends_with(".wasm");
        text.push_str(if starts_line { " \\\n    " } else { " " });
        text.push_str(&word);
    }
    text
}

type Watched = (Result<Ran>, JoinHandle<String>);

/// Passes the guest's lines on, and looks at the processes after the first one: at that point the
/// module has answered, so it is loaded, and the guest has most of its work before it.
fn watch(child: &mut Child, token: &Token) -> Result<Watched> {
    let stderr = child.stderr.take().context("wrun has no standard error")?;
    let stdout = child.stdout.take().context("wrun has no standard output")?;
    let (adapter, messages) = read_messages(stderr);
    let runner = child.id();
    // The kernel shows files by their real names, and distributions link this one.
    let module = fs::canonicalize(&token.module)
        .with_context(|| format!("cannot find {}", token.module.display()))?;
    let module = module.to_string_lossy().into_owned();
    let mut seen = Err(anyhow!("the guest printed nothing"));
    for (index, line) in BufReader::new(stdout).lines().enumerate() {
        if index == 0 {
            seen = look(runner, &adapter, &module);
        }
        println!("{}", line.context("cannot read what the guest prints")?);
    }
    Ok((seen, messages))
}

fn look(runner: u32, adapter: &Receiver<u32>, module: &str) -> Result<Ran> {
    let adapter = adapter.recv().context("wrun did not name its adapter process")?;
    let adapter_status = Status::of(adapter)?;
    Ok(Ran {
        runner,
        module_in_runner: maps(runner, module)?,
        adapter,
        grandparent: Status::of(adapter_status.parent)?.parent,
        adapter_status,
    })
}

/// Whether a process has `module` in its memory.
fn maps(process: u32, module: &str) -> Result<bool> {
    let path = format!("/proc/{process}/maps");
    let maps = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    Ok(maps.lines().any(|line| line.ends_with(module)))
}

/// Collects wrun's messages on a thread; sends the process that one of them names.
fn read_messages(stderr: impl Read + Send + 'static) -> (Receiver<u32>, JoinHandle<String>) {
    let (sender, adapter) = channel();
    let reader = std::thread::spawn(move || {
        let mut messages = String::new();
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if let Some(process) = started(&line) {
                // Nobody listens any more if the guest printed nothing.
                let _ = sender.send(process);
            }
            messages.push_str(&line);
            messages.push('\n');
        }
        messages
    });
    (adapter, reader)
}

/// The process number in `… adapter in its jail bundle="pkcs11" pid=4711`.
fn started(line: &str) -> Option<u32> {
    let (_, rest) = line.split_once("adapter in its jail")?;
    let (_, number) = rest.split_once("pid=")?;
    number.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_adapter_process_is_found_in_the_message() {
        let line = "2026-01-01T00:00:00.000000Z DEBUG wrun::shim::session: \
                    adapter in its jail bundle=\"pkcs11\" pid=4711";
        assert_eq!(started(line), Some(4711));
        assert_eq!(started("adapter process ended pid=4711"), None);
    }

    #[test]
    fn the_kernels_words_about_a_process_are_understood() {
        let text = "Name:\tadapter-shim\nPid:\t12\nPPid:\t11\nNoNewPrivs:\t1\nSeccomp:\t2\n\
                    Seccomp_filters:\t1\n";
        let expected = Status {
            name: "adapter-shim".to_owned(),
            parent: 11,
            no_new_privileges: true,
            has_filter: true,
        };
        assert_eq!(Status::parse(text), Some(expected));
        assert_eq!(Status::parse("Name:\tadapter-shim\n"), None);
    }
}
