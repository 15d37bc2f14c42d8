//! Objects: made, found, read, changed, copied, destroyed.

use pkcs11_host::ck::sys;
use pkcs11_host::exports::pkcs11::host::sessions::{GuestSession, Session};
use pkcs11_host::exports::pkcs11::host::types::{
    Attribute, AttributeState, AttributeValue, ErrorOrigin, PlainAttribute, PlainValue,
};

use crate::common::{
    Key, P256, Token, boolean, bytes, ec_pair, name, plain, resource, rsa_pair, secret, ulong,
};

fn data(session: &Session, label: &[u8], token: bool) -> Key {
    let template = vec![
        ulong(sys::CKA_CLASS, sys::CKO_DATA),
        boolean(sys::CKA_TOKEN, token),
        bytes(sys::CKA_LABEL, label),
        bytes(sys::CKA_VALUE, b"the value"),
    ];
    Key::new(resource(session).create_object(template).unwrap())
}

fn find(session: &Session, template: Vec<Attribute>, limit: Option<u32>) -> usize {
    resource(session).find_objects(template, limit).unwrap().len()
}

#[test]
fn objects_are_found_by_their_attributes() {
    let token = Token::new();
    let session = token.user();
    let _objects: Vec<Key> = (0..5).map(|_| data(&session, b"five of them", false)).collect();
    let _other = data(&session, b"other", false);
    assert_eq!(find(&session, Vec::new(), None), 6);
    assert_eq!(find(&session, vec![bytes(sys::CKA_LABEL, b"five of them")], None), 5);
    assert_eq!(find(&session, vec![bytes(sys::CKA_LABEL, b"five of them")], Some(3)), 3);
    assert_eq!(find(&session, Vec::new(), Some(0)), 0);
    assert_eq!(find(&session, vec![bytes(sys::CKA_LABEL, b"nothing")], None), 0);
    let class = vec![ulong(sys::CKA_CLASS, sys::CKO_DATA), bytes(sys::CKA_LABEL, b"other")];
    let found = resource(&session).find_objects(class, None).unwrap().remove(0);
    assert_eq!(Key::new(found).bytes(sys::CKA_VALUE), b"the value");
}

#[test]
fn more_objects_than_one_call_returns_are_all_found() {
    let token = Token::new();
    let session = token.user();
    let _objects: Vec<Key> = (0..600).map(|_| data(&session, b"many", false)).collect();
    assert_eq!(find(&session, Vec::new(), None), 600);
    assert_eq!(find(&session, Vec::new(), Some(599)), 599);
}

#[test]
fn token_objects_stay_and_session_objects_go() {
    let token = Token::new();
    let session = token.user();
    let _stays = data(&session, b"stays", true);
    let _goes = data(&session, b"goes", false);
    drop(session);
    let session = token.user();
    assert_eq!(find(&session, vec![bytes(sys::CKA_LABEL, b"stays")], None), 1);
    assert_eq!(find(&session, vec![bytes(sys::CKA_LABEL, b"goes")], None), 0);
}

#[test]
fn attributes_come_in_the_form_of_their_type() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = rsa_pair(&session);
    let states = public
        .attributes(&[
            sys::CKA_CLASS,
            sys::CKA_KEY_TYPE,
            sys::CKA_MODULUS_BITS,
            sys::CKA_VERIFY,
            sys::CKA_PUBLIC_EXPONENT,
            sys::CKA_KEY_GEN_MECHANISM,
        ])
        .unwrap();
    let values: Vec<String> = states.iter().map(|state| format!("{state:?}")).collect();
    let expected = [
        "AttributeState::Value(AttributeValue::Ulong(2))",
        "AttributeState::Value(AttributeValue::Ulong(0))",
        "AttributeState::Value(AttributeValue::Ulong(2048))",
        "AttributeState::Value(AttributeValue::Boolean(true))",
        "AttributeState::Value(AttributeValue::Bytes([1, 0, 1]))",
        "AttributeState::Value(AttributeValue::Ulong(0))",
    ];
    assert_eq!(values, expected);
    assert_eq!(public.bytes(sys::CKA_MODULUS).len(), 256);
    assert_eq!(private.bytes(sys::CKA_MODULUS), public.bytes(sys::CKA_MODULUS));
}

