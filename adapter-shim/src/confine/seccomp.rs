//! Layer 5: system calls that end the process.
//!
//! This is the first of the filters: it stays in force whatever is installed after it, and the
//! kernel obeys the strictest verdict.

use super::ConfineError;
use super::syscalls::NEVER;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter, sock_filter,
};
use std::env::consts::ARCH;

/// Compiles the filter and installs it on this thread and all that it will start.
///
/// # Errors
/// [`ConfineError`] if the machine is not known or the kernel refuses.
pub fn install() -> Result<(), ConfineError> {
    Ok(apply_filter(&compile()?)?)
}

fn compile() -> Result<BpfProgram, ConfineError> {
    let arch = TargetArch::try_from(ARCH).map_err(|_| ConfineError::Architecture(ARCH))?;
    // No rules means: whatever the arguments are.
    let never = NEVER.iter().map(|never| (never.number, Vec::new())).collect();
    let filter = SeccompFilter::new(never, SeccompAction::Allow, SeccompAction::KillProcess, arch);
    let filter = filter.and_then(BpfProgram::try_from).map_err(seccompiler::Error::from)?;
    // seccompiler's program starts with the check that the call is one of this architecture.
    Ok(NO_OTHER_NUMBERS.into_iter().chain(filter).collect())
}

/// Ends the process on system call numbers from 2^30 upwards: x32's names for the same calls on
/// x86-64, which the architecture check does not see, and negative numbers. Jumps are relative, so
/// the program can stand in front of any other.
const NO_OTHER_NUMBERS: [sock_filter; 3] = [
    // Load the number, which is the first field of `struct seccomp_data`.
    statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0),
    // Fall through if it is as large, else skip one.
    sock_filter { jf: 1, ..statement(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 1 << 30) },
    statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_KILL_PROCESS),
];

const fn statement(code: u32, k: u32) -> sock_filter {
    let [low, high, ..] = code.to_le_bytes();
    sock_filter { code: u16::from_le_bytes([low, high]), jt: 0, jf: 0, k }
}
