//! Every vector of `PROTOCOL.md` is what the code writes, and is read back as what it says.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod common;

use common::document::{bytes, hex, vectors};
use common::wit::Wit;
use protocol::frame::{FrameBuffer, encode_head};
use protocol::limits::PAYLOAD_BYTES_MAX;
use protocol::message::{CallFault, Function, Message, Plan, Resource, Step, ToRunner, ToShim};
use protocol::policy::Profiles;
use protocol::stage::Purpose;
use protocol::text::ForeignText;
use protocol::types::{Type, TypeDef, TypeTable};
use protocol::value::{Reader, validate_all};
use protocol::version::{MAGIC, SUPPORTED, VersionRange};
use std::fmt::Debug;

/// One of each message that the runner sends.
fn to_shim() -> Vec<ToShim> {
    vec![
        ToShim::Hello { magic: MAGIC, versions: SUPPORTED },
        ToShim::Plan,
        ToShim::Load,
        ToShim::Call { id: 1, function: 2 },
        ToShim::Call { id: 300, function: 70_000 },
        ToShim::Drop { id: 2, resource: 0, handle: 7 },
        ToShim::Shutdown,
    ]
}

/// One of each message that the shim sends, with each step and each fault.
fn to_runner() -> Vec<ToRunner> {
    let failed = |step, text: &str| ToRunner::Failed { step, text: ForeignText::new(text) };
    let fault =
        |fault, text: &str| ToRunner::CallFailed { id: 1, fault, text: ForeignText::new(text) };
    vec![
        ToRunner::Hello { magic: MAGIC, version: 1 },
        ToRunner::Refused { versions: VersionRange { oldest: 2, newest: 3 } },
        ToRunner::Confined,
        ToRunner::Ready,
        failed(Step::Plan, "p"),
        failed(Step::Confine, "c"),
        failed(Step::Load, "no such file"),
        failed(Step::Init, "i"),
        ToRunner::Return { id: 1 },
        fault(CallFault::Panicked, "at 1"),
        fault(CallFault::BadResult, ""),
        fault(CallFault::TooLarge, ""),
        fault(CallFault::OutOfMemory, ""),
        ToRunner::Dropped { id: 2 },
        ToRunner::Bye,
    ]
}

/// The document lists exactly these messages, with the heads that the code writes and reads.
fn check_heads<M: Message + Debug + PartialEq>(block: &str, messages: &[M]) {
    let lines = vectors(block);
    let expected: Vec<_> = messages
        .iter()
        .map(|message| vec![format!("{message:?}"), hex(&postcard::to_stdvec(message).unwrap())])
        .collect();
    assert_eq!(lines, expected, "block `{block}` should be:\n{}", block_text(&expected));
    for (line, message) in lines.iter().zip(messages) {
        let (read, left) = postcard::take_from_bytes::<M>(&bytes(&line[1]))
            .map(|(m, left)| (m, left.len()))
            .unwrap();
        assert_eq!((&read, left), (message, 0));
    }
}

fn block_text(lines: &[Vec<String>]) -> String {
    lines.iter().map(|line| line.join(" | ") + "\n").collect()
}

#[test]
fn heads_of_both_directions() {
    check_heads("to-shim", &to_shim());
    check_heads("to-runner", &to_runner());
}

/// A frame of the document: which message, its payload, and the whole frame.
fn check_frame<M: Message + Debug + PartialEq>(line: &[String], message: &M) {
    let [text, payload, frame] = line else { panic!("{line:?}") };
    assert_eq!(*text, format!("{message:?}"));
    let payload = bytes(payload.trim_matches('-'));
    let mut encoded = Vec::new();
    encode_head(message, payload.len(), PAYLOAD_BYTES_MAX, &mut encoded).unwrap();
    encoded.extend_from_slice(&payload);
    assert_eq!(*frame, hex(&encoded), "frame of {text}");
    let mut buffer = FrameBuffer::new();
    buffer.space(PAYLOAD_BYTES_MAX).unwrap()[..encoded.len()].copy_from_slice(&bytes(frame));
    assert_eq!(buffer.advance(encoded.len(), PAYLOAD_BYTES_MAX), Ok(true));
    let (read, range) = buffer.message::<M>(PAYLOAD_BYTES_MAX).unwrap();
    assert_eq!((&read, &buffer.bytes()[range]), (message, &payload[..]));
}

#[test]
fn whole_frames() {
    let lines = vectors("frames");
    assert_eq!(lines.len(), 3);
    check_frame(&lines[0], &ToShim::Hello { magic: MAGIC, versions: SUPPORTED });
    check_frame(&lines[1], &ToShim::Call { id: 1, function: 2 });
    check_frame(&lines[2], &ToRunner::Return { id: 1 });
}

/// The plan of the document: a bundle with one function, one resource and no `init`.
fn plan() -> Plan {
    Plan {
        bundle: "demo".into(),
        library: "lib/libdemo.so".into(),
        vendor: vec!["lib/libz.so".into()],
        types: vec![TypeDef::List(Type::U8), TypeDef::Result(Some(Type::Defined(0)), None)],
        functions: vec![Function {
            name: "f".into(),
            symbol: "wit_f".into(),
            post_return: Some("cabi_post_wit_f".into()),
            params: vec![Type::U32, Type::Defined(0)],
            result: Some(Type::Defined(1)),
        }],
        resources: vec![Resource { name: "r".into(), destructor: "wit_r".into() }],
        init: None,
        realloc: Some("cabi_realloc".into()),
        take_panic: None,
        profiles: Profiles { files: true, ..Profiles::COMPUTE },
        own_root: true,
        purpose: Purpose::Confine,
        payload_bytes_max: 16 << 20,
    }
}

