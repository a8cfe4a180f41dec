//! Stands in for the `wasm-opt` crate: copies the blob, after a look whether the real passes would have changed what it
//! does.
//!
//! Only what `substrate-wasm-builder` calls is here. The README says why that is enough.

use std::{fs, io, path::Path};

/// The one feature beyond WebAssembly 1.0 as first written that `wasm32v1-none` has, and the executor allows.
const ALLOWED: &[u8] = b"mutable-globals";

/// The passes that the wasm builder asks for; neither would find anything in what is let through.
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

	/// Copies `input` to `output`, unless it is a blob that the passes would have had to change. The builder also calls
	/// this with both the same.
	pub fn run(&self, input: impl AsRef<Path>, output: impl AsRef<Path>) -> io::Result<()> {
		// Reading all of it first: `fs::copy` onto itself would truncate the blob.
		let blob = fs::read(input)?;
		check(&blob).map_err(|why| {
			io::Error::new(
				io::ErrorKind::InvalidData,
				format!("patches/wasm-opt only copies, and this blob needs the real wasm-opt: {why}"),
			)
		})?;
		fs::write(output, blob)
	}
}

/// Whether a blob needs none of the passes.
fn check(blob: &[u8]) -> Result<(), String> {
	let sections = custom_sections(blob).ok_or("it is no WebAssembly")?;
	if let Some((name, _)) = sections.iter().find(|(name, _)| name.starts_with(b".debug_")) {
		return Err(format!("it has a section {}", String::from_utf8_lossy(name)));
	}
	let (_, list) = sections
		.iter()
		.find(|(name, _)| *name == b"target_features")
		.ok_or("it does not say which features of WebAssembly it uses")?;
	for feature in features(list).ok_or("its list of features cannot be read")? {
		if feature != ALLOWED {
			let feature = String::from_utf8_lossy(feature);
			return Err(format!("it was compiled with {feature}, so for another target than wasm32v1-none"));
		}
	}
	Ok(())
}

/// Names and contents of a module's custom sections; none if it is no module.
fn custom_sections(blob: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
	let mut rest = blob.strip_prefix(b"\0asm\x01\0\0\0")?;
	let mut found = Vec::new();
	while !rest.is_empty() {
		let id = take(&mut rest, 1)?[0];
		let len = number(&mut rest)?;
		let mut section = take(&mut rest, len)?;
		if id == 0 {
			let len = number(&mut section)?;
			let name = take(&mut section, len)?;
			found.push((name, section));
		}
	}
	Some(found)
}

/// The features that the section `target_features` says are used: each is marked by a byte, `-` if not.
fn features(mut list: &[u8]) -> Option<Vec<&[u8]>> {
	let mut used = Vec::new();
	for _ in 0..number(&mut list)? {
		let mark = take(&mut list, 1)?[0];
		let len = number(&mut list)?;
		let name = take(&mut list, len)?;
		if mark != b'-' {
			used.push(name);
		}
	}
	list.is_empty().then_some(used)
}

/// Takes so many bytes off the front.
fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
	let (front, rest) = bytes.split_at_checked(len)?;
	*bytes = rest;
	Some(front)
}

/// Takes a number of at most 32 bits, LEB128, off the front.
fn number(bytes: &mut &[u8]) -> Option<usize> {
	let mut number = 0_u64;
	for shift in (0..35).step_by(7) {
		let byte = take(bytes, 1)?[0];
		number |= u64::from(byte & 0x7f) << shift;
		if byte < 0x80 {
			return usize::try_from(number).ok();
		}
	}
	None
}

#[cfg(test)]
mod tests {
	use super::*;

	/// A module of these custom sections, behind one of another kind.
	fn module(sections: &[(&str, &[u8])]) -> Vec<u8> {
		let mut blob = b"\0asm\x01\0\0\0\x01\x01\x00".to_vec();
		for (name, contents) in sections {
			let len = u8::try_from(1 + name.len() + contents.len()).unwrap();
			assert!(len < 0x80);
			blob.extend([0, len, u8::try_from(name.len()).unwrap()]);
			blob.extend(name.as_bytes());
			blob.extend(*contents);
		}
		blob
	}

	const PLAIN: (&str, &[u8]) = ("target_features", b"\x01+\x0fmutable-globals");

	#[test]
	fn a_blob_for_wasm32v1_none_is_copied_as_it_is_also_onto_itself() {
		let blob = module(&[("name", b"\x00"), PLAIN]);
		let folder = std::env::temp_dir().join(format!("wasm-opt-{}", std::process::id()));
		fs::create_dir_all(&folder).unwrap();
		let (input, output) = (folder.join("in.wasm"), folder.join("out.wasm"));
		fs::write(&input, &blob).unwrap();
		OptimizationOptions::new_opt_level_0().run(&input, &output).unwrap();
		OptimizationOptions::new_opt_level_0().run(&input, &input).unwrap();
		assert_eq!(fs::read(&input).unwrap(), blob);
		assert_eq!(fs::read(&output).unwrap(), blob);
		fs::remove_dir_all(folder).unwrap();
	}

	#[test]
	fn a_blob_that_the_passes_would_change_is_refused() {
		let signext: (&str, &[u8]) = ("target_features", b"\x02+\x0fmutable-globals+\x08sign-ext");
		let why = |sections: &[_]| check(&module(sections)).unwrap_err();
		assert!(why(&[signext]).contains("sign-ext"));
		assert!(why(&[PLAIN, (".debug_info", b"")]).contains(".debug_info"));
		assert!(why(&[]).contains("which features"));
	}

	#[test]
	fn a_feature_that_is_said_not_to_be_used_is_no_obstacle() {
		assert_eq!(check(&module(&[("target_features", b"\x01-\x08sign-ext")])), Ok(()));
	}

	#[test]
	fn what_is_cut_short_is_refused() {
		let blob = module(&[PLAIN]);
		for len in 0..blob.len() {
			assert!(check(&blob[..len]).is_err(), "{len}");
		}
	}
}
