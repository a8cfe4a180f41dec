//! The node as it is measured: transactions signed ahead of time, and blocks as they are counted.

use anyhow::{Context, Result, anyhow, bail, ensure};
use oda_client::{AccountId, Key};
use oda_primitives::ModelId;
use serde_json::Value;
use std::sync::Arc;
use subxt::{
	OnlineClient, OnlineClientAtBlock, SubstrateConfig,
	backend::LegacyBackend,
	config::{DefaultExtrinsicParamsBuilder, RpcConfigFor},
	dynamic,
	error::DispatchError,
	events::Phase,
	ext::scale_decode::DecodeAsType,
	rpcs::{LegacyRpcMethods, RpcClient, client::rpc_params},
	tx::Payload,
	utils::MultiAddress,
};

/// What a block may hold of transactions, and what each costs beside its call.
#[derive(Clone, Copy)]
pub(crate) struct BlockLimits {
	/// Picoseconds that a block may weigh.
	pub(crate) weight: u64,
	/// Picoseconds that ordinary transactions may weigh together.
	pub(crate) normal_weight: u64,
	/// Picoseconds that every ordinary transaction weighs before its call and its checks.
	pub(crate) base_extrinsic: u64,
	/// Bytes that a block may have.
	pub(crate) length: u32,
	/// Bytes that ordinary transactions may have together.
	pub(crate) normal_length: u32,
}

/// A transaction in a block.
pub(crate) struct Included {
	/// Its bytes, as they were sent.
	pub(crate) bytes: Vec<u8>,
	/// Picoseconds that it weighed, with its share of the block's overhead; or why it failed.
	pub(crate) outcome: Result<u64>,
}

/// What is in a block.
pub(crate) struct Contents {
	/// Milliseconds since 1970, as the block's author set them.
	pub(crate) timestamp: u64,
	/// Picoseconds that its ordinary transactions weighed.
	pub(crate) normal_weight: u64,
	/// Everything in it, what its author put in included.
	pub(crate) extrinsics: Vec<Included>,
}

/// Which blocks a node is asked to tell of.
#[derive(Clone, Copy)]
pub(crate) enum Heads {
	/// Each that became the best.
	Best,
	/// Each that became the last final one; those between it and the one before are final too.
	Finalised,
}

/// A weight, of which the time alone counts.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Weight {
	ref_time: u64,
}

/// One value for each class of transactions.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct PerClass<T> {
	normal: T,
	mandatory: T,
}

/// The constant `System.BlockWeights`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct BlockWeights {
	max_block: Weight,
	per_class: PerClass<ClassWeights>,
}

/// What it has for a class.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct ClassWeights {
	base_extrinsic: Weight,
	max_total: Option<Weight>,
}

/// The constant `System.BlockLength`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct BlockLength {
	max: PerClass<u32>,
}

/// The event `System.ExtrinsicSuccess`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Success {
	dispatch_info: Info,
}

/// What it has to say.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Info {
	weight: Weight,
}

/// A connection to the node.
#[derive(Clone)]
pub(crate) struct Wire {
	link: RpcClient,
	rpc: LegacyRpcMethods<RpcConfigFor<SubstrateConfig>>,
	client: OnlineClient<SubstrateConfig>,
}

/// The chain's state at one block.
pub(crate) struct At(OnlineClientAtBlock<SubstrateConfig>);

impl Wire {
	pub(crate) async fn connect(url: &str) -> Result<Self> {
		let link = RpcClient::from_insecure_url(url).await?;
		let rpc = LegacyRpcMethods::new(link.clone());
		let backend = LegacyBackend::builder().build(link.clone());
		let client = OnlineClient::from_backend(Arc::new(backend)).await?;
		Ok(Self { link, rpc, client })
	}

	/// The state at the best chain's block of this number.
	pub(crate) async fn at(&self, number: u64) -> Result<At> {
		Ok(At(self.client.at_block(number).await?))
	}

	/// Has the node take a transaction into its pool, and does not wait for a block.
	pub(crate) async fn send(&self, transaction: &[u8]) -> Result<()> {
		self.rpc.author_submit_extrinsic(transaction).await?;
		Ok(())
	}

	/// What is in a block, and what became of it.
	pub(crate) async fn contents(&self, at: &At) -> Result<Contents> {
		let outcomes = at.outcomes().await?;
		// By hand, for nodes print transactions as digits or as numbers.
		let body: Value = self.link.request("chain_getBlock", rpc_params![at.0.block_hash()]).await?;
		let body = body.pointer("/block/extrinsics").and_then(Value::as_array).context("no block's body")?;
		ensure!(body.len() == outcomes.len(), "an extrinsic has no outcome");
		let extrinsics = body.iter().zip(outcomes).map(|(printed, outcome)| {
			let bytes = match printed {
				Value::String(digits) => hex::decode(digits.trim_start_matches("0x"))?,
				numbers => serde_json::from_value(numbers.clone())?,
			};
			Ok(Included { bytes, outcome })
		});
		let extrinsics = extrinsics.collect::<Result<_>>()?;
		let (timestamp, normal_weight) = (at.timestamp().await?, at.normal_weight().await?);
		Ok(Contents { timestamp, normal_weight, extrinsics })
	}

