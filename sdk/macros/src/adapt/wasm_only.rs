//! Drops what only a WebAssembly linker reads.
//!
//! That is everything under `cfg(target_arch = "wasm32")`: import declarations and the section
//! that describes the component's type. The native halves of the import declarations stay. They
//! are never called, since a bundle imports nothing, but should one be, it says so.

use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Block, File, Item, ItemFn, ItemMod, Stmt, parse_quote};

pub(super) fn remove(file: &mut File) {
    WasmOnly.visit_file_mut(file);
}

struct WasmOnly;

impl VisitMut for WasmOnly {
    fn visit_file_mut(&mut self, file: &mut File) {
        file.items.retain(|item| !is_wasm_only(item));
        visit_mut::visit_file_mut(self, file);
    }

    fn visit_item_mod_mut(&mut self, module: &mut ItemMod) {
        if let Some((_, items)) = &mut module.content {
            items.retain(|item| !is_wasm_only(item));
        }
        visit_mut::visit_item_mod_mut(self, module);
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        block.stmts.retain(|stmt| !matches!(stmt, Stmt::Item(item) if is_wasm_only(item)));
        visit_mut::visit_block_mut(self, block);
    }

    fn visit_item_fn_mut(&mut self, function: &mut ItemFn) {
        let native = |attr: &Attribute| cfg_is(attr, "not (target_arch = \"wasm32\")");
        if function.attrs.iter().any(native) {
            function.attrs.retain(|attr| !native(attr));
            *function.block =
                parse_quote!({ ::core::panic!("a bundle imports nothing: no such function") });
        }
        visit_mut::visit_item_fn_mut(self, function);
    }
}

fn is_wasm_only(item: &Item) -> bool {
    let attrs = match item {
        Item::ForeignMod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        _ => return false,
    };
    attrs.iter().any(|attr| cfg_is(attr, "target_arch = \"wasm32\""))
}

/// Whether `attr` is `#[cfg(...)]` with exactly this condition, white space aside.
fn cfg_is(attr: &Attribute, condition: &str) -> bool {
    let squeeze = |text: &str| text.split_whitespace().collect::<String>();
    attr.path().is_ident("cfg")
        && attr
            .meta
            .require_list()
            .is_ok_and(|list| squeeze(&list.tokens.to_string()) == squeeze(condition))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use quote::ToTokens;

    #[test]
    fn the_wasm_half_goes_and_the_native_half_speaks() {
        let mut file = syn::parse_file(
            r#"
            fn call() {
                #[cfg(target_arch = "wasm32")]
                #[link(wasm_import_module = "m")]
                unsafe extern "C" { fn f(); }
                #[cfg(not(target_arch = "wasm32"))]
                unsafe extern "C" fn f() { unreachable!() }
                f()
            }
            #[cfg(target_arch = "wasm32")]
            static SECTION: [u8; 1] = *b"x";
            "#,
        )
        .unwrap();
        super::remove(&mut file);
        let text = file.to_token_stream().to_string();
        assert!(!text.contains("cfg") && !text.contains("SECTION"), "{text}");
        assert!(!text.contains("unreachable") && text.contains("imports nothing"), "{text}");
    }
}
