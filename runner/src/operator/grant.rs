//! One grant or limit, as an operator writes it: `read=/etc/softhsm`, `memory=512M`.

use super::amount::{Amount, AmountFault};
use super::limit::Limit;
use crate::document::nearest::nearest;
use protocol::text::ForeignText;
use std::fmt;
use std::path::{Path, PathBuf};

/// Longest host name, as DNS has it.
const HOST_BYTES_MAX: usize = 253;

/// What is in front of the path of a Unix socket.
const UNIX: &str = "unix:";

/// Something that a bundle may reach. Paths are absolute, but otherwise as they were written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grant {
    /// Read a file, or a folder with all beneath it.
    Read(PathBuf),
    /// Also write there.
    Write(PathBuf),
    /// Connect to a TCP port of a host.
    Connect {
        /// Name or address.
        host: String,
        /// The port.
        port: u16,
    },
    /// Connect to a Unix socket.
    Socket(PathBuf),
    /// Open and control a device.
    Device(PathBuf),
    /// Load a library, and those that it needs.
    Library(PathBuf),
}

/// A kind of [`Grant`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// [`Grant::Read`].
    Read,
    /// [`Grant::Write`].
    Write,
    /// [`Grant::Connect`] and [`Grant::Socket`].
    Connect,
    /// [`Grant::Socket`], without `unix:` in front.
    Socket,
    /// [`Grant::Device`].
    Device,
    /// [`Grant::Library`].
    Library,
}

/// A grant, or a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Grant(Grant),
    Limit(Limit, Amount),
}

/// A text that is neither a grant nor a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ItemFault {
    /// No such kind.
    #[error("there is no grant `{}`; {}", ForeignText::new(name), proposal(name))]
    Unknown {
        /// The kind.
        name: String,
    },
    /// Nothing is granted.
    #[error("the value is empty")]
    Empty,
    /// Not an amount.
    #[error("{0}")]
    Amount(AmountFault),
    /// Not a place to connect to.
    #[error("it is no destination: write HOST:PORT, [IPV6]:PORT or unix:PATH")]
    Destination,
    /// A path that cannot be one.
    #[error("it has a zero byte")]
    Zero,
}

impl Kind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 6] =
        [Self::Read, Self::Write, Self::Connect, Self::Socket, Self::Device, Self::Library];

    /// Its name, in hosts.toml and behind `--grant NAME:`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Connect => "connect",
            Self::Socket => "socket",
            Self::Device => "device",
            Self::Library => "library",
        }
    }

    /// Reads a grant of this kind; a relative path is one from `base`.
    ///
    /// # Errors
    /// [`ItemFault`].
    pub(super) fn parse(self, text: &str, base: &Path) -> Result<Grant, ItemFault> {
        if text.is_empty() {
            return Err(ItemFault::Empty);
        }
        let path = |text: &str| match text {
            "" => Err(ItemFault::Empty),
            text if text.contains('\0') => Err(ItemFault::Zero),
            // Collected anew, so that `./x` and `x/` are written like all others.
            text => Ok(base.join(text).components().collect::<PathBuf>()),
        };
        Ok(match self {
            Self::Read => Grant::Read(path(text)?),
            Self::Write => Grant::Write(path(text)?),
            Self::Socket => Grant::Socket(path(text)?),
            Self::Device => Grant::Device(path(text)?),
            Self::Library => Grant::Library(path(text)?),
            Self::Connect => match text.strip_prefix(UNIX) {
                Some(socket) => Grant::Socket(path(socket)?),
                None => destination(text).ok_or(ItemFault::Destination)?,
            },
        })
    }
}

impl Grant {
    /// Its kind; a socket is shown as something to connect to.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Read(_) => Kind::Read,
            Self::Write(_) => Kind::Write,
            Self::Connect { .. } | Self::Socket(_) => Kind::Connect,
            Self::Device(_) => Kind::Device,
            Self::Library(_) => Kind::Library,
        }
    }

    /// What stands behind `KIND=`.
    pub fn value(&self) -> String {
        match self {
            Self::Read(path) | Self::Write(path) | Self::Device(path) | Self::Library(path) => {
                path.display().to_string()
            }
            Self::Socket(path) => format!("{UNIX}{}", path.display()),
            Self::Connect { host, port } if host.contains(':') => format!("[{host}]:{port}"),
            Self::Connect { host, port } => format!("{host}:{port}"),
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.kind().name(), ForeignText::new(self.value()))
    }
}

