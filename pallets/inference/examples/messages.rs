//! Prints examples of what users and providers of inference sign, for other implementations.
//!
//! ```text
//! cargo run --locked -p pallet-inference --example messages > primitives/vectors/inference.json
//! ```
//!
//! Signatures by sr25519 are random: each run prints others, and all of them are good. Everything else stays what it is;
//! `tests/vectors.rs` holds the committed file against the types that the chain reads.

#![allow(clippy::expect_used, reason = "a tool that fails loudly")]

use oda_primitives::{BlobRef, Closing, Payment, Receipt, Voucher, inference::request_hash};
use polkadot_sdk::sp_core::{Pair, ed25519, sr25519};
use serde_json::{Value, json};

const ABOUT: &str = "what users and providers of inference sign. `fields` are as the chain's types write them in JSON, amounts as \
	strings of digits; `message` is what is signed, as it is. A key is made of `seed`, for sr25519 a mini secret that is \
	expanded as ed25519's; sr25519 signs in the context `substrate`. A receipt's `id` is the blake2_256 of its message, \
	and its `blobs` are what its roots are of.";

/// The largest number that JavaScript reads as it is written.
const LARGEST: u64 = 9_007_199_254_740_991;

/// The hashes of block 0 of two chains.
const GENESIS: [u8; 32] = [0x11; 32];
const OTHER: [u8; 32] = [0x22; 32];

/// Who signs, with keys that everybody knows.
struct Signer {
	name: &'static str,
	seed: [u8; 32],
}

const USER: Signer = Signer { name: "user", seed: [1; 32] };
const PROVIDER: Signer = Signer { name: "provider", seed: [2; 32] };

impl Signer {
	fn ed25519(&self) -> ed25519::Pair {
		ed25519::Pair::from_seed(&self.seed)
	}

	fn sr25519(&self) -> sr25519::Pair {
		sr25519::Pair::from_seed(&self.seed)
	}

	fn key(&self) -> Value {
		json!({
			"name": self.name,
			"seed": digits(self.seed),
			"ed25519": digits(self.ed25519().public().0),
			"sr25519": digits(self.sr25519().public().0),
		})
	}

	fn signature(&self, message: &[u8]) -> Value {
		json!({
			"by": self.name,
			"ed25519": digits(self.ed25519().sign(message).0),
			"sr25519": digits(self.sr25519().sign(message).0),
		})
	}
}

/// Bytes as people write them.
fn digits(bytes: impl AsRef<[u8]>) -> String {
	format!("0x{}", hex::encode(bytes))
}

/// What is signed, by whom.
fn signed(
	kind: &str,
	name: &str,
	genesis: [u8; 32],
	fields: Value,
	message: &[u8],
	signers: &[&Signer],
) -> Value {
	let signatures: Vec<Value> = signers.iter().map(|signer| signer.signature(message)).collect();
	json!({
		"kind": kind,
		"name": name,
		"genesis": digits(genesis),
		"fields": fields,
		"message": digits(message),
		"signatures": signatures,
	})
}

fn voucher(name: &str, genesis: [u8; 32], voucher: Voucher) -> Value {
	signed("voucher", name, genesis, json!(voucher), &voucher.message(&genesis), &[&USER])
}

fn closing(name: &str, genesis: [u8; 32], closing: Closing) -> Value {
	signed("closing", name, genesis, json!(closing), &closing.message(&genesis), &[&USER, &PROVIDER])
}

