//! Components for tests, from WIT text and a core module as text.

use super::types::Signature;
use std::fmt::Write as _;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmSignature, WasmType};
use wit_parser::{PackageId, Resolve, SizeAlign};

/// Where the guests let results be written.
const RETURN_AREA: usize = 1024;

/// Where the guests' allocator starts, and where it gives up.
const HEAP: usize = 0x2_0000;
const HEAP_END: usize = 0x10_0000;

/// What memory is filled with before a call: bytes that are neither forgotten zeros nor valid
/// case numbers.
const FILLER: u8 = 0xaa;

/// `wit` with its only world.
pub(super) struct World {
    resolve: Resolve,
    package: PackageId,
}

impl World {
    /// Parses a package whose only world is the guest's.
    pub(super) fn new(wit: &str) -> Self {
        let mut resolve = Resolve::default();
        let package = resolve.push_source("guest.wit", wit).unwrap();
        Self { resolve, package }
    }

    fn function(&self, interface: &str, name: &str) -> &wit_parser::Function {
        let interface = self.resolve.packages[self.package].interfaces[interface];
        &self.resolve.interfaces[interface].functions[name]
    }

    /// How a guest calls the function `name` of `interface`.
    pub(super) fn import(&self, interface: &str, name: &str) -> WasmSignature {
        self.resolve.wasm_signature(AbiVariant::GuestImport, self.function(interface, name))
    }

    fn export(&self, name: &str) -> WasmSignature {
        self.resolve.wasm_signature(AbiVariant::GuestExport, self.function("host", name))
    }

    fn result_bytes(&self) -> usize {
        let mut sizes = SizeAlign::default();
        sizes.fill(&self.resolve);
        self.function("host", "f").result.map_or(0, |ty| sizes.size(&ty).size_wasm32())
    }

    /// The component of this world whose core module is `core`.
    pub(super) fn component(&self, core: &str, encoding: StringEncoding) -> Vec<u8> {
        let mut module = wat::parse_str(core).unwrap_or_else(|error| panic!("{error}\n{core}"));
        let world = self.resolve.select_world(&[self.package], None).unwrap();
        embed_component_metadata(&mut module, &self.resolve, world, encoding).unwrap();
        ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
    }
}

/// Counts of flat values, as `canon`'s type parameters want them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slots {
    pub(super) params: usize,
    pub(super) results: usize,
}

impl Slots {
    pub(super) fn of(import: &WasmSignature) -> Self {
        let flat = import.params.len() - usize::from(import.retptr);
        let params = if import.indirect_params { 0 } else { flat };
        Self { params, results: import.results.len() }
    }
}

/// `(param …) (result …)` of a core function.
pub(super) fn core_type(signature: &WasmSignature) -> String {
    let list = |keyword: &str, types: &[WasmType]| {
        let types: Vec<_> = types
            .iter()
            .map(|ty| match ty {
                WasmType::I64 | WasmType::PointerOrI64 => "i64",
                WasmType::F32 => "f32",
                WasmType::F64 => "f64",
                WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
            })
            .collect();
        format!("({keyword} {})", types.join(" "))
    };
    format!("{} {}", list("param", &signature.params), list("result", &signature.results))
}

/// A memory of one mebibyte with an allocator that never frees.
pub(super) fn memory() -> String {
    format!(
        r#"(memory (export "memory") 16)
  (global $free (mut i32) (i32.const {HEAP}))
  (func $fill (memory.fill (i32.const 0) (i32.const {FILLER}) (i32.const {HEAP_END})))
  (start $fill)
  (func $realloc (export "cabi_realloc")
    (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and
      (i32.add (global.get $free) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $free (i32.add (local.get $at) (local.get $size)))
    (if (i32.gt_u (global.get $free) (i32.const {HEAP_END})) (then unreachable))
    (memory.copy (local.get $at) (local.get $old)
      (select (local.get $old_size) (local.get $size)
        (i32.lt_u (local.get $old_size) (local.get $size))))
    (local.get $at))"#
    )
}

/// A guest whose `g` passes everything to `f` and returns what `f` returned.
pub(super) struct PassThrough {
    pub(super) component: Vec<u8>,
    pub(super) slots: Slots,
}

impl PassThrough {
    pub(super) fn new(signature: &Signature, encoding: StringEncoding) -> Self {
        Self::of_wit(&signature.wit(), encoding)
    }

    /// The guest of a package as [`Signature::wit`] writes it.
    pub(super) fn of_wit(wit: &str, encoding: StringEncoding) -> Self {
        let world = World::new(wit);
        let (import, export) = (world.import("host", "f"), world.export("f"));
        let mut call = String::new();
        for index in 0..export.params.len() {
            write!(call, "(local.get {index}) ").unwrap();
        }
        if import.retptr {
            write!(call, "(i32.const {RETURN_AREA}) ").unwrap();
        }
        call.push_str("(call $f) ");
        if export.retptr {
            write!(call, "(i32.const {RETURN_AREA})").unwrap();
        }
        let core = format!(
            r#"(module
  (import "test:canon/host" "f" (func $f {}))
  {}
  (func (export "g") {} {call})
  {})"#,
            core_type(&import),
            memory(),
            core_type(&export),
            stray_bytes(if import.retptr { world.result_bytes() } else { 0 }),
        );
        Self { component: world.component(&core, encoding), slots: Slots::of(&import) }
    }
}

/// Counts bytes outside of the return area and the allocated blocks that lost their filler.
fn stray_bytes(result_bytes: usize) -> String {
    let result_end = RETURN_AREA + result_bytes;
    assert!(result_end < HEAP);
    format!(
        r#"(func $stray_between (param $at i32) (param $end i32) (result i32)
    (local $count i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $count (i32.add (local.get $count)
          (i32.ne (i32.load8_u (local.get $at)) (i32.const {FILLER}))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (local.get $count))
  (func (export "stray-bytes") (result i32)
    (call $stray_between (i32.const 0) (i32.const {RETURN_AREA}))
    (call $stray_between (i32.const {result_end}) (i32.const {HEAP}))
    (call $stray_between (global.get $free) (i32.const {HEAP_END}))
    i32.add i32.add)"#
    )
}
