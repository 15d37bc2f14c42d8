//! Replies that are no values. They never get here, since the proxy validates first; if they did,
//! they would be errors, or the value that the bytes spell.

use super::differential::Returns;
use super::reference::encode;
use super::roundtrip::runner;
use super::types::{Ty, ty};
use super::values::value;
use proptest::collection::vec;
use proptest::prelude::*;

/// A type, a valid encoding, and what is changed in it.
fn reply() -> impl Strategy<Value = (Ty, Vec<u8>, Vec<(prop::sample::Index, u8)>)> {
    let byte = prop_oneof![0..=3_u8, Just(0xff), any::<u8>()];
    let changes = vec((any::<prop::sample::Index>(), byte), 24);
    ty().prop_flat_map(move |ty| {
        let encoded = value(&ty).prop_map({
            let ty = ty.clone();
            move |value| {
                let mut bytes = Vec::new();
                encode(&ty, &value, &mut bytes);
                bytes
            }
        });
        (Just(ty), encoded, changes.clone())
    })
}

#[test]
fn a_reply_that_is_cut_off_anywhere_traps_the_guest() {
    let checked = runner(32).run(&reply(), |(ty, bytes, _)| {
        let returns = Returns::new(&ty);
        prop_assert!(returns.reply(&bytes).is_ok());
        // Every offset of short replies, and some of long ones.
        let step = bytes.len().div_ceil(200).max(1);
        for end in (0..bytes.len()).step_by(step) {
            prop_assert!(returns.reply(&bytes[..end]).is_err(), "{} of {:?}", end, bytes);
        }
        let longer = [&bytes[..], &[0]].concat();
        prop_assert!(returns.reply(&longer).is_err(), "a byte too many");
        Ok(())
    });
    checked.unwrap();
}

#[test]
fn changed_bytes_are_an_error_or_the_value_they_spell() {
    let checked = runner(48).run(&reply(), |(ty, mut bytes, changes)| {
        let returns = Returns::new(&ty);
        // Each change alone, then on top of the ones before.
        for (at, byte) in &changes {
            let at = at.index(bytes.len());
            let before = std::mem::replace(&mut bytes[at], *byte);
            returns.check(&bytes);
            bytes[at] = before;
        }
        for (at, byte) in &changes {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
            returns.check(&bytes);
        }
        Ok(())
    });
    checked.unwrap();
}

#[test]
fn random_bytes_are_an_error_or_the_value_they_spell() {
    let strategy = (ty(), vec(vec(any::<u8>(), 0..=48), 24));
    let checked = runner(32).run(&strategy, |(ty, replies)| {
        let returns = Returns::new(&ty);
        for bytes in &replies {
            returns.check(bytes);
        }
        Ok(())
    });
    checked.unwrap();
}

#[test]
fn a_count_beyond_the_bytes_that_follow_allocates_nothing() {
    use protocol::types::Type;
    let list = |ty| Ty::List(Box::new(Ty::Basic(ty)));
    let map = Ty::Map(Type::U8, Box::new(Ty::Basic(Type::U8)));
    for ty in [list(Type::U8), list(Type::U64), list(Type::String), map, Ty::Basic(Type::String)] {
        let returns = Returns::new(&ty);
        for count in [1, 0x1000_0000, u32::MAX] {
            let error = format!("{:#}", returns.reply(&count.to_le_bytes()).unwrap_err());
            // The guest's allocator was not even asked: it would have said `unreachable`.
            assert!(!error.contains("unreachable"), "{ty:?} of {count}: {error}");
        }
    }
}
