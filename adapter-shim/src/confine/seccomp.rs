//! The filters, compiled from the table in [`super::syscalls`].
//!
//! A filter of seccompiler has one answer for what it lists and one for the rest, so several stand
//! in line. The kernel asks all of them and obeys the strictest answer; of two errors the one of
//! the filter that was installed last.
//!
//! | filter | lists | answer | else |
//! |---|---|---|---|
//! | never | [`NEVER`] | the process ends | allow |
//! | unknown | every call with a row | allow | the process ends |
//! | absent | [`ABSENT`] | `ENOSYS` | allow |
//! | refused | [`super::syscalls::REFUSED`], and sets that are not granted | `EACCES`, by the stage | allow |
//! | load, then steady | what is granted; what the two above answer | allow | `EPERM` |
//!
//! The first is installed before this program is executed in the jail, the next four before the
//! library is loaded, the last after its `init`. From outside the kernel shows how many there are:
//! the runner compares.

use super::ConfineError;
use super::syscalls::{
    ABSENT, COMPUTE, Call, Facts, HANDING_OVER, NEVER, Stage, Test, granted, known,
};
use crate::channel::send_descriptors;
use crate::native::sys::filter::{SealedFilter, install_with_listener};
use protocol::policy::Profiles;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter, sock_filter,
};
use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

/// Rules by the number of the call; no rules mean: whatever the arguments are.
type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Installs the filter that is there before the shim is executed, on this thread and all that it
/// will start.
///
/// # Errors
/// [`ConfineError`] if the machine is not known or the kernel refuses.
pub fn install_never() -> Result<(), ConfineError> {
    Ok(apply_filter(&never()?)?)
}

/// Installs the filters under which the library is loaded, and makes the steady one ready in
/// memory that the library cannot change.
///
/// # Errors
/// As [`install_never`], and if there is no memory.
pub(super) fn install_load(
    profiles: Profiles,
    bell: &OwnedFd,
) -> Result<SealedFilter, ConfineError> {
    let process = std::process::id();
    let steady = allowed(profiles, Stage::Steady, Facts { process, sealed: 0 })?;
    let sealed = SealedFilter::new(&steady)
        .map_err(ConfineError::at("system call filter", "sealing the steady filter"))?;
    let facts = Facts { process, sealed: sealed.address() };
    let [unknown, absent, refused, load] = while_loading(profiles, facts)?;
    apply_filter(&unknown)?;
    apply_filter(&absent)?;
    // The stage answers what this one refuses, so that the operator hears of it. Where it cannot,
    // the kernel answers, and nobody hears.
    if !with_listener(&asked_of_the_stage(&refused), bell)? {
        apply_filter(&refused)?;
    }
    apply_filter(&load)?;
    Ok(sealed)
}

/// Installs the one filter of a process that is only watched: the stage hears of every call that
/// would need a grant, and lets it be made.
///
/// # Errors
/// If the kernel has no way to ask.
pub(super) fn install_learn(bell: &OwnedFd) -> Result<(), ConfineError> {
    let calls = known().filter(|call| {
        let plain =
            COMPUTE.iter().any(|plain| plain.number == call.number && plain.when.is_empty());
        // Every allocation would be asked for; what is mapped was opened.
        !plain && call.number != HANDING_OVER && !QUIET.contains(&call.number)
    });
    let filter = answer(numbers(calls), libc::EACCES)?;
    match with_listener(&asked_of_the_stage(&filter), bell)? {
        true => Ok(()),
        false => Err(ConfineError::Weaker(
            "learning needs a kernel that lets a process answer system calls of another \
             (SECCOMP_RET_USER_NOTIF, Linux 5.5), and no other supervisor that does"
                .to_owned(),
        )),
    }
}

/// Calls that need no grant, or not one that could be told by them.
const QUIET: [i64; 9] = [
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_clock_gettime,
    libc::SYS_lseek,
    libc::SYS_pread64,
    libc::SYS_fstat,
];

