//! Bundles from C files, plans, and encoded values.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "each test uses some of it, and stops at the first surprise"
)]

pub mod random;
pub mod shim;

use protocol::limits::PAYLOAD_BYTES_MAX;
use protocol::message::{Function, Plan, Resource};
use protocol::types::{Type, TypeDef};
use std::collections::hash_map::DefaultHasher;
use std::fs::File;
use std::hash::{Hash as _, Hasher as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Path of the library in every bundle of the tests.
pub const LIBRARY: &str = "lib/libtest.so";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn source(fixture: &str) -> PathBuf {
    root().join("tests/fixtures").join(fixture).with_extension("c")
}

fn build(bundle: &Path, fixture: &str) {
    std::fs::create_dir(bundle.join("lib")).unwrap();
    compile(bundle, fixture, LIBRARY, &[]);
}

fn compile(bundle: &Path, fixture: &str, library: &str, options: &[&str]) {
    let status = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC"])
        .arg("-I")
        .arg(root().join("include"))
        .arg(source(fixture))
        .args(options)
        .arg("-o")
        .arg(bundle.join(library))
        .current_dir(bundle)
        .status()
        .expect("a C compiler named cc is needed: apt-get install gcc");
    assert!(status.success(), "{fixture}.c does not compile");
}

/// A bundle directory whose library was made from a C file in `fixtures`.
pub struct Bundle {
    path: PathBuf,
    /// Removes it at the end.
    _folder: Option<TempDir>,
}

impl Bundle {
    pub fn new(fixture: &str) -> Self {
        let folder = TempDir::new().unwrap();
        build(folder.path(), fixture);
        Self { path: folder.path().to_owned(), _folder: Some(folder) }
    }

    /// One that all tests share, below `target`: for a static, which nobody drops.
    pub fn shared(fixture: &str) -> Self {
        let (cache, root) = (Path::new(env!("CARGO_TARGET_TMPDIR")), root());
        let mut hasher = DefaultHasher::new();
        for file in [source(fixture), root.join("include/wrun_bundle.h")] {
            std::fs::read(file).unwrap_or_default().hash(&mut hasher);
        }
        let path = cache.join(format!("{fixture}-{:016x}", hasher.finish()));
        if !path.exists() {
            let made = TempDir::new_in(cache).unwrap();
            build(made.path(), fixture);
            // If another test was quicker, its own is as good.
            if std::fs::rename(made.path(), &path).is_ok() {
                let _ = made.keep();
            }
        }
        Self { path, _folder: None }
    }

    /// Adds another library.
    pub fn compile(&self, fixture: &str, library: &str, options: &[&str]) {
        compile(&self.path, fixture, library, options);
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// As the runner passes it on.
    pub fn open(&self) -> OwnedFd {
        let flags = libc::O_PATH | nix::libc::O_DIRECTORY;
        File::options().read(true).custom_flags(flags).open(self.path()).unwrap().into()
    }
}

/// Builds a plan for the library of a [`Bundle`].
pub struct Planner {
    pub plan: Plan,
}

impl Planner {
    pub fn new() -> Self {
        let payload_bytes_max = u32::try_from(PAYLOAD_BYTES_MAX).unwrap();
        Self {
            plan: Plan {
                bundle: "test".into(),
                library: LIBRARY.into(),
                realloc: Some("cabi_realloc".into()),
                payload_bytes_max,
                ..Plan::default()
            },
        }
    }

    pub fn define(&mut self, def: TypeDef) -> Type {
        self.plan.types.push(def);
        Type::Defined(u32::try_from(self.plan.types.len() - 1).unwrap())
    }

    pub fn list(&mut self, element: Type) -> Type {
        self.define(TypeDef::List(element))
    }

    pub fn record(&mut self, fields: &[Type]) -> Type {
        self.define(TypeDef::Record(fields.to_vec()))
    }

    /// Adds a function and returns its index.
    pub fn function(&mut self, symbol: &str, params: &[Type], result: Option<Type>) -> u32 {
        self.plan.functions.push(Function {
            name: format!("test:fixture/all@0.1.0#{symbol}"),
            symbol: symbol.into(),
            post_return: None,
            params: params.to_vec(),
            result,
        });
        u32::try_from(self.plan.functions.len() - 1).unwrap()
    }

    /// As [`Self::function`], with the post-return function of the same symbol.
    pub fn freed(&mut self, symbol: &str, params: &[Type], result: Option<Type>) -> u32 {
        let index = self.function(symbol, params, result);
        self.plan.functions.last_mut().unwrap().post_return = Some(format!("cabi_post_{symbol}"));
        index
    }

    pub fn resource(&mut self, name: &str, destructor: &str) -> u32 {
        let name = format!("test:fixture/all@0.1.0#{name}");
        self.plan.resources.push(Resource { name, destructor: destructor.into() });
        u32::try_from(self.plan.resources.len() - 1).unwrap()
    }
}

/// Encoded values, one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wire(pub Vec<u8>);

pub fn wire() -> Wire {
    Wire::default()
}

macro_rules! numbers {
    ($($ty:ident)*) => {
        impl Wire {
            $(pub fn $ty(mut self, number: $ty) -> Self {
                self.0.extend_from_slice(&number.to_le_bytes());
                self
            })*
        }
    };
}

numbers!(u8 u16 u32 u64 i8 i16 i32 i64 f32 f64);

impl Wire {
    pub fn text(self, text: &str) -> Self {
        let mut wire = self.u32(u32::try_from(text.len()).unwrap());
        wire.0.extend_from_slice(text.as_bytes());
        wire
    }

    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
}
