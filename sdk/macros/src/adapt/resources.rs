//! Puts the handles of exported resources on the table of the runtime.
//!
//! A component has intrinsics for this (`[resource-new]`, `[resource-rep]`, `[resource-drop]`);
//! off WebAssembly wit-bindgen leaves them `unreachable!()`. And where a component gets a `borrow`
//! of its own resource as an address of 32 bits, a library gets a handle as everywhere else.
//!
//! For a resource `r` wit-bindgen makes: a struct `R` around an own handle, a struct `RBorrow`
//! around the address, a trait `GuestR` that the author implements, and an `impl WasmResource`.

use proc_macro2::Ident;
use quote::{ToTokens, format_ident};
use syn::visit_mut::{self, VisitMut};
use syn::{
    Block, Expr, ExprCall, ExprCast, FnArg, ImplItem, ImplItemFn, Item, ItemFn, ItemImpl,
    ItemTrait, Stmt, TraitItem, Type, parse_quote,
};

use super::unexpected;

/// How often each part was found: once for every exported resource.
#[derive(Default)]
pub(super) struct Adapted {
    owned: usize,
    borrowed: usize,
    dropped: usize,
    traits: usize,
}

impl Adapted {
    /// # Errors
    /// If a resource lacks one of its parts.
    pub(super) fn check(&self, resources: usize) -> Result<(), String> {
        for (what, found) in [
            ("`from_handle` and `take_handle`", self.owned),
            ("`lift`", self.borrowed),
            ("`drop`", self.dropped),
            ("`_resource_new` and `_resource_rep`", self.traits),
        ] {
            if found != resources {
                return Err(unexpected(&format!("{what} for {found} of {resources} resources")));
            }
        }
        Ok(())
    }
}

/// Adapts the resources in `items` and in the modules there.
pub(super) fn adapt(items: &mut Vec<Item>, adapted: &mut Adapted) -> Result<(), String> {
    let mut names = Vec::new();
    for item in items.iter_mut() {
        match item {
            Item::Mod(module) => {
                if let Some((_, items)) = &mut module.content {
                    adapt(items, adapted)?;
                }
            }
            Item::Impl(item) => names.extend(adapt_impl(item, adapted)?),
            Item::Trait(item) => adapt_trait(item, adapted)?,
            Item::Fn(function) => adapt_function(function),
            _ => {}
        }
    }
    items.extend(names);
    Ok(())
}