#[test]
fn sensitive_and_absent_attributes_are_told_apart() {
    let token = Token::new();
    let session = token.user();
    let (_, private) = ec_pair(&session);
    let asked = [sys::CKA_CLASS, sys::CKA_VALUE, sys::CKA_MODULUS, sys::CKA_EC_PARAMS];
    let states = private.attributes(&asked).unwrap();
    let AttributeState::Value(AttributeValue::Ulong(class)) = &states[0] else {
        panic!("{states:?}")
    };
    assert_eq!(*class, sys::CKO_PRIVATE_KEY);
    assert!(matches!(states[1], AttributeState::Sensitive), "{states:?}");
    assert!(matches!(states[2], AttributeState::Absent), "{states:?}");
    assert!(
        matches!(&states[3], AttributeState::Value(AttributeValue::Bytes(curve)) if curve == P256)
    );
    assert_eq!(name(private.attribute(sys::CKA_VALUE)), "CKR_ATTRIBUTE_SENSITIVE");
    assert_eq!(name(private.attribute(sys::CKA_MODULUS)), "CKR_ATTRIBUTE_TYPE_INVALID");
    assert_eq!(name(private.attribute(0x8000_0001)), "CKR_ATTRIBUTE_TYPE_INVALID");
}

#[test]
fn attributes_are_changed_where_the_object_allows_it() {
    let token = Token::new();
    let session = token.user();
    let object = data(&session, b"before", false);
    object.set(vec![bytes(sys::CKA_LABEL, b"after")]).unwrap();
    assert_eq!(object.bytes(sys::CKA_LABEL), b"after");
    let class = object.set(vec![ulong(sys::CKA_CLASS, sys::CKO_SECRET_KEY)]);
    assert_eq!(name(class), "CKR_ATTRIBUTE_READ_ONLY");
}

#[test]
fn an_object_is_copied_with_changes() {
    let token = Token::new();
    let session = token.user();
    let object = data(&session, b"original", false);
    let copy = object.copy(vec![bytes(sys::CKA_LABEL, b"copy")]).unwrap();
    assert_eq!(copy.bytes(sys::CKA_LABEL), b"copy");
    assert_eq!(copy.bytes(sys::CKA_VALUE), b"the value");
    assert_eq!(object.bytes(sys::CKA_LABEL), b"original");
}

#[test]
fn a_destroyed_object_is_dead() {
    let token = Token::new();
    let session = token.user();
    let object = data(&session, b"to be destroyed", true);
    let forgotten = data(&session, b"only forgotten", true);
    object.destroy().unwrap();
    assert_eq!(name(object.attribute(sys::CKA_LABEL)), "CKR_OBJECT_HANDLE_INVALID");
    assert_eq!(name(object.destroy()), "CKR_OBJECT_HANDLE_INVALID");
    drop(forgotten);
    assert_eq!(find(&session, Vec::new(), None), 1);
    let key = secret(&session, sys::CKK_AES, &[1; 16]);
    key.destroy().unwrap();
    let used = resource(&session).encrypt(plain(sys::CKM_AES_ECB), key.lend(), vec![0; 16]);
    assert_eq!(name(used), "CKR_KEY_HANDLE_INVALID");
}

#[test]
fn the_size_of_an_object_is_told_or_not() {
    let token = Token::new();
    let session = token.user();
    let object = data(&session, b"sized", false);
    // SoftHSM answers CK_UNAVAILABLE_INFORMATION.
    assert_eq!(object.size().unwrap(), None);
}

