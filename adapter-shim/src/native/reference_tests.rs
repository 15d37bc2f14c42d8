//! Layouts and signatures against wit-parser, and memory against itself.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test stops at the first surprise; casts are of small numbers"
)]

#[path = "../../tests/common/random.rs"]
mod random;

use super::call::Types;
use super::flatten::CoreType;
use super::layout::Layouts;
use super::lift::Lift;
use super::lower::Lower;
use super::memory::{LibraryMemory, Realloc};
use proptest::prelude::*;
use protocol::types::{Type, TypeDef, TypeTable};
use protocol::value::{Reader, validate_all};
use random::{Choices, RESOURCES, any_type, defs, value};
use std::alloc::{Layout as StdLayout, alloc};
use std::fmt::Write as _;
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Resolve, SizeAlign, TypeDefKind};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn layouts_and_signatures_are_those_of_wit_parser(
        numbers in prop::collection::vec(any::<u32>(), 0..80),
    ) {
        let mut choices = Choices(numbers.iter());
        let defs = defs(&mut choices);
        let defined = defs.len() as u32;
        let params: Vec<Type> =
            (0..choices.below(7)).map(|_| any_type(defined, &mut choices)).collect();
        let result = (choices.below(3) > 0).then(|| any_type(defined, &mut choices));
        compare(defs, &params, result);
    }

    #[test]
    fn what_is_stored_is_loaded_again(
        numbers in prop::collection::vec(any::<u32>(), 0..200),
    ) {
        let mut choices = Choices(numbers.iter());
        let table = TypeTable::new(defs(&mut choices), RESOURCES).unwrap();
        for index in 0..table.defs().len() {
            let ty = Type::Defined(index as u32);
            let mut bytes = Vec::new();
            value(&table, ty, &mut choices, &mut bytes);
            validate_all(&table, [ty], &bytes).unwrap();
            prop_assert_eq!(through_memory(&table, ty, &bytes), bytes);
        }
    }
}

/// Leaks, as a library that never frees would.
unsafe extern "C" fn leak(_: *mut u8, _: usize, align: usize, size: usize) -> *mut u8 {
    // SAFETY: the size is not 0, `Realloc` does not ask for that.
    unsafe { alloc(StdLayout::from_size_align(size, align).unwrap()) }
}

fn through_memory(table: &TypeTable, ty: Type, bytes: &[u8]) -> Vec<u8> {
    let layout = Layouts::new(table).unwrap().get(ty).unwrap();
    // SAFETY: `leak` returns memory that is never given back.
    let realloc = unsafe { Realloc::new(leak) };
    let mut lower = Lower { reader: Reader::new(bytes), realloc: Some(realloc) };
    let region = lower.allocate(layout.size, layout.align).unwrap();
    lower.store(&layout, region).unwrap();
    lower.reader.finish().unwrap();
    // SAFETY: all pointers were written by `store`.
    let memory = unsafe { LibraryMemory::believe() };
    let mut out = Vec::new();
    let mut lift = Lift { out: &mut out, bytes_max: bytes.len(), memory: &memory };
    lift.load(&layout, region).unwrap();
    out
}

fn compare(defs: Vec<TypeDef>, params: &[Type], result: Option<Type>) {
    let wit = wit_of(&defs, params, result);
    let mut resolve = Resolve::default();
    let package = resolve.push_source("random.wit", &wit).unwrap();
    let interface = resolve.packages[package].interfaces["i"];
    let mut sizes = SizeAlign::default();
    sizes.fill(&resolve);

    let table = TypeTable::new(defs, RESOURCES).unwrap();
    let layouts = Layouts::new(&table).unwrap();
    for (index, def) in table.defs().iter().enumerate() {
        let layout = layouts.get(Type::Defined(index as u32)).unwrap();
        let ty = wit_parser::Type::Id(resolve.interfaces[interface].types[&format!("t{index}")]);
        let expected = (sizes.size(&ty).size_wasm64(), sizes.align(&ty).align_wasm64());
        assert_eq!((layout.size, layout.align), expected, "{def:?} in\n{wit}");
    }
    let function = &resolve.interfaces[interface].functions["f"];
    let expected = resolve.wasm_signature(AbiVariant::GuestExport, function);
    let signature = Types::new(&layouts, params, result).unwrap().signature;
    let core = |types: &[WasmType]| types.iter().map(|ty| core_type(*ty)).collect::<Vec<_>>();
    assert_eq!(signature.params, core(&expected.params), "{wit}");
    assert_eq!(signature.params_in_memory, expected.indirect_params, "{wit}");
    assert_eq!(signature.result.as_slice(), core(&expected.results), "{wit}");
    assert_eq!(signature.result_in_memory, expected.retptr, "{wit}");
    offsets(&resolve, &sizes, interface, &table, &layouts);
}

