//! The bodies of requests and answers.

use super::{SignedVoucher, account, base64, signed::Signature};
use oda_client::AccountId;
use oda_evaluator::graph::{DType, TensorType};
use oda_primitives::{
	ModelId, Tick, VersionId, decimal, hexadecimal,
	inference::{ChannelId, Price, Receipt},
};
use serde::{Deserialize, Serialize};

/// What a provider answers now.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Models {
	/// The hash of the chain's block 0.
	#[serde(with = "hexadecimal")]
	pub genesis: [u8; 32],
	/// The provider's account, with which channels are opened.
	#[serde(with = "account")]
	pub provider: AccountId,
	/// The key that signs receipts.
	#[serde(with = "account")]
	pub receipt_key: AccountId,
	/// The terms of channels that are opened now.
	pub terms: Terms,
	/// The models.
	pub models: Vec<ServedModel>,
}

/// The terms of an offer, in ticks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Terms {
	/// Time between a user's wish to close a channel and its end.
	pub grace: Tick,
	/// Time in which a one-shot request is answered.
	pub answer: Tick,
}

/// A model that a provider answers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ServedModel {
	/// The model.
	#[serde(with = "hexadecimal")]
	pub model: ModelId,
	/// The version that answers.
	pub version: VersionId,
	/// The root of its weights.
	#[serde(with = "hexadecimal")]
	pub weights: [u8; 32],
	/// Its score on the chain, the sum over all records.
	pub score: i64,
	/// What it costs.
	pub price: Price,
	/// Multiply-accumulates of one input.
	pub macs: u64,
	/// What one input consists of.
	pub inputs: Vec<Tensor>,
	/// What one output consists of.
	pub outputs: Vec<Tensor>,
	/// The model's card; `None` if it has none.
	#[serde(default)]
	pub card: Option<serde_json::Value>,
	/// How much can be asked at once.
	pub limits: Limits,
}

/// A tensor's type and size.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Tensor {
	/// The type of the elements.
	pub dtype: DType,
	/// The extent of each axis, outermost first.
	pub shape: Vec<u32>,
	/// Number of bytes.
	pub bytes: u64,
}

impl From<&TensorType> for Tensor {
	fn from(tensor: &TensorType) -> Self {
		Self { dtype: tensor.dtype, shape: tensor.shape.clone(), bytes: tensor.bytes() }
	}
}

/// How much can be asked at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Limits {
	/// Maximum number of inputs in one request.
	pub max_count: u32,
	/// Maximum number of bytes of a request's body.
	pub max_body: u64,
}

/// A question what a request would cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuoteRequest {
	/// The model.
	#[serde(with = "hexadecimal")]
	pub model: ModelId,
	/// The number of inputs.
	pub count: u32,
}

/// The most that a request costs in a channel that is opened now. One that is open keeps its price.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Quote {
	/// The model.
	#[serde(with = "hexadecimal")]
	pub model: ModelId,
	/// The version that would answer.
	pub version: VersionId,
	/// In planck.
	#[serde(with = "decimal")]
	pub price: u128,
}

/// A question to a model.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InferRequest {
	/// The model.
	#[serde(with = "hexadecimal")]
	pub model: ModelId,
	/// The inputs, at least one.
	pub inputs: Vec<Input>,
}

