//! From a system call to words, and to the grant that would allow it.

use crate::native::sys::notify::Question;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use protocol::stage::{Notice, Purpose};
use std::ffi::OsStr;
use std::io::IoSliceMut;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Longest path that is read; longer ones are cut.
const PATH_BYTES_MAX: usize = 4096;
/// Pages are read one by one: the next one may not be there.
const PAGE_BYTES: u64 = 4096;

/// How a path is passed: which argument has the folder it starts from, which has the path.
struct PathArgs {
    folder: Option<usize>,
    path: usize,
    use_of: UseOf,
}

/// What a call does with a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum UseOf {
    /// Opens it, with flags in this argument.
    Open(usize),
    /// Asks about it.
    Look,
    /// Makes, changes or removes it.
    Change,
    /// Executes it.
    Execute,
}

/// The notices of one call: most have one, renaming has two.
pub(super) fn notices(name: &str, question: &Question, purpose: Purpose) -> Vec<Notice> {
    let paths = path_args(name);
    if paths.is_empty() {
        let (about, grant) = other(name, question);
        // A socket that is not there was not used.
        let socket = about.as_deref().and_then(|about| about.strip_prefix("unix:"));
        if purpose == Purpose::Learn && socket.is_some_and(|path| !Path::new(path).exists()) {
            return Vec::new();
        }
        return vec![Notice { call: name.to_owned(), about, grant }];
    }
    let each = |args: &PathArgs| {
        let path = path(question, args)?;
        // Not there, so granting it would not help; and what is asked for is often not there.
        if purpose == Purpose::Learn
            && !path.exists()
            && args.use_of != UseOf::Change
            && !makes(args, question)
        {
            return None;
        }
        let grant = path_grant(&path, args, question);
        let about = Some(path.to_string_lossy().into_owned());
        Some(Notice { call: name.to_owned(), about, grant })
    };
    paths.iter().filter_map(each).collect()
}

fn path_args(name: &str) -> Vec<PathArgs> {
    let at = |use_of| vec![PathArgs { folder: Some(0), path: 1, use_of }];
    let plain = |use_of| vec![PathArgs { folder: None, path: 0, use_of }];
    match name {
        "openat" => at(UseOf::Open(2)),
        "open" => plain(UseOf::Open(1)),
        "newfstatat" | "statx" | "faccessat" | "faccessat2" | "readlinkat" => at(UseOf::Look),
        "stat" | "lstat" | "access" | "readlink" | "statfs" => plain(UseOf::Look),
        "mkdirat" | "unlinkat" | "fchmodat" | "fchownat" | "utimensat" | "mknodat" => {
            at(UseOf::Change)
        }
        "mkdir" | "rmdir" | "unlink" | "chmod" | "chown" | "truncate" | "creat" | "mknod" => {
            plain(UseOf::Change)
        }
        "rename" | "link" => {
            [0, 1].map(|path| PathArgs { folder: None, path, use_of: UseOf::Change }).into()
        }
        "renameat" | "renameat2" | "linkat" => [0, 2]
            .map(|folder| PathArgs {
                folder: Some(folder),
                path: folder + 1,
                use_of: UseOf::Change,
            })
            .into(),
        "execve" => plain(UseOf::Execute),
        "execveat" => at(UseOf::Execute),
        _ => Vec::new(),
    }
}

fn arg(question: &Question, index: usize) -> u64 {
    question.args.get(index).copied().unwrap_or(0)
}

