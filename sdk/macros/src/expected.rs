//! What wit-bindgen must have generated for a world, so that a change in its output becomes an
//! error of the macro and never a library that lacks a symbol.

use std::collections::BTreeSet;

use wit_bindgen_core::abi::guest_export_needs_post_return;
use wit_bindgen_core::wit_parser::abi::AbiVariant;
use wit_bindgen_core::wit_parser::{
    Function, FunctionKind, Resolve, TypeDefKind, WorldId, WorldItem,
};

use crate::symbol::post_return_name;

/// The names that the generated code must export, as wit-bindgen spells them.
#[derive(Default)]
pub(crate) struct Expected {
    /// Every export: functions, post-return functions, destructors.
    pub(crate) exports: BTreeSet<String>,
    /// The methods among them that get `self` as a parameter of its own, which wit-bindgen types
    /// as a pointer. (With more than 16 flat parameters it lies in memory, as a handle.)
    pub(crate) direct_methods: BTreeSet<String>,
    /// How many resources are exported.
    pub(crate) resources: usize,
}

impl Expected {
    pub(crate) fn of(resolve: &Resolve, world: WorldId) -> Self {
        let mut expected = Self::default();
        for (key, item) in &resolve.worlds[world].exports {
            match item {
                WorldItem::Function(function) => expected.function(resolve, None, function),
                WorldItem::Interface { id, .. } => {
                    let name = resolve.name_world_key(key);
                    let interface = &resolve.interfaces[*id];
                    for function in interface.functions.values() {
                        expected.function(resolve, Some(&name), function);
                    }
                    for (type_name, id) in &interface.types {
                        if matches!(resolve.types[*id].kind, TypeDefKind::Resource) {
                            expected.exports.insert(format!("{name}#[dtor]{type_name}"));
                            expected.resources += 1;
                        }
                    }
                }
                WorldItem::Type { .. } => {}
            }
        }
        expected
    }

    fn function(&mut self, resolve: &Resolve, interface: Option<&str>, function: &Function) {
        let name = function.legacy_core_export_name(interface).into_owned();
        let signature = resolve.wasm_signature(AbiVariant::GuestExport, function);
        if matches!(function.kind, FunctionKind::Method(_)) && !signature.indirect_params {
            self.direct_methods.insert(name.clone());
        }
        if guest_export_needs_post_return(resolve, function) {
            self.exports.insert(post_return_name(&name));
        }
        self.exports.insert(name);
    }
}
