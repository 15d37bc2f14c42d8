//! `--invoke 'func(args)'`: one call of an exported function, written in WAVE.

use super::error::CliError;
use super::run::{State, guest_end, not_instantiated};
use std::io::Write as _;
use wasm_wave::untyped::UntypedFuncCall;
use wasm_wave::wasm::{DisplayFunc, DisplayFuncResults};
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex, Linker, Val};
use wasmtime::{Engine, Store};

/// An exported function that can be called.
struct Export {
    interface: Option<String>,
    name: String,
    ty: ComponentFunc,
    index: ComponentExportIndex,
}

impl Export {
    /// As it is written in `--invoke`.
    fn call_name(&self) -> String {
        match &self.interface {
            Some(interface) => format!("{interface}.{}", self.name),
            None => self.name.clone(),
        }
    }

    /// Whether `asked` names it: by its name alone, or with its interface, whole or short.
    fn is_named(&self, asked: &str) -> bool {
        if asked == self.name || asked == self.call_name() {
            return true;
        }
        let Some(interface) = &self.interface else { return false };
        let without_version = interface.split('@').next().unwrap_or_default();
        let short = without_version.rsplit('/').next().unwrap_or_default();
        [without_version, short].iter().any(|prefix| asked == format!("{prefix}.{}", self.name))
    }
}

/// Calls the function that `call` names and prints its result.
///
/// # Errors
/// [`CliError::Usage`] if the call does not fit the component, [`CliError::Guest`] if it traps.
pub(super) async fn invoke(
    mut store: Store<State>,
    linker: &Linker<State>,
    component: &Component,
    call: &str,
) -> Result<(), CliError> {
    let exports = exports(linker.engine(), component);
    let (asked, _) = call.split_once('(').unwrap_or((call, ""));
    let export = find(&exports, asked.trim())?;
    // WAVE knows plain names only; the interface was for finding the function.
    let plain = call.replacen(asked, &export.name, 1);
    let usage = |error: &dyn std::fmt::Display| {
        let signature = DisplayFunc(export.ty.clone());
        CliError::Usage(format!("--invoke {call}: {error}\n{}: {signature}", export.call_name()))
    };
    let parsed = UntypedFuncCall::parse(&plain).map_err(|error| usage(&error))?;
    let types: Vec<_> = export.ty.params().map(|(_, ty)| ty).collect();
    let params: Vec<Val> = parsed.to_wasm_params(&types).map_err(|error| usage(&error))?;
    let instance =
        linker.instantiate_async(&mut store, component).await.map_err(not_instantiated)?;
    let function = instance
        .get_func(&mut store, export.index)
        .ok_or_else(|| usage(&"the function is not there"))?;
    let mut results = vec![Val::Bool(false); export.ty.results().len()];
    function.call_async(&mut store, &params, &mut results).await.map_err(guest_end)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", DisplayFuncResults(&results))
        .map_err(|error| CliError::Input(format!("cannot write the result: {error}")))
}

/// What to say about a component that has no `wasi:cli/run`.
pub(super) fn no_command(engine: &Engine, component: &Component) -> String {
    let exports = exports(engine, component);
    let mut text = String::from("the component is no command: it does not export wasi:cli/run");
    if !exports.is_empty() {
        text.push_str("\n  help: call one of its functions with --invoke:");
        text.push_str(&list(&exports));
    }
    text
}

fn find<'a>(exports: &'a [Export], asked: &str) -> Result<&'a Export, CliError> {
    let found: Vec<_> = exports.iter().filter(|export| export.is_named(asked)).collect();
    match found[..] {
        [one] => Ok(one),
        [] => Err(CliError::Usage(format!(
            "--invoke: the component exports no function `{asked}`; it exports:{}",
            list(exports)
        ))),
        _ => Err(CliError::Usage(format!(
            "--invoke: several exports are named `{asked}`; write the interface as well:{}",
            list(found)
        ))),
    }
}

fn list<'a>(exports: impl IntoIterator<Item = &'a Export>) -> String {
    let line = |export: &Export| {
        format!("\n    {}: {}", export.call_name(), DisplayFunc(export.ty.clone()))
    };
    exports.into_iter().map(line).collect()
}

fn exports(engine: &Engine, component: &Component) -> Vec<Export> {
    let mut found = Vec::new();
    for (name, item) in component.component_type().exports(engine) {
        match item.ty {
            ComponentItem::ComponentFunc(ty) => {
                if let Some(index) = component.get_export_index(None, name) {
                    found.push(Export { interface: None, name: name.to_owned(), ty, index });
                }
            }
            ComponentItem::ComponentInstance(instance) => {
                let Some(outer) = component.get_export_index(None, name) else { continue };
                for (inner, item) in instance.exports(engine) {
                    let ComponentItem::ComponentFunc(ty) = item.ty else { continue };
                    let Some(index) = component.get_export_index(Some(&outer), inner) else {
                        continue;
                    };
                    let interface = Some(name.to_owned());
                    found.push(Export { interface, name: inner.to_owned(), ty, index });
                }
            }
            _ => {}
        }
    }
    found
}
