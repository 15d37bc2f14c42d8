//! The WIT that the macro reads.

use std::path::{Path, PathBuf};

use wit_bindgen_core::wit_parser::{InterfaceId, Resolve, WorldId, WorldItem};

use crate::input::Input;

/// A resolved WIT package and the world in it that is generated.
pub(crate) struct Source {
    pub(crate) resolve: Resolve,
    pub(crate) world: WorldId,
    /// Every file that was read.
    pub(crate) files: Vec<PathBuf>,
}

impl Source {
    /// Reads the WIT that `input` names.
    ///
    /// # Errors
    /// Text for the author: which file or world, and where in the file.
    pub(crate) fn load(input: &Input) -> Result<Self, String> {
        let root = std::env::var("CARGO_MANIFEST_DIR")
            .map_err(|_| "CARGO_MANIFEST_DIR is not set: build this crate with cargo")?;
        Self::load_from(Path::new(&root), &input.paths, input.world.as_deref())
    }

    fn load_from(root: &Path, paths: &[String], world: Option<&str>) -> Result<Self, String> {
        let mut resolve = Resolve::default();
        let mut files = Vec::new();
        let mut packages = Vec::new();
        for path in paths {
            let path = root.join(path);
            // The canonical form reads better in errors; if there is none, reading fails next.
            let path = path.canonicalize().unwrap_or(path);
            let (package, sources) = resolve
                .push_path(&path)
                .map_err(|error| format!("{}: {}", path.display(), resolve.render_error(&error)))?;
            packages.push(package);
            files.extend(sources.paths().map(Path::to_path_buf));
        }
        let world =
            resolve.select_world(&packages, world).map_err(|error| resolve.render_error(&error))?;
        // An interface that is imported and exported becomes two, with types of their own: what
        // may be used from the one may not be from the other.
        resolve.generate_nominal_type_ids(world);
        Ok(Self { resolve, world, files })
    }

    /// Takes the functions from interfaces that are imported only for their types, so that no
    /// Rust function appears that could never be called.
    pub(crate) fn clear_imported_functions(&mut self) {
        let imports = &self.resolve.worlds[self.world].imports;
        let imported: Vec<InterfaceId> = imports
            .values()
            .filter_map(|item| match item {
                WorldItem::Interface { id, .. } => Some(*id),
                WorldItem::Function(_) | WorldItem::Type { .. } => None,
            })
            .collect();
        for id in imported {
            self.resolve.interfaces[id].functions.clear();
        }
    }
}
