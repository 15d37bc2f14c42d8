//! The real program, started as the runner starts it.

use super::Bundle;
use protocol::frame::{FrameBuffer, encode_head};
use protocol::limits::PAYLOAD_BYTES_MAX;
use protocol::message::{Plan, Step, ToRunner, ToShim};
use protocol::version::{MAGIC, SUPPORTED};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// Longer than anything here takes, so that a hang fails the test instead of blocking it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running shim and our end of its channel.
pub struct Shim {
    pub child: Child,
    pub socket: UnixStream,
}

/// `adapter-shim`, not yet started.
pub fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_adapter-shim"))
}

impl Shim {
    /// Starts the program; nothing was said yet.
    pub fn start(bundle: &Bundle) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(PATIENCE)).unwrap();
        let child = program()
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(bundle.open()))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self { child, socket: ours }
    }

    /// Starts the program and goes on until the first call can be made.
    pub fn ready(bundle: &Bundle, plan: &Plan) -> Self {
        let mut shim = Self::start(bundle);
        shim.greet();
        assert_eq!(shim.plan(plan), ToRunner::Confined);
        assert_eq!(shim.ask(&ToShim::Load, &[]), (ToRunner::Ready, vec![]));
        shim
    }

    pub fn greet(&mut self) {
        let hello = ToShim::Hello { magic: MAGIC, versions: SUPPORTED };
        let answer = ToRunner::Hello { magic: MAGIC, version: SUPPORTED.newest };
        assert_eq!(self.ask(&hello, &[]), (answer, vec![]));
    }

    pub fn plan(&mut self, plan: &Plan) -> ToRunner {
        self.ask(&ToShim::Plan, &postcard::to_stdvec(plan).unwrap()).0
    }

    /// The text of the failure at `step` that loading with `config` must end in.
    pub fn load_fails(&mut self, config: &[u8], step: Step) -> String {
        match self.ask(&ToShim::Load, config).0 {
            ToRunner::Failed { step: found, text } if found == step => text.to_string(),
            other => panic!("{other:?}"),
        }
    }

    pub fn send(&mut self, message: &ToShim, payload: &[u8]) {
        let mut bytes = Vec::new();
        encode_head(message, payload.len(), PAYLOAD_BYTES_MAX, &mut bytes).unwrap();
        bytes.extend_from_slice(payload);
        self.socket.write_all(&bytes).unwrap();
    }

    /// The next message and its payload; `None` at the end of the stream.
    pub fn receive(&mut self) -> Option<(ToRunner, Vec<u8>)> {
        let mut buffer = FrameBuffer::new();
        loop {
            let space = buffer.space(PAYLOAD_BYTES_MAX).unwrap();
            let count = match self.socket.read(space) {
                Ok(count) => count,
                // What the shim did not read before it ended.
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => 0,
                Err(error) => panic!("{error}"),
            };
            if count == 0 {
                return None;
            }
            if buffer.advance(count, PAYLOAD_BYTES_MAX).unwrap() {
                let (message, range) = buffer.message(PAYLOAD_BYTES_MAX).unwrap();
                return Some((message, buffer.bytes().get(range).unwrap().to_vec()));
            }
        }
    }

    pub fn ask(&mut self, message: &ToShim, payload: &[u8]) -> (ToRunner, Vec<u8>) {
        self.send(message, payload);
        self.receive().expect("an answer")
    }

    /// The result of a call that must succeed.
    pub fn call(&mut self, function: u32, args: &[u8]) -> Vec<u8> {
        let (answer, result) = self.ask(&ToShim::Call { id: 1, function }, args);
        assert_eq!(answer, ToRunner::Return { id: 1 });
        result
    }

    /// Waits until the process has ended by itself. Returns how, and what it wrote to stderr.
    pub fn end(mut self) -> (ExitStatus, String) {
        assert_eq!(self.receive(), None);
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (self.child.wait().unwrap(), stderr)
    }
}
