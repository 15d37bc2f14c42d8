//! As whom, and on what kind of machine, wrun is run.

use crate::target;
use nix::unistd::geteuid;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An unprivileged user, by number: `nobody`, who owns nothing.
const USER: u32 = 65534;

/// A way to run wrun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// As root.
    Root,
    /// As an unprivileged user.
    User,
    /// As an unprivileged user, where no user namespace can be made: in many containers.
    WithoutNamespaces,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Root, Self::User, Self::WithoutNamespaces];

    /// That of whoever runs the tests.
    pub fn own() -> Self {
        if geteuid().is_root() { Self::Root } else { Self::User }
    }

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::User => "user",
            Self::WithoutNamespaces => "no-namespaces",
        }
    }

    /// Why it cannot be used here; nothing if it can.
    pub fn missing(self) -> Option<String> {
        match self {
            Self::Root if !geteuid().is_root() => Some("the tests are not run by root".to_owned()),
            Self::Root | Self::User => None,
            Self::WithoutNamespaces => {
                let output = self.command(Path::new("/bin/true")).output();
                let output = match output {
                    Ok(output) if output.status.success() => return None,
                    Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
                    Err(error) => error.to_string(),
                };
                Some(format!("no user namespace to forbid them in: {}", output.trim()))
            }
        }
    }

    /// A command that becomes `program` in this mode, under the same process number.
    pub fn command(self, program: &Path) -> Command {
        let words: &[&str] = match (self, geteuid().is_root()) {
            (Self::Root, _) | (Self::User, false) => &[],
            (Self::User, true) => &AS_USER,
            (Self::WithoutNamespaces, false) => &FORBIDDEN,
            (Self::WithoutNamespaces, true) => &[&AS_USER[..], &FORBIDDEN[..]].concat(),
        };
        let mut words = words.iter().map(std::ffi::OsStr::new).chain([program.as_os_str()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        if self != Self::own() {
            command.env("HOME", self.home());
        }
        command
    }

    /// Where this mode's user keeps what wrun compiles.
    fn home(self) -> PathBuf {
        let home = target().join("homes").join(self.name());
        std::fs::create_dir_all(&home).expect("a folder of our own");
        self.own_file(&home);
        home
    }

    /// Gives a file to the user of this mode.
    pub(crate) fn own_file(self, path: &Path) {
        if self != Self::Root && geteuid().is_root() {
            std::os::unix::fs::chown(path, Some(USER), Some(USER)).expect("root gives files away");
        }
    }
}

const AS_USER: [&str; 4] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

/// The limit is that of a new namespace, in which it can be set; its rights are then given up.
const FORBIDDEN: [&str; 7] = [
    "unshare",
    "--user",
    "--map-current-user",
    "--keep-caps",
    "sh",
    "-c",
    "echo 0 > /proc/sys/user/max_user_namespaces && \
     exec setpriv --ambient-caps=-all --inh-caps=-all --bounding-set=-all \"$0\" \"$@\"",
];

/// Says that something is not tested on this machine. With `CI=true` this fails, unless `what` is
/// in `EXPECTED_SKIPS`, which lists such names with commas between.
///
/// # Panics
/// In CI, if the skip is not expected.
pub fn skip(what: &str, why: &str) {
    eprintln!("skipped: {what}: {why}");
    let expected = std::env::var("EXPECTED_SKIPS").unwrap_or_default();
    let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    let is_expected = expected.split(',').any(|name| name.trim() == what);
    assert!(!in_ci || is_expected, "{what} was skipped in CI: {why}");
}
