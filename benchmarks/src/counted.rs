//! The runtime's own wasm with its instructions counted, which the executor of a node does not do.
//!
//! The compiler, the allocator and the host functions are those of a node. A count depends on the wasm and on what it
//! is asked, and on no processor.

use anyhow::{Context as _, Result, anyhow};
use polkadot_sdk::{
	sc_allocator::{self, FreeingBumpHeapAllocator},
	sc_executor_common::runtime_blob::RuntimeBlob,
	sp_io::{SubstrateHostFunctions, TestExternalities},
	sp_wasm_interface::{
		self, FunctionContext, HostFunctionRegistry, HostFunctions, Pointer, WordSize,
		wasmtime::{
			Caller, Config, Engine, Instance, InstancePre, IntoFunc, Linker, Memory, Module, Store,
			StoreContext, StoreContextMut,
		},
	},
};
use std::collections::BTreeSet;

/// The runtime, compiled so that it counts.
pub(crate) struct Counted {
	engine: Engine,
	instance: InstancePre<State>,
}

/// What host functions need of the instance that calls them.
#[derive(Default)]
struct State {
	memory: Option<Memory>,
	allocator: Option<FreeingBumpHeapAllocator>,
	/// Why the runtime gave up, if it said so.
	panic: Option<String>,
}

impl Counted {
	/// Compiles a runtime.
	pub(crate) fn new(wasm: &[u8]) -> Result<Self> {
		let mut config = Config::new();
		config.consume_fuel(true);
		let engine = Engine::new(&config)?;
		let mut blob = RuntimeBlob::uncompress_if_needed(wasm)?;
		blob.convert_memory_import_into_export()?;
		blob.clear_memory_max_limit()?;
		let module = Module::new(&engine, blob.serialize())?;
		let mut linker = Linker::new(&engine);
		let wanted = module.imports().map(|import| import.name().to_owned()).collect();
		SubstrateHostFunctions::register_static(&mut Imports { linker: &mut linker, wanted })?;
		let instance = linker.instantiate_pre(&module)?;
		Ok(Self { engine, instance })
	}

	/// Calls the runtime. What it answers, and how many instructions that took.
	pub(crate) fn call(
		&self,
		state: &mut TestExternalities,
		method: &str,
		input: &[u8],
	) -> Result<(Vec<u8>, u64)> {
		let mut store = Store::new(&self.engine, State::default());
		store.set_fuel(u64::MAX)?;
		let instance = self.instance.instantiate(&mut store)?;
		let memory = instance.get_memory(&mut store, "memory").context("a runtime exports its memory")?;
		let heap = heap_base(&instance, &mut store).context("a runtime exports where its heap begins")?;
		*store.data_mut() =
			State { memory: Some(memory), allocator: Some(FreeingBumpHeapAllocator::new(heap)), panic: None };
		let len = u32::try_from(input.len())?;
		let at = Host(StoreContextMut::from(&mut store))
			.allocate_memory(len)
			.map_err(|error| anyhow!("{error}"))?;
		memory.write(&mut store, u32::from(at).try_into()?, input)?;
		let entry = instance.get_typed_func::<(u32, u32), u64>(&mut store, method)?;
		let before = store.get_fuel()?;
		let answer = state.execute_with(|| entry.call(&mut store, (at.into(), len)));
		let answer = answer.map_err(|error| match store.data_mut().panic.take() {
			Some(message) => anyhow!("{message}"),
			None => error,
		})?;
		let instructions = before.saturating_sub(store.get_fuel()?);
		// The lower half is where it lies, the upper how long it is.
		let (at, len) = (answer & u64::from(u32::MAX), answer >> 32);
		let mut output = vec![0; usize::try_from(len)?];
		memory.read(&store, usize::try_from(at)?, &mut output)?;
		Ok((output, instructions))
	}
}

/// Where the heap of a runtime begins.
fn heap_base(instance: &Instance, store: &mut Store<State>) -> Option<u32> {
	let global = instance.get_global(&mut *store, "__heap_base")?;
	global.get(store).i32().map(i32::cast_unsigned)
}

