//! Bundles that a test calls itself, one call at a time, each through a small component and linker of
//! its own.

use crate::program;
use std::path::{Path, PathBuf};
use wasmtime::component::{Component, Instance, Linker, Val};
use wasmtime::{Engine, Store};
use wrun::{BundleOptions, Hosts, Registry};

/// Memory for values that pass through. All of it is free again after each call.
const MEMORY: &str = r#"
  (core module $m
    (memory (export "memory") 8)
    (global $next (mut i32) (i32.const 64))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (local.get $at))
    (func (export "free") (param i32) (global.set $next (i32.const 64))))
  (core instance $m (instantiate $m))
  (alias core export $m "memory" (core memory $memory))
  (alias core export $m "realloc" (core func $realloc))
  (alias core export $m "free" (core func $free))"#;

/// Hands bytes to the bundle `echo`, and back.
const ECHO: &str = r#"
  (import "wrun:echo/bytes@0.1.0" (instance $lib
    (export "echo" (func (param "b" (list u8)) (result (list u8))))))
  MEMORY
  (core func $echo (canon lower (func $lib "echo") (memory $memory) (realloc $realloc)))
  (core module $pass
    (import "" "call" (func $call (param i32 i32 i32)))
    (func (export "call") (param i32 i32) (result i32)
      (call $call (local.get 0) (local.get 1) (i32.const 16))
      (i32.const 16)))
  (core instance $pass (instantiate $pass (with "" (instance (export "call" (func $echo))))))
  (func (export "echo") (param "b" (list u8)) (result (list u8))
    (canon lift (core func $pass "call") (memory $memory) (realloc $realloc)
      (post-return $free)))"#;

/// Has the bundle `moods` do a deed.
const MOODS: &str = r#"
  (import "test:moods/library@0.1.0" (instance $lib
    (type $names (enum
      "answer" "segfault" "abort" "illegal" "divide" "bus" "smash-stack" "overflow-stack"
      "exit-zero" "exit-many" "exit-raw"
      "hang" "deadlock" "spin" "eat-memory" "long-file" "throw"))
    (export "deed" (type $deed (eq $names)))
    (export "text" (func (param "what" $deed) (result (result u32 (error string)))))))
  (alias export $lib "deed" (type $deed))
  MEMORY
  (core func $text (canon lower (func $lib "text") (memory $memory) (realloc $realloc)))
  (core module $pass
    (import "" "call" (func $call (param i32 i32)))
    (func (export "call") (param i32) (result i32)
      (call $call (local.get 0) (i32.const 16))
      (i32.const 16)))
  (core instance $pass (instantiate $pass (with "" (instance (export "call" (func $text))))))
  (func (export "text") (param "what" $deed) (result (result u32 (error string)))
    (canon lift (core func $pass "call") (memory $memory) (realloc $realloc)
      (post-return $free)))"#;

/// The components, compiled once.
#[allow(missing_debug_implementations, reason = "components show nothing")]
pub struct Callers {
    engine: Engine,
    echo: Component,
    moods: Component,
}

/// A bundle that runs, with a linker and a store of its own. Dropping it ends the bundle's process.
#[allow(missing_debug_implementations, reason = "linkers and stores show nothing")]
pub struct Line {
    engine: Engine,
    component: Component,
    linker: Linker<()>,
    guest: Option<(Store<()>, Instance)>,
    _hosts: Hosts,
}

impl Default for Callers {
    fn default() -> Self {
        Self::new()
    }
}

impl Callers {
    /// Compiles the components.
    pub fn new() -> Self {
        let engine = Engine::default();
        let compiled = |body: &str| {
            let text = format!("(component {})", body.replace("MEMORY", MEMORY));
            let bytes = wat::parse_str(text).expect("a component");
            Component::from_binary(&engine, &bytes).expect("a component")
        };
        let (echo, moods) = (compiled(ECHO), compiled(MOODS));
        Self { engine, echo, moods }
    }

    /// Starts a bundle `echo`.
    pub fn echo(&self, bundle: &Path, options: BundleOptions, shim: Option<PathBuf>) -> Line {
        self.line(&self.echo, bundle, options, shim)
    }

    /// Starts a bundle `moods`.
    pub fn moods(&self, bundle: &Path, options: BundleOptions, shim: Option<PathBuf>) -> Line {
        self.line(&self.moods, bundle, options, shim)
    }

    fn line(
        &self,
        component: &Component,
        bundle: &Path,
        options: BundleOptions,
        shim: Option<PathBuf>,
    ) -> Line {
        let mut registry = Registry::new();
        registry.shim_program(shim.unwrap_or_else(|| program("adapter-shim")));
        registry.register_bundle(bundle, options).expect("a bundle");
        let mut linker = Linker::new(&self.engine);
        let hosts = registry.link_all(&mut linker, component).expect("a bundle that starts");
        let (engine, component) = (self.engine.clone(), component.clone());
        Line { engine, component, linker, guest: None, _hosts: hosts }
    }
}

impl Line {
    /// What the bundle `echo` makes of `bytes`.
    ///
    /// # Errors
    /// The trap of the call. The next call has a new guest.
    pub fn echo(&mut self, bytes: &[u8]) -> Result<Vec<u8>, wasmtime::Error> {
        let (mut store, instance) = self.guest();
        let echo = instance.get_typed_func::<(&[u8],), (Vec<u8>,)>(&mut store, "echo")?;
        let (answer,) = echo.call(&mut store, (bytes,))?;
        self.guest = Some((store, instance));
        Ok(answer)
    }

    /// What the bundle `moods` answers after it was told to do `deed`: a number, or an error of the
    /// guest's own.
    ///
    /// # Errors
    /// The trap of the call. The next call has a new guest.
    pub fn text(&mut self, deed: &str) -> Result<Result<u32, String>, wasmtime::Error> {
        let (mut store, instance) = self.guest();
        let text = instance.get_func(&mut store, "text").expect("it is exported");
        let mut results = [Val::Bool(false)];
        text.call(&mut store, &[Val::Enum(deed.to_owned())], &mut results)?;
        self.guest = Some((store, instance));
        let [Val::Result(answer)] = results else { panic!("no result: {results:?}") };
        Ok(match answer {
            Ok(Some(number)) => match *number {
                Val::U32(number) => Ok(number),
                other => panic!("no number: {other:?}"),
            },
            Err(Some(error)) => match *error {
                Val::String(text) => Err(text),
                other => panic!("no text: {other:?}"),
            },
            other => panic!("no payload: {other:?}"),
        })
    }

    /// The guest, taken out: a call that traps leaves none.
    fn guest(&mut self) -> (Store<()>, Instance) {
        self.guest.take().unwrap_or_else(|| {
            let mut store = Store::new(&self.engine, ());
            let instance = self.linker.instantiate(&mut store, &self.component);
            (store, instance.expect("all imports are served"))
        })
    }
}
