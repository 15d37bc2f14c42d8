//! The form of component-model types and functions: what a component wants and what a bundle has,
//! in one representation, so that they can be compared.
//!
//! A [`World`] is read [from WIT](wit::exports) or [from a compiled component](component::imports).
//! Its types live in one [`Shapes`] table: equal types have one [`ShapeId`], and a type refers only
//! to earlier ones. So a type whose written-out form would be huge stays small, and nothing here
//! recurses deeper than [`protocol::limits::TYPE_DEPTH_MAX`].
//!
//! Names of members are part of a shape, names of types are not, as in the component model.
//! Resources are the exception: they are told apart by [`ResourceId`].

pub mod component;
pub mod diff;
mod facts;
mod print;
pub mod wit;

pub use facts::{FLAT_MAX, Facts, Unsupported};

use std::collections::HashMap;
use std::fmt;

/// A type in the [`Shapes`] table that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShapeId(u32);

/// A resource type: the interface that owns it, and its name there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId {
    /// Full name with version, as in `ns:pkg/iface@1.0.0`. `None` for one at world level.
    pub interface: Option<String>,
    /// Name in the owning interface.
    pub name: String,
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.interface {
            Some(interface) => write!(f, "{interface}#{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// A component-model type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the variants are the component model's own names")]
pub enum Shape {
    Bool,
    S8,
    U8,
    S16,
    U16,
    S32,
    U32,
    S64,
    U64,
    F32,
    F64,
    Char,
    String,
    List(ShapeId),
    FixedList(ShapeId, u32),
    Map(ShapeId, ShapeId),
    /// Fields with their names, in order.
    Record(Vec<(String, ShapeId)>),
    Tuple(Vec<ShapeId>),
    /// Cases with their names and payloads, in order.
    Variant(Vec<(String, Option<ShapeId>)>),
    Enum(Vec<String>),
    Option(ShapeId),
    Result(Option<ShapeId>, Option<ShapeId>),
    Flags(Vec<String>),
    Own(ResourceId),
    Borrow(ResourceId),
    /// A type whose values cannot be carried to a bundle.
    Unsupported(Unsupported),
}

/// A function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Name in its interface, as the component model spells it: `add`, `[method]counter.next`.
    pub name: String,
    /// Names and types of the parameters; a method's first is `self`.
    pub params: Vec<(String, ShapeId)>,
    /// Type of the result, if there is one.
    pub result: Option<ShapeId>,
    /// Whether it is an `async func`.
    pub is_async: bool,
}

/// Functions and resource types under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Full name with version, or the plain name of an interface written inside a world.
    pub name: String,
    /// In the order of their declaration.
    pub functions: Vec<Function>,
    /// Names of the resource types that this interface owns; those it merely uses are not here.
    pub resources: Vec<String>,
}

impl Interface {
    /// The function of that name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }

    /// Whether it only names types, which need no one to serve them.
    pub fn is_types_only(&self) -> bool {
        self.functions.is_empty() && self.resources.is_empty()
    }
}

/// One side of a world: everything that a component imports, or that a bundle exports.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// The types of all functions.
    pub shapes: Shapes,
    /// In the order of their declaration.
    pub interfaces: Vec<Interface>,
    /// Functions at world level.
    pub functions: Vec<Function>,
    /// Names of items that are neither, and what they are.
    pub others: Vec<(String, &'static str)>,
}

impl World {
    /// The interface of exactly that name.
    pub fn interface(&self, name: &str) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.name == name)
    }

    /// The function of that name at world level.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }
}

/// A table of types without duplicates.
#[derive(Debug, Clone, Default)]
pub struct Shapes {
    entries: Vec<(Shape, Facts)>,
    ids: HashMap<Shape, ShapeId>,
}

impl Shapes {
    /// The id of `shape`, whose parts must be of this table.
    ///
    /// A shape that breaks a limit of the protocol becomes a [`Shape::Unsupported`].
    pub fn add(&mut self, shape: Shape) -> ShapeId {
        if let Some(id) = self.ids.get(&shape) {
            return *id;
        }
        match facts::of(self, &shape) {
            Err(reason) => self.add(Shape::Unsupported(reason)),
            Ok(facts) => {
                // A table never comes near 2^32 entries: its sources are bounded far below.
                let id = ShapeId(u32::try_from(self.entries.len()).unwrap_or(u32::MAX));
                self.entries.push((shape.clone(), facts));
                self.ids.insert(shape, id);
                id
            }
        }
    }

    /// The type behind `id`.
    pub fn get(&self, id: ShapeId) -> &Shape {
        const UNKNOWN: &Shape = &Shape::Unsupported(Unsupported::Unknown);
        self.entry(id).map_or(UNKNOWN, |(shape, _)| shape)
    }

    /// What is known about the type behind `id`.
    pub fn facts(&self, id: ShapeId) -> Facts {
        self.entry(id).map_or(Facts::unsupported(Unsupported::Unknown), |(_, facts)| *facts)
    }

    /// `id` in WIT syntax, cut with an ellipsis after about `chars_max` characters.
    pub fn print(&self, id: ShapeId, chars_max: usize) -> String {
        print::shape(self, id, chars_max)
    }

    /// `function` in WIT syntax without its name, as in `func(a: u32) -> string`, cut likewise.
    pub fn print_function(&self, function: &Function, chars_max: usize) -> String {
        print::function(self, function, chars_max)
    }

    fn entry(&self, id: ShapeId) -> Option<&(Shape, Facts)> {
        self.entries.get(usize::try_from(id.0).ok()?)
    }
}