fn adapt_impl(item: &mut ItemImpl, adapted: &mut Adapted) -> Result<Option<Item>, String> {
    let Type::Path(of) = &*item.self_ty else { return Ok(None) };
    let Some(of) = of.path.segments.last().map(|segment| segment.ident.clone()) else {
        return Ok(None);
    };
    if let Some((_, path, _)) = &item.trait_ {
        let is_drop = path.segments.last().is_some_and(|last| last.ident == "WasmResource");
        return if is_drop { adapt_drop(item, &of, adapted) } else { Ok(None) };
    }
    if let Some(resource) = of.to_string().strip_suffix("Borrow")
        && let Some(lift) = method(item, "lift")
    {
        let resource = format_ident!("{resource}");
        *lift = parse_quote! {
            #[doc(hidden)]
            pub unsafe fn lift(handle: u32) -> Self {
                Self {
                    rep: ::wrun_bundle::rt::borrow::<#resource>(handle),
                    _marker: ::core::marker::PhantomData,
                }
            }
        };
        adapted.borrowed += 1;
        return Ok(None);
    }
    // Imported resources have the first two but no destructor; they stay as they are.
    if method(item, "dtor").is_none() {
        return Ok(None);
    }
    if let Some(from_handle) = method(item, "from_handle") {
        let claim: Stmt = parse_quote!(::wrun_bundle::rt::claim::<#of>(handle););
        from_handle.block.stmts.insert(0, claim);
    } else {
        return Err(unexpected(&format!("`{of}` has no `from_handle`")));
    }
    if let Some(take_handle) = method(item, "take_handle") {
        let inner = take_handle.block.clone();
        take_handle.block = parse_quote!({
            let handle: u32 = #inner;
            ::wrun_bundle::rt::release::<#of>(handle);
            handle
        });
    } else {
        return Err(unexpected(&format!("`{of}` has no `take_handle`")));
    }
    adapted.owned += 1;
    Ok(None)
}

/// `impl WasmResource for R`: dropping an own handle that the library holds.
fn adapt_drop(
    item: &mut ItemImpl,
    of: &Ident,
    adapted: &mut Adapted,
) -> Result<Option<Item>, String> {
    let Some(drop) = method(item, "drop") else {
        return Err(unexpected(&format!("`{of}` has no `drop`")));
    };
    let text = drop.block.to_token_stream().to_string();
    let Some(interface) = between(&text, "\"[export]", "\"") else {
        return Ok(None);
    };
    let Some(resource) = between(&text, "\"[resource-drop]", "\"") else {
        return Err(unexpected(&format!("`{of}` is dropped without `[resource-drop]`")));
    };
    let name = format!("{interface}#{resource}");
    drop.block = parse_quote!({ ::wrun_bundle::rt::resource_drop::<#of>(_handle) });
    adapted.dropped += 1;
    Ok(Some(parse_quote! {
        impl ::wrun_bundle::rt::Exported for #of {
            const NAME: &'static str = #name;
        }
    }))
}

/// `trait GuestR`: making a handle for a representation, and the way back.
fn adapt_trait(item: &mut ItemTrait, adapted: &mut Adapted) -> Result<(), String> {
    let trait_name = item.ident.to_string();
    let Some(resource) = trait_name.strip_prefix("Guest").filter(|name| !name.is_empty()) else {
        return Ok(());
    };
    let resource = format_ident!("{resource}");
    let mut found = 0;
    for member in &mut item.items {
        let TraitItem::Fn(function) = member else { continue };
        let body: Block = match function.sig.ident.to_string().as_str() {
            "_resource_new" => parse_quote!({
                unsafe {
                    ::wrun_bundle::rt::resource_new::<#resource>(val, #resource::dtor::<Self>)
                }
            }),
            "_resource_rep" => {
                parse_quote!({ ::wrun_bundle::rt::resource_rep::<#resource>(handle) })
            }
            _ => continue,
        };
        function.default = Some(body);
        found += 1;
    }
    match found {
        2 => adapted.traits += 1,
        0 => {}
        _ => return Err(unexpected(&format!("`{trait_name}` has only half of its functions"))),
    }
    Ok(())
}

/// A function at the boundary: lifts each borrow from a handle, `self` too.
fn adapt_function(function: &mut ItemFn) {
    let mut lifts = Lifts::default();
    lifts.visit_item_fn_mut(function);
    for argument in &mut function.sig.inputs {
        let FnArg::Typed(argument) = argument else { continue };
        let name = argument.pat.to_token_stream().to_string();
        // wit-bindgen types `self` as the pointer that it is in a component.
        if lifts.operands.contains(&name) && matches!(&*argument.ty, Type::Ptr(_)) {
            argument.ty = parse_quote!(i32);
        }
    }
}

/// Finds `RBorrow::lift(with_exposed_provenance(OPERAND as u32 as usize))` and leaves
/// `RBorrow::lift(OPERAND as u32)`. `lift` takes a `u32` now, so that a place which is not found
/// does not compile.
#[derive(Default)]
struct Lifts {
    operands: Vec<String>,
}

impl VisitMut for Lifts {
    fn visit_expr_call_mut(&mut self, call: &mut ExprCall) {
        visit_mut::visit_expr_call_mut(self, call);
        if !ends_with(&call.func, "lift") {
            return;
        }
        let Some(Expr::Call(address)) = call.args.first() else { return };
        if !ends_with(&address.func, "with_exposed_provenance") {
            return;
        }
        let Some(Expr::Cast(ExprCast { expr, .. })) = address.args.first() else { return };
        let Expr::Cast(ExprCast { expr: operand, .. }) = &**expr else { return };
        self.operands.push(operand.to_token_stream().to_string());
        let handle: Expr = parse_quote!(#operand as u32);
        call.args.clear();
        call.args.push(handle);
    }
}

fn ends_with(function: &Expr, name: &str) -> bool {
    let Expr::Path(path) = function else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == name)
}

fn method<'a>(item: &'a mut ItemImpl, name: &str) -> Option<&'a mut ImplItemFn> {
    item.items.iter_mut().find_map(|member| match member {
        ImplItem::Fn(function) if function.sig.ident == name => Some(function),
        _ => None,
    })
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(found, _)| found)
}
