//! Every difference between the function that a component wants and the one that a bundle has.
//!
//! Types must be equal, member by member: the component model converts nothing between them.

use super::{Function, ResourceId, Shape, ShapeId, Shapes};
use std::collections::HashMap;

/// Most differences that are listed for one function. A type that occurs in many places differs in
/// all of them; the first places tell enough.
pub const DIFFERENCES_MAX: usize = 16;

/// How much of a type is printed, in characters.
const PRINTED_MAX: usize = 160;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where, from the outside in, as in ``parameter `options`, field `limit` ``.
    pub place: String,
    /// What the component wants there.
    pub wanted: String,
    /// What the bundle has there.
    pub found: String,
}

/// A field, case, flag or parameter.
type Member<'m> = (&'m str, Option<ShapeId>);

/// Compares types of two tables, and remembers which are equal.
pub struct Diff<'a> {
    wanted: &'a Shapes,
    found: &'a Shapes,
    /// Whether a resource that the component names is one that the bundle names.
    same_resource: &'a dyn Fn(&ResourceId, &ResourceId) -> bool,
    equal: HashMap<(ShapeId, ShapeId), bool>,
    place: Vec<String>,
    differences: Vec<Difference>,
}

impl std::fmt::Debug for Diff<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Diff").field("differences", &self.differences).finish_non_exhaustive()
    }
}

impl<'a> Diff<'a> {
    /// Compares types of `wanted` with types of `found`.
    pub fn new(
        wanted: &'a Shapes,
        found: &'a Shapes,
        same_resource: &'a dyn Fn(&ResourceId, &ResourceId) -> bool,
    ) -> Self {
        Self {
            wanted,
            found,
            same_resource,
            equal: HashMap::new(),
            place: Vec::new(),
            differences: Vec::new(),
        }
    }

    /// The differences between two functions, at most [`DIFFERENCES_MAX`]. Empty if they are equal.
    pub fn functions(&mut self, wanted: &'a Function, found: &'a Function) -> Vec<Difference> {
        if wanted.is_async != found.is_async {
            let kind = |function: &Function| if function.is_async { "async func" } else { "func" };
            self.differ(kind(wanted), kind(found));
        }
        self.members("parameter", &typed(&wanted.params), &typed(&found.params));
        self.at("result", |diff| diff.optional(wanted.result, found.result, "no result"));
        std::mem::take(&mut self.differences)
    }

    fn at(&mut self, step: impl Into<String>, compare: impl FnOnce(&mut Self)) {
        self.place.push(step.into());
        compare(self);
        self.place.pop();
    }

    fn differ(&mut self, wanted: impl Into<String>, found: impl Into<String>) {
        if self.differences.len() < DIFFERENCES_MAX {
            let place = self.place.join(", ");
            self.differences.push(Difference { place, wanted: wanted.into(), found: found.into() });
        }
    }

    /// Compares two types that may be absent, which is then called `absent`.
    fn optional(&mut self, wanted: Option<ShapeId>, found: Option<ShapeId>, absent: &str) {
        match (wanted, found) {
            (None, None) => {}
            (Some(wanted), Some(found)) => self.types(wanted, found),
            _ => {
                let text = |shapes: &Shapes, id: Option<ShapeId>| {
                    id.map_or_else(|| absent.to_owned(), |id| print(shapes, id))
                };
                self.differ(text(self.wanted, wanted), text(self.found, found));
            }
        }
    }

    /// Lists what differs between two types. Stops early when the list is full.
    fn types(&mut self, wanted: ShapeId, found: ShapeId) {
        if self.differences.len() >= DIFFERENCES_MAX || self.is_equal(wanted, found) {
            return;
        }
        match (self.wanted.get(wanted), self.found.get(found)) {
            (Shape::List(a), Shape::List(b)) => self.at("element", |diff| diff.types(*a, *b)),
            (Shape::FixedList(a, n), Shape::FixedList(b, m)) if n == m => {
                self.at("element", |diff| diff.types(*a, *b));
            }
            (Shape::Map(key_a, value_a), Shape::Map(key_b, value_b)) => {
                self.at("key", |diff| diff.types(*key_a, *key_b));
                self.at("value", |diff| diff.types(*value_a, *value_b));
            }
            (Shape::Option(a), Shape::Option(b)) => self.at("some", |diff| diff.types(*a, *b)),
            (Shape::Result(ok_a, err_a), Shape::Result(ok_b, err_b)) => {
                self.at("ok", |diff| diff.optional(*ok_a, *ok_b, "no type"));
                self.at("err", |diff| diff.optional(*err_a, *err_b, "no type"));
            }
            (Shape::Tuple(a), Shape::Tuple(b)) if a.len() == b.len() => {
                for (index, (a, b)) in a.iter().zip(b).enumerate() {
                    self.at(format!("item {index}"), |diff| diff.types(*a, *b));
                }
            }
            (Shape::Record(a), Shape::Record(b)) => self.members("field", &typed(a), &typed(b)),
            (Shape::Variant(a), Shape::Variant(b)) => {
                let cases = |cases: &'a [(String, _)]| -> Vec<Member<'a>> {
                    cases.iter().map(|(name, ty)| (name.as_str(), *ty)).collect()
                };
                self.members("case", &cases(a), &cases(b));
            }
            (Shape::Enum(a), Shape::Enum(b)) => self.members("case", &untyped(a), &untyped(b)),
            (Shape::Flags(a), Shape::Flags(b)) => self.members("flag", &untyped(a), &untyped(b)),
            (Shape::Own(a), Shape::Own(b)) | (Shape::Borrow(a), Shape::Borrow(b)) => {
                self.differ(format!("a handle of {a}"), format!("a handle of {b}"));
            }
            _ => {
                self.differ(print(self.wanted, wanted), print(self.found, found));
            }
        }
    }

