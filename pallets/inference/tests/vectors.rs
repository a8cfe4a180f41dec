//! The committed examples of what users and providers of inference sign are what the chain takes.
//!
//! `examples/messages.rs` prints them; here they are read as another implementation would read them.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use oda_primitives::{BlobRef, Closing, Receipt, Voucher, inference::request_hash};
use polkadot_sdk::{
	sp_core::{Pair, ed25519, sr25519},
	sp_runtime::{AccountId32, MultiSignature, traits::Verify},
};
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::Path};

/// The keys by their names, and the cases.
fn vectors() -> (BTreeMap<String, Value>, Vec<Value>) {
	let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../primitives/vectors/inference.json");
	let text = fs::read_to_string(path).expect("the examples are there");
	let file: Value = serde_json::from_str(&text).expect("they are JSON");
	let list = |key: &str| file[key].as_array().expect("a list").clone();
	let keys = list("keys").into_iter().map(|key| (text_of(&key["name"]).to_owned(), key)).collect();
	(keys, list("cases"))
}

fn text_of(value: &Value) -> &str {
	value.as_str().expect("text")
}

fn bytes(value: &Value) -> Vec<u8> {
	let digits = text_of(value).strip_prefix("0x").expect("digits come after 0x");
	hex::decode(digits).expect("hexadecimal digits")
}

fn array<const LEN: usize>(value: &Value) -> [u8; LEN] {
	bytes(value).try_into().expect("as many bytes as there should be")
}

fn receipt(case: &Value) -> Receipt {
	serde_json::from_value(case["fields"].clone()).expect("the fields of a receipt")
}

/// What is signed of a case, by its fields; nothing of a request.
fn message(case: &Value) -> Option<Vec<u8>> {
	let (fields, genesis) = (case["fields"].clone(), || array::<32>(&case["genesis"]));
	match text_of(&case["kind"]) {
		"voucher" => {
			let voucher: Voucher = serde_json::from_value(fields).expect("the fields of a voucher");
			Some(voucher.message(&genesis()))
		}
		"closing" => {
			let closing: Closing = serde_json::from_value(fields).expect("the fields of a closing");
			Some(closing.message(&genesis()))
		}
		"receipt" => Some(receipt(case).message(&genesis())),
		"request" => None,
		other => panic!("an example of something unknown: {other}"),
	}
}

/// Runs `check` on each signature: its case, its message, its key, and itself.
fn for_each_signature(check: impl Fn(&Value, &[u8], &Value, &Value)) {
	let (keys, cases) = vectors();
	let mut checked = 0usize;
	for case in &cases {
		let Some(message) = message(case) else { continue };
		for signature in case["signatures"].as_array().expect("a list") {
			check(case, &message, &keys[text_of(&signature["by"])], signature);
			checked = checked.saturating_add(1);
		}
	}
	assert!(checked > 0, "nothing is signed");
}

#[test]
fn every_kind_is_there_and_signed_by_whom_it_has_to_be() {
	let mut signers: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
	for case in vectors().1 {
		let signatures = case["signatures"].as_array().cloned().unwrap_or_default();
		let by = signatures.iter().map(|signature| text_of(&signature["by"]).to_owned()).collect();
		signers.entry(text_of(&case["kind"]).to_owned()).or_default().push(by);
	}
	let expected: [(&str, &[&str]); 4] = [
		("closing", &["user", "provider"]),
		("receipt", &["provider"]),
		("request", &[]),
		("voucher", &["user"]),
	];
	assert!(signers.keys().eq(expected.iter().map(|(kind, _)| kind)), "{:?}", signers.keys());
	for (kind, by) in expected {
		assert!(signers[kind].iter().all(|signed| signed == by), "{kind}: {:?}", signers[kind]);
	}
}

#[test]
fn every_message_has_the_bytes_of_its_fields() {
	for case in vectors().1 {
		if let Some(message) = message(&case) {
			assert_eq!(message, bytes(&case["message"]), "{case}");
		}
	}
}

#[test]
fn every_receipt_has_its_name_and_is_about_its_blobs() {
	for case in vectors().1.iter().filter(|case| case["kind"] == "receipt") {
		let receipt = receipt(case);
		let root = |blob: &str| BlobRef::of(&bytes(&case["blobs"][blob])).root;
		assert_eq!(receipt.id(&array(&case["genesis"])), array::<32>(&case["id"]), "{case}");
		assert_eq!(
			[receipt.weights, receipt.input, receipt.output],
			[root("weights"), root("input"), root("output")],
			"{case}"
		);
		let request = request_hash(&array(&case["model"]), &receipt.input, receipt.count);
		assert_eq!(receipt.request, request, "{case}");
	}
}

#[test]
fn every_request_has_its_hash() {
	for case in vectors().1.iter().filter(|case| case["kind"] == "request") {
		let input: [u8; 32] = array(&case["input"]);
		assert_eq!(input, BlobRef::of(&bytes(&case["blob"])).root, "{case}");
		let count = case["count"].as_u64().and_then(|count| u32::try_from(count).ok()).expect("a number");
		let hash = request_hash(&array(&case["model"]), &input, count);
		assert_eq!(hash, array::<32>(&case["hash"]), "{case}");
	}
}

#[test]
fn every_key_is_made_of_its_seed() {
	for key in vectors().0.values() {
		let seed: [u8; 32] = array(&key["seed"]);
		assert_eq!(ed25519::Pair::from_seed(&seed).public().0, array::<32>(&key["ed25519"]), "{key}");
		assert_eq!(sr25519::Pair::from_seed(&seed).public().0, array::<32>(&key["sr25519"]), "{key}");
	}
}

#[test]
fn every_ed25519_signature_is_the_one_that_its_key_makes() {
	for_each_signature(|case, message, key, signature| {
		let pair = ed25519::Pair::from_seed(&array(&key["seed"]));
		assert_eq!(pair.sign(message).0, array::<64>(&signature["ed25519"]), "{case}");
	});
}

#[test]
fn the_chain_takes_every_signature_and_none_over_another_message() {
	for_each_signature(|case, message, key, signature| {
		let signatures = [
			("ed25519", MultiSignature::Ed25519(ed25519::Signature::from_raw(array(&signature["ed25519"])))),
			("sr25519", MultiSignature::Sr25519(sr25519::Signature::from_raw(array(&signature["sr25519"])))),
		];
		for (kind, signature) in signatures {
			let account = AccountId32::new(array(&key[kind]));
			assert!(signature.verify(message, &account), "{kind}: {case}");
			let mut other = message.to_vec();
			other.push(0);
			assert!(!signature.verify(&other[..], &account), "{kind}: {case}");
		}
	});
}
