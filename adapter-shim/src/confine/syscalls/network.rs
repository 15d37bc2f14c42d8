//! `network`: connections to granted destinations. Which ports those are is decided by Landlock,
//! which sockets of the file system by mounts.

use super::Test::{Int, IntMasked};
use super::{Call, Test, call};

const fn int(value: i32) -> u32 {
    value.cast_unsigned()
}

/// The kind of a socket without its flags.
const KIND: u32 = !int(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC);
const fn stream(family: i32) -> [Test; 2] {
    [Int(0, int(family)), IntMasked(1, KIND, int(libc::SOCK_STREAM))]
}
const INET: [Test; 2] = stream(libc::AF_INET);
const INET6: [Test; 2] = stream(libc::AF_INET6);
const UNIX: [Test; 2] = stream(libc::AF_UNIX);
/// Streams only: no datagrams, so no name servers, and no other families.
const STREAMS: &[&[Test]] = &[&INET, &INET6, &UNIX];

const fn level(level: i32) -> Test {
    Int(1, int(level))
}
const OPTIONS: &[&[Test]] = &[
    &[level(libc::SOL_SOCKET)],
    &[level(libc::IPPROTO_TCP)],
    &[level(libc::IPPROTO_IP)],
    &[level(libc::IPPROTO_IPV6)],
];

const FCNTL: &[&[Test]] = &[
    &[Int(1, int(libc::F_GETFD))],
    &[Int(1, int(libc::F_SETFD))],
    &[Int(1, int(libc::F_GETFL))],
    &[Int(1, int(libc::F_SETFL)), IntMasked(2, int(libc::O_ASYNC), 0)],
];
/// Pipes, not the one that kernel notifications arrive in.
const PIPE: &[&[Test]] = &[&[IntMasked(1, !int(libc::O_CLOEXEC | libc::O_NONBLOCK), 0)]];

const PLAIN: &[&[Test]] = &[];

const fn net(
    name: &'static str,
    number: i64,
    when: &'static [&'static [Test]],
    why: &'static str,
) -> Call {
    call(name, number, when, why, "jail")
}

/// Connect, talk, wait. Nothing that listens, and no messages that carry descriptors.
pub const NETWORK: &[Call] = &[
    net("socket", libc::SYS_socket, STREAMS, "makes a socket"),
    net("connect", libc::SYS_connect, PLAIN, "connects it"),
    net("shutdown", libc::SYS_shutdown, PLAIN, "ends a direction"),
    net("sendto", libc::SYS_sendto, PLAIN, "sends"),
    net("recvfrom", libc::SYS_recvfrom, PLAIN, "receives"),
    net("readv", libc::SYS_readv, PLAIN, "receives"),
    net("setsockopt", libc::SYS_setsockopt, OPTIONS, "sets time limits"),
    net("getsockopt", libc::SYS_getsockopt, OPTIONS, "asks for errors"),
    net("getsockname", libc::SYS_getsockname, PLAIN, "asks for addresses"),
    net("getpeername", libc::SYS_getpeername, PLAIN, "asks for addresses"),
    net("fcntl", libc::SYS_fcntl, FCNTL, "sets flags"),
    net("pselect6", libc::SYS_pselect6, PLAIN, "waits"),
    net("epoll_create1", libc::SYS_epoll_create1, PLAIN, "waits"),
    net("epoll_ctl", libc::SYS_epoll_ctl, PLAIN, "waits"),
    net("epoll_pwait", libc::SYS_epoll_pwait, PLAIN, "waits"),
    net("eventfd2", libc::SYS_eventfd2, PLAIN, "wakes itself"),
    net("pipe2", libc::SYS_pipe2, PIPE, "wakes itself"),
    // The name service reads /etc/hosts.
    net("openat", libc::SYS_openat, READ_ONLY, "reads /etc/hosts"),
    net("newfstatat", libc::SYS_newfstatat, PLAIN, "reads /etc/hosts"),
    net("lseek", libc::SYS_lseek, PLAIN, "reads /etc/hosts"),
    #[cfg(target_arch = "x86_64")]
    net("select", libc::SYS_select, PLAIN, "waits"),
    #[cfg(target_arch = "x86_64")]
    net("epoll_wait", libc::SYS_epoll_wait, PLAIN, "waits"),
];

const READ_ONLY: &[&[Test]] =
    &[&[IntMasked(2, !int(libc::O_CLOEXEC | libc::O_NOFOLLOW | 0o100_000), 0)]];
