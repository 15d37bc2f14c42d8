//! The names of a bundle's symbols in the native library.

/// The symbol of an exported function: `wit_`, then `name` with every byte outside `[A-Za-z0-9]`
/// replaced by `_` and its two lowercase hexadecimal digits.
///
/// `name` is the export's name in the component model: `pkg:ns/iface@1.0.0#func`, or just `func`
/// for a function of the world. Linkers and version scripts accept the result everywhere; the
/// prefix keeps a function `read` of a world from taking the place of libc's. Two names never
/// share a symbol, since `_` itself is escaped.
///
/// | name | symbol |
/// |---|---|
/// | `run` | `wit_run` |
/// | `read-all` | `wit_read_2dall` |
/// | `wrun:echo/scalars@0.1.0#add` | `wit_wrun_3aecho_2fscalars_400_2e1_2e0_23add` |
/// | `a:b/c#[constructor]d` | `wit_a_3ab_2fc_23_5bconstructor_5dd` |
/// | `a:b/c#[method]d.e-f` | `wit_a_3ab_2fc_23_5bmethod_5dd_2ee_2df` |
/// | `a:b/c#[dtor]d` | `wit_a_3ab_2fc_23_5bdtor_5dd` |
/// | `a_b` | `wit_a_5fb` |
pub(crate) fn symbol(name: &str) -> String {
    let mut symbol = String::from("wit_");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() {
            symbol.push(char::from(byte));
        } else {
            symbol.push_str(&format!("_{byte:02x}"));
        }
    }
    symbol
}

/// What wit-bindgen puts before the name of a function that frees a result.
const POST_RETURN: &str = "cabi_post_";

/// The symbol for one of wit-bindgen's export names, which may be that of a post-return function:
/// `cabi_post_` stays in front of the escaped symbol.
pub(crate) fn export_symbol(export_name: &str) -> String {
    match export_name.strip_prefix(POST_RETURN) {
        Some(function) => format!("{POST_RETURN}{}", symbol(function)),
        None => symbol(export_name),
    }
}

/// wit-bindgen's export name of the function that frees the results of `name`.
pub(crate) fn post_return_name(name: &str) -> String {
    format!("{POST_RETURN}{name}")
}

#[cfg(test)]
mod tests {
    use super::{export_symbol, symbol};

    #[test]
    fn names_are_escaped_as_the_table_says() {
        let vectors = [
            ("run", "wit_run"),
            ("read-all", "wit_read_2dall"),
            ("wrun:echo/scalars@0.1.0#add", "wit_wrun_3aecho_2fscalars_400_2e1_2e0_23add"),
            ("a:b/c#[constructor]d", "wit_a_3ab_2fc_23_5bconstructor_5dd"),
            ("a:b/c#[method]d.e-f", "wit_a_3ab_2fc_23_5bmethod_5dd_2ee_2df"),
            ("a:b/c#[static]d.e", "wit_a_3ab_2fc_23_5bstatic_5dd_2ee"),
            ("a:b/c#[dtor]d", "wit_a_3ab_2fc_23_5bdtor_5dd"),
            ("a:b/c@1.0.0-rc.1+x#f", "wit_a_3ab_2fc_401_2e0_2e0_2drc_2e1_2bx_23f"),
            ("a_b", "wit_a_5fb"),
            ("", "wit_"),
        ];
        for (name, expected) in vectors {
            assert_eq!(symbol(name), expected, "{name}");
        }
    }

    #[test]
    fn bytes_beyond_ascii_are_escaped_one_by_one() {
        assert_eq!(symbol("é"), "wit__c3_a9");
    }

    #[test]
    fn an_escape_cannot_be_forged() {
        assert_ne!(symbol("a_3ab"), symbol("a:b"));
    }

    #[test]
    fn post_return_keeps_its_prefix_unescaped() {
        assert_eq!(export_symbol("cabi_post_a:b/c#d"), "cabi_post_wit_a_3ab_2fc_23d");
        assert_eq!(export_symbol("a:b/c#d"), "wit_a_3ab_2fc_23d");
    }
}
