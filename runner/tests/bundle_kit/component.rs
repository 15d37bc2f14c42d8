//! Components that import a whole world and do nothing with it.

use wasm_encoder::{
    CodeSection, EntityType, ExportKind, ExportSection, Function, FunctionSection, ImportSection,
    Instruction, MemorySection, MemoryType, Module, TypeSection, ValType,
};
use wasmtime::component::Component;
use wasmtime::{Config, Engine};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{
    LiftLowerAbi, ManglingAndAbi, Resolve, ResourceIntrinsic, TypeDefKind, WasmImport, WorldId,
    WorldItem, WorldKey,
};

const ABI: ManglingAndAbi = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);

/// A compiled component that imports all that the world `guest` of `wit` imports.
pub(crate) fn component(wit: &str) -> Component {
    let mut config = Config::new();
    config
        .wasm_component_model_async(true)
        .wasm_component_model_map(true)
        .wasm_component_model_fixed_length_lists(true)
        .wasm_component_model_error_context(true);
    let engine = Engine::new(&config).unwrap();
    Component::new(&engine, component_bytes(wit)).unwrap_or_else(|error| panic!("{error:?}"))
}

/// The bytes of such a component.
pub(crate) fn component_bytes(wit: &str) -> Vec<u8> {
    let mut resolve = Resolve::new();
    let package = resolve
        .push_source("guest.wit", wit)
        .unwrap_or_else(|error| panic!("{}", resolve.render_error(&error)));
    let world = resolve.select_world(&[package], Some("guest")).unwrap();
    let mut module = module(&resolve, world);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}

/// The imports of the core module: module name, field name, and function type.
struct Imports {
    types: TypeSection,
    imports: ImportSection,
}

impl Imports {
    fn add(
        &mut self,
        (module, name): (String, String),
        params: Vec<ValType>,
        results: Vec<ValType>,
    ) {
        let index = self.types.len();
        self.types.ty().function(params, results);
        self.imports.import(&module, &name, EntityType::Function(index));
    }

    fn function(&mut self, resolve: &Resolve, key: Option<&WorldKey>, func: &wit_parser::Function) {
        // What an import gives is the same for an `async func` that is called synchronously.
        let signature = resolve.wasm_signature(AbiVariant::GuestImport, func);
        let name = resolve.wasm_import_name(ABI, WasmImport::Func { interface: key, func });
        self.add(name, values(&signature.params), values(&signature.results));
    }

    fn resource(&mut self, resolve: &Resolve, key: Option<&WorldKey>, id: wit_parser::TypeId) {
        if resolve.types[id].kind == TypeDefKind::Resource {
            let intrinsic = ResourceIntrinsic::ImportedDrop;
            let import = WasmImport::ResourceIntrinsic { interface: key, resource: id, intrinsic };
            self.add(resolve.wasm_import_name(ABI, import), vec![ValType::I32], Vec::new());
        }
    }
}

fn module(resolve: &Resolve, world: WorldId) -> Vec<u8> {
    let mut all = Imports { types: TypeSection::new(), imports: ImportSection::new() };
    for (key, item) in &resolve.worlds[world].imports {
        match item {
            WorldItem::Function(function) => all.function(resolve, None, function),
            WorldItem::Type { id, .. } => all.resource(resolve, None, *id),
            WorldItem::Interface { id, .. } => {
                let interface = &resolve.interfaces[*id];
                for function in interface.functions.values() {
                    all.function(resolve, Some(key), function);
                }
                for id in interface.types.values() {
                    all.resource(resolve, Some(key), *id);
                }
            }
        }
    }
    let (imported, ty) = (all.imports.len(), all.types.len());
    all.types.ty().function(vec![ValType::I32; 4], vec![ValType::I32]);
    let mut functions = FunctionSection::new();
    functions.function(ty);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0);
    exports.export("cabi_realloc", ExportKind::Func, imported);
    let mut code = CodeSection::new();
    let mut body = Function::new([]);
    body.instruction(&Instruction::Unreachable).instruction(&Instruction::End);
    code.function(&body);
    let mut module = Module::new();
    module.section(&all.types).section(&all.imports).section(&functions).section(&memories);
    module.section(&exports).section(&code);
    module.finish()
}

fn values(types: &[WasmType]) -> Vec<ValType> {
    let value = |ty: &WasmType| match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => ValType::I32,
        WasmType::I64 | WasmType::PointerOrI64 => ValType::I64,
        WasmType::F32 => ValType::F32,
        WasmType::F64 => ValType::F64,
    };
    types.iter().map(value).collect()
}
