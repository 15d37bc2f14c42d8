//! Several stores on one linker share the bundle's process. What one of them holds when it goes is
//! destroyed, and the others hold what they held.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tests::{Count, children, fixture, program};
use tokio::runtime::{Builder, Runtime};
use wasmtime::component::{Component, Instance, InstancePre, Linker};
use wasmtime::{Engine, Store};
use wrun::{BundleOptions, Hosts, Isolation, Registry, ShimExit};

/// The bundle `moods`, linked once.
struct Linked {
    engine: Engine,
    component: Component,
    linker: Linker<()>,
    hosts: Hosts,
    /// Only for async stores.
    runtime: Option<Runtime>,
    _folder: TempDir,
}

/// A guest with a store of its own.
struct Guest<'a> {
    store: Store<()>,
    instance: Instance,
    runtime: Option<&'a Runtime>,
}

impl Linked {
    fn new(define: Option<&str>, options: BundleOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (engine, registry) = (Engine::default(), registry(define, options, &folder));
        let component = component(&engine);
        let mut linker = Linker::new(&engine);
        let hosts = registry.link_all(&mut linker, &component).unwrap();
        Self { engine, component, linker, hosts, runtime: None, _folder: folder }
    }

    fn new_async(define: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let registry = registry(define, BundleOptions::default(), &folder);
        let engine = Engine::default();
        let component = component(&engine);
        let mut linker = Linker::new(&engine);
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let hosts = runtime.block_on(registry.link_all_async(&mut linker, &component)).unwrap();
        Self { engine, component, linker, hosts, runtime: Some(runtime), _folder: folder }
    }

    fn guest(&self) -> Guest<'_> {
        let mut store = Store::new(&self.engine, ());
        let instance = match &self.runtime {
            None => self.linker.instantiate(&mut store, &self.component),
            Some(runtime) => {
                runtime.block_on(self.linker.instantiate_async(&mut store, &self.component))
            }
        };
        Guest { instance: instance.unwrap(), store, runtime: self.runtime.as_ref() }
    }
}

fn registry(define: Option<&str>, options: BundleOptions, folder: &TempDir) -> Registry {
    let mut registry = Registry::new();
    registry.shim_program(program("adapter-shim"));
    registry.register_bundle(fixture("moods", define, folder.path()), options).unwrap();
    registry
}

fn component(engine: &Engine) -> Component {
    let binary = wat::parse_str(include_str!("stores.wat")).unwrap();
    Component::from_binary(engine, &binary).unwrap()
}

impl Guest<'_> {
    fn number(&mut self, name: &str) -> wasmtime::Result<u32> {
        let Self { store, instance, runtime } = self;
        let function = instance.get_typed_func::<(), (u32,)>(&mut *store, name)?;
        let (number,) = match runtime {
            None => function.call(store, ())?,
            Some(runtime) => runtime.block_on(function.call_async(store, ()))?,
        };
        Ok(number)
    }

    fn hold(&mut self, number: u32) {
        let Self { store, instance, runtime } = self;
        let function = instance.get_typed_func::<(u32,), ()>(&mut *store, "hold").unwrap();
        match runtime {
            None => function.call(store, (number,)),
            Some(runtime) => runtime.block_on(function.call_async(store, (number,))),
        }
        .unwrap();
    }

    fn trap(&mut self) {
        let function = self.instance.get_typed_func::<(), ()>(&mut self.store, "trap").unwrap();
        function.call(&mut self.store, ()).unwrap_err();
    }
}

/// One store holds three, another one; the first goes, and takes its own with it.
fn leave_and_stay(linked: &Linked) {
    let (mut one, mut other) = (linked.guest(), linked.guest());
    for number in [1, 2, 3] {
        one.hold(number);
    }
    other.hold(40);
    assert_eq!(other.number("tally").unwrap(), 4);
    drop(one);
    assert_eq!(other.number("tally").unwrap(), 1);
    assert_eq!(other.number("get").unwrap(), 40, "it is the other's own");
    drop(other);
    assert_eq!(linked.guest().number("tally").unwrap(), 0);
}

#[test]
fn what_a_dropped_store_held_is_destroyed_and_the_rest_stays() {
    let linked = Linked::new(None, BundleOptions::default());
    leave_and_stay(&linked);
    assert!(matches!(linked.hosts.shut_down()[..], [("moods", ShimExit::Clean)]));
}

#[test]
fn what_a_dropped_store_held_is_destroyed_on_a_task() {
    let linked = Linked::new_async(None);
    leave_and_stay(&linked);
    assert!(matches!(linked.hosts.shut_down()[..], [("moods", ShimExit::Clean)]));
}

#[test]
fn what_a_dropped_store_held_is_destroyed_in_this_process() {
    let options = BundleOptions { isolation: Isolation::InProcess, ..BundleOptions::default() };
    leave_and_stay(&Linked::new(None, options));
}

#[test]
fn a_thousand_stores_leave_nothing_behind() {
    let linked = Linked::new(None, BundleOptions::default());
    let leave = || (0..3).for_each(|number| linked.guest().hold(number));
    leave();
    let before = Count::now();
    (0..333).for_each(|_| leave());
    assert_eq!(linked.guest().number("tally").unwrap(), 0);
    before.assert_again();
}

