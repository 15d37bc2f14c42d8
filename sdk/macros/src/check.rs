//! What a bundle cannot serve is refused here, every case at once, before anything is generated.

use wit_bindgen_core::dealias;
use wit_bindgen_core::wit_parser::{
    Function, Handle, InterfaceId, Resolve, Type, TypeDefKind, TypeId, TypeOwner, WorldId,
    WorldItem,
};

/// The most flags that the component model allows in one type.
const FLAGS_MAX: usize = 32;

/// Refuses a world that a native bundle cannot serve.
///
/// # Errors
/// One line for each problem, with the name of the function.
pub(crate) fn check(resolve: &Resolve, world: WorldId) -> Result<(), String> {
    let items = &resolve.worlds[world];
    let mut check = Check { resolve, exported: Vec::new(), problems: Vec::new() };
    for (key, item) in &items.imports {
        if matches!(item, WorldItem::Function(_)) {
            let name = resolve.name_world_key(key);
            check.problems.push(format!("imported function `{name}`: a bundle imports nothing"));
        }
    }
    for item in items.exports.values() {
        if let WorldItem::Interface { id, .. } = item {
            check.exported.push(*id);
        }
    }
    for (key, item) in &items.exports {
        match item {
            WorldItem::Function(function) => check.function(None, function),
            WorldItem::Interface { id, .. } => {
                let interface = resolve.name_world_key(key);
                for function in resolve.interfaces[*id].functions.values() {
                    check.function(Some(&interface), function);
                }
            }
            WorldItem::Type { .. } => {}
        }
    }
    if items.exports.is_empty() {
        check.problems.push("it exports nothing".to_string());
    }
    if check.problems.is_empty() {
        return Ok(());
    }
    let name = &items.name;
    Err(format!("world `{name}` cannot be a bundle:\n  {}", check.problems.join("\n  ")))
}

struct Check<'a> {
    resolve: &'a Resolve,
    exported: Vec<InterfaceId>,
    problems: Vec<String>,
}

impl Check<'_> {
    fn function(&mut self, interface: Option<&str>, function: &Function) {
        let name = function.legacy_core_export_name(interface);
        if function.kind.is_async() {
            self.problems.push(format!("`{name}`: `async func` cannot be served"));
        }
        for parameter in &function.params {
            let place = format!("`{name}`, parameter `{}`", parameter.name);
            self.walk(&place, &parameter.ty, false);
        }
        if let Some(result) = &function.result {
            self.walk(&format!("`{name}`, result"), result, true);
        }
    }

    /// Looks into `ty` and everything in it. `is_result` is true for what a function returns.
    fn walk(&mut self, place: &str, ty: &Type, is_result: bool) {
        let id = match ty {
            Type::Id(id) => *id,
            Type::ErrorContext => return self.refuse(place, "`error-context`"),
            _ => return,
        };
        match &self.resolve.types[id].kind {
            TypeDefKind::Future(_) => self.refuse(place, "a `future`"),
            TypeDefKind::Stream(_) => self.refuse(place, "a `stream`"),
            TypeDefKind::Handle(Handle::Own(resource) | Handle::Borrow(resource)) => {
                self.handle(place, *resource);
            }
            TypeDefKind::Flags(flags) if flags.flags.len() > FLAGS_MAX => {
                let found = format!("{} flags in one type (the limit is 32)", flags.flags.len());
                self.refuse(place, &found);
            }
            TypeDefKind::FixedLengthList(element, _) => {
                if is_result && self.owns_memory(element) {
                    self.refuse(
                        place,
                        "a fixed-length list of elements with strings or lists in them, as a \
                         result (the generated code would not free them; return a `list`)",
                    );
                }
                self.walk(place, element, is_result);
            }
            kind => {
                for part in parts(kind) {
                    self.walk(place, &part, is_result);
                }
            }
        }
    }

    fn refuse(&mut self, place: &str, what: &str) {
        self.problems.push(format!("{place}: {what} cannot be served"));
    }

    /// A handle is a number that this library gave out: other libraries' mean nothing here.
    fn handle(&mut self, place: &str, resource: TypeId) {
        let resource = dealias(self.resolve, resource);
        let definition = &self.resolve.types[resource];
        if let TypeOwner::Interface(owner) = definition.owner
            && self.exported.contains(&owner)
        {
            return;
        }
        let name = definition.name.as_deref().unwrap_or("?");
        self.problems
            .push(format!("{place}: resource `{name}` is not one that this world exports"));
    }

    fn owns_memory(&self, ty: &Type) -> bool {
        match ty {
            Type::String => true,
            Type::Id(id) => match &self.resolve.types[*id].kind {
                TypeDefKind::List(_) | TypeDefKind::Map(..) => true,
                kind => parts(kind).iter().any(|part| self.owns_memory(part)),
            },
            _ => false,
        }
    }
}

/// The types that a value of this kind directly consists of.
fn parts(kind: &TypeDefKind) -> Vec<Type> {
    match kind {
        TypeDefKind::Record(record) => record.fields.iter().map(|field| field.ty).collect(),
        TypeDefKind::Tuple(tuple) => tuple.types.clone(),
        TypeDefKind::Variant(variant) => variant.cases.iter().filter_map(|case| case.ty).collect(),
        TypeDefKind::Result(result) => result.ok.into_iter().chain(result.err).collect(),
        TypeDefKind::Map(key, value) => vec![*key, *value],
        TypeDefKind::Option(ty)
        | TypeDefKind::List(ty)
        | TypeDefKind::FixedLengthList(ty, _)
        | TypeDefKind::Type(ty) => vec![*ty],
        TypeDefKind::Resource
        | TypeDefKind::Handle(_)
        | TypeDefKind::Flags(_)
        | TypeDefKind::Enum(_)
        | TypeDefKind::Future(_)
        | TypeDefKind::Stream(_)
        | TypeDefKind::Unknown => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::check;
    use wit_bindgen_core::wit_parser::Resolve;

    fn problems(wit: &str) -> String {
        let mut resolve = Resolve::default();
        let package = resolve.push_source("test.wit", wit).unwrap();
        let world = resolve.select_world(&[package], Some("bundle")).unwrap();
        check(&resolve, world).err().unwrap_or_default()
    }

    #[test]
    fn a_plain_world_is_accepted() {
        let wit = "package a:b; interface i { resource r { m: func(o: borrow<r>); } }
                   world bundle { export i; export f: func() -> string; }";
        assert_eq!(problems(wit), "");
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let wit = "package a:b;
            interface types { resource r; f: func(); }
            interface i {
                use types.{r};
                g: func(a: own<r>) -> list<string, 2>;
                h: async func();
                s: func() -> option<stream<u8>>;
                e: func(x: error-context);
            }
            world bundle { import f: func(); export i; }";
        let found = problems(wit);
        for part in [
            "imported function `f`",
            "`a:b/i#g`, parameter `a`: resource `r` is not one",
            "`a:b/i#g`, result: a fixed-length list",
            "`a:b/i#h`: `async func` cannot be served",
            "`a:b/i#s`, result: a `stream` cannot be served",
            "`a:b/i#e`, parameter `x`: `error-context` cannot be served",
        ] {
            assert!(found.contains(part), "{part} is not in:\n{found}");
        }
    }

    #[test]
    fn a_world_without_exports_is_refused() {
        assert!(problems("package a:b; world bundle {}").contains("it exports nothing"));
    }
}
