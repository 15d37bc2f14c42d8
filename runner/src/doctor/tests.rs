//! The verdict over made-up machines: each feature missing, alone and with others.

use super::*;
use protocol::probe::{Finding, Setting, Trouble};

/// A machine without some features, and the jail that its stage would build.
#[derive(Default)]
struct Machine {
    without: Vec<(Feature, i32)>,
    settings: Vec<(&'static str, &'static str)>,
    is_root: bool,
}

impl Machine {
    fn without(features: &[Feature]) -> Self {
        let without = features.iter().map(|feature| (*feature, 0)).collect();
        Self { without, ..Self::default() }
    }

    fn lacks(&self, feature: Feature) -> Option<i32> {
        self.without.iter().find(|(lacking, _)| *lacking == feature).map(|(_, errno)| *errno)
    }

    fn found(&self, feature: Feature) -> Found {
        let only_root = [Feature::PrivateUid, Feature::IdMappedMounts];
        match self.lacks(feature) {
            Some(errno) => Found::No(Trouble { errno, reason: "made up".to_owned() }),
            None if !self.is_root && only_root.contains(&feature) => {
                Found::Untried("only for root".to_owned())
            }
            None if feature == Feature::SeccompCount => Found::Yes("0 inherited".to_owned()),
            None if feature == Feature::Landlock => Found::Yes("version 7".to_owned()),
            None => Found::Yes(String::new()),
        }
    }

    fn report(&self) -> Report {
        let finding =
            |feature: &Feature| Finding { feature: *feature, found: self.found(*feature) };
        let setting = |(name, value): &(&str, &str)| Setting {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
        };
        Report {
            kernel: "6.18".to_owned(),
            machine: "x86_64".to_owned(),
            is_root: self.is_root,
            findings: Feature::ALL.iter().map(finding).collect(),
            settings: self.settings.iter().map(setting).collect(),
            library: None,
        }
    }

    /// As the stage decides.
    fn jail(&self) -> Result<Layers, String> {
        let has = |feature| self.lacks(feature).is_none();
        let mandatory = ABOUT.iter().filter(|(_, need, _)| *need == Need::Mandatory);
        let namespaces = features::OWN_ROOT.into_iter().all(has);
        let landlock = has(Feature::Landlock);
        if !mandatory.map(|(feature, ..)| *feature).all(has) || !(namespaces || landlock) {
            return Err("refused".to_owned());
        }
        Ok(Layers {
            namespaces,
            root: namespaces,
            landlock: if landlock { 7 } else { 0 },
            mdwe: has(Feature::Mdwe),
            uid: self.is_root && has(Feature::PrivateUid),
            filters: 1,
        })
    }

    fn diagnosis(&self) -> Diagnosis {
        let report = self.report();
        let no_namespaces = no_namespaces(&report);
        Diagnosis::judge(Evidence {
            shim: ShimProgram::Found("/bin/adapter-shim".into()),
            report: Ok(report),
            rehearsal: self.jail(),
            no_namespaces,
        })
    }
}

fn line(diagnosis: &Diagnosis, feature: Feature) -> Line {
    let found = diagnosis.lines.iter().find(|line| line.name == feature.name());
    found.cloned().unwrap_or(Line {
        name: "no line",
        status: Status::Ok,
        found: String::new(),
        costs: None,
        help: None,
    })
}

fn help(machine: &Machine, feature: Feature) -> String {
    line(&machine.diagnosis(), feature).help.unwrap_or_default()
}

#[test]
fn every_feature_has_a_line_with_what_it_costs() {
    let known: Vec<_> = ABOUT.iter().map(|(feature, ..)| *feature).collect();
    assert_eq!(known, Feature::ALL);
    for feature in Feature::ALL {
        let line = line(&Machine::without(&[*feature]).diagnosis(), *feature);
        assert_ne!(line.status, Status::Ok, "{line:?}");
        assert!(line.costs.is_some(), "{line:?}");
        let needs_none = [Feature::MemfdSeals, Feature::Cgroups].contains(feature);
        assert!(line.help.is_some() || needs_none, "{line:?}");
    }
}

#[test]
fn a_machine_that_has_everything_is_at_full_strength() {
    for is_root in [false, true] {
        let diagnosis = Machine { is_root, ..Machine::default() }.diagnosis();
        assert_eq!(diagnosis.verdict, Verdict::Full);
        assert_eq!(diagnosis.walls, ["namespaces", "landlock"]);
        let bad = |line: &&Line| ![Status::Ok, Status::Absent].contains(&line.status);
        assert_eq!(diagnosis.lines.iter().find(bad), None);
    }
}