/// The low half, as the kernel reads most arguments.
fn int(question: &Question, index: usize) -> i32 {
    let [a, b, c, d, ..] = arg(question, index).to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

fn writes(flags: i32) -> bool {
    flags & libc::O_ACCMODE != libc::O_RDONLY || flags & (libc::O_CREAT | libc::O_TRUNC) != 0
}

fn makes(args: &PathArgs, question: &Question) -> bool {
    matches!(args.use_of, UseOf::Open(flags) if int(question, flags) & libc::O_CREAT != 0)
}

fn path_grant(path: &Path, args: &PathArgs, question: &Question) -> Option<String> {
    let shown = |path: &Path| path.display().to_string();
    let folder = || path.parent().map_or_else(|| shown(path), shown);
    if path.starts_with("/dev") {
        return Some(format!("device={}", shown(path)));
    }
    match args.use_of {
        UseOf::Execute => None,
        UseOf::Look => Some(format!("read={}", shown(path))),
        // What is made, renamed or removed changes its folder.
        UseOf::Change => Some(format!("write={}", folder())),
        UseOf::Open(_) if makes(args, question) => Some(format!("write={}", folder())),
        UseOf::Open(flags) if writes(int(question, flags)) => {
            Some(format!("write={}", shown(path)))
        }
        UseOf::Open(_) if is_library(path) => Some(format!("library={}", shown(path))),
        UseOf::Open(_) => Some(format!("read={}", shown(path))),
    }
}

fn is_library(path: &Path) -> bool {
    let name = path.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
    name.ends_with(".so") || name.contains(".so.")
}

/// The absolute path that a call names. `None` if it names no path, as `fstat` does.
fn path(question: &Question, args: &PathArgs) -> Option<PathBuf> {
    let bytes = text(question.task, arg(question, args.path))?;
    let path = Path::new(OsStr::from_bytes(&bytes));
    if bytes.is_empty() {
        return None;
    }
    if path.is_absolute() {
        return Some(path.to_owned());
    }
    let process = format!("/proc/{}", question.task);
    let folder = args.folder.map(|index| int(question, index)).filter(|fd| *fd != libc::AT_FDCWD);
    let link = folder.map_or_else(|| format!("{process}/cwd"), |fd| format!("{process}/fd/{fd}"));
    // Where the folder cannot be seen the path is shown as it is.
    let folder = std::fs::read_link(link).unwrap_or_default();
    Some(folder.join(path))
}

/// Text up to its zero, from the memory of a task.
fn text(task: i32, address: u64) -> Option<Vec<u8>> {
    let mut found = Vec::new();
    let mut at = address;
    while found.len() < PATH_BYTES_MAX {
        let left = usize::try_from(PAGE_BYTES - at % PAGE_BYTES).ok()?;
        let page = memory(task, at, left)?;
        if let Some(end) = page.iter().position(|byte| *byte == 0) {
            found.extend_from_slice(page.get(..end)?);
            return Some(found);
        }
        found.extend_from_slice(&page);
        at = at.checked_add(u64::try_from(left).ok()?)?;
    }
    found.truncate(PATH_BYTES_MAX);
    Some(found)
}

/// At most a page of the memory of a task; `None` if it cannot be read.
fn memory(task: i32, address: u64, bytes: usize) -> Option<Vec<u8>> {
    let mut buffer = vec![0; bytes.min(PATH_BYTES_MAX)];
    let remote = RemoteIoVec { base: usize::try_from(address).ok()?, len: buffer.len() };
    let read =
        process_vm_readv(Pid::from_raw(task), &mut [IoSliceMut::new(&mut buffer)], &[remote]);
    buffer.truncate(read.ok()?);
    Some(buffer)
}

/// Calls without a path.
fn other(name: &str, question: &Question) -> (Option<String>, Option<String>) {
    match name {
        "clone" | "clone3" => (None, Some("threads=8".to_owned())),
        "socket" => {
            let (family, grant) = match int(question, 0) {
                libc::AF_INET | libc::AF_INET6 => ("internet", Some("connect=HOST:PORT")),
                libc::AF_UNIX => ("unix", Some("connect=unix:PATH")),
                libc::AF_NETLINK => ("netlink", None),
                _ => ("other", None),
            };
            let streams = int(question, 1) & 0xf == libc::SOCK_STREAM;
            (Some(family.to_owned()), grant.filter(|_| streams).map(str::to_owned))
        }
        "connect" => match destination(question) {
            Some(to) => (Some(to.clone()), Some(format!("connect={to}"))),
            None => (None, None),
        },
        "ioctl" => {
            let link = format!("/proc/{}/fd/{}", question.task, int(question, 0));
            let device = std::fs::read_link(link).ok().filter(|path| path.starts_with("/dev"));
            let device = device.map(|path| path.display().to_string());
            (device.clone(), device.map(|path| format!("device={path}")))
        }
        _ => (None, None),
    }
}

/// Where a call of `connect` leads to, as a grant names it.
fn destination(question: &Question) -> Option<String> {
    let length = usize::try_from(arg(question, 2)).ok()?.min(128);
    let address = memory(question.task, arg(question, 1), length)?;
    let family = u16::from_ne_bytes([*address.first()?, *address.get(1)?]);
    let port = || Some(u16::from_be_bytes([*address.get(2)?, *address.get(3)?]));
    match i32::from(family) {
        libc::AF_INET => {
            let ip: [u8; 4] = address.get(4..8)?.try_into().ok()?;
            Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::from(ip)), port()?).to_string())
        }
        libc::AF_INET6 => {
            let ip: [u8; 16] = address.get(8..24)?.try_into().ok()?;
            Some(SocketAddr::new(IpAddr::V6(Ipv6Addr::from(ip)), port()?).to_string())
        }
        libc::AF_UNIX => {
            let path = address.get(2..)?.split(|byte| *byte == 0).next()?;
            Some(format!("unix:{}", String::from_utf8_lossy(path)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(args: [u64; 6]) -> Question {
        // This very process: its memory can be read.
        let task = i32::try_from(std::process::id()).unwrap_or_default();
        Question { id: 1, task, number: 0, args }
    }

    fn grant(name: &str, path: &std::ffi::CStr, flags: i32) -> Option<String> {
        let here = libc::AT_FDCWD.cast_unsigned().into();
        let address = path.as_ptr().addr() as u64;
        let flags = flags.cast_unsigned().into();
        let found = notices(name, &question([here, address, flags, 0, 0, 0]), Purpose::Confine);
        found.into_iter().next().and_then(|notice| notice.grant)
    }

    #[test]
    fn a_path_becomes_the_grant_that_would_allow_it() {
        let is =
            |found: Option<String>, expected: &str| assert_eq!(found.as_deref(), Some(expected));
        is(grant("openat", c"/etc/softhsm2.conf", libc::O_RDONLY), "read=/etc/softhsm2.conf");
        is(grant("openat", c"/var/db/x", libc::O_RDWR), "write=/var/db/x");
        is(grant("openat", c"/var/db/x", libc::O_WRONLY | libc::O_CREAT), "write=/var/db");
        is(grant("openat", c"/opt/libv.so.2", libc::O_RDONLY), "library=/opt/libv.so.2");
        is(grant("openat", c"/dev/bus/usb/001", libc::O_RDWR), "device=/dev/bus/usb/001");
        is(grant("unlinkat", c"/var/db/x", 0), "write=/var/db");
        is(grant("newfstatat", c"/etc/x", 0), "read=/etc/x");
    }

    #[test]
    fn memory_that_is_not_there_is_no_path() {
        let args = [0, 8, 0, 0, 0, 0];
        assert!(notices("openat", &question(args), Purpose::Confine).is_empty());
    }

    #[test]
    fn a_destination_is_named_as_a_grant_names_it() {
        let address: [u8; 16] = [2, 0, 0x1f, 0x90, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        let args = [3, address.as_ptr().addr() as u64, 16, 0, 0, 0];
        let found = notices("connect", &question(args), Purpose::Confine);
        let grants: Vec<_> = found.into_iter().filter_map(|notice| notice.grant).collect();
        assert_eq!(grants, ["connect=127.0.0.1:8080"]);
    }
}
