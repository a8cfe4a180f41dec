//! Compiles this crate to the wasm blob that the node embeds.

#[cfg(all(feature = "std", not(feature = "metadata-hash")))]
fn main() {
	substrate_wasm_builder::WasmBuilder::build_using_defaults();
}

// Symbol and decimals are part of the hash that hardware wallets show.
#[cfg(all(feature = "std", feature = "metadata-hash"))]
fn main() {
	substrate_wasm_builder::WasmBuilder::init_with_defaults().enable_metadata_hash("ODA", 12).build();
}

// The wasm build itself has nothing to build.
#[cfg(not(feature = "std"))]
fn main() {}
