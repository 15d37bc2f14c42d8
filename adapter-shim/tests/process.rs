//! The real program over a real socket: the whole conversation, and every way it can end.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod common;

use common::shim::{Shim, code, program, signal};
use common::{Bundle, Planner, wire};
use protocol::limits::PAYLOAD_BYTES_MAX;
use protocol::message::{CallFault, Step, Tag, ToRunner, ToShim};
use protocol::types::{Type, TypeDef};
use protocol::version::{MAGIC, SUPPORTED, VersionRange};
use std::io::Write;
use std::net::Shutdown;
use std::process::Stdio;

const HELLO: ToShim = ToShim::Hello { magic: MAGIC, versions: SUPPORTED };

/// Ends with this code and this on stderr.
fn ends(shim: Shim, with: i32, stderr: &str) {
    let (ending, found) = shim.end();
    assert_eq!((code(&ending), &*found), (Some(with), stderr), "{ending:?}");
}

fn violates(shim: Shim, fault: &str) {
    ends(shim, 4, &format!("adapter-shim: the runner broke the protocol: {fault}\n"));
}

#[test]
fn a_whole_conversation() {
    let mut plan = Planner::new();
    plan.plan.take_panic = Some("wrun_take_panic".into());
    let bytes = plan.list(Type::U8);
    let counter = plan.resource("counter", "t_counter_dtor");
    let own = plan.define(TypeDef::Own(counter));
    let same = plan.freed("t_same", &[bytes], Some(bytes));
    let panics = plan.function("t_panics", &[Type::Bool], Some(Type::Bool));
    let new = plan.function("t_counter_new", &[Type::S32], Some(own));
    let mut shim = Shim::ready(&Bundle::new("values"), &plan.plan);

    // Larger than a socket buffer, so that both sides write in pieces.
    for size in [0, 1, 1 << 20, PAYLOAD_BYTES_MAX - 4] {
        let value = wire().u32(u32::try_from(size).unwrap()).raw(&vec![0x5a; size]).0;
        assert!(shim.call(same, &value) == value, "{size}");
    }
    let (answer, payload) = shim.ask(&ToShim::Call { id: 7, function: panics }, &[1]);
    let ToRunner::CallFailed { id: 7, fault: CallFault::Panicked, text } = answer else {
        panic!("{answer:?}")
    };
    assert!(text.as_raw().contains("cheese") && payload.is_empty());
    assert_eq!(shim.call(new, &wire().i32(1).0), wire().u32(1).0);
    let drop = |id, handle| ToShim::Drop { id, resource: counter, handle };
    assert_eq!(shim.ask(&drop(9, 1), &[]), (ToRunner::Dropped { id: 9 }, vec![]));
    let (answer, _) = shim.ask(&drop(10, 7), &[]);
    assert!(matches!(answer, ToRunner::CallFailed { id: 10, fault: CallFault::Panicked, .. }));
    assert_eq!(shim.ask(&ToShim::Shutdown, &[]), (ToRunner::Bye, vec![]));
    ends(shim, 0, "");
}

#[test]
fn the_end_of_the_stream_ends_the_process() {
    let bundle = Bundle::new("values");
    let start = Shim::start(&bundle);
    start.socket.shutdown(Shutdown::Write).unwrap();
    ends(start, 5, "");
    let idle = Shim::ready(&bundle, &Planner::new().plan);
    idle.socket.shutdown(Shutdown::Write).unwrap();
    ends(idle, 5, "");
    let mut truncated = Shim::start(&bundle);
    truncated.socket.write_all(&[0; 4]).unwrap();
    truncated.socket.shutdown(Shutdown::Write).unwrap();
    violates(truncated, "the stream ended inside a frame, after 4 bytes");
}

#[test]
fn a_shim_whose_runner_is_gone_ends_before_it_does_anything() {
    let mut shim = Shim::start(&Bundle::new("values"));
    let (other, _) = std::os::unix::net::UnixStream::pair().unwrap();
    drop(std::mem::replace(&mut shim.socket, other));
    let (ending, _) = shim.end();
    assert_eq!(code(&ending), Some(5), "{ending:?}");
}

#[test]
fn garbage_ends_the_process() {
    let bundle = Bundle::new("values");
    let mut shim = Shim::start(&bundle);
    shim.socket.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    violates(shim, "frame header has mark 0x5448 instead of 0x7277");
    let mut shim = Shim::start(&bundle);
    shim.socket.write_all(&[0xff, 0xff, 0xff, 0xff, 1, 0, 0x77, 0x72]).unwrap();
    violates(shim, "frame payload of 4294967295 bytes, allowed are 16777216");
    let mut shim = Shim::start(&bundle);
    shim.socket.write_all(&[0, 0, 0, 0, 1, 0, 0x77, 0x72, 99]).unwrap();
    violates(shim, "frame head is not a message");
    let mut shim = Shim::start(&bundle);
    shim.send(&ToShim::Hello { magic: *b"wrum", versions: SUPPORTED }, &[]);
    violates(shim, "the peer does not speak this protocol");
}

#[test]
fn a_message_out_of_phase_ends_the_process() {
    let bundle = Bundle::new("values");
    for message in [ToShim::Plan, ToShim::Load, ToShim::Shutdown] {
        let mut shim = Shim::start(&bundle);
        shim.send(&message, &[]);
        let tag = format!("{message:?}");
        violates(shim, &format!("message {tag} is not allowed in phase Start"));
    }
    let mut shim = Shim::start(&bundle);
    shim.greet();
    shim.send(&ToShim::Load, &[]);
    violates(shim, "message Load is not allowed in phase Greeted");
    let mut shim = Shim::ready(&bundle, &Planner::new().plan);
    shim.send(&HELLO, &[]);
    violates(shim, "message Hello is not allowed in phase Idle");
    let mut shim = Shim::start(&bundle);
    shim.send(&HELLO, b"payload");
    violates(shim, &format!("message {:?} carries no payload", Tag::Hello));
}

