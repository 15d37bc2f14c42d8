//! Paths of the machine: links resolved, and nothing that would undo the jail.

use super::{Protected, ResolveFault};
use nix::sys::stat::{major, minor};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// Where kernel file systems are, even if nothing is mounted there just now.
const KERNEL_FOLDERS: [(&str, &str); 2] = [("/proc", "proc"), ("/sys", "sysfs")];

/// File systems whose files are switches of the kernel, wherever they are mounted.
const KERNEL_TYPES: [&str; 17] = [
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "mqueue",
    "nsfs",
    "proc",
    "pstore",
    "securityfs",
    "sysfs",
    "tracefs",
];

/// Major number of the memory devices, and the minor ones of /dev/mem, /dev/kmem and /dev/port.
const MEMORY_DEVICES: (u64, [u64; 3]) = (1, [1, 2, 4]);

/// What is mounted where, as far as it matters here.
#[derive(Debug, Clone)]
pub(super) struct Mounts {
    kernel: Vec<(PathBuf, String)>,
}

impl Mounts {
    /// Those that this process sees.
    ///
    /// # Errors
    /// Those of reading `/proc/self/mountinfo`.
    pub(super) fn of_machine() -> io::Result<Self> {
        Ok(Self::parse(&fs::read_to_string("/proc/self/mountinfo")?))
    }

    /// See `proc_pid_mountinfo(5)`: the mount point is the fifth field, the type the first behind
    /// a lone dash.
    fn parse(text: &str) -> Self {
        let fixed = KERNEL_FOLDERS.into_iter().map(|(path, kind)| (path.into(), kind.to_owned()));
        let mounted = text.lines().filter_map(|line| {
            let (before, after) = line.split_once(" - ")?;
            let kind = after.split(' ').next()?;
            let path = PathBuf::from(unescaped(before.split(' ').nth(4)?));
            // Folders of devices have a complaint of their own.
            let counts = KERNEL_TYPES.contains(&kind) && !path.starts_with("/dev");
            counts.then(|| (path, kind.to_owned()))
        });
        Self { kernel: fixed.chain(mounted).collect() }
    }

    fn check(&self, path: &Path) -> Result<(), ResolveFault> {
        let meets = |mount: &Path| path.starts_with(mount) || mount.starts_with(path);
        match self.kernel.iter().find(|(mount, _)| meets(mount)) {
            None => Ok(()),
            Some((mount, kind)) => Err(ResolveFault::Kernel {
                mount: mount.display().to_string(),
                kind: kind.clone(),
                inside: path.starts_with(mount),
            }),
        }
    }
}

/// A mount point as the kernel writes it, with spaces and the like as `\040`.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut path = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match (code, part.get(3..)) {
            (Some(code), Some(rest)) => {
                path.push(char::from(code));
                path.push_str(rest);
            }
            _ => {
                path.push('\\');
                path.push_str(part);
            }
        }
    }
    path
}

/// A file or folder for a tree of files.
pub(super) fn tree(path: &Path, mounts: &Mounts) -> Result<String, ResolveFault> {
    let (path, about) = look(path)?;
    if path == Path::new("/") {
        return Err(ResolveFault::Root);
    }
    if path.starts_with("/dev") {
        return Err(ResolveFault::Devices);
    }
    mounts.check(&path)?;
    if !about.is_file() && !about.is_dir() {
        return Err(ResolveFault::Special(kind(&about)));
    }
    text(path)
}

/// A device node.
pub(super) fn device(path: &Path) -> Result<String, ResolveFault> {
    let (path, about) = look(path)?;
    let kind_of_file = about.file_type();
    if !kind_of_file.is_char_device() && !kind_of_file.is_block_device() {
        return Err(ResolveFault::NotADevice(kind(&about)));
    }
    let (memory, minors) = MEMORY_DEVICES;
    let number = about.rdev();
    if kind_of_file.is_char_device() && major(number) == memory && minors.contains(&minor(number)) {
        return Err(ResolveFault::MemoryDevice);
    }
    text(path)
}

/// A Unix socket.
pub(super) fn socket(path: &Path) -> Result<String, ResolveFault> {
    let (path, about) = look(path)?;
    if !about.file_type().is_socket() {
        return Err(ResolveFault::NotASocket(kind(&about)));
    }
    text(path)
}

/// Refuses a writable tree that meets something which the next run trusts.
pub(super) fn check_writable(tree: &str, protected: &[Protected]) -> Result<(), ResolveFault> {
    let tree = Path::new(tree);
    let meets = |it: &&Protected| it.path.starts_with(tree) || tree.starts_with(&it.path);
    match protected.iter().find(meets) {
        None => Ok(()),
        Some(Protected { path, what }) => {
            Err(ResolveFault::Protected { what: what.clone(), path: path.display().to_string() })
        }
    }
}