	/// Tells `seen` the number of each block that the node tells of, until the node goes.
	pub(crate) async fn follow_heads(&self, heads: Heads, mut seen: impl FnMut(u64)) -> Result<()> {
		let mut subscription = match heads {
			Heads::Best => self.rpc.chain_subscribe_new_heads().await?,
			Heads::Finalised => self.rpc.chain_subscribe_finalized_heads().await?,
		};
		while let Some(header) = subscription.next().await {
			seen(header?.number);
		}
		Ok(())
	}
}

impl At {
	/// A call signed as the account's transaction of this number, valid for ever.
	fn presign(&self, key: &Key, nonce: u64, call: &impl Payload) -> Result<Vec<u8>> {
		let params = DefaultExtrinsicParamsBuilder::<SubstrateConfig>::new().immortal().nonce(nonce).build();
		let mut signable = self.0.tx().create_v4_signable_offline(call, params)?;
		Ok(signable.sign(key)?.into_encoded())
	}

	/// A transfer that leaves its sender alive, signed and not sent.
	pub(crate) fn presign_transfer(
		&self,
		key: &Key,
		nonce: u64,
		to: AccountId,
		amount: u128,
	) -> Result<Vec<u8>> {
		let to = MultiAddress::<AccountId, ()>::Id(to);
		self.presign(key, nonce, &dynamic::tx("Balances", "transfer_keep_alive", (to, amount)))
	}

	/// A commitment to weights, signed and not sent.
	pub(crate) fn presign_commit(
		&self,
		key: &Key,
		nonce: u64,
		model: ModelId,
		commitment: [u8; 32],
	) -> Result<Vec<u8>> {
		self.presign(key, nonce, &dynamic::tx("Training", "commit", (model, commitment)))
	}

	/// What blocks may hold.
	pub(crate) fn limits(&self) -> Result<BlockLimits> {
		let weights = self.0.constants().entry(dynamic::constant("System", "BlockWeights"))?;
		let length = self.0.constants().entry(dynamic::constant("System", "BlockLength"))?;
		let (BlockWeights { max_block, per_class }, BlockLength { max }) = (weights, length);
		let normal = per_class.normal;
		Ok(BlockLimits {
			weight: max_block.ref_time,
			normal_weight: normal.max_total.unwrap_or(max_block).ref_time,
			base_extrinsic: normal.base_extrinsic.ref_time,
			length: max.mandatory,
			normal_length: max.normal,
		})
	}

	/// What the block's ordinary transactions weigh, in picoseconds.
	pub(crate) async fn normal_weight(&self) -> Result<u64> {
		let address = dynamic::storage::<(), PerClass<Weight>>("System", "BlockWeight");
		let Some(value) = self.0.storage().try_fetch(address, ()).await? else { return Ok(0) };
		Ok(value.decode()?.normal.ref_time)
	}

	/// The block's time, in milliseconds since 1970, as its author set it.
	async fn timestamp(&self) -> Result<u64> {
		let address = dynamic::storage::<(), u64>("Timestamp", "Now");
		let timestamp = self.0.storage().try_fetch(address, ()).await?;
		Ok(timestamp.context("a block without a time")?.decode()?)
	}

	/// What became of each of the block's extrinsics.
	async fn outcomes(&self) -> Result<Vec<Result<u64>>> {
		let mut outcomes = Vec::new();
		let events = self.0.events().fetch().await?;
		for event in events.iter() {
			let event = event?;
			let Phase::ApplyExtrinsic(index) = event.phase() else { continue };
			// Each extrinsic ends with one of these two, so they come in the extrinsics' order.
			let outcome = match (event.pallet_name(), event.event_name()) {
				("System", "ExtrinsicSuccess") => {
					let success: Success = event.decode_fields_unchecked_as()?;
					Ok(success.dispatch_info.weight.ref_time)
				}
				("System", "ExtrinsicFailed") => {
					let error = DispatchError::decode_from(event.field_bytes(), self.0.metadata())?;
					Err(anyhow!("{error}"))
				}
				_ => continue,
			};
			if index as usize != outcomes.len() {
				bail!("an extrinsic has no outcome");
			}
			outcomes.push(outcome);
		}
		Ok(outcomes)
	}
}
