//! The exported functions: their symbols, their destructors, and panics that stay inside.
//!
//! wit-bindgen puts them into `macro_rules!` with the author's type and the path to the bindings
//! as variables. The body is parsed with names in place of the variables, changed, and put back.

use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Expr, ExprCall, ExprLit, FnArg, Item, ItemFn, ItemMacro, Lit, Meta};
use syn::{MetaNameValue, Path, Type, parse_quote};

use super::{lints, unexpected};
use crate::expected::Expected;
use crate::symbol::export_symbol;

const TYPE: &str = "__wrun_type";
const PATH: &str = "__wrun_path";
const TYPE_VARIABLE: &str = "ty";
const PATH_VARIABLE: &str = "path_to_types";

/// Changes the functions in the body of `item`, and adds their names to `exported`.
pub(super) fn adapt(
    item: &mut ItemMacro,
    expected: &Expected,
    exported: &mut Vec<String>,
) -> Result<(), String> {
    let mut tokens: Vec<TokenTree> = item.mac.tokens.clone().into_iter().collect();
    let body = last_group(&mut tokens)?;
    let source = variables_to_names(body.stream());
    let mut parsed: Item = syn::parse2(source).map_err(|error| unexpected(&error.to_string()))?;

    let mut exports = Exports { expected, exported, error: None };
    exports.visit_item_mut(&mut parsed);
    if let Some(error) = exports.error {
        return Err(error);
    }
    lints::silence(std::slice::from_mut(&mut parsed));

    let adapted = names_to_variables(parsed.into_token_stream());
    *body = Group::new(body.delimiter(), adapted);
    item.mac.tokens = tokens.into_iter().collect();
    Ok(())
}

/// Makes `export!` emit the symbols that do not depend on the world.
pub(super) fn add_runtime_exports(item: &mut ItemMacro) -> Result<(), String> {
    let mut tokens: Vec<TokenTree> = item.mac.tokens.clone().into_iter().collect();
    let body = last_group(&mut tokens)?;
    let mut stream = body.stream();
    stream.extend(quote!(::wrun_bundle::__export_runtime!();));
    *body = Group::new(body.delimiter(), stream);
    item.mac.tokens = tokens.into_iter().collect();
    // Its documentation speaks of wit-bindgen, and has an example that rustdoc would run.
    item.attrs.retain(|attr| !matches!(&attr.meta, Meta::NameValue(doc) if is_doc(doc)));
    Ok(())
}

fn is_doc(meta: &MetaNameValue) -> bool {
    meta.path.is_ident("doc")
}

/// # Errors
/// If what is exported is not exactly what the world demands.
pub(super) fn check(exported: &[String], expected: &Expected) -> Result<(), String> {
    for name in &expected.exports {
        if !exported.contains(name) {
            return Err(unexpected(&format!("`{name}` is not exported")));
        }
    }
    for name in exported {
        if !expected.exports.contains(name) {
            return Err(unexpected(&format!("`{name}` is exported")));
        }
    }
    Ok(())
}

struct Exports<'a> {
    expected: &'a Expected,
    exported: &'a mut Vec<String>,
    error: Option<String>,
}

