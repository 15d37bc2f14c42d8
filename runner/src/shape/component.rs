//! What a component wants: its imports, read from the compiled component.
//!
//! wasmtime tells resource types apart by [`ResourceType`] equality, and a `use` gives an equal
//! one. Imports are listed after those that they depend on, so the first instance that exports a
//! resource type is the one that owns it.

use super::{Function, Interface, ResourceId, Shape, ShapeId, Unsupported, World};
use protocol::limits::TYPE_DEPTH_MAX;
use wasmtime::Engine;
use wasmtime::component::types::{ComponentFunc, ComponentInstance, ComponentItem, Type};
use wasmtime::component::{Component, ResourceType};

/// How many types a component's imports may name in all, each counted as often as it occurs
/// written out. The imports of all of WASI are about 20,000; more than this is an attempt to keep
/// the runner busy.
pub const TYPE_OCCURRENCES_MAX: u32 = 1 << 20;

/// The imports of a component name more than [`TYPE_OCCURRENCES_MAX`] types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too large to be checked: written out, they name more than {TYPE_OCCURRENCES_MAX} types")]
pub struct TooManyTypes;

/// The imports of `component`, in its order.
///
/// # Errors
/// [`TooManyTypes`].
pub fn imports(component: &Component) -> Result<World, TooManyTypes> {
    let engine = component.engine();
    let mut reader = Reader::default();
    for (name, import) in component.component_type().imports(engine) {
        reader.import(engine, name, &import.ty)?;
    }
    Ok(reader.found)
}

#[derive(Default)]
struct Reader {
    found: World,
    resources: Vec<(ResourceType, ResourceId)>,
    types_read: u32,
}

impl Reader {
    fn import(
        &mut self,
        engine: &Engine,
        name: &str,
        item: &ComponentItem,
    ) -> Result<(), TooManyTypes> {
        match item {
            ComponentItem::ComponentInstance(instance) => self.instance(engine, name, instance)?,
            ComponentItem::ComponentFunc(function) => {
                let function = self.function(name, function)?;
                self.found.functions.push(function);
            }
            ComponentItem::Resource(ty) => {
                // One that an earlier import already gave is a `use`, and needs no one to serve it.
                if self.own(*ty, None, name) {
                    self.other(name, "a resource type at world level");
                }
            }
            ComponentItem::Type(_) => {}
            ComponentItem::Module(_) => self.other(name, "a core module"),
            ComponentItem::Component(_) => self.other(name, "a component"),
            ComponentItem::CoreFunc(_) => self.other(name, "a core function"),
        }
        Ok(())
    }

    fn other(&mut self, name: &str, kind: &'static str) {
        self.found.others.push((name.to_owned(), kind));
    }

    fn instance(
        &mut self,
        engine: &Engine,
        name: &str,
        instance: &ComponentInstance,
    ) -> Result<(), TooManyTypes> {
        let mut interface =
            Interface { name: name.to_owned(), functions: Vec::new(), resources: Vec::new() };
        // Resources first: a function may stand before the alias that names its resource.
        for (item_name, item) in instance.exports(engine) {
            if let ComponentItem::Resource(ty) = item.ty
                && self.own(ty, Some(name), item_name)
            {
                interface.resources.push(item_name.to_owned());
            }
        }
        for (item_name, item) in instance.exports(engine) {
            let what = match item.ty {
                ComponentItem::ComponentFunc(function) => {
                    interface.functions.push(self.function(item_name, &function)?);
                    continue;
                }
                ComponentItem::Resource(_) | ComponentItem::Type(_) => continue,
                ComponentItem::ComponentInstance(_) => "an instance inside an interface",
                ComponentItem::Module(_) | ComponentItem::CoreFunc(_) => "a core item",
                ComponentItem::Component(_) => "a component inside an interface",
            };
            self.other(&format!("{name}#{item_name}"), what);
        }
        self.found.interfaces.push(interface);
        Ok(())
    }

    /// Notes the owner of `ty`, unless it is known already. True if it was not.
    fn own(&mut self, ty: ResourceType, interface: Option<&str>, name: &str) -> bool {
        let is_new = self.resources.iter().all(|(known, _)| *known != ty);
        if is_new {
            let interface = interface.map(str::to_owned);
            self.resources.push((ty, ResourceId { interface, name: name.to_owned() }));
        }
        is_new
    }

