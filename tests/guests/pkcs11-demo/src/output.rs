//! What the demo prints and writes.

use std::fs;
use std::path::PathBuf;

use pkcs11_client::Result;

/// The folder for the files, and the lines on the terminal.
pub struct Output {
    folder: PathBuf,
}

impl Output {
    /// Files go into this folder, which exists.
    pub fn new(folder: &str) -> Self {
        Self { folder: PathBuf::from(folder) }
    }

    /// A step that worked, and what that means.
    pub fn proved(&self, step: &str, meaning: &str) {
        println!("ok {step:<12} {meaning}");
    }

    /// Writes one file.
    pub fn write(&self, name: &str, contents: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        fs::write(&path, contents)
            .map_err(|error| format!("cannot write {}: {error}", path.display()).into())
    }
}
