//! `canon` beside wasmtime's public `Val` path. Whatever differs is a panic. Used by the properties, and
//! by the fuzz target `canon`.

use super::edges::edges;
use super::guest::PassThrough;
use super::host::{ENGINE, Linked, State};
use super::reference::{encode, encode_all};
use super::types::{Signature, Ty, table, ty};
use super::values::{Call, value};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use protocol::value::validate_all;
use std::cell::OnceCell;
use wasmtime::component::{Component, Val};
use wit_component::StringEncoding;

/// A guest for one signature, linked both ways.
pub(super) struct Both {
    signature: Signature,
    canon: Linked,
    val: Linked,
}

impl Both {
    pub(super) fn new(signature: &Signature, encoding: StringEncoding) -> Self {
        let guest = PassThrough::new(signature, encoding);
        let component = Component::new(&ENGINE, &guest.component).unwrap();
        let canon = Linked::canon(&component, guest.slots).unwrap();
        Self { signature: signature.clone(), canon, val: Linked::val(&component) }
    }

    /// Makes one call both ways.
    pub(super) fn check(&self, call: &Call) {
        let arguments = encode_all(self.signature.params.iter().zip(&call.params));
        let result = encode_all(self.signature.result.iter().zip(&call.result));
        self.check_canon(call, &arguments, &result);
        self.check_val(call, &arguments, &result);
    }

    fn check_canon(&self, call: &Call, arguments: &[u8], result: &[u8]) {
        let mut guest = self.canon.start(State { reply: result.to_vec(), ..State::default() });
        let returned = guest.call("g", &call.params).unwrap();
        let seen = &guest.store.data().seen;
        assert_eq!(seen.len(), 1);
        assert_eq!(&seen[0], arguments, "wire bytes of the arguments");
        let (table, types) = table(&self.signature.params);
        assert_eq!(validate_all(&table, types, &seen[0]), Ok(()));
        // By bytes, since `Val` takes all NaNs for equal.
        let returned = encode_all(self.signature.result.iter().zip(&returned));
        assert_eq!(returned, result, "the result that the guest returned");
        assert_eq!(guest.stray_bytes(), 0);
    }

    fn check_val(&self, call: &Call, arguments: &[u8], result: &[u8]) {
        let reply_val = call.result.clone();
        let mut guest = self.val.start(State { reply_val, ..State::default() });
        let returned = guest.call("g", &call.params).unwrap();
        let seen = &guest.store.data().seen_vals;
        assert_eq!(seen.len(), 1);
        let seen = encode_all(self.signature.params.iter().zip(&seen[0]));
        assert_eq!(seen, arguments, "the arguments as values");
        let returned = encode_all(self.signature.result.iter().zip(&returned));
        assert_eq!(returned, result, "the result as a value");
    }
}

/// A guest that returns what `f`, linked through `canon`, returns.
pub(super) struct Returns {
    ty: Ty,
    linked: Linked,
}

impl Returns {
    pub(super) fn new(ty: &Ty) -> Self {
        let signature = Signature { params: vec![], result: Some(ty.clone()) };
        let guest = PassThrough::new(&signature, StringEncoding::UTF8);
        let component = Component::new(&ENGINE, &guest.component).unwrap();
        Self { ty: ty.clone(), linked: Linked::canon(&component, guest.slots).unwrap() }
    }

    /// What a guest makes of these bytes, and how many bytes were written beside it.
    pub(super) fn reply(&self, bytes: &[u8]) -> wasmtime::Result<(Val, u32)> {
        let mut guest = self.linked.start(State { reply: bytes.to_vec(), ..State::default() });
        let value = guest.call("g", &[])?.unwrap();
        Ok((value, guest.stray_bytes()))
    }

    /// These bytes are an error, or spell the value that the guest got, which is returned.
    pub(super) fn check(&self, bytes: &[u8]) -> Option<Val> {
        let (table, types) = table([&self.ty]);
        let valid = validate_all(&table, types, bytes);
        match self.reply(bytes) {
            Ok((value, stray)) => {
                assert_eq!(stray, 0);
                let mut encoded = Vec::new();
                encode(&self.ty, &value, &mut encoded);
                assert_eq!(valid, Ok(()), "it was lowered all the same");
                assert_eq!(encoded, bytes);
                Some(value)
            }
            Err(error) => {
                assert!(valid.is_err(), "a valid reply was refused: {error:?}");
                None
            }
        }
    }
}

/// Bytes of memory that a guest has for an argument, and as many for a result.
const GUEST_BYTES: usize = 400 << 10;

/// Types by number, for inputs that can only choose: those at the edges, and random ones that are
/// always the same. Guests are compiled when they are first needed.
pub(super) struct Cases(Vec<(Ty, OnceCell<(Returns, Both)>)>);

impl Cases {
    pub(super) fn new() -> Self {
        let mut chance = TestRunner::deterministic();
        let mut random = || ty().new_tree(&mut chance).unwrap().current();
        let edges = edges().into_iter().filter_map(|signature| signature.result);
        let all = edges.chain(std::iter::from_fn(|| Some(random())));
        Self(all.take(1 << 8).map(|ty| (ty, OnceCell::new())).collect())
    }

    /// Inputs to begin with: a valid reply for each type.
    pub(super) fn seeds(&self) -> Vec<Vec<u8>> {
        let mut chance = TestRunner::deterministic();
        let mut seed = |number: u8| {
            let (ty, _) = &self.0[usize::from(number)];
            let mut bytes = vec![number];
            encode(ty, &value(ty).new_tree(&mut chance).unwrap().current(), &mut bytes);
            bytes
        };
        (0..=u8::MAX).map(&mut seed).collect()
    }

    /// The first byte of `data` chooses a type. The others are a reply of that type, or none; what
    /// they spell goes through both ways as an argument and a result.
    pub(super) fn check(&self, data: &[u8]) {
        let Some((number, bytes)) = data.split_first() else { return };
        let (ty, guests) = &self.0[usize::from(*number)];
        if bytes.len() * ty.growth() > GUEST_BYTES {
            return;
        }
        let (returns, both) = guests.get_or_init(|| {
            let same = Signature { params: vec![ty.clone()], result: Some(ty.clone()) };
            (Returns::new(ty), Both::new(&same, StringEncoding::UTF8))
        });
        if let Some(value) = returns.check(bytes) {
            both.check(&Call { params: vec![value.clone()], result: Some(value) });
        }
    }
}
