//! From a plan to an [`Adapter`]: types first, then the libraries, then every symbol.

use super::call::{self, Callable, Code, CoreFunction, TakePanicFn, Types};
use super::layout::Layouts;
use super::library::{OpenedFile, Place, SharedLibrary};
use super::memory::{LibraryMemory, Realloc, ReallocFn};
use super::{Adapter, Destructor, LoadError};
use crate::permit::LoadPermit;
use protocol::limits::{FUNCTIONS_MAX, MEMBERS_MAX, PAYLOAD_BYTES_MAX};
use protocol::message::{Function, Plan};
use protocol::types::{Type, TypeDef, TypeTable};
use std::os::fd::BorrowedFd;

/// The files of a plan's libraries, opened beneath the bundle's directory. Nothing of them has run.
#[derive(Debug)]
pub struct Opened {
    vendor: Vec<OpenedFile>,
    library: OpenedFile,
}

impl Opened {
    /// Opens them. `bundle_dir` may be opened with `O_PATH`, and is not needed afterwards.
    ///
    /// # Errors
    /// [`LoadError`], also if the plan cannot be used.
    pub fn new(bundle_dir: BorrowedFd<'_>, plan: &Plan, place: Place) -> Result<Self, LoadError> {
        types_of(plan)?;
        check_init(plan)?;
        let open = |path: &String| OpenedFile::new(bundle_dir, path, &place);
        let vendor = plan.vendor.iter().map(open).collect::<Result<_, _>>()?;
        Ok(Self { vendor, library: open(&plan.library)? })
    }
}

pub(super) fn load(_permit: LoadPermit, opened: Opened, plan: &Plan) -> Result<Adapter, LoadError> {
    let types = types_of(plan)?;
    for vendor in opened.vendor {
        SharedLibrary::load(vendor)?;
    }
    let library = SharedLibrary::load(opened.library)?;
    let functions = plan.functions.iter().zip(types);
    Ok(Adapter {
        functions: functions
            .map(|(f, types)| callable(&library, f, types))
            .collect::<Result<_, _>>()?,
        destructors: plan
            .resources
            .iter()
            .map(|resource| library.function(&resource.destructor, &resource.name).map(destructor))
            .collect::<Result<_, _>>()?,
        init: plan.init,
        common: common(&library, plan)?,
        library,
    })
}

/// The types of every function, before anything is loaded.
fn types_of(plan: &Plan) -> Result<Vec<Types>, LoadError> {
    if plan.functions.len() > FUNCTIONS_MAX {
        return Err(LoadError::Plan(format!("it has more than {FUNCTIONS_MAX} functions")));
    }
    let table = TypeTable::new(plan.types.clone(), plan.resources.len())?;
    let layouts = Layouts::new(&table)?;
    let types = plan.functions.iter().map(|function| {
        if function.params.len() > MEMBERS_MAX {
            return Err(LoadError::Plan(format!("{} has too many parameters", function.name)));
        }
        let types = Types::new(&layouts, &function.params, function.result)?;
        if types.allocates && plan.realloc.is_none() {
            let (library, function) = (plan.library.clone(), function.name.clone());
            return Err(LoadError::Realloc { library, function });
        }
        Ok(types)
    });
    types.collect()
}

/// `init: func(config: list<tuple<string, string>>) -> result<_, string>`
fn check_init(plan: &Plan) -> Result<(), LoadError> {
    let Some(index) = plan.init else { return Ok(()) };
    let def = |ty: Type| match ty {
        Type::Defined(index) => plan.types.get(usize::try_from(index).ok()?),
        _ => None,
    };
    let fits = |function: &Function| {
        let [Type::Defined(_)] = *function.params else { return false };
        let pairs = function.params.first().and_then(|ty| def(*ty));
        let Some(TypeDef::List(pair)) = pairs else { return false };
        let pair = def(*pair) == Some(&TypeDef::Record(vec![Type::String, Type::String]));
        pair && function.result.and_then(def) == Some(&TypeDef::Result(None, Some(Type::String)))
    };
    let function = usize::try_from(index).ok().and_then(|index| plan.functions.get(index));
    match function {
        Some(function) if fits(function) => Ok(()),
        Some(function) => Err(LoadError::Plan(format!(
            "{} is not `func(config: list<tuple<string, string>>) -> result<_, string>`",
            function.name
        ))),
        None => Err(LoadError::Plan(format!("it has no function {index} to use as init"))),
    }
}

fn callable(
    library: &SharedLibrary,
    function: &Function,
    types: Types,
) -> Result<Callable, LoadError> {
    let signature = &types.signature;
    let code = library.function(&function.symbol, &function.name)?;
    // SAFETY: the ABI gives the symbol of a function with these types this signature; the runner
    // has compared the types with the bundle's WIT. Libraries are never unloaded.
    let core = unsafe { CoreFunction::new(code, &signature.params, signature.result) };
    let post_return = match &function.post_return {
        None => None,
        Some(symbol) => {
            let code = library.function(symbol, &function.name)?;
            // SAFETY: as above; a post-return takes what the function returned, and returns nothing.
            Some(unsafe { CoreFunction::new(code, signature.result.as_slice(), None) })
        }
    };
    Ok(Callable { types, function: core, post_return })
}

fn common(library: &SharedLibrary, plan: &Plan) -> Result<call::Library, LoadError> {
    let find = |symbol: &Option<String>, role: &str| {
        symbol.as_deref().map(|symbol| library.function(symbol, role)).transpose()
    };
    let realloc = find(&plan.realloc, "passing strings and lists")?;
    let take_panic = find(&plan.take_panic, "reporting panics")?;
    let payload_max = usize::try_from(plan.payload_bytes_max).unwrap_or(usize::MAX);
    Ok(call::Library {
        realloc: realloc.map(realloc_of),
        take_panic: take_panic.map(take_panic_of),
        // SAFETY: the ABI promises that a result stays valid until the next call, and only results
        // are read.
        memory: unsafe { LibraryMemory::believe() },
        payload_max: payload_max.min(PAYLOAD_BYTES_MAX),
    })
}

fn realloc_of(code: Code) -> Realloc {
    // SAFETY: all function pointers have one size, and the ABI gives `cabi_realloc` this type.
    let code = unsafe { std::mem::transmute::<Code, ReallocFn>(code) };
    // SAFETY: the ABI gives it the meaning that `Realloc` asks for.
    unsafe { Realloc::new(code) }
}

fn take_panic_of(code: Code) -> TakePanicFn {
    // SAFETY: as in `realloc_of`, for `wrun_take_panic`.
    unsafe { std::mem::transmute::<Code, TakePanicFn>(code) }
}

fn destructor(code: Code) -> Destructor {
    // SAFETY: as in `realloc_of`; the destructor of a resource takes a handle.
    unsafe { std::mem::transmute::<Code, Destructor>(code) }
}
