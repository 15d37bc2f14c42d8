//! What a hostile library tries, case by case; the table of all attacks is that of `matrix.rs`.
//!
//! Each case runs every probe of its number in the constructor, in a call and on a second thread,
//! and demands that the jail itself refuses. Where the answer may be another, the case says so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::collections::BTreeMap;
use tests::{Evil, Mode, Site, Verdict, Victim};

type Verdicts = BTreeMap<(Site, String), Verdict>;

/// Runs all probes of a case from everywhere. `but` lists the answers that are as good as a refusal.
#[track_caller]
fn refused(case: &str, but: &[(&str, &str)]) -> Verdicts {
    let mut victim = Victim::new(Mode::own());
    let evil = Evil::default().argument(&victim.argument());
    let all = evil.probes();
    let of_case = all.iter().filter(|probe| probe.case == case && !probe.alone);
    let names: Vec<_> = of_case.map(|probe| probe.name.as_str()).collect();
    assert!(!names.is_empty(), "no probes of {case}");
    let mut verdicts = Verdicts::new();
    for site in Site::ALL {
        for (name, verdict) in evil.verdicts(site, &names) {
            let expected = but
                .iter()
                .any(|(probe, answer)| (*probe == name || *probe == "*") && *answer == verdict.0);
            let place = site.name();
            assert!(verdict.refused() || expected, "{case} {name} in a {place}: {verdict}");
            verdicts.insert((site, name), verdict);
        }
    }
    victim.assert_untouched();
    verdicts
}

/// The verdict of one probe that is run alone, in a process of its own.
fn alone(evil: &Evil, site: Site, name: &str) -> Verdict {
    evil.verdicts(site, &[name]).remove(name).expect("a verdict")
}

#[test]
fn e02_files_of_others_cannot_be_read() {
    // In a root of its own there is nothing of that name; links and bad descriptors lead nowhere.
    let but = [
        ("*", "ENOENT"),
        ("open_bad_descriptor", "EBADF"),
        ("open_beneath_a_descriptor", "ENOTDIR"),
        ("read_pages_of_descriptors", "EBADF"),
    ];
    let mut verdicts = BTreeMap::new();
    let loader = |verdict: &Verdict| verdict.0 == "ok";
    // The dynamic linker must be able to open what the library needs, as long as it loads.
    let opens = [but.as_slice(), &[("open_libc", "ok")]].concat();
    verdicts.extend(refused("E2", &opens));
    assert!(loader(&verdicts[&(Site::Constructor, "open_libc".to_owned())]));
    assert!(verdicts[&(Site::Call, "open_libc".to_owned())].refused());
}

#[test]
fn e03_nothing_can_be_written_or_changed() {
    refused("E3", &[]);
}

#[test]
fn e05_the_kernels_own_file_systems_are_absent() {
    refused("E5", &[("*", "ENOENT")]);
}

#[test]
fn e09_no_process_can_be_started() {
    refused("E9", &[]);
}

#[test]
fn e10_no_program_can_be_executed() {
    refused("E10", &[]);
}

#[test]
fn e11_nobody_can_be_reached_by_any_socket() {
    refused("E11", &[]);
}

#[test]
fn e12_other_processes_cannot_be_looked_into() {
    let verdicts = refused("E12", &[]);
    for name in ["trace_victim", "trace_parent", "read_victim", "write_victim", "take_descriptor"] {
        for site in Site::ALL {
            assert_eq!(verdicts[&(site, name.to_owned())].0, "SIGSYS", "{name}");
        }
    }
}

#[test]
fn e13_nobody_can_be_signalled() {
    // Signal 0 to itself harms nobody.
    refused("E13", &[("signal_itself", "ok"), ("signal_init", "ok")]);
    let mut victim = Victim::new(Mode::own());
    let evil = Evil::default().argument(&victim.argument());
    for site in Site::ALL {
        for name in ["end_parent", "end_victim"] {
            let verdict = alone(&evil, site, name);
            assert!(verdict.refused(), "{name} in a {}: {verdict}", site.name());
        }
    }
    victim.assert_untouched();
}

#[test]
fn e14_nothing_written_can_be_executed() {
    let advice = ["poison_page", "mergeable_pages", "remove_pages", "high_bits_in_advice"];
    refused("E14", &advice.map(|name| (name, "EINVAL")));
}

#[test]
fn e16_the_filter_cannot_be_replaced_while_loading() {
    refused("E16", &[]);
}

#[test]
fn e17_a_thread_with_a_filter_of_its_own_cannot_keep_the_steady_one_away() {
    refused("E17", &[]);
    let evil = Evil::default();
    let verdict = alone(&evil, Site::Constructor, "thread_with_own_filter");
    assert_eq!(verdict.0, "EPERM");
    // With that thread still there the steady filter is in force.
    let words = ["call", "open_libc"];
    let run = evil.wrun(&["thread_with_own_filter"], &words).run();
    run.expect_code(0).expect_stdout("open_libc ... 1\n");
}

