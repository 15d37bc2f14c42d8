//! What building a jail takes: a child in its own namespaces, mounts by descriptor, capabilities.

use super::checked;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, FromRawFd as _, OwnedFd};

/// `prctl(PR_SET_MDWE)`, Linux 6.3.
const PR_SET_MDWE: libc::c_int = 65;
const PR_MDWE_REFUSE_EXEC_GAIN: libc::c_ulong = 1;
/// Every secure bit and its lock: root means nothing, and stays so.
const SECURE_BITS_LOCKED: libc::c_ulong = 0xff;
/// Above the last capability that any kernel has.
const CAPABILITIES_MAX: libc::c_ulong = 63;
/// `SO_PASSRIGHTS`, Linux 6.16: whether descriptors may arrive with a message.
const SO_PASSRIGHTS: libc::c_int = 83;

/// Which side of [`clone_child`] returned.
#[derive(Debug)]
pub(crate) enum Side {
    /// The new process.
    Child,
    /// The process that called, with the child's id and a pidfd of it.
    Parent { pid: i32, pidfd: OwnedFd },
}

/// `struct clone_args` of `clone3(2)`, as of its first version with `cgroup`.
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// Starts a child that is a copy of this process, in the new namespaces of `flags` (`CLONE_NEW*`).
///
/// Only for a process with a single thread: the child goes on with ordinary code.
pub(crate) fn clone_child(flags: i32) -> io::Result<Side> {
    let mut pidfd: libc::c_int = -1;
    let namespaces = u64::from(flags.cast_unsigned());
    let pidfd_flag = u64::from(libc::CLONE_PIDFD.cast_unsigned());
    let args = CloneArgs {
        flags: namespaces | pidfd_flag,
        pidfd: (&raw mut pidfd).addr() as u64,
        exit_signal: u64::from(libc::SIGCHLD.cast_unsigned()),
        ..CloneArgs::default()
    };
    // SAFETY: `args` has the layout that the kernel reads, and lives through the call. Without
    // CLONE_VM the child has a copy of all memory; with a single thread no lock is held by
    // somebody who is not there in the child.
    let pid = checked(unsafe {
        libc::syscall(libc::SYS_clone3, &raw const args, size_of::<CloneArgs>())
    })?;
    match i32::try_from(pid) {
        Ok(0) => Ok(Side::Child),
        // SAFETY: the kernel has stored a new descriptor, which nobody else knows.
        Ok(pid) => Ok(Side::Parent { pid, pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) } }),
        Err(_) => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Sends a signal to the process of `pidfd`, and to no other that has taken its number.
pub(crate) fn send_signal(pidfd: impl AsFd, signal: i32) -> io::Result<()> {
    let pidfd = pidfd.as_fd().as_raw_fd();
    let (call, info) = (libc::SYS_pidfd_send_signal, std::ptr::null::<libc::siginfo_t>());
    // SAFETY: null stands for the information that `kill(2)` would give.
    checked(unsafe { libc::syscall(call, pidfd, signal, info, 0) }).map(drop)
}

/// Attributes of a mount, see `mount_setattr(2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MountAttributes {
    pub(crate) read_only: bool,
    pub(crate) no_exec: bool,
    pub(crate) no_devices: bool,
}

/// `struct mount_attr` of `mount_setattr(2)`.
#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

impl MountAttributes {
    fn bits(self) -> u64 {
        let bit = |on: bool, bit: u64| if on { bit } else { 0 };
        libc::MOUNT_ATTR_NOSUID
            | bit(self.read_only, libc::MOUNT_ATTR_RDONLY)
            | bit(self.no_exec, libc::MOUNT_ATTR_NOEXEC)
            | bit(self.no_devices, libc::MOUNT_ATTR_NODEV)
    }
}

/// A copy of the mount at `place`, with everything mounted beneath, that is not attached anywhere.
pub(crate) fn detached_copy(place: impl AsFd, is_folder: bool) -> io::Result<OwnedFd> {
    let empty = libc::AT_EMPTY_PATH.cast_unsigned();
    let recursive = if is_folder { libc::AT_RECURSIVE.cast_unsigned() } else { 0 };
    let flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC | empty | recursive;
    let place = place.as_fd().as_raw_fd();
    // SAFETY: an empty path, and a descriptor that lives through the call.
    let tree = checked(unsafe { libc::syscall(libc::SYS_open_tree, place, c"".as_ptr(), flags) })?;
    let tree = i32::try_from(tree).map_err(io::Error::other)?;
    // SAFETY: the kernel returned a new descriptor.
    Ok(unsafe { OwnedFd::from_raw_fd(tree) })
}

/// Restricts the mount `tree` and those beneath it. With `ids`, a user namespace, what the ids of
/// that namespace own on disk belongs, through this mount, to the ids outside that they map to.
pub(crate) fn restrict_mount(
    tree: impl AsFd,
    attributes: MountAttributes,
    ids: Option<&OwnedFd>,
) -> io::Result<()> {
    let namespace = ids.map_or(0, |fd| u64::from(fd.as_raw_fd().cast_unsigned()));
    let id_bit = if ids.is_some() { libc::MOUNT_ATTR_IDMAP } else { 0 };
    let attr = MountAttr {
        set: attributes.bits() | id_bit,
        clear: 0,
        propagation: 0,
        user_namespace: namespace,
    };
    let flags = libc::AT_EMPTY_PATH | libc::AT_RECURSIVE;
    let tree = tree.as_fd().as_raw_fd();
    let size = size_of::<MountAttr>();
    // SAFETY: an empty path, a descriptor that lives through the call, and a struct that has the
    // layout and the size that are given.
    let set = unsafe {
        libc::syscall(libc::SYS_mount_setattr, tree, c"".as_ptr(), flags, &raw const attr, size)
    };
    checked(set).map(drop)
}

