//! The interface `slots`.

use zeroize::Zeroizing;

use super::Answer;
use crate::exports::pkcs11::host::slots::{Guest, LibraryInfo, MechanismInfo, SlotInfo, TokenInfo};
use crate::host::host;
use crate::{Bundle, convert};

impl Guest for Bundle {
    fn get_info() -> Answer<LibraryInfo> {
        let info = host("C_GetInfo")?.module.info()?;
        Ok(convert::library_info(&info))
    }

    fn get_slot_list(token_present: bool) -> Answer<Vec<u64>> {
        let host = host("C_GetSlotList")?;
        let mut shown = Vec::new();
        for slot in host.module.slots(token_present)? {
            if host.policy.shows(&host.module, slot)? {
                shown.push(slot);
            }
        }
        Ok(shown)
    }

    fn get_slot_info(slot: u64) -> Answer<SlotInfo> {
        let host = host("C_GetSlotInfo")?;
        host.policy.slot("C_GetSlotInfo", &host.module, slot)?;
        Ok(convert::slot_info(&host.module.slot_info(slot)?))
    }

    fn get_token_info(slot: u64) -> Answer<TokenInfo> {
        let host = host("C_GetTokenInfo")?;
        host.policy.slot("C_GetTokenInfo", &host.module, slot)?;
        Ok(convert::token_info(&host.module.token_info(slot)?))
    }

    fn get_mechanism_list(slot: u64) -> Answer<Vec<u64>> {
        let host = host("C_GetMechanismList")?;
        host.policy.slot("C_GetMechanismList", &host.module, slot)?;
        let mut mechanisms = host.module.mechanisms(slot)?;
        mechanisms.retain(|mechanism| host.policy.shows_mechanism(*mechanism));
        Ok(mechanisms)
    }

    fn get_mechanism_info(slot: u64, mechanism: u64) -> Answer<MechanismInfo> {
        const NAME: &str = "C_GetMechanismInfo";
        let host = host(NAME)?;
        host.policy.slot(NAME, &host.module, slot)?;
        host.policy.mechanism(NAME, mechanism)?;
        Ok(convert::mechanism_info(&host.module.mechanism_info(slot, mechanism)?))
    }

    fn poll_slot_event() -> Answer<Option<u64>> {
        let host = host("C_WaitForSlotEvent")?;
        let Some(slot) = host.module.slot_event()? else { return Ok(None) };
        // A token that went away cannot be compared; a slot that shows another one is not told of.
        Ok(host.policy.shows(&host.module, slot)?.then_some(slot))
    }

    fn init_token(slot: u64, so_pin: Option<String>, label: String) -> Answer<()> {
        let host = host("C_InitToken")?;
        host.policy.slot("C_InitToken", &host.module, slot)?;
        host.policy.session("C_InitToken", true)?;
        let so_pin = so_pin.map(Zeroizing::new);
        let so_pin = so_pin.as_ref().map(|pin| pin.as_str());
        Ok(host.module.init_token(slot, so_pin, &label)?)
    }
}
