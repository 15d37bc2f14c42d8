//! The module: loaded, initialized, and the table of its functions.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ffi::{CString, c_void};
use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;

use cryptoki_sys::{
    CK_C_GetFunctionList, CK_C_INITIALIZE_ARGS, CK_FUNCTION_LIST, CK_RV,
    CKF_LIBRARY_CANT_CREATE_OS_THREADS, CKF_OS_LOCKING_OK, CKR_ACTION_PROHIBITED, CKR_CANT_LOCK,
    CKR_CRYPTOKI_ALREADY_INITIALIZED, CKR_CRYPTOKI_NOT_INITIALIZED, CKR_FUNCTION_NOT_SUPPORTED,
    CKR_OK,
};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use super::error::{Error, Result, check};

/// How to load a module and what to let it do.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The module's file. Absolute, since a bare name would be searched for.
    pub path: PathBuf,
    /// `pReserved` of `C_Initialize`: a string that some modules want (NSS: `configDir=...`).
    pub init_args: Option<String>,
    /// Leave `CKF_OS_LOCKING_OK` out. The bundle calls from one thread in any case.
    pub no_locking: bool,
    /// Set `CKF_LIBRARY_CANT_CREATE_OS_THREADS`.
    pub no_threads: bool,
    /// Never call `C_Finalize`: some modules crash in it.
    pub no_deinit: bool,
    /// Functions that are refused with `CKR_ACTION_PROHIBITED`, by their names.
    pub blocked: BTreeSet<String>,
    /// Most sessions open at once; 0 for no limit of the bundle's own.
    pub max_sessions: usize,
}

/// Why a module cannot be used. The text names the file and what to do.
#[derive(Debug)]
pub struct LoadError(String);

impl fmt::Display for LoadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for LoadError {}

/// An initialized module. Dropping it finalizes it.
///
/// The library is never unloaded: modules start threads and leave handlers behind, so the code that
/// the function table points at must stay.
pub struct Module {
    pub(super) list: CK_FUNCTION_LIST,
    options: Options,
    /// False once `C_Finalize` was called.
    alive: Cell<bool>,
    /// True if the module was initialized here, so that it is ours to finalize.
    ours: bool,
    sessions: Cell<usize>,
}

impl fmt::Debug for Module {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Module").field("path", &self.options.path).finish_non_exhaustive()
    }
}

/// The function `$name` of a module, if it has one and the operator lets it be called.
macro_rules! function {
    ($module:expr, $name:ident) => {
        $module.permitted(stringify!($name), $module.list.$name)
    };
}
pub(super) use function;

impl Module {
    /// Load the module and initialize it.
    ///
    /// # Errors
    /// The file cannot be loaded, is no PKCS#11 module, or `C_Initialize` fails.
    pub fn load(options: Options) -> std::result::Result<Rc<Self>, LoadError> {
        Self::start(function_list(&options)?, options)
    }

    /// Initialize the module with these functions.
    fn start(list: CK_FUNCTION_LIST, options: Options) -> std::result::Result<Rc<Self>, LoadError> {
        let mut this =
            Self { list, options, alive: Cell::new(true), ours: false, sessions: Cell::new(0) };
        match this.initialize() {
            Ok(ours) => this.ours = ours,
            Err(error) => {
                return Err(LoadError(format!(
                    "the PKCS#11 module {} does not start: {error}; is what it needs configured \
                     (init-args, env.NAME) and readable in the sandbox?",
                    this.options.path.display()
                )));
            }
        }
        Ok(Rc::new(this))
    }

    /// `C_Finalize`, once, unless `no_deinit` says never. All calls fail afterwards.
    ///
    /// # Errors
    /// What the module returned.
    pub fn finalize(&self) -> Result<()> {
        if !self.alive.replace(false) || !self.ours || self.options.no_deinit {
            return Ok(());
        }
        let Some(call) = self.list.C_Finalize else { return Ok(()) };
        // SAFETY: `call` is the module's C_Finalize, which takes a null pointer. No other call of
        // the module is running (one thread), and none follows: `alive` is false.
        check("C_Finalize", unsafe { call(std::ptr::null_mut()) })
    }

    /// The function, or why it must not be called.
    pub(super) fn permitted<F>(&self, name: &'static str, function: Option<F>) -> Result<F> {
        if !self.alive.get() {
            let why = "the module was finalized";
            return Err(Error::bundle(name, CKR_CRYPTOKI_NOT_INITIALIZED, why));
        }
        if self.options.blocked.contains(name) {
            let why = "the operator blocked this function (block-functions)";
            return Err(Error::bundle(name, CKR_ACTION_PROHIBITED, why));
        }
        function.ok_or_else(|| {
            Error::bundle(name, CKR_FUNCTION_NOT_SUPPORTED, "the module does not have it")
        })
    }

    /// The options that it was loaded with.
    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    /// The number of open sessions.
    pub(super) fn sessions(&self) -> &Cell<usize> {
        &self.sessions
    }

