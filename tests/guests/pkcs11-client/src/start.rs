//! Makes up for a C library that leaves the constructors to the linker.

/// Runs the constructors of the C library, which find the preopened directories. To be called first.
///
/// wasm-ld calls them in front of each export, unless a program mentions them itself, and the
/// runtime of wit-bindgen does. A recent wasi-libc then calls them in `_start`; Debian's is too old.
pub fn start() {
    #[cfg(constructors_by_linker)]
    {
        unsafe extern "C" {
            fn __wasm_call_ctors();
        }
        // SAFETY: nothing else calls it in a program that is linked this way, and `main` is once.
        unsafe { __wasm_call_ctors() }
    }
}
