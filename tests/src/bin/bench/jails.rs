//! What a jail costs, layer by layer: from a spawned stage to a loaded library, and for a call.
//!
//! The program `ablated-shim` is `adapter-shim` with layers left out. This speaks to it as the runner
//! does, without the runner's look from outside, which would refuse such jails. The "library" is the
//! machine's mathematical one: it is there, and its loading costs next to nothing.

use std::fs::File;
use std::io::{IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use protocol::frame::{FrameBuffer, encode_head};
use protocol::limits::PAYLOAD_BYTES_MAX;
use protocol::message::{Function, Plan, ToRunner, ToShim};
use protocol::policy::Policy;
use protocol::stage::{FromStage, JailSpec, Purpose, ToStage};
use protocol::types::Type;
use protocol::version::{MAGIC, SUPPORTED};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use crate::cores::{Cores, Place};
use crate::figure::{Figure, per_call};
use crate::places;
use crate::table::markdown;

/// Jails behind each figure; odd, so that one is in the middle.
const RUNS: usize = 41;
/// Calls of one batch, and batches.
const CALLS: u32 = 3000;
const BATCHES: usize = 11;

/// Each with a layer more than the one before: its name, and what is left out.
const STEPS: [(&str, &str); 5] = [
    (
        "stage and shim, no layer",
        "descriptors,limits,namespaces,capabilities,mdwe,landlock,never,filters,narrowing",
    ),
    (
        "+ namespaces and a root",
        "descriptors,limits,capabilities,mdwe,landlock,never,filters,narrowing",
    ),
    ("+ capabilities, limits, descriptors, MDWE", "landlock,never,filters,narrowing"),
    ("+ Landlock", "never,filters,narrowing"),
    ("+ filters: a whole jail", ""),
];

/// A step's figures, in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Jailed {
    /// From the spawn of the stage to a library that takes calls.
    pub(crate) start: Figure,
    /// A call of a number that returns one.
    pub(crate) call: Figure,
}

/// All figures.
#[derive(Debug)]
pub(crate) struct Jails {
    bare: Figure,
    steps: Vec<Jailed>,
}

/// Measures all, in turns.
pub(crate) fn measure() -> Result<Jails> {
    let cores = Cores::take()?;
    let folder = tempfile::tempdir().context("cannot make a temporary directory")?;
    let programs = programs(folder.path())?;
    let mut bare = Vec::new();
    let mut starts = vec![Vec::new(); STEPS.len()];
    for _ in 0..RUNS {
        bare.push(bare_spawn()?.as_secs_f64());
        for (program, seconds) in programs.iter().zip(&mut starts) {
            let begin = Instant::now();
            let jail = Jail::start(program)?;
            seconds.push(begin.elapsed().as_secs_f64());
            jail.end()?;
        }
    }
    let mut jails = Vec::new();
    for program in &programs {
        jails.push(cores.put(Place::SameCore, || Jail::start(program))?);
    }
    let mut calls = vec![Vec::new(); STEPS.len()];
    for _ in 0..BATCHES {
        for (jail, seconds) in jails.iter_mut().zip(&mut calls) {
            seconds.push(jail.batch()?);
        }
    }
    jails.into_iter().try_for_each(Jail::end)?;
    let steps = starts.into_iter().zip(calls);
    let steps =
        steps.map(|(start, call)| Jailed { start: Figure::of(start), call: Figure::of(call) });
    Ok(Jails { bare: Figure::of(bare), steps: steps.collect() })
}

/// A program for each step, in a folder with the names of what it leaves out.
fn programs(folder: &Path) -> Result<Vec<PathBuf>> {
    let built = places::program("ablated-shim")?;
    let copy = |(index, (_, without)): (usize, &(&str, &str))| -> Result<PathBuf> {
        let own = folder.join(index.to_string());
        std::fs::create_dir(&own)?;
        std::fs::write(own.join("without"), without)?;
        let program = own.join("adapter-shim");
        std::fs::copy(&built, &program)?;
        Ok(program)
    };
    STEPS.iter().enumerate().map(copy).collect()
}

/// The program, started and ended: what any child process costs.
fn bare_spawn() -> Result<Duration> {
    let mut command = Command::new(places::program("adapter-shim")?);
    command.arg("--version").env_clear().stdin(Stdio::null()).stdout(Stdio::null());
    let begin = Instant::now();
    command.status().context("cannot start adapter-shim")?;
    Ok(begin.elapsed())
}

/// A started stage, and the channel to the shim in its jail.
struct Jail {
    stage: Child,
    _control: UnixStream,
    channel: UnixStream,
    id: u64,
}

