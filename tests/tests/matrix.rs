//! Every attack, from everywhere in a library, as anybody: what comes of it is in one table,
//! `tests/evil/expected.txt`, which a person has read.
//!
//! `BLESS=1 cargo nextest run --workspace -E 'binary(matrix)'` writes the table anew, as far as this
//! machine can tell. It is to be reviewed line by line: what is `ok` there is allowed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use tests::{Evil, Mode, Probe, Site, Verdict, Victim, root, skip};

/// What a library may do although it is on the list of attacks, where, as whom, and why. Everything
/// else that is `ok` in the table is a hole.
const ALLOWED: &[(&str, Site, &[Mode], &str)] = &[
    (
        "open_libc",
        Site::Constructor,
        &Mode::ALL,
        "the dynamic linker opens what the library needs, as long as it loads",
    ),
    (
        "status_of_file",
        Site::Constructor,
        &[Mode::WithoutNamespaces],
        "Landlock knows no right to ask for a file's size, owner and times, and the dynamic linker \
         must ask; without a root of its own a library that loads learns those, and no content",
    ),
    (
        "proc_own_program",
        Site::Constructor,
        &[Mode::WithoutNamespaces],
        "the shim's own program, in which there is no secret, can be executed and so read",
    ),
];

type Cells = BTreeMap<(Probe, Site, Mode), Verdict>;

fn path() -> PathBuf {
    root().join("tests/evil/expected.txt")
}

/// Everything that this machine can run.
fn seen(victims: &[(Mode, Victim)]) -> Cells {
    let all = Evil::default().probes();
    let together: Vec<_> = all.iter().filter(|probe| !probe.alone).collect();
    assert!(together.len() >= 123, "only {} probes", together.len());
    let names: Vec<_> = together.iter().map(|probe| probe.name.as_str()).collect();
    let run = |mode: Mode, site: Site, argument: &str| {
        let mut verdicts = Evil::new(mode).argument(argument).verdicts(site, &names);
        let cell = |probe: &&Probe| {
            let verdict = verdicts.remove(&probe.name).expect("a verdict for each");
            ((*probe).clone(), site, mode, verdict)
        };
        together.iter().map(cell).collect::<Vec<_>>()
    };
    let mut cells = Cells::new();
    std::thread::scope(|scope| {
        let mut running = Vec::new();
        for (mode, victim) in victims {
            for site in Site::ALL {
                let argument = victim.argument();
                running.push(scope.spawn(move || run(*mode, site, &argument)));
            }
        }
        for one in running {
            let verdicts = one.join().expect("no attack reaches the test");
            cells.extend(verdicts.into_iter().map(|(p, s, m, verdict)| ((p, s, m), verdict)));
        }
    });
    cells
}

const HEAD: &str = "\
# What comes of each attack: `ok` if it worked, an errno or a signal if it did not, `nothing` if
# there was nothing to attack. Where the modes differ: root/user/no-namespaces. Where kernels
# differ: one|another.
#
# case probe                          constructor           call                  thread
";

