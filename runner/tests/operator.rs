//! What an operator says about bundles, and what it comes to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod bundle_kit;

use bundle_kit::Kit;
use protocol::policy::Access;
use protocol::stage::Layer;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;
use wrun::bundle::target;
use wrun::operator::{
    Answer, Assembled, ConfigValue, Hosts, Limit, OperatorError, Orders, Origin, assemble,
    from_command_line,
};

const WIT: &str = "package demo:clock@1.0.0;
interface now { seconds: func() -> u64; }
world bundle { export now; }
";

fn clock() -> Kit {
    Kit::complete("clock", WIT)
}

fn with_manifest(rest: &str) -> Kit {
    let target = target::TRIPLE;
    clock().file(
        "bundle.toml",
        format!(
            "format = 1\nname = \"clock\"\nversion = \"1.0.0\"\n{rest}\n\
             [library]\n{target} = \"lib/libclock.so\"\n"
        ),
    )
}

/// A folder for what is granted, with the file `hosts.toml`.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    fn make(&self, name: &str) -> String {
        let path = self.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn hosts(&self, text: &str) -> PathBuf {
        let path = self.path().join("hosts.toml");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        path
    }

    /// What is wrong with a hosts.toml, without the temporary path.
    fn wrong(&self, text: &str) -> String {
        let error = Hosts::read(&self.hosts(text)).expect_err("this file must be refused");
        error.to_string().replace(self.path().to_str().unwrap(), "DIR")
    }
}

fn orders(kit: &Kit, grants: &[&str]) -> Orders {
    let grants: Vec<_> = grants.iter().map(|text| (*text).to_owned()).collect();
    Orders {
        bundles: vec![kit.path().to_owned()],
        settings: from_command_line(&grants, kit.path()).unwrap(),
        with_declared: true,
        ..Orders::default()
    }
}