impl Jail {
    fn start(program: &Path) -> Result<Self> {
        let library = library()?;
        let folder = library.parent().context("the library lies in no folder")?;
        let name = library.file_name().context("the library has no name")?;
        let (mut control, theirs) = UnixStream::pair()?;
        let stage = Command::new(program)
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(File::open(folder)?))
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start ablated-shim")?;
        let spec = JailSpec {
            bundle: "bench".to_owned(),
            policy: Policy::default(),
            required: Vec::new(),
            purpose: Purpose::Confine,
        };
        send(&mut control, &ToStage::Jail, &postcard::to_stdvec(&spec)?)?;
        let (channel, own_root) = started(&control)?;
        let mut jail = Self { stage, _control: control, channel, id: 0 };
        jail.ask(&ToShim::Hello { magic: MAGIC, versions: SUPPORTED }, &[])?;
        let plan = Plan {
            bundle: "bench".to_owned(),
            library: name.to_string_lossy().into_owned(),
            functions: vec![Function {
                name: "bench#llabs".to_owned(),
                symbol: "llabs".to_owned(),
                post_return: None,
                params: vec![Type::S64],
                result: Some(Type::S64),
            }],
            own_root,
            payload_bytes_max: u32::try_from(PAYLOAD_BYTES_MAX)?,
            ..Plan::default()
        };
        jail.ask(&ToShim::Plan, &postcard::to_stdvec(&plan)?)?;
        match jail.ask(&ToShim::Load, &[])? {
            ToRunner::Ready => Ok(jail),
            other => bail!("the library was not loaded: {other:?}"),
        }
    }

    /// Seconds for one of many calls.
    fn batch(&mut self) -> Result<f64> {
        let begin = Instant::now();
        for _ in 0..CALLS {
            self.id += 1;
            let call = ToShim::Call { id: self.id, function: 0 };
            match self.ask(&call, &(-7_i64).to_le_bytes())? {
                ToRunner::Return { .. } => {}
                other => bail!("a call failed: {other:?}"),
            }
        }
        Ok(per_call(begin.elapsed(), CALLS))
    }

    fn ask(&mut self, message: &ToShim, payload: &[u8]) -> Result<ToRunner> {
        send(&mut self.channel, message, payload)?;
        let mut buffer = FrameBuffer::new();
        loop {
            let count = self.channel.read(buffer.space(PAYLOAD_BYTES_MAX)?)?;
            if count == 0 {
                bail!("the shim has ended");
            }
            if buffer.advance(count, PAYLOAD_BYTES_MAX)? {
                return Ok(buffer.message(PAYLOAD_BYTES_MAX)?.0);
            }
        }
    }

    fn end(mut self) -> Result<()> {
        self.ask(&ToShim::Shutdown, &[])?;
        self.stage.wait().context("the stage cannot be waited for").map(drop)
    }
}

fn send(socket: &mut UnixStream, message: &impl serde::Serialize, payload: &[u8]) -> Result<()> {
    let mut bytes = Vec::new();
    encode_head(message, payload.len(), PAYLOAD_BYTES_MAX, &mut bytes)?;
    bytes.extend_from_slice(payload);
    Ok(socket.write_all(&bytes)?)
}

/// The channel, once there is a jail, and whether it has a root of its own.
fn started(control: &UnixStream) -> Result<(UnixStream, bool)> {
    let mut buffer = FrameBuffer::new();
    let mut descriptors = Vec::new();
    loop {
        let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut room);
        let mut parts = [IoSliceMut::new(buffer.exact_space(0)?)];
        let received = recvmsg(control, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                descriptors.extend(rights);
            }
        }
        if received.bytes == 0 {
            bail!("the stage has ended");
        }
        if buffer.advance(received.bytes, 0)? {
            break;
        }
    }
    match (buffer.message(0)?.0, descriptors.pop()) {
        (FromStage::Started { layers }, Some(channel)) => Ok((channel.into(), layers.root)),
        (other, _) => bail!("there is no jail: {other:?}"),
    }
}

/// The machine's mathematical library, beside the C library that this program has loaded.
fn library() -> Result<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").context("cannot read /proc/self/maps")?;
    let paths = maps.lines().filter_map(|line| line.find('/').and_then(|at| line.get(at..)));
    let libc = paths.map(Path::new).find(|path| path.ends_with("libc.so.6"));
    let folder = libc.and_then(Path::parent).context("this program has no C library")?;
    folder.join("libm.so.6").canonicalize().context("there is no libm.so.6 beside the C library")
}

impl Jails {
    /// A program that is started and ends.
    pub(crate) fn bare_spawn(&self) -> Figure {
        self.bare
    }

    /// Stage and shim without any layer.
    pub(crate) fn without(&self) -> Jailed {
        self.step(0)
    }

    /// With every layer.
    pub(crate) fn whole(&self) -> Jailed {
        self.step(STEPS.len() - 1)
    }

    fn step(&self, index: usize) -> Jailed {
        let none = Figure::of(Vec::new());
        self.steps.get(index).copied().unwrap_or(Jailed { start: none, call: none })
    }

    /// The table.
    pub(crate) fn report(&self) -> String {
        let heading = ["jail", "spawn to ready", "adds", "one call, one core"];
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        let bare = "bare spawn: `adapter-shim --version`".to_owned();
        rows.push(vec![bare, self.bare.to_string(), String::new(), String::new()]);
        let mut before = self.bare.median;
        for ((name, _), step) in STEPS.iter().zip(&self.steps) {
            let adds = format!("{:.2} ms", 1e3 * (step.start.median - before));
            before = step.start.median;
            let (start, call) = (step.start.to_string(), step.call.to_string());
            rows.push(vec![(*name).to_owned(), start, adds, call]);
        }
        format!(
            "\nOne jail: median of {RUNS} starts, and of {BATCHES} batches of {CALLS} calls \
             (smallest..largest)\n\n{}",
            markdown(&rows)
        )
    }
}
