//! Transactions signed ahead of time, and blocks as they are counted: for measuring how much a chain takes.

use crate::{
	AccountId, Balance, Chain, ChainError, Key, View, Weight,
	error::{dispatch, node, rpc},
	runtime::{self, runtime_types as generated},
	submit::Body,
};
use oda_primitives::ModelId;
use subxt::{
	SubstrateConfig, config::DefaultExtrinsicParamsBuilder, error::DispatchError, events::Phase,
	rpcs::client::rpc_params, tx::Payload,
};

/// What a block may hold of transactions, and what each costs beside its call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockLimits {
	/// Picoseconds that a block may weigh.
	pub weight: u64,
	/// Picoseconds that ordinary transactions may weigh together.
	pub normal_weight: u64,
	/// Picoseconds that every ordinary transaction weighs before its call and its checks.
	pub base_extrinsic: u64,
	/// Bytes that a block may have.
	pub length: u32,
	/// Bytes that ordinary transactions may have together.
	pub normal_length: u32,
}

/// A transaction in a block.
#[derive(Debug)]
pub struct Included {
	/// Its bytes, as they were sent.
	pub bytes: Vec<u8>,
	/// What it weighed, with its share of the block's overhead; or why it failed.
	pub outcome: Result<Weight, ChainError>,
}

/// What is in a block.
#[derive(Debug)]
pub struct Contents {
	/// Milliseconds since 1970, as the block's author set them.
	pub timestamp: u64,
	/// Picoseconds that its ordinary transactions weighed.
	pub normal_weight: u64,
	/// Everything in it, what its author put in included.
	pub extrinsics: Vec<Included>,
}

/// Which blocks a node is asked to tell of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Heads {
	/// Each that became the best.
	Best,
	/// Each that became the last final one; those between it and the one before are final too.
	Finalised,
}

impl View {
	/// A call signed as the account's transaction of this number, valid for ever.
	fn presign(&self, key: &Key, nonce: u64, call: &impl Payload) -> Result<Vec<u8>, ChainError> {
		let params = DefaultExtrinsicParamsBuilder::<SubstrateConfig>::new().immortal().nonce(nonce).build();
		self.at
			.tx()
			.create_v4_signable_offline(call, params)
			.and_then(|mut signable| signable.sign(key))
			.map(|signed| signed.into_encoded())
			.map_err(node)
	}

	/// A transfer that leaves its sender alive, signed and not sent.
	pub fn presign_transfer(
		&self,
		key: &Key,
		nonce: u64,
		to: AccountId,
		amount: Balance,
	) -> Result<Vec<u8>, ChainError> {
		self.presign(key, nonce, &runtime::transactions().balances().transfer_keep_alive(to.into(), amount))
	}

	/// A commitment to weights, signed and not sent.
	pub fn presign_commit(
		&self,
		key: &Key,
		nonce: u64,
		model: ModelId,
		commitment: [u8; 32],
	) -> Result<Vec<u8>, ChainError> {
		self.presign(key, nonce, &runtime::transactions().training().commit(model, commitment))
	}

	/// What blocks may hold.
	pub fn block_limits(&self) -> Result<BlockLimits, ChainError> {
		let system = runtime::constants().system();
		let weights = self.at.constants().entry(system.block_weights()).map_err(node)?;
		let length = self.at.constants().entry(system.block_length()).map_err(node)?;
		let normal = weights.per_class.normal;
		Ok(BlockLimits {
			weight: weights.max_block.ref_time,
			normal_weight: normal.max_total.unwrap_or(weights.max_block).ref_time,
			base_extrinsic: normal.base_extrinsic.ref_time,
			length: length.max.mandatory,
			normal_length: length.max.normal,
		})
	}

	/// What the block's ordinary transactions weigh, in picoseconds.
	pub async fn normal_weight(&self) -> Result<u64, ChainError> {
		let address = runtime::storage().system().block_weight();
		let Some(value) = self.at.storage().try_fetch(address, ()).await.map_err(node)? else {
			return Ok(0);
		};
		Ok(value.decode().map_err(node)?.normal.ref_time)
	}

