//! What each key does, and what its mistakes say.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;

fn read(pairs: &[(&str, &str)]) -> Result<Settings, String> {
    let pairs = pairs.iter().map(|(key, value)| ((*key).into(), (*value).into()));
    Settings::read([("module".to_owned(), "/m.so".to_owned())].into_iter().chain(pairs).collect())
}

#[test]
fn without_settings_only_the_module_is_needed() {
    let settings = read(&[]).unwrap();
    assert_eq!(settings.options.path, Path::new("/m.so"));
    assert!(settings.policy.mechanisms.is_none());
    let error = Settings::read(Vec::new()).unwrap_err();
    assert!(error.contains("`module` is missing"), "{error}");
}

#[test]
fn a_module_is_an_absolute_path() {
    let error = Settings::read(vec![("module".into(), "libsofthsm2.so".into())]).unwrap_err();
    assert!(error.contains("absolute path"), "{error}");
}

#[test]
fn variables_are_collected_by_their_prefix() {
    let settings = read(&[("env.SOFTHSM2_CONF", "/etc/softhsm2.conf"), ("env.A", "")]).unwrap();
    let expected = [("SOFTHSM2_CONF", "/etc/softhsm2.conf"), ("A", "")];
    assert_eq!(settings.environment, expected.map(|(name, value)| (name.into(), value.into())));
}

#[test]
fn blocked_functions_must_exist() {
    let settings = read(&[("block-functions", "C_DestroyObject, C_InitToken")]).unwrap();
    assert!(settings.options.blocked.contains("C_InitToken"));
    let error = read(&[("block-functions", "C_Destroy")]).unwrap_err();
    assert!(error.contains("C_Destroy"), "{error}");
    // A session that cannot be closed would stay for ever.
    assert!(read(&[("block-functions", "C_CloseSession")]).is_err());
}

#[test]
fn quirks_are_flags() {
    let settings = read(&[("no-operation-state", "true"), ("no-deinit", "true")]).unwrap();
    assert!(settings.options.no_deinit);
    assert!(settings.options.blocked.contains("C_GetOperationState"));
    assert!(read(&[("no-deinit", "yes")]).is_err());
}

#[test]
fn mechanisms_are_decimal_or_hexadecimal() {
    let settings = read(&[("allow-mechanisms", "0x1041, 64")]).unwrap();
    assert_eq!(settings.policy.mechanisms.unwrap(), BTreeSet::from([0x1041, 64]));
    let error = read(&[("allow-mechanisms", "CKM_ECDSA")]).unwrap_err();
    assert!(error.contains("0x1040,0x1041"), "{error}");
}

#[test]
fn a_pin_comes_from_one_place_and_is_never_shown() {
    let both = [("pin", "the-secret"), ("pin-file", "/nowhere")];
    let error = read(&both).unwrap_err();
    assert!(error.contains("both given") && !error.contains("the-secret"), "{error}");
    let settings = read(&[("pin", "the-secret\n")]).unwrap();
    assert!(!format!("{settings:?}").contains("the-secret"));
    let error = read(&[("so-pin-file", "/nowhere/pin")]).unwrap_err();
    assert!(error.contains("/nowhere/pin"), "{error}");
}

#[test]
fn the_line_end_of_a_pin_file_is_not_part_of_the_pin() {
    assert_eq!(*without_newline(Zeroizing::new("1234\r\n".to_owned())), "1234");
    assert_eq!(*without_newline(Zeroizing::new(" 12 ".to_owned())), " 12 ");
}

#[test]
fn an_unknown_key_names_the_nearest() {
    let error = read(&[("no-lock", "true")]).unwrap_err();
    assert!(error.contains("no-lock"), "{error}");
    let error = read(&[("pinfile", "/x")]).unwrap_err();
    assert!(error.contains("pin-file"), "{error}");
}
