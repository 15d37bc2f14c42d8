//! What a run left behind.

use std::path::Path;

/// Live processes of a process group, each as `PID NAME`.
pub fn processes_of_group(group: u32) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let alive = entries.flatten().filter_map(|entry| {
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // PID (NAME) STATE PPID PGRP …, and NAME may hold anything.
        let (name, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_whitespace();
        let state = fields.next()?;
        let its_group: u32 = fields.nth(1)?.parse().ok()?;
        (its_group == group && state != "Z").then(|| name.replace('(', ""))
    });
    alive.collect()
}

/// All files and folders below `folder`, sorted.
pub fn tree(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries.flatten() {
        found.push(entry.path().display().to_string());
        found.extend(tree(&entry.path()));
    }
    found.sort();
    found
}
