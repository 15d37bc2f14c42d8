//! What the evil bundle attacks: secrets, listeners, a process of the same user.

use crate::baseline::Baseline;
use crate::{Mode, spawn};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use tempfile::TempDir;

/// Things that nobody may touch.
#[derive(Debug)]
pub struct Victim {
    folder: TempDir,
    baseline: Baseline,
    tcp: TcpListener,
    udp: UdpSocket,
    named: UnixListener,
    abstracted: UnixListener,
    segment: String,
    process: Child,
    speaks: ChildStdin,
    hears: ChildStdout,
}

/// A file, everybody may read and write it, in a folder where everybody may make files: only the
/// jail is in the way.
fn bait(folder: &std::path::Path, name: &str) {
    let path = folder.join(name);
    let parent = path.parent().expect("a name in a folder");
    fs::create_dir_all(parent).expect("a new folder");
    fs::write(&path, format!("the secret of {name}\n")).expect("a new file");
    for (path, mode) in [(parent, 0o777), (path.as_path(), 0o666)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a file of our own");
    }
}

impl Victim {
    /// Sets everything up.
    pub fn new(mode: Mode) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        for name in ["secret", "home/.ssh/id_ed25519", "work/notes", "other_host/bundle.toml"] {
            bait(folder.path(), name);
        }
        let path = folder.path().join("socket");
        let named = UnixListener::bind(&path).expect("a socket");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("a file of our own");
        let name = format!("wrun-victim-{}", folder.path().display());
        let name = SocketAddr::from_abstract_name(name).expect("a short name");
        let abstracted = UnixListener::bind_addr(&name).expect("a socket");
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
        let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
        for set in [
            named.set_nonblocking(true),
            abstracted.set_nonblocking(true),
            tcp.set_nonblocking(true),
            udp.set_nonblocking(true),
        ] {
            set.expect("a socket of our own");
        }
        let segment = segment();
        let mut cat = mode.command(std::path::Path::new("/bin/cat"));
        let mut process = spawn(cat.stdin(Stdio::piped()).stdout(Stdio::piped()));
        let (speaks, hears) = (process.stdin.take(), process.stdout.take());
        let (speaks, hears) = (speaks.expect("a pipe"), hears.expect("a pipe"));
        let baseline = Baseline::of(folder.path());
        Self { folder, baseline, tcp, udp, named, abstracted, segment, process, speaks, hears }
    }

    /// What the probes are told.
    pub fn argument(&self) -> String {
        let folder = self.folder.path().display();
        let port = |address: std::io::Result<std::net::SocketAddr>| {
            address.expect("it is bound").port().to_string()
        };
        let lines = [
            ("secret", format!("{folder}/secret")),
            ("home", format!("{folder}/home/.ssh/id_ed25519")),
            ("work", format!("{folder}/work/notes")),
            ("other", format!("{folder}/other_host/bundle.toml")),
            ("create", format!("{folder}/created")),
            ("pathname", format!("{folder}/socket")),
            ("abstract", format!("wrun-victim-{folder}")),
            ("tcp", port(self.tcp.local_addr())),
            ("udp", port(self.udp.local_addr())),
            ("segment", self.segment.clone()),
            ("victim", self.process.id().to_string()),
        ];
        lines.map(|(key, value)| format!("{key}={value}\n")).concat()
    }

    /// Nobody connected, sent anything, changed a file, or hurt the process.
    ///
    /// # Panics
    /// If somebody did.
    pub fn assert_untouched(&mut self) {
        let quiet = std::io::ErrorKind::WouldBlock;
        assert_eq!(self.tcp.accept().expect_err("nobody connects by TCP").kind(), quiet);
        assert_eq!(self.named.accept().expect_err("nobody finds the socket").kind(), quiet);
        assert_eq!(self.abstracted.accept().expect_err("nobody knows the name").kind(), quiet);
        let received = self.udp.recv_from(&mut [0; 16]).expect_err("nobody sends by UDP");
        assert_eq!(received.kind(), quiet);
        self.baseline.assert_same();
        let ended = self.process.try_wait().expect("a child can be asked");
        assert_eq!(ended, None, "the victim's process has ended");
        // It still answers: it is neither stopped nor traced.
        self.speaks.write_all(b"alive\n").expect("the victim reads");
        let mut heard = [0; 6];
        self.hears.read_exact(&mut heard).expect("the victim answers");
        assert_eq!(&heard, b"alive\n");
        self.assert_untraced();
    }

    fn assert_untraced(&self) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.expect("the victim lives");
        assert!(status.contains("\nTracerPid:\t0\n"), "{status}");
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        crate::succeed(Command::new("ipcrm").args(["-m", &self.segment]));
    }
}

/// A segment of shared memory that everybody may use, by its number.
fn segment() -> String {
    let mut ipcmk = Command::new("ipcmk");
    let said = crate::succeed(ipcmk.args(["--shmem", "4096", "--mode", "0666"]));
    said.trim().rsplit(' ').next().expect("a word").to_owned()
}
