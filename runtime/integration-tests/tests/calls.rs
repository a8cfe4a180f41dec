//! A transaction that was prepared for the last runtime decodes and checks as it did, or `transaction_version` says no.

#![allow(clippy::expect_used, clippy::panic, reason = "tests")]

use codec::Decode;
use frame_metadata::{RuntimeMetadata, RuntimeMetadataPrefixed, v16::RuntimeMetadataV16};
use oda_runtime_integration_tests::{PREVIOUS, chain::Chain, current};
use polkadot_sdk::{sp_core::OpaqueMetadata, sp_version::RuntimeVersion};
use scale_info::{Field, PortableRegistry, TypeDef, form::PortableForm};
use std::collections::HashSet;

/// The version of the metadata's own format.
const FORMAT: u32 = 16;

/// What a runtime says of itself.
fn metadata(code: &[u8]) -> (RuntimeVersion, RuntimeMetadataV16) {
	let mut chain = Chain::start(code);
	let metadata: Option<OpaqueMetadata> = chain.call("Metadata_metadata_at_version", &FORMAT);
	let bytes: Vec<u8> = metadata.map(|metadata| metadata.to_vec()).expect("the runtime offers this format");
	let metadata = RuntimeMetadataPrefixed::decode(&mut &bytes[..]).expect("metadata");
	let RuntimeMetadata::V16(metadata) = metadata.1 else { panic!("another format than asked for") };
	(chain.version(), metadata)
}

/// Compares types of two registries.
struct Comparison<'a> {
	before: &'a PortableRegistry,
	after: &'a PortableRegistry,
	/// Those that are being compared, or were: types refer to themselves.
	seen: HashSet<(u32, u32)>,
	/// Where a value of before is not read as the same value.
	differences: Vec<String>,
}

impl Comparison<'_> {
	fn compare(&mut self, at: &str, before: u32, after: u32) {
		if !self.seen.insert((before, after)) {
			return;
		}
		let resolve = |registry: &PortableRegistry, id| registry.resolve(id).expect("it is listed").clone();
		let (before, after) = (resolve(self.before, before), resolve(self.after, after));
		let at = &format!("{at}: {}", before.path);
		match (before.type_def, after.type_def) {
			(TypeDef::Composite(before), TypeDef::Composite(after)) => {
				self.fields(at, &before.fields, &after.fields);
			}
			(TypeDef::Variant(before), TypeDef::Variant(after)) => {
				for old in before.variants {
					// More variants may have come; those that were there stay.
					match after.variants.iter().find(|new| new.index == old.index) {
						Some(new) if new.name == old.name => {
							self.fields(&format!("{at}::{}", old.name), &old.fields, &new.fields);
						}
						_ => self.differences.push(format!("{at}::{}", old.name)),
					}
				}
			}
			(TypeDef::Sequence(before), TypeDef::Sequence(after)) => {
				self.compare(at, before.type_param.id, after.type_param.id);
			}
			(TypeDef::Array(before), TypeDef::Array(after)) if before.len == after.len => {
				self.compare(at, before.type_param.id, after.type_param.id);
			}
			(TypeDef::Tuple(before), TypeDef::Tuple(after)) if before.fields.len() == after.fields.len() => {
				for (before, after) in before.fields.iter().zip(&after.fields) {
					self.compare(at, before.id, after.id);
				}
			}
			(TypeDef::Compact(before), TypeDef::Compact(after)) => {
				self.compare(at, before.type_param.id, after.type_param.id);
			}
			(before, after) if before == after => {}
			_ => self.differences.push(at.clone()),
		}
	}

	fn fields(&mut self, at: &str, before: &[Field<PortableForm>], after: &[Field<PortableForm>]) {
		if before.len() != after.len() {
			self.differences.push(at.to_owned());
			return;
		}
		for (old, new) in before.iter().zip(after) {
			if old.name != new.name {
				self.differences.push(format!("{at}.{}", old.name.as_deref().unwrap_or("0")));
			}
			self.compare(at, old.ty.id, new.ty.id);
		}
	}
}

/// Where a transaction of `before` is another one, or none, to `after`.
fn differences(before: &RuntimeMetadataV16, after: &RuntimeMetadataV16) -> Vec<String> {
	let mut comparison = Comparison {
		before: &before.types,
		after: &after.types,
		seen: HashSet::new(),
		differences: Vec::new(),
	};
	let (old, new) = (&before.extrinsic, &after.extrinsic);
	comparison.compare("address", old.address_ty.id, new.address_ty.id);
	comparison.compare("signature", old.signature_ty.id, new.signature_ty.id);
	comparison.compare("call", old.call_ty.id, new.call_ty.id);
	let identifiers = |metadata: &RuntimeMetadataV16| -> Vec<String> {
		let extensions = metadata.extrinsic.transaction_extensions.iter();
		extensions.map(|extension| extension.identifier.clone()).collect()
	};
	if identifiers(before) != identifiers(after) {
		comparison.differences.push("the list of extensions".to_owned());
	}
	for (old, new) in old.transaction_extensions.iter().zip(&new.transaction_extensions) {
		comparison.compare(&old.identifier, old.ty.id, new.ty.id);
		comparison.compare(&old.identifier, old.implicit.id, new.implicit.id);
	}
	comparison.differences
}

#[test]
fn transactions_should_be_encoded_as_before_unless_their_version_rises() {
	let ((old, before), (new, after)) = (metadata(PREVIOUS), metadata(current()));
	assert!(new.spec_version > old.spec_version, "the runtime in `previous/` is that of the last version");
	let differences = differences(&before, &after);
	if differences.is_empty() {
		assert_eq!(new.transaction_version, old.transaction_version, "nothing has changed");
	} else {
		assert!(new.transaction_version > old.transaction_version, "{differences:#?}");
	}
}

#[test]
fn a_call_that_is_gone_should_be_a_difference() {
	let (_, before) = metadata(PREVIOUS);
	let mut after = before.clone();
	for kind in &mut after.types.types {
		if let TypeDef::Variant(variants) = &mut kind.ty.type_def {
			variants.variants.retain(|variant| variant.name != "commit_challenge");
		}
	}
	let found = differences(&before, &after);
	assert_eq!(found.len(), 1, "{found:?}");
	assert!(found.iter().all(|at| at.ends_with("commit_challenge")), "{found:?}");
	assert!(differences(&before, &before).is_empty());
}
