//! Defines the plan's functions and resources in a wasmtime linker. Nothing else touches one.

use super::host::Host;
use super::reclaim::holder;
use super::reply::Reply;
use crate::canon::{Args, FLAT_PARAMS_MAX, Results};
use crate::plan::{FunctionPlan, InstancePlan};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use wasmtime::component::{Linker, LinkerInstance, ResourceType};
use wasmtime::{Result, bail, error::Context as _};

/// How the store that will run the component calls host functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `Store` with synchronous calls.
    Sync,
    /// `Store` with `call_async`.
    Async,
}

/// Run-time resource types of this library start here, so that they do not meet the small numbers
/// that an embedder would pick for its own `ResourceType::host_dynamic`.
static NEXT_RESOURCE_TYPE: AtomicU32 = AtomicU32::new(0x7772_0000);

/// Defines everything that `host` serves. Resource types are new ones of this linker.
///
/// # Errors
/// If the linker already has a definition of one of the names.
pub(crate) fn define<T: Send + 'static>(
    linker: &mut Linker<T>,
    host: &Arc<Host>,
    resources: usize,
    instances: &[InstancePlan],
    mode: Mode,
) -> Result<()> {
    let count = u32::try_from(resources)?;
    let first = NEXT_RESOURCE_TYPE.fetch_add(count, Ordering::Relaxed);
    for instance in instances {
        let place = instance.import.as_deref().unwrap_or("the top level");
        let mut target = match &instance.import {
            Some(name) => linker.instance(name)?,
            None => linker.root(),
        };
        for resource in &instance.resources {
            let ty = ResourceType::host_dynamic(first.wrapping_add(resource.index));
            define_resource(&mut target, host, &resource.name, resource.index, ty, mode)
                .with_context(|| format!("resource `{}` of {place}", resource.name))?;
        }
        for function in &instance.functions {
            define_function(&mut target, host, function, mode)
                .with_context(|| format!("function `{}` of {place}", function.name))?;
        }
    }
    Ok(())
}

fn define_resource<T: Send + 'static>(
    target: &mut LinkerInstance<'_, T>,
    host: &Arc<Host>,
    name: &str,
    resource: u32,
    ty: ResourceType,
    mode: Mode,
) -> Result<()> {
    let host = Arc::clone(host);
    match mode {
        Mode::Sync => {
            target.resource(name, ty, move |_, number| Ok(host.drop_resource(resource, number)?))
        }
        Mode::Async => target.resource_async(name, ty, move |_, number| {
            let host = Arc::clone(&host);
            Box::new(async move { Ok(host.drop_resource_async(resource, number).await?) })
        }),
    }
}

/// Picks the host function whose parameter and result slots fit.
fn define_function<T: Send + 'static>(
    target: &mut LinkerInstance<'_, T>,
    host: &Arc<Host>,
    function: &FunctionPlan,
    mode: Mode,
) -> Result<()> {
    // Parameters that lie in memory have no flat slots at all.
    let params = function.flat_params.unwrap_or(0);
    macro_rules! with_slots {
        ($($count:literal)*) => {
            match (params, function.flat_results) {
                $(
                    ($count, 1) => wrap::<T, $count, 1>(target, host, function, mode),
                    ($count, _) => wrap::<T, $count, 0>(target, host, function, mode),
                )*
                _ => bail!("{params} flat parameters, at most {FLAT_PARAMS_MAX} exist"),
            }
        };
    }
    with_slots!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
}

fn wrap<T: Send + 'static, const PARAMS: usize, const RESULTS: usize>(
    target: &mut LinkerInstance<'_, T>,
    host: &Arc<Host>,
    function: &FunctionPlan,
    mode: Mode,
) -> Result<()> {
    let host = Arc::clone(host);
    let (index, gives) = (function.index, function.gives_handles);
    match mode {
        Mode::Sync => target.func_wrap(&function.name, move |context, args: Args<PARAMS>| {
            let store = holder(&host, context, gives);
            Ok(Results::<RESULTS, Reply>::new(host.call(store, index, args.into_bytes())?))
        }),
        Mode::Async => {
            target.func_wrap_async(&function.name, move |context, args: Args<PARAMS>| {
                let store = holder(&host, context, gives);
                let host = Arc::clone(&host);
                Box::new(async move {
                    let reply = host.call_async(store, index, args.into_bytes()).await?;
                    Ok(Results::<RESULTS, Reply>::new(reply))
                })
            })
        }
    }
}
