//! The main job: a component uses a real PKCS#11 token through an isolated library, and OpenSSL
//! accepts what it signed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tests::{Wrun, bundle, guest, succeed};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const PIN: &str = "4711";

/// A token of its own in the working directory of `wrun`.
fn token(folder: &Path) -> PathBuf {
    assert!(Path::new(MODULE).exists(), "{MODULE} is missing; run: apt-get install softhsm2");
    let tokens = folder.join("tokens");
    fs::create_dir(&tokens).unwrap();
    let conf = folder.join("softhsm2.conf");
    fs::write(&conf, format!("directories.tokendir = {}\n", tokens.display())).unwrap();
    let init = ["--init-token", "--free", "--label", "demo", "--so-pin", "1234", "--pin", PIN];
    succeed(Command::new("softhsm2-util").args(init).env("SOFTHSM2_CONF", &conf));
    fs::write(folder.join("pin"), format!("{PIN}\n")).unwrap();
    conf
}

fn with_token(wrun: Wrun) -> Wrun {
    let conf = token(&wrun.work());
    let tokens = wrun.work().join("tokens");
    wrun.bundle(bundle("pkcs11"))
        .args(["--grant", &format!("pkcs11:library={MODULE}")])
        .args(["--grant", &format!("pkcs11:read={}", conf.display())])
        .args(["--grant", &format!("pkcs11:write={}", tokens.display())])
        .args(["--bundle-config", &format!("pkcs11.module={MODULE}")])
        .args(["--bundle-config", &format!("pkcs11.env.SOFTHSM2_CONF={}", conf.display())])
        .args(["--dir", "."])
}

fn with_pin(wrun: Wrun) -> Wrun {
    wrun.args(["--bundle-config-from", "pkcs11.pin=file:pin"])
}

fn openssl(folder: &Path, args: &str) -> String {
    succeed(Command::new("openssl").args(args.split_whitespace()).current_dir(folder))
}

/// Puts a key pair into the token, as a user would who has one already.
fn import_key(folder: &Path) {
    openssl(folder, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem");
    let import = ["--import", "key.pem", "--token", "demo", "--label", "mine", "--id", "01"];
    let conf = folder.join("softhsm2.conf");
    let mut import_tool = Command::new("softhsm2-util");
    import_tool.args(import).args(["--pin", PIN]).current_dir(folder);
    succeed(import_tool.env("SOFTHSM2_CONF", conf));
}

#[test]
fn a_component_uses_a_token_and_openssl_verifies_its_signatures() {
    let run = with_pin(with_token(Wrun::new()))
        .arg("--isolate")
        .arg(guest("pkcs11-demo"))
        .args(["demo", "."])
        .run();
    run.expect_code(0);
    let work = run.folder.path().join("work");
    for (key, options) in [("ec", ""), ("rsa", "")] {
        let verify = format!(
            "dgst -sha256 -verify {key}.pub.der -keyform DER {options} -signature {key}.sig message.txt"
        );
        assert!(openssl(&work, &verify).contains("Verified OK"));
    }
    let pss = "dgst -sha256 -verify rsa.pub.der -keyform DER -sigopt rsa_padding_mode:pss \
               -sigopt rsa_pss_saltlen:32 -signature pss.sig message.txt";
    assert!(openssl(&work, pss).contains("Verified OK"));
}

#[test]
fn a_file_of_the_user_is_signed() {
    let wrun = with_pin(with_token(Wrun::new()));
    let work = wrun.work();
    fs::write(work.join("contract.txt"), "I owe you one.\n").unwrap();
    import_key(&work);
    let run = wrun
        .arg(guest("sign-file"))
        .args(["--token", "demo", "--key", "mine", "contract.txt", "contract.sig"])
        .run();
    run.expect_code(0);
    let work = run.folder.path().join("work");
    let verify = "dgst -sha256 -verify contract.sig.pem -signature contract.sig contract.txt";
    assert!(openssl(&work, verify).contains("Verified OK"));
    fs::write(work.join("contract.txt"), "I owe you two.\n").unwrap();
    let forged = Command::new("openssl")
        .args(verify.split_whitespace())
        .current_dir(&work)
        .output()
        .unwrap();
    assert!(!forged.status.success(), "the signature must not fit another text");
}

#[test]
fn a_wrong_pin_is_an_error_that_the_guest_can_name() {
    let wrun = with_token(Wrun::new());
    fs::write(wrun.work().join("wrong"), "0000").unwrap();
    let run = wrun
        .args(["--bundle-config-from", "pkcs11.pin=file:wrong"])
        .arg(guest("sign-file"))
        .args(["--token", "demo", "--key", "mine", "softhsm2.conf", "out"])
        .run();
    run.expect_code(1).expect_stderr("CKR_PIN_INCORRECT");
}

#[test]
fn a_module_that_is_not_there_fails_the_start_with_its_path() {
    let run = Wrun::new()
        .bundle(bundle("pkcs11"))
        .args(["--bundle-config", "pkcs11.module=/nowhere/module.so"])
        .arg(guest("pkcs11-demo"))
        .args(["demo", "."])
        .run();
    run.expect_code(1)
        .expect_stderr("bundle `pkcs11`: its `init` failed")
        .expect_stderr("/nowhere/module.so");
}

#[test]
fn the_runner_knows_nothing_of_pkcs11() {
    let mut files = Vec::new();
    for folder in ["runner/src", "adapter-shim/src", "protocol/src"] {
        files.extend(tests::tree(&tests::root().join(folder)));
    }
    let knowing = |file: &&String| {
        let text = fs::read_to_string(file).unwrap_or_default();
        // Examples in help texts may name a bundle; code may not.
        text.lines().any(|line| line.contains("C_Login") || line.contains("CKR_"))
    };
    let found: Vec<_> = files.iter().filter(knowing).collect();
    assert!(found.is_empty(), "{found:?}");
}

/// What one run without a jail was seen to use lets the same run succeed in a jail.
#[test]
fn the_grants_that_were_learned_are_enough() {
    let wrun = Wrun::new();
    let (conf, pin) = (token(&wrun.work()), wrun.work().join("pin"));
    let configured = |wrun: Wrun| {
        wrun.bundle(bundle("pkcs11"))
            .args(["--bundle-config", &format!("pkcs11.module={MODULE}")])
            .args(["--bundle-config", &format!("pkcs11.env.SOFTHSM2_CONF={}", conf.display())])
            .args(["--bundle-config-from", &format!("pkcs11.pin=file:{}", pin.display())])
            .args(["--dir", "."])
            .arg(guest("pkcs11-demo"))
            .args(["demo", "."])
    };
    let learned = configured(wrun.args(["policy", "learn", "--i-trust-this-bundle"])).run();
    learned.expect_code(0).expect_stdout(&format!("--grant pkcs11:library={MODULE}\n"));
    let grants = learned.stdout.lines().filter(|line| line.starts_with("--grant "));
    let options: Vec<_> = grants.flat_map(str::split_whitespace).collect();
    let first = Wrun::new();
    configured(first).run().expect_code(1).expect_stderr("note: `wrun policy learn` shows");
    configured(Wrun::new().args(options)).run().expect_code(0);
}
