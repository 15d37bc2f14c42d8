//! The real program, started as the runner starts it: a stage, and the shim in its jail.

use super::Bundle;
use protocol::frame::{FrameBuffer, encode_head};
use protocol::limits::PAYLOAD_BYTES_MAX;
use protocol::message::{Plan, Step, ToRunner, ToShim};
use protocol::policy::Policy;
use protocol::stage::{Ending, FromStage, JailSpec, Layer, Layers, Purpose, Status, ToStage};
use protocol::version::{MAGIC, SUPPORTED};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use std::io::{IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Longer than anything here takes, so that a hang fails the test instead of blocking it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running stage with its shim, and our end of the channel.
pub struct Shim {
    pub stage: Child,
    pub control: UnixStream,
    pub socket: UnixStream,
    /// Of the shim.
    pub pidfd: OwnedFd,
    pub layers: Layers,
}

/// `adapter-shim`, not yet started.
pub fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_adapter-shim"))
}

/// The stage of a bundle, to which nothing was said yet.
pub fn stage(bundle: &Bundle) -> (Child, UnixStream) {
    let (control, theirs) = UnixStream::pair().unwrap();
    control.set_read_timeout(Some(PATIENCE)).unwrap();
    let child = program()
        .env_clear()
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::from(bundle.open()))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    (child, control)
}

/// What the stage says next, and the descriptors that come with it; `None` at the end.
pub fn report(control: &UnixStream) -> Option<(FromStage, Vec<OwnedFd>)> {
    let mut buffer = FrameBuffer::new();
    let mut descriptors = Vec::new();
    loop {
        let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut room);
        let space = &mut [IoSliceMut::new(buffer.exact_space(0).unwrap())];
        let received = recvmsg(control, space, &mut ancillary, RecvFlags::CMSG_CLOEXEC).unwrap();
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                descriptors.extend(rights);
            }
        }
        if received.bytes == 0 {
            return None;
        }
        if buffer.advance(received.bytes, 0).unwrap() {
            return Some((buffer.message(0).unwrap().0, descriptors));
        }
    }
}

/// Asks a stage for a jail.
pub fn ask_for_jail(mut control: &UnixStream, policy: &Policy, required: &[Layer]) {
    let spec = JailSpec {
        bundle: "test".into(),
        policy: policy.clone(),
        required: required.to_vec(),
        purpose: Purpose::Confine,
    };
    let payload = postcard::to_stdvec(&spec).unwrap();
    let mut bytes = Vec::new();
    encode_head(&ToStage::Jail, payload.len(), PAYLOAD_BYTES_MAX, &mut bytes).unwrap();
    bytes.extend_from_slice(&payload);
    control.write_all(&bytes).unwrap();
}

impl Shim {
    /// Starts the program with a jail for computing; nothing was said to the shim yet.
    pub fn start(bundle: &Bundle) -> Self {
        Self::start_with(bundle, &Policy::default())
    }

    /// Starts the program; nothing was said to the shim yet.
    pub fn start_with(bundle: &Bundle, policy: &Policy) -> Self {
        let (stage, control) = stage(bundle);
        ask_for_jail(&control, policy, &[]);
        let (started, mut descriptors) = report(&control).unwrap();
        let FromStage::Started { layers } = started else { panic!("{started:?}") };
        let socket = UnixStream::from(descriptors.pop().unwrap());
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { stage, control, socket, pidfd: descriptors.pop().unwrap(), layers }
    }

    /// Starts the program and goes on until the first call can be made.
    pub fn ready(bundle: &Bundle, plan: &Plan) -> Self {
        Self::ready_with(bundle, plan, &Policy::default())
    }

    /// As [`Self::ready`], with grants and limits.
    pub fn ready_with(bundle: &Bundle, plan: &Plan, policy: &Policy) -> Self {
        let mut shim = Self::start_with(bundle, policy);
        shim.greet();
        let plan = Plan { profiles: policy.profiles(), ..plan.clone() };
        assert_eq!(shim.plan(&plan), ToRunner::Confined);
        assert_eq!(shim.ask(&ToShim::Load, &[]), (ToRunner::Ready, vec![]));
        shim
    }

    /// The shim's process id as we see it.
    pub fn pid(&self) -> u32 {
        let path = format!("/proc/self/fdinfo/{}", self.pidfd.as_raw_fd());
        let info = std::fs::read_to_string(path).unwrap();
        let line = info.lines().find_map(|line| line.strip_prefix("Pid:")).unwrap();
        line.trim().parse().unwrap()
    }

    pub fn greet(&mut self) {
        let hello = ToShim::Hello { magic: MAGIC, versions: SUPPORTED };
        let answer = ToRunner::Hello { magic: MAGIC, version: SUPPORTED.newest };
        assert_eq!(self.ask(&hello, &[]), (answer, vec![]));
    }

    pub fn plan(&mut self, plan: &Plan) -> ToRunner {
        let plan = Plan { own_root: self.layers.root, ..plan.clone() };
        self.ask(&ToShim::Plan, &postcard::to_stdvec(&plan).unwrap()).0
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

    /// Waits until the shim has ended by itself. Returns how, and what it wrote to stderr.
    pub fn end(mut self) -> (Ending, String) {
        assert_eq!(self.receive(), None);
        let ending = loop {
            match report(&self.control).unwrap().0 {
                FromStage::Ended(ending) => break ending,
                FromStage::Noticed(_) => {}
                other => panic!("{other:?}"),
            }
        };
        let mut stderr = String::new();
        self.stage.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!(self.stage.wait().unwrap().code(), Some(0));
        (ending, stderr)
    }
}

/// The exit code of a shim that left by itself.
pub fn code(ending: &Ending) -> Option<i32> {
    match ending.status {
        Status::Exited(code) => Some(code),
        Status::Signaled(_) => None,
    }
}

/// The signal that killed a shim.
pub fn signal(ending: &Ending) -> Option<i32> {
    match ending.status {
        Status::Signaled(signal) => Some(signal),
        Status::Exited(_) => None,
    }
}
