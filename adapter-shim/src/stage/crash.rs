//! Where the shim was when it crashed: what its own handler has written down, or what the registers
//! show from outside.
//!
//! The shim's memory is the library's. A bounded part of it is copied out and taken for numbers;
//! which file an address lies in is the kernel's word. Nothing of the library's files is read here.

use crate::native::sys::crash::{CRASH_SIGNALS, RECORD_WORDS};
use crate::native::sys::trace;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use protocol::stage::{CRASH_FRAMES_MAX, Collected, Crash, CrashFrame, MODULE_BYTES_MAX};
use std::fs::File;
use std::io::{BufRead, BufReader, IoSliceMut, Read as _};
use std::ops::Range;

/// Most of the list of mappings that is read. A library can make 65,000 of them.
const MAPS_BYTES_MAX: u64 = 4 << 20;

/// Distance between two frames that no stack has.
const FRAME_BYTES_MAX: u64 = 1 << 20;

const WORD_BYTES: usize = size_of::<u64>();

/// Whether a library that gets this signal has crashed. A breakpoint is what some compilers end a
/// program with.
pub(super) fn is_crash(signal: i32) -> bool {
    signal == libc::SIGTRAP || CRASH_SIGNALS.contains(&signal)
}

/// What the handler in the shim has written, as far as it has come. The library's claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// The signal for which it was called.
    pub(super) signal: i32,
    addresses: Vec<u64>,
}

impl Record {
    /// Reads the record at `address` in the memory of `pid`; `None` if no handler has begun it.
    pub(super) fn read(pid: i32, address: u64) -> Option<Self> {
        Self::parse(&words::<RECORD_WORDS>(pid, address)?)
    }

    fn parse(words: &[u64; RECORD_WORDS]) -> Option<Self> {
        let [owner, signal, count, addresses @ ..] = words;
        if *owner == 0 {
            return None;
        }
        let count = usize::try_from(*count).unwrap_or(usize::MAX).min(CRASH_FRAMES_MAX);
        let addresses = addresses.iter().take(count).copied().collect();
        Some(Self { signal: i32::try_from(*signal).unwrap_or(0), addresses })
    }

    /// `None` if it is empty.
    pub(super) fn crash(&self, pid: i32) -> Option<Crash> {
        let frames = frames(pid, &self.addresses);
        (!frames.is_empty()).then_some(Crash { collected: Collected::Inside, frames })
    }
}

/// What the registers of a stopped task show, and as far as frame pointers lead.
pub(super) fn from_outside(pid: i32) -> Option<Crash> {
    let (address, mut frame) = trace::place(pid).ok()?;
    let mut addresses = vec![address];
    while addresses.len() < CRASH_FRAMES_MAX {
        // Where a function keeps the frame pointer of its caller, and behind it the return address.
        let Some([next, back]) = words(pid, frame) else { break };
        addresses.push(back.wrapping_sub(1));
        // The stack grows downwards: callers are above. Otherwise the register had another use.
        if !(1..FRAME_BYTES_MAX).contains(&next.wrapping_sub(frame)) {
            break;
        }
        frame = next;
    }
    let mut frames = frames(pid, &addresses).into_iter();
    let first = frames.next()?;
    // What is in no file was no return address, nor is anything behind it.
    let callers = frames.take_while(|frame| frame.module.is_some());
    Some(Crash {
        collected: Collected::Outside,
        frames: std::iter::once(first).chain(callers).collect(),
    })
}

/// Words of the memory of `pid`, if all can be read.
fn words<const N: usize>(pid: i32, address: u64) -> Option<[u64; N]> {
    let mut bytes = vec![0; N * WORD_BYTES];
    let remote = RemoteIoVec { base: usize::try_from(address).ok()?, len: bytes.len() };
    let local = &mut [IoSliceMut::new(&mut bytes)];
    let read = process_vm_readv(Pid::from_raw(pid), local, &[remote]).ok()?;
    let mut words = [0; N];
    let chunks = bytes.get(..read)?.as_chunks::<WORD_BYTES>().0;
    for (word, chunk) in words.iter_mut().zip(chunks) {
        *word = u64::from_ne_bytes(*chunk);
    }
    (chunks.len() == N).then_some(words)
}

/// Names the modules of addresses.
fn frames(pid: i32, addresses: &[u64]) -> Vec<CrashFrame> {
    let unknown = |address: &u64| CrashFrame { module: None, offset: *address };
    let mut frames: Vec<_> = addresses.iter().map(unknown).collect();
    // Without the list each address stays a number.
    let Ok(maps) = File::open(format!("/proc/{pid}/maps")) else { return frames };
    resolve(&mut frames, addresses, BufReader::new(maps.take(MAPS_BYTES_MAX)));
    frames
}

