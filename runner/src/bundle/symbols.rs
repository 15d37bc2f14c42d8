//! Which symbol of the library is which WIT function.
//!
//! Candidates, in this order; the first that the library itself defines is taken:
//!
//! 0. what the manifest's `[symbols]` says; then nothing else is tried,
//! 1. the component name: `ns:pkg/iface@1.0.0#func` (not for functions at world level, whose plain
//!    names might be those of libc),
//! 2. the escaped name: `wit_` and the component name, in which every byte that is not an ASCII
//!    letter or digit is `_` and two lowercase hexadecimal digits,
//! 3. the name that wit-bindgen's C generator gives: `__wasm_export_exports_ns_pkg_iface_func`.

use super::library::Library;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Allocates memory that the library then owns. The same for every way of naming.
pub const REALLOC: &str = "cabi_realloc";

/// Tells of a caught panic.
pub const TAKE_PANIC: &str = "wrun_take_panic";

/// The symbols of one function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionSymbols {
    /// What is called.
    pub symbol: String,
    /// What frees the result, if the library defines it.
    pub post_return: Option<String>,
}

/// A function or destructor for which the library defines none of the possible symbols.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the library has no symbol for `{function}`; looked for: {}", tried.join(", "))]
pub struct MissingSymbol {
    /// Component name: `ns:pkg/iface@1.0.0#func`.
    pub function: String,
    /// Every name that was tried.
    pub tried: Vec<String>,
}

/// Where a function is declared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// Name of the interface; `None` at world level.
    pub(super) interface: Option<&'a str>,
    /// What wit-bindgen's C generator puts before its functions, without `__wasm_export_`.
    pub(super) c_prefix: &'a str,
}

/// The component name of a function: what messages and `[symbols]` call it.
pub fn component_name(interface: Option<&str>, function: &str) -> String {
    interface.map_or_else(|| function.to_owned(), |interface| format!("{interface}#{function}"))
}

/// Candidate 2 for a component name.
pub fn escaped(component_name: &str) -> String {
    let mut symbol = "wit_".to_owned();
    for byte in component_name.bytes() {
        if byte.is_ascii_alphanumeric() {
            symbol.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(symbol, "_{byte:02x}");
        }
    }
    symbol
}

/// Finds the symbols of `function`, as the component model spells it.
pub(super) fn of_function(
    library: &Library,
    manifest: &BTreeMap<String, String>,
    place: Place<'_>,
    function: &str,
) -> Result<FunctionSymbols, MissingSymbol> {
    let name = component_name(place.interface, function);
    let c_name = format!("__wasm_export_{}_{}", place.c_prefix, snake(function));
    let found = find(library, manifest, place, &name, c_name)?;
    let post_return = if found.starts_with("__wasm_export_") {
        format!("{found}_post_return")
    } else {
        format!("cabi_post_{found}")
    };
    let post_return = Some(post_return).filter(|symbol| library.defines(symbol));
    Ok(FunctionSymbols { symbol: found, post_return })
}

/// Finds the destructor of `resource`.
pub(super) fn of_destructor(
    library: &Library,
    manifest: &BTreeMap<String, String>,
    place: Place<'_>,
    resource: &str,
) -> Result<String, MissingSymbol> {
    let name = component_name(place.interface, &format!("[dtor]{resource}"));
    let c_name = format!("__wasm_export_{}_{}_dtor", place.c_prefix, snake(resource));
    find(library, manifest, place, &name, c_name)
}

fn find(
    library: &Library,
    manifest: &BTreeMap<String, String>,
    place: Place<'_>,
    component_name: &str,
    c_name: String,
) -> Result<String, MissingSymbol> {
    let mut tried = match manifest.get(component_name) {
        Some(symbol) => vec![symbol.clone()],
        None => {
            let exact = place.interface.map(|_| component_name.to_owned());
            exact.into_iter().chain([escaped(component_name), c_name]).collect()
        }
    };
    match tried.iter().position(|symbol| library.defines(symbol)) {
        Some(index) => Ok(tried.swap_remove(index)),
        None => Err(MissingSymbol { function: component_name.to_owned(), tried }),
    }
}

/// A name of the component model as the C generator writes it: words in lower case, joined by `_`.
pub(super) fn snake(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_as_the_guide_says() {
        for (name, symbol) in [
            ("run", "wit_run"),
            ("wrun:echo/scalars@0.1.0#add", "wit_wrun_3aecho_2fscalars_400_2e1_2e0_23add"),
            ("a:b/c#[method]d.e-f", "wit_a_3ab_2fc_23_5bmethod_5dd_2ee_2df"),
            ("a:b/c#[dtor]d", "wit_a_3ab_2fc_23_5bdtor_5dd"),
            ("a:b/c@1.0.0-rc.1+x#f", "wit_a_3ab_2fc_401_2e0_2e0_2drc_2e1_2bx_23f"),
        ] {
            assert_eq!(escaped(name), symbol);
        }
    }

    #[test]
    fn two_names_never_share_an_escaped_form() {
        // An underscore is escaped too, so what follows `_` is always two hexadecimal digits.
        assert_ne!(escaped("a_2fb"), escaped("a/b"));
    }

    #[test]
    fn c_names_are_those_of_the_generator() {
        assert_eq!(snake("[method]counter.next-value"), "method_counter_next_value");
        assert_eq!(snake("[constructor]HTTP-client2"), "constructor_http_client2");
    }
}
