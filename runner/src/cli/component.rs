//! Reads and compiles the component; says what is wrong with a file that is none.

use super::error::CliError;
use std::path::Path;
use wasmtime::component::Component;
use wasmtime::{Cache, CacheConfig, Config, Engine};

/// The engine for one run: all stable proposals, compiled code cached if `cache`.
///
/// # Errors
/// [`CliError::Input`] if wasmtime refuses the configuration on this machine.
pub(super) fn engine(cache: bool) -> Result<Engine, CliError> {
    let mut config = Config::new();
    // So that a guest that computes can be interrupted.
    config.epoch_interruption(true);
    config.wasm_component_model_map(true);
    config.wasm_component_model_fixed_length_lists(true);
    // Not served by bundles, but the plan then refuses them by name.
    config.wasm_component_model_async(true);
    config.wasm_component_model_error_context(true);
    if cache {
        match Cache::new(CacheConfig::new()) {
            Ok(cache) => drop(config.cache(Some(cache))),
            // A read-only home directory makes a start slower, not impossible.
            Err(error) => tracing::info!("compiled code is not cached: {error:#}"),
        }
    }
    Engine::new(&config).map_err(|error| CliError::Input(format!("wasmtime: {error:#}")))
}

/// Compiles the component at `path`, or takes it from the cache.
///
/// # Errors
/// [`CliError::Input`] if the file cannot be read, is no component, or is not valid.
pub(super) fn compile(engine: &Engine, path: &Path) -> Result<Component, CliError> {
    let shown = path.display();
    let bytes = std::fs::read(path)
        .map_err(|error| CliError::Input(format!("cannot read the component {shown}: {error}")))?;
    if let Some(problem) = not_a_component(&bytes) {
        return Err(CliError::Input(format!("{shown} {problem}")));
    }
    Component::new(engine, &bytes).map_err(|error| {
        CliError::Input(format!(
            "{shown} is not a valid component: {error:#}\n\
             \x20 help: if it was copied or downloaded, it may be incomplete: it has {} bytes",
            bytes.len()
        ))
    })
}

/// Looks at the first eight bytes: magic, version, layer.
fn not_a_component(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [] => Some("is empty"),
        [0, b'a', b's', b'm', _, _, 1, 0, ..] => None,
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => Some(
            "is a core WebAssembly module, not a component\n\
             \x20 help: build it for the target wasm32-wasip2, or wrap it with `wasm-tools component new`",
        ),
        [0, b'a', b's', b'm', ..] => {
            Some("is WebAssembly of an unknown version, or is cut off in its header")
        }
        _ => Some(
            "is not WebAssembly: it does not start with the bytes `\\0asm`\n\
             \x20 help: a component in text form can be converted with `wasm-tools parse`",
        ),
    }
}