/// The same filter, asking instead of refusing. The kernel refuses with `ENOSYS` if nobody is there
/// to be asked: nothing is allowed by the stage's absence.
fn asked_of_the_stage(refused: &BpfProgram) -> BpfProgram {
    let refuse = u32::from(errno(libc::EACCES));
    let ask = |mut instruction: sock_filter| {
        if u32::from(instruction.code) == (libc::BPF_RET | libc::BPF_K) && instruction.k == refuse {
            instruction.k = libc::SECCOMP_RET_USER_NOTIF;
        }
        instruction
    };
    refused.iter().cloned().map(ask).collect()
}

/// Installs a filter with a listener and hands that to the stage, which alone may answer.
fn with_listener(filter: &[sock_filter], bell: &OwnedFd) -> Result<bool, ConfineError> {
    let failed = |step: &'static str| ConfineError::at::<io::Error>("system call filter", step);
    let listener = install_with_listener(filter).map_err(failed("installing a listener"))?;
    let Some(listener) = listener else { return Ok(false) };
    send_descriptors(bell, b"!", &[listener.as_fd()])
        .map_err(failed("handing over the listener"))?;
    Ok(true)
}

/// What [`install_load`] installs, in this order.
///
/// # Errors
/// [`ConfineError`] if the machine is not known.
pub fn while_loading(profiles: Profiles, facts: Facts) -> Result<[BpfProgram; 4], ConfineError> {
    Ok([
        unknown()?,
        answer(rules(ABSENT.iter(), facts)?, libc::ENOSYS)?,
        answer(numbers(refused(profiles)), libc::EACCES)?,
        allowed(profiles, Stage::Load, facts)?,
    ])
}

/// The first of the table: [`NEVER`] ends the process.
///
/// # Errors
/// [`ConfineError`] if the machine is not known.
pub fn never() -> Result<BpfProgram, ConfineError> {
    compile(numbers(NEVER.iter()), &SeccompAction::KillProcess, &SeccompAction::Allow)
}

/// The last of the table: what is granted.
///
/// # Errors
/// [`ConfineError`] if the machine is not known.
pub fn allowed(profiles: Profiles, stage: Stage, facts: Facts) -> Result<BpfProgram, ConfineError> {
    let sets = granted(profiles, stage).into_iter().flatten();
    let mut list = rules(sets.chain(ABSENT), facts)?;
    list.extend(numbers(refused(profiles)));
    compile(list, &SeccompAction::Allow, &errno(libc::EPERM))
}

fn unknown() -> Result<BpfProgram, ConfineError> {
    compile(numbers(known()), &SeccompAction::Allow, &SeccompAction::KillProcess)
}

fn answer(list: Rules, error: i32) -> Result<BpfProgram, ConfineError> {
    compile(list, &errno(error), &SeccompAction::Allow)
}

fn errno(error: i32) -> SeccompAction {
    SeccompAction::Errno(error.cast_unsigned())
}

/// What is refused whatever its arguments are. A call that loading needs cannot be among them, as
/// this filter stays; nor can one of which only some arguments are refused.
fn refused(profiles: Profiles) -> impl Iterator<Item = &'static Call> {
    let needed: Vec<_> =
        granted(profiles, Stage::Load).into_iter().flatten().map(|call| call.number).collect();
    let absent = |number| ABSENT.iter().any(|call| call.number == number && call.when.is_empty());
    known().filter(move |call| {
        !needed.contains(&call.number) && !absent(call.number) && call.number != HANDING_OVER
    })
}

fn numbers<'a>(calls: impl Iterator<Item = &'a Call>) -> Rules {
    calls.map(|call| (call.number, Vec::new())).collect()
}

fn rules<'a>(calls: impl Iterator<Item = &'a Call>, facts: Facts) -> Result<Rules, ConfineError> {
    let mut rules = Rules::new();
    let mut always = Vec::new();
    for call in calls {
        let list = rules.entry(call.number).or_default();
        if call.when.is_empty() {
            always.push(call.number);
        }
        for tests in call.when {
            let conditions = tests.iter().map(|test| condition(*test, facts));
            let conditions = conditions.collect::<Result<_, _>>();
            let rule = conditions.and_then(SeccompRule::new);
            list.push(rule.map_err(seccompiler::Error::from)?);
        }
    }
    // A row without conditions says more than any with some.
    for number in always {
        rules.insert(number, Vec::new());
    }
    Ok(rules)
}

