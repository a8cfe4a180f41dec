//! Sending transactions, and what became of them.
//!
//! A transaction is valid for [`LIFETIME`] blocks. Whether it is in one of them is read from the finalised
//! blocks themselves, so neither a lost connection nor a restarted node loses sight of it.

use crate::{
	AccountId, Balance, Chain, ChainError, Key, View, Weight,
	error::{node, rpc},
};
use oda_primitives::{refusal, storage::INVALID_PROOF};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use subxt::{
	SubstrateConfig,
	client::{ClientAtBlock, OfflineClientAtBlockT},
	config::{DefaultExtrinsicParamsBuilder, Hasher},
	error::DispatchError,
	events::{Events, Phase},
	rpcs::client::rpc_params,
	tx::Payload,
	utils::{H256, MultiSignature},
};

/// Blocks after the last finalised one in which a transaction can be included.
pub const LIFETIME: u64 = 64;

/// How often a transaction is made anew when another one took its number.
const ATTEMPTS: usize = 5;

/// What became of a transaction that was carried out.
#[derive(Debug, Serialize)]
pub struct Receipt {
	/// The number of the finalised block that it is in.
	pub block: u64,
	/// The block's hash.
	pub block_hash: H256,
	/// The transaction's hash.
	pub extrinsic: H256,
	/// What it weighed.
	pub weight: Weight,
	/// What its sender paid, if anything.
	pub fee: Option<Balance>,
	/// What happened in it, in words.
	pub events: Vec<String>,
	#[serde(skip)]
	decoded: Events<SubstrateConfig>,
	#[serde(skip)]
	index: u32,
}

impl Receipt {
	/// The first event of a type, if there is one.
	pub(crate) fn find<E: subxt::events::DecodeAsEvent>(&self) -> Result<Option<E>, ChainError> {
		for event in self.decoded.iter() {
			let event = event.map_err(node)?;
			if event.phase() == Phase::ApplyExtrinsic(self.index)
				&& let Some(found) = event.decode_fields_as::<E>()
			{
				return found.map(Some).map_err(node);
			}
		}
		Ok(None)
	}
}

impl Chain {
	/// Signs a call, sends it, and waits until it is in a finalised block.
	///
	/// An account's calls may be sent one after the other without waiting.
	///
	/// # Errors
	///
	/// [`ChainError::Rejected`]: the node would not take it. [`ChainError::Expired`]: no block took it, nor
	/// will. [`ChainError::Module`], [`ChainError::Dispatch`]: it is in a block, which refused it.
	pub async fn submit(&self, key: &Key, call: &impl Payload) -> Result<Receipt, ChainError> {
		let (bytes, sent_at) = self.send_signed(key, call).await?;
		self.follow(&bytes, sent_at).await
	}

	/// Signs a call and has it in the node's pool; its bytes, and the block at which it was made.
	async fn send_signed(&self, key: &Key, call: &impl Payload) -> Result<(Vec<u8>, u64), ChainError> {
		let turn = self.turn(&key.account());
		let _turn = turn.lock().await;
		let mut attempt = 1;
		loop {
			let view = self.finalised().await?;
			let nonce = self.rpc.system_account_next_index(&key.account()).await.map_err(rpc)?;
			let params = DefaultExtrinsicParamsBuilder::<SubstrateConfig>::new()
				.nonce(nonce)
				.mortal_from_unchecked(LIFETIME, view.number(), view.hash())
				.build();
			let bytes = view
				.at
				.tx()
				.create_v4_signable_offline(call, params)
				.and_then(|mut signable| signable.sign(key))
				.map_err(node)?
				.into_encoded();
			match self.pool(&bytes).await {
				Err(error) if attempt < ATTEMPTS && outrun(&error) => {
					tracing::debug!(%error, nonce, "another transaction of this account was first");
					attempt += 1;
					tokio::time::sleep(Duration::from_secs(1)).await;
				}
				other => return other.map(|()| (bytes, view.number())),
			}
		}
	}

