//! What a bundle has: the exports of a world, from parsed WIT.

use super::{Function, Interface, ResourceId, Shape, ShapeId, Shapes, Unsupported, World};
use std::collections::HashMap;
use wit_parser::{
    Handle, InterfaceId, Resolve, Type, TypeDefKind, TypeId, TypeOwner, WorldId, WorldItem,
    WorldKey,
};

/// The exports of `world`, in the order of its text.
pub fn exports(resolve: &Resolve, world: WorldId) -> World {
    let mut found = World::default();
    let Some(items) = resolve.worlds.get(world).map(|world| &world.exports) else {
        return found;
    };
    let mut reader = Reader::new(resolve, items.iter().filter_map(interface_key).collect());
    for (key, item) in items {
        match item {
            WorldItem::Function(function) => found.functions.push(reader.function(function)),
            WorldItem::Interface { id, .. } => {
                found.interfaces.extend(reader.interface(key, *id));
            }
            WorldItem::Type { .. } => {
                found.others.push((resolve.name_world_key(key), "a type at world level"));
            }
        }
    }
    found.shapes = reader.shapes;
    found
}

fn interface_key<'a>(
    (key, item): (&'a WorldKey, &WorldItem),
) -> Option<(InterfaceId, &'a WorldKey)> {
    match item {
        WorldItem::Interface { id, .. } => Some((*id, key)),
        _ => None,
    }
}

struct Reader<'a> {
    resolve: &'a Resolve,
    /// Under which name each interface is exported.
    keys: HashMap<InterfaceId, &'a WorldKey>,
    shapes: Shapes,
    ids: HashMap<TypeId, ShapeId>,
}

impl<'a> Reader<'a> {
    fn new(resolve: &'a Resolve, keys: HashMap<InterfaceId, &'a WorldKey>) -> Self {
        let mut reader = Self { resolve, keys, shapes: Shapes::default(), ids: HashMap::new() };
        // The parser lists a type after all that it refers to, so nothing here recurses, however
        // long a chain of aliases is.
        for (id, def) in resolve.types.iter() {
            let shape = reader.definition(&def.kind);
            reader.ids.insert(id, shape);
        }
        reader
    }

    fn interface(&mut self, key: &WorldKey, id: InterfaceId) -> Option<Interface> {
        let interface = self.resolve.interfaces.get(id)?;
        let is_resource = |id: &TypeId| {
            self.resolve.types.get(*id).is_some_and(|def| def.kind == TypeDefKind::Resource)
        };
        let resources = interface.types.iter().filter(|(_, id)| is_resource(id));
        Some(Interface {
            name: self.resolve.name_world_key(key),
            resources: resources.map(|(name, _)| name.clone()).collect(),
            functions: interface.functions.values().map(|f| self.function(f)).collect(),
        })
    }

    fn function(&mut self, function: &wit_parser::Function) -> Function {
        Function {
            name: function.name.clone(),
            params: function.params.iter().map(|p| (p.name.clone(), self.ty(&p.ty))).collect(),
            result: function.result.as_ref().map(|ty| self.ty(ty)),
            is_async: function.kind.is_async(),
        }
    }

    fn definition(&mut self, kind: &TypeDefKind) -> ShapeId {
        let shape = match kind {
            TypeDefKind::Type(ty) => return self.ty(ty),
            TypeDefKind::Record(record) => Shape::Record(
                record.fields.iter().map(|f| (f.name.clone(), self.ty(&f.ty))).collect(),
            ),
            TypeDefKind::Flags(flags) => {
                Shape::Flags(flags.flags.iter().map(|flag| flag.name.clone()).collect())
            }
            TypeDefKind::Tuple(tuple) => {
                Shape::Tuple(tuple.types.iter().map(|ty| self.ty(ty)).collect())
            }
            TypeDefKind::Variant(variant) => Shape::Variant(
                variant
                    .cases
                    .iter()
                    .map(|c| (c.name.clone(), self.optional(c.ty.as_ref())))
                    .collect(),
            ),
            TypeDefKind::Enum(cases) => {
                Shape::Enum(cases.cases.iter().map(|case| case.name.clone()).collect())
            }
            TypeDefKind::Option(ty) => Shape::Option(self.ty(ty)),
            TypeDefKind::Result(result) => {
                Shape::Result(self.optional(result.ok.as_ref()), self.optional(result.err.as_ref()))
            }
            TypeDefKind::List(ty) => Shape::List(self.ty(ty)),
            TypeDefKind::Map(key, value) => Shape::Map(self.ty(key), self.ty(value)),
            TypeDefKind::FixedLengthList(ty, length) => Shape::FixedList(self.ty(ty), *length),
            TypeDefKind::Handle(Handle::Own(id)) => Shape::Own(self.resource(*id)),
            TypeDefKind::Handle(Handle::Borrow(id)) => Shape::Borrow(self.resource(*id)),
            TypeDefKind::Future(_) => Shape::Unsupported(Unsupported::Future),
            TypeDefKind::Stream(_) => Shape::Unsupported(Unsupported::Stream),
            // A resource is no value; only its handles are.
            TypeDefKind::Resource | TypeDefKind::Unknown => {
                Shape::Unsupported(Unsupported::Unknown)
            }
        };
        self.shapes.add(shape)
    }

