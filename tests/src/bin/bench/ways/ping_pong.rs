//! Two processes, a Unix socket, and as many bytes each way as the call has: what isolation costs
//! at least, with blocking reads and writes.

use std::io::{ErrorKind, Read as _, Write as _, stdin};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::Way;
use crate::workload::Workload;

/// The hidden argument that makes this program the other end; two sizes in bytes follow.
pub(crate) const PEER: &str = "--ping-pong-peer";

/// The other ends, one for each workload.
pub(super) struct PingPong {
    peers: Vec<(Workload, Peer)>,
}

impl PingPong {
    /// Starts all of them; those without work sleep.
    pub(super) fn start() -> Result<Self> {
        let start = |workload| Ok((workload, Peer::start(workload)?));
        Ok(Self { peers: Workload::ALL.into_iter().map(start).collect::<Result<_>>()? })
    }
}

impl Way for PingPong {
    fn run(&mut self, workload: Workload, calls: u32) -> Result<()> {
        let peer = self.peers.iter_mut().find(|(its, _)| *its == workload);
        peer.context("no other end for this workload")?.1.run(calls)
    }
}

struct Peer {
    /// Closed first, which ends the process.
    socket: Option<UnixStream>,
    process: Child,
    request: Vec<u8>,
    reply: Vec<u8>,
}

impl Peer {
    fn start(workload: Workload) -> Result<Self> {
        let (request, reply) = workload.wire_bytes();
        let (ours, theirs) = UnixStream::pair().context("cannot make a socket pair")?;
        let program = std::env::current_exe().context("this program does not know its path")?;
        let process = Command::new(program)
            .args([PEER, &request.to_string(), &reply.to_string()])
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .spawn()
            .context("cannot start the other end")?;
        let (request, reply) = (vec![1; request], vec![0; reply]);
        Ok(Self { socket: Some(ours), process, request, reply })
    }

    fn run(&mut self, calls: u32) -> Result<()> {
        let socket = self.socket.as_mut().context("the socket is closed")?;
        for _ in 0..calls {
            socket.write_all(&self.request).context("cannot send")?;
            socket.read_exact(&mut self.reply).context("cannot receive")?;
        }
        Ok(())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.socket.take());
        // It ends at the end of file; there is nothing to tell if it cannot be waited for.
        let _ = self.process.wait();
    }
}

/// The other end: answers each request until the first end closes.
pub(crate) fn serve(request: &str, reply: &str) -> Result<()> {
    // Standard input itself reads ahead into a buffer.
    let socket = stdin().as_fd().try_clone_to_owned().context("no standard input")?;
    let mut socket = UnixStream::from(socket);
    let (Ok(request), Ok(reply)) = (request.parse(), reply.parse()) else {
        bail!("{PEER} wants two sizes in bytes")
    };
    let (mut request, reply) = (vec![0; request], vec![2; reply]);
    loop {
        match socket.read_exact(&mut request) {
            Ok(()) => socket.write_all(&reply).context("cannot send")?,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error).context("cannot receive"),
        }
    }
}
