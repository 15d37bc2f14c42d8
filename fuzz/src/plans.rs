//! Plans whose type descriptions lie, and values of what they describe.
//!
//! Input: a plan with its length in front, then the bytes of values.

use crate::allocated;
use crate::input::Input;
use crate::model;
use crate::values;
use protocol::message::Plan;
use protocol::types::{Type, TypeTable};

/// Functions of one plan that are looked at.
const FUNCTIONS: usize = 4;

/// Checks one input.
///
/// # Panics
/// If a description is taken or refused wrongly, or a value of what it describes is.
pub fn check(data: &[u8]) {
    let mut input = Input(data);
    let Ok(plan) = postcard::from_bytes::<Plan>(input.part()) else { return };
    let bytes = input.rest();
    let resources = plan.resources.len();
    let is_usable = model::is_usable(&plan.types, resources);
    // Facts about each definition, and the facts of one definition's parts.
    let count = plan.types.len();
    let limit = 64 * (count + data.len()) + 1024;
    let table = allocated::at_most(limit, || TypeTable::new(plan.types, resources));
    assert_eq!(table.is_ok(), is_usable, "{table:?}");
    let Ok(table) = table else { return };
    for index in 0..=u32::try_from(count).expect("a small plan") {
        let facts = table.facts(Type::Defined(index));
        assert_eq!(facts.is_some(), (index as usize) < count);
    }
    for function in plan.functions.iter().take(FUNCTIONS) {
        let known = |ty: &Type| table.facts(*ty).is_some();
        if function.params.iter().chain(&function.result).all(known) {
            values::agree(&table, &function.params, bytes);
            values::agree(&table, function.result.as_slice(), bytes);
        }
    }
}
