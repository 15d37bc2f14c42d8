//! The imports, generated from the bundle's own WIT.

wit_bindgen::generate!({
    path: ["../../../bundles/echo/wit", "wit"],
    world: "tests:echo-all/echo-all",
    generate_all,
    // The code generated for it moves strings out of an array, which does not compile.
    skip: ["join-fixed"],
});

/// `join-fixed`, called as the canonical ABI says.
pub fn join_fixed([a, b, c]: [&str; 3]) -> String {
    let mut returned = [0_usize; 2];
    // SAFETY: the strings live until the call returns, and `returned` has room for its result.
    unsafe {
        import_join_fixed(
            a.as_ptr(),
            a.len(),
            b.as_ptr(),
            b.len(),
            c.as_ptr(),
            c.len(),
            &mut returned,
        );
    }
    let [start, length] = returned;
    // SAFETY: the host has allocated these bytes with `cabi_realloc`, which is this allocator, and
    // gives them to the caller; it has checked that they are UTF-8.
    unsafe { String::from_raw_parts(start as *mut u8, length, length) }
}

#[link(wasm_import_module = "wrun:echo/compound@0.1.0")]
unsafe extern "C" {
    #[link_name = "join-fixed"]
    fn import_join_fixed(
        a_start: *const u8,
        a_length: usize,
        b_start: *const u8,
        b_length: usize,
        c_start: *const u8,
        c_length: usize,
        returned: *mut [usize; 2],
    );
}
