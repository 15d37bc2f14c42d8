//! Too much of everything: memory, threads, processes, descriptors, text, depth, bundles, and
//! system calls at random.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use tests::{Evil, Mode, Run, Site, Victim, skip};

/// One probe, alone in a call.
fn call(evil: &Evil, name: &str) -> Run {
    evil.wrun(&[], &["call", name]).run()
}

/// The probe came to its end with this result, and library and neighbour answer after it.
#[track_caller]
fn expect_lives(run: &Run, name: &str, errors: &[i32]) {
    run.expect_code(0).expect_stdout("answer: 42\nneighbour: 42\n");
    let expected = errors.iter().any(|code| run.stdout.contains(&format!("{name} ... {code}\n")));
    assert!(expected, "{}", run.stdout);
}

const EPERM: i32 = 1;
const EAGAIN: i32 = 11;
const ENOMEM: i32 = 12;
const EACCES: i32 = 13;
const ENOSYS: i32 = 38;

#[test]
fn r01_memory_ends_at_the_limit_and_the_library_lives_on() {
    expect_lives(&call(&Evil::default(), "all_memory"), "all_memory", &[ENOMEM]);
}

#[test]
fn r03_without_a_grant_no_thread_starts() {
    for site in [Site::Constructor, Site::Call] {
        let verdict =
            &Evil::default().without_threads().verdicts(site, &["thread_bomb"])["thread_bomb"];
        assert!(verdict.refused(), "{verdict}");
    }
}

#[test]
fn r03_threads_end_at_the_limit_and_the_library_lives_on() {
    let run = call(&Evil::default(), "thread_bomb");
    expect_lives(&run, "thread_bomb", &[EAGAIN, ENOMEM, EPERM]);
}

#[test]
fn r04_a_fork_bomb_does_not_go_off() {
    for site in Site::ALL {
        let verdict = &Evil::default().verdicts(site, &["fork_bomb"])["fork_bomb"];
        assert!(verdict.refused(), "{verdict}");
    }
}

#[test]
fn r06_no_disk_can_be_filled() {
    let mut victim = Victim::new(Mode::own());
    let run = call(&Evil::default(), "fill_root");
    expect_lives(&run, "fill_root", &[EPERM, EACCES, ENOSYS]);
    for site in Site::ALL {
        let verdict = &Evil::default().verdicts(site, &["fill_root"])["fill_root"];
        assert!(verdict.refused(), "{verdict}");
    }
    victim.assert_untouched();
}

#[test]
fn r07_a_flood_of_text_is_cut_and_nobody_waits_for_it() {
    let evil = Evil::default().argument("megabytes=256\n");
    let run = call(&evil, "flood_of_text");
    run.expect_code(0).expect_stdout("flood_of_text ... 0\nanswer: 42\n");
    assert!(run.stderr.len() < 4 << 20, "{} bytes", run.stderr.len());
    run.expect_stderr("more bytes were dropped");
}

#[test]
fn r16_recursion_without_end_is_a_segmentation_fault_of_the_bundle() {
    for site in [Site::Call, Site::Thread, Site::Constructor] {
        let verdict = &Evil::default().verdicts(site, &["deep_recursion"])["deep_recursion"];
        assert_eq!(verdict.0, "SIGSEGV", "{}", site.name());
    }
}

#[test]
fn r15_eight_hostile_bundles_of_sixty_four_hurt_nobody_else() {
    let hostile: [(&str, i32); 8] = [
        ("all_memory", 0),
        ("thread_bomb", 0),
        ("fork_bomb", 0),
        ("descriptor_bomb", 0),
        ("flood_of_text", 0),
        ("deep_recursion", 1),
        ("handled_sigsys", 1),
        ("spin", 1),
    ];
    let evil = Evil::default().argument("megabytes=16\n").call_timeout("60s");
    std::thread::scope(|scope| {
        for (name, code) in hostile {
            // The one that spins needs a deadline that comes.
            let short = Evil::default().call_timeout("1s");
            let evil = if name == "spin" { short } else { evil.clone() };
            scope.spawn(move || assert_eq!(call(&evil, name).code, code, "{name}"));
        }
        for _ in hostile.len()..64 {
            scope.spawn(|| {
                let run = evil.wrun(&[], &["look-around"]).run();
                run.expect_code(0).expect_stdout("answer: 42\nneighbour: 42\n");
            });
        }
    });
}

#[test]
fn r17_a_memory_group_kills_the_shim_alone() {
    let controllers = std::fs::read_to_string("/sys/fs/cgroup/cgroup.controllers");
    let why = match controllers {
        Err(error) => format!("no control groups of version 2: {error}"),
        Ok(list) if !list.split_whitespace().any(|name| name == "memory") => {
            format!("the memory controller is not in version 2, which has: {}", list.trim())
        }
        Ok(_) => "no memory group is delegated to whoever runs the tests".to_owned(),
    };
    skip("r17", &why);
}

#[test]
fn e38_calls_at_random_reach_nobody() {
    // Without a jail this test would be a danger to the machine.
    let names = ["signal_everybody", "unlink", "fork", "restart_machine", "open_absolute"];
    for site in [Site::Constructor, Site::Call] {
        for (name, verdict) in Evil::default().verdicts(site, &names) {
            let fits = verdict.refused() || verdict.0 == "ENOENT" && name == "open_absolute";
            assert!(fits, "there is no jail: {name} {verdict}");
        }
    }
    let mut victim = Victim::new(Mode::own());
    for seed in 1..=3_u32 {
        for (calls, wild) in [(20_000, 0), (20_000, 3_000), (1_000, 1)] {
            let argument =
                format!("{}seed={seed}\ncalls={calls}\nwild={wild}\n", victim.argument());
            let evil = Evil::default().argument(&argument).call_timeout("5s");
            for (constructor, words) in [
                (&["random_calls"][..], &["look-around"][..]),
                (&[][..], &["call", "random_calls"][..]),
            ] {
                let run = evil.wrun(constructor, words).run();
                // The library may die of what it does; wrun says so, or goes on.
                assert!(run.code == 0 || run.code == 1, "{seed} {calls} {wild}: {}", run.stderr);
                assert_eq!(run.survivors, [], "{seed} {calls} {wild}");
                assert!(run.code == 1 || run.stdout.contains("neighbour: 42\n"), "{}", run.stdout);
            }
        }
    }
    victim.assert_untouched();
}