	/// Sends a call without a signature, as a *general* transaction, for a pallet that authorises it by what
	/// it holds, and waits until it is in a finalised block. It costs nothing.
	///
	/// # Errors
	///
	/// As [`submit`](Self::submit).
	pub async fn submit_unsigned(&self, call: &impl Payload) -> Result<Receipt, ChainError> {
		let view = self.finalised().await?;
		let bytes = general(&view.at, call)?;
		self.pool(&bytes).await.map_err(|error| named(error, view.at.metadata_ref()))?;
		self.follow(&bytes, view.number()).await
	}

	/// Has the node take a transaction into its pool.
	pub(crate) async fn pool(&self, bytes: &[u8]) -> Result<(), ChainError> {
		match self.rpc.author_submit_extrinsic(bytes).await.map_err(rpc) {
			Ok(_) => Ok(()),
			// It is there: the first answer was lost.
			Err(ChainError::Rejected { code: 1013, .. }) => Ok(()),
			Err(error) => Err(error),
		}
	}

	/// Looks for a transaction in the finalised blocks after `sent_at`.
	async fn follow(&self, bytes: &[u8], sent_at: u64) -> Result<Receipt, ChainError> {
		let until = sent_at + LIFETIME;
		let mut number = sent_at;
		while number < until {
			// Waits for one block after the last that was looked at; there may be more of them.
			let newest = self.finalised_after(number).await?.number().min(until);
			while number < newest {
				number += 1;
				if let Some(receipt) = self.find(bytes, number).await? {
					return receipt.into_result();
				}
			}
		}
		Err(ChainError::Expired(until))
	}

	/// A transaction's outcome, if it is in the finalised block of this number.
	async fn find(&self, bytes: &[u8], number: u64) -> Result<Option<Outcome>, ChainError> {
		let number = subxt::rpcs::methods::legacy::NumberOrHex::Number(number);
		let hash = self.rpc.chain_get_block_hash(Some(number)).await.map_err(rpc)?;
		let hash = hash.ok_or(ChainError::Missing("a finalised block"))?;
		let body: Option<Body> = self.link.request("chain_getBlock", rpc_params![hash]).await.map_err(rpc)?;
		let extrinsics = body.map(|body| body.block.extrinsics).unwrap_or_default();
		let Some(index) = extrinsics.iter().position(|extrinsic| extrinsic.is(bytes)) else {
			return Ok(None);
		};
		let view = View::new(self.client.at_block(hash).await.map_err(node)?);
		let events = view.at.events().fetch().await.map_err(node)?;
		let extrinsic = view.at.hasher().hash(bytes);
		Outcome::read(&view, extrinsic, index as u32, events).map(Some)
	}
}

/// What `chain_getBlock` answers.
#[derive(Deserialize)]
pub(crate) struct Body {
	pub(crate) block: Block,
}

#[derive(Deserialize)]
pub(crate) struct Block {
	pub(crate) extrinsics: Vec<Extrinsic>,
}

/// A transaction as nodes print it: digits; or numbers, if the node knows what is in its blocks.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Extrinsic {
	Digits(String),
	Numbers(Vec<u8>),
}

impl Extrinsic {
	pub(crate) fn into_bytes(self) -> Option<Vec<u8>> {
		match self {
			Self::Numbers(numbers) => Some(numbers),
			Self::Digits(digits) => hex::decode(digits.strip_prefix("0x")?).ok(),
		}
	}

	fn is(&self, bytes: &[u8]) -> bool {
		match self {
			Self::Numbers(numbers) => numbers == bytes,
			Self::Digits(digits) => digits.strip_prefix("0x").is_some_and(|digits| {
				digits.len() == bytes.len() * 2 && hex::decode(digits).is_ok_and(|decoded| decoded == bytes)
			}),
		}
	}
}

/// Whether a transaction was refused because another one has its number.
fn outrun(error: &ChainError) -> bool {
	match error {
		// Temporarily banned, too low a priority.
		ChainError::Rejected { code: 1012 | 1014, .. } => true,
		ChainError::Rejected { code: 1010, message } => {
			message.contains("outdated") || message.contains("Stale") || message.contains("future")
		}
		_ => false,
	}
}

