//! What became of a transaction in a block.

use crate::{
	Balance, ChainError, View, Weight,
	error::{dispatch, node, shown},
};
use serde::Serialize;
use subxt::{
	SubstrateConfig,
	error::DispatchError,
	events::{Events, Phase},
	utils::H256,
};

/// What became of a transaction that was carried out.
#[derive(Debug, Serialize)]
pub struct Receipt {
	/// The number of the block that it is in; a final one, unless [`Sent::in_block`](crate::Sent::in_block) returned
	/// this.
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
		self.events_of().next().transpose()
	}

	/// All events of a type.
	pub(crate) fn all<E: subxt::events::DecodeAsEvent>(&self) -> Result<Vec<E>, ChainError> {
		self.events_of().collect()
	}

	fn events_of<E: subxt::events::DecodeAsEvent>(&self) -> impl Iterator<Item = Result<E, ChainError>> {
		self.decoded.iter().filter_map(|event| match event {
			Ok(event) if event.phase() != Phase::ApplyExtrinsic(self.index) => None,
			Ok(event) => event.decode_fields_as::<E>().map(|found| found.map_err(node)),
			Err(error) => Some(Err(node(error))),
		})
	}
}

/// A transaction in a block, whether it was carried out or refused.
pub(crate) struct Outcome {
	receipt: Receipt,
	refused: Option<ChainError>,
}

impl Outcome {
	pub(crate) fn into_result(self) -> Result<Receipt, ChainError> {
		match self.refused {
			Some(error) => Err(error),
			None => Ok(self.receipt),
		}
	}

	pub(crate) fn read(
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
					let error =
						DispatchError::decode_from(event.field_bytes(), view.at.metadata()).map_err(node)?;
					refused = Some(dispatch(error, view.at.metadata_ref()));
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
