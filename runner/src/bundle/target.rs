//! The machine that a bundle's library must be made for: the one that this wrun was made for.

use object::elf;

/// The target triple of this wrun, the key in a manifest's `[library]`.
pub const TRIPLE: &str = TARGET.triple;

/// `e_machine` of the ELF files of this target.
pub(crate) const MACHINE: u16 = TARGET.machine;

struct Target {
    triple: &'static str,
    machine: u16,
}

// A library must have been linked against the C library that the shim uses, so that is part of it.
const TARGET: Target = if cfg!(all(target_arch = "x86_64", target_env = "musl")) {
    Target { triple: "x86_64-unknown-linux-musl", machine: elf::EM_X86_64 }
} else if cfg!(all(target_arch = "aarch64", target_env = "musl")) {
    Target { triple: "aarch64-unknown-linux-musl", machine: elf::EM_AARCH64 }
} else if cfg!(target_arch = "aarch64") {
    Target { triple: "aarch64-unknown-linux-gnu", machine: elf::EM_AARCH64 }
} else {
    Target { triple: "x86_64-unknown-linux-gnu", machine: elf::EM_X86_64 }
};

/// Everything above assumes it.
const _: () = assert!(
    cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))),
    "wrun runs on 64-bit Linux on x86-64 and aarch64"
);

/// A machine as people call it.
pub(super) fn machine_name(machine: u16) -> String {
    let name = match machine {
        elf::EM_X86_64 => "x86-64",
        elf::EM_386 => "32-bit x86",
        elf::EM_AARCH64 => "aarch64",
        elf::EM_ARM => "32-bit ARM",
        elf::EM_RISCV => "RISC-V",
        elf::EM_PPC64 => "64-bit PowerPC",
        elf::EM_S390 => "s390x",
        elf::EM_LOONGARCH => "LoongArch",
        other => return format!("machine number {other}"),
    };
    name.to_owned()
}