fn print(cells: &Cells) -> String {
    let mut rows: BTreeMap<(u32, &Probe), BTreeMap<Site, Vec<&str>>> = BTreeMap::new();
    for ((probe, site, _), verdict) in cells {
        let key = (probe.case[1..].parse().unwrap(), probe);
        rows.entry(key).or_default().entry(*site).or_default().push(&verdict.0);
    }
    let mut text = HEAD.to_owned();
    for ((_, probe), sites) in rows {
        write!(text, "{:<6} {:<30}", probe.case, probe.name).unwrap();
        for site in Site::ALL {
            let modes = &sites[&site];
            let same = modes.iter().all(|verdict| *verdict == modes[0]);
            let cell = if same { modes[0].to_owned() } else { modes.join("/") };
            write!(text, " {cell:<21}").unwrap();
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

fn parse(text: &str) -> Cells {
    let mut cells = Cells::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<_> = line.split_whitespace().collect();
        let [case, name, verdicts @ ..] = &words[..] else { panic!("{line}") };
        assert_eq!(verdicts.len(), 3, "{line}");
        let probe = Probe { case: (*case).to_owned(), name: (*name).to_owned(), alone: false };
        for (site, cell) in Site::ALL.into_iter().zip(verdicts) {
            let modes: Vec<_> = cell.split('/').collect();
            for (index, mode) in Mode::ALL.into_iter().enumerate() {
                let verdict = modes.get(index).unwrap_or(&modes[0]);
                let verdict = Verdict((*verdict).to_owned());
                cells.insert((probe.clone(), site, mode), verdict);
            }
        }
    }
    cells
}

fn written() -> Cells {
    parse(&std::fs::read_to_string(path()).unwrap_or_default())
}

/// Whether the verdict is one of those that the table lists.
fn fits(want: &Verdict, verdict: &Verdict) -> bool {
    want.0.split('|').any(|one| one == verdict.0)
}

#[test]
fn e01_every_attack_from_everywhere_as_anybody_ends_as_the_table_says() {
    let mut modes = Vec::new();
    for mode in Mode::ALL {
        match mode.missing() {
            None => modes.push(mode),
            Some(why) => skip(&format!("e01-{}", mode.name()), &why),
        }
    }
    let mut victims: Vec<_> = modes.iter().map(|mode| (*mode, Victim::new(*mode))).collect();
    let seen = seen(&victims);
    let wanted = written();
    if std::env::var_os("BLESS").is_some() {
        assert_eq!(modes, Mode::ALL, "only a machine that can run all modes can write the table");
        // What was right before stays, with what is right on other kernels.
        let mut table = seen.clone();
        for (cell, verdict) in &mut table {
            if let Some(old) = wanted.get(cell).filter(|old| fits(old, verdict)) {
                verdict.clone_from(old);
            }
        }
        std::fs::write(path(), print(&table)).unwrap();
    }
    let wanted = written();
    let mut wrong = String::new();
    for ((probe, site, mode), verdict) in &seen {
        let want = wanted.get(&(probe.clone(), *site, *mode));
        if !want.is_some_and(|want| fits(want, verdict)) {
            let (name, site, mode) = (&probe.name, site.name(), mode.name());
            let want = want.map_or("no line", |want| &want.0);
            writeln!(wrong, "{name} in a {site} as {mode}: {verdict} instead of {want}").unwrap();
        }
    }
    println!("{} verdicts, {} of them new", seen.len(), wrong.lines().count());
    assert!(wrong.is_empty(), "{wrong}");
    victims.iter_mut().for_each(|(_, victim)| victim.assert_untouched());
}

#[test]
fn e01_the_table_allows_nothing_but_what_has_a_reason() {
    let table = written();
    assert!(table.len() >= 123 * 9, "only {} cells", table.len());
    let allowed = |name: &str, site: Site, mode: Mode| {
        let mut lines = ALLOWED.iter();
        lines.any(|(probe, place, modes, _)| {
            *probe == name && *place == site && modes.contains(&mode)
        })
    };
    let holes: Vec<_> = table
        .iter()
        .filter(|((probe, site, mode), verdict)| {
            fits(verdict, &Verdict("ok".to_owned())) && !allowed(&probe.name, *site, *mode)
        })
        .map(|((probe, site, mode), _)| (&probe.case, &probe.name, site.name(), mode.name()))
        .collect();
    assert!(holes.is_empty(), "{} holes: {holes:#?}", holes.len());
    let untried = ["no-thread", "not-run", "hang", "other", "wrun-"];
    let untried = |verdict: &Verdict| untried.iter().any(|word| verdict.0.starts_with(word));
    let vague: Vec<_> = table.iter().filter(|(_, verdict)| untried(verdict)).collect();
    assert!(vague.is_empty(), "no evidence: {vague:#?}");
}

/// Attacks that anybody can make on any machine where nothing is in the way.
const PLAIN: &[&str] = &[
    "open_absolute",
    "open_dotdot",
    "open_how",
    "open_secret",
    "open_in_home",
    "open_other_bundle",
    "write_secret",
    "read_root",
    "status_of_file",
    "working_directory",
    "proc_own_memory",
    "proc_own_maps",
    "sys_folder",
    "dev_null",
    "descriptors_beyond_own_library",
    "socket_tcp",
    "socket_udp",
    "socket_unix_stream",
    "socket_netlink_route",
    "socket_pair",
    "reach_tcp",
    "reach_udp",
    "reach_abstract",
    "reach_pathname",
    "fork",
    "vfork",
    "clone_process",
    "clone_3",
    "libc_spawn",
    "libc_system",
    "file_in_memory",
    "watch_victim",
    "signal_victim",
    "queue_to_victim",
    "write_and_execute_map",
    "written_then_executed",
    "read_and_execute_map",
    "file_in_memory_twice",
    "shared_memory",
    "shared_segment",
    "segment_of_victim",
    "semaphores",
    "event",
    "event_queue",
    "pipe",
    "duplicate",
    "watch_files",
    "unshare_nothing",
    "names",
    "see_processes",
];

#[test]
fn e01_the_attacks_are_some_where_there_is_no_jail() {
    let victim = Victim::new(Mode::own());
    let evil = Evil::default().in_process().argument(&victim.argument());
    let verdicts = evil.verdicts(Site::Call, PLAIN);
    let failed: Vec<_> = verdicts.iter().filter(|(_, verdict)| verdict.0 != "ok").collect();
    assert!(failed.is_empty(), "these prove nothing: {failed:?}");
}
