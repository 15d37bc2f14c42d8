//! Lets the caller pass an empty list or string as the null pointer and length 0.
//!
//! wit-bindgen hands the pointer to `Vec::from_raw_parts`, which must never be null; a C caller
//! has no reason to know that.

use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, ExprCall, File, parse_quote};

pub(super) fn adapt(file: &mut File) {
    Lists.visit_file_mut(file);
}

struct Lists;

impl VisitMut for Lists {
    fn visit_expr_call_mut(&mut self, call: &mut ExprCall) {
        visit_mut::visit_expr_call_mut(self, call);
        let Expr::Path(function) = &*call.func else { return };
        let mut segments = function.path.segments.iter().rev();
        let called = (segments.next(), segments.next());
        let (Some(function), Some(of)) = called else { return };
        if function.ident != "from_raw_parts" || of.ident != "Vec" {
            return;
        }
        let mut arguments = call.args.iter();
        let (Some(pointer), Some(length), Some(capacity), None) =
            (arguments.next(), arguments.next(), arguments.next(), arguments.next())
        else {
            return;
        };
        if length.to_token_stream().to_string() != capacity.to_token_stream().to_string() {
            return;
        }
        *call = parse_quote!(::wrun_bundle::rt::list_from_raw(#pointer, #length));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use quote::ToTokens;

    #[test]
    fn lists_are_made_by_the_runtime() {
        let source = "fn f() { let b = _rt::Vec::from_raw_parts(arg0.cast(), len0, len0); }";
        let mut file = syn::parse_file(source).unwrap();
        super::adapt(&mut file);
        let text: String = file.to_token_stream().to_string().split_whitespace().collect();
        assert_eq!(text, "fnf(){letb=::wrun_bundle::rt::list_from_raw(arg0.cast(),len0);}");
    }
}