#[test]
fn a_request_that_does_not_fit_the_plan_ends_the_process() {
    let bundle = Bundle::new("values");
    let mut plan = Planner::new();
    let add = plan.function("t_add", &[Type::U32, Type::U32], Some(Type::U32));
    let end = |message, payload: &[u8], fault| {
        let mut shim = Shim::ready(&bundle, &plan.plan);
        shim.send(&message, payload);
        violates(shim, fault);
    };
    end(ToShim::Call { id: 1, function: 1 }, &[], "the plan has no function 1");
    let mismatch = "the arguments do not match the function: the value ends early (at args.1)";
    end(ToShim::Call { id: 1, function: add }, &[0; 7], mismatch);
    let drop = ToShim::Drop { id: 1, resource: 0, handle: 1 };
    end(drop, &[], "the plan has no resource 0");
    let mut shim = Shim::start(&bundle);
    shim.greet();
    shim.plan(&plan.plan);
    shim.send(&ToShim::Load, &wire().u32(0).0);
    violates(shim, "the bundle takes no configuration");
}

#[test]
fn versions_without_overlap_are_refused() {
    let mut shim = Shim::start(&Bundle::new("values"));
    let versions = VersionRange { oldest: SUPPORTED.newest + 1, newest: SUPPORTED.newest + 5 };
    let answer = ToRunner::Refused { versions: SUPPORTED };
    assert_eq!(shim.ask(&ToShim::Hello { magic: MAGIC, versions }, &[]), (answer, vec![]));
    ends(shim, 3, "");
}

#[test]
fn a_start_that_fails_says_at_which_step() {
    let bundle = Bundle::new("values");
    let mut shim = Shim::start(&bundle);
    shim.greet();
    let (answer, _) = shim.ask(&ToShim::Plan, b"no plan");
    assert!(matches!(answer, ToRunner::Failed { step: Step::Plan, .. }), "{answer:?}");
    ends(shim, 3, "");

    let loading = |plan: &Planner| {
        let mut shim = Shim::start(&bundle);
        shim.greet();
        assert_eq!(shim.plan(&plan.plan), ToRunner::Confined);
        shim
    };
    let mut plan = Planner::new();
    plan.define(TypeDef::List(Type::Defined(0)));
    let mut shim = Shim::start(&bundle);
    shim.greet();
    let answer = shim.plan(&plan.plan);
    assert!(matches!(answer, ToRunner::Failed { step: Step::Plan, .. }), "{answer:?}");
    ends(shim, 3, "");

    let mut plan = Planner::new();
    plan.function("t_lost", &[], None);
    let mut shim = loading(&plan);
    assert!(shim.load_fails(&[], Step::Load).contains("has no symbol t_lost"));
    ends(shim, 3, "");

    let mut plan = Planner::new();
    let pair = plan.record(&[Type::String, Type::String]);
    let config = plan.list(pair);
    let result = plan.define(TypeDef::Result(None, Some(Type::String)));
    plan.plan.init = Some(plan.function("t_init", &[config], Some(result)));
    let mut shim = loading(&plan);
    let bad = wire().u32(1).text("bad").text("the token is missing");
    assert_eq!(shim.load_fails(&bad.0, Step::Init), "the token is missing");
    ends(shim, 3, "");
}

#[test]
fn a_payload_limit_of_the_plan_holds_in_both_directions() {
    let bundle = Bundle::new("values");
    let mut plan = Planner::new();
    plan.plan.payload_bytes_max = 100;
    let same = plan.function("t_same", &[Type::String], Some(Type::String));
    let mut shim = Shim::ready(&bundle, &plan.plan);
    let value = wire().text(&"x".repeat(96)).0;
    assert_eq!(shim.call(same, &value), value);
    shim.send(&ToShim::Call { id: 1, function: same }, &wire().text(&"x".repeat(97)).0);
    violates(shim, "frame payload of 101 bytes, allowed are 100");
}

#[test]
fn started_by_hand_it_says_what_it_is() {
    let by_hand = "adapter-shim is started by wrun; it is not meant to be run by hand\n";
    let output = program().stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), by_hand);
    assert!(output.stdout.is_empty());
    let output = program().arg("--version").output().unwrap();
    let version = format!("adapter-shim {} (protocol {SUPPORTED})\n", env!("CARGO_PKG_VERSION"));
    assert_eq!((output.status.code(), output.stdout), (Some(0), version.into_bytes()));
}

#[test]
fn a_library_that_ends_the_process_ends_only_the_process() {
    let bundle = Bundle::new("jail");
    let mut plan = Planner::new();
    plan.plan.realloc = None;
    let crash = plan.function("t_crash", &[], None);
    let exit = plan.function("t_exit", &[Type::U32], None);
    let mut shim = Shim::ready(&bundle, &plan.plan);
    shim.send(&ToShim::Call { id: 1, function: crash }, &[]);
    let (ending, _) = shim.end();
    assert_eq!(signal(&ending), Some(libc::SIGABRT));
    let mut shim = Shim::ready(&bundle, &plan.plan);
    shim.send(&ToShim::Call { id: 1, function: exit }, &wire().u32(0).0);
    ends(shim, 0, "last words\n");
    // The library's destructors do not run at an orderly end.
    let mut shim = Shim::ready(&bundle, &plan.plan);
    assert_eq!(shim.ask(&ToShim::Shutdown, &[]).0, ToRunner::Bye);
    ends(shim, 0, "");
}