#[test]
fn a_plan_field_by_field() {
    let lines = vectors("plan");
    let plan = plan();
    let field =
        |name: &str, bytes: postcard::Result<Vec<u8>>| vec![name.to_owned(), hex(&bytes.unwrap())];
    let expected = [
        field("bundle", postcard::to_stdvec(&plan.bundle)),
        field("library", postcard::to_stdvec(&plan.library)),
        field("vendor", postcard::to_stdvec(&plan.vendor)),
        field("types", postcard::to_stdvec(&plan.types)),
        field("functions", postcard::to_stdvec(&plan.functions)),
        field("resources", postcard::to_stdvec(&plan.resources)),
        field("init", postcard::to_stdvec(&plan.init)),
        field("realloc", postcard::to_stdvec(&plan.realloc)),
        field("take_panic", postcard::to_stdvec(&plan.take_panic)),
        field("profiles", postcard::to_stdvec(&plan.profiles)),
        field("own_root", postcard::to_stdvec(&plan.own_root)),
        field("purpose", postcard::to_stdvec(&plan.purpose)),
        field("payload_bytes_max", postcard::to_stdvec(&plan.payload_bytes_max)),
    ];
    assert_eq!(lines, expected, "should be:\n{}", block_text(&expected));
    let whole: Vec<u8> = lines.iter().flat_map(|line| bytes(&line[1])).collect();
    assert_eq!(whole, postcard::to_stdvec(&plan).unwrap());
    assert_eq!(postcard::take_from_bytes::<Plan>(&whole), Ok((plan.clone(), &[][..])));
    assert!(TypeTable::new(plan.types, plan.resources.len()).is_ok());
}

#[test]
fn types_in_a_plan() {
    use TypeDef::*;
    let samples = [
        (List(Type::Bool), "list<bool>"),
        (FixedList(Type::U64, 200), "list<u64, 200>"),
        (Map(Type::String, Type::F64), "map<string, f64>"),
        (Record(vec![Type::Char, Type::S8]), "tuple<char, s8>"),
        (Variant(vec![None, Some(Type::S64)]), "variant { a, b(s64) }"),
        (Enum(300), "an enum of 300 cases"),
        (Option(Type::Defined(5)), "option of type 5"),
        (Result(None, Some(Type::String)), "result<_, string>"),
        (Flags(12), "12 flags"),
        (Own(0), "own of resource 0"),
        (Borrow(1), "borrow of resource 1"),
    ];
    let expected: Vec<_> = samples
        .iter()
        .map(|(def, text)| vec![(*text).to_owned(), hex(&postcard::to_stdvec(def).unwrap())])
        .collect();
    assert_eq!(vectors("types"), expected, "should be:\n{}", block_text(&expected));
    let used = [
        Type::Bool,
        Type::S8,
        Type::U8,
        Type::S16,
        Type::U16,
        Type::S32,
        Type::U32,
        Type::S64,
        Type::U64,
        Type::F32,
        Type::F64,
        Type::Char,
        Type::String,
    ];
    let names = common::document::table("Type");
    assert_eq!(names.len(), used.len() + 1);
    for (row, ty) in names.iter().zip(used) {
        let byte = postcard::to_stdvec(&ty).unwrap();
        assert_eq!(row[..], [format!("{ty:?}").to_lowercase(), byte[0].to_string()]);
    }
    assert_eq!(postcard::to_stdvec(&Type::Defined(5)), Ok(vec![13, 5]));
    assert_eq!(names[13][1], "13");
}

#[test]
fn values_of_every_type() {
    let lines = vectors("values");
    let mut kinds = std::collections::BTreeSet::new();
    for line in &lines {
        let [ty, value, encoded] = &line[..] else { panic!("{line:?}") };
        let wit = Wit::parse(ty);
        kinds.insert(ty.split(['<', ' ']).next().unwrap().to_owned());
        let mut defs = Vec::new();
        let ty = wit.define(&mut defs);
        let table = TypeTable::new(defs, common::RESOURCES as usize).unwrap();
        let encoded = bytes(encoded);
        assert_eq!(validate_all(&table, [ty], &encoded), Ok(()), "{line:?}");
        for end in 0..encoded.len() {
            assert!(validate_all(&table, [ty], &encoded[..end]).is_err(), "{line:?}");
        }
        let mut reader = Reader::new(&encoded);
        assert_eq!(wit.show(&mut reader), *value, "{line:?}");
        assert_eq!(reader.finish(), Ok(()));
    }
    let all = "bool s8 u8 s16 u16 s32 u32 s64 u64 f32 f64 char string list map tuple record \
               variant enum option result flags own borrow";
    assert_eq!(kinds, all.split_whitespace().map(str::to_owned).collect());
}

#[test]
fn values_that_are_refused() {
    for line in vectors("refused") {
        let [ty, encoded, why] = &line[..] else { panic!("{line:?}") };
        let wit = Wit::parse(ty);
        let mut defs = Vec::new();
        let ty = wit.define(&mut defs);
        let table = TypeTable::new(defs, common::RESOURCES as usize).unwrap();
        let error = validate_all(&table, [ty], &bytes(encoded.trim_matches('-'))).unwrap_err();
        assert_eq!(*why, format!("{:?}", error.fault), "{line:?}");
    }
}
