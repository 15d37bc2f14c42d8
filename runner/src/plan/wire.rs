//! The plan of one bundle as its shim gets it: indices instead of names.

use super::assign::Assigned;
use super::error::PlanError;
use super::{BundlePlan, FunctionPlan, InstancePlan, ResourcePlan};
use crate::bundle::symbols::{self, MissingSymbol};
use crate::bundle::{Bundle, INIT};
use crate::shape::{FLAT_MAX, Function, ResourceId, Shape, ShapeId, Shapes};
use protocol::limits::{FUNCTIONS_MAX, PAYLOAD_BYTES_MAX};
use protocol::message::{self, Resource};
use protocol::policy::Profiles;
use protocol::stage::Purpose;
use protocol::types::{Type, TypeDef, TypeTable};
use std::collections::HashMap;
use std::sync::Arc;

/// The plan for what is assigned to `bundle`; `None` if that is nothing.
pub(super) fn build(
    bundle: &Arc<Bundle>,
    assigned: &Assigned<'_>,
) -> Result<Option<BundlePlan>, PlanError> {
    if assigned.interfaces.is_empty() && assigned.functions.is_empty() {
        return Ok(None);
    }
    let limit = |what: String| PlanError::Limit { bundle: bundle.name().to_owned(), what };
    let mut builder = Builder::new(bundle);
    let instances = builder.instances(assigned).map_err(|error| limit(error.to_string()))?;
    let wire = builder.finish().map_err(|error| limit(error.to_string()))?;
    if wire.functions.len() > FUNCTIONS_MAX {
        return Err(limit(format!("more than {FUNCTIONS_MAX} functions")));
    }
    TypeTable::new(wire.types.clone(), wire.resources.len())
        .map_err(|error| limit(error.to_string()))?;
    Ok(Some(BundlePlan { bundle: Arc::clone(bundle), wire, instances }))
}

struct Builder<'a> {
    bundle: &'a Bundle,
    shapes: &'a Shapes,
    wire: message::Plan,
    types: HashMap<ShapeId, Type>,
    defs: HashMap<TypeDef, u32>,
    /// By the bundle's own names: two versions of one import share what serves them.
    functions: HashMap<(Option<&'a str>, &'a str), u32>,
    resources: HashMap<ResourceId, u32>,
    needs_realloc: bool,
}

impl<'a> Builder<'a> {
    fn new(bundle: &'a Bundle) -> Self {
        let vendor = bundle.manifest().vendor.iter().map(|path| path.as_str().to_owned());
        let wire = message::Plan {
            bundle: bundle.name().to_owned(),
            library: bundle.library_path().as_str().to_owned(),
            vendor: vendor.collect(),
            profiles: Profiles::COMPUTE,
            own_root: false,
            purpose: Purpose::Confine,
            payload_bytes_max: u32::try_from(PAYLOAD_BYTES_MAX).unwrap_or(u32::MAX),
            take_panic: Some(symbols::TAKE_PANIC.to_owned()).filter(|name| bundle.defines(name)),
            ..message::Plan::default()
        };
        Self {
            bundle,
            shapes: &bundle.exports().world.shapes,
            wire,
            types: HashMap::new(),
            defs: HashMap::new(),
            functions: HashMap::new(),
            resources: HashMap::new(),
            needs_realloc: false,
        }
    }

    fn instances(&mut self, assigned: &Assigned<'a>) -> Result<Vec<InstancePlan>, MissingSymbol> {
        let mut instances = Vec::new();
        for pair in &assigned.interfaces {
            let interface = pair.found.name.as_str();
            let mut instance = InstancePlan {
                import: Some(pair.wanted.name.clone()),
                functions: Vec::new(),
                resources: Vec::new(),
            };
            for name in &pair.wanted.resources {
                let id = ResourceId { interface: Some(interface.to_owned()), name: name.clone() };
                let index = self.resource(&id)?;
                instance.resources.push(ResourcePlan { name: name.clone(), index });
            }
            for function in &pair.wanted.functions {
                if let Some(found) = pair.found.function(&function.name) {
                    instance.functions.push(self.function_plan(Some(interface), found)?);
                }
            }
            instances.push(instance);
        }
        if !assigned.functions.is_empty() {
            let functions =
                assigned.functions.iter().map(|pair| self.function_plan(None, pair.found));
            let functions = functions.collect::<Result<_, _>>()?;
            instances.push(InstancePlan { import: None, functions, resources: Vec::new() });
        }
        Ok(instances)
    }

    /// Adds what every plan has, and gives the plan.
    fn finish(mut self) -> Result<message::Plan, MissingSymbol> {
        let lifecycle = self.bundle.exports().lifecycle.as_ref();
        if let Some(lifecycle) = lifecycle
            && let Some(init) = lifecycle.function(INIT)
        {
            self.wire.init = Some(self.function(Some(&lifecycle.name), init)?);
        }
        if self.needs_realloc {
            self.wire.realloc = Some(self.bundle.realloc()?);
        }
        Ok(self.wire)
    }

