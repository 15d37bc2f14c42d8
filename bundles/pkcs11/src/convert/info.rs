//! The information records.

use crate::ck::sys::{
    self, CK_EFFECTIVELY_INFINITE, CK_FLAGS, CK_INFO, CK_MECHANISM_INFO, CK_SESSION_INFO,
    CK_SLOT_INFO, CK_TOKEN_INFO, CK_ULONG, CK_VERSION,
};
use crate::ck::{UNAVAILABLE, text, widen};
use crate::exports::pkcs11::host::sessions::{SessionInfo, SessionMode, SessionState};
use crate::exports::pkcs11::host::slots::{
    LibraryInfo, MechanismFlags, MechanismInfo, SessionLimit, SlotFlags, SlotInfo, TokenFlags,
    TokenInfo,
};
use crate::exports::pkcs11::host::types::Version;

/// `CK_INFO`.
pub(crate) fn library_info(info: &CK_INFO) -> LibraryInfo {
    LibraryInfo {
        cryptoki_version: version(info.cryptokiVersion),
        manufacturer_id: text(&info.manufacturerID),
        library_description: text(&info.libraryDescription),
        library_version: version(info.libraryVersion),
        flags: widen(info.flags),
        // 4 or 8.
        ulong_bytes: u8::try_from(size_of::<CK_ULONG>()).unwrap_or(u8::MAX),
    }
}

/// `CK_SLOT_INFO`.
pub(crate) fn slot_info(info: &CK_SLOT_INFO) -> SlotInfo {
    SlotInfo {
        slot_description: text(&info.slotDescription),
        manufacturer_id: text(&info.manufacturerID),
        flags: [
            (sys::CKF_TOKEN_PRESENT, SlotFlags::TOKEN_PRESENT),
            (sys::CKF_REMOVABLE_DEVICE, SlotFlags::REMOVABLE_DEVICE),
            (sys::CKF_HW_SLOT, SlotFlags::HW_SLOT),
        ]
        .into_iter()
        .filter_map(|(bit, flag)| (info.flags & bit != 0).then_some(flag))
        .collect(),
        raw_flags: widen(info.flags),
        hardware_version: version(info.hardwareVersion),
        firmware_version: version(info.firmwareVersion),
    }
}

/// `CK_TOKEN_INFO`.
pub(crate) fn token_info(info: &CK_TOKEN_INFO) -> TokenInfo {
    let clock = info.flags & sys::CKF_CLOCK_ON_TOKEN != 0;
    TokenInfo {
        label: text(&info.label),
        manufacturer_id: text(&info.manufacturerID),
        model: text(&info.model),
        serial_number: text(&info.serialNumber),
        flags: token_flags(info.flags),
        raw_flags: widen(info.flags),
        max_session_count: session_limit(info.ulMaxSessionCount),
        session_count: known(info.ulSessionCount),
        max_rw_session_count: session_limit(info.ulMaxRwSessionCount),
        rw_session_count: known(info.ulRwSessionCount),
        max_pin_length: widen(info.ulMaxPinLen),
        min_pin_length: widen(info.ulMinPinLen),
        total_public_memory: known(info.ulTotalPublicMemory),
        free_public_memory: known(info.ulFreePublicMemory),
        total_private_memory: known(info.ulTotalPrivateMemory),
        free_private_memory: known(info.ulFreePrivateMemory),
        hardware_version: version(info.hardwareVersion),
        firmware_version: version(info.firmwareVersion),
        utc_time: clock.then(|| text(&info.utcTime)),
    }
}

fn token_flags(flags: CK_FLAGS) -> TokenFlags {
    [
        (sys::CKF_RNG, TokenFlags::RNG),
        (sys::CKF_WRITE_PROTECTED, TokenFlags::WRITE_PROTECTED),
        (sys::CKF_LOGIN_REQUIRED, TokenFlags::LOGIN_REQUIRED),
        (sys::CKF_USER_PIN_INITIALIZED, TokenFlags::USER_PIN_INITIALIZED),
        (sys::CKF_RESTORE_KEY_NOT_NEEDED, TokenFlags::RESTORE_KEY_NOT_NEEDED),
        (sys::CKF_CLOCK_ON_TOKEN, TokenFlags::CLOCK_ON_TOKEN),
        (sys::CKF_PROTECTED_AUTHENTICATION_PATH, TokenFlags::PROTECTED_AUTHENTICATION_PATH),
        (sys::CKF_DUAL_CRYPTO_OPERATIONS, TokenFlags::DUAL_CRYPTO_OPERATIONS),
        (sys::CKF_TOKEN_INITIALIZED, TokenFlags::TOKEN_INITIALIZED),
        (sys::CKF_SECONDARY_AUTHENTICATION, TokenFlags::SECONDARY_AUTHENTICATION),
        (sys::CKF_USER_PIN_COUNT_LOW, TokenFlags::USER_PIN_COUNT_LOW),
        (sys::CKF_USER_PIN_FINAL_TRY, TokenFlags::USER_PIN_FINAL_TRY),
        (sys::CKF_USER_PIN_LOCKED, TokenFlags::USER_PIN_LOCKED),
        (sys::CKF_USER_PIN_TO_BE_CHANGED, TokenFlags::USER_PIN_TO_BE_CHANGED),
        (sys::CKF_SO_PIN_COUNT_LOW, TokenFlags::SO_PIN_COUNT_LOW),
        (sys::CKF_SO_PIN_FINAL_TRY, TokenFlags::SO_PIN_FINAL_TRY),
        (sys::CKF_SO_PIN_LOCKED, TokenFlags::SO_PIN_LOCKED),
        (sys::CKF_SO_PIN_TO_BE_CHANGED, TokenFlags::SO_PIN_TO_BE_CHANGED),
        (sys::CKF_ERROR_STATE, TokenFlags::ERROR_STATE),
    ]
    .into_iter()
    .filter_map(|(bit, flag)| (flags & bit != 0).then_some(flag))
    .collect()
}

