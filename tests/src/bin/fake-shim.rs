//! `adapter-shim` with a stage and a jail that are real, and a shim that follows a script of lies: see
//! `tests::Script`. A bundle without a script has an honest one.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a shim that cannot play its part ends with an exit code that no test expects"
)]

use adapter_shim::channel::{Channel, ChannelError};
use adapter_shim::confine::ablation::LeftOut;
use adapter_shim::confine::descriptors::{self, Inherited};
use adapter_shim::confine::{self, Confined, JAILED};
use adapter_shim::native::{Adapter, CallError, Opened, Place};
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::socket::{ControlMessage, MsgFlags, Shutdown, sendmsg, shutdown};
use nix::sys::stat::Mode;
use protocol::message::{BUNDLE_ROOT, Message as _, Plan, Tag, ToRunner, ToShim};
use protocol::version::{MAGIC, SUPPORTED};
use std::fs::File;
use std::io::IoSlice;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::time::Duration;
use tests::{Moment, SCRIPT, Script, Step};

fn main() {
    let argument = std::env::args_os().nth(1);
    if argument.as_deref().is_none_or(|argument| argument != JAILED) {
        adapter_shim::run(argument.as_deref(), LeftOut::NOTHING)
    }
    let inherited = descriptors::take().expect("a jail has its descriptors");
    let file = openat(&inherited.bundle, SCRIPT, OFlag::O_RDONLY, Mode::empty()).map(File::from);
    let script = file
        .map_or_else(|_| Script::honest(), |file| serde_json::from_reader(file).expect("a script"));
    let code = match Player::new(script, inherited).play() {
        Over::Exit(code) => code,
        Over::Refused(errno) => 120 + errno as i32,
        Over::Disconnected => 5,
    };
    std::process::exit(code)
}

/// Why nothing more is played.
enum Over {
    /// The script says so.
    Exit(i32),
    /// A step was refused by the kernel.
    Refused(Errno),
    /// The runner is gone, or the channel is closed.
    Disconnected,
}

impl From<Errno> for Over {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::EPIPE | Errno::ECONNRESET => Self::Disconnected,
            errno => Self::Refused(errno),
        }
    }
}

impl From<ChannelError> for Over {
    fn from(error: ChannelError) -> Self {
        match error {
            ChannelError::Frame(_) => Self::Exit(4),
            _ => Self::Disconnected,
        }
    }
}

/// What an honest shim has at each point of its way.
struct Player {
    script: Script,
    channel: Option<Channel>,
    /// Given up by the confinement.
    inherited: Option<(OwnedFd, OwnedFd)>,
    plan: Plan,
    opened: Option<(Opened, Confined)>,
    adapter: Option<Adapter>,
    calls: u32,
    drops: u32,
}

impl Player {
    fn new(script: Script, inherited: Inherited) -> Self {
        let Inherited { channel, bundle, bell } = inherited;
        Self {
            script,
            channel: Some(Channel::new(channel)),
            inherited: Some((bundle, bell)),
            plan: Plan::default(),
            opened: None,
            adapter: None,
            calls: 0,
            drops: 0,
        }
    }

    /// Everything, in order.
    fn play(mut self) -> Over {
        let nothing = (ToShim::Shutdown, Vec::new());
        if let Some(steps) = self.steps(Moment::Start)
            && let Err(over) = self.scene(&steps, &nothing)
        {
            return over;
        }
        loop {
            match self.next() {
                Ok(()) => {}
                Err(over) => return over,
            }
        }
    }

    fn next(&mut self) -> Result<(), Over> {
        let channel = self.channel()?;
        let (message, range) = channel.receive::<ToShim>()?;
        let request = (message, channel.payload(range).to_vec());
        let moment = match request.0.tag() {
            Tag::Hello => Moment::Hello,
            Tag::Plan => Moment::Plan,
            Tag::Load => Moment::Load,
            Tag::Call => {
                self.calls += 1;
                Moment::Call(self.calls)
            }
            Tag::Drop => {
                self.drops += 1;
                Moment::Drop(self.drops)
            }
            _ => Moment::Shutdown,
        };
        match self.steps(moment) {
            Some(steps) => self.scene(&steps, &request),
            None => self.answer(&request),
        }
    }

    fn steps(&self, moment: Moment) -> Option<Vec<Step>> {
        self.script.steps(moment).map(<[_]>::to_vec)
    }

    fn channel(&mut self) -> Result<&mut Channel, Over> {
        self.channel.as_mut().ok_or(Over::Disconnected)
    }

    fn scene(&mut self, steps: &[Step], request: &(ToShim, Vec<u8>)) -> Result<(), Over> {
        steps.iter().try_for_each(|step| self.step(step, request))
    }

