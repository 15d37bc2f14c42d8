//! Types and functions in WIT syntax, with a bound on the length: a type that is small in its table
//! can be astronomically long when written out.

use super::{Function, ResourceId, Shape, ShapeId, Shapes};
use std::fmt::Write;

/// The budget of characters is used up.
struct Full;

struct Printer<'a> {
    shapes: &'a Shapes,
    text: String,
    chars_left: usize,
}

pub(super) fn shape(shapes: &Shapes, id: ShapeId, chars_max: usize) -> String {
    let mut printer = Printer { shapes, text: String::new(), chars_left: chars_max };
    let done = printer.shape(id);
    printer.finish(done)
}

pub(super) fn function(shapes: &Shapes, function: &Function, chars_max: usize) -> String {
    let mut printer = Printer { shapes, text: String::new(), chars_left: chars_max };
    let done = printer.function(function);
    printer.finish(done)
}

impl Printer<'_> {
    fn finish(mut self, done: Result<(), Full>) -> String {
        if done.is_err() {
            self.text.push('…');
        }
        self.text
    }

    fn put(&mut self, text: &str) -> Result<(), Full> {
        for c in text.chars() {
            self.chars_left = self.chars_left.checked_sub(1).ok_or(Full)?;
            self.text.push(c);
        }
        Ok(())
    }

    fn function(&mut self, function: &Function) -> Result<(), Full> {
        self.put(if function.is_async { "async func(" } else { "func(" })?;
        for (index, (name, ty)) in function.params.iter().enumerate() {
            self.put(if index == 0 { "" } else { ", " })?;
            self.put(name)?;
            self.put(": ")?;
            self.shape(*ty)?;
        }
        self.put(")")?;
        if let Some(result) = function.result {
            self.put(" -> ")?;
            self.shape(result)?;
        }
        Ok(())
    }

    fn shape(&mut self, id: ShapeId) -> Result<(), Full> {
        let shapes = self.shapes;
        match shapes.get(id) {
            Shape::Bool => self.put("bool"),
            Shape::S8 => self.put("s8"),
            Shape::U8 => self.put("u8"),
            Shape::S16 => self.put("s16"),
            Shape::U16 => self.put("u16"),
            Shape::S32 => self.put("s32"),
            Shape::U32 => self.put("u32"),
            Shape::S64 => self.put("s64"),
            Shape::U64 => self.put("u64"),
            Shape::F32 => self.put("f32"),
            Shape::F64 => self.put("f64"),
            Shape::Char => self.put("char"),
            Shape::String => self.put("string"),
            Shape::List(element) => self.generic("list", &[Some(*element)]),
            Shape::FixedList(element, length) => {
                self.put("list<")?;
                self.shape(*element)?;
                self.number(", ", *length)?;
                self.put(">")
            }
            Shape::Map(key, value) => self.generic("map", &[Some(*key), Some(*value)]),
            Shape::Tuple(types) => {
                self.generic("tuple", &types.iter().copied().map(Some).collect::<Vec<_>>())
            }
            Shape::Option(some) => self.generic("option", &[Some(*some)]),
            Shape::Result(None, None) => self.put("result"),
            Shape::Result(ok, None) => self.generic("result", &[*ok]),
            Shape::Result(ok, err) => self.generic("result", &[*ok, *err]),
            Shape::Record(fields) => {
                self.members("record", fields.iter().map(|(name, ty)| (name, ": ", Some(*ty))))
            }
            Shape::Variant(cases) => {
                self.members("variant", cases.iter().map(|(name, ty)| (name, "(", *ty)))
            }
            Shape::Enum(names) => self.members("enum", names.iter().map(|name| (name, "", None))),
            Shape::Flags(names) => self.members("flags", names.iter().map(|name| (name, "", None))),
            Shape::Own(resource) => self.handle("own", resource),
            Shape::Borrow(resource) => self.handle("borrow", resource),
            Shape::Unsupported(reason) => self.put(&reason.to_string()),
        }
    }

    fn number(&mut self, before: &str, number: u32) -> Result<(), Full> {
        let mut text = before.to_owned();
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{number}");
        self.put(&text)
    }

    fn generic(&mut self, name: &str, arguments: &[Option<ShapeId>]) -> Result<(), Full> {
        self.put(name)?;
        self.put("<")?;
        for (index, argument) in arguments.iter().enumerate() {
            self.put(if index == 0 { "" } else { ", " })?;
            match argument {
                Some(ty) => self.shape(*ty)?,
                None => self.put("_")?,
            }
        }
        self.put(">")
    }

    fn members<'m>(
        &mut self,
        kind: &str,
        members: impl Iterator<Item = (&'m String, &'m str, Option<ShapeId>)>,
    ) -> Result<(), Full> {
        self.put(kind)?;
        for (index, (name, before, ty)) in members.enumerate() {
            self.put(if index == 0 { " { " } else { ", " })?;
            self.put(name)?;
            if let Some(ty) = ty {
                self.put(before)?;
                self.shape(ty)?;
                self.put(if before == "(" { ")" } else { "" })?;
            }
        }
        self.put(" }")
    }

    fn handle(&mut self, kind: &str, resource: &ResourceId) -> Result<(), Full> {
        self.put(kind)?;
        self.put("<")?;
        self.put(&resource.name)?;
        self.put(">")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_printed_in_wit_syntax() {
        let mut shapes = Shapes::default();
        let u8_ = shapes.add(Shape::U8);
        let string = shapes.add(Shape::String);
        let list = shapes.add(Shape::FixedList(u8_, 4));
        let map = shapes.add(Shape::Map(string, list));
        let cases = vec![("one".into(), Some(map)), ("none".into(), None)];
        let variant = shapes.add(Shape::Variant(cases));
        let counter = ResourceId { interface: Some("a:b/c".into()), name: "counter".into() };
        let borrow = shapes.add(Shape::Borrow(counter));
        let record = shapes.add(Shape::Record(vec![("v".into(), variant), ("b".into(), borrow)]));
        let result = shapes.add(Shape::Result(None, Some(string)));
        let function = Function {
            name: "f".into(),
            params: vec![("r".into(), record)],
            result: Some(result),
            is_async: false,
        };
        assert_eq!(
            shapes.print_function(&function, 200),
            "func(r: record { v: variant { one(map<string, list<u8, 4>>), none }, \
             b: borrow<counter> }) -> result<_, string>"
        );
    }

    #[test]
    fn a_type_that_doubles_at_each_level_is_cut() {
        let mut shapes = Shapes::default();
        let mut id = shapes.add(Shape::U8);
        for _ in 0..60 {
            id = shapes.add(Shape::Tuple(vec![id, id]));
        }
        let text = shapes.print(id, 20);
        assert_eq!(text, "tuple<tuple<tuple<tu…");
    }
}