    /// Compares two lists of named members: which are missing, which are too many, whether the
    /// rest is in the same order, and whether members of the same name have equal types.
    fn members(&mut self, kind: &str, wanted: &[Member<'a>], found: &[Member<'a>]) {
        let (types_wanted, types_found) = (index(wanted), index(found));
        for (name, ty) in wanted {
            self.at(format!("{kind} `{name}`"), |diff| match types_found.get(name) {
                Some(ty_found) => diff.optional(*ty, *ty_found, "no payload"),
                None => diff.differ(member(diff.wanted, kind, *ty), format!("no such {kind}")),
            });
        }
        for (name, ty) in found.iter().filter(|(name, _)| !types_wanted.contains_key(name)) {
            self.at(format!("{kind} `{name}`"), |diff| {
                diff.differ(format!("no such {kind}"), member(diff.found, kind, *ty));
            });
        }
        let order_wanted = common(wanted, &types_found);
        let order_found = common(found, &types_wanted);
        if order_wanted != order_found {
            self.at(format!("order of the {kind}s"), |diff| {
                diff.differ(shorten(&order_wanted.join(", ")), shorten(&order_found.join(", ")));
            });
        }
    }

    fn is_equal(&mut self, wanted: ShapeId, found: ShapeId) -> bool {
        if let Some(known) = self.equal.get(&(wanted, found)) {
            return *known;
        }
        let equal = self.compare(wanted, found);
        self.equal.insert((wanted, found), equal);
        equal
    }

    fn is_equal_optional(&mut self, wanted: Option<ShapeId>, found: Option<ShapeId>) -> bool {
        match (wanted, found) {
            (None, None) => true,
            (Some(wanted), Some(found)) => self.is_equal(wanted, found),
            _ => false,
        }
    }

    fn compare(&mut self, wanted: ShapeId, found: ShapeId) -> bool {
        match (self.wanted.get(wanted), self.found.get(found)) {
            (Shape::List(a), Shape::List(b)) | (Shape::Option(a), Shape::Option(b)) => {
                self.is_equal(*a, *b)
            }
            (Shape::FixedList(a, n), Shape::FixedList(b, m)) => n == m && self.is_equal(*a, *b),
            (Shape::Map(key_a, value_a), Shape::Map(key_b, value_b)) => {
                self.is_equal(*key_a, *key_b) && self.is_equal(*value_a, *value_b)
            }
            (Shape::Result(ok_a, err_a), Shape::Result(ok_b, err_b)) => {
                self.is_equal_optional(*ok_a, *ok_b) && self.is_equal_optional(*err_a, *err_b)
            }
            (Shape::Record(a), Shape::Record(b)) => {
                a.len() == b.len()
                    && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && self.is_equal(a.1, b.1))
            }
            (Shape::Tuple(a), Shape::Tuple(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.is_equal(*a, *b))
            }
            (Shape::Variant(a), Shape::Variant(b)) => {
                a.len() == b.len()
                    && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && self.is_equal_optional(a.1, b.1))
            }
            (Shape::Own(a), Shape::Own(b)) | (Shape::Borrow(a), Shape::Borrow(b)) => {
                (self.same_resource)(a, b)
            }
            (a, b) => a == b,
        }
    }
}

fn print(shapes: &Shapes, id: ShapeId) -> String {
    shapes.print(id, PRINTED_MAX)
}

fn typed(members: &[(String, ShapeId)]) -> Vec<Member<'_>> {
    members.iter().map(|(name, ty)| (name.as_str(), Some(*ty))).collect()
}

fn untyped(names: &[String]) -> Vec<Member<'_>> {
    names.iter().map(|name| (name.as_str(), None)).collect()
}

fn index<'m>(members: &[Member<'m>]) -> HashMap<&'m str, Option<ShapeId>> {
    members.iter().copied().collect()
}

/// The names that `others` has too, in their order.
fn common<'m>(members: &[Member<'m>], others: &HashMap<&str, Option<ShapeId>>) -> Vec<&'m str> {
    members.iter().map(|(name, _)| *name).filter(|name| others.contains_key(name)).collect()
}

/// What one side has where the other has nothing.
fn member(shapes: &Shapes, kind: &str, ty: Option<ShapeId>) -> String {
    ty.map_or_else(|| format!("this {kind}"), |ty| print(shapes, ty))
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(PRINTED_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