impl Item {
    /// Reads what stands on both sides of `KIND=VALUE`.
    ///
    /// # Errors
    /// [`ItemFault`].
    pub(super) fn parse(name: &str, value: &str, base: &Path) -> Result<Self, ItemFault> {
        if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == name) {
            return kind.parse(value, base).map(Self::Grant);
        }
        match Limit::ALL.into_iter().find(|limit| limit.name() == name) {
            Some(_) if value.is_empty() => Err(ItemFault::Empty),
            Some(limit) => {
                let amount = limit.parse(value).map_err(ItemFault::Amount)?;
                Ok(Self::Limit(limit, amount))
            }
            None => Err(ItemFault::Unknown { name: name.to_owned() }),
        }
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    Kind::ALL.into_iter().map(Kind::name).chain(Limit::ALL.into_iter().map(Limit::name))
}

fn proposal(name: &str) -> String {
    match nearest(name, names(), 1).first() {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are: {}", names().collect::<Vec<_>>().join(", ")),
    }
}

fn destination(text: &str) -> Option<Grant> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse().ok())??;
    let host = match host.strip_prefix('[') {
        Some(rest) => {
            let address: std::net::Ipv6Addr = rest.strip_suffix(']')?.parse().ok()?;
            address.to_string()
        }
        None => {
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            let fits = (1..=HOST_BYTES_MAX).contains(&host.len()) && host.chars().all(is_name);
            fits.then(|| host.to_owned())?
        }
    };
    (port != 0).then_some(Grant::Connect { host, port })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn grant(name: &str, value: &str) -> Result<Item, ItemFault> {
        Item::parse(name, value, Path::new("/base"))
    }

    fn connect(host: &str, port: u16) -> Result<Item, ItemFault> {
        Ok(Item::Grant(Grant::Connect { host: host.to_owned(), port }))
    }

    #[test]
    fn a_relative_path_is_one_from_where_it_is_written() {
        let read = |path: &str| Ok(Item::Grant(Grant::Read(path.into())));
        assert_eq!(grant("read", "tokens/"), read("/base/tokens"));
        assert_eq!(grant("read", "./tokens"), read("/base/tokens"));
        assert_eq!(grant("read", "/etc/softhsm"), read("/etc/softhsm"));
        assert_eq!(grant("read", ""), Err(ItemFault::Empty));
        assert_eq!(grant("read", "a\0b"), Err(ItemFault::Zero));
    }

    #[test]
    fn a_destination_has_a_host_and_a_port() {
        assert_eq!(grant("connect", "db.example:5432"), connect("db.example", 5432));
        assert_eq!(grant("connect", "[::1]:443"), connect("::1", 443));
        let socket = Ok(Item::Grant(Grant::Socket("/run/pcscd/pcscd.comm".into())));
        assert_eq!(grant("connect", "unix:/run/pcscd/pcscd.comm"), socket);
        assert_eq!(grant("socket", "/run/pcscd/pcscd.comm"), socket);
        assert_eq!(grant("connect", "unix:"), Err(ItemFault::Empty));
        for wrong in [
            "db.example",
            "db.example:",
            ":443",
            "x:0",
            "x:65536",
            "x:+1",
            "::1:443",
            "a b:1",
            "*:1",
        ] {
            assert_eq!(grant("connect", wrong), Err(ItemFault::Destination), "{wrong}");
        }
    }

    #[test]
    fn an_unknown_grant_is_refused_with_the_nearest() {
        let words = |name| grant(name, "x").err().map(|fault| fault.to_string());
        assert_eq!(
            words("raed").as_deref(),
            Some("there is no grant `raed`; did you mean `read`?")
        );
        assert_eq!(
            words("everything").as_deref(),
            Some(
                "there is no grant `everything`; there are: read, write, connect, socket, \
                 device, library, memory, cpu, threads, descriptors, file-size, scratch, stderr, \
                 call-timeout, load-timeout, shutdown-timeout"
            )
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(name in any::<String>(), value in any::<String>()) {
            let _ = grant(&name, &value);
            for kind in Kind::ALL {
                let _ = grant(kind.name(), &value);
            }
        }

        #[test]
        fn what_is_shown_is_read_as_the_same(value in "[a-z0-9:/.\\[\\]]{1,12}") {
            for kind in Kind::ALL {
                if let Ok(Item::Grant(read)) = grant(kind.name(), &value) {
                    let again = read.kind().parse(&read.value(), Path::new("/elsewhere"));
                    prop_assert_eq!(again, Ok(read));
                }
            }
        }
    }
}
