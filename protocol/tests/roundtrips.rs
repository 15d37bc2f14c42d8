//! What the trusted parts tell each other arrives as it was said, whole or not at all.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod common;

use common::{RESOURCES, config, shape};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use protocol::limits::HEAD_BYTES_MAX;
use protocol::message::{Function, Plan, Resource};
use protocol::policy::{Access, Destination, Grants, Library, Limits, Policy, Profiles, Tree};
use protocol::probe::{Feature, Finding, Found, Report, Setting, Trouble};
use protocol::stage::{
    Collected, Crash, CrashFrame, Ending, FromStage, JailSpec, Layer, Layers, Notice, Purpose,
    Status, Usage, Violation,
};
use protocol::text::ForeignText;
use protocol::types::{Type, TypeTable};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::time::Duration;

fn text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..12).prop_map(|chars| chars.into_iter().collect())
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    vec(text(), 0..4)
}

fn purpose() -> impl Strategy<Value = Purpose> {
    proptest::sample::select(&[Purpose::Confine, Purpose::Learn][..])
}

fn profiles() -> impl Strategy<Value = Profiles> {
    any::<[bool; 5]>().prop_map(|[threads, files, network, devices, libraries]| Profiles {
        threads,
        files,
        network,
        devices,
        libraries,
    })
}

fn function(ty: impl Strategy<Value = Type> + Clone) -> impl Strategy<Value = Function> {
    let types = (vec(ty.clone(), 0..4), option::of(ty));
    (text(), text(), option::of(text()), types).prop_map(
        |(name, symbol, post_return, (params, result))| Function {
            name,
            symbol,
            post_return,
            params,
            result,
        },
    )
}

/// Plans whose functions use the types that they define.
fn plan() -> impl Strategy<Value = Plan> {
    let names = (text(), text(), texts(), option::of(text()), option::of(text()));
    let rest = (option::of(any::<u32>()), profiles(), any::<bool>(), purpose(), any::<u32>());
    let resource = (text(), text()).prop_map(|(name, destructor)| Resource { name, destructor });
    let resources = vec(resource, RESOURCES as usize);
    (vec(shape(), 1..4), names, rest, resources)
        .prop_flat_map(|(shapes, names, rest, resources)| {
            let mut types = Vec::new();
            let used: Vec<_> = shapes.iter().map(|shape| shape.define(&mut types)).collect();
            let functions = vec(function(proptest::sample::select(used)), 0..4);
            (Just((names, rest, resources, types)), functions)
        })
        .prop_map(|((names, rest, resources, types), functions)| {
            let (bundle, library, vendor, realloc, take_panic) = names;
            let (init, profiles, own_root, purpose, payload_bytes_max) = rest;
            Plan {
                bundle,
                library,
                vendor,
                types,
                functions,
                resources,
                init,
                realloc,
                take_panic,
                profiles,
                own_root,
                purpose,
                payload_bytes_max,
            }
        })
}

fn limits() -> impl Strategy<Value = Limits> {
    (any::<[u64; 6]>(), any::<u32>()).prop_map(|(numbers, threads)| {
        let [memory_bytes, cpu_seconds, descriptors, file_bytes, scratch_bytes, stderr_bytes] =
            numbers;
        Limits {
            memory_bytes,
            cpu_seconds,
            threads,
            descriptors,
            file_bytes,
            scratch_bytes,
            stderr_bytes,
        }
    })
}

fn grants() -> impl Strategy<Value = Grants> {
    let access = proptest::sample::select(&[Access::Read, Access::Write][..]);
    let tree = (text(), access).prop_map(|(path, access)| Tree { path, access });
    let library = (text(), text()).prop_map(|(file, path)| Library { file, path });
    let destination = (text(), vec(any::<std::net::IpAddr>(), 0..4), any::<u16>());
    let destination =
        destination.prop_map(|(host, addresses, port)| Destination { host, addresses, port });
    (vec(tree, 0..4), vec(library, 0..4), texts(), vec(destination, 0..4), texts()).prop_map(
        |(trees, libraries, devices, connect, sockets)| Grants {
            trees,
            libraries,
            devices,
            connect,
            sockets,
        },
    )
}

fn jail() -> impl Strategy<Value = JailSpec> {
    let required = proptest::sample::subsequence(&Layer::ALL[..], 0..=Layer::ALL.len());
    (text(), limits(), grants(), required, purpose()).prop_map(
        |(bundle, limits, grants, required, purpose)| JailSpec {
            bundle,
            policy: Policy { limits, grants },
            required,
            purpose,
        },
    )
}