/// A refusal of the pool by the name of the pallet's error, if it is one of a call that nobody signs.
pub(crate) fn named(error: ChainError, metadata: &subxt::Metadata) -> ChainError {
	let ChainError::Rejected { code: 1010, message } = &error else { return error };
	let code = message.rsplit_once("Custom error: ").and_then(|(_, code)| code.parse::<u8>().ok());
	let found = code.and_then(|code| {
		// The highest base that the code reaches.
		let (base, pallet) = REFUSALS.into_iter().find(|(base, _)| code >= *base)?;
		let variant = metadata.pallet_by_name(pallet)?.error_variant_by_index(code - base)?;
		Some(ChainError::Module { pallet: pallet.into(), error: variant.name.clone(), detail: None })
	});
	found.unwrap_or(error)
}

/// Where the codes of pallets begin with which they refuse calls that nobody signs; the highest first.
const REFUSALS: [(u8, &str); 2] = [(refusal::TRAINING, "Training"), (INVALID_PROOF, "StorageDeals")];

/// The bytes of a general transaction: preamble, the extensions with nothing to say, the call.
pub(crate) fn general<C>(
	at: &ClientAtBlock<SubstrateConfig, C>,
	call: &impl Payload,
) -> Result<Vec<u8>, ChainError>
where
	C: OfflineClientAtBlockT<SubstrateConfig>,
{
	let params = DefaultExtrinsicParamsBuilder::<SubstrateConfig>::new().immortal().nonce(0).build();
	// There is no extension that a signature goes into, so these are not part of the bytes.
	let (nobody, nothing) = (AccountId([0; 32]), MultiSignature::Sr25519([0; 64]));
	Ok(at
		.tx()
		.create_v5_signable_offline(call, params)
		.and_then(|mut signable| signable.sign_with_account_and_signature(&nobody, &nothing))
		.map_err(node)?
		.into_encoded())
}

/// A transaction in a block, whether it was carried out or refused.
struct Outcome {
	receipt: Receipt,
	refused: Option<ChainError>,
}

impl Outcome {
	fn into_result(self) -> Result<Receipt, ChainError> {
		match self.refused {
			Some(error) => Err(error),
			None => Ok(self.receipt),
		}
	}

	fn read(
		view: &View,
		extrinsic: H256,
		index: u32,
		decoded: Events<SubstrateConfig>,
	) -> Result<Self, ChainError> {
		let mut receipt = Receipt {
			block: view.number(),
			block_hash: view.hash(),
			extrinsic,
			weight: Weight::default(),
			fee: None,
			events: Vec::new(),
			decoded,
			index,
		};
		let mut refused = None;
		let mut events = Vec::new();
		for event in receipt.decoded.iter() {
			let event = event.map_err(node)?;
			if event.phase() != Phase::ApplyExtrinsic(index) {
				continue;
			}
			match (event.pallet_name(), event.event_name()) {
				("System", "ExtrinsicSuccess") => {
					if let Some(event) = receipt.find::<crate::runtime::system::events::ExtrinsicSuccess>()? {
						let weight = event.dispatch_info.weight;
						receipt.weight = Weight { ref_time: weight.ref_time, proof_size: weight.proof_size };
					}
				}
				("System", "ExtrinsicFailed") => {
					let error = DispatchError::decode_from(event.field_bytes(), view.at.metadata())
						.map_err(|error| ChainError::Dispatch(error.to_string()))?;
					refused = Some(module_error(error));
				}
				("TransactionPayment", "TransactionFeePaid") => {
					type Paid = crate::runtime::transaction_payment::events::TransactionFeePaid;
					receipt.fee = receipt.find::<Paid>()?.map(|paid| paid.actual_fee);
				}
				(pallet, name) => {
					let fields = event
						.decode_fields_unchecked_as::<subxt::dynamic::Value>()
						.map_or_else(|_| String::new(), |fields| shown(&fields));
					events.push(format!("{pallet}::{name} {fields}"));
				}
			}
		}
		receipt.events = events;
		Ok(Self { receipt, refused })
	}
}

/// A value in words, with bytes as hexadecimal digits.
fn shown(value: &subxt::dynamic::Value) -> String {
	use subxt::ext::scale_value::stringify::{custom_formatters::format_hex, to_writer_custom};
	let mut text = String::new();
	let written = to_writer_custom()
		.add_custom_formatter(|value, writer| format_hex(value, writer))
		.write(value, &mut text);
	if written.is_ok() { text } else { value.to_string() }
}

