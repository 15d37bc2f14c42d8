//! Where the `adapter-shim` program is.

use std::path::PathBuf;

/// File name of the program.
pub(super) const PROGRAM: &str = "adapter-shim";

/// The shim was not found.
#[derive(Debug, thiserror::Error)]
#[error(
    "the program `adapter-shim` was not found; looked for:{}\n\
     \x20 help: install it beside wrun, from the same release",
    tried.iter().map(|path| format!("\n  {}", path.display())).collect::<String>()
)]
pub struct LocateError {
    tried: Vec<PathBuf>,
}

impl LocateError {
    /// The places where it was looked for.
    pub fn tried(&self) -> &[PathBuf] {
        &self.tried
    }
}

/// Finds the shim beside the running program, or in the `libexec/wrun` folder of its installation.
///
/// Never through `PATH` or the working directory: whoever controls those would control the jail.
///
/// # Errors
/// [`LocateError`] names the places where it was looked for.
pub fn locate() -> Result<PathBuf, LocateError> {
    let folder = std::env::current_exe().ok().and_then(|exe| exe.parent().map(PathBuf::from));
    let tried: Vec<PathBuf> = folder
        .map(|folder| [folder.join(PROGRAM), folder.join("../libexec/wrun").join(PROGRAM)])
        .into_iter()
        .flatten()
        .collect();
    match tried.iter().find(|path| path.is_file()) {
        Some(found) => Ok(found.clone()),
        None => Err(LocateError { tried }),
    }
}