/// Attaches a detached mount at `place`, which must be of its kind.
pub(crate) fn attach_mount(tree: impl AsFd, place: impl AsFd) -> io::Result<()> {
    let (tree, place) = (tree.as_fd().as_raw_fd(), place.as_fd().as_raw_fd());
    let flags = libc::MOVE_MOUNT_F_EMPTY_PATH | libc::MOVE_MOUNT_T_EMPTY_PATH;
    let (call, empty) = (libc::SYS_move_mount, c"".as_ptr());
    // SAFETY: two empty paths, and descriptors that live through the call.
    checked(unsafe { libc::syscall(call, tree, empty, place, empty, flags) }).map(drop)
}

/// Drops every capability, also from the bounding set, for good.
///
/// Where the process has none to begin with the bounding set cannot be lowered; without `whole`
/// that is no error.
pub(crate) fn drop_capabilities(whole: bool) -> io::Result<()> {
    for capability in 0..=CAPABILITIES_MAX {
        // SAFETY: no pointers.
        let dropped =
            checked(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) }.into());
        match dropped {
            Ok(_) => {}
            // No such capability.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
            Err(_) if !whole => break,
            Err(error) => return Err(error),
        }
    }
    // SAFETY: no pointers.
    let cleared =
        unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) };
    checked(cleared.into())?;
    // SAFETY: no pointers.
    let locked = checked(
        unsafe { libc::prctl(libc::PR_SET_SECUREBITS, SECURE_BITS_LOCKED, 0, 0, 0) }.into(),
    );
    if whole {
        locked?;
    }
    set_no_capabilities()
}

fn set_no_capabilities() -> io::Result<()> {
    /// `_LINUX_CAPABILITY_VERSION_3`: two words for each set.
    const VERSION: u32 = 0x2008_0522;
    let header: [u32; 2] = [VERSION, 0];
    let none = [0_u32; 6];
    // SAFETY: header and data have the sizes of that version.
    checked(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) }).map(drop)
}

/// Memory that was writable can never become executable, also after `execve`.
pub(crate) fn refuse_exec_gain() -> io::Result<()> {
    // SAFETY: no pointers.
    checked(unsafe { libc::prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) }.into()).map(drop)
}

/// The version of Landlock's interface; 0 where the kernel has none or it is turned off.
pub(crate) fn landlock_version() -> u8 {
    landlock_interface().unwrap_or(0)
}

/// As [`landlock_version`].
///
/// # Errors
/// `EOPNOTSUPP` where it is turned off, `ENOSYS` where the kernel has none.
pub(crate) fn landlock_interface() -> io::Result<u8> {
    const VERSION: libc::c_uint = 1;
    let nothing = std::ptr::null::<u8>();
    // SAFETY: with this flag the kernel reads no memory.
    let version = checked(unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, nothing, 0_usize, VERSION)
    })?;
    u8::try_from(version).map_err(io::Error::other)
}

/// Forbids descriptors to arrive through this socket. A kernel that does not know the option drops
/// them at every plain read anyway.
pub(crate) fn refuse_descriptors(socket: impl AsFd) -> io::Result<()> {
    match pass_no_rights(socket) {
        Err(error) if error.raw_os_error() != Some(libc::ENOPROTOOPT) => Err(error),
        _ => Ok(()),
    }
}

/// As [`refuse_descriptors`].
///
/// # Errors
/// `ENOPROTOOPT` where the kernel does not know the option.
pub(crate) fn pass_no_rights(socket: impl AsFd) -> io::Result<()> {
    let off: libc::c_int = 0;
    let length = libc::socklen_t::try_from(size_of_val(&off)).map_err(io::Error::other)?;
    let socket = socket.as_fd().as_raw_fd();
    // SAFETY: `off` lives through the call and has the length that is given.
    let set = unsafe {
        libc::setsockopt(socket, libc::SOL_SOCKET, SO_PASSRIGHTS, (&raw const off).cast(), length)
    };
    checked(set.into()).map(drop)
}

/// Goes on as the program `file`, with these arguments and an empty environment. Returns only if
/// that failed.
pub(crate) fn execute(file: impl AsFd, arguments: &[CString]) -> io::Error {
    let mut pointers: Vec<_> = arguments.iter().map(|text| text.as_ptr()).collect();
    pointers.push(std::ptr::null());
    let environment = [std::ptr::null::<libc::c_char>()];
    let file = file.as_fd().as_raw_fd();
    // SAFETY: both lists end in null, their texts in zero, and all live through the call.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            file,
            c"".as_ptr(),
            pointers.as_ptr(),
            environment.as_ptr(),
            libc::AT_EMPTY_PATH,
        );
    }
    io::Error::last_os_error()
}
