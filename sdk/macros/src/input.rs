//! The options of `generate!`, as the author wrote them.

use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Ident, LitStr, Path, Result, Token, braced, bracketed, token};
use wit_bindgen_rust::{Opts, WithOption};

/// The path under which generated code finds the runtime part of `wrun-bundle`.
pub(crate) const RUNTIME: &str = "::wrun_bundle::rt";

const KNOWN: &str = "path, world, additional_derives, with, generate_all";

/// The parsed options.
#[derive(Default)]
pub(crate) struct Input {
    /// WIT folders or files, relative to the crate's Cargo.toml; the first has the world.
    pub(crate) paths: Vec<String>,
    /// The world's name, if the package has several.
    pub(crate) world: Option<String>,
    additional_derives: Vec<String>,
    with: Vec<(String, WithOption)>,
}

impl Input {
    /// The options for wit-bindgen's generator.
    pub(crate) fn generator_options(&self) -> Opts {
        Opts {
            runtime_path: Some(RUNTIME.to_string()),
            additional_derive_attributes: self.additional_derives.clone(),
            with: self.with.clone(),
            // A bundle's imports are types only, so there is nothing to choose.
            generate_all: true,
            // Both serve the WebAssembly linker only.
            disable_run_ctors_once_workaround: true,
            disable_custom_section_link_helpers: true,
            ..Opts::default()
        }
    }

    fn parse_option(&mut self, name: &Ident, input: ParseStream<'_>) -> Result<()> {
        let name_text = name.to_string();
        if name_text == "generate_all" {
            return Ok(());
        }
        if !matches!(name_text.as_str(), "path" | "world" | "additional_derives" | "with") {
            let message = format!("unknown option `{name_text}`; the options are: {KNOWN}");
            return Err(Error::new(name.span(), message));
        }
        input.parse::<Token![:]>()?;
        match name_text.as_str() {
            "path" => self.paths = parse_paths(input)?,
            "world" => self.world = Some(input.parse::<LitStr>()?.value()),
            "additional_derives" => {
                let content;
                bracketed!(content in input);
                let derives = Punctuated::<Path, Token![,]>::parse_terminated(&content)?;
                self.additional_derives =
                    derives.iter().map(|path| path.to_token_stream().to_string()).collect();
            }
            _ => {
                let content;
                braced!(content in input);
                let pairs = content.parse_terminated(parse_with, Token![,])?;
                self.with = pairs.into_iter().collect();
            }
        }
        Ok(())
    }
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        if !input.is_empty() {
            let content;
            braced!(content in input);
            let mut seen: Vec<Ident> = Vec::new();
            while !content.is_empty() {
                let name: Ident = content.parse()?;
                if seen.contains(&name) {
                    return Err(Error::new(name.span(), format!("`{name}` is given twice")));
                }
                options.parse_option(&name, &content)?;
                seen.push(name);
                if !content.is_empty() {
                    content.parse::<Token![,]>()?;
                }
            }
        }
        if options.paths.is_empty() {
            options.paths.push("wit".to_string());
        }
        Ok(options)
    }
}

/// `"wit"` or `["wit", "more-wit"]`.
fn parse_paths(input: ParseStream<'_>) -> Result<Vec<String>> {
    if !input.peek(token::Bracket) {
        return Ok(vec![input.parse::<LitStr>()?.value()]);
    }
    let content;
    bracketed!(content in input);
    let paths = Punctuated::<LitStr, Token![,]>::parse_terminated(&content)?;
    Ok(paths.iter().map(LitStr::value).collect())
}

/// `"wit:name/interface": rust::path` or `"wit:name/interface": generate`.
fn parse_with(input: ParseStream<'_>) -> Result<(String, WithOption)> {
    let interface = input.parse::<LitStr>()?.value();
    input.parse::<Token![:]>()?;
    let path: Path = input.parse()?;
    if path.is_ident("generate") {
        return Ok((interface, WithOption::Generate));
    }
    Ok((interface, WithOption::Path(path.to_token_stream().to_string())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::Input;

    #[test]
    fn every_option_is_read() {
        let input: Input = syn::parse_str(
            r#"{ path: "w", world: "b", additional_derives: [PartialEq, serde::Serialize],
                 with: { "a:b/c": crate::c, "a:b/d": generate }, generate_all }"#,
        )
        .unwrap();
        assert_eq!(input.paths, ["w"]);
        assert_eq!(input.world.as_deref(), Some("b"));
        assert_eq!(input.additional_derives, ["PartialEq", "serde :: Serialize"]);
        assert_eq!(input.with.len(), 2);
    }

    #[test]
    fn the_folder_is_wit_unless_said_otherwise() {
        let input: Input = syn::parse_str("").unwrap();
        assert_eq!(input.paths, ["wit"]);
        let input: Input = syn::parse_str(r#"{ path: ["a", "b"] }"#).unwrap();
        assert_eq!(input.paths, ["a", "b"]);
    }

    #[test]
    fn mistakes_are_named() {
        let error = syn::parse_str::<Input>(r#"{ word: "b" }"#).err().unwrap().to_string();
        assert!(error.contains("unknown option `word`"), "{error}");
        let error = syn::parse_str::<Input>(r#"{ path: "a", path: "b" }"#).err().unwrap();
        assert_eq!(error.to_string(), "`path` is given twice");
    }
}
