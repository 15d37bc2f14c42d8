//! Opening bundles: what is accepted, and the exact words for what is not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod bundle_kit;

use bundle_kit::{Kit, compile, golden};
use std::os::unix::fs::symlink;
use std::path::Path;
use wrun::bundle::{Bundle, target};

const WIT: &str = "package demo:clock@1.0.0;
interface now { seconds: func() -> u64; zone: func(name: string) -> result<s32, string>; }
world bundle { export now; }
";

fn manifest(rest: &str) -> String {
    format!(
        "format = 1\nname = \"clock\"\nversion = \"1.4.0\"\n{rest}\n\
         [library]\n{} = \"lib/libclock.so\"\n",
        target::TRIPLE
    )
}

fn clock() -> Kit {
    Kit::complete("clock", WIT)
}

#[test]
fn a_bundle_by_convention_has_the_name_of_its_directory() {
    let bundle = clock().open();
    assert_eq!(bundle.name(), "clock");
    assert_eq!(bundle.library_path().as_str(), "lib/libclock.so");
    assert_eq!(bundle.exports().world.interfaces[0].name, "demo:clock/now@1.0.0");
    assert_eq!(bundle.missing_symbols(), []);
}

#[test]
fn a_manifest_says_all() {
    let text = manifest(
        "vendor = [\"lib/libvendor.so.1\"]\nworld = \"bundle\"\n\
         [config.zone]\nhelp = \"h\"\n[config.\"pin.*\"]\nsecret = true\n\
         [asks]\nread = [\"/usr/share/zoneinfo\"]\nthreads = true\n\
         [symbols]\n\"demo:clock/now@1.0.0#seconds\" = \"clock_seconds\"\n",
    );
    let kit = clock()
        .library("lib/libclock.so", &["clock_seconds", "wit_demo_3aclock_2fnow_401_2e0_2e0_23zone"])
        .library("lib/libvendor.so.1", &["vendor"])
        .file("bundle.toml", text);
    let bundle = kit.open();
    let manifest = bundle.manifest();
    assert_eq!(manifest.version, Some(semver::Version::new(1, 4, 0)));
    assert_eq!(manifest.vendor[0].as_str(), "lib/libvendor.so.1");
    assert!(manifest.config.as_ref().unwrap()["pin.*"].secret);
    assert!(manifest.asks.threads);
    let symbols = bundle.function_symbols(Some("demo:clock/now@1.0.0"), "seconds").unwrap();
    assert_eq!(symbols.symbol, "clock_seconds");
    // `zone` takes a string, and this library has no allocation function.
    let missing: Vec<_> = bundle.missing_symbols().iter().map(|m| m.function.clone()).collect();
    assert_eq!(missing, ["cabi_realloc"]);
}

#[test]
fn symbols_are_looked_for_in_order_and_only_where_they_are_defined() {
    let name = "demo:clock/now#seconds";
    let wit = "package demo:clock; interface now { seconds: func() -> u64; }
               world w { export now; export run: func(); }";
    let seconds = |symbols: &[&str]| {
        let kit = Kit::new("clock").file("wit/w.wit", wit).library("lib/libc.so", symbols);
        let found = kit.open().function_symbols(Some("demo:clock/now"), "seconds");
        found.map(|found| (found.symbol, found.post_return))
    };
    let escaped = "wit_demo_3aclock_2fnow_23seconds";
    let c = "__wasm_export_exports_demo_clock_now_seconds";
    assert_eq!(seconds(&[name, escaped, c]), Ok((name.into(), None)));
    let (post_escaped, post_c) = (format!("cabi_post_{escaped}"), format!("{c}_post_return"));
    assert_eq!(
        seconds(&[escaped, c, &post_escaped, &post_c]),
        Ok((escaped.into(), Some(post_escaped.clone())))
    );
    assert_eq!(seconds(&[c, &post_escaped, &post_c]), Ok((c.into(), Some(post_c.clone()))));
    assert_eq!(seconds(&["other"]).unwrap_err().tried, [name, escaped, c]);

    let kit = Kit::new("clock").file("wit/w.wit", wit).library("lib/libc.so", &["run"]);
    let tried = kit.open().function_symbols(None, "run").unwrap_err().tried;
    assert_eq!(tried, ["wit_run", "__wasm_export_exports_w_run"]);
}