/// `CK_MECHANISM_INFO`.
pub(crate) fn mechanism_info(info: &CK_MECHANISM_INFO) -> MechanismInfo {
    MechanismInfo {
        min_key_size: widen(info.ulMinKeySize),
        max_key_size: widen(info.ulMaxKeySize),
        flags: mechanism_flags(info.flags),
        raw_flags: widen(info.flags),
    }
}

fn mechanism_flags(flags: CK_FLAGS) -> MechanismFlags {
    [
        (sys::CKF_HW, MechanismFlags::HW),
        (sys::CKF_MESSAGE_ENCRYPT, MechanismFlags::MESSAGE_ENCRYPT),
        (sys::CKF_MESSAGE_DECRYPT, MechanismFlags::MESSAGE_DECRYPT),
        (sys::CKF_MESSAGE_SIGN, MechanismFlags::MESSAGE_SIGN),
        (sys::CKF_MESSAGE_VERIFY, MechanismFlags::MESSAGE_VERIFY),
        (sys::CKF_MULTI_MESSAGE, MechanismFlags::MULTI_MESSAGE),
        (sys::CKF_ENCRYPT, MechanismFlags::ENCRYPT),
        (sys::CKF_DECRYPT, MechanismFlags::DECRYPT),
        (sys::CKF_DIGEST, MechanismFlags::DIGEST),
        (sys::CKF_SIGN, MechanismFlags::SIGN),
        (sys::CKF_SIGN_RECOVER, MechanismFlags::SIGN_RECOVER),
        (sys::CKF_VERIFY, MechanismFlags::VERIFY),
        (sys::CKF_VERIFY_RECOVER, MechanismFlags::VERIFY_RECOVER),
        (sys::CKF_GENERATE, MechanismFlags::GENERATE),
        (sys::CKF_GENERATE_KEY_PAIR, MechanismFlags::GENERATE_KEY_PAIR),
        (sys::CKF_WRAP, MechanismFlags::WRAP),
        (sys::CKF_UNWRAP, MechanismFlags::UNWRAP),
        (sys::CKF_DERIVE, MechanismFlags::DERIVE),
        (sys::CKF_EC_F_P, MechanismFlags::EC_F_P),
        (sys::CKF_EC_F_2M, MechanismFlags::EC_F_TWO_M),
        (sys::CKF_EC_ECPARAMETERS, MechanismFlags::EC_ECPARAMETERS),
        (sys::CKF_EC_OID, MechanismFlags::EC_OID),
        (sys::CKF_EC_UNCOMPRESS, MechanismFlags::EC_UNCOMPRESS),
        (sys::CKF_EC_COMPRESS, MechanismFlags::EC_COMPRESS),
        (sys::CKF_EC_CURVENAME, MechanismFlags::EC_CURVENAME),
        (sys::CKF_EXTENSION, MechanismFlags::EXTENSION),
    ]
    .into_iter()
    .filter_map(|(bit, flag)| (flags & bit != 0).then_some(flag))
    .collect()
}

/// `CK_SESSION_INFO`.
pub(crate) fn session_info(info: &CK_SESSION_INFO) -> SessionInfo {
    let state = match info.state {
        sys::CKS_RO_PUBLIC_SESSION => SessionState::RoPublic,
        sys::CKS_RO_USER_FUNCTIONS => SessionState::RoUser,
        sys::CKS_RW_PUBLIC_SESSION => SessionState::RwPublic,
        sys::CKS_RW_USER_FUNCTIONS => SessionState::RwUser,
        sys::CKS_RW_SO_FUNCTIONS => SessionState::RwSo,
        other => SessionState::Other(widen(other)),
    };
    let read_write = info.flags & sys::CKF_RW_SESSION != 0;
    SessionInfo {
        slot: widen(info.slotID),
        state,
        mode: if read_write { SessionMode::ReadWrite } else { SessionMode::ReadOnly },
        device_error: widen(info.ulDeviceError),
    }
}

fn version(version: CK_VERSION) -> Version {
    Version { major: version.major, minor: version.minor }
}

fn known(number: CK_ULONG) -> Option<u64> {
    (number != UNAVAILABLE).then(|| widen(number))
}

fn session_limit(number: CK_ULONG) -> SessionLimit {
    match number {
        UNAVAILABLE => SessionLimit::Unavailable,
        CK_EFFECTIVELY_INFINITE => SessionLimit::Unlimited,
        limit => SessionLimit::Limited(widen(limit)),
    }
}
