//! Tokens by their label.

use crate::types::SlotId;
use crate::{Result, slots};

/// The slot with the token of this label; an error names the labels that are there.
pub fn find_token(label: &str) -> Result<SlotId> {
    let mut labels = Vec::new();
    for slot in slots::get_slot_list(true)? {
        let info = slots::get_token_info(slot)?;
        if info.label == label {
            return Ok(slot);
        }
        labels.push(format!("`{}`", info.label));
    }
    Err(format!("no token has the label `{label}`; there are: {}", labels.join(", ")).into())
}
