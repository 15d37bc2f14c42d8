//! Values for a bundle's `init`, and where they are read from.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Longest value that is read from a file or descriptor, in bytes.
pub const CONFIG_VALUE_BYTES_MAX: u64 = 64 << 10;

/// A value, or where it is to be read.
#[derive(Clone, PartialEq, Eq)]
pub enum ConfigValue {
    /// The value itself.
    Text(String),
    /// In this file, without the line's end.
    File(PathBuf),
    /// From this descriptor of ours, without the line's end.
    Descriptor(u32),
}

impl fmt::Debug for ConfigValue {
    /// Values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(…)"),
            Self::File(path) => write!(f, "File({path:?})"),
            Self::Descriptor(number) => write!(f, "Descriptor({number})"),
        }
    }
}

impl ConfigValue {
    /// The value. A descriptor can be read once.
    ///
    /// # Errors
    /// Those of reading; a value that is too long or not UTF-8.
    pub fn read(&self) -> io::Result<String> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::File(path) => read(path),
            Self::Descriptor(number) => read(&Path::new("/proc/self/fd").join(number.to_string())),
        }
    }
}

fn read(path: &Path) -> io::Result<String> {
    let file: File = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(nix::fcntl::OFlag::O_NOCTTY.bits())
        .open(path)?;
    let mut value = String::new();
    let count = file.take(CONFIG_VALUE_BYTES_MAX + 1).read_to_string(&mut value)?;
    if u64::try_from(count).unwrap_or(u64::MAX) > CONFIG_VALUE_BYTES_MAX {
        let why = format!("longer than {CONFIG_VALUE_BYTES_MAX} bytes");
        return Err(io::Error::other(why));
    }
    if value.ends_with('\n') {
        value.pop();
    }
    Ok(value)
}
