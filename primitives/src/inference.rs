//! What users and providers of inference sign.
//!
//! A user holds a deposit for a provider in a *channel*, or puts a price in escrow for a *one-shot request*. Off chain,
//! each [`Receipt`] says what the provider answered, each [`Voucher`] how much the user has promised in all. Each is
//! signed over [`Voucher::message`] and its like: the string that fixes what it says and its version, the hash of block 0,
//! and the fields in SCALE. `primitives/vectors/inference.json` holds examples for other implementations.
//!
//! ```
//! use oda_primitives::inference::{Voucher, request_hash};
//!
//! let voucher = Voucher { channel: 7, version: 0, amount: 1_000, nonce: 1 };
//! let (genesis, other) = ([1; 32], [2; 32]);
//! assert_ne!(voucher.message(&genesis), voucher.message(&other), "no voucher is good on another chain");
//! assert_ne!(request_hash(&[0; 32], &[1; 32], 1), request_hash(&[0; 32], &[1; 32], 2));
//! ```

// The derive of `Encode` casts the pinned index of a variant with fields from `usize` to `u8`.
#![allow(clippy::cast_possible_truncation)]

use crate::{BlobRef, ModelId, Tick, VersionId, hash::tagged};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Channels are numbered in the order in which they were opened; never reused.
pub type ChannelId = u64;

/// One-shot requests are numbered in the order in which they were made; never reused.
pub type RequestId = u64;

/// What an inference is paid from.
#[derive(
	Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Payment {
	/// The deposit of a channel.
	#[codec(index = 0)]
	Channel(ChannelId),
	/// The escrow of a one-shot request.
	#[codec(index = 1)]
	OneShot(RequestId),
}

/// A user's promise: of a channel's deposit, so much in all is the provider's.
#[derive(
	Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Voucher {
	/// The channel.
	pub channel: ChannelId,
	/// The version of the model whose trainer earns what this voucher adds.
	pub version: VersionId,
	/// Everything promised since the channel was opened, in planck. It never falls.
	#[cfg_attr(feature = "serde", serde(with = "crate::decimal"))]
	pub amount: u128,
	/// The nonce of the last request that it pays for. It never falls.
	pub nonce: u64,
}

/// What user and provider sign to close a channel at once.
#[derive(
	Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Closing {
	/// The channel.
	pub channel: ChannelId,
	/// The version of the model whose trainer earns what was not claimed yet.
	pub version: VersionId,
	/// Everything that is the provider's since the channel was opened, in planck; the rest goes back to the user.
	#[cfg_attr(feature = "serde", serde(with = "crate::decimal"))]
	pub amount: u128,
	/// The first tick at which the closing is worth nothing: what was agreed long ago closes nothing.
	pub expires: Tick,
}

/// What a provider signs of an answer, with which it can be taken to court.
#[derive(
	Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Receipt {
	/// What it is paid from. The chain knows user, provider and model of it.
	pub payment: Payment,
	/// The [`request_hash`].
	#[cfg_attr(feature = "serde", serde(with = "crate::hexadecimal"))]
	pub request: [u8; 32],
	/// The root of the weights that answered.
	#[cfg_attr(feature = "serde", serde(with = "crate::hexadecimal"))]
	pub weights: [u8; 32],
	/// The root of the inputs' bytes, one after the other.
	#[cfg_attr(feature = "serde", serde(with = "crate::hexadecimal"))]
	pub input: [u8; 32],
	/// The root of the outputs' bytes, one after the other; of a graph with several outputs, those of an input together.
	#[cfg_attr(feature = "serde", serde(with = "crate::hexadecimal"))]
	pub output: [u8; 32],
	/// The number of inputs, at least one.
	pub count: u32,
	/// What it cost, in planck.
	#[cfg_attr(feature = "serde", serde(with = "crate::decimal"))]
	pub price: u128,
	/// The number of the request within its channel, from 1; 0 for a one-shot request.
	pub nonce: u64,
	/// The first tick at which it is no evidence any more.
	pub expires: Tick,
}

impl Voucher {
	/// What the user's voucher key signs: the bytes of `oda/voucher/1`, then SCALE(genesis, voucher).
	pub fn message(&self, genesis: &[u8; 32]) -> Vec<u8> {
		(*b"oda/voucher/1", genesis, self).encode()
	}
}

impl Closing {
	/// What the user's voucher key and the provider sign: the bytes of `oda/closing/1`, then SCALE(genesis, closing).
	pub fn message(&self, genesis: &[u8; 32]) -> Vec<u8> {
		(*b"oda/closing/1", genesis, self).encode()
	}
}

impl Receipt {
	/// What the provider signs: the bytes of `oda/receipt/1`, then SCALE(genesis, receipt).
	pub fn message(&self, genesis: &[u8; 32]) -> Vec<u8> {
		(*b"oda/receipt/1", genesis, self).encode()
	}

	/// The receipt's name, by which a provider is punished once for it: domain `oda/receipt/1`.
	pub fn id(&self, genesis: &[u8; 32]) -> [u8; 32] {
		tagged("oda/receipt/1", (genesis, self))
	}

	/// The blob of all inputs, of which one has this many bytes; `None` beyond what a length can be.
	pub fn inputs(&self, each: u64) -> Option<BlobRef> {
		Some(BlobRef { root: self.input, len: each.checked_mul(self.count.into())? })
	}

