//! `wrun_bundle::generate!`: wit-bindgen's Rust generator, adapted for native libraries.
//!
//! Use it through the crate `wrun-bundle`, whose runtime the generated code needs.
//!
//! The stages, in the order of the modules: `input` reads the options, `source` the WIT, `check`
//! refuses what a bundle cannot serve, wit-bindgen generates, `adapt` changes its output from a
//! WebAssembly guest into a native library.

#![allow(
    clippy::indexing_slicing,
    reason = "only wit-parser's arenas are indexed, by ids that they gave out"
)]

mod adapt;
mod check;
mod expected;
mod input;
mod source;
mod symbol;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use wit_bindgen_core::{Files, WorldGenerator};

use crate::expected::Expected;
use crate::input::Input;
use crate::source::Source;

/// Generates traits and types from a WIT world, and the macro `export!`.
///
/// ```text
/// wrun_bundle::generate!({
///     // The folder with the WIT package, relative to Cargo.toml. Default: "wit".
///     path: "wit",
///     // The world. Not needed if the package has one only.
///     world: "bundle",
///     // Derives for every record, variant and enum that allows it.
///     additional_derives: [PartialEq, Clone],
///     // Rust types or modules that exist already, for interfaces that are imported for types.
///     with: { "acme:types/colours@1.0.0": crate::colours },
///     // Accepted for likeness with wit-bindgen; it is always on.
///     generate_all,
/// });
///
/// struct MyBundle;
/// impl exports::acme::paint::mixer::Guest for MyBundle { /* ... */ }
/// export!(MyBundle);
/// ```
///
/// Every exported interface becomes a module `exports::namespace::package::interface` with a
/// trait `Guest`; functions of the world itself make a trait `Guest` beside it. A resource `r`
/// becomes a trait `GuestR`, which `Guest` names as an associated type. `export!(Type)` emits the
/// symbols that wrun calls; use it once per library.
///
/// # Errors
/// A compile error names what a bundle cannot serve: `async` functions, streams, futures,
/// error-contexts, imported functions, handles of resources that the bundle does not export.
#[proc_macro]
pub fn generate(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as Input);
    match expand(&input) {
        Ok(tokens) => tokens.into(),
        Err(message) => syn::Error::new(Span::call_site(), message).into_compile_error().into(),
    }
}

fn expand(input: &Input) -> Result<TokenStream, String> {
    let mut source = Source::load(input)?;
    check::check(&source.resolve, source.world)?;
    source.clear_imported_functions();
    let expected = Expected::of(&source.resolve, source.world);

    let mut files = Files::default();
    input
        .generator_options()
        .build()
        .generate(&mut source.resolve, source.world, &mut files)
        .map_err(|error| format!("wit-bindgen: {error:#}"))?;
    let (_, generated) = files.iter().next().ok_or("wit-bindgen generated no file")?;
    let generated = std::str::from_utf8(generated)
        .map_err(|error| format!("wit-bindgen generated text that is not UTF-8: {error}"))?;
    let adapted = adapt::adapt(generated, &expected)?;

    // rustc rebuilds the crate when an included file changes: that is how it learns of the WIT.
    let files = source.files.iter().map(|file| file.display().to_string());
    Ok(quote! {
        #adapted
        #( const _: &[u8] = ::core::include_bytes!(#files); )*
    })
}
