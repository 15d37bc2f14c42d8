//! PINs from the configuration: used for a guest, never shown to it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use zeroize::Zeroizing;

use crate::ck::sys::{
    CKR_ARGUMENTS_BAD, CKR_PIN_EXPIRED, CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE,
    CKR_PIN_LOCKED,
};
use crate::ck::{Error, Module, Result, Session, User};

/// The configured PINs, and which tokens refused them.
pub(crate) struct Pins {
    user: Option<Zeroizing<String>>,
    so: Option<Zeroizing<String>>,
    /// Token and kind of user. A refused PIN is not sent again: each try may be the last one
    /// before the token locks itself, and a guest that retries in a loop is no reason for that.
    refused: RefCell<BTreeSet<(Token, User)>>,
}

/// A token: its slot, and its serial number, since another one may be put into the slot.
type Token = (u64, [u8; 16]);

impl Pins {
    pub(crate) fn new(user: Option<Zeroizing<String>>, so: Option<Zeroizing<String>>) -> Self {
        Self { user, so, refused: RefCell::default() }
    }

    /// `C_Login` with the configured PIN.
    ///
    /// # Errors
    /// What the module returned; `CKR_ARGUMENTS_BAD` if no PIN is configured; `CKR_PIN_INCORRECT`
    /// without asking the token if it refused this PIN before.
    pub(crate) fn login(&self, module: &Module, session: &Session, user: User) -> Result<()> {
        const NAME: &str = "C_Login";
        let (pin, keys) = match user {
            User::SecurityOfficer => (&self.so, "so-pin or so-pin-file"),
            User::User | User::ContextSpecific => (&self.user, "pin or pin-file"),
        };
        let Some(pin) = pin else {
            let why = format!("the bundle has no configured PIN for this user ({keys})");
            return Err(Error::bundle(NAME, CKR_ARGUMENTS_BAD, why));
        };
        // The user's PIN is one, whether it opens the token or confirms one operation.
        let whose = if user == User::SecurityOfficer { user } else { User::User };
        // Where the token does not tell its number, the slot alone stands for it.
        let serial = module.token_info(session.slot()).map(|info| info.serialNumber);
        let attempt = ((session.slot(), serial.unwrap_or_default()), whose);
        if self.refused.borrow().contains(&attempt) {
            let why = "the token refused the configured PIN before, so it is not sent again";
            return Err(Error::bundle(NAME, CKR_PIN_INCORRECT, why));
        }
        session.login(user, Some(pin.as_str())).inspect_err(|error| {
            let refusals = [
                CKR_PIN_INCORRECT,
                CKR_PIN_INVALID,
                CKR_PIN_LEN_RANGE,
                CKR_PIN_EXPIRED,
                CKR_PIN_LOCKED,
            ];
            if refusals.iter().any(|code| error.is(*code)) {
                self.refused.borrow_mut().insert(attempt);
            }
        })
    }
}

impl fmt::Debug for Pins {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Pins")
            .field("user", &self.user.is_some())
            .field("so", &self.so.is_some())
            .finish_non_exhaustive()
    }
}