	/// The blob of all outputs, of which one input's have this many bytes; `None` beyond what a length can be.
	pub fn outputs(&self, each: u64) -> Option<BlobRef> {
		Some(BlobRef { root: self.output, len: each.checked_mul(self.count.into())? })
	}
}

/// What is asked: domain `oda/request/1`.
///
/// `input` is the root of the inputs' bytes, one after the other, `count` their number.
pub fn request_hash(model: &ModelId, input: &[u8; 32], count: u32) -> [u8; 32] {
	tagged("oda/request/1", (model, input, count))
}

/// What inference costs, in planck.
#[derive(
	Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Price {
	/// The part that every request has, however many inputs it brings.
	#[cfg_attr(feature = "serde", serde(with = "crate::decimal"))]
	pub per_request: u128,
	/// The part for a million multiply-accumulates.
	#[cfg_attr(feature = "serde", serde(with = "crate::decimal"))]
	pub per_mmac: u128,
}

impl Price {
	/// What a request of `count` inputs costs, each of which takes `macs` multiply-accumulates: the last million of them is
	/// rounded up. The most that an amount can be, where it would be more.
	pub fn of(&self, macs: u64, count: u32) -> u128 {
		let work = u128::from(macs).saturating_mul(count.into());
		self.per_request.saturating_add(self.per_mmac.saturating_mul(work).div_ceil(1_000_000))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use alloc::format;

	const RECEIPT: Receipt = Receipt {
		payment: Payment::Channel(0x0102),
		request: [1; 32],
		weights: [2; 32],
		input: [3; 32],
		output: [4; 32],
		count: 5,
		price: 6,
		nonce: 7,
		expires: 8,
	};

	fn bytes(domain: &[u8], fields: &[&[u8]]) -> Vec<u8> {
		[domain, &[9; 32], &fields.concat()].concat()
	}

	#[test]
	fn the_bytes_of_a_voucher_are_pinned() {
		let voucher = Voucher { channel: 0x0102, version: 3, amount: 4, nonce: 5 };
		let fields: [&[u8]; 4] =
			[&258u64.to_le_bytes(), &[3, 0, 0, 0], &4u128.to_le_bytes(), &5u64.to_le_bytes()];
		assert_eq!(voucher.message(&[9; 32]), bytes(b"oda/voucher/1", &fields));
	}

	#[test]
	fn the_bytes_of_a_closing_are_pinned() {
		let closing = Closing { channel: 0x0102, version: 3, amount: 4, expires: 5 };
		let fields: [&[u8]; 4] =
			[&258u64.to_le_bytes(), &[3, 0, 0, 0], &4u128.to_le_bytes(), &5u64.to_le_bytes()];
		assert_eq!(closing.message(&[9; 32]), bytes(b"oda/closing/1", &fields));
	}

	#[test]
	fn the_bytes_of_a_receipt_are_pinned() {
		let fields: [&[u8]; 10] = [
			&[0],
			&258u64.to_le_bytes(),
			&[1; 32],
			&[2; 32],
			&[3; 32],
			&[4; 32],
			&[5, 0, 0, 0],
			&6u128.to_le_bytes(),
			&7u64.to_le_bytes(),
			&8u64.to_le_bytes(),
		];
		assert_eq!(RECEIPT.message(&[9; 32]), bytes(b"oda/receipt/1", &fields));
		assert_eq!(RECEIPT.id(&[9; 32]), sp_crypto_hashing::blake2_256(&RECEIPT.message(&[9; 32])));
	}

	#[test]
	fn a_price_rounds_the_last_million_up_and_never_overflows() {
		let price = Price { per_request: 10, per_mmac: 3 };
		assert_eq!(price.of(0, 5), 10);
		assert_eq!(price.of(1, 1), 11);
		assert_eq!(price.of(500_000, 4), 16);
		let dear = Price { per_request: u128::MAX, per_mmac: u128::MAX };
		assert_eq!(dear.of(u64::MAX, u32::MAX), u128::MAX);
	}

	#[test]
	fn the_blobs_of_a_receipt_have_the_length_of_all_its_inputs() {
		assert_eq!(RECEIPT.inputs(10), Some(BlobRef { root: [3; 32], len: 50 }));
		assert_eq!(RECEIPT.outputs(1), Some(BlobRef { root: [4; 32], len: 5 }));
		assert_eq!(RECEIPT.inputs(u64::MAX), None);
	}

	#[cfg(feature = "serde")]
	#[test]
	fn an_amount_is_a_string_of_digits_and_nothing_else() {
		let voucher = Voucher { channel: 1, version: 0, amount: u128::MAX, nonce: 2 };
		let text = serde_json::to_string(&voucher).unwrap();
		assert!(text.contains(r#""amount":"340282366920938463463374607431768211455""#), "{text}");
		assert_eq!(serde_json::from_str::<Voucher>(&text).unwrap(), voucher);
		for amount in [r#""""#, r#""01""#, r#""+1""#, r#""-1""#, r#""1.0""#, "1", r#""0x1""#] {
			let text = format!(r#"{{"channel":1,"version":0,"amount":{amount},"nonce":2}}"#);
			assert!(serde_json::from_str::<Voucher>(&text).is_err(), "{text}");
		}
	}
}