/// Fields of records and payloads of variants lie where wit-parser says.
fn offsets(
    resolve: &Resolve,
    sizes: &SizeAlign,
    interface: wit_parser::InterfaceId,
    table: &TypeTable,
    layouts: &Layouts,
) {
    use super::layout::Shape;
    for index in 0..table.defs().len() {
        let layout = layouts.get(Type::Defined(index as u32)).unwrap();
        let id = resolve.interfaces[interface].types[&format!("t{index}")];
        match (&layout.shape, &resolve.types[id].kind) {
            (Shape::Record(fields), TypeDefKind::Record(record)) => {
                let expected = sizes.field_offsets(record.fields.iter().map(|field| &field.ty));
                for (field, (offset, _)) in fields.iter().zip(expected) {
                    assert_eq!(field.offset, offset.size_wasm64());
                }
            }
            (Shape::Variant(ours), TypeDefKind::Variant(variant)) => {
                let cases = variant.cases.iter().map(|case| case.ty.as_ref());
                let expected = sizes.payload_offset(variant.tag(), cases);
                assert_eq!(ours.payload, expected.size_wasm64());
            }
            _ => {}
        }
    }
}

fn core_type(ty: WasmType) -> CoreType {
    match ty {
        WasmType::I32 => CoreType::I32,
        WasmType::I64 => CoreType::I64,
        WasmType::F32 => CoreType::F32,
        WasmType::F64 => CoreType::F64,
        WasmType::Pointer => CoreType::Pointer,
        WasmType::PointerOrI64 => CoreType::PointerOrI64,
        WasmType::Length => CoreType::Length,
    }
}

fn wit_of(defs: &[TypeDef], params: &[Type], result: Option<Type>) -> String {
    let mut wit = String::from("package a:b;\ninterface i {\nresource r0;\nresource r1;\n");
    for (index, def) in defs.iter().enumerate() {
        let name = format!("t{index}");
        let members = |count: usize, prefix| {
            (0..count).map(|member| format!("{prefix}{member}")).collect::<Vec<_>>().join(", ")
        };
        let text = match def {
            TypeDef::List(element) => format!("type {name} = list<{}>;", name_of(*element)),
            TypeDef::FixedList(element, count) => {
                format!("type {name} = list<{}, {count}>;", name_of(*element))
            }
            TypeDef::Map(key, value) => {
                format!("type {name} = map<{}, {}>;", name_of(*key), name_of(*value))
            }
            TypeDef::Record(fields) => {
                let fields = fields.iter().enumerate();
                let fields = fields.map(|(i, ty)| format!("f{i}: {}", name_of(*ty)));
                format!("record {name} {{ {} }}", fields.collect::<Vec<_>>().join(", "))
            }
            TypeDef::Variant(cases) => {
                let case = |(i, ty): (usize, &Option<Type>)| match ty {
                    Some(ty) => format!("c{i}({})", name_of(*ty)),
                    None => format!("c{i}"),
                };
                let cases = cases.iter().enumerate().map(case).collect::<Vec<_>>();
                format!("variant {name} {{ {} }}", cases.join(", "))
            }
            TypeDef::Enum(cases) => format!("enum {name} {{ {} }}", members(*cases as usize, "e")),
            TypeDef::Flags(flags) => {
                format!("flags {name} {{ {} }}", members(*flags as usize, "g"))
            }
            TypeDef::Option(payload) => format!("type {name} = option<{}>;", name_of(*payload)),
            TypeDef::Result(ok, err) => {
                let part = |ty: &Option<Type>| ty.map_or_else(|| "_".to_owned(), name_of);
                match (ok, err) {
                    (None, None) => format!("type {name} = result;"),
                    (_, None) => format!("type {name} = result<{}>;", part(ok)),
                    _ => format!("type {name} = result<{}, {}>;", part(ok), part(err)),
                }
            }
            // A borrow has the layout of an own, but may not be in a result.
            TypeDef::Own(r) | TypeDef::Borrow(r) => format!("type {name} = own<r{r}>;"),
        };
        writeln!(wit, "{text}").unwrap();
    }
    let params = params.iter().enumerate().map(|(i, ty)| format!("p{i}: {}", name_of(*ty)));
    let params = params.collect::<Vec<_>>().join(", ");
    let result = result.map_or_else(String::new, |ty| format!(" -> {}", name_of(ty)));
    writeln!(wit, "f: func({params}){result};\n}}").unwrap();
    wit
}

fn name_of(ty: Type) -> String {
    match ty {
        Type::Defined(index) => format!("t{index}"),
        primitive => format!("{primitive:?}").to_lowercase(),
    }
}
