//! Granted libraries with all that they need, and bundles that need some.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod bundle_kit;

use bundle_kit::{Kit, compile};
use protocol::policy::Library;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use wrun::operator::{Assembled, Orders, assemble, from_command_line};

const WIT: &str = "package demo:clock@1.0.0;
interface now { seconds: func() -> u64; }
world bundle { export now; }
";

/// A folder with libraries.
struct Shelf(tempfile::TempDir);

impl Shelf {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    /// A library that needs those in `needs`, and gives the linker `flags`.
    fn library(&self, name: &str, needs: &[&str], flags: &[&str]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let file_name = path.file_name().unwrap().to_str().unwrap();
        let soname = format!("-Wl,-soname,{file_name}");
        let needs: Vec<_> =
            needs.iter().map(|name| self.path(name).to_str().unwrap().to_owned()).collect();
        let mut all = vec!["-shared", "-fPIC", "-Wl,--no-as-needed", soname.as_str()];
        all.extend(flags);
        all.extend(needs.iter().map(String::as_str));
        compile(&path, &[format!("in_{}", file_name.replace(['.', '-'], "_"))], &all);
        path
    }
}

fn clock() -> Kit {
    Kit::complete("clock", WIT)
}

fn with(kit: &Kit, libraries: &[&Path]) -> Result<Assembled, String> {
    let grants: Vec<_> =
        libraries.iter().map(|path| format!("clock:library={}", path.display())).collect();
    let orders = Orders {
        bundles: vec![kit.path().to_owned()],
        settings: from_command_line(&grants, Path::new("/")).unwrap(),
        ..Orders::default()
    };
    let mut all = assemble(&orders).map_err(|error| error.to_string())?;
    Ok(all.remove(0))
}

fn granted(libraries: &[&Path]) -> Result<Vec<Library>, String> {
    Ok(with(&clock(), libraries)?.grants().libraries)
}

fn plain(path: &Path) -> Library {
    let path = path.to_str().unwrap().to_owned();
    Library { file: path.clone(), path }
}

const HERE: &str = "-Wl,--enable-new-dtags,-rpath,$ORIGIN/deep";

#[test]
fn a_library_comes_behind_all_that_it_needs() {
    let shelf = Shelf::new();
    let c = shelf.library("deep/libc_.so", &[], &[]);
    let b = shelf.library("deep/libb.so", &["deep/libc_.so"], &["-Wl,-rpath,$ORIGIN"]);
    let a = shelf.library("liba.so", &["deep/libb.so", "deep/libc_.so"], &[HERE]);
    assert_eq!(granted(&[&a]), Ok(vec![plain(&c), plain(&b), plain(&a)]));
    // The second brings nothing that is not there.
    assert_eq!(granted(&[&b, &a]), Ok(vec![plain(&c), plain(&b), plain(&a)]));
}

#[test]
fn the_c_library_is_in_every_jail_and_not_granted() {
    let shelf = Shelf::new();
    let a = shelf.library("liba.so", &[], &["-lm", "-lpthread"]);
    assert_eq!(granted(&[&a]), Ok(vec![plain(&a)]));
}

#[test]
fn a_run_path_counts_for_its_own_library_only() {
    let shelf = Shelf::new();
    shelf.library("deep/libc_.so", &[], &[]);
    shelf.library("deep/libb.so", &["deep/libc_.so"], &[]);
    let a = shelf.library("liba.so", &["deep/libb.so"], &[HERE]);
    let error = granted(&[&a]).unwrap_err();
    assert!(error.contains("libb.so needs libc_.so, which is neither"), "{error}");
    // The old form is handed on.
    let old = "-Wl,--disable-new-dtags,-rpath,$ORIGIN/deep";
    let a = shelf.library("liba.so", &["deep/libb.so"], &[old]);
    assert_eq!(granted(&[&a]).map(|all| all.len()), Ok(3));
}

#[test]
fn libraries_that_need_each_other_are_found_once() {
    let shelf = Shelf::new();
    shelf.library("deep/libb.so", &[], &[]);
    let a = shelf.library("deep/liba.so", &["deep/libb.so"], &["-Wl,-rpath,$ORIGIN"]);
    shelf.library("deep/libb.so", &["deep/liba.so"], &["-Wl,-rpath,$ORIGIN"]);
    let names: Vec<_> = granted(&[&a]).unwrap().into_iter().map(|library| library.path).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn a_link_keeps_the_name_by_which_it_is_loaded() {
    let shelf = Shelf::new();
    let file = shelf.library("libx.so.1.2.3", &[], &[]);
    let link = shelf.path("libx.so");
    symlink("libx.so.1.2.3", &link).unwrap();
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    assert_eq!(granted(&[&link]), Ok(vec![Library { file: path(&file), path: path(&link) }]));
    let crooked = shelf.path("deep/../libx.so");
    fs::create_dir(shelf.path("deep")).unwrap();
    assert_eq!(granted(&[&crooked]), granted(&[&link]));
}

#[test]
fn a_library_cannot_have_other_files_put_into_its_jail() {
    let shelf = Shelf::new();
    let secret = shelf.path("deep/libsecret.so");
    // The name of what it needs, and then a file that is no library in its place.
    shelf.library("deep/libsecret.so", &[], &[]);
    let a = shelf.library("liba.so", &["deep/libsecret.so"], &[HERE]);
    fs::write(&secret, "root:x:0:0").unwrap();
    let error = granted(&[&a]).unwrap_err();
    assert!(error.contains("libsecret.so: it is text"), "{error}");
    nix::unistd::mkfifo(&shelf.path("libpipe.so"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let error = granted(&[&shelf.path("libpipe.so")]).unwrap_err();
    assert!(error.contains("no plain file"), "{error}");
    let error = granted(&[&shelf.path("nowhere.so")]).unwrap_err();
    assert!(error.contains("nowhere.so: No such file"), "{error}");
}

#[test]
fn every_truncation_of_a_granted_library_is_an_error_or_a_library() {
    let shelf = Shelf::new();
    let whole = fs::read(shelf.library("liba.so", &[], &[HERE])).unwrap();
    let cut = shelf.path("libcut.so");
    for length in (0..whole.len()).step_by(97) {
        fs::write(&cut, &whole[..length]).unwrap();
        let _ = granted(&[&cut]);
    }
}

#[test]
fn a_bundle_that_needs_a_library_is_told_which_grant_it_lacks() {
    let shelf = Shelf::new();
    let needed = shelf.library("libvendor.so.1", &[], &[]);
    let kit = Kit::new("clock").file("wit/world.wit", WIT);
    let library = kit.path().join("lib/libclock.so");
    fs::create_dir_all(library.parent().unwrap()).unwrap();
    let symbol = "wit_demo_3aclock_2fnow_401_2e0_2e0_23seconds";
    let flags = ["-shared", "-fPIC", "-Wl,--no-as-needed", needed.to_str().unwrap()];
    compile(&library, &[symbol], &flags);
    let assembled = with(&kit, &[]).unwrap();
    assert_eq!(assembled.lacking[0].name, "libvendor.so.1");
    let error = assembled.options().unwrap_err().to_string();
    assert!(error.contains("bundle `clock` needs libraries that are not granted"), "{error}");
    let granted = with(&kit, &[&needed]).unwrap();
    assert_eq!(granted.lacking, []);
    assert_eq!(granted.options().unwrap().policy.profiles().to_string(), "compute+libraries");
}
