//! One call of a library function: lower, call, ask for a panic, lift, free.

use super::error::{CallError, RequestError};
use super::flatten::{CoreType, FLAT_PARAMS_MAX, Signature};
use super::layout::{Layout, LayoutError, Layouts};
use super::lift::{Lift, LiftError};
use super::lower::{Lower, LowerError, Slots};
use super::memory::{LibraryMemory, NoMemory, Realloc};
use libffi::middle::{Cif, Type as FfiType};
use protocol::error::ValueError;
use protocol::limits::TEXT_BYTES_MAX;
use protocol::message::CallFault;
use protocol::value::Reader;
use std::ffi::c_void;
use std::sync::Arc;

/// The address of a function whose C type is known elsewhere.
pub(super) type Code = unsafe extern "C" fn();

/// A library function with its C signature, ready to be called.
#[derive(Debug)]
pub(super) struct CoreFunction {
    code: Code,
    cif: Cif,
}

// SAFETY: a `Cif` holds raw pointers to type descriptions that it owns and that nobody changes after
// it was made; code addresses belong to no thread.
unsafe impl Send for CoreFunction {}

impl CoreFunction {
    /// # Safety
    /// `code` must be a C function of this signature with at most [`FLAT_PARAMS_MAX`] parameters,
    /// and must stay loaded as long as the value exists.
    pub(super) unsafe fn new(code: Code, params: &[CoreType], result: Option<CoreType>) -> Self {
        let params = params.iter().take(FLAT_PARAMS_MAX).map(|ty| ffi_type(*ty));
        Self { code, cif: Cif::new(params, result.map_or_else(FfiType::void, ffi_type)) }
    }

    /// Calls the function with as many of `slots` as it has parameters.
    ///
    /// Returns the result's bits in the low end of the number; 0 for `void`.
    fn call(&self, slots: &mut [u64; FLAT_PARAMS_MAX]) -> u64 {
        let mut arguments = slots.each_mut().map(|slot| std::ptr::from_mut(slot).cast::<c_void>());
        // libffi writes at least a whole register for an integer, and 4 bytes for an `f32`.
        let mut result = 0_u64;
        // SAFETY: `new` was promised that `code` has the signature that `cif` describes. Each
        // argument points to 8 aligned bytes, no core type is larger, and there are as many as a
        // signature can have. `result` has room for the largest core type.
        unsafe {
            libffi::raw::ffi_call(
                self.cif.as_raw_ptr(),
                Some(self.code),
                std::ptr::from_mut(&mut result).cast(),
                arguments.as_mut_ptr(),
            );
        }
        result
    }
}

fn ffi_type(ty: CoreType) -> FfiType {
    match ty {
        CoreType::I32 => FfiType::u32(),
        CoreType::I64 | CoreType::PointerOrI64 => FfiType::u64(),
        CoreType::F32 => FfiType::f32(),
        CoreType::F64 => FfiType::f64(),
        CoreType::Pointer => FfiType::pointer(),
        CoreType::Length => FfiType::usize(),
    }
}

/// Signature of `wrun_take_panic`.
pub(super) type TakePanicFn = unsafe extern "C" fn(*mut *const u8, *mut usize) -> i32;

/// What all functions of one library share.
#[derive(Debug)]
pub(super) struct Library {
    pub(super) realloc: Option<Realloc>,
    pub(super) take_panic: Option<TakePanicFn>,
    pub(super) memory: LibraryMemory,
    /// Largest result, in bytes on the wire.
    pub(super) payload_max: usize,
}

impl Library {
    /// The error to report if the call that just returned panicked.
    pub(super) fn check_panic(&self) -> Result<(), CallError> {
        let Some(take_panic) = self.take_panic else { return Ok(()) };
        let mut message = std::ptr::null();
        let mut length = 0;
        // SAFETY: the ABI gives this symbol this type, and both pointers are valid for a write.
        if unsafe { take_panic(&raw mut message, &raw mut length) } == 0 {
            return Ok(());
        }
        let mut text = Vec::new();
        if length > 0 {
            let region = self.memory.region(message.addr(), length.min(TEXT_BYTES_MAX), 1, 1);
            match region {
                Ok(region) => region.append_to(&mut text),
                Err(fault) => text.extend_from_slice(fault.to_string().as_bytes()),
            }
        }
        Err(CallError::failed(CallFault::Panicked, String::from_utf8_lossy(&text)))
    }
}

#[derive(Debug)]
enum Params {
    Slots(Box<[Arc<Layout>]>),
    Memory(Layout),
}