#[test]
fn several_versions_of_one_package_and_a_deps_folder_are_read() {
    let kit = Kit::new("two")
        .file(
            "wit/w.wit",
            "package a:b@2.0.0; world bundle { export c:d/e@1.0.0; export c:d/e@2.0.0; }",
        )
        .file("wit/deps/one.wit", "package c:d@1.0.0; interface e { f: func(); }")
        .file("wit/deps/two/e.wit", "package c:d@2.0.0; interface e { f: func(a: u8); }")
        .file("wit/deps/readme.txt", "not WIT")
        .library("lib/libtwo.so", &["__wasm_export_exports_c_d_1_0_0_e_f"]);
    let bundle = kit.open();
    let missing = bundle.missing_symbols();
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].function, "c:d/e@2.0.0#f");
    assert_eq!(missing[0].tried[2], "__wasm_export_exports_c_d_2_0_0_e_f");
}

#[test]
fn the_lifecycle_interface_is_no_export() {
    let lifecycle = "package wrun:bundle@0.1.2;
        interface lifecycle { init: func(config: list<tuple<string, string>>) -> result<_, string>; }";
    let wit = "package demo:clock@1.0.0; interface now { seconds: func() -> u64; }
               world bundle { export now; export wrun:bundle/lifecycle@0.1.2; }";
    let kit = Kit::new("clock")
        .file("wit/w.wit", wit)
        .file("wit/deps/wrun.wit", lifecycle)
        .library("lib/libclock.so", &["x"]);
    let exports = kit.open().exports().clone();
    assert_eq!(exports.lifecycle.unwrap().name, "wrun:bundle/lifecycle@0.1.2");
    assert_eq!(exports.world.interfaces.len(), 1);

    let other = lifecycle.replace("result<_, string>", "result<_, u32>");
    golden("bundle_init_type", &kit.file("wit/deps/wrun.wit", other).refusal());
    let kit = Kit::new("clock")
        .file("wit/w.wit", wit.replace("0.1.2", "0.2.0"))
        .file("wit/deps/wrun.wit", lifecycle.replace("0.1.2", "0.2.0"))
        .library("lib/libclock.so", &["x"]);
    golden("bundle_lifecycle_version", &kit.refusal());
}

#[test]
fn a_directory_that_is_no_bundle_is_refused() {
    let error = |path: &str| Bundle::open(Path::new(path)).unwrap_err().to_string();
    golden("bundle_no_directory", &error("does/not/exist"));
    golden(
        "bundle_not_a_directory",
        &error(file!().rsplit('/').next().map_or("", |_| "Cargo.toml")),
    );
    golden("bundle_empty", &Kit::new("empty").refusal());
    golden("bundle_bad_name", &Kit::new("a b").refusal());
    let two = clock().library("lib/libother.so", &["x"]);
    golden("bundle_two_libraries", &two.refusal());
}

#[test]
fn a_library_that_cannot_be_loaded_is_refused() {
    let with = |bytes: &[u8]| clock().file("lib/libclock.so", bytes).refusal();
    golden("library_empty", &with(b""));
    golden("library_archive", &with(b"!<arch>\nabcdefghijklmnopqrstuvwxyz"));
    golden("library_wasm", &with(b"\0asm\x0d\0\x01\0abcdefghijklmnopqrstuvwxyz"));
    golden("library_text", &with(b"INPUT(libclock.so.1) and more text"));
    let library = std::fs::read(clock().path().join("lib/libclock.so")).unwrap();
    let with_byte = |at: usize, value: u8| {
        let mut bytes = library.clone();
        bytes[at] = value;
        with(&bytes)
    };
    // e_machine, the class, and the type of the file.
    golden("library_machine", &with_byte(18, 0xf3));
    golden("library_32_bit", &with_byte(4, 1));
    golden("library_object", &with_byte(16, 1));
    golden("library_truncated", &with(&library[..library.len() / 2]));
    golden("library_cut_header", &with(&library[..40]));

    let kit = clock();
    compile(&kit.path().join("lib/libclock.so"), &["main"], &["-pie", "-fPIE"]);
    golden("library_executable", &kit.refusal());
}

