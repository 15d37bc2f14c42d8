//! Writes the seeds that are made by hand into `corpus/`: `cargo run --example seeds`.
//!
//! They are the mistakes that decoders were broken by before, and the shortest ways to what a
//! fuzzer would find late. The names start with the case that they belong to.

use protocol::message::{CallFault, Function, Plan, Resource, Step, ToRunner, ToShim};
use protocol::stage::{
    Collected, Crash, CrashFrame, Ending, FromStage, JailSpec, Layer, Layers, Notice, Purpose,
    Status, ToStage, Usage,
};
use protocol::text::ForeignText;
use protocol::types::{Type, TypeDef};
use protocol::version::{MAGIC, SUPPORTED, VersionRange};
use serde::Serialize;
use std::path::Path;

fn main() {
    frames();
    messages();
    plans();
    values();
    conversation();
}

fn write(target: &str, name: &str, parts: &[&[u8]]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    std::fs::create_dir_all(&folder).expect("a folder for the corpus");
    std::fs::write(folder.join(name), parts.concat()).expect("a seed");
}

fn encoded(message: &impl Serialize) -> Vec<u8> {
    postcard::to_stdvec(message).expect("a message")
}

fn header(payload: u32, head: u16, mark: u16) -> Vec<u8> {
    [&payload.to_le_bytes()[..], &head.to_le_bytes(), &mark.to_le_bytes()].concat()
}

const MARK: u16 = 0x7277;

fn frame(message: &impl Serialize, payload: &[u8]) -> Vec<u8> {
    let head = encoded(message);
    let header = header(payload.len() as u32, head.len() as u16, MARK);
    [&header[..], &head, payload].concat()
}

fn requests() -> [ToShim; 6] {
    [
        ToShim::Hello { magic: MAGIC, versions: SUPPORTED },
        ToShim::Plan,
        ToShim::Load,
        ToShim::Call { id: 1, function: 2 },
        ToShim::Drop { id: 2, resource: 0, handle: 7 },
        ToShim::Shutdown,
    ]
}

fn answers() -> [ToRunner; 9] {
    let text = || ForeignText::new("a\u{1b}[0m\u{202e}b");
    [
        ToRunner::Hello { magic: MAGIC, version: 1 },
        ToRunner::Refused { versions: VersionRange { oldest: 2, newest: 3 } },
        ToRunner::Confined,
        ToRunner::Ready,
        ToRunner::Failed { step: Step::Init, text: text() },
        ToRunner::Return { id: 1 },
        ToRunner::CallFailed { id: 1, fault: CallFault::TooLarge, text: text() },
        ToRunner::Dropped { id: 2 },
        ToRunner::Bye,
    ]
}

fn frames() {
    // The largest cap; reads of the exact length, or as much as there is; nothing behind.
    let exact = [0, 0, 255, 255, 255, 255, 0];
    let greedy = [0, 1, 255, 255, 255, 255, 0];
    let bytewise = [0, 0, 0, 0, 0, 0, 0];
    let put = |name: &str, way: &[u8], stream: &[u8]| write("frames", name, &[way, stream]);
    let answer = frame(&ToRunner::Return { id: 1 }, b"result");
    put("whole", &exact, &answer);
    put("p19-bytewise", &bytewise, &answer);
    put("p19-two-frames", &exact, &[&answer[..], &answer].concat());
    put("p19-two-at-once", &greedy, &[&answer[..], &answer].concat());
    put("p01-mark", &exact, &header(0, 1, 0x7278));
    put("p01-no-head", &exact, &header(0, 0, MARK));
    put("p02-payload-max", &exact, &header(u32::MAX, 1, MARK));
    put("p02-payload-cap-and-one", &exact, &header((16 << 20) + 1, 1, MARK));
    put("p02-payload-cap-claimed", &exact, &header(16 << 20, 1, MARK));
    put("p02-head-cap-and-one", &exact, &header(0, 8193, MARK));
    put("p02-head-max", &exact, &header(0, u16::MAX, MARK));
    put("p02-agreed-cap", &[3, 0, 255, 0, 0, 0, 0], &header(301, 1, MARK));
    put("p03-header-cut", &exact, &answer[..7]);
    put("p03-head-cut", &exact, &answer[..9]);
    put("p03-payload-cut", &exact, &answer[..answer.len() - 1]);
    put("p10-head-with-more", &exact, &[&header(0, 3, MARK)[..], &[5, 1, 9]].concat());
    // A payload of 256 KiB, which the last byte of the way puts behind the stream.
    let large = [&header(256 << 10, 2, MARK)[..], &[5, 1]].concat();
    put("large", &[0, 0, 255, 255, 255, 255, 255], &large);
    put("large-in-pieces", &[0, 1, 200, 255, 3, 255, 255], &large);
}