	/// The block's time, in milliseconds since 1970, as its author set it.
	async fn timestamp(&self) -> Result<u64, ChainError> {
		let address = runtime::storage().timestamp().now();
		let timestamp = self.at.storage().try_fetch(address, ()).await.map_err(node)?;
		timestamp.ok_or(ChainError::Missing("a block's time"))?.decode().map_err(node)
	}

	/// What became of each of the block's extrinsics.
	async fn outcomes(&self) -> Result<Vec<Result<Weight, ChainError>>, ChainError> {
		let mut outcomes = Vec::new();
		let events = self.at.events().fetch().await.map_err(node)?;
		for event in events.iter() {
			let event = event.map_err(node)?;
			let Phase::ApplyExtrinsic(index) = event.phase() else { continue };
			// Each extrinsic ends with one of these two, so they come in the extrinsics' order.
			let outcome = match (event.pallet_name(), event.event_name()) {
				("System", "ExtrinsicSuccess") => {
					let fields = event.decode_fields_as::<runtime::system::events::ExtrinsicSuccess>();
					let fields = fields.ok_or(ChainError::Missing("an event's fields"))?.map_err(node)?;
					let generated::sp_weights::weight_v2::Weight { ref_time, proof_size } =
						fields.dispatch_info.weight;
					Ok(Weight { ref_time, proof_size })
				}
				("System", "ExtrinsicFailed") => {
					Err(match DispatchError::decode_from(event.field_bytes(), self.at.metadata()) {
						Ok(error) => dispatch(error, self.at.metadata_ref()),
						Err(error) => node(error),
					})
				}
				_ => continue,
			};
			if index as usize != outcomes.len() {
				return Err(ChainError::Missing("an extrinsic's outcome"));
			}
			outcomes.push(outcome);
		}
		Ok(outcomes)
	}
}

impl Chain {
	/// Has the node take a presigned transaction into its pool, and does not wait for a block.
	pub async fn send(&self, transaction: &[u8]) -> Result<(), ChainError> {
		self.pool(transaction).await
	}

	/// What is in a block, and what became of it.
	pub async fn contents(&self, block: &View) -> Result<Contents, ChainError> {
		let outcomes = block.outcomes().await?;
		let body: Option<Body> =
			self.link.request("chain_getBlock", rpc_params![block.hash()]).await.map_err(rpc)?;
		let extrinsics = body.ok_or(ChainError::Missing("a block's body"))?.block.extrinsics;
		if extrinsics.len() != outcomes.len() {
			return Err(ChainError::Missing("an extrinsic's outcome"));
		}
		let extrinsics = extrinsics
			.into_iter()
			.zip(outcomes)
			.map(|(extrinsic, outcome)| {
				let bytes = extrinsic.into_bytes();
				let bytes =
					bytes.ok_or_else(|| ChainError::Incompatible("an extrinsic is no bytes".to_owned()))?;
				Ok(Included { bytes, outcome })
			})
			.collect::<Result<_, ChainError>>()?;
		let (timestamp, normal_weight) = (block.timestamp().await?, block.normal_weight().await?);
		Ok(Contents { timestamp, normal_weight, extrinsics })
	}

	/// Tells `seen` the number of each block that the node tells of, until the node goes.
	pub async fn follow_heads(&self, heads: Heads, mut seen: impl FnMut(u64)) -> Result<(), ChainError> {
		let mut subscription = match heads {
			Heads::Best => self.rpc.chain_subscribe_new_heads().await,
			Heads::Finalised => self.rpc.chain_subscribe_finalized_heads().await,
		}
		.map_err(rpc)?;
		while let Some(header) = subscription.next().await {
			seen(header.map_err(rpc)?.number);
		}
		Ok(())
	}
}