    fn function(&mut self, name: &str, ty: &ComponentFunc) -> Result<Function, TooManyTypes> {
        let params = ty
            .params()
            .map(|(name, ty)| Ok((name.to_owned(), self.ty(&ty, 1)?)))
            .collect::<Result<_, _>>()?;
        let result = ty.results().next().map(|ty| self.ty(&ty, 1)).transpose()?;
        Ok(Function { name: name.to_owned(), params, result, is_async: ty.async_() })
    }

    fn ty(&mut self, ty: &Type, depth: u32) -> Result<ShapeId, TooManyTypes> {
        self.types_read += 1;
        if self.types_read > TYPE_OCCURRENCES_MAX {
            return Err(TooManyTypes);
        }
        let shape = if depth > TYPE_DEPTH_MAX {
            Shape::Unsupported(Unsupported::Depth)
        } else {
            self.shape(ty, depth + 1)?
        };
        Ok(self.found.shapes.add(shape))
    }

    /// The shape of `ty`, whose parts are at `depth`.
    fn shape(&mut self, ty: &Type, depth: u32) -> Result<Shape, TooManyTypes> {
        Ok(match ty {
            Type::Bool => Shape::Bool,
            Type::S8 => Shape::S8,
            Type::U8 => Shape::U8,
            Type::S16 => Shape::S16,
            Type::U16 => Shape::U16,
            Type::S32 => Shape::S32,
            Type::U32 => Shape::U32,
            Type::S64 => Shape::S64,
            Type::U64 => Shape::U64,
            Type::Float32 => Shape::F32,
            Type::Float64 => Shape::F64,
            Type::Char => Shape::Char,
            Type::String => Shape::String,
            Type::List(list) => Shape::List(self.ty(&list.ty(), depth)?),
            Type::FixedLengthList(list) => {
                Shape::FixedList(self.ty(&list.ty(), depth)?, list.len())
            }
            Type::Map(map) => {
                Shape::Map(self.ty(&map.key(), depth)?, self.ty(&map.value(), depth)?)
            }
            Type::Record(record) => Shape::Record(
                record
                    .fields()
                    .map(|field| Ok((field.name.to_owned(), self.ty(&field.ty, depth)?)))
                    .collect::<Result<_, _>>()?,
            ),
            Type::Tuple(tuple) => {
                Shape::Tuple(tuple.types().map(|ty| self.ty(&ty, depth)).collect::<Result<_, _>>()?)
            }
            Type::Variant(variant) => Shape::Variant(
                variant
                    .cases()
                    .map(|case| Ok((case.name.to_owned(), self.optional(case.ty, depth)?)))
                    .collect::<Result<_, _>>()?,
            ),
            Type::Enum(cases) => Shape::Enum(cases.names().map(str::to_owned).collect()),
            Type::Option(option) => Shape::Option(self.ty(&option.ty(), depth)?),
            Type::Result(result) => Shape::Result(
                self.optional(result.ok(), depth)?,
                self.optional(result.err(), depth)?,
            ),
            Type::Flags(flags) => Shape::Flags(flags.names().map(str::to_owned).collect()),
            Type::Own(resource) => Shape::Own(self.resource(*resource)),
            Type::Borrow(resource) => Shape::Borrow(self.resource(*resource)),
            Type::Future(_) => Shape::Unsupported(Unsupported::Future),
            Type::Stream(_) => Shape::Unsupported(Unsupported::Stream),
            Type::ErrorContext => Shape::Unsupported(Unsupported::ErrorContext),
        })
    }

    fn optional(&mut self, ty: Option<Type>, depth: u32) -> Result<Option<ShapeId>, TooManyTypes> {
        ty.map(|ty| self.ty(&ty, depth)).transpose()
    }

    fn resource(&self, ty: ResourceType) -> ResourceId {
        let known = self.resources.iter().find(|(known, _)| *known == ty);
        // A valid component imports a resource type before any function with a handle of it.
        known.map_or_else(
            || ResourceId { interface: None, name: "unknown".into() },
            |(_, id)| id.clone(),
        )
    }
}
