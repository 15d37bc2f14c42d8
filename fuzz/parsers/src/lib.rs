//! Fuzz targets for the files that authors and operators write: what must hold is in [`checks`].

pub mod checks;
