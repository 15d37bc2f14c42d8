//! Lift and lower between a guest's memory and the bytes of the wire, by run-time types.
//!
//! wasmtime offers two ways to define a host function: with Rust types that are known at compile
//! time, or with [`wasmtime::component::Val`], which boxes every element of a list. A bundle's
//! types are known only at run time, and a megabyte of `list<u8>` must not become a million boxes.
//! So [`Args`] and [`Results`] implement wasmtime's own `Lift` and `Lower` over plain bytes: the
//! walk is directed by the component's types, numbers and strings are copied as blocks.
//!
//! wasmtime allows such implementations "at your own risk" and hides their methods. This folder is
//! therefore the only place that names them, wasmtime is pinned to one release line, and a property
//! test compares every walk with the public `Val` path.
//!
//! The bytes follow `protocol::value`. Lifting produces valid values or an error that traps the
//! guest. Lowering expects values that were validated before; anything else is an error, not a
//! wrong write, since all accesses are checked.
#![allow(unsafe_code, reason = "the one place that implements wasmtime's unsafe traits")]

mod layout;
mod lift;
mod lower;
#[cfg(test)]
mod tests;

use std::mem::MaybeUninit;
use wasmtime::component::__internal::{
    CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext, LowerContext,
};
use wasmtime::component::{ComponentNamedList, ComponentType, Lift, Lower};
use wasmtime::{Result, ValRaw, bail};

/// Most parameters that travel as flat values; with more, all of them lie in memory.
pub(crate) const FLAT_PARAMS_MAX: usize = 16;

/// Most results that are returned as flat values; with more, the result lies in memory.
pub(crate) const FLAT_RESULTS_MAX: usize = 1;

/// The arguments of one call, encoded for the wire. `N` is the number of flat parameter values of
/// the function, 0 where the parameters lie in memory.
#[derive(Debug)]
pub struct Args<const N: usize>(Vec<u8>);

impl<const N: usize> Args<N> {
    /// The encoded arguments, one after the other.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// The results of one call, as validated wire bytes. `N` is the number of flat result values, 0
/// where the result lies in memory.
#[derive(Debug)]
pub struct Results<const N: usize, B>(B);

impl<const N: usize, B: AsRef<[u8]>> Results<N, B> {
    /// Wraps bytes that passed validation against the function's result type.
    pub fn new(bytes: B) -> Self {
        Self(bytes)
    }
}

/// Sizes are not known here, only at run time: wasmtime takes them from the component's types.
const UNKNOWN_ABI: CanonicalAbiInfo =
    CanonicalAbiInfo { size32: 0, align32: 1, size64: 0, align64: 1, flat_count: None };

/// Accepts a tuple of parameters or results whose flat form has exactly `slots` values, or, with
/// none, one that lies in memory.
fn check_slots(
    ty: &InterfaceType,
    instance: &InstanceType<'_>,
    slots: usize,
    max: usize,
) -> Result<()> {
    let flat = instance.types.canonical_abi(ty).flat_count(max);
    if flat.unwrap_or(0) != slots {
        bail!("linked for another function: {flat:?} flat values instead of {slots}");
    }
    Ok(())
}

// SAFETY: the trait asks that `Lower` has one slot per flat value of the type and that `typecheck`
// accepts only types that the other methods handle. `check_slots` compares N with the type of the
// function that is being linked. The walks take the type from wasmtime at each call and refuse what
// they do not handle.
unsafe impl<const N: usize> ComponentType for Args<N> {
    type Lower = [ValRaw; N];
    const ABI: CanonicalAbiInfo = UNKNOWN_ABI;
    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        check_slots(ty, types, N, FLAT_PARAMS_MAX)
    }
}

// SAFETY: as above; the walks treat the type as the tuple of a function's parameters.
unsafe impl<const N: usize> ComponentNamedList for Args<N> {}

// SAFETY: the methods only read: slots that wasmtime has initialised from a call of this type, and
// guest memory through checked slices.
unsafe impl<const N: usize> Lift for Args<N> {
    fn linear_lift_from_flat(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        src: &[ValRaw; N],
    ) -> Result<Self> {
        lift::params_from_flat(cx, ty, src).map(Self)
    }

    fn linear_lift_from_memory(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        bytes: &[u8],
    ) -> Result<Self> {
        lift::params_from_memory(cx, ty, bytes).map(Self)
    }
}

// SAFETY: as for `Args`, with the function's results.
unsafe impl<const N: usize, B: 'static + Send + Sync> ComponentType for Results<N, B> {
    type Lower = [ValRaw; N];
    const ABI: CanonicalAbiInfo = UNKNOWN_ABI;
    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        check_slots(ty, types, N, FLAT_RESULTS_MAX)
    }
}

// SAFETY: as above; the walks treat the type as the tuple of a function's results.
unsafe impl<const N: usize, B: 'static + Send + Sync> ComponentNamedList for Results<N, B> {}

// SAFETY: the flat form initialises all N slots or returns an error; the memory form writes only
// through checked slices, at the offset that wasmtime has validated, and in blocks that the guest's
// own `realloc` has returned.
unsafe impl<const N: usize, B> Lower for Results<N, B>
where
    B: AsRef<[u8]> + Send + Sync + 'static,
{
    fn linear_lower_to_flat<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        dst: &mut MaybeUninit<[ValRaw; N]>,
    ) -> Result<()> {
        dst.write(lower::results_to_flat(cx, ty, self.0.as_ref())?);
        Ok(())
    }

    fn linear_lower_to_memory<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        offset: usize,
    ) -> Result<()> {
        lower::results_to_memory(cx, ty, offset, self.0.as_ref())
    }
}
