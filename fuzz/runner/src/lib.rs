//! Fuzz targets that need the runner. What must hold is in [`checks`], for the files that authors and
//! operators write, and in [`canon`].

pub mod canon;
pub mod checks;

// Where the harness of canon's tests looks for it.
use wrun::canon::{Args, Results};
