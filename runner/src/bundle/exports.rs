//! What a bundle exports, and that it may: nothing is imported but types, and the lifecycle
//! interface is the runner's own business.

use super::symbols::snake;
use super::wit::Parsed;
use crate::shape::{self, Interface, World};
use semver::Version;
use std::collections::BTreeMap;
use wit_parser::{Interface as WitInterface, Resolve, TypeDefKind, WorldItem, WorldKey};

/// Package of the interfaces between a bundle and the runner.
pub(crate) const OWN_PACKAGE: &str = "wrun:bundle/";

/// The interface that holds `init`.
const LIFECYCLE: &str = "wrun:bundle/lifecycle@";

/// The function that is called once, before all others.
pub const INIT: &str = "init";

/// What `init` must look like.
const INIT_TYPE: &str = "func(config: list<tuple<string, string>>) -> result<_, string>";

/// The exports of a bundle.
#[derive(Debug, Clone)]
pub struct Exports {
    /// What components may import; without the lifecycle interface.
    pub world: World,
    /// The bundle's own lifecycle interface, if it has one.
    pub lifecycle: Option<Interface>,
    /// What wit-bindgen's C generator puts before the functions of each interface, and of `None`.
    pub(super) c_prefixes: BTreeMap<Option<String>, String>,
}

/// A world that a bundle cannot implement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A function or resource is imported.
    #[error("the world imports {0}, but nobody serves a bundle")]
    Import(String),
    /// There is nothing to serve.
    #[error("the world `{0}` exports no function")]
    Nothing(String),
    /// An interface under a name of the world's choice.
    #[error("the world exports `{0}` under another name")]
    Renamed(String),
    /// Something of `wrun:bundle` that this version does not know.
    #[error("the world exports `{0}`, which needs a newer wrun")]
    Own(String),
    /// `init` has another type.
    #[error("`{interface}#{INIT}` is\n    {found}\n  but must be\n    {INIT_TYPE}")]
    Init {
        /// The interface.
        interface: String,
        /// What it has.
        found: String,
    },
}

impl ExportError {
    /// What to do about it.
    pub(super) fn help(&self) -> &'static str {
        match self {
            Self::Import(_) => {
                "a bundle may only `use` types: export that interface as well, or move the types \
                 into an interface that has nothing else"
            }
            Self::Nothing(_) => "name the world that the library implements in bundle.toml (world)",
            Self::Renamed(_) => "export the interface under its own name",
            Self::Own(_) => {
                "update wrun, or build the bundle with the wrun:bundle that ships with it"
            }
            Self::Init { .. } => "copy wrun:bundle unchanged into wit/deps",
        }
    }
}

pub(super) fn read(parsed: &Parsed) -> Result<Exports, ExportError> {
    let Parsed { resolve, world } = parsed;
    let Some(items) = resolve.worlds.get(*world) else {
        return Err(ExportError::Nothing(String::new()));
    };
    for (key, item) in &items.imports {
        if let Some(what) = more_than_types(resolve, key, item) {
            return Err(ExportError::Import(what));
        }
    }
    for (key, item) in &items.exports {
        if let Some(interface) = resolve.implements_value(key, item) {
            return Err(ExportError::Renamed(interface));
        }
    }
    let mut exported = shape::wit::exports(resolve, *world);
    let lifecycle = take_lifecycle(&mut exported)?;
    let is_empty =
        exported.functions.is_empty() && exported.interfaces.iter().all(Interface::is_types_only);
    if is_empty {
        return Err(ExportError::Nothing(items.name.clone()));
    }
    let mut c_prefixes = BTreeMap::from([(None, format!("exports_{}", snake(&items.name)))]);
    for key in items.exports.keys() {
        c_prefixes.insert(Some(resolve.name_world_key(key)), c_prefix(resolve, key));
    }
    Ok(Exports { world: exported, lifecycle, c_prefixes })
}

/// What an import is, if somebody would have to serve it.
fn more_than_types(resolve: &Resolve, key: &WorldKey, item: &WorldItem) -> Option<String> {
    let is_resource = |id| {
        resolve
            .types
            .get(id)
            .is_some_and(|def: &wit_parser::TypeDef| def.kind == TypeDefKind::Resource)
    };
    match item {
        WorldItem::Function(function) => Some(format!("the function `{}`", function.name)),
        WorldItem::Type { id, .. } => {
            is_resource(*id).then(|| format!("the resource `{}`", resolve.name_world_key(key)))
        }
        WorldItem::Interface { id, .. } => {
            let interface: &WitInterface = resolve.interfaces.get(*id)?;
            let mut resources = interface.types.iter().filter(|(_, id)| is_resource(**id));
            let resource = resources.next().map(|(name, _)| name);
            let name = resource.or_else(|| interface.functions.keys().next())?;
            Some(format!("`{}` with its `{name}`", resolve.name_world_key(key)))
        }
    }
}

/// Takes the lifecycle interface out of `world`: components cannot import it.
fn take_lifecycle(world: &mut World) -> Result<Option<Interface>, ExportError> {
    let Some(index) = world.interfaces.iter().position(|i| i.name.starts_with(OWN_PACKAGE)) else {
        return Ok(None);
    };
    let interface = world.interfaces.remove(index);
    let version = interface.name.strip_prefix(LIFECYCLE).and_then(|v| Version::parse(v).ok());
    let is_known = version.is_some_and(|v| (v.major, v.minor) == (0, 1) && v.pre.is_empty());
    let has_init_only = interface.functions.len() == 1 && interface.resources.is_empty();
    let is_second = world.interfaces.iter().any(|i| i.name.starts_with(OWN_PACKAGE));
    let Some(init) = interface.function(INIT).filter(|_| is_known && has_init_only && !is_second)
    else {
        return Err(ExportError::Own(interface.name));
    };
    let found = world.shapes.print_function(init, INIT_TYPE.len() * 2);
    if found == INIT_TYPE {
        Ok(Some(interface))
    } else {
        Err(ExportError::Init { interface: interface.name, found })
    }
}

/// As wit-bindgen-c 0.60 composes it.
fn c_prefix(resolve: &Resolve, key: &WorldKey) -> String {
    let named = match key {
        WorldKey::Interface(id) => resolve.interfaces.get(*id).and_then(|interface| {
            let package = resolve.packages.get(interface.package?)?;
            Some((&package.name, interface.name.as_deref()?))
        }),
        WorldKey::Name(_) => None,
    };
    let Some((package, interface)) = named else {
        return snake(&resolve.name_world_key(key));
    };
    let has_other_version = resolve.package_names.keys().any(|other| {
        (&other.namespace, &other.name) == (&package.namespace, &package.name)
            && other.version != package.version
    });
    let version = match &package.version {
        Some(version) if has_other_version => {
            format!("{}_", version.to_string().replace(['.', '-', '+'], "_"))
        }
        _ => String::new(),
    };
    let (namespace, name) = (snake(&package.namespace), snake(&package.name));
    format!("exports_{namespace}_{name}_{version}{}", snake(interface))
}