fn condition(test: Test, facts: Facts) -> Result<SeccompCondition, seccompiler::BackendError> {
    let (index, mask, value) = test.masked(facts);
    SeccompCondition::new(index, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(mask), value)
}

/// Calls without conditions come first, as ranges of numbers: the kernel runs every filter for every
/// number once when it is installed, and seccompiler spends five instructions on each. The rest is
/// seccompiler's.
fn compile(
    mut list: Rules,
    listed: &SeccompAction,
    others: &SeccompAction,
) -> Result<BpfProgram, ConfineError> {
    let whole: Vec<_> =
        list.iter().filter(|(_, rules)| rules.is_empty()).map(|(number, _)| *number).collect();
    list.retain(|_, rules| !rules.is_empty());
    // What seccompiler makes of no rules at all: the check that the call is one of this
    // architecture, and the answer to all others.
    let mut program = by_seccompiler(Rules::new(), listed, others)?;
    program.pop();
    program.push(LOAD_NUMBER);
    for (first, last) in ranges(&whole) {
        program.extend(range(first, last, u32::from(listed.clone())));
    }
    program.extend(by_seccompiler(list, listed, others)?);
    Ok(NO_OTHER_NUMBERS.into_iter().chain(program).collect())
}

fn by_seccompiler(
    list: Rules,
    listed: &SeccompAction,
    others: &SeccompAction,
) -> Result<BpfProgram, ConfineError> {
    let arch = TargetArch::try_from(ARCH).map_err(|_| ConfineError::Architecture(ARCH))?;
    let filter = SeccompFilter::new(list, others.clone(), listed.clone(), arch);
    Ok(filter.and_then(BpfProgram::try_from).map_err(seccompiler::Error::from)?)
}

/// Numbers that follow each other, as first and last ones. System calls have small numbers; any
/// other would have no range, and so the answer of a call that is not listed.
fn ranges(sorted: &[i64]) -> Vec<(u32, u32)> {
    let mut found: Vec<(u32, u32)> = Vec::new();
    for number in sorted.iter().filter_map(|number| u32::try_from(*number).ok()) {
        match found.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => found.push((number, number)),
        }
    }
    found
}

/// Answers `answer` for a number in the range, else goes on behind.
fn range(first: u32, last: u32, answer: u32) -> Vec<sock_filter> {
    let jump = libc::BPF_JMP | libc::BPF_K;
    let answer = statement(libc::BPF_RET | libc::BPF_K, answer);
    if first == last {
        return vec![sock_filter { jf: 1, ..statement(jump | libc::BPF_JEQ, first) }, answer];
    }
    vec![
        sock_filter { jf: 2, ..statement(jump | libc::BPF_JGE, first) },
        sock_filter { jt: 1, ..statement(jump | libc::BPF_JGT, last) },
        answer,
    ]
}

/// Loads the number, which is the first field of `struct seccomp_data`.
const LOAD_NUMBER: sock_filter = statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0);

/// Ends the process on system call numbers from 2^30 upwards: x32's names for the same calls on
/// x86-64, which the architecture check does not see, and negative numbers. Jumps are relative, so
/// the program can stand in front of any other.
const NO_OTHER_NUMBERS: [sock_filter; 3] = [
    LOAD_NUMBER,
    // Fall through if it is as large, else skip one.
    sock_filter { jf: 1, ..statement(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 1 << 30) },
    statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_KILL_PROCESS),
];

const fn statement(code: u32, k: u32) -> sock_filter {
    let [low, high, ..] = code.to_le_bytes();
    sock_filter { code: u16::from_le_bytes([low, high]), jt: 0, jf: 0, k }
}