/// A store that holds two things and is dropped with them, on a task and while others are in calls.
async fn turn(ready: &InstancePre<()>, own: u32) -> wasmtime::Result<()> {
    let mut store = Store::new(ready.engine(), ());
    let instance = ready.instantiate_async(&mut store).await?;
    let hold = instance.get_typed_func::<(u32,), ()>(&mut store, "hold")?;
    for number in [own, own + 1] {
        hold.call_async(&mut store, (number,)).await?;
    }
    let get = instance.get_typed_func::<(), (u32,)>(&mut store, "get")?;
    assert_eq!(get.call_async(&mut store, ()).await?, (own + 1,));
    Ok(())
}

#[test]
fn stores_that_come_and_go_side_by_side_keep_what_is_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(None, BundleOptions::default(), &folder);
    let engine = Engine::default();
    let component = component(&engine);
    let mut linker = Linker::<()>::new(&engine);
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let hosts = runtime.block_on(registry.link_all_async(&mut linker, &component)).unwrap();
    let ready = Arc::new(linker.instantiate_pre(&component).unwrap());
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let ready = Arc::clone(&ready);
            runtime.spawn(async move {
                for number in 0..50 {
                    turn(&ready, 1000 * task + number).await.unwrap();
                }
            })
        })
        .collect();
    tasks.into_iter().for_each(|task| runtime.block_on(task).unwrap());
    let mut store = Store::new(&engine, ());
    let tally = runtime.block_on(async {
        let instance = ready.instantiate_async(&mut store).await.unwrap();
        let tally = instance.get_typed_func::<(), (u32,)>(&mut store, "tally").unwrap();
        tally.call_async(&mut store, ()).await.unwrap()
    });
    assert_eq!(tally, (0,));
    // Tasks that found nothing left to do go with their runtime, and do no harm.
    drop(runtime);
    let ended = hosts.shut_down();
    assert!(matches!(ended[..], [("moods", ShimExit::Clean)]), "{ended:?}");
}

#[test]
fn a_store_that_is_dropped_on_a_task_is_cleared_without_another_call() {
    let linked = Linked::new_async(Some("CRASH_IN_DESTRUCTOR"));
    let mut guest = linked.guest();
    guest.hold(1);
    let before = children();
    assert!(before > 0);
    // The destructor ends the process, which can be seen from here.
    linked.runtime.as_ref().unwrap().block_on(async {
        drop(guest);
        let cleared = async {
            while children() == before {
                tokio::task::yield_now().await;
            }
        };
        let bound = Duration::from_secs(60);
        tokio::time::timeout(bound, cleared).await.expect("nobody runs the destructor");
    });
    assert!(matches!(linked.hosts.shut_down()[..], [("moods", ShimExit::Signal(6))]));
}

#[test]
fn a_guest_that_trapped_holds_nothing_once_its_store_is_gone() {
    let linked = Linked::new(None, BundleOptions::default());
    let mut guest = linked.guest();
    guest.hold(1);
    guest.trap();
    assert_eq!(linked.guest().number("tally").unwrap(), 1, "the store is still there");
    drop(guest);
    assert_eq!(linked.guest().number("tally").unwrap(), 0);
}

#[test]
fn a_destructor_that_hangs_does_not_keep_a_store_from_going() {
    let (shutdown_timeout, call_timeout) = (Duration::from_millis(300), Duration::from_hours(24));
    let options = BundleOptions { shutdown_timeout, call_timeout, ..BundleOptions::default() };
    let linked = Linked::new(Some("HANG_IN_DESTRUCTOR"), options);
    let (mut one, mut other) = (linked.guest(), linked.guest());
    (1..=60).for_each(|number| one.hold(number));
    other.hold(40);
    drop(one);
    let error = other.number("get").unwrap_err();
    let error = format!("{error:#}");
    assert!(error.contains("`test:moods/library@0.1.0#thing`"), "{error}");
    let mut next = linked.guest();
    assert_eq!(next.number("tally").unwrap(), 0, "of a fresh process");
}

#[test]
fn a_store_that_outlives_its_runtime_leaves_no_process_behind() {
    let before = children();
    let mut linked = Linked::new_async(None);
    let mut guest = linked.guest();
    guest.hold(1);
    let Guest { store, .. } = guest;
    drop(linked.runtime.take());
    drop(store);
    drop(linked);
    assert_eq!(children(), before);
}

#[test]
fn an_ended_process_is_not_mistaken_for_the_next() {
    let linked = Linked::new(None, BundleOptions::default());
    let (mut one, mut other) = (linked.guest(), linked.guest());
    one.hold(1);
    assert!(matches!(linked.hosts.shut_down()[..], [("moods", ShimExit::Clean)]));
    other.hold(40);
    let error = format!("{:#}", one.number("get").unwrap_err());
    assert!(error.contains("`test:moods/library@0.1.0#thing`"), "{error}");
    drop(one);
    assert_eq!(other.number("tally").unwrap(), 1);
    assert_eq!(other.number("get").unwrap(), 40);
}