    /// `C_Initialize`; true if this call initialized the module.
    fn initialize(&self) -> Result<bool> {
        const NAME: &str = "C_Initialize";
        let call = function!(self, C_Initialize)?;
        let reserved = match &self.options.init_args {
            None => None,
            Some(text) => Some(CString::new(text.as_str()).map_err(|_| {
                let why = "init-args holds a zero byte";
                Error::bundle(NAME, cryptoki_sys::CKR_ARGUMENTS_BAD, why)
            })?),
        };
        let attempt = |flags| {
            let mut arguments = InitializeArguments {
                standard: CK_C_INITIALIZE_ARGS {
                    flags,
                    // NSS keeps a pointer to it; see below why it may.
                    pReserved: reserved
                        .as_ref()
                        .map_or(std::ptr::null_mut(), |text| text.as_ptr().cast_mut().cast()),
                    ..CK_C_INITIALIZE_ARGS::default()
                },
                nss_reserved: std::ptr::null_mut(),
            };
            let pointer: *mut InitializeArguments = &raw mut arguments;
            // SAFETY: `call` is the module's C_Initialize; the pointer leads to a structure that
            // starts with CK_C_INITIALIZE_ARGS and lives during the call, which is as long as the
            // specification lets a module use it. Its string is zero-terminated and is leaked
            // below, so a module that keeps it is right too.
            unsafe { call(pointer.cast::<c_void>()) }
        };
        let threads = if self.options.no_threads { CKF_LIBRARY_CANT_CREATE_OS_THREADS } else { 0 };
        let locking = if self.options.no_locking { 0 } else { CKF_OS_LOCKING_OK };
        let mut returned: CK_RV = attempt(threads | locking);
        if returned == CKR_CANT_LOCK && locking != 0 {
            // The bundle has one thread: a module that cannot lock is fine.
            returned = attempt(threads);
        }
        std::mem::forget(reserved);
        match returned {
            CKR_OK => Ok(true),
            // By a library that the module shares with another one; then it is not ours to end.
            CKR_CRYPTOKI_ALREADY_INITIALIZED => Ok(false),
            other => Err(Error::module(NAME, other)),
        }
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        // Nobody is left to hear of an error.
        let _ = self.finalize();
    }
}

/// `CK_C_INITIALIZE_ARGS`, with the pointer that NSS reads behind it.
#[repr(C)]
struct InitializeArguments {
    standard: CK_C_INITIALIZE_ARGS,
    nss_reserved: *mut c_void,
}

/// Load the library and get its table of functions.
fn function_list(options: &Options) -> std::result::Result<CK_FUNCTION_LIST, LoadError> {
    let path = &options.path;
    let fail = |why: String| {
        Err(LoadError(format!("cannot use {} as PKCS#11 module: {why}", path.display())))
    };
    // SAFETY: loading runs the library's constructors, which is what the operator asked for by
    // naming it; the process is the boundary around them. No other thread exists during `init`.
    let library = match unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) } {
        Ok(library) => library,
        Err(error) => return fail(error.to_string()),
    };
    // SAFETY: a library that exports this name promises the type that the specification gives it.
    let symbol = unsafe { library.get::<CK_C_GetFunctionList>(b"C_GetFunctionList\0") };
    let Some(call) = symbol.ok().and_then(|symbol| *symbol) else {
        return fail("it has no function C_GetFunctionList, so it is no PKCS#11 module".to_owned());
    };
    let mut pointer: *mut CK_FUNCTION_LIST = std::ptr::null_mut();
    // SAFETY: `call` is C_GetFunctionList, the one function that may be called before
    // C_Initialize; `pointer` is writable.
    let returned = unsafe { call(&raw mut pointer) };
    if let Err(error) = check("C_GetFunctionList", returned) {
        return fail(error.to_string());
    }
    if pointer.is_null() {
        return fail("C_GetFunctionList gave no table".to_owned());
    }
    // SAFETY: the specification says that the pointer leads to the module's table, which starts
    // with the version.
    let version = unsafe { (*pointer).version };
    if !matches!(version.major, 2 | 3) {
        return fail(format!(
            "it follows PKCS#11 {}.{}; versions 2 and 3 are supported",
            version.major, version.minor
        ));
    }
    // SAFETY: C_GetFunctionList gives the table of version 2, which all of 2.x and 3.x have, and
    // CK_FUNCTION_LIST is that table. It is copied, and the code that it points at stays: the
    // library is never unloaded (next line).
    let list = unsafe { pointer.read() };
    std::mem::forget(library);
    Ok(list)
}

/// The functions that the operator can block: all that a guest can reach, except those that close.
#[rustfmt::skip]
pub const FUNCTION_NAMES: &[&str] = &[
    "C_GetInfo", "C_GetSlotList", "C_GetSlotInfo", "C_GetTokenInfo", "C_GetMechanismList",
    "C_GetMechanismInfo", "C_InitToken", "C_InitPIN", "C_SetPIN", "C_OpenSession",
    "C_GetSessionInfo", "C_GetOperationState", "C_SetOperationState", "C_Login", "C_Logout",
    "C_CreateObject", "C_CopyObject", "C_DestroyObject", "C_GetObjectSize", "C_GetAttributeValue",
    "C_SetAttributeValue", "C_FindObjectsInit", "C_EncryptInit", "C_Encrypt", "C_EncryptUpdate",
    "C_EncryptFinal", "C_DecryptInit", "C_Decrypt", "C_DecryptUpdate", "C_DecryptFinal",
    "C_DigestInit", "C_Digest", "C_DigestUpdate", "C_DigestKey", "C_DigestFinal", "C_SignInit",
    "C_Sign", "C_SignUpdate", "C_SignFinal", "C_SignRecoverInit", "C_SignRecover", "C_VerifyInit",
    "C_Verify", "C_VerifyUpdate", "C_VerifyFinal", "C_VerifyRecoverInit", "C_VerifyRecover",
    "C_DigestEncryptUpdate", "C_DecryptDigestUpdate", "C_SignEncryptUpdate",
    "C_DecryptVerifyUpdate", "C_GenerateKey", "C_GenerateKeyPair", "C_WrapKey", "C_UnwrapKey",
    "C_DeriveKey", "C_SeedRandom", "C_GenerateRandom", "C_WaitForSlotEvent",
];

#[cfg(test)]
mod tests;