    fn step(&mut self, step: &Step, request: &(ToShim, Vec<u8>)) -> Result<(), Over> {
        match step {
            Step::Honest => self.answer(request),
            Step::Send(bytes) => self.send(bytes),
            Step::Drip(bytes, millis) => bytes.chunks(1).try_for_each(|byte| {
                if *millis > 0 {
                    std::thread::sleep(Duration::from_millis(*millis));
                }
                self.send(byte)
            }),
            Step::Flood(bytes, times) => (0..*times).try_for_each(|_| self.send(bytes)),
            Step::SendDescriptors(bytes, count) => {
                let socket = self.channel()?.as_fd().as_raw_fd();
                let numbers = vec![socket; *count];
                let rights = [ControlMessage::ScmRights(&numbers)];
                let parts = [IoSlice::new(bytes)];
                sendmsg::<()>(socket, &parts, &rights, MsgFlags::MSG_NOSIGNAL, None)?;
                Ok(())
            }
            Step::Take(count) => self.take(*count),
            Step::Drain => self.take(usize::MAX),
            Step::ShutdownRead => self.shutdown(Shutdown::Read),
            Step::ShutdownWrite => self.shutdown(Shutdown::Write),
            Step::Close => {
                self.channel = None;
                Ok(())
            }
            Step::Hold => loop {
                std::thread::park();
            },
            Step::Exit(code) => Err(Over::Exit(*code)),
            Step::Abort => std::process::abort(),
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Over> {
        let channel = self.channel()?;
        let mut rest = bytes;
        while !rest.is_empty() {
            let sent = nix::unistd::write(channel.as_fd(), rest)?;
            rest = rest.get(sent..).unwrap_or_default();
        }
        Ok(())
    }

    fn take(&mut self, count: usize) -> Result<(), Over> {
        let channel = self.channel()?;
        let mut left = count;
        let mut room = [0; 4096];
        while left > 0 {
            let part = room.get_mut(..left.min(4096)).unwrap_or_default();
            match nix::unistd::read(channel.as_fd(), part)? {
                0 => return Err(Over::Disconnected),
                taken => left -= taken,
            }
        }
        Ok(())
    }

    fn shutdown(&mut self, how: Shutdown) -> Result<(), Over> {
        Ok(shutdown(self.channel()?.as_fd().as_raw_fd(), how)?)
    }

    /// What an honest shim does with a request.
    fn answer(&mut self, (request, payload): &(ToShim, Vec<u8>)) -> Result<(), Over> {
        let mut result = Vec::new();
        let answer = match *request {
            ToShim::Hello { .. } => ToRunner::Hello { magic: MAGIC, version: SUPPORTED.newest },
            ToShim::Plan => {
                self.confine(payload);
                ToRunner::Confined
            }
            ToShim::Load => {
                self.load(payload);
                ToRunner::Ready
            }
            ToShim::Call { id, function } => {
                match self.adapter().call(function, payload, &mut result) {
                    Ok(()) => ToRunner::Return { id },
                    Err(error) => failed(id, error),
                }
            }
            ToShim::Drop { id, resource, handle } => {
                match self.adapter().drop_resource(resource, handle) {
                    Ok(()) => ToRunner::Dropped { id },
                    Err(error) => failed(id, error),
                }
            }
            ToShim::Shutdown => {
                self.channel()?.send(&ToRunner::Bye, &[])?;
                return Err(Over::Exit(0));
            }
        };
        Ok(self.channel()?.send(&answer, &result)?)
    }

    fn confine(&mut self, payload: &[u8]) {
        self.plan = postcard::from_bytes(payload).expect("the runner's plan");
        let (bundle, bell) = self.inherited.take().expect("one plan");
        let place = match self.plan.own_root {
            true => Place::At(BUNDLE_ROOT.into()),
            false => Place::Descriptors,
        };
        let opened = Opened::new(bundle.as_fd(), &self.plan, place).expect("an honest library");
        let confined = confine::apply(&self.plan, bell, LeftOut::NOTHING);
        self.opened = Some((opened, confined.expect("the last layers")));
    }

    fn load(&mut self, payload: &[u8]) {
        let (opened, confined) = self.opened.take().expect("one load, after the plan");
        let mut adapter = Adapter::load(confined.permit(), opened, &self.plan).expect("a library");
        adapter.init(payload).expect("an honest `init`");
        confined.narrow().expect("the last filter");
        self.adapter = Some(adapter);
    }

    fn adapter(&mut self) -> &mut Adapter {
        self.adapter.as_mut().expect("a library that was loaded")
    }
}

fn failed(id: u64, error: CallError) -> ToRunner {
    match error {
        CallError::Failed { fault, text } => ToRunner::CallFailed { id, fault, text },
        CallError::Request(error) => panic!("the runner broke the protocol: {error}"),
    }
}