fn layers() -> impl Strategy<Value = Layers> {
    (any::<[bool; 4]>(), any::<[u8; 2]>()).prop_map(|(on, [landlock, filters])| {
        let [namespaces, root, mdwe, uid] = on;
        Layers { namespaces, root, landlock, mdwe, uid, filters }
    })
}

fn ending() -> impl Strategy<Value = Ending> {
    let status = prop_oneof![
        any::<i32>().prop_map(Status::Exited),
        any::<i32>().prop_map(Status::Signaled),
    ];
    let violation = (any::<u64>(), option::of(text()), any::<[u64; 6]>())
        .prop_map(|(number, name, args)| Violation { number, name, args });
    let frame = (option::of(text()), any::<u64>())
        .prop_map(|(module, offset)| CrashFrame { module, offset });
    let collected = proptest::sample::select(&[Collected::Inside, Collected::Outside][..]);
    let crash =
        (collected, vec(frame, 0..4)).prop_map(|(collected, frames)| Crash { collected, frames });
    let usage = (any::<Duration>(), option::of(any::<u64>()), option::of(any::<u32>()))
        .prop_map(|(cpu, memory_peak, threads)| Usage { cpu, memory_peak, threads });
    (status, option::of(violation), option::of(crash), usage)
        .prop_map(|(status, violation, crash, usage)| Ending { status, violation, crash, usage })
}

fn from_stage() -> impl Strategy<Value = FromStage> {
    let notice = (text(), option::of(text()), option::of(text()))
        .prop_map(|(call, about, grant)| Notice { call, about, grant });
    prop_oneof![
        layers().prop_map(|layers| FromStage::Started { layers }),
        text().prop_map(|text| FromStage::Refused { text: ForeignText::new(text) }),
        notice.prop_map(FromStage::Noticed),
        ending().prop_map(FromStage::Ended),
    ]
}

fn report() -> impl Strategy<Value = Report> {
    let found = prop_oneof![
        text().prop_map(Found::Yes),
        (any::<i32>(), text()).prop_map(|(errno, reason)| Found::No(Trouble { errno, reason })),
        text().prop_map(Found::Untried),
    ];
    let finding = (proptest::sample::select(Feature::ALL), found)
        .prop_map(|(feature, found)| Finding { feature, found });
    let setting = (text(), text()).prop_map(|(name, value)| Setting { name, value });
    let lists = (vec(finding, 0..6), vec(setting, 0..4));
    (text(), text(), any::<bool>(), lists, option::of(text())).prop_map(
        |(kernel, machine, is_root, (findings, settings), library)| Report {
            kernel,
            machine,
            is_root,
            findings,
            settings,
            library,
        },
    )
}

/// `message` is what its encoding says, and no part of that encoding says anything.
fn whole_or_nothing<M>(message: &M) -> Result<(), TestCaseError>
where
    M: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let bytes = postcard::to_stdvec(message).unwrap();
    let (again, rest) = postcard::take_from_bytes::<M>(&bytes).unwrap();
    prop_assert_eq!(&again, message);
    prop_assert!(rest.is_empty());
    // The last bytes one by one, the others in steps.
    let ends = (0..bytes.len()).step_by(1 + bytes.len() / 64);
    for end in ends.chain(bytes.len().saturating_sub(8)..bytes.len()) {
        let cut = postcard::take_from_bytes::<M>(&bytes[..end]);
        prop_assert!(cut.is_err(), "the first {} of {} bytes", end, bytes.len());
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_plan_arrives_whole_or_not_at_all(plan in plan()) {
        whole_or_nothing(&plan)?;
        // The shim can use what the runner may say.
        let table = TypeTable::new(plan.types.clone(), plan.resources.len()).unwrap();
        prop_assert_eq!(table.defs(), &plan.types[..]);
    }

    #[test]
    fn a_jail_arrives_whole_or_not_at_all(jail in jail()) {
        whole_or_nothing(&jail)?;
    }

    #[test]
    fn a_report_of_the_stage_arrives_whole_or_not_at_all(message in from_stage()) {
        whole_or_nothing(&message)?;
        prop_assert!(postcard::to_stdvec(&message).unwrap().len() <= HEAD_BYTES_MAX);
    }

    #[test]
    fn a_report_of_the_probe_arrives_whole_or_not_at_all(report in report()) {
        whole_or_nothing(&report)?;
    }
}
