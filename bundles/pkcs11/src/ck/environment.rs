//! Environment variables for the module: several are configured by nothing else (`SOFTHSM2_CONF`).

/// Set one variable for this process, before the module is loaded.
///
/// # Errors
/// The name is empty or holds `=` or a zero byte, or the value holds a zero byte.
pub fn set(name: &str, value: &str) -> std::result::Result<(), String> {
    if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
        return Err(format!(
            "the environment variable {name:?} cannot be set: a name is not empty and has neither \
             '=' nor a zero byte, a value has no zero byte"
        ));
    }
    // SAFETY: no other thread reads or writes the environment meanwhile. The only caller is `init`,
    // which the shim calls once, while the process has a single thread and no module is loaded.
    // Tests that call `init` hold a lock around it and everything else that uses the environment.
    unsafe { std::env::set_var(name, value) };
    Ok(())
}