    fn function_plan(
        &mut self,
        interface: Option<&'a str>,
        function: &'a Function,
    ) -> Result<FunctionPlan, MissingSymbol> {
        let index = self.function(interface, function)?;
        let facts = |ty: &ShapeId| self.shapes.facts(*ty);
        let flat: usize = function.params.iter().map(|(_, ty)| facts(ty).flat).sum();
        let result = function.result.as_ref().map(facts);
        Ok(FunctionPlan {
            name: function.name.clone(),
            index,
            flat_params: Some(flat).filter(|flat| *flat < FLAT_MAX),
            flat_results: result.map_or(0, |facts| facts.flat),
            gives_handles: result.is_some_and(|facts| facts.handles),
        })
    }

    fn function(
        &mut self,
        interface: Option<&'a str>,
        function: &'a Function,
    ) -> Result<u32, MissingSymbol> {
        let key = (interface, function.name.as_str());
        if let Some(index) = self.functions.get(&key) {
            return Ok(*index);
        }
        let symbols = self.bundle.function_symbols(interface, &function.name)?;
        self.needs_realloc |= self.bundle.needs_realloc(function);
        let params =
            function.params.iter().map(|(_, ty)| self.ty(*ty)).collect::<Result<_, _>>()?;
        let described = message::Function {
            name: symbols::component_name(interface, &function.name),
            symbol: symbols.symbol,
            post_return: symbols.post_return,
            params,
            result: function.result.map(|ty| self.ty(ty)).transpose()?,
        };
        let index = length(&self.wire.functions);
        self.wire.functions.push(described);
        self.functions.insert(key, index);
        Ok(index)
    }

    fn resource(&mut self, id: &ResourceId) -> Result<u32, MissingSymbol> {
        if let Some(index) = self.resources.get(id) {
            return Ok(*index);
        }
        let interface = id.interface.as_deref().unwrap_or_default();
        let destructor = self.bundle.destructor_symbol(interface, &id.name)?;
        let index = length(&self.wire.resources);
        self.wire.resources.push(Resource { name: id.to_string(), destructor });
        self.resources.insert(id.clone(), index);
        Ok(index)
    }

    fn ty(&mut self, id: ShapeId) -> Result<Type, MissingSymbol> {
        if let Some(ty) = self.types.get(&id) {
            return Ok(*ty);
        }
        let shapes = self.shapes;
        let ty = match shapes.get(id) {
            Shape::Bool => Type::Bool,
            Shape::S8 => Type::S8,
            Shape::U8 => Type::U8,
            Shape::S16 => Type::S16,
            Shape::U16 => Type::U16,
            Shape::S32 => Type::S32,
            Shape::U32 => Type::U32,
            Shape::S64 => Type::S64,
            Shape::U64 => Type::U64,
            Shape::F32 => Type::F32,
            Shape::F64 => Type::F64,
            Shape::Char => Type::Char,
            Shape::String => Type::String,
            defined => {
                let def = self.def(defined)?;
                Type::Defined(self.add(def))
            }
        };
        self.types.insert(id, ty);
        Ok(ty)
    }

    /// The parts of a definition are added before it, as the type table demands.
    fn def(&mut self, shape: &Shape) -> Result<TypeDef, MissingSymbol> {
        let mut all = |ids: &mut dyn Iterator<Item = ShapeId>| {
            ids.map(|id| self.ty(id)).collect::<Result<Vec<_>, _>>()
        };
        Ok(match shape {
            Shape::List(element) => TypeDef::List(self.ty(*element)?),
            Shape::FixedList(element, length) => TypeDef::FixedList(self.ty(*element)?, *length),
            Shape::Map(key, value) => TypeDef::Map(self.ty(*key)?, self.ty(*value)?),
            Shape::Record(fields) => TypeDef::Record(all(&mut fields.iter().map(|(_, ty)| *ty))?),
            Shape::Tuple(types) => TypeDef::Record(all(&mut types.iter().copied())?),
            Shape::Variant(cases) => TypeDef::Variant(
                cases.iter().map(|(_, ty)| self.optional(*ty)).collect::<Result<_, _>>()?,
            ),
            Shape::Enum(names) => TypeDef::Enum(length(names)),
            Shape::Option(some) => TypeDef::Option(self.ty(*some)?),
            Shape::Result(ok, err) => TypeDef::Result(self.optional(*ok)?, self.optional(*err)?),
            Shape::Flags(names) => TypeDef::Flags(length(names)),
            Shape::Own(resource) => TypeDef::Own(self.resource(resource)?),
            Shape::Borrow(resource) => TypeDef::Borrow(self.resource(resource)?),
            // Neither a primitive, which is no definition, nor what the check let through. An
            // empty record is what the type table refuses.
            _ => TypeDef::Record(Vec::new()),
        })
    }

    fn optional(&mut self, ty: Option<ShapeId>) -> Result<Option<Type>, MissingSymbol> {
        ty.map(|ty| self.ty(ty)).transpose()
    }

    fn add(&mut self, def: TypeDef) -> u32 {
        if let Some(index) = self.defs.get(&def) {
            return *index;
        }
        let index = length(&self.wire.types);
        self.wire.types.push(def.clone());
        self.defs.insert(def, index);
        index
    }
}

/// The index that the next entry gets. Lists of a plan are capped far below 2^32.
fn length<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}
