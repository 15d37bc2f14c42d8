//! On what the figures were measured.

use std::fs;
use std::process::Command;

/// One line for each fact; what cannot be found out is called unknown.
pub(crate) fn description() -> String {
    let cores = std::thread::available_parallelism().map_or_else(|_| unknown(), |n| n.to_string());
    format!(
        "- processor: {}, {cores} cores\n\
         - system: {} {}, load {}\n\
         - compiler: {}, profile `dev` of this workspace (optimised)\n\
         - wasmtime: {}\n",
        processor(),
        file("/proc/sys/kernel/ostype"),
        file("/proc/sys/kernel/osrelease"),
        load(),
        rustc(),
        wasmtime(),
    )
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn file(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| unknown(), |text| text.trim().to_owned())
}

fn processor() -> String {
    let text = file("/proc/cpuinfo");
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(unknown, |(_, name)| format!("{name} ({})", std::env::consts::ARCH))
}

/// Of the last minute, before this program added its own.
fn load() -> String {
    file("/proc/loadavg").split_whitespace().next().map_or_else(unknown, str::to_owned)
}

fn rustc() -> String {
    let output =
        Command::new("rustc").arg("--version").current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let text = output.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    text.map_or_else(unknown, |text| String::from_utf8_lossy(&text).trim().to_owned())
}

/// The version that the workspace has locked.
fn wasmtime() -> String {
    let lock = include_str!("../../../../Cargo.lock");
    let version = lock.split_once("\nname = \"wasmtime\"\nversion = \"");
    version.and_then(|(_, rest)| rest.split('"').next()).map_or_else(unknown, str::to_owned)
}