    fn optional(&mut self, ty: Option<&Type>) -> Option<ShapeId> {
        ty.map(|ty| self.ty(ty))
    }

    fn ty(&mut self, ty: &Type) -> ShapeId {
        let shape = match ty {
            Type::Bool => Shape::Bool,
            Type::U8 => Shape::U8,
            Type::U16 => Shape::U16,
            Type::U32 => Shape::U32,
            Type::U64 => Shape::U64,
            Type::S8 => Shape::S8,
            Type::S16 => Shape::S16,
            Type::S32 => Shape::S32,
            Type::S64 => Shape::S64,
            Type::F32 => Shape::F32,
            Type::F64 => Shape::F64,
            Type::Char => Shape::Char,
            Type::String => Shape::String,
            Type::ErrorContext => Shape::Unsupported(Unsupported::ErrorContext),
            Type::Id(id) => match self.ids.get(id) {
                Some(known) => return *known,
                None => Shape::Unsupported(Unsupported::Unknown),
            },
        };
        self.shapes.add(shape)
    }

    /// The resource behind `id`, through all aliases that `use` and `type` make.
    fn resource(&self, mut id: TypeId) -> ResourceId {
        while let Some(TypeDefKind::Type(Type::Id(next))) =
            self.resolve.types.get(id).map(|def| &def.kind)
        {
            id = *next;
        }
        let def = self.resolve.types.get(id);
        let interface = match def.map(|def| def.owner) {
            Some(TypeOwner::Interface(owner)) => self
                .keys
                .get(&owner)
                .map(|key| self.resolve.name_world_key(key))
                .or_else(|| self.resolve.id_of(owner)),
            _ => None,
        };
        let name = def.and_then(|def| def.name.clone()).unwrap_or_default();
        ResourceId { interface, name }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::panic,
        reason = "a test fails by panicking"
    )]
    use super::*;

    fn exports_of(wit: &str) -> World {
        let mut resolve = Resolve::new();
        let package = resolve.push_source("test.wit", wit).unwrap();
        let world = resolve.select_world(&[package], Some("w")).unwrap();
        exports(&resolve, world)
    }

    #[test]
    fn a_resource_keeps_its_owner_through_use_and_alias() {
        let world = exports_of(
            "package a:b@1.2.3;
             interface objects { resource object { size: func() -> u64; } }
             interface sessions {
                 use objects.{object as thing};
                 type another = thing;
                 find: func() -> list<another>;
             }
             world w { export objects; export sessions; }",
        );
        let sessions = world.interface("a:b/sessions@1.2.3").unwrap();
        assert_eq!(sessions.resources, Vec::<String>::new());
        let Shape::List(element) = world.shapes.get(sessions.functions[0].result.unwrap()) else {
            panic!("not a list");
        };
        let owner =
            ResourceId { interface: Some("a:b/objects@1.2.3".into()), name: "object".into() };
        assert_eq!(world.shapes.get(*element), &Shape::Own(owner));
        assert_eq!(world.interface("a:b/objects@1.2.3").unwrap().resources, ["object"]);
    }

    #[test]
    fn a_long_chain_of_aliases_and_a_deep_type_do_not_recurse() {
        use std::fmt::Write;
        let mut wit = "package a:b; interface i { type t0 = u8; type d0 = u8;".to_owned();
        for level in 1..20_000 {
            write!(wit, "type t{level} = t{};", level - 1).unwrap();
            write!(wit, "type d{level} = list<d{}>;", level - 1).unwrap();
        }
        wit.push_str("f: func() -> t19999; g: func() -> d19999; } world w { export i; }");
        let world = exports_of(&wit);
        let result = |name: &str| world.interfaces[0].function(name).unwrap().result.unwrap();
        assert_eq!(world.shapes.get(result("f")), &Shape::U8);
        assert_eq!(world.shapes.facts(result("g")).unsupported, Some(Unsupported::Depth));
    }
}