fn messages() {
    let put = |name: &str, kind: u8, bytes: &[u8]| write("messages", name, &[&[kind], bytes]);
    for (index, answer) in answers().iter().enumerate() {
        put(&format!("answer-{index}"), 0, &encoded(answer));
    }
    for (index, request) in requests().iter().enumerate() {
        put(&format!("request-{index}"), 1, &encoded(request));
    }
    let layers = Layers { namespaces: true, landlock: 6, filters: 2, ..Layers::default() };
    let notice = Notice { call: "openat".into(), about: Some("/x".into()), grant: None };
    let stage = [
        FromStage::Started { layers },
        FromStage::Refused { text: ForeignText::new("no") },
        FromStage::Noticed(notice),
        FromStage::Ended(Ending {
            status: Status::Signaled(11),
            violation: None,
            crash: Some(Crash {
                collected: Collected::Outside,
                frames: vec![CrashFrame { module: Some("libx.so".into()), offset: 4096 }],
            }),
            usage: Usage { threads: Some(2), ..Usage::default() },
        }),
    ];
    // Four seconds of nanoseconds, and a number of seconds that takes one more byte with them.
    let time = [255, 255, 255, 255, 255, 255, 127, 255, 255, 255, 255, 15];
    put("p04-time-carried", 2, &[&[3, 0, 0, 0, 0][..], &time, &[0, 0]].concat());
    // A time whose nanoseconds are more than a second, added to the most seconds there are.
    let time = [&[255; 9][..], &[1, 255, 255, 255, 255, 15]].concat();
    put("p04-time-overflow", 2, &[&[3, 0, 0, 0, 0][..], &time, &[0, 0]].concat());
    for (index, message) in stage.iter().enumerate() {
        put(&format!("stage-{index}"), 2, &encoded(message));
    }
    put("to-stage", 3, &encoded(&ToStage::Jail));
    let spec = JailSpec {
        bundle: "b".into(),
        policy: protocol::policy::Policy::default(),
        required: Layer::ALL.to_vec(),
        purpose: Purpose::Confine,
    };
    put("jail", 4, &encoded(&spec));
    put("plan", 5, &encoded(&plan(vec![TypeDef::List(Type::U8)], Type::Defined(0))));
    put("p01-kind", 0, &[9]);
    // Numbers of ten bytes and more, and of more bits than fit.
    put("p04-id-max", 0, &[5, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
    put("p04-id-overflow", 0, &[5, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255]);
    put("p04-long-zero", 0, &[5, 128, 0]);
    put("p06-text-longer-than-head", 0, &[6, 1, 0, 200, 1, 97]);
    put("p08-text-of-4-gib", 0, &[6, 1, 0, 255, 255, 255, 255, 15]);
    put("p08-types-of-4-gi", 5, &[1, 98, 1, 108, 0, 255, 255, 255, 255, 15]);
    put("p09-text-not-utf-8", 0, &[6, 1, 0, 3, 0xed, 0xa0, 0x80]);
    put("p10-trailing", 0, &[8, 0]);
    put("p20-text-at-cap", 0, &[&[6, 1, 0, 0x80, 0x20][..], &[b'a'; 4096]].concat());
    put("p20-text-beyond-cap", 0, &[&[6, 1, 0, 0x81, 0x20][..], &[b'a'; 4097]].concat());
}

/// A plan with one function that takes and returns this type.
fn plan(types: Vec<TypeDef>, ty: Type) -> Plan {
    let function = Function {
        name: "f".into(),
        symbol: "f".into(),
        post_return: None,
        params: vec![ty],
        result: Some(ty),
    };
    let resource = Resource { name: "r".into(), destructor: "d".into() };
    Plan { types, functions: vec![function], resources: vec![resource], ..Plan::default() }
}

fn plans() {
    let put = |name: &str, types: Vec<TypeDef>, values: &[u8]| {
        let last = types.len().saturating_sub(1) as u32;
        let plan = encoded(&plan(types, Type::Defined(last)));
        write("plans", name, &[&(plan.len() as u16).to_le_bytes(), &plan, values]);
    };
    let inner = |index: u32| index.checked_sub(1).map_or(Type::U8, Type::Defined);
    let nested = |count: u32, wrap: fn(Type) -> TypeDef| {
        (0..count).map(|index| wrap(inner(index))).collect::<Vec<_>>()
    };
    put("list", vec![TypeDef::List(Type::U16)], &[2, 0, 0, 0, 1, 2, 3, 4]);
    put("own", vec![TypeDef::Own(0)], &[7, 0, 0, 0]);
    put("p04-fixed-lists", nested(4, |ty| TypeDef::FixedList(ty, 1 << 24)), &[0; 8]);
    put("p04-fixed-list-of-none", vec![TypeDef::FixedList(Type::U8, 0)], &[]);
    put("p07-depth-64", nested(63, TypeDef::Option), &[1; 63]);
    put("p07-depth-65", nested(64, TypeDef::Option), &[1; 64]);
    put("p07-maps", nested(32, |ty| TypeDef::Map(Type::U8, ty)), &[1, 0, 0, 0]);
    put("p07-itself", vec![TypeDef::List(Type::Defined(0))], &[0; 4]);
    put("p07-later", vec![TypeDef::List(Type::Defined(1)), TypeDef::List(Type::U8)], &[0; 4]);
    put("p09-resource", vec![TypeDef::Own(1)], &[1, 0, 0, 0]);
    put("p09-no-members", vec![TypeDef::Record(vec![])], &[]);
    put("p09-too-many-cases", vec![TypeDef::Enum(65537)], &[0; 4]);
    put("p09-too-many-flags", vec![TypeDef::Flags(u32::MAX)], &[0; 4]);
}

/// Definitions, types of values and values, as the target reads them. Types from 13 on are
/// definitions, the last one first.
fn values() {
    let put = |name: &str, defs: &[&[u8]], types: &[u8], values: &[u8]| {
        let (defs_count, types_count) = ([defs.len() as u8], [types.len() as u8]);
        write("values", name, &[&defs_count, &defs.concat(), &types_count, types, &[0], values]);
    };
    const LIST: u8 = 0;
    const FIXED: u8 = 1;
    const MAP: u8 = 2;
    const RECORD: u8 = 3;
    const VARIANT: u8 = 4;
    const ENUM: u8 = 5;
    const OPTION: u8 = 6;
    const RESULT: u8 = 7;
    const FLAGS: u8 = 8;
    const OWN: u8 = 9;
    const BORROW: u8 = 10;
    const WIDE: u8 = 11;
    const LAST: u8 = 13;
    // A record is the number of its fields less one, then the fields; a case with a payload is 1
    // and the payload, one without is 0.
    put("basic", &[], &[0, 8, 11], &[1, 1, 2, 3, 4, 5, 6, 7, 8, b'a', 0, 0, 0]);
    put("string", &[], &[12], &[2, 0, 0, 0, 0xc3, 0xa4]);
    put("record", &[&[RECORD, 1, 6, 12]], &[LAST], &[1, 2, 3, 4, 1, 0, 0, 0, b'x']);
    put("map", &[&[MAP, 12, 2]], &[LAST], &[1, 0, 0, 0, 1, 0, 0, 0, b'k', 7]);
    put("variant", &[&[VARIANT, 1, 0, 1, 12]], &[LAST], &[1, 0, 0, 0, 0]);
    put("fixed", &[&[FIXED, 0, 2]], &[LAST], &[1, 0, 1]);
    put("result", &[&[RESULT, 1, 2, 1, 12]], &[LAST], &[1, 1, 0, 0, 0, b'e']);
    put("handles", &[&[OWN, 0], &[LIST, LAST]], &[LAST], &[2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0]);
    put("borrow", &[&[BORROW, 2]], &[LAST, LAST], &[1, 0, 0, 0, 2, 0, 0, 0]);
    put("wide-variant", &[&[WIDE, 13, 8]], &[LAST], &[0, 1, 1, 2, 3, 4, 5, 6, 7, 8]);
    // 2^29 elements of 8 bytes are 2^32 bytes, and 2^61 would wrap.
    put("p04-count-times-size", &[&[LIST, 8]], &[LAST], &[0, 0, 0, 0x20, 1, 2, 3, 4]);
    put("p04-count-of-records", &[&[FIXED, 8, 14], &[LIST, LAST]], &[LAST], &[255; 4]);
    // The second length is right for the whole, not for what is left.
    put("p05-second-string", &[], &[12, 12], &[1, 0, 0, 0, b'a', 4, 0, 0, 0, b'b', b'c']);
    put("p06-inner-beyond-outer", &[&[LIST, 12]], &[LAST], &[1, 0, 0, 0, 5, 0, 0, 0, b'a']);
    put("p06-outer-beyond-inner", &[&[LIST, 12]], &[LAST], &[2, 0, 0, 0, 0, 0, 0, 0]);
    let deep: Vec<&[u8]> =
        (0..24).map(|at| if at == 0 { &[OPTION, 2][..] } else { &[OPTION, LAST] }).collect();
    put("p07-deep", &deep, &[LAST], &[1; 25]);
    put("p08-count-of-4-gi", &[&[LIST, 2]], &[LAST], &[255, 255, 255, 255, 1, 2, 3, 4]);
    put("p08-string-of-4-gib", &[], &[12], &[255; 4]);
    put("p09-bool", &[], &[0], &[2]);
    put("p09-surrogate", &[], &[11], &[0, 0xd8, 0, 0]);
    put("p09-beyond-unicode", &[], &[11], &[0, 0, 0x11, 0]);
    put("p09-surrogate-in-utf-8", &[], &[12], &[3, 0, 0, 0, 0xed, 0xa0, 0x80]);
    put("p09-overlong", &[], &[12], &[2, 0, 0, 0, 0xc0, 0x80]);
    put("p09-enum", &[&[ENUM, 2]], &[LAST], &[3]);
    put("p09-enum-of-257", &[&[ENUM, 13]], &[LAST], &[1, 1]);
    // The first bit of no flag: of 7, 9, 17 and 33 flags.
    put("p09-7-flags", &[&[FLAGS, 3]], &[LAST], &[0x80]);
    put("p09-9-flags", &[&[FLAGS, 5]], &[LAST], &[0, 2]);
    put("p09-17-flags", &[&[FLAGS, 7]], &[LAST], &[0, 0, 2, 0]);
    put("p09-33-flags", &[&[FLAGS, 9]], &[LAST], &[0, 0, 0, 0, 2, 0, 0, 0]);
    put("p09-option", &[&[OPTION, 2]], &[LAST], &[2, 0]);
    put("p09-handle-0", &[&[OWN, 0]], &[LAST], &[0; 4]);
    put("p10-trailing", &[], &[2], &[1, 2]);
    put("p10-nothing-expected", &[], &[], &[0]);
    put("p22-nan", &[], &[9, 10], &[1, 0, 0x80, 0x7f, 0, 0, 0, 0, 0, 0, 0xf8, 0xff]);
}

fn conversation() {
    let step =
        |who: u8, message: &[u8]| [&[(message.len() as u8) << 1 | who][..], message].concat();
    let [hello, plan, load, call, drop, shutdown] = requests().map(|r| step(0, &encoded(&r)));
    let [hi, refused, confined, ready, failed, returned, call_failed, dropped, bye] =
        answers().map(|a| step(1, &encoded(&a)));
    let put = |name: &str, steps: &[&[u8]]| write("conversation", name, steps);
    let start: &[&[u8]] = &[&hello, &hi, &plan, &confined, &load, &ready];
    put("all", &[start, &[&call, &returned, &drop, &dropped, &shutdown, &bye]].concat());
    put("failures", &[start, &[&call, &call_failed, &drop, &call_failed]].concat());
    put("refused", &[&hello, &refused, &hello]);
    put("plan-fails", &[&hello, &hi, &plan, &failed, &load]);
    put("init-fails", &[&hello, &hi, &plan, &confined, &load, &failed]);
    put("p11-answer-first", &[start, &[&returned, &call]].concat());
    put("p11-answer-twice", &[start, &[&call, &returned, &returned]].concat());
    put("p11-request-twice", &[start, &[&call, &call]].concat());
    put("p12-other-answer", &[start, &[&call, &dropped, &drop, &returned]].concat());
    put("load-before-plan", &[&hello, &hi, &load]);
    put("after-the-end", &[start, &[&shutdown, &bye, &call, &bye]].concat());
    put("versions", &[&step(0, &[0, 119, 114, 117, 110, 5, 2])]);
}
