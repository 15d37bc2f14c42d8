//! Core types: how a value travels in registers, as the canonical ABI flattens it.
//!
//! The rules are those of wit-bindgen for native targets. Pointers and lengths have the machine's
//! own width, and cases of a variant that share a slot join their types.

#![forbid(unsafe_code)]

/// Most core values that parameters may flatten to; more travel in memory.
pub(super) const FLAT_PARAMS_MAX: usize = 16;

/// Most core values that a result may flatten to; more travel in memory.
pub(super) const FLAT_RESULTS_MAX: usize = 1;

/// The type of one argument or result in the C signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CoreType {
    I32,
    I64,
    F32,
    F64,
    Pointer,
    /// A case holds a pointer where another holds 64 bits of something else.
    PointerOrI64,
    Length,
}

/// The one type that can hold a value of either.
fn join(a: CoreType, b: CoreType) -> CoreType {
    use CoreType::{F32, F64, I32, I64, Length, Pointer, PointerOrI64};
    match (a, b) {
        _ if a == b => a,
        (PointerOrI64, _) | (_, PointerOrI64) | (Pointer, I64 | F64) | (I64 | F64, Pointer) => {
            PointerOrI64
        }
        (I64 | F64, _) | (_, I64 | F64) => I64,
        (Pointer, _) | (_, Pointer) => Pointer,
        (Length, _) | (_, Length) => Length,
        (I32 | F32, _) => I32,
    }
}

/// The core types of a value, in order. `None` if there are more than [`FLAT_PARAMS_MAX`].
pub(super) type Flat = Option<Vec<CoreType>>;

/// One value after the other.
pub(super) fn sequence<'a>(parts: impl IntoIterator<Item = &'a Flat>) -> Flat {
    let mut all = Vec::new();
    for part in parts {
        all.extend_from_slice(part.as_deref()?);
        if all.len() > FLAT_PARAMS_MAX {
            return None;
        }
    }
    Some(all)
}

/// A case number, then the joined core types of all payloads.
pub(super) fn variant<'a>(payloads: impl IntoIterator<Item = &'a Flat>) -> Flat {
    let mut joined: Vec<CoreType> = Vec::new();
    for payload in payloads {
        let payload = payload.as_deref()?;
        for (slot, ty) in joined.iter_mut().zip(payload) {
            *slot = join(*slot, *ty);
        }
        joined.extend_from_slice(payload.get(joined.len()..).unwrap_or_default());
    }
    sequence([&Some(vec![CoreType::I32]), &Some(joined)])
}

/// The C signature of a function.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signature {
    /// At most [`FLAT_PARAMS_MAX`].
    pub(super) params: Vec<CoreType>,
    /// All parameters lie in memory, and the only argument points to them.
    pub(super) params_in_memory: bool,
    /// `None` for `void`.
    pub(super) result: Option<CoreType>,
    /// The result lies in memory, and the function returns a pointer to it.
    pub(super) result_in_memory: bool,
}

impl Signature {
    pub(super) fn new(params: &Flat, result: Option<&Flat>) -> Self {
        let result_flat = result.map(|flat| flat.as_deref().unwrap_or_default());
        // No type flattens to nothing, so an empty slice here means "too many".
        let result_in_memory = result_flat.is_some_and(|flat| flat.len() != FLAT_RESULTS_MAX);
        Self {
            params: params.clone().unwrap_or_else(|| vec![CoreType::Pointer]),
            params_in_memory: params.is_none(),
            result: match result_in_memory {
                true => Some(CoreType::Pointer),
                false => result_flat.and_then(|flat| flat.first().copied()),
            },
            result_in_memory,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CoreType::*, *};

    fn flat(types: &[CoreType]) -> Flat {
        Some(types.to_vec())
    }

    #[test]
    fn slots_of_two_cases_join_as_in_wit_bindgen() {
        let cases = [
            (I32, F32, I32),
            (F32, F32, F32),
            (F64, I32, I64),
            (F32, F64, I64),
            (Length, F32, Length),
            (Length, I64, I64),
            (Pointer, Length, Pointer),
            (Pointer, I32, Pointer),
            (Pointer, F64, PointerOrI64),
            (PointerOrI64, F32, PointerOrI64),
        ];
        for (a, b, joined) in cases {
            assert_eq!(join(a, b), joined, "{a:?} {b:?}");
            assert_eq!(join(b, a), joined, "{b:?} {a:?}");
        }
    }

    #[test]
    fn the_longest_case_decides_the_length() {
        let text = flat(&[Pointer, Length]);
        let joined = variant([&text, &flat(&[F64]), &flat(&[F32, F32, F32])]);
        assert_eq!(joined, flat(&[I32, PointerOrI64, Length, F32]));
    }

    #[test]
    fn a_seventeenth_parameter_moves_all_into_memory() {
        let sixteen = flat(&[F32; 16]);
        assert!(!Signature::new(&sixteen, None).params_in_memory);
        let seventeen = sequence([&sixteen, &flat(&[I32])]);
        let signature = Signature::new(&seventeen, None);
        assert!(signature.params_in_memory);
        assert_eq!(signature.params, [Pointer]);
    }

    #[test]
    fn a_second_result_moves_both_into_memory() {
        let one = Signature::new(&flat(&[]), Some(&flat(&[F64])));
        assert_eq!((one.result, one.result_in_memory), (Some(F64), false));
        let two = Signature::new(&flat(&[]), Some(&flat(&[Pointer, Length])));
        assert_eq!((two.result, two.result_in_memory), (Some(Pointer), true));
    }
}