#[test]
fn each_missing_feature_has_its_verdict() {
    for (feature, need, _) in ABOUT {
        let machine = Machine { is_root: true, ..Machine::without(&[feature]) };
        let diagnosis = machine.diagnosis();
        let found = line(&diagnosis, feature);
        let verdict = &diagnosis.verdict;
        let (status, fits) = match need {
            Need::Mandatory => {
                (Status::Missing, *verdict == Verdict::Impossible("refused".to_owned()))
            }
            Need::Nothing => (Status::Absent, *verdict == Verdict::Full),
            _ => (Status::Weaker, matches!(verdict, Verdict::Weaker(_))),
        };
        assert_eq!(found.status, status, "{feature:?}");
        assert!(fits, "{feature:?}: {verdict:?}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let summary = |feature, is_root| {
        let machine = Machine { is_root, ..Machine::without(&[feature]) };
        machine.diagnosis().verdict.to_string()
    };
    let none = "weaker: no namespaces (tmpfs: made up); no root";
    assert_eq!(summary(Feature::Tmpfs, false), none);
    assert_eq!(summary(Feature::Landlock, false), "weaker: no landlock");
    assert_eq!(summary(Feature::Mdwe, false), "weaker: no mdwe");
    assert_eq!(summary(Feature::Mseal, true), "weaker: no mseal");
    assert_eq!(summary(Feature::PrivateUid, true), "weaker: no uid");
    // Nobody else can have one.
    assert_eq!(summary(Feature::PrivateUid, false), "full strength");
    assert_eq!(summary(Feature::Proc, true), "bundles cannot be isolated here: refused");
}

#[test]
fn one_of_the_two_walls_is_mandatory() {
    let diagnosis = Machine::without(&[Feature::UserNamespace]).diagnosis();
    assert_eq!(diagnosis.walls, ["landlock"]);
    let diagnosis = Machine::without(&[Feature::Landlock]).diagnosis();
    assert_eq!(diagnosis.walls, ["namespaces"]);
    let diagnosis = Machine::without(&[Feature::Landlock, Feature::UserNamespace]).diagnosis();
    assert_eq!(diagnosis.verdict, Verdict::Impossible("refused".to_owned()));
    assert_eq!(line(&diagnosis, Feature::Landlock).status, Status::Missing);
    assert_eq!(line(&diagnosis, Feature::UserNamespace).status, Status::Missing);
}

#[test]
fn the_jail_that_was_built_outweighs_what_the_features_promise() {
    let judge = |rehearsal| {
        let diagnosis = Machine::default().diagnosis();
        Diagnosis::judge(Evidence { rehearsal, ..diagnosis.evidence }).verdict
    };
    let all = Machine::default().jail().unwrap_or_default();
    assert_eq!(judge(Ok(all)), Verdict::Full);
    assert_eq!(judge(Ok(Layers { mdwe: false, ..all })), Verdict::Weaker(vec!["no mdwe".into()]));
    // The stage would not report such a jail; if it did, it would not be believed.
    let neither = judge(Ok(Layers { namespaces: false, root: false, landlock: 2, ..all }));
    assert!(matches!(neither, Verdict::Impossible(_)), "{neither:?}");
    assert_eq!(judge(Err("killed".into())), Verdict::Impossible("killed".into()));
}

#[test]
fn without_the_program_or_its_report_nothing_is_believed() {
    let missing = ShimProgram::Missing(vec!["/bin/adapter-shim".into()]);
    let diagnosis = Diagnosis::judge(Evidence::nothing(missing, "adapter-shim was not found"));
    assert_eq!(
        diagnosis.verdict.to_string(),
        "bundles cannot be isolated here: adapter-shim was not found"
    );
    let [line] = diagnosis.lines.as_slice() else { return assert_eq!(diagnosis.lines, []) };
    assert_eq!((line.name, line.status), (SHIM, Status::Missing));
    assert_eq!(line.found, "is none of /bin/adapter-shim");
}

#[test]
fn the_remedy_is_that_for_the_reason() {
    use nix::libc::{ENOSPC, ENOSYS, EOPNOTSUPP, EPERM};
    let machine = |feature, errno, settings: &[(&'static str, &'static str)]| Machine {
        without: vec![(feature, errno)],
        settings: settings.to_vec(),
        is_root: false,
    };
    let user = Feature::UserNamespace;
    for (machine, feature, remedy) in [
        (
            machine(user, ENOSPC, &[("user.max_user_namespaces", "0")]),
            user,
            "sysctl -w user.max_user_namespaces=15000",
        ),
        (machine(user, ENOSPC, &[("user.max_user_namespaces", "9")]), user, "on the host"),
        (
            machine(user, EPERM, &[("kernel.unprivileged_userns_clone", "0")]),
            user,
            "sysctl -w kernel.unprivileged_userns_clone=1",
        ),
        (
            machine(user, EPERM, &[("kernel.apparmor_restrict_unprivileged_userns", "1")]),
            user,
            "an AppArmor profile for adapter-shim",
        ),
        (machine(user, EPERM, &[]), user, "CONFIG_USER_NS"),
        (
            machine(Feature::NetworkNamespace, ENOSPC, &[]),
            Feature::NetworkNamespace,
            "sysctl -w user.max_net_namespaces=15000",
        ),
        (
            machine(Feature::Landlock, EOPNOTSUPP, &[("lsm", "capability,yama")]),
            Feature::Landlock,
            "boot parameter lsm=landlock,capability,yama",
        ),
        (machine(Feature::Landlock, ENOSYS, &[]), Feature::Landlock, "CONFIG_SECURITY_LANDLOCK"),
        (
            machine(Feature::Ptrace, EPERM, &[("kernel.yama.ptrace_scope", "2")]),
            Feature::Ptrace,
            "sysctl -w kernel.yama.ptrace_scope=1",
        ),
    ] {
        let help = help(&machine, feature);
        assert!(help.contains(remedy), "{feature:?}: {help}");
    }
}