/// A dispatch error by its names.
pub(crate) fn module_error(error: DispatchError) -> ChainError {
	let DispatchError::Module(module) = error else {
		return ChainError::Dispatch(error.to_string());
	};
	match module.details() {
		Ok(details) => {
			let detail = (!details.variant.fields.is_empty())
				.then(|| module.as_root_error::<subxt::dynamic::Value>().ok())
				.flatten()
				.map(|value| shown(&value));
			ChainError::Module {
				pallet: details.pallet.name().to_owned(),
				error: details.variant.name.clone(),
				detail,
			}
		}
		Err(error) => ChainError::Incompatible(error.to_string()),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::runtime;
	use codec::Encode;
	use oda_primitives::{TaskId, Verdict};
	use std::sync::Arc;
	use subxt::{Metadata, OfflineClient, OfflineClientAtBlock, config::substrate::SpecVersionForRange};

	/// The chain as the committed metadata has it.
	fn offline() -> OfflineClientAtBlock<SubstrateConfig> {
		let metadata = Metadata::decode_from(include_bytes!("../metadata.scale")).unwrap();
		let config = SubstrateConfig::builder()
			.set_genesis_hash(H256([9; 32]))
			.set_metadata_for_spec_versions([(1, Arc::new(metadata))])
			.set_spec_version_for_block_ranges([SpecVersionForRange {
				block_range: 0..u64::MAX,
				spec_version: 1,
				transaction_version: 1,
			}])
			.build();
		OfflineClient::new_with_config(config).at_block(0u64).unwrap()
	}

	#[test]
	fn a_general_transaction_says_nothing_in_its_extensions() {
		let (task, verdict, signature) = (TaskId::Submission(7), Verdict::Wrong(3), [5; 64]);
		let call = runtime::transactions().verification().attest(
			task.into(),
			verdict.into(),
			AccountId([1; 32]),
			runtime::runtime_types::sp_runtime::MultiSignature::Sr25519(signature),
		);
		let at = offline();
		let bytes = general(&at, &call).unwrap();
		// Era, nonce, tip, and no metadata hash: a zero each.
		let mut expected = vec![0x45, 0, 0, 0, 0, 0];
		let pallet = at.metadata_ref().pallet_by_name("Verification").unwrap();
		expected.extend([pallet.call_index(), 0]);
		(task, verdict, [1u8; 32], 1u8, signature).encode_to(&mut expected);
		assert_eq!(bytes, expected.encode());
	}

	#[test]
	fn the_shared_types_are_encoded_as_the_chain_does() {
		let blob = oda_primitives::BlobRef::of(b"weights");
		let call = runtime::transactions().training().withdraw(9, blob.into(), [2; 32]);
		let at = offline();
		let data = at.tx().call_data(&call).unwrap();
		assert_eq!(data[2..], (9u64, blob, [2u8; 32]).encode());
	}

	#[test]
	fn the_pool_s_refusal_of_a_call_has_the_pallet_s_name() {
		let metadata = Metadata::decode_from(include_bytes!("../metadata.scale")).unwrap();
		let refused = |message: &str| {
			named(ChainError::Rejected { code: 1010, message: message.to_owned() }, &metadata)
		};
		let proof = refused("Invalid Transaction: Custom error: 159");
		assert!(proof.is("StorageDeals", "AlreadyProved"), "{proof}");
		let settled = refused("Invalid Transaction: Custom error: 210");
		assert!(settled.is("Training", "NothingDue"), "{settled}");
		for other in ["Invalid Transaction: Custom error: 7", "Invalid Transaction: bad signature"] {
			assert!(matches!(refused(other), ChainError::Rejected { .. }), "{other}");
		}
	}

	#[test]
	fn a_number_that_was_taken_is_told_from_other_refusals() {
		let rejected = |code, message: &str| ChainError::Rejected { code, message: message.to_owned() };
		assert!(outrun(&rejected(1010, "Invalid Transaction: Transaction is outdated")));
		assert!(outrun(&rejected(1014, "Priority is too low")));
		assert!(!outrun(&rejected(1010, "Invalid Transaction: Inability to pay some fees")));
	}
}