/// A receipt over blobs that are given with it.
fn receipt(name: &str, genesis: [u8; 32], receipt: Receipt, [weights, input, output]: [&[u8]; 3]) -> Value {
	let root = |bytes: &[u8]| BlobRef::of(bytes).root;
	let (weights_root, input_root, output_root) = (root(weights), root(input), root(output));
	let request = request_hash(&MODEL, &input_root, receipt.count);
	let receipt =
		Receipt { request, weights: weights_root, input: input_root, output: output_root, ..receipt };
	let message = receipt.message(&genesis);
	let mut case = signed("receipt", name, genesis, json!(receipt), &message, &[&PROVIDER]);
	let more = case.as_object_mut().expect("it has keys");
	more.insert("id".to_owned(), json!(digits(receipt.id(&genesis))));
	more.insert("model".to_owned(), json!(digits(MODEL)));
	let blobs = json!({ "weights": digits(weights), "input": digits(input), "output": digits(output) });
	more.insert("blobs".to_owned(), blobs);
	case
}

fn request(name: &str, model: [u8; 32], input: &[u8], count: u32) -> Value {
	let root = BlobRef::of(input).root;
	json!({
		"kind": "request",
		"name": name,
		"model": digits(model),
		"blob": digits(input),
		"input": digits(root),
		"count": count,
		"hash": digits(request_hash(&model, &root, count)),
	})
}

/// The id of some model.
const MODEL: [u8; 32] = [0x33; 32];

/// What it answers two inputs of four bytes with, two numbers of 32 bits for each.
const BLOBS: [&[u8]; 3] = [b"some weights", &[1, 2, 3, 4, 5, 6, 7, 8], &[9; 16]];

fn cases() -> Vec<Value> {
	let promise = Voucher { channel: 7, version: 2, amount: 1_500_000_000_000, nonce: 42 };
	let end = Closing { channel: 7, version: 2, amount: 1_500_000_000_000, expires: 123_456 };
	let answer = Receipt {
		payment: Payment::Channel(7),
		request: [0; 32],
		weights: [0; 32],
		input: [0; 32],
		output: [0; 32],
		count: 2,
		price: 2_500_000_000,
		nonce: 42,
		expires: 123_456,
	};
	vec![
		voucher("one like most", GENESIS, promise),
		voucher("the same on another chain", OTHER, promise),
		voucher(
			"the first of the first channel",
			GENESIS,
			Voucher { channel: 0, version: 0, amount: 1, nonce: 1 },
		),
		voucher(
			"large numbers",
			GENESIS,
			Voucher { channel: LARGEST, version: u32::MAX, amount: u128::MAX, nonce: LARGEST },
		),
		closing("one like most", GENESIS, end),
		closing("the same on another chain", OTHER, end),
		closing("nothing is the provider's", GENESIS, Closing { amount: 0, ..end }),
		closing(
			"large numbers",
			GENESIS,
			Closing { channel: LARGEST, version: u32::MAX, amount: u128::MAX, expires: LARGEST },
		),
		receipt("paid from a channel", GENESIS, answer, BLOBS),
		receipt("the same on another chain", OTHER, answer, BLOBS),
		receipt(
			"of a one-shot request",
			GENESIS,
			Receipt { payment: Payment::OneShot(7), nonce: 0, ..answer },
			BLOBS,
		),
		receipt(
			"large numbers",
			GENESIS,
			Receipt {
				payment: Payment::Channel(LARGEST),
				count: u32::MAX,
				price: u128::MAX,
				nonce: LARGEST,
				expires: LARGEST,
				..answer
			},
			BLOBS,
		),
		request("two inputs", MODEL, BLOBS[1], 2),
		request("the same bytes as one input", MODEL, BLOBS[1], 1),
		request("the same of another model", [0x44; 32], BLOBS[1], 2),
		request("of more than a chunk", MODEL, &[5; 1_500], 375),
	]
}

/// One on each line.
fn lines(values: &[Value]) -> String {
	values.iter().map(Value::to_string).collect::<Vec<_>>().join(",\n")
}

fn main() {
	let keys = [USER.key(), PROVIDER.key()];
	println!(
		"{{\"about\": {}, \"keys\": [\n{}\n], \"cases\": [\n{}\n]}}",
		json!(ABOUT),
		lines(&keys),
		lines(&cases())
	);
}
