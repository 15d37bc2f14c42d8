//! The layout rule against the structures that bindgen made from the specification's header.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;
use cryptoki_sys as ck;

/// The bytes of the structure, and its size.
fn built(fields: Vec<Field>) -> (Mechanism, CK_MECHANISM) {
    let parameter = Parameter::structure("C_SignInit", fields).unwrap();
    let mut mechanism = Mechanism::new("C_SignInit", 1, parameter).unwrap();
    let raw = mechanism.raw();
    (mechanism, raw)
}

/// The structure as the module would read it.
fn read<T: Copy>(raw: &CK_MECHANISM) -> T {
    assert_eq!(usize::try_from(raw.ulParameterLen).unwrap(), size_of::<T>());
    let pointer = raw.pParameter.cast::<T>();
    assert!(pointer.is_aligned());
    // SAFETY: the caller's mechanism is alive and `T` is a C structure of the length just checked,
    // of numbers, bytes and pointers, for which every bit pattern is a value.
    unsafe { pointer.read() }
}

fn target(pointer: *const u8, length: CK_ULONG) -> Vec<u8> {
    // SAFETY: the pointer comes from a structure of a living mechanism, with its true length.
    unsafe { std::slice::from_raw_parts(pointer, usize::try_from(length).unwrap()) }.to_vec()
}

#[test]
fn gcm_is_laid_out_as_in_c() {
    let (_mechanism, raw) = built(vec![
        Field::Pointer(vec![7; 12]),
        Field::Ulong(12),
        Field::Ulong(96),
        Field::Pointer(Vec::new()),
        Field::Ulong(0),
        Field::Ulong(128),
    ]);
    let gcm: ck::CK_GCM_PARAMS = read(&raw);
    assert_eq!(target(gcm.pIv, gcm.ulIvLen), [7; 12]);
    assert_eq!((gcm.ulIvBits, gcm.ulAADLen, gcm.ulTagBits), (96, 0, 128));
    assert!(gcm.pAAD.is_null());
}

#[test]
fn bytes_are_followed_by_padding_where_c_has_it() {
    let (_mechanism, raw) = built(vec![
        Field::Byte(1),
        Field::Byte(0),
        Field::Ulong(0x250),
        Field::Ulong(4),
        Field::Pointer(Vec::new()),
        Field::Ulong(0),
        Field::Ulong(77),
        Field::Pointer(b"info".to_vec()),
        Field::Ulong(4),
    ]);
    let hkdf: ck::CK_HKDF_PARAMS = read(&raw);
    assert_eq!((hkdf.bExtract, hkdf.bExpand, hkdf.prfHashMechanism), (1, 0, 0x250));
    assert_eq!((hkdf.ulSaltType, hkdf.hSaltKey), (4, 77));
    assert_eq!(target(hkdf.pInfo, hkdf.ulInfoLen), b"info");
}

#[test]
fn arrays_of_bytes_need_no_alignment() {
    let (_mechanism, raw) =
        built(vec![Field::Bytes(vec![9; 16]), Field::Pointer(vec![5; 33]), Field::Ulong(33)]);
    let cbc: ck::CK_AES_CBC_ENCRYPT_DATA_PARAMS = read(&raw);
    assert_eq!(cbc.iv, [9; 16]);
    assert_eq!(target(cbc.pData, cbc.length), [5; 33]);

    let (_mechanism, raw) = built(vec![Field::Ulong(128), Field::Bytes(vec![1; 16])]);
    let ctr: ck::CK_AES_CTR_PARAMS = read(&raw);
    assert_eq!((ctr.ulCounterBits, ctr.cb), (128, [1; 16]));
}

#[test]
fn a_structure_points_at_another() {
    let (_mechanism, raw) = built(vec![
        Field::Ulong(256),
        Field::Structure(vec![
            Field::Ulong(0x220),
            Field::Ulong(1),
            Field::Ulong(1),
            Field::Pointer(b"label".to_vec()),
            Field::Ulong(5),
        ]),
    ]);
    let wrap: ck::CK_RSA_AES_KEY_WRAP_PARAMS = read(&raw);
    assert_eq!(wrap.ulAESKeyBits, 256);
    // SAFETY: the pointer leads to the inner structure, which the living mechanism owns.
    let oaep = unsafe { *wrap.pOAEPParams };
    assert_eq!((oaep.hashAlg, oaep.mgf, oaep.source), (0x220, 1, 1));
    assert_eq!(target(oaep.pSourceData.cast(), oaep.ulSourceDataLen), b"label");
}

#[test]
fn raw_bytes_and_none() {
    let mut mechanism = Mechanism::new("C_EncryptInit", 1, Parameter::raw(&[3; 13])).unwrap();
    let raw = mechanism.raw();
    assert_eq!(target(raw.pParameter.cast(), raw.ulParameterLen), [3; 13]);
    let mut mechanism = Mechanism::new("C_EncryptInit", 1, Parameter::none()).unwrap();
    let raw = mechanism.raw();
    assert!(raw.pParameter.is_null());
    assert_eq!(raw.ulParameterLen, 0);
}

#[test]
fn moving_a_mechanism_moves_no_memory() {
    let (mechanism, before) = built(vec![Field::Ulong(1), Field::Pointer(vec![1; 100])]);
    let mut moved = Box::new(mechanism);
    assert_eq!(moved.raw().pParameter, before.pParameter);
}
