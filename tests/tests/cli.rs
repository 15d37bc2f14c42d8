//! Golden tests of the command line: one file per case in `tests/cli`, see `readme.case` there.
//!
//! `BLESS=1 cargo nextest run -p tests --test cli` writes what wrun prints now into the files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tests::{Wrun, root, target};

struct Case {
    comment: String,
    args: Vec<String>,
    rest: String,
}

impl Case {
    fn parse(text: &str) -> Self {
        let split = text.find("\nwrun").expect("a line that starts with `wrun`") + 1;
        let (comment, rest) = text.split_at(split);
        let (command, rest) = rest.split_once('\n').expect("a line after the command");
        let args = shell_words(command.strip_prefix("wrun").unwrap());
        Self { comment: comment.to_owned(), args, rest: rest.to_owned() }
    }
}

/// Words between spaces; single quotes keep spaces.
fn shell_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// Files that the cases name; made anew for each case in its own working directory.
fn prepare(work: &Path, target: &str) {
    // A component whose first section, a core module of 100 bytes, ends after its header.
    let truncated = b"\0asm\x0d\0\x01\0\x01\x64\0asm\x01\0\0\0";
    std::fs::write(work.join("truncated.wasm"), truncated).unwrap();
    std::fs::write(work.join("header-only.wasm"), &truncated[..5]).unwrap();
    std::fs::write(work.join("empty.wasm"), b"").unwrap();
    std::fs::write(work.join("core.wasm"), b"\0asm\x01\0\0\0").unwrap();
    std::fs::write(work.join("text.wat"), b"(component)").unwrap();
    let other_wasi = r#"(component
        (import "wasi:io/poll@9.0.0" (instance (export "f" (func))))
        (core module $m (func (export "g")))
        (core instance $c (instantiate $m))
        (func (export "g") (canon lift (core func $c "g"))))"#;
    std::fs::write(work.join("other-wasi.wasm"), wat::parse_str(other_wasi).unwrap()).unwrap();
    std::fs::create_dir(work.join("folder")).unwrap();
    std::fs::write(work.join("secret"), b"hunter2\n").unwrap();
    prepare_hosts(work, target);
}

/// The file with grants in its good form, and in three that are refused.
fn prepare_hosts(work: &Path, target: &str) {
    let write = |name: &str, text: &str, mode| {
        std::fs::write(work.join(name), text).unwrap();
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(work.join(name), permissions).unwrap();
    };
    let head = format!("format = 1\n\n[bundle.echo]\npath = \"{target}/bundles/echo_host\"\n");
    let good = format!(
        "{head}serves = [\"wrun:echo/*\"]\n\n[bundle.echo.config]\ngreeting = \"Good day\"\n\
         pin = {{ file = \"secret\" }}\n\n[bundle.echo.grants]\nread = [\"/etc\"]\n\n\
         [bundle.echo.limits]\nmemory = \"512M\"\nthreads = 2\n\n\
         [bundle.echo.redact]\n\"wrun:echo/config#get\" = [\"key\", \"result\"]\n\
         \"*\" = [\"message\"]\n"
    );
    write("hosts.toml", &good, 0o644);
    write("hosts-shared.toml", &good, 0o664);
    let twice = "\n[bundle.echo.config]\nenv.HOME = \"/here\"\n\"env.HOME\" = \"/there\"\n";
    write("config-key-twice.toml", &format!("{head}{twice}"), 0o644);
    write("hosts-unknown-key.toml", &format!("{head}\n[bundle.echo.grants]\nraed = []\n"), 0o644);
    let redact = |line: &str| format!("{head}\n[bundle.echo.redact]\n{line}\n");
    let traced = "\"wrun:echo/config#get\" = [\"result\"]\n[bundle.echo.config]\ngreeting = \"Hi\"";
    write("hosts-trace.toml", &redact(traced), 0o644);
    let function = "\"wrun:echo/config#got\" = [\"key\"]";
    write("hosts-redact-function.toml", &redact(function), 0o644);
    write("hosts-redact-value.toml", &redact("\"wrun:echo/config#get\" = [\"kye\"]"), 0o644);
    write("hosts-redact-any.toml", &redact("\"*\" = [\"password\"]"), 0o644);
    write("hosts-secret.toml", &format!("{head}\n[bundle.echo.config]\npin = \"1\"\n"), 0o644);
}

/// `text` with names for folders. Columns behind them would depend on where the tests run.
fn named(text: &str, folders: &[(&str, &str)]) -> String {
    let named = |line: &str| {
        // The time of a call is another one each time.
        let line = match line.strip_prefix("trace: ").and_then(|call| call.rsplit_once(' ')) {
            Some((call, _)) => &format!("trace: {call} TIME"),
            None => line,
        };
        let found = folders.iter().any(|(path, _)| line.contains(path));
        let line =
            folders.iter().fold(line.to_owned(), |line, (path, name)| line.replace(path, name));
        match line.split_once("  #") {
            Some((value, remark)) if found => format!("{}  #{remark}\n", value.trim_end()),
            _ => format!("{line}\n"),
        }
    };
    text.lines().map(named).collect()
}

fn run(path: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(path).unwrap();
    let case = Case::parse(&text);
    let wrun = Wrun::new();
    let target = target().display().to_string();
    prepare(&wrun.work(), &target);
    let work = wrun.work().canonicalize().unwrap().display().to_string();
    let args = case.args.iter().map(|arg| arg.replace("$TARGET", &target));
    let run = wrun.args(args).run();
    let mut seen = format!("exit {}\n", run.code);
    for (name, output) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
        if !output.is_empty() {
            let output = named(output, &[(&target, "$TARGET"), (&work, "$WORK")]);
            write!(seen, "--- {name}\n{}\n", output.trim_end_matches('\n')).unwrap();
        }
    }
    assert!(run.survivors.is_empty(), "{}: still alive {:?}", path.display(), run.survivors);
    assert!(run.temporary.is_empty(), "{}: left {:?}", path.display(), run.temporary);
    if std::env::var_os("BLESS").is_some() {
        let command = text[case.comment.len()..].lines().next().unwrap();
        std::fs::write(path, format!("{}{command}\n{seen}", case.comment)).unwrap();
        return Ok(());
    }
    if seen == case.rest {
        return Ok(());
    }
    Err(format!("== {}\nwanted:\n{}\nseen:\n{seen}", path.display(), case.rest))
}

#[test]
fn wrun_says_what_the_case_files_say() {
    let mut paths: Vec<_> = std::fs::read_dir(root().join("tests/cli"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "case"))
        .collect();
    paths.sort();
    assert!(paths.len() >= 15, "only {} cases were found", paths.len());
    let wrong: Vec<_> = paths.iter().filter_map(|path| run(path).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
