//! Which system calls a library may make. One table: the filters are compiled from it, the tests
//! judge the filters by it, and docs/syscalls.md is printed from it.
//!
//! - [`NEVER`] ends the process, from before the shim is executed.
//! - [`COMPUTE`] is what every library may do; each grant adds its own set ([`granted`]).
//! - [`LOAD`] is what loading takes, until `init` has returned.
//! - [`REFUSED`] and [`ABSENT`] are what honest code tries and can do without: an error.
//! - Whatever has no row ends the process.

mod compute;
mod files;
mod network;
mod never;
mod refused;

pub use compute::{COMPUTE, DEVICES, LOAD, THREADS};
pub use files::FILES;
pub use network::NETWORK;
pub use never::NEVER;
pub use refused::{ABSENT, REFUSED};

use protocol::policy::Profiles;

/// A row: a system call, and with which arguments.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Its name, as in its manual page.
    pub name: &'static str,
    /// Its number on this machine.
    pub number: i64,
    /// The row holds if all tests of one of these lists do; without lists, always.
    pub when: &'static [&'static [Test]],
    /// What it is for, or what it would allow.
    pub why: &'static str,
    /// The library of the tests that needs it, or that tries it.
    pub used_by: &'static str,
}

const fn call(
    name: &'static str,
    number: i64,
    when: &'static [&'static [Test]],
    why: &'static str,
    used_by: &'static str,
) -> Call {
    Call { name, number, when, why, used_by }
}

/// A condition on an argument, counted from 0.
///
/// `Int` arguments are those of which the kernel reads the low 32 bits: what stands above them is
/// not looked at here either. `Long` arguments are compared whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    /// The low half equals the value.
    Int(u8, u32),
    /// The low half, under the mask, equals the value.
    IntMasked(u8, u32, u32),
    /// All 64 bits equal the value.
    Long(u8, u64),
    /// All 64 bits, under the mask, equal the value.
    LongMasked(u8, u64, u64),
    /// The low half is the id of this very process.
    OwnProcess(u8),
    /// The argument is the address of the sealed filter.
    SealedFilter(u8),
}

/// What is only known when a filter is compiled.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// Id of the process, as it sees itself.
    pub process: u32,
    /// Address of the sealed filter.
    pub sealed: u64,
}

impl Test {
    /// Whether arguments pass.
    pub fn passes(self, args: &[u64; 6], facts: Facts) -> bool {
        let (index, mask, value) = self.masked(facts);
        args.get(usize::from(index)).is_some_and(|arg| arg & mask == value)
    }

    /// The same as one comparison of 64 bits: which argument, under which mask, with what.
    pub fn masked(self, facts: Facts) -> (u8, u64, u64) {
        const LOW: u64 = u32::MAX as u64;
        match self {
            Self::Int(index, value) => (index, LOW, value.into()),
            Self::IntMasked(index, mask, value) => (index, mask.into(), value.into()),
            Self::Long(index, value) => (index, u64::MAX, value),
            Self::LongMasked(index, mask, value) => (index, mask, value),
            Self::OwnProcess(index) => (index, LOW, facts.process.into()),
            Self::SealedFilter(index) => (index, u64::MAX, facts.sealed),
        }
    }
}

impl Call {
    /// Whether the row holds for these arguments.
    pub fn holds(&self, args: &[u64; 6], facts: Facts) -> bool {
        let all = |tests: &&[Test]| tests.iter().all(|test| test.passes(args, facts));
        self.when.is_empty() || self.when.iter().any(all)
    }
}

/// When a filter is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// From before the library is loaded until its `init` has returned.
    Load,
    /// From then on.
    Steady,
}

/// The call that hands a filter's listener to the stage: it comes after the filter that asks, which
/// therefore cannot list it.
pub const HANDING_OVER: i64 = libc::SYS_sendmsg;

/// The sets that are allowed.
pub fn granted(profiles: Profiles, stage: Stage) -> Vec<&'static [Call]> {
    let mut sets = vec![COMPUTE];
    let with = [
        (profiles.threads, THREADS),
        (profiles.files, FILES),
        (profiles.network, NETWORK),
        (profiles.devices, DEVICES),
        (stage == Stage::Load, LOAD),
    ];
    sets.extend(with.into_iter().filter(|(on, _)| *on).map(|(_, set)| set));
    sets
}

/// Every set in which a call is known, whatever is granted.
pub fn known() -> impl Iterator<Item = &'static Call> {
    [COMPUTE, THREADS, FILES, NETWORK, DEVICES, LOAD, REFUSED, ABSENT].into_iter().flatten()
}

/// Whether a call has a row other than in [`NEVER`]. One that has not ends the process.
pub fn is_listed(number: u64) -> bool {
    known().any(|call| u64::try_from(call.number) == Ok(number))
}

/// Whether some grant allows a call, or none is needed.
pub fn is_allowed_by_some(number: u64) -> bool {
    let sets = [COMPUTE, THREADS, FILES, NETWORK, DEVICES, LOAD];
    sets.into_iter().flatten().any(|call| u64::try_from(call.number) == Ok(number))
}

/// The name of a call that this program knows.
pub fn name(number: u64) -> Option<&'static str> {
    let mut all = known().chain(NEVER);
    all.find(|call| u64::try_from(call.number) == Ok(number)).map(|call| call.name)
}

/// What the filters must answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The call is made.
    Allow,
    /// It returns this error, and is not made.
    Refuse(i32),
    /// The process ends.
    Kill,
}

/// The verdict of the table, without any filter: what the tests compare the filters with.
pub fn verdict(
    number: i64,
    args: &[u64; 6],
    profiles: Profiles,
    stage: Stage,
    facts: Facts,
) -> Verdict {
    let of = |set: &'static [Call]| set.iter().filter(move |call| call.number == number);
    if known().all(|call| call.number != number) {
        return Verdict::Kill;
    }
    if of(ABSENT).any(|call| call.holds(args, facts)) {
        return Verdict::Refuse(libc::ENOSYS);
    }
    let sets = granted(profiles, stage);
    let mut rows = sets.iter().copied().flat_map(of).peekable();
    if rows.peek().is_some() {
        let allowed = rows.any(|call| call.holds(args, facts));
        return if allowed { Verdict::Allow } else { Verdict::Refuse(libc::EPERM) };
    }
    // The filter that answers EACCES stays in force from loading on, so it cannot name what loading
    // needs.
    // Nor can it name the call that hands its listener to the stage.
    let while_loading = number == HANDING_OVER
        || granted(profiles, Stage::Load).into_iter().flat_map(of).next().is_some();
    Verdict::Refuse(if while_loading { libc::EPERM } else { libc::EACCES })
}
