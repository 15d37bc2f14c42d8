//! `docs/syscalls.md` is what the table says. `BLESS=1` writes it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use adapter_shim::confine::syscalls::{
    ABSENT, COMPUTE, Call, DEVICES, FILES, LOAD, NETWORK, NEVER, REFUSED, THREADS, Test,
};
use std::fmt::Write;
use std::path::Path;

const HEAD: &str = "# System calls\n\n\
    What a bundle's library may call, by what was granted: printed from the table in\n\
    `adapter-shim/src/confine/syscalls`, from which the filters are compiled as well. See\n\
    [security.md](security.md) for what it is part of. This is the list of x86-64.\n\n\
    Arguments are counted from 0. `int` conditions look at the low 32 bits, as the kernel does, `long`\n\
    conditions at all 64; a line break separates alternatives. A call that is listed, with other\n\
    arguments, fails with `EPERM`. A call without a row ends the process.\n";

fn conditions(call: &Call) -> String {
    let test = |test: &Test| match *test {
        Test::Int(arg, value) => format!("int {arg} = {value:#x}"),
        Test::IntMasked(arg, mask, value) => format!("int {arg} & {mask:#x} = {value:#x}"),
        Test::Long(arg, value) => format!("long {arg} = {value:#x}"),
        Test::LongMasked(arg, mask, value) => format!("long {arg} & {mask:#x} = {value:#x}"),
        Test::OwnProcess(arg) => format!("int {arg} = its own id"),
        Test::SealedFilter(arg) => format!("long {arg} = the sealed filter"),
    };
    let list = |tests: &&[Test]| tests.iter().map(test).collect::<Vec<_>>().join(", ");
    call.when.iter().map(list).collect::<Vec<_>>().join("<br>")
}

fn table(text: &mut String, title: &str, about: &str, calls: &[Call]) {
    let names: std::collections::BTreeSet<_> = calls.iter().map(|call| call.name).collect();
    let count = names.len();
    write!(text, "\n## {title}\n\n{about} {count} names.\n\n").unwrap();
    text.push_str("| call | only with | why | needed or tried by |\n|---|---|---|---|\n");
    for call in calls {
        let Call { name, why, used_by, .. } = call;
        writeln!(text, "| `{name}` | {} | {why} | {used_by} |", conditions(call)).unwrap();
    }
}

/// Names by what becomes of them, where neither arguments nor reasons differ.
fn names(text: &mut String, title: &str, about: &str, calls: &[Call]) {
    let names: Vec<_> = calls.iter().map(|call| format!("`{}`", call.name)).collect();
    write!(text, "\n## {title}\n\n{about} {} names.\n\n{}\n", names.len(), names.join(", "))
        .unwrap();
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_document_lists_what_the_table_has() {
    let mut text = HEAD.to_owned();
    table(&mut text, "compute", "Every bundle, always.", COMPUTE);
    table(&mut text, "+threads", "With `threads=N`.", THREADS);
    table(&mut text, "+files", "With `read=`, `write=`, `device=` or `scratch=`.", FILES);
    table(&mut text, "+network", "With `connect=`.", NETWORK);
    table(&mut text, "+devices", "With `device=`, beside `+files`.", DEVICES);
    table(&mut text, "While loading", "Every bundle, until its `init` has returned.", LOAD);
    text.push_str(
        "\n`+libraries` adds no call: what loads a bundle's library loads others as well. It adds files.\n",
    );
    table(&mut text, "Absent", "`ENOSYS`, as on an older kernel.", ABSENT);
    names(
        &mut text,
        "Refused",
        "`EACCES`, as are the calls of a set that was not granted; `sendmsg`, and after loading the \
         calls of loading, `EPERM`.",
        REFUSED,
    );
    table(
        &mut text,
        "Never",
        "The process ends, whatever was granted. In force before the shim is executed.",
        NEVER,
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/syscalls.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "docs/syscalls.md is out of date: run this test with BLESS=1");
}