fn one(orders: &Orders) -> Assembled {
    let mut all = assemble(orders).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn refusal(orders: &Orders) -> OperatorError {
    assemble(orders).expect_err("these orders must be refused")
}

#[test]
fn a_bundle_gets_nothing_that_was_not_granted() {
    let options = one(&orders(&clock(), &[])).options().unwrap();
    let default = wrun::BundleOptions::default();
    assert_eq!(options.policy, default.policy);
    assert_eq!(options.policy.grants, protocol::policy::Grants::default());
    assert_eq!(options.policy.profiles().to_string(), "compute");
    assert_eq!(options.required, []);
}

#[test]
fn a_manifest_that_asks_gets_nothing_by_asking() {
    let place = Place::new();
    let tree = place.make("tree");
    let asks = format!("asks = {{ read = [\"{tree}\"], threads = true }}");
    let assembled = one(&orders(&with_manifest(&asks), &[]));
    assert_eq!(assembled.options().unwrap().policy, wrun::BundleOptions::default().policy);
    let answers: Vec<_> = assembled.asks().into_iter().map(|ask| ask.answer).collect();
    let denied = |what: &str| Answer::Denied(format!("--grant clock:{what}"));
    assert_eq!(answers, [denied(&format!("read={tree}")), denied("threads=8")]);
}

#[test]
fn the_file_is_below_the_command_line_and_every_value_knows_its_place() {
    let (kit, place) = (clock(), Place::new());
    let (read, write) = (place.make("read"), place.make("write"));
    let hosts = place.hosts(
        "format = 1\n[jail]\nrequire = [\"landlock\"]\n\
         [bundle.clock.grants]\nread = [\"read\"]\n\
         [bundle.clock.limits]\nmemory = \"512M\"\ncpu = \"1m\"\nthreads = 2\n\
         call-timeout = \"3s\"\nload-timeout = \"2s\"\n",
    );
    let mut orders =
        orders(&kit, &["clock:memory=2G", &format!("clock:write={write}"), "clock:stderr=0"]);
    orders.hosts = Some(Hosts::read(&hosts).unwrap());
    orders.call_timeout = Some(Duration::from_secs(5));
    orders.required = vec![Layer::Landlock, Layer::Root];
    let assembled = one(&orders);
    let options = assembled.options().unwrap();
    let limits = options.policy.limits;
    assert_eq!((limits.memory_bytes, limits.cpu_seconds, limits.threads), (2 << 30, 60, 2));
    assert_eq!((limits.stderr_bytes, limits.descriptors), (0, 64));
    assert_eq!(options.call_timeout, Duration::from_secs(5));
    assert_eq!(options.load_timeout, Duration::from_secs(2));
    assert_eq!(options.required, [Layer::Landlock, Layer::Root]);
    let trees: Vec<_> =
        options.policy.grants.trees.iter().map(|t| (t.path.as_str(), t.access)).collect();
    assert_eq!(trees, [(read.as_str(), Access::Read), (write.as_str(), Access::Write)]);
    let line = |line| Origin::File { file: hosts.to_str().unwrap().into(), line };
    let origin = |limit| assembled.settings.limits[&limit].origin.clone();
    assert_eq!(origin(Limit::Memory), Origin::CommandLine);
    assert_eq!(origin(Limit::Cpu), line(8));
    assert_eq!(origin(Limit::Threads), line(9));
    assert_eq!(origin(Limit::CallTimeout), Origin::CommandLine);
    assert_eq!(origin(Limit::LoadTimeout), line(11));
    assert_eq!(origin(Limit::Scratch), Origin::Default);
    assert_eq!(assembled.resolved[0].grant.origin, line(5));
    assert_eq!(assembled.required[0].origin, line(3));
}

#[test]
fn a_timeout_for_one_bundle_counts_more_than_one_for_all() {
    let kit = clock();
    let mut orders = orders(&kit, &["clock:call-timeout=7s"]);
    orders.call_timeout = Some(Duration::from_secs(5));
    assert_eq!(one(&orders).options().unwrap().call_timeout, Duration::from_secs(7));
}

#[test]
fn a_declared_bundle_runs_without_being_named_and_serves_what_the_file_says() {
    let (kit, place) = (clock(), Place::new());
    symlink(kit.path(), place.path().join("clock_host")).unwrap();
    // The name of a bundle by convention is that of the real directory.
    let hosts = place.hosts(
        "format = 1\n[bundle.clock]\npath = \"clock_host\"\nserves = [\"demo:clock/*\"]\n\
         [bundle.other.limits]\nmemory = \"1G\"\n",
    );
    let hosts = Hosts::read(&hosts).unwrap();
    let orders = Orders { hosts: Some(hosts), with_declared: true, ..Orders::default() };
    let assembled = one(&orders);
    assert_eq!(assembled.bundle.name(), "clock");
    assert!(assembled.serves[0].value.is_standing());
    assert!(assemble(&Orders { with_declared: false, ..orders }).unwrap().is_empty());
}

#[test]
fn a_stranger_with_the_name_of_a_declared_bundle_gets_none_of_its_grants() {
    let (kit, stranger, place) = (clock(), clock(), Place::new());
    let text = format!("format = 1\n[bundle.clock]\npath = \"{}\"\n", kit.path().display());
    let hosts = Hosts::read(&place.hosts(&text)).unwrap();
    let with = |kit: &Kit| Orders { hosts: Some(hosts.clone()), ..orders(kit, &[]) };
    let error = refusal(&with(&stranger));
    assert!(matches!(error, OperatorError::Impostor { .. }), "{error}");
    assert!(error.is_usage());
    // The bundle itself may be named twice.
    assert_eq!(one(&with(&kit)).origin, Origin::CommandLine);
    let text = format!("format = 1\n[bundle.watch]\npath = \"{}\"\n", kit.path().display());
    let hosts = Hosts::read(&place.hosts(&text)).unwrap();
    let error = refusal(&Orders { hosts: Some(hosts), with_declared: true, ..Orders::default() });
    assert!(error.to_string().contains("help: write [bundle.clock]"), "{error}");
}

#[test]
fn what_is_said_about_a_bundle_that_is_not_there_is_an_error() {
    let kit = clock();
    let text = refusal(&orders(&kit, &["clok:read=/etc"])).to_string();
    assert_eq!(
        text,
        "--grant clok:read=/etc is for a bundle that is not there; did you mean `clock`?"
    );
    let text = refusal(&orders(&kit, &["database:memory=1G"])).to_string();
    assert!(text.ends_with("bundles of this run: clock"), "{text}");
    let config = BTreeMap::from([(("x".into(), "k".into()), ConfigValue::Text("v".into()))]);
    let error = refusal(&Orders { config, ..orders(&kit, &[]) });
    assert!(matches!(error, OperatorError::Stranger { .. }), "{error}");
}

#[test]
fn a_wrong_hosts_file_is_refused_with_its_line() {
    let place = Place::new();
    for (text, wanted) in [
        ("[bundle.x]\n", "line 1: the key `format` is missing"),
        ("format = 2\n", "line 1: format 2 needs a newer wrun; this one reads format 1"),
        ("format = 1\nbundel = 1\n", "line 2: unknown key `bundel`; did you mean `bundle`?"),
        ("format = 1\n[bundle.\"a b\"]\n", "line 2: `a b` is no name of a bundle"),
        (
            "format = 1\n[bundle.x]\n[bundle.x.grants]\nraed = []\n",
            "line 4: unknown key `raed`; did you mean `read`?",
        ),
        (
            "format = 1\n[bundle.x.grants]\nread = \"/etc\"\n",
            "line 3: `read` must be a list of strings",
        ),
        (
            "format = 1\n[bundle.x.grants]\nconnect = [\n  \"a:1\",\n  \"a\",\n]\n",
            "line 5: `connect`: it is no destination",
        ),
        ("format = 1\n[bundle.x.limits]\nmemory = \"5MB\"\n", "line 3: `memory`: it is no size"),
        ("format = 1\n[bundle.x.limits]\ncpu = 60\n", "line 3: `cpu`: it is no duration"),
        ("format = 1\n[bundle.x.limits]\nread = 1\n", "line 3: unknown key `read`"),
        (
            "format = 1\n[jail]\nrequire = [\"landlok\"]\n",
            "line 3: there is no layer `landlok`; did you mean `landlock`?",
        ),
        ("format = 1\n[jail]\ndisable = []\n", "line 3: unknown key `disable`"),
        ("format = 1\n[bundle.x]\nserves = [\"a=b\"]\n", "line 3: this is no interface"),
        ("format = 1\n[bundle.x]\npath = \"\"\n", "line 3: the path is empty"),
        ("format = 1\n[bundle.x.config]\npin = 1.5\n", "line 3: `pin` must be a string"),
        ("format = 1\n[bundle.x\n", "line 2: "),
    ] {
        let shown = place.wrong(text);
        assert!(shown.contains(&format!("DIR/hosts.toml, {wanted}")), "{text}\n{shown}");
    }
    // It may be a secret.
    assert!(!place.wrong("format = 1\n[bundle.x.config]\npin = 12.34\n").contains("12.34"));
}

#[test]
fn a_hosts_file_that_others_can_write_is_refused() {
    let place = Place::new();
    let path = place.hosts("format = 1\n");
    assert!(Hosts::read(&path).is_ok());
    for mode in [0o664, 0o646, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = Hosts::read(&path).expect_err("others can write it").to_string();
        assert!(error.contains("chmod go-w"), "{error}");
    }
    let pipe = place.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(Hosts::read(&pipe).unwrap_err().to_string().contains("not a plain file"));
    assert!(place.wrong(&"#".repeat(300_000)).contains("longer than"));
    // Only root can make a file that belongs to somebody else.
    let path = place.hosts("format = 1\n");
    if std::os::unix::fs::chown(&path, Some(12345), None).is_ok() {
        let error = Hosts::read(&path).expect_err("a stranger owns it").to_string();
        assert!(error.contains("belongs to the user 12345"), "{error}");
    }
}

#[test]
fn secrets_are_read_from_files_and_nowhere_else() {
    let kit = with_manifest("config = { pin = { secret = true }, \"env.*\" = {} }");
    let place = Place::new();
    fs::write(place.path().join("pin"), "1234\n").unwrap();
    let text = "format = 1\n[bundle.clock.config]\npin = { file = \"pin\" }\nenv.A = \"a\"\n\
                \"env.B\" = 7\n[bundle.clock.config.env.C]\nfile = \"pin\"\n";
    let hosts = Hosts::read(&place.hosts(text)).unwrap();
    let assembled = one(&Orders { hosts: Some(hosts), ..orders(&kit, &[]) });
    let config = assembled.options().unwrap().config;
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let wanted =
        [pair("env.A", "a"), pair("env.B", "7"), pair("env.C", "1234"), pair("pin", "1234")];
    assert_eq!(config, BTreeMap::from(wanted));
    assert!(!format!("{assembled:?}").contains("1234"));
    let text = "format = 1\n[bundle.clock.config]\npin = \"1234\"\n";
    let hosts = Hosts::read(&place.hosts(text)).unwrap();
    let error = refusal(&Orders { hosts: Some(hosts), ..orders(&kit, &[]) });
    let shown = error.to_string();
    assert!(shown.contains("hosts.toml:3: clock.pin is a secret"), "{shown}");
    assert!(shown.contains("pin = { file = \"PATH\" }") && !shown.contains("1234"), "{shown}");
}

#[test]
fn no_bundle_may_write_what_the_next_run_trusts() {
    let (kit, place) = (clock(), Place::new());
    let own = kit.path().to_str().unwrap();
    let hosts = Hosts::read(&place.hosts("format = 1\n")).unwrap();
    let folder = place.path();
    let shown = |grant: String| {
        let orders = Orders { hosts: Some(hosts.clone()), ..orders(&kit, &[&grant]) };
        assemble(&orders).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(shown(format!("clock:write={own}")).contains("replace its own library"));
    assert!(shown(format!("clock:write={own}/lib")).contains("replace its own library"));
    assert!(shown(format!("clock:write={own}/..")).contains("replace its own library"));
    assert_eq!(shown(format!("clock:read={own}")), "");
    assert!(shown(format!("clock:write={}", folder.display())).contains("the file that grants"));
    let program = std::env::current_exe().unwrap();
    let program = program.parent().unwrap().display();
    assert!(shown(format!("clock:write={program}")).contains("replace wrun"));
}

#[test]
fn a_misspelt_interface_in_serves_is_refused() {
    let (kit, place) = (clock(), Place::new());
    let shown = |serves: &str| {
        let text = format!("format = 1\n[bundle.clock]\nserves = [\"{serves}\"]\n");
        let hosts = Hosts::read(&place.hosts(&text)).unwrap();
        let orders = Orders { hosts: Some(hosts), ..orders(&kit, &[]) };
        assemble(&orders).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(shown("demo:clock/now"), "");
    assert_eq!(shown("demo:clock/*"), "");
    assert_eq!(shown("demo:clock/now@1.0.7"), "");
    assert!(shown("demo:clock/nwo").contains("it exports: demo:clock/now@1.0.0"));
}

#[test]
fn a_granted_link_is_what_it_leads_to() {
    let (kit, place) = (clock(), Place::new());
    let real = place.make("real");
    let link = place.path().join("link");
    symlink("real", &link).unwrap();
    let assembled = one(&orders(&kit, &[&format!("clock:read={}", link.display())]));
    let trees = assembled.grants().trees;
    assert_eq!(trees.iter().map(|tree| tree.path.as_str()).collect::<Vec<_>>(), [real.as_str()]);
}

#[test]
fn what_is_asked_for_is_granted_denied_or_senseless() {
    let place = Place::new();
    let (tree, other) = (place.make("tree/inner"), place.make("other"));
    let asks = format!(
        "[asks]\nread = [\"{tree}\", \"{other}\", \"rel\", \"/a;rm -rf ~\"]\nwrite = [\"{tree}\"]\n\
         connect = [\"localhost:1\", \"nonsense\"]\ndevice = [\"/dev/null\"]\nthreads = true\n"
    );
    let kit = with_manifest(&asks);
    let outer = Path::new(&tree).parent().unwrap().display().to_string();
    let assembled = one(&orders(
        &kit,
        &[
            &format!("clock:read={outer}"),
            "clock:connect=localhost:1",
            "clock:device=/dev/null",
            "clock:threads=3",
        ],
    ));
    let shown: Vec<_> = assembled
        .asks()
        .into_iter()
        .map(|ask| match ask.answer {
            Answer::Granted(origin) => format!("{} granted by the {origin}", ask.kind),
            Answer::Denied(option) => option,
            Answer::Senseless(why) => format!("{} {}: {why}", ask.kind, ask.value),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "read granted by the command line".to_owned(),
            format!("--grant clock:read={other}"),
            "read rel: it is a relative path".to_owned(),
            "--grant 'clock:read=/a;rm -rf ~'".to_owned(),
            format!("--grant clock:write={tree}"),
            "connect granted by the command line".to_owned(),
            "connect nonsense: it is no destination: write HOST:PORT, [IPV6]:PORT or unix:PATH"
                .to_owned(),
            "device granted by the command line".to_owned(),
            "threads granted by the command line".to_owned(),
        ]
    );
}

#[test]
fn an_ask_that_is_not_what_it_seems_is_refused_with_the_manifest() {
    let kit = with_manifest("asks = { read = [\"/a\\n--grant clock:write=/\"] }");
    assert!(kit.refusal().contains("control characters"));
}

#[test]
fn what_a_trace_must_not_show_is_a_value_of_the_bundle() {
    let place = Place::new();
    let bundle = Kit::complete(
        "clock",
        "package demo:clock@1.0.0;
interface now { set: func(seconds: u64, zone: string) -> bool; tick: func(); }
world bundle { export now; export greet: func(name: string); }
",
    );
    let with = |line: &str, trace_calls| {
        let hosts = format!("format = 1\n[bundle.clock.redact]\n{line}\n");
        let hosts = Some(Hosts::read(&place.hosts(&hosts)).unwrap());
        assemble(&Orders { hosts, trace_calls, ..orders(&bundle, &[]) })
    };
    for line in [
        "\"demo:clock/now#set\" = [\"zone\", \"result\"]",
        "\"demo:clock/now@1.0.0#set\" = [\"zone\"]",
        "greet = [\"name\"]",
        "\"*\" = [\"zone\", \"result\"]",
    ] {
        let assembled = with(line, true).unwrap_or_else(|error| panic!("{line}: {error}"));
        let redacted = assembled[0].redact.clone();
        assert!(redacted.iter().all(|item| item.origin.to_string().ends_with("hosts.toml:3")));
        let trace = assembled[0].options().unwrap().trace.expect("calls are traced");
        assert_eq!(trace.redact.len(), redacted.len());
        assert_eq!(with(line, false).unwrap()[0].options().unwrap().trace, None);
    }
    for (line, why) in [
        (
            "\"demo:clock/now#sett\" = [\"zone\"]",
            "no function `demo:clock/now#sett`; did you mean `demo:clock/now#set`?",
        ),
        ("\"demo:clock/now@1.0.1#set\" = [\"zone\"]", "did you mean `demo:clock/now@1.0.0#set`?"),
        ("gret = [\"name\"]", "did you mean `greet`?"),
        (
            "\"demo:clock/now#set\" = [\"zoen\"]",
            "`demo:clock/now#set` has no parameter `zoen`; did you mean `zone`?",
        ),
        ("\"demo:clock/now#set\" = [\"name\"]", "it has: result, seconds, zone"),
        (
            "\"demo:clock/now#tick\" = [\"result\"]",
            "`demo:clock/now#tick` has no parameter `result`",
        ),
        (
            "\"*\" = [\"zoen\"]",
            "no function of the bundle has a parameter `zoen`; did you mean `zone`?",
        ),
    ] {
        for trace_calls in [false, true] {
            let error = with(line, trace_calls).expect_err(line);
            assert!(!error.is_usage() && error.to_string().contains(why), "{line}: {error}");
            assert!(error.to_string().contains("hosts.toml:3: "), "{line}: {error}");
        }
    }
    let wrong = place.wrong("format = 1\n[bundle.clock.redact]\ngreet = \"name\"\n");
    assert!(wrong.contains("`greet` must be a list of strings"), "{wrong}");
}
