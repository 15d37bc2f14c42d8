//! What `--trace-calls` shows, and what it must not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::fs;
use std::path::Path;
use std::process::Command;
use tests::{Run, Wrun, bundle, guest, succeed};

/// The lines of a run that tell of calls, without their times.
fn traced(run: &Run) -> Vec<String> {
    let lines = run.stderr.lines().filter_map(|line| line.strip_prefix("trace: "));
    let without_time = |line: &str| {
        let (call, time) = line.rsplit_once(' ').unwrap();
        let number = time.trim_end_matches(char::is_alphabetic);
        assert!(number.parse::<f64>().is_ok(), "no time at the end of: {line}");
        call.to_owned()
    };
    lines.map(without_time).collect()
}

/// `wrun --trace-calls` with the bundle echo and this table `[bundle.echo.redact]`.
fn echo(options: &[&str], redact: &str, args: &[&str]) -> Run {
    let wrun = Wrun::new();
    let hosts = format!("format = 1\n[bundle.echo.redact]\n{redact}\n");
    fs::write(wrun.work().join("hosts.toml"), hosts).unwrap();
    wrun.args(["--trace-calls", "--host-config", "hosts.toml"])
        .args(options)
        .bundle(bundle("echo"))
        .arg(guest("echo-all"))
        .args(args)
        .run()
}

#[test]
fn nothing_is_shown_unless_it_is_asked_for() {
    let run = Wrun::new().bundle(bundle("echo")).arg(guest("echo-all")).run();
    run.expect_code(0);
    assert_eq!(run.stderr, "");
}

#[test]
fn every_call_of_every_type_is_one_line_isolated_and_in_process() {
    let isolated = echo(&["--isolate"], "", &[]);
    isolated.expect_code(0);
    let here = echo(&["--in-process"], "", &[]);
    here.expect_code(0);
    let (isolated, here) = (traced(&isolated), traced(&here));
    assert_eq!(isolated, here);
    assert!(isolated.len() > 100, "only {} calls", isolated.len());
    let bad = isolated.iter().find(|line| line.contains("<invalid>") || line.len() > 4000);
    assert_eq!(bad, None);
    for part in [
        "echo wrun:echo/resources@0.1.0#[constructor]counter(start: ",
        "echo wrun:echo/resources@0.1.0#[method]counter.increment(self: counter#1, by: ",
        "echo wrun:echo/resources@0.1.0#[resource-drop]counter(self: counter#1) -> ()",
        "echo greet(name: ",
        "{x: ",
    ] {
        assert!(isolated.iter().any(|line| line.contains(part)), "no {part} in {isolated:#?}");
    }
}

#[test]
fn a_failed_call_is_shown_with_its_error() {
    let run = echo(&[], "", &["panic", "the adapter\ngave up"]);
    run.expect_code(1);
    let lines = traced(&run);
    let wanted = "echo wrun:echo/faults@0.1.0#panic(message: \"the adapter\\ngave up\") \
                  -> error: the adapter panicked: ";
    let found = lines.iter().find(|line| line.starts_with(wanted));
    assert!(found.is_some_and(|line| line.contains("the adapter\\ngave up")), "{lines:#?}");
}

#[test]
fn a_library_cannot_show_what_is_redacted_by_its_error() {
    for redact in ["\"wrun:echo/faults#panic\" = [\"message\"]", "\"*\" = [\"message\"]"] {
        let run = echo(&[], redact, &["panic", "s3cret"]);
        run.expect_code(1);
        let wanted = "echo wrun:echo/faults@0.1.0#panic(message: <redacted>) \
                      -> error: the adapter panicked: <redacted>";
        assert_eq!(traced(&run), [wanted]);
    }
}

