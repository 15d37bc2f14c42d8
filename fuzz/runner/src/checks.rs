//! What holds of the parsers of files that an author or an operator wrote, for any bytes.
//!
//! Each function panics if a promise is broken. They are used by the fuzz targets, and by a test of
//! the runner, which has wasmtime built already.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use wrun::bundle::RelativePath;
use wrun::bundle::library::Library;
use wrun::bundle::manifest::{BYTES_MAX, Manifest, VENDOR_MAX, is_name};
use wrun::operator::Grant;

/// Longest message, in bytes: some texts of the file, each cut where it is made.
const MESSAGE_BYTES_MAX: usize = 128 << 10;

/// `bundle.toml`.
pub fn manifest(data: &[u8]) {
    let Some(text) = text(data, BYTES_MAX) else { return };
    let found = Manifest::parse(text);
    assert_eq!(found, Manifest::parse(text), "the same text, read twice");
    let manifest = match found {
        Ok(manifest) => manifest,
        Err(error) => return message(&error.to_string()),
    };
    assert!(is_name(&manifest.name));
    assert!(manifest.version.is_some() && !manifest.library.is_empty());
    assert!(manifest.vendor.len() <= VENDOR_MAX);
    assert_eq!(manifest.vendor.iter().collect::<BTreeSet<_>>().len(), manifest.vendor.len());
    let paths = manifest.library.values().chain(&manifest.vendor).chain([&manifest.wit]);
    for path in paths {
        assert_eq!(RelativePath::new(path.as_str()).as_ref(), Ok(path));
        let is_inside = |part: &str| !["", ".", ".."].contains(&part);
        assert!(path.as_str().split('/').all(is_inside), "{path} leads out of the bundle");
    }
    let asks = &manifest.asks;
    for ask in [&asks.read, &asks.write, &asks.connect, &asks.device, &asks.library] {
        ask.iter().for_each(|ask| harmless(ask, ""));
    }
    for symbol in manifest.symbols.values() {
        assert!(!symbol.is_empty() && symbol.chars().all(|c| c.is_ascii_graphic()));
    }
}

/// `hosts.toml`.
pub fn hosts(data: &[u8]) {
    let Some(text) = text(data, 256 << 10) else { return };
    let hosts = match wrun::fuzzing::hosts(Path::new("/etc/wrun/hosts.toml"), text) {
        Ok(hosts) => hosts,
        Err(error) => return message(&error),
    };
    for (name, declared) in &hosts.bundles {
        assert!(is_name(name));
        if let Some(path) = &declared.path {
            assert!(path.value.is_absolute());
        }
        for grant in &declared.settings.grants {
            match &grant.value {
                Grant::Read(path)
                | Grant::Write(path)
                | Grant::Socket(path)
                | Grant::Device(path)
                | Grant::Library(path) => assert!(path.is_absolute(), "{path:?}"),
                Grant::Connect { host, .. } => assert!(!host.is_empty()),
            }
        }
    }
}

/// The tables of an ELF file. `file` is overwritten.
pub fn library(file: &File, data: &[u8]) {
    file.set_len(data.len() as u64).expect("a file of that length");
    file.write_all_at(data, 0).expect("a written file");
    match Library::inspect(file) {
        Ok(library) => {
            // A name needs a byte that ends it, and a symbol needs 24.
            assert!(library.functions().count() <= data.len() / 24);
            let is_listed = |name: &str| !name.is_empty() && library.defines(name);
            assert!(library.functions().all(is_listed));
            assert!(library.functions().all(|name| name.len() < data.len()));
        }
        Err(error) => message(&error.to_string()),
    }
}

/// WIT, of which the runner makes types.
pub fn wit(data: &[u8]) {
    let Some(text) = text(data, 4 << 20) else { return };
    if let Err(error) = wrun::fuzzing::wit(text) {
        harmless(&error, "\n\t");
        assert!(error.len() <= MESSAGE_BYTES_MAX);
    }
}

/// The text in `data`, if it would be read at all.
fn text(data: &[u8], bytes_max: u64) -> Option<&str> {
    std::str::from_utf8(data).ok().filter(|text| text.len() as u64 <= bytes_max)
}

/// A message is there, short, and shows no character that acts.
fn message(shown: &str) {
    assert!(!shown.is_empty() && shown.len() <= MESSAGE_BYTES_MAX, "{} bytes", shown.len());
    harmless(shown, "\n\t");
}

fn harmless(shown: &str, allowed: &str) {
    let acts = |c: char| c.is_control() && !allowed.contains(c);
    let hides = ['\u{200b}', '\u{202e}', '\u{2028}', '\u{2066}', '\u{feff}'];
    assert!(!shown.contains(acts) && !shown.contains(hides), "{shown:?}");
}