#[test]
fn an_imported_key_keeps_its_value() {
    let token = Token::new();
    let session = token.user();
    let key = secret(&session, sys::CKK_GENERIC_SECRET, b"imported");
    assert_eq!(key.bytes(sys::CKA_VALUE), b"imported");
    let incomplete = vec![ulong(sys::CKA_CLASS, sys::CKO_SECRET_KEY)];
    let made = resource(&session).create_object(incomplete);
    assert_eq!(name(made), "CKR_TEMPLATE_INCOMPLETE");
}

#[test]
fn mechanisms_are_an_attribute_like_others() {
    let token = Token::new();
    let session = token.user();
    let allowed = Attribute {
        type_: sys::CKA_ALLOWED_MECHANISMS,
        value: AttributeValue::Mechanisms(vec![sys::CKM_AES_CBC, sys::CKM_AES_GCM]),
    };
    let template =
        |allowed| vec![ulong(sys::CKA_VALUE_LEN, 32), boolean(sys::CKA_TOKEN, false), allowed];
    let key = resource(&session)
        .generate_key(plain(sys::CKM_AES_KEY_GEN), template(allowed.clone()))
        .map(Key::new)
        .unwrap();
    let read = key.attribute(sys::CKA_ALLOWED_MECHANISMS).unwrap();
    let AttributeValue::Mechanisms(mut mechanisms) = read else { panic!("{read:?}") };
    mechanisms.sort_unstable();
    assert_eq!(mechanisms, [sys::CKM_AES_CBC, sys::CKM_AES_GCM]);
    drop(key);
    drop(session);
    drop(token);

    // With the quirk the module never sees the attribute.
    let token = Token::with(&[("no-allowed-mechanisms", "true")]);
    let session = token.user();
    let key = resource(&session)
        .generate_key(plain(sys::CKM_AES_KEY_GEN), template(allowed))
        .map(Key::new)
        .unwrap();
    let states = key.attributes(&[sys::CKA_ALLOWED_MECHANISMS, sys::CKA_VALUE_LEN]).unwrap();
    assert!(matches!(states[0], AttributeState::Absent), "{states:?}");
    assert!(matches!(states[1], AttributeState::Value(AttributeValue::Ulong(32))), "{states:?}");
    assert_eq!(name(key.attribute(sys::CKA_ALLOWED_MECHANISMS)), "CKR_ATTRIBUTE_TYPE_INVALID");
}

#[test]
fn a_template_is_an_attribute_of_a_wrapping_key() {
    let token = Token::new();
    let session = token.user();
    let inner = PlainAttribute { type_: sys::CKA_EXTRACTABLE, value: PlainValue::Boolean(true) };
    let wrap =
        Attribute { type_: sys::CKA_WRAP_TEMPLATE, value: AttributeValue::Template(vec![inner]) };
    let template = vec![
        ulong(sys::CKA_VALUE_LEN, 32),
        boolean(sys::CKA_TOKEN, false),
        boolean(sys::CKA_WRAP, true),
        wrap,
    ];
    let key = resource(&session)
        .generate_key(plain(sys::CKM_AES_KEY_GEN), template)
        .map(Key::new)
        .unwrap();
    let read = key.attribute(sys::CKA_WRAP_TEMPLATE).unwrap();
    let AttributeValue::Template(attributes) = &read else { panic!("{read:?}") };
    assert_eq!(attributes.len(), 1);
    assert_eq!(attributes[0].type_, sys::CKA_EXTRACTABLE);
    assert!(matches!(attributes[0].value, PlainValue::Boolean(true)), "{read:?}");

    // Bytes would be taken for structures with addresses.
    let forged = resource(&session)
        .create_object(vec![bytes(sys::CKA_WRAP_TEMPLATE, &[0x41; 24])])
        .unwrap_err();
    assert_eq!(forged.name, "CKR_ATTRIBUTE_VALUE_INVALID");
    assert_eq!(forged.origin, ErrorOrigin::Bundle);
}