/// A control character of a guest or bundle never reaches the terminal.
#[test]
fn e32_a_traced_value_has_no_escapes() {
    let run = echo(&[], "\"*\" = []", &["panic", "\u{1b}]0;owned\u{7}"]);
    let lines: Vec<_> = run.stderr.lines().filter(|line| line.starts_with("trace: ")).collect();
    assert!(lines[0].contains(r#"(message: "\u{1b}]0;owned\u{7}")"#), "{lines:?}");
    assert!(!lines.iter().any(|line| line.chars().any(char::is_control)), "{lines:?}");
}

#[test]
fn a_variable_can_choose_among_events_but_not_be_wrong() {
    let with = |value: &str| {
        Wrun::new()
            .env("WRUN_LOG", value)
            .args(["--trace-calls"])
            .bundle(bundle("echo"))
            .arg(guest("echo-all"))
            .arg("show-config")
            .run()
    };
    assert_eq!(traced(&with("wrun::calls=off")), Vec::<String>::new());
    for shown in ["error", "wrun=debug", "wrun::calls=info"] {
        let run = with(shown);
        run.expect_code(0);
        assert!(!traced(&run).is_empty(), "{shown}: {}", run.stderr);
    }
    with("wrun=debug").expect_stderr("adapter process started");
    with("wrun=loud").expect_code(2).expect_stderr("error: WRUN_LOG=wrun=loud: ");
    with("debgu").expect_code(2).expect_stderr("did you mean `debug`?");
}

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// A token with the PIN 4711, and a hosts.toml that lets the bundle use it, ending with `rest`.
fn token(work: &Path, rest: &str) {
    assert!(Path::new(MODULE).exists(), "{MODULE} is missing; run: apt-get install softhsm2");
    let (tokens, conf) = (work.join("tokens"), work.join("softhsm2.conf"));
    fs::create_dir(&tokens).unwrap();
    fs::write(&conf, format!("directories.tokendir = {}\n", tokens.display())).unwrap();
    let init = ["--init-token", "--free", "--label", "demo", "--so-pin", "1234", "--pin", "4711"];
    succeed(Command::new("softhsm2-util").args(init).env("SOFTHSM2_CONF", &conf));
    fs::write(work.join("pin"), "4711\n").unwrap();
    let hosts = format!(
        "format = 1\n[bundle.pkcs11]\npath = \"{}\"\n\
         [bundle.pkcs11.config]\nmodule = \"{MODULE}\"\nenv.SOFTHSM2_CONF = \"{}\"\n\
         pin = {{ file = \"pin\" }}\n\
         [bundle.pkcs11.grants]\nlibrary = [\"{MODULE}\"]\nread = [\"{}\"]\nwrite = [\"{}\"]\n{rest}",
        bundle("pkcs11").display(),
        conf.display(),
        conf.display(),
        tokens.display()
    );
    fs::write(work.join("hosts.toml"), hosts).unwrap();
}

fn demo(rest: &str) -> Run {
    let wrun = Wrun::new();
    token(&wrun.work(), rest);
    wrun.args(["--trace-calls", "--host-config", "hosts.toml", "--dir", "."])
        .arg(guest("pkcs11-demo"))
        .args(["demo", "."])
        .run()
}

#[test]
fn a_redacted_pin_is_nowhere_in_the_output() {
    // What the guest gives to one of its logins.
    const GIVEN: &str = "certainly not it";
    let login =
        |pin: &str| format!("#[method]session.login(self: session#1, user: user, pin: {pin}) -> ");
    let open = demo("");
    open.expect_code(0).expect_stderr(&login(&format!("given(\"{GIVEN}\")")));
    for redact in ["\"pkcs11:host/sessions#[method]session.login\"", "\"*\""] {
        let run = demo(&format!("[bundle.pkcs11.redact]\n{redact} = [\"pin\"]\n"));
        run.expect_code(0)
            .expect_stderr(&(login("<redacted>") + "err("))
            .expect_stderr(&(login("<redacted>") + "ok "));
        assert!(!run.stderr.contains(GIVEN), "{}", run.stderr);
        assert!(!run.stdout.contains(GIVEN), "{}", run.stdout);
    }
}