/// One input. All but a tensor are made into one as the model's card says.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
	/// A picture, a PNG file in base64.
	Png(#[serde(with = "base64")] Vec<u8>),
	/// Bytes of a text or file in base64.
	Bytes(#[serde(with = "base64")] Vec<u8>),
	/// Numbers.
	Numbers(Vec<f64>),
	/// The bytes of the model's inputs, one after the other, as they are hashed, in base64.
	Tensor(#[serde(with = "base64")] Vec<u8>),
}

/// The answers to an [`InferRequest`], and the receipt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InferAnswer {
	/// The model.
	#[serde(with = "hexadecimal")]
	pub model: ModelId,
	/// The version that answered.
	pub version: VersionId,
	/// An answer for each input, in their order.
	pub answers: Vec<Answer>,
	/// What the provider answers for.
	pub receipt: Receipt,
	/// Signature of [`Receipt::message`] by the channel's receipt key.
	pub signature: Signature,
	/// The bytes of all inputs as they were evaluated, one after the other, in base64: their root is the
	/// receipt's `input`.
	#[serde(with = "base64")]
	pub input: Vec<u8>,
}

impl InferAnswer {
	/// The bytes of all outputs, one after the other: their root is the receipt's `output`.
	pub fn outputs(&self) -> Vec<u8> {
		self.answers.iter().flat_map(|answer| &answer.output).copied().collect()
	}
}

/// The answer to one input. Only `output` is what the provider answers for; the rest repeats it for people.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Answer {
	/// The bytes of the model's outputs, one after the other, in base64.
	#[serde(with = "base64")]
	pub output: Vec<u8>,
	/// The class with the highest score; the lowest of several.
	#[serde(default, skip_serializing_if = "Option::is_none")]
	pub class: Option<u32>,
	/// What the card calls this class.
	#[serde(default, skip_serializing_if = "Option::is_none")]
	pub label: Option<String>,
	/// The output as integers.
	#[serde(default, skip_serializing_if = "Option::is_none")]
	pub scores: Option<Vec<i32>>,
}

/// What a provider knows of a channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChannelState {
	/// The channel.
	pub channel: ChannelId,
	/// The sum of the prices of all receipts, in planck.
	#[serde(with = "decimal")]
	pub spent: u128,
	/// The last voucher that the user signed; `None` before the first.
	pub last: Option<SignedVoucher>,
	/// The nonce of the last request; 0 before the first.
	pub nonce: u64,
}

/// A provider's agreement to a [`SignedClosing`](super::SignedClosing).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CloseAnswer {
	/// The provider's signature of the closing's message.
	pub signature: Signature,
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_primitives::inference::Payment;

	#[test]
	fn a_request_reads_as_people_write_it() {
		let model = "01".repeat(32);
		let inputs = r#"[{"png":"AQI="},{"bytes":"AQI"},{"numbers":[1,-2.5]},{"tensor":"_-8"}]"#;
		let text = format!(r#"{{"model":"0x{model}","inputs":{inputs}}}"#);
		let request: InferRequest = serde_json::from_str(&text).unwrap();
		let inputs = [
			Input::Png(vec![1, 2]),
			Input::Bytes(vec![1, 2]),
			Input::Numbers(vec![1.0, -2.5]),
			Input::Tensor(vec![255, 239]),
		];
		assert_eq!(request, InferRequest { model: [1; 32], inputs: inputs.into() });
	}

	#[test]
	fn what_a_request_does_not_have_is_an_error() {
		let model = "01".repeat(32);
		for rest in [
			r#""inputs":[{"jpeg":""}]"#,
			r#""inputs":[{"png":"!"}]"#,
			r#""inputs":[{}]"#,
			r#""inputs":[{"png":"","tensor":""}]"#,
			r#""inputs":[],"more":1"#,
			r#""count":1"#,
		] {
			let text = format!(r#"{{"model":"0x{model}",{rest}}}"#);
			assert!(serde_json::from_str::<InferRequest>(&text).is_err(), "{text}");
		}
	}

	#[test]
	fn an_answer_reads_as_it_was_written() {
		let receipt = Receipt {
			payment: Payment::Channel(1),
			request: [1; 32],
			weights: [2; 32],
			input: [3; 32],
			output: [4; 32],
			count: 1,
			price: u128::MAX,
			nonce: 7,
			expires: 8,
		};
		let answer = InferAnswer {
			model: [5; 32],
			version: 1,
			answers: vec![Answer { output: vec![1, 2], class: Some(1), label: None, scores: Some(vec![-1]) }],
			receipt,
			signature: Signature::Sr25519([6; 64]),
			input: vec![9],
		};
		let text = serde_json::to_string(&answer).unwrap();
		assert_eq!(serde_json::from_str::<InferAnswer>(&text).unwrap(), answer);
	}

	#[test]
	fn an_address_that_would_take_long_to_read_is_not_read() {
		let state = serde_json::json!({
			"genesis": "00".repeat(32), "provider": "1".repeat(1 << 20), "receipt_key": "",
			"terms": { "grace": 1, "answer": 1 }, "models": [],
		});
		let error = serde_json::from_value::<Models>(state).unwrap_err().to_string();
		assert!(error.contains("at most 64 characters"), "{error}");
	}
}