fn look(path: &Path) -> Result<(PathBuf, Metadata), ResolveFault> {
    let path = path.canonicalize()?;
    let about = fs::symlink_metadata(&path)?;
    Ok((path, about))
}

fn text(path: PathBuf) -> Result<String, ResolveFault> {
    path.into_os_string().into_string().map_err(|_| ResolveFault::NotText)
}

fn kind(about: &Metadata) -> &'static str {
    let kind = about.file_type();
    if kind.is_dir() {
        "a folder"
    } else if kind.is_file() {
        "a file"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_fifo() {
        "a pipe"
    } else {
        "a device"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    const MOUNTS: &str = "\
22 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw
28 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
99 28 0:21 / /srv/a\\040jail/proc rw - proc proc rw
98 28 0:22 / /tmp rw shared:2 - tmpfs tmpfs rw
97 28 0:23 / /run/broken\\9 rw - cgroup2 cgroup rw
garbage
";

    fn fault(path: impl AsRef<Path>) -> String {
        match tree(path.as_ref(), &Mounts::parse(MOUNTS)) {
            Ok(path) => path,
            Err(fault) => fault.to_string(),
        }
    }

    #[test]
    fn the_root_and_kernel_file_systems_are_never_granted() {
        assert!(fault("/").contains("root of the file system"));
        assert!(fault("/tmp/..").contains("root of the file system"));
        assert!(fault("/proc").contains("lies in /proc (proc)"));
        assert!(fault("/proc/self").contains("lies in /proc (proc)"));
        assert!(fault("/sys/kernel").contains("lies in /sys (sysfs)"));
        assert!(fault("/dev").contains("in /dev"));
        assert!(fault("/dev/shm").contains("in /dev"));
        assert!(fault("/dev/null").contains("in /dev"));
    }

    #[test]
    fn a_kernel_file_system_is_one_wherever_it_is_mounted() {
        let check = |path: &str| Mounts::parse(MOUNTS).check(Path::new(path));
        let mount = |path: &str| match check(path) {
            Err(ResolveFault::Kernel { mount, inside, .. }) => Some((mount, inside)),
            _ => None,
        };
        assert_eq!(mount("/srv"), Some(("/srv/a jail/proc".into(), false)));
        assert_eq!(mount("/srv/a jail/proc/1"), Some(("/srv/a jail/proc".into(), true)));
        assert_eq!(mount("/run"), Some(("/run/broken\\9".into(), false)));
        assert_eq!(mount("/srv/other"), None);
        assert_eq!(mount("/tmp/x"), None);
    }

    #[test]
    fn links_are_resolved_and_what_is_no_file_is_refused() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let base = folder.path().canonicalize()?;
        let shown = |name: &str| fault(base.join(name));
        fs::create_dir(base.join("real"))?;
        symlink("real", base.join("link"))?;
        symlink("/proc/self", base.join("sly"))?;
        symlink("/", base.join("all"))?;
        symlink("nowhere", base.join("dangling"))?;
        let _listener = UnixListener::bind(base.join("socket"))?;
        nix::unistd::mkfifo(&base.join("pipe"), nix::sys::stat::Mode::S_IRUSR)?;
        assert_eq!(Path::new(&shown("link")), base.join("real"));
        assert!(shown("sly").contains("lies in /proc"));
        assert!(shown("all").contains("root of the file system"));
        assert!(shown("dangling").contains("no such file"));
        assert!(shown("socket").contains("it is a socket"));
        assert!(shown("pipe").contains("it is a pipe"));
        assert!(socket(&base.join("socket")).is_ok());
        assert!(matches!(socket(&base.join("real")), Err(ResolveFault::NotASocket("a folder"))));
        assert!(matches!(device(&base.join("real")), Err(ResolveFault::NotADevice("a folder"))));
        assert_eq!(device(Path::new("/dev/null")).ok().as_deref(), Some("/dev/null"));
        Ok(())
    }

    #[test]
    fn what_the_next_run_trusts_cannot_be_made_writable() {
        let protected =
            [Protected { path: "/opt/x_host".into(), what: "its own directory".into() }];
        let allowed = |tree| check_writable(tree, &protected).is_ok();
        assert!(!allowed("/opt"));
        assert!(!allowed("/opt/x_host"));
        assert!(!allowed("/opt/x_host/lib"));
        assert!(allowed("/opt/x"));
        assert!(allowed("/var"));
    }
}
