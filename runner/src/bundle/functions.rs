//! The functions that a bundle exports, by the names with which an operator speaks of them.

use super::exports::Exports;
use super::symbols::component_name;
use crate::document::nearest::nearest;
use crate::shape::Function;

impl Exports {
    /// Every function and its component name, `ns:pkg/iface@1.0.0#func`, or `func` for one at world
    /// level. In the order of their declaration.
    pub fn functions(&self) -> impl Iterator<Item = (String, &Function)> {
        let of_interfaces = self.world.interfaces.iter().flat_map(|interface| {
            let named = |function| (interface.name.as_str(), function);
            interface.functions.iter().map(named)
        });
        let named =
            |(interface, function): (_, &Function)| component_name(interface, &function.name);
        let all = of_interfaces.map(|(interface, function)| (Some(interface), function));
        let all = all.chain(self.world.functions.iter().map(|function| (None, function)));
        all.map(move |pair| (named(pair), pair.1))
    }

    /// The function of exactly that component name.
    pub fn function(&self, component_name: &str) -> Option<&Function> {
        match component_name.rsplit_once('#') {
            Some((interface, function)) => self.world.interface(interface)?.function(function),
            None => self.world.function(component_name),
        }
    }

    /// What `wanted`, which names no function, may have meant; without a version if it has none.
    pub(crate) fn nearest_function(&self, wanted: &str) -> Option<String> {
        let with_version = wanted.contains('@');
        let shown = |name: String| if with_version { name } else { without_version(&name) };
        let known: Vec<String> = self.functions().map(|(name, _)| shown(name)).collect();
        nearest(wanted, known.iter().map(String::as_str), 1).first().map(|near| (*near).to_owned())
    }
}

/// Whether `wanted`, with or without a version, means the function of that component name.
pub(crate) fn means_function(wanted: &str, component_name: &str) -> bool {
    wanted == component_name
        || (component_name.contains('@') && wanted == without_version(component_name))
}

fn without_version(component_name: &str) -> String {
    match component_name.rsplit_once('#') {
        Some((interface, function)) => {
            let name = interface.split_once('@').map_or(interface, |(name, _)| name);
            format!("{name}#{function}")
        }
        None => component_name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_with_or_without_its_version() {
        let full = "ns:pkg/iface@1.2.3#[method]r.f";
        assert!(means_function(full, full));
        assert!(means_function("ns:pkg/iface#[method]r.f", full));
        assert!(means_function("plain", "plain"));
        for other in ["iface#[method]r.f", "ns:pkg/iface@1.2.4#[method]r.f", "ns:pkg/iface#f", "f"]
        {
            assert!(!means_function(other, full), "{other}");
        }
    }
}