impl VisitMut for Exports<'_> {
    fn visit_item_fn_mut(&mut self, function: &mut ItemFn) {
        let Some(name) = rename(&mut function.attrs) else {
            visit_mut::visit_item_fn_mut(self, function);
            return;
        };
        if name.contains("#[dtor]") {
            if let Err(error) = take_handle(function) {
                self.error.get_or_insert(error);
            }
        } else {
            if self.expected.direct_methods.contains(&name)
                && let Some(FnArg::Typed(receiver)) = function.sig.inputs.first_mut()
                && matches!(&*receiver.ty, Type::Ptr(_))
            {
                receiver.ty = parse_quote!(i32);
            }
            let body = &function.block;
            *function.block = parse_quote!({ ::wrun_bundle::rt::guard(move || #body) });
        }
        self.exported.push(name);
    }
}

/// Replaces the name in `#[unsafe(export_name = "...")]` by its symbol; returns the old one.
fn rename(attrs: &mut [Attribute]) -> Option<String> {
    for attr in attrs {
        if !attr.path().is_ident("unsafe") {
            continue;
        }
        let Ok(pair) = attr.parse_args::<MetaNameValue>() else { continue };
        let Expr::Lit(ExprLit { lit: Lit::Str(name), .. }) = &pair.value else { continue };
        if pair.path.is_ident("export_name") {
            let name = name.value();
            let symbol = export_symbol(&name);
            *attr = parse_quote!(#[unsafe(export_name = #symbol)]);
            return Some(name);
        }
    }
    None
}

/// A destructor takes a handle, not the address of the representation.
fn take_handle(function: &mut ItemFn) -> Result<(), String> {
    let mut calls = DtorCall::default();
    visit_mut::visit_item_fn_mut(&mut calls, function);
    let Some(resource) = calls.resource else {
        return Err(unexpected("a destructor calls no `dtor`"));
    };
    function.sig.inputs = parse_quote!(handle: u32);
    *function.block = parse_quote!({
        ::wrun_bundle::rt::guard(move || ::wrun_bundle::rt::resource_dtor::<#resource>(handle))
    });
    Ok(())
}

/// Finds the path of the resource in `path::to::Resource::dtor::<...>(rep)`.
#[derive(Default)]
struct DtorCall {
    resource: Option<Path>,
}

impl VisitMut for DtorCall {
    fn visit_expr_call_mut(&mut self, call: &mut ExprCall) {
        if let Expr::Path(function) = &*call.func
            && function.path.segments.last().is_some_and(|last| last.ident == "dtor")
        {
            let mut path = function.path.clone();
            path.segments.pop();
            // What is left ends with `::`, which is not a path.
            if let Some(last) = path.segments.pop() {
                path.segments.push_value(last.into_value());
            }
            self.resource = Some(path);
        }
        visit_mut::visit_expr_call_mut(self, call);
    }
}

/// The right side of the last rule of a `macro_rules!`.
fn last_group(tokens: &mut [TokenTree]) -> Result<&mut Group, String> {
    tokens
        .iter_mut()
        .rev()
        .find_map(|token| match token {
            TokenTree::Group(group) => Some(group),
            _ => None,
        })
        .ok_or_else(|| unexpected("a macro without rules"))
}

/// `$ty` and `$($path_to_types)*` become plain names.
fn variables_to_names(tokens: TokenStream) -> TokenStream {
    let mut result = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '$' => match tokens.next() {
                Some(TokenTree::Ident(variable)) if variable == TYPE_VARIABLE => {
                    result.extend([TokenTree::Ident(Ident::new(TYPE, Span::call_site()))]);
                }
                Some(TokenTree::Group(_)) => {
                    // The star after the group.
                    tokens.next();
                    result.extend([TokenTree::Ident(Ident::new(PATH, Span::call_site()))]);
                }
                other => {
                    // Not a variable that is known: parsing will fail at the `$` and say so.
                    result.extend([TokenTree::Punct(punct)]);
                    result.extend(other);
                }
            },
            TokenTree::Group(group) => {
                let inner = Group::new(group.delimiter(), variables_to_names(group.stream()));
                result.extend([TokenTree::Group(inner)]);
            }
            other => result.extend([other]),
        }
    }
    result
}

/// The reverse of [`variables_to_names`].
fn names_to_variables(tokens: TokenStream) -> TokenStream {
    let dollar = || TokenTree::Punct(Punct::new('$', Spacing::Alone));
    let variable = |name: &str| TokenTree::Ident(Ident::new(name, Span::call_site()));
    let mut result = TokenStream::new();
    for token in tokens {
        match token {
            TokenTree::Ident(name) if name == TYPE => {
                result.extend([dollar(), variable(TYPE_VARIABLE)]);
            }
            TokenTree::Ident(name) if name == PATH => {
                let inner = [dollar(), variable(PATH_VARIABLE)].into_iter().collect();
                let group = TokenTree::Group(Group::new(Delimiter::Parenthesis, inner));
                let star = TokenTree::Punct(Punct::new('*', Spacing::Alone));
                result.extend([dollar(), group, star]);
            }
            TokenTree::Group(group) => {
                let inner = Group::new(group.delimiter(), names_to_variables(group.stream()));
                result.extend([TokenTree::Group(inner)]);
            }
            other => result.extend([other]),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::{names_to_variables, variables_to_names};

    #[test]
    fn macro_variables_survive_the_round_trip() {
        let squeeze = |text: &str| text.split_whitespace().collect::<String>();
        let text = "f :: < < $ty as $ ($path_to_types) * :: Guest > :: R > ({ $ty })";
        let named = variables_to_names(text.parse().unwrap_or_default());
        let expected = "f::<<__wrun_type as __wrun_path::Guest>::R>({ __wrun_type })";
        assert_eq!(squeeze(&named.to_string()), squeeze(expected));
        assert_eq!(squeeze(&names_to_variables(named).to_string()), squeeze(text));
    }
}