#[test]
fn every_truncation_of_a_library_is_an_error_or_a_library() {
    let kit = clock();
    let library = std::fs::read(kit.path().join("lib/libclock.so")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    for length in (0..library.len()).step_by(37) {
        std::fs::write(&path, &library[..length]).unwrap();
        let _ = wrun::bundle::library::Library::inspect(&std::fs::File::open(&path).unwrap());
    }
    // Every header byte, set to what is most likely to overflow something.
    for at in 0..64 {
        let mut bytes = library.clone();
        bytes[at] = 0xff;
        std::fs::write(&path, &bytes).unwrap();
        let _ = wrun::bundle::library::Library::inspect(&std::fs::File::open(&path).unwrap());
    }
}

#[test]
fn a_link_or_a_pipe_in_a_bundle_is_refused() {
    let kit = clock();
    let library = kit.path().join("lib/libclock.so");
    std::fs::rename(&library, kit.path().join("lib/real")).unwrap();
    symlink("real", &library).unwrap();
    golden("bundle_link", &kit.refusal());

    std::fs::remove_file(&library).unwrap();
    nix::unistd::mkfifo(&library, nix::sys::stat::Mode::S_IRWXU).unwrap();
    golden("bundle_pipe", &kit.refusal());

    let kit = clock();
    std::fs::remove_dir_all(kit.path().join("wit")).unwrap();
    symlink("/usr/include", kit.path().join("wit")).unwrap();
    golden("bundle_wit_link", &kit.refusal());
}

#[test]
fn a_wrong_manifest_is_refused_with_its_line() {
    let with = |text: &str| clock().file("bundle.toml", text).refusal();
    golden("manifest_syntax", &with("format = 1\nname = \"clock\nversion = 1"));
    golden("manifest_format", &with("format = 2\nname = \"clock\"\nnews = true\n"));
    golden("manifest_no_format", &with("name = \"clock\"\n"));
    golden("manifest_unknown_key", &with(&manifest("wrold = \"bundle\"")));
    golden("manifest_strange_key", &with(&manifest("colour = \"blue\"")));
    golden("manifest_unknown_key_below", &with(&manifest("[config.zone]\nsecrte = true")));
    golden("manifest_type", &with(&manifest("vendor = \"lib/libx.so\"")));
    golden("manifest_path", &with(&manifest("wit = \"../wit\"")));
    golden("manifest_name", &with(&manifest("").replace("\"clock\"", "\"a.b\"")));
    golden("manifest_version", &with(&manifest("").replace("1.4.0", "1.4")));
    golden("manifest_no_library", &with("format = 1\nname = \"c\"\nversion = \"1.0.0\"\n"));
    let other = manifest("").replace(target::TRIPLE, "sparc64-unknown-linux-gnu");
    golden("manifest_target", &with(&other));
    golden("manifest_large", &with(&format!("#{}", "x".repeat(70_000))));
    golden("manifest_not_utf8", &clock().file("bundle.toml", b"format = 1 # \xff").refusal());
    golden("manifest_missing_library", &with(&manifest("").replace("libclock", "libclokc")));
    let symbol = manifest("[symbols]\n\"demo:clock/now@1.0.0#secnds\" = \"s\"");
    golden("manifest_unknown_symbol", &with(&symbol));
    golden("manifest_escape", &with(&manifest("\"\\u001b[2Jx\" = 1")));
}

#[test]
fn wrong_wit_is_refused_with_file_line_and_snippet() {
    let with = |text: &str| clock().file("wit/world.wit", text).refusal();
    golden("wit_syntax", &with("package a:b;\n\ninterface c {\n    f: func(a: u33) -> u32;\n}\n"));
    golden("wit_token", &with("package a:b;\ninterface c { f: func(a: u32 }\n"));
    golden("wit_unknown_package", &with("package a:b;\nworld bundle { export c:d/e@1.0.0; }\n"));
    golden("wit_no_world", &with("package a:b;\ninterface c { f: func(); }\n"));
    let two =
        "package a:b;\ninterface c { f: func(); }\nworld x { export c; }\nworld y { export c; }\n";
    golden("wit_two_worlds", &with(two));
    let named = clock().file("wit/world.wit", two).file("bundle.toml", manifest("world = \"z\""));
    golden("wit_unknown_world", &named.refusal());
    golden("wit_exports_nothing", &with("package a:b;\nworld bundle { }\n"));
    golden(
        "wit_imports_function",
        &with(
            "package a:b;\ninterface c { f: func(); }\nworld bundle { import c; export d: func(); }\n",
        ),
    );
    golden(
        "wit_imports_resource",
        &with(
            "package a:b;\ninterface objects { resource object; }\n\
             interface c { use objects.{object}; f: func() -> object; }\n\
             world bundle { export c; }\n",
        ),
    );
    golden("wit_escape", &with("package a:b;\ninterface c { /* \x1b[2J */ f: func(a: nope); }\n"));
    let encoded = clock().file("wit/deps/c.wasm", b"\0asm");
    golden("wit_encoded", &encoded.refusal());
    let kit = clock();
    std::fs::remove_file(kit.path().join("wit/world.wit")).unwrap();
    golden("wit_none", &kit.refusal());
    std::fs::remove_dir(kit.path().join("wit")).unwrap();
    golden("wit_no_folder", &kit.refusal());
    let large = format!("package a:b;\n//{}\n", "x".repeat(5 << 20));
    golden("wit_large", &with(&large));
}

/// The parser recurses along chains of interfaces, worlds and types. At the limits it must end in
/// a bundle, beyond them in an error, and never in a stack overflow.
#[test]
fn wit_that_is_made_to_exhaust_the_parser_ends_in_an_error_or_a_bundle() {
    let open = |wit: &str| {
        let kit = clock().file("wit/world.wit", wit);
        Bundle::open(kit.path()).map(|_| ()).map_err(|error| kit.without_path(&error.to_string()))
    };
    let interfaces = |count: usize| {
        let link = |i| format!("interface i{i} {{ use i{}.{{t}}; }}\n", i - 1);
        let chain: String = (1..count).map(link).collect();
        format!(
            "package a:b; interface i0 {{ type t = u8; }} {chain}
             world bundle {{ export i{}; export f: func(); }}",
            count - 1
        )
    };
    assert_eq!(open(&interfaces(4095)), Ok(()));
    golden("wit_interfaces", &open(&interfaces(100_000)).unwrap_err());

    let types = |count: usize| {
        let chain: String = (1..count).map(|i| format!("type t{i}=list<t{}>;", i - 1)).collect();
        format!(
            "package a:b; interface i {{ type t0=u8; {chain} f: func() -> t{}; }}
             world bundle {{ export i; }}",
            count - 1
        )
    };
    assert_eq!(open(&types(65_000)), Ok(()));
    assert!(open(&types(160_000)).is_err());

    let worlds = |count: usize| {
        let chain: String =
            (1..count).map(|i| format!("world w{i} {{ include w{}; }}\n", i - 1)).collect();
        format!(
            "package a:b; interface i {{ f: func(); }} world w0 {{ export i; }} {chain}
             world bundle {{ include w{}; }}",
            count - 1
        )
    };
    assert_eq!(open(&worlds(4000)), Ok(()));
    assert!(open(&worlds(100_000)).is_err());

    // Braces, types and comments without end.
    assert!(open(&"{".repeat(4 << 20)).is_err());
    assert!(
        open(&format!("package a:b; interface i {{ type t = {}", "list<".repeat(800_000))).is_err()
    );
    assert!(open(&"/*".repeat(2 << 20)).is_err());
}
