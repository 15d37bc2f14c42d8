//! What a fake shim does instead of serving: the shim of a bundle that has a script in its folder.

use protocol::frame::encode_head;
use protocol::limits::PAYLOAD_BYTES_MAX;
use protocol::message::{Message, ToRunner};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// Where the fake shim looks for its script, inside of the bundle's directory.
pub const SCRIPT: &str = "script.json";

/// When the steps of a scene are done: instead of an answer to this request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Moment {
    /// Before anything was said.
    Start,
    /// The greeting has arrived.
    Hello,
    /// The plan has arrived; the process is not confined yet.
    Plan,
    /// The library is to be loaded; the process is confined, nothing of the library has run.
    Load,
    /// This call has arrived, counted from 1.
    Call(u32),
    /// This destruction of a resource has arrived, counted from 1.
    Drop(u32),
    /// The end is asked for.
    Shutdown,
}

/// A step of a scene. One that the kernel refuses ends the process with the exit code 120 and the number
/// of the error on top, one that finds the runner gone with 5.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Answers the request as an honest shim does.
    Honest,
    /// Sends bytes, as many with one system call as there is room for.
    Send(Vec<u8>),
    /// Sends bytes one by one, with so many milliseconds between them.
    Drip(Vec<u8>, u64),
    /// Sends the bytes so many times.
    Flood(Vec<u8>, u64),
    /// Sends bytes with so many descriptors attached.
    SendDescriptors(Vec<u8>, usize),
    /// Takes so many bytes out of the channel, whatever they are.
    Take(usize),
    /// Takes all there is until the runner closes.
    Drain,
    /// `shutdown(2)` of the direction in which the shim reads.
    ShutdownRead,
    /// `shutdown(2)` of the direction in which the shim writes.
    ShutdownWrite,
    /// Closes the channel and goes on with the scene.
    Close,
    /// Does nothing any more, for ever.
    Hold,
    /// Ends the process with this code.
    Exit(i32),
    /// Ends the process by SIGABRT.
    Abort,
}

/// What is done when. A request without a scene is answered honestly.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script(Vec<(Moment, Vec<Step>)>);

impl Script {
    /// An honest shim.
    pub fn honest() -> Self {
        Self::default()
    }

    /// Does `steps` at `moment`, and nothing else.
    pub fn at(moment: Moment, steps: impl IntoIterator<Item = Step>) -> Self {
        Self::honest().then(moment, steps)
    }

    /// Also does `steps` at `moment`.
    #[must_use]
    pub fn then(mut self, moment: Moment, steps: impl IntoIterator<Item = Step>) -> Self {
        self.0.push((moment, steps.into_iter().collect()));
        self
    }

    /// The steps of `moment`, if it has any.
    pub fn steps(&self, moment: Moment) -> Option<&[Step]> {
        self.0.iter().find(|(when, _)| *when == moment).map(|(_, steps)| &**steps)
    }

    /// Puts the script into the folder of a bundle.
    ///
    /// # Panics
    /// If that cannot be written.
    pub fn write(&self, bundle: &Path) {
        let text = serde_json::to_vec(self).expect("a script is plain data");
        fs::write(bundle.join(SCRIPT), text).expect("the bundle's folder can be written");
    }
}

/// The bytes of a frame that is in order.
///
/// # Panics
/// If it would be too large.
pub fn frame(message: &impl Message, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_head(message, payload.len(), PAYLOAD_BYTES_MAX, &mut bytes).expect("a frame");
    bytes.extend_from_slice(payload);
    bytes
}

/// The bytes of the answer to the call with this id.
pub fn returned(id: u64, payload: &[u8]) -> Vec<u8> {
    frame(&ToRunner::Return { id }, payload)
}

/// The bytes of a header with these lengths and this mark, and a head behind it, whatever it claims.
pub fn raw_frame(payload_bytes: u32, head_bytes: u16, mark: u16, head: &[u8]) -> Vec<u8> {
    let lengths = payload_bytes.to_le_bytes().into_iter().chain(head_bytes.to_le_bytes());
    lengths.chain(mark.to_le_bytes()).chain(head.iter().copied()).collect()
}
