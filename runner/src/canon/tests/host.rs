//! The host's side of the tests: `f` through `canon`, and `f` through `Val`.

use super::super::{Args, Results};
use super::guest::Slots;
use std::sync::LazyLock;
use wasmtime::component::{Component, Instance, InstancePre, Linker, LinkerInstance, Type, Val};
use wasmtime::{Config, Engine, Result, Store, bail};

/// One engine for all tests of a process, with the proposals that `wrun` turns on.
pub(super) static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let mut config = Config::new();
    config.wasm_component_model_map(true);
    config.wasm_component_model_fixed_length_lists(true);
    config.wasm_component_model_async(true);
    // Tests compile many components and run each of them for microseconds.
    config.cranelift_opt_level(wasmtime::OptLevel::None);
    Engine::new(&config).unwrap()
});

/// What `f` saw, and what it is to answer.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Wire bytes of the arguments of each call through `canon`.
    pub(super) seen: Vec<Vec<u8>>,
    /// Wire bytes that `canon` gets as the result.
    pub(super) reply: Vec<u8>,
    /// The arguments of each call through `Val`.
    pub(super) seen_vals: Vec<Vec<Val>>,
    /// The result of a call through `Val`.
    pub(super) reply_val: Option<Val>,
}

/// Defines `name` through `canon` with these counts of flat values.
pub(super) fn define_canon(
    target: &mut LinkerInstance<'_, State>,
    name: &str,
    slots: Slots,
) -> Result<()> {
    macro_rules! with_slots {
        ($($count:literal)*) => {
            match (slots.params, slots.results) {
                $(
                    ($count, 1) => wrap::<$count, 1>(target, name),
                    ($count, _) => wrap::<$count, 0>(target, name),
                )*
                _ => bail!("{slots:?}"),
            }
        };
    }
    with_slots!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
}

fn wrap<const PARAMS: usize, const RESULTS: usize>(
    target: &mut LinkerInstance<'_, State>,
    name: &str,
) -> Result<()> {
    target.func_wrap(name, |mut store, args: Args<PARAMS>| {
        store.data_mut().seen.push(args.into_bytes());
        Ok(Results::<RESULTS, _>::new(store.data().reply.clone()))
    })
}

/// Defines `name` through wasmtime's own dynamic values.
pub(super) fn define_val(target: &mut LinkerInstance<'_, State>, name: &str) -> Result<()> {
    target.func_new(name, |mut store, _, params, results| {
        store.data_mut().seen_vals.push(params.to_vec());
        if let Some(slot) = results.first_mut() {
            *slot = store.data().reply_val.clone().unwrap();
        }
        Ok(())
    })
}

/// A component that is linked and ready to be instantiated.
pub(super) struct Linked(InstancePre<State>);

impl Linked {
    /// Links a component that imports `test:canon/host`, whose members `define` defines.
    ///
    /// # Errors
    /// If a definition does not fit the component.
    pub(super) fn new(
        component: &Component,
        define: impl FnOnce(&mut LinkerInstance<'_, State>) -> Result<()>,
    ) -> Result<Self> {
        let mut linker = Linker::new(&ENGINE);
        define(&mut linker.instance("test:canon/host")?)?;
        Ok(Self(linker.instantiate_pre(component)?))
    }

    /// Links `f` through `canon`.
    ///
    /// # Errors
    /// If the counts of flat values are not those of `f`.
    pub(super) fn canon(component: &Component, slots: Slots) -> Result<Self> {
        Self::new(component, |host| define_canon(host, "f", slots))
    }

    /// Links `f` through `Val`.
    pub(super) fn val(component: &Component) -> Self {
        Self::new(component, |host| define_val(host, "f")).unwrap()
    }

    /// A fresh instance in a store of its own: a guest that trapped cannot be called again.
    pub(super) fn start(&self, state: State) -> Running {
        let mut store = Store::new(&ENGINE, state);
        let instance = self.0.instantiate(&mut store).unwrap();
        Running { store, instance }
    }
}

/// A guest that can be called.
pub(super) struct Running {
    pub(super) store: Store<State>,
    instance: Instance,
}

impl Running {
    /// Calls the export `name` and returns its result, if it has one.
    ///
    /// # Errors
    /// If the guest traps.
    pub(super) fn call(&mut self, name: &str, params: &[Val]) -> Result<Option<Val>> {
        let func = self.instance.get_func(&mut self.store, name).unwrap();
        let mut results = vec![Val::Bool(false); func.ty(&self.store).results().len()];
        func.call(&mut self.store, params, &mut results)?;
        Ok(results.pop())
    }

    /// The type of the only parameter of the export `name`.
    pub(super) fn param(&mut self, name: &str) -> Type {
        let func = self.instance.get_func(&mut self.store, name).unwrap();
        func.ty(&self.store).params().next().unwrap().1
    }

    /// How many bytes of memory were written that no call should have written.
    pub(super) fn stray_bytes(&mut self) -> u32 {
        match self.call("stray-bytes", &[]).unwrap() {
            Some(Val::U32(count)) => count,
            other => panic!("{other:?}"),
        }
    }
}