#[test]
fn e18_a_library_that_says_it_is_ready_is_not_believed() {
    let run = Evil::default().wrun(&["fake_ready"], &["call", "open_absolute"]).run();
    run.expect_code(1).expect_stderr("bundle `evil`");
    assert!(!run.stdout.contains("open_absolute"), "it was called:\n{}", run.stdout);
    assert!(!run.stdout.contains("answer"), "it was called:\n{}", run.stdout);
}

#[test]
fn e19_a_thread_that_was_started_while_loading_gets_the_steady_filter_too() {
    let evil = Evil::default();
    assert_eq!(alone(&evil, Site::Constructor, "start_spinning").0, "ok");
    let run = evil.wrun(&["start_spinning"], &["call", "still_spinning"]).run();
    run.expect_code(0).expect_stdout("still_spinning ... 1\n");
}

#[test]
fn e20_the_page_with_the_steady_filter_cannot_be_changed() {
    let verdicts = refused("E20", &[]);
    assert_eq!(verdicts[&(Site::Constructor, "rewrite_filter".to_owned())].0, "EPERM");
}

#[test]
fn e21_a_handler_or_a_mask_does_not_save_a_library_from_its_end() {
    let verdicts = refused("E21", &[]);
    assert!(verdicts.values().all(|verdict| verdict.0 == "SIGSYS"), "{verdicts:?}");
}

#[test]
fn e22_there_is_no_other_way_to_make_a_system_call() {
    // Newer kernels take these two as breakpoints of a tracer before any filter sees them.
    let but = [
        ("uretprobe", "SIGILL"),
        ("uprobe", "ENXIO"),
        ("uprobe", "SIGILL"),
        // Kernels can be built without these doors.
        ("fixed_page", "SIGSEGV"),
        ("gate_of_i386", "SIGSEGV"),
        ("gate_of_i386_open", "SIGSEGV"),
    ];
    let verdicts = refused("E22", &but);
    for name in ["x32_getpid", "x32_open", "x32_execute", "number_minus_one", "number_600"] {
        for site in Site::ALL {
            assert_eq!(verdicts[&(site, name.to_owned())].0, "SIGSYS", "{name}");
        }
    }
}

#[test]
fn e24_high_bits_and_other_arguments_get_no_other_answer() {
    // This one is allowed, and fails by itself: libc has registered its own already.
    refused("E24", &[("restartable", "EINVAL"), ("restartable", "EBUSY")]);
}

#[test]
fn e25_no_descriptor_can_be_sent_or_received() {
    refused("E25", &[]);
    for site in Site::ALL {
        for name in ["send_descriptor", "send_many_messages"] {
            let verdict = alone(&Evil::default(), site, name);
            assert!(verdict.refused(), "{name} in a {}: {verdict}", site.name());
        }
    }
}

#[test]
fn e26_nothing_is_shared_through_the_kernel() {
    refused("E26", &[]);
}

#[test]
fn e27_neither_namespaces_nor_mounts_nor_the_machine_can_be_changed() {
    let verdicts = refused("E27", &[]);
    for name in ["unshare_users", "join_namespace", "mount_memory", "restart_machine"] {
        for site in Site::ALL {
            assert_eq!(verdicts[&(site, name.to_owned())].0, "SIGSYS", "{name}");
        }
    }
}

#[test]
fn e28_the_kernels_own_machines_are_closed() {
    let verdicts = refused("E28", &[]);
    for name in ["ring_setup", "page_faults", "kernel_map", "performance_event"] {
        for site in Site::ALL {
            assert_eq!(verdicts[&(site, name.to_owned())].0, "SIGSYS", "{name}");
        }
    }
}

#[test]
fn e31_no_code_can_be_loaded_after_the_load() {
    let run = Evil::default().wrun(&[], &["call", "load_library"]).run();
    run.expect_code(0).expect_stdout("load_library ... 13\nanswer: 42\n");
}

#[test]
fn e34_nobody_else_can_be_become() {
    refused("E34", &[]);
}

#[test]
fn e35_another_bundle_of_the_same_run_is_invisible() {
    refused("E35", &[("*", "ENOENT")]);
}

#[test]
fn r05_no_descriptor_can_be_made() {
    refused("R5", &[]);
    let verdict = alone(&Evil::default(), Site::Call, "descriptor_bomb");
    assert!(verdict.refused(), "{verdict}");
}

#[test]
fn r14_no_better_place_can_be_had_in_any_queue() {
    refused("R14", &[]);
}