#[derive(Debug)]
enum Returned {
    Nothing,
    Slot(Arc<Layout>),
    Memory(Arc<Layout>),
}

/// A function's types, as they travel.
#[derive(Debug)]
pub(super) struct Types {
    params: Params,
    returned: Returned,
    pub(super) signature: Signature,
    /// Whether its arguments need memory of the library.
    pub(super) allocates: bool,
}

impl Types {
    pub(super) fn new(
        layouts: &Layouts,
        params: &[protocol::types::Type],
        result: Option<protocol::types::Type>,
    ) -> Result<Self, LayoutError> {
        let area = layouts.params(params)?;
        let result = result.map(|ty| layouts.get(ty)).transpose()?;
        let signature = Signature::new(&area.flat, result.as_ref().map(|layout| &layout.flat));
        Ok(Self {
            allocates: area.points || signature.params_in_memory,
            params: match signature.params_in_memory {
                true => Params::Memory(area),
                false => Params::Slots(
                    params.iter().map(|ty| layouts.get(*ty)).collect::<Result<_, _>>()?,
                ),
            },
            returned: match (result, signature.result_in_memory) {
                (None, _) => Returned::Nothing,
                (Some(layout), false) => Returned::Slot(layout),
                (Some(layout), true) => Returned::Memory(layout),
            },
            signature,
        })
    }

    fn lower(&self, lower: &mut Lower<'_>, slots: &mut Slots) -> Result<(), LowerError> {
        match &self.params {
            Params::Slots(layouts) => {
                for (index, layout) in layouts.iter().enumerate() {
                    lower
                        .lower_flat(layout, slots)
                        .map_err(|e| e.inside(format_args!(".{index}")))?;
                }
            }
            Params::Memory(area) => {
                let region = lower.allocate(area.size, area.align)?;
                lower.store(area, region)?;
                slots.push_address(region)?;
            }
        }
        Ok(lower.reader.clone().finish()?)
    }

    fn lift(&self, bits: u64, lift: &mut Lift<'_>) -> Result<(), LiftError> {
        match &self.returned {
            Returned::Nothing => Ok(()),
            Returned::Slot(layout) => lift.lift_flat(layout, bits),
            Returned::Memory(layout) => {
                // A pointer has 64 bits, see `native/mod.rs`.
                let address = usize::try_from(bits).unwrap_or_default();
                let region = lift.memory.region(address, 1, layout.size, layout.align)?;
                lift.load(layout, region)
            }
        }
    }
}

/// A function of the plan.
#[derive(Debug)]
pub(super) struct Callable {
    pub(super) types: Types,
    pub(super) function: CoreFunction,
    pub(super) post_return: Option<CoreFunction>,
}

impl Callable {
    /// Calls the function. `out` is empty, and holds the result if this returns `Ok`.
    pub(super) fn call(
        &self,
        library: &Library,
        args: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CallError> {
        let mut slots = Slots::default();
        let mut lower = Lower { reader: Reader::new(args), realloc: library.realloc };
        self.types.lower(&mut lower, &mut slots).map_err(not_passed)?;
        let bits = self.function.call(&mut slots.values);
        library.check_panic()?;
        let bytes_max = library.payload_max;
        let mut lift = Lift { out, bytes_max, memory: &library.memory };
        let lifted = self.types.lift(bits, &mut lift);
        if let Some(post_return) = &self.post_return {
            post_return.call(&mut [bits; FLAT_PARAMS_MAX]);
            library.check_panic()?;
        }
        lifted.map_err(|error| not_taken(error, bytes_max))
    }
}

fn not_passed(error: LowerError) -> CallError {
    let text = match error {
        LowerError::Value(error) => return RequestError::Arguments(error.inside("args")).into(),
        LowerError::Memory(NoMemory::Refused(bytes)) => {
            format!("cabi_realloc returned null for {bytes} bytes")
        }
        LowerError::Memory(NoMemory::Misaligned) => {
            "cabi_realloc returned a pointer that is not aligned as asked for".to_owned()
        }
        LowerError::Memory(NoMemory::NoAllocator) => {
            "the library has no cabi_realloc to take arguments with".to_owned()
        }
    };
    CallError::failed(CallFault::OutOfMemory, text)
}

fn not_taken(error: LiftError, bytes_max: usize) -> CallError {
    match error {
        LiftError::Value(error) => {
            let error: ValueError = error.inside("result");
            CallError::failed(CallFault::BadResult, error.to_string())
        }
        LiftError::TooLarge => CallError::failed(
            CallFault::TooLarge,
            format!("the result is larger than the {bytes_max} bytes that a call may carry"),
        ),
    }
}
