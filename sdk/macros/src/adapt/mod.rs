//! Turns wit-bindgen's output for a WebAssembly guest into a native library.
//!
//! Five changes, each in its own module:
//! `resources` puts handles on the table of the runtime, in place of intrinsics that only a
//! component has; `exports` renames the exported functions, keeps panics inside them and makes
//! destructors take handles; `lists` accepts the null pointer for an empty list; `wasm_only` drops
//! what only a WebAssembly linker reads; `lints` keeps the author's lints off generated code.
//!
//! The output is parsed and changed as a syntax tree. What was changed is counted and compared
//! with what the WIT demands, so that another shape of output cannot pass unnoticed.

mod exports;
mod lints;
mod lists;
mod resources;
mod wasm_only;

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{Item, ItemMacro};

use crate::expected::Expected;

/// Adapts the source text `generated`.
///
/// # Errors
/// Text that says what in the output was not as this version of wit-bindgen makes it.
pub(crate) fn adapt(generated: &str, expected: &Expected) -> Result<TokenStream, String> {
    let mut file = syn::parse_file(generated).map_err(|error| unexpected(&error.to_string()))?;
    let mut resources = resources::Adapted::default();
    resources::adapt(&mut file.items, &mut resources)?;
    resources.check(expected.resources)?;
    lists::adapt(&mut file);
    wasm_only::remove(&mut file);

    let mut exported = Vec::new();
    each_macro(&mut file.items, &mut |name, item| {
        if name.starts_with("__export_") && name.ends_with("_cabi") {
            exports::adapt(item, expected, &mut exported)
        } else if name.starts_with("__export_") && name.ends_with("_impl") {
            exports::add_runtime_exports(item)
        } else {
            Ok(())
        }
    })?;
    exports::check(&exported, expected)?;

    lints::silence(&mut file.items);
    Ok(file.into_token_stream())
}

/// The error for output that is not what was counted on.
fn unexpected(what: &str) -> String {
    format!(
        "wit-bindgen's output is not what wrun-bundle adapts: {what}. wrun-bundle needs exactly \
         the version of wit-bindgen-rust that it pins; is another one patched in?"
    )
}

/// Calls `change` for each `macro_rules!` in `items` and in the modules there.
fn each_macro(
    items: &mut [Item],
    change: &mut impl FnMut(&str, &mut ItemMacro) -> Result<(), String>,
) -> Result<(), String> {
    for item in items {
        match item {
            Item::Macro(item) => {
                let name = item.ident.as_ref().map(Ident::to_string);
                if let Some(name) = name {
                    change(&name, item)?;
                }
            }
            Item::Mod(module) => {
                if let Some((_, items)) = &mut module.content {
                    each_macro(items, change)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}
