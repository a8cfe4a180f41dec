//! Stands in for the `wasm-opt` crate while developing: copies the blob and optimises nothing.
//!
//! Only what `substrate-wasm-builder` calls is here. See the README for when this is safe.

use std::{fs, io, path::Path};

/// The passes that the wasm builder asks for; none of them is run.
pub enum Pass {
	/// Would remove DWARF sections.
	StripDwarf,
	/// Would rewrite sign-extension instructions, which `wasm32v1-none` never emits.
	SignextLowering,
}

/// Accepts the options of the real crate and ignores them.
pub struct OptimizationOptions;

#[allow(missing_docs)] // The signatures are those of the real crate.
impl OptimizationOptions {
	pub fn new_opt_level_0() -> Self {
		Self
	}

	pub fn mvp_features_only(&mut self) -> &mut Self {
		self
	}

	pub fn debug_info(&mut self, _keep: bool) -> &mut Self {
		self
	}

	pub fn add_pass(&mut self, _pass: Pass) -> &mut Self {
		self
	}

	/// Copies `input` to `output`. The builder also calls this with both the same.
	pub fn run(&self, input: impl AsRef<Path>, output: impl AsRef<Path>) -> io::Result<()> {
		// Reading all of it first: `fs::copy` onto itself would truncate the blob.
		let blob = fs::read(input)?;
		fs::write(output, blob)
	}
}