fn resolve(frames: &mut [CrashFrame], addresses: &[u64], mut maps: impl BufRead) {
    let mut line = Vec::new();
    // The file that was mapped from its beginning last, and where: its parts follow each other.
    let mut start: Option<(String, u64)> = None;
    while matches!(maps.read_until(b'\n', &mut line), Ok(1..)) {
        let text = String::from_utf8_lossy(&line).into_owned();
        line.clear();
        let Some(mapping) = Mapping::parse(text.trim_end_matches('\n')) else { continue };
        if mapping.offset == 0 {
            start = Some((mapping.file.to_owned(), mapping.range.start));
        }
        let base = match &start {
            Some((file, start)) if file == mapping.file => *start,
            _ => mapping.range.start.wrapping_sub(mapping.offset),
        };
        for (frame, address) in frames.iter_mut().zip(addresses) {
            if mapping.range.contains(address) {
                let module = Some(mapping.name());
                *frame = CrashFrame { module, offset: address.wrapping_sub(base) };
            }
        }
    }
}

/// A line of `/proc/PID/maps` that has a file.
struct Mapping<'a> {
    range: Range<u64>,
    offset: u64,
    /// Device, inode and path.
    file: &'a str,
}

impl<'a> Mapping<'a> {
    /// `start-end rwxp offset device inode   path`
    fn parse(line: &'a str) -> Option<Self> {
        let mut rest = line;
        let mut field = || {
            let (field, behind) = rest.split_once(' ')?;
            rest = behind;
            Some(field)
        };
        let (range, _, offset) = (field()?, field()?, field()?);
        let number = |text: &str| u64::from_str_radix(text, 16).ok();
        let (start, end) = range.split_once('-')?;
        let has_name = rest.contains(['/', '[']);
        has_name.then_some(())?;
        Some(Self { range: number(start)?..number(end)?, offset: number(offset)?, file: rest })
    }

    /// Without its folder; cut if it is too long.
    fn name(&self) -> String {
        // What the kernel writes behind a file that has no name any more.
        let path = self.file.strip_suffix(" (deleted)").unwrap_or(self.file);
        let (_, name) =
            path.rsplit_once(if path.contains('/') { '/' } else { ' ' }).unwrap_or(("", path));
        let ends = (0..=MODULE_BYTES_MAX.min(name.len())).rev();
        let end = ends.into_iter().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
        name.get(..end).unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
1000-2000 r--p 00000000 00:1f 77                         /bundle/lib/libfirst.so
2000-4000 r-xp 00000800 00:1f 77                         /bundle/lib/libfirst.so
5000-6000 rw-p 00000000 00:00 0
6000-7000 r-xp 00003000 00:1f 78                         /a b/lib with space.so (deleted)
7000-8000 r-xp 00000000 00:00 0                          [vdso]
nonsense
9000-1 zz
";

    fn named(addresses: &[u64], maps: &str) -> Vec<(Option<String>, u64)> {
        let mut frames: Vec<_> =
            addresses.iter().map(|offset| CrashFrame { module: None, offset: *offset }).collect();
        resolve(&mut frames, addresses, maps.as_bytes());
        frames.into_iter().map(|frame| (frame.module, frame.offset)).collect()
    }

    #[test]
    fn an_address_counts_from_where_its_file_begins_in_memory() {
        let found = named(&[0x2345, 0x6001, 0x7002, 0x5000, 0], MAPS);
        let module = |name: &str| Some(name.to_owned());
        let expected = [
            (module("libfirst.so"), 0x1345),
            (module("lib with space.so"), 0x3001),
            (module("[vdso]"), 2),
            (None, 0x5000),
            (None, 0),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let line = format!("1000-2000 r-xp 00000000 00:1f 7 /{}", "ä".repeat(100));
        let (module, _) = named(&[0x1000], &line).remove(0);
        assert_eq!(module, Some("ä".repeat(MODULE_BYTES_MAX / 2)));
    }

    #[test]
    fn a_record_says_no_more_than_it_has_room_for() {
        let mut words = [7; RECORD_WORDS];
        let signal_and_count =
            |record: Option<Record>| record.map(|record| (record.signal, record.addresses.len()));
        assert_eq!(signal_and_count(Record::parse(&words)), Some((7, 7)));
        words[1..3].fill(u64::MAX);
        assert_eq!(signal_and_count(Record::parse(&words)), Some((0, CRASH_FRAMES_MAX)));
        words[0] = 0;
        assert_eq!(signal_and_count(Record::parse(&words)), None);
    }

    #[test]
    fn memory_that_is_not_there_is_no_record() {
        let this = i32::try_from(std::process::id()).unwrap_or_default();
        assert_eq!(Record::read(this, 0), None);
        assert_eq!(Record::read(this, u64::MAX - 8), None);
    }
}
