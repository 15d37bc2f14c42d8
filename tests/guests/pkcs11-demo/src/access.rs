//! The way to the token: module, PIN, login.

use pkcs11_client::numbers::CKR_PIN_INCORRECT;
use pkcs11_client::sessions::{PinSource, Session, UserType};
use pkcs11_client::types::ErrorOrigin;
use pkcs11_client::{Result, slots};

use crate::output::Output;

pub fn describe_module(output: &Output) -> Result<()> {
    let info = slots::get_info()?;
    let version = info.cryptoki_version;
    let slots = slots::get_slot_list(true)?.len();
    output.proved(
        "module",
        &format!(
            "`{}` by `{}` answers, PKCS#11 {}.{:02}, slots with a token: {slots}",
            info.library_description, info.manufacturer_id, version.major, version.minor
        ),
    );
    Ok(())
}

pub fn try_wrong_pin(session: &Session, output: &Output) -> Result<()> {
    let wrong = PinSource::Given("certainly not it".to_owned());
    match session.login(UserType::User, &wrong) {
        Err(error) if error.code == CKR_PIN_INCORRECT && error.origin == ErrorOrigin::Module => {
            let meaning = format!("a wrong one is a typed error, {}", error.name);
            output.proved("PIN", &meaning);
            Ok(())
        }
        Err(error) => Err(error.into()),
        Ok(()) => Err("the token accepted a wrong PIN".into()),
    }
}

pub fn login(session: &Session, output: &Output) -> Result<()> {
    session.login(UserType::User, &PinSource::Configured)?;
    let state = session.info()?.state;
    output.proved("login", &format!("the bundle knows the PIN, the guest does not: {state:?}"));
    Ok(())
}