/// The host functions that the runtime imports.
struct Imports<'a> {
	linker: &'a mut Linker<State>,
	wanted: BTreeSet<String>,
}

impl<'a> HostFunctionRegistry for Imports<'a> {
	type Error = anyhow::Error;
	type FunctionContext = Host<'a>;
	type State = State;

	fn with_function_context<R>(
		mut caller: Caller<State>,
		callback: impl FnOnce(&mut dyn FunctionContext) -> R,
	) -> R {
		callback(&mut Host(StoreContextMut::from(&mut caller)))
	}

	fn register_static<Params, Results>(
		&mut self,
		name: &str,
		function: impl IntoFunc<State, Params, Results> + 'static,
	) -> Result<()> {
		if self.wanted.contains(name) {
			self.linker.func_wrap("env", name, function)?;
		}
		Ok(())
	}
}

/// An instance, as host functions see it.
struct Host<'a>(StoreContextMut<'a, State>);

impl Host<'_> {
	fn memory(&self) -> sp_wasm_interface::Result<Memory> {
		self.0.data().memory.ok_or_else(|| "no memory".into())
	}

	/// Lets the allocator do something to the memory.
	fn with_allocator<R>(
		&mut self,
		what: impl FnOnce(&mut FreeingBumpHeapAllocator, &mut Heap<'_, '_>) -> Result<R, sc_allocator::Error>,
	) -> sp_wasm_interface::Result<R> {
		let memory = self.memory()?;
		let mut allocator = self.0.data_mut().allocator.take().ok_or("no allocator")?;
		let done = what(&mut allocator, &mut Heap(memory, &mut self.0));
		self.0.data_mut().allocator = Some(allocator);
		done.map_err(|error| error.to_string())
	}
}

impl FunctionContext for Host<'_> {
	fn read_memory_into(&mut self, address: Pointer<u8>, dest: &mut [u8]) -> sp_wasm_interface::Result<()> {
		let at = usize::try_from(u32::from(address)).map_err(|error| error.to_string())?;
		self.memory()?.read(&self.0, at, dest).map_err(|error| error.to_string())
	}

	fn write_memory(&mut self, address: Pointer<u8>, data: &[u8]) -> sp_wasm_interface::Result<()> {
		let at = usize::try_from(u32::from(address)).map_err(|error| error.to_string())?;
		self.memory()?.write(&mut self.0, at, data).map_err(|error| error.to_string())
	}

	fn allocate_memory(&mut self, size: WordSize) -> sp_wasm_interface::Result<Pointer<u8>> {
		self.with_allocator(|allocator, heap| allocator.allocate(heap, size))
	}

	fn deallocate_memory(&mut self, ptr: Pointer<u8>) -> sp_wasm_interface::Result<()> {
		self.with_allocator(|allocator, heap| allocator.deallocate(heap, ptr))
	}

	fn register_panic_error_message(&mut self, message: &str) {
		self.0.data_mut().panic = Some(message.to_owned());
	}
}

/// The memory of an instance, as the allocator sees it.
struct Heap<'a, 'b>(Memory, &'a mut StoreContextMut<'b, State>);

impl sc_allocator::Memory for Heap<'_, '_> {
	fn with_access_mut<R>(&mut self, run: impl FnOnce(&mut [u8]) -> R) -> R {
		run(self.0.data_mut(&mut *self.1))
	}

	fn with_access<R>(&self, run: impl FnOnce(&[u8]) -> R) -> R {
		run(self.0.data(StoreContext::from(&*self.1)))
	}

	fn grow(&mut self, additional: u32) -> Result<(), ()> {
		self.0.grow(&mut *self.1, additional.into()).map(drop).map_err(drop)
	}

	fn pages(&self) -> u32 {
		u32::try_from(self.0.size(StoreContext::from(&*self.1))).unwrap_or(u32::MAX)
	}

	fn max_pages(&self) -> Option<u32> {
		None
	}
}
