//! The compiler for the guests: rustup's WASI target, or Debian's packages.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process;

/// rustup's target; its linker writes components.
const RUSTUP_TARGET: &str = "wasm32-wasip2";
/// The target for which Debian's compiler builds `std` itself.
const DEBIAN_TARGET: &str = "wasm32-wasip1";
/// From the package rustc-web, or a newer rustc.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
/// From the package rust-web-src, or a newer rust-src.
const DEBIAN_STD: &str = "/usr/lib/rustlib/src/rust/library/std";
/// From the package wasi-libc: defines `_start`, which calls `main`.
const DEBIAN_CRT1: &str = "/usr/lib/wasm32-wasi/crt1-command.o";

/// The flags for Debian's rustc.
///
/// Between `--start-lib` and `--end-lib` an object is linked only where one of its symbols is asked
/// for: `_start` into programs, not into libraries, which have no `main` to call.
///
/// Debian's crt1 does not call the C library's constructors, see `tests/guests/pkcs11-client`.
const DEBIAN_FLAGS: [&str; 6] = [
    "--cfg=constructors_by_linker",
    "-Clink-self-contained=no",
    "-L/usr/lib/wasm32-wasi",
    "-Clink-arg=--start-lib",
    "-Clink-arg=/usr/lib/wasm32-wasi/crt1-command.o",
    "-Clink-arg=--end-lib",
];

/// A compiler that is installed on this machine.
#[derive(Debug)]
pub(crate) enum Toolchain {
    /// `wasm32-wasip2` of the Rust toolchain that runs this program.
    Rustup,
    /// Debian's compiler, its `std` built from source, and the linker of the Rust toolchain.
    Debian {
        /// The toolchain's own `rust-lld`.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// rustup's if installed, else Debian's if complete, else none.
    pub(crate) fn find() -> Option<Self> {
        let rustup = target_libraries(Some(RUSTUP_TARGET)).is_some_and(|folder| folder.is_dir());
        if rustup {
            return Some(Self::Rustup);
        }
        let linker = target_libraries(None)?.with_file_name("bin").join("rust-lld");
        let fixed = [DEBIAN_RUSTC, DEBIAN_STD, DEBIAN_CRT1].map(Path::new);
        let complete = fixed.iter().all(|part| part.exists()) && linker.exists();
        complete.then_some(Self::Debian { linker })
    }

    /// Makes `cargo` a `cargo build` for this compiler's target.
    pub(super) fn configure(&self, cargo: &mut Command) {
        cargo.arg("build");
        match self {
            Self::Rustup => {
                cargo.args(["--target", RUSTUP_TARGET]).env("CARGO_ENCODED_RUSTFLAGS", "");
            }
            Self::Debian { linker } => {
                cargo
                    .args(["--target", DEBIAN_TARGET, "-Zbuild-std=std,panic_abort"])
                    .env("RUSTC", DEBIAN_RUSTC)
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_TARGET_WASM32_WASIP1_LINKER", linker)
                    .env("CARGO_ENCODED_RUSTFLAGS", DEBIAN_FLAGS.join("\u{1f}"))
                    // `cargo xtask` has put the other compiler's libraries there.
                    .env_remove("LD_LIBRARY_PATH");
            }
        }
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rustup => write!(f, "the toolchain's {RUSTUP_TARGET}"),
            Self::Debian { .. } => write!(f, "{DEBIAN_RUSTC} for {DEBIAN_TARGET}"),
        }
    }
}

/// Where the toolchain's rustc keeps the libraries of a target (of this machine for `None`);
/// the folder need not exist.
fn target_libraries(target: Option<&str>) -> Option<PathBuf> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir"]);
    if let Some(target) = target {
        rustc.args(["--target", target]);
    }
    process::probe(&mut rustc).map(|path| PathBuf::from(path.trim_end()))
}
