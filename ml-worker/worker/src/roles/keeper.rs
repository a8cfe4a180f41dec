//! Keeps blobs for pay: takes deals, answers the challenges of each round, and repairs.
//!
//! A blob is here, whole and checked, before its deal is taken. What is kept is pinned, so that nothing deletes it.
//! All there is to know is on the chain and in the store: after a restart the first look at the round goes on
//! where it was.

use crate::{context::Context, demand};
use anyhow::Context as _;
use oda_blobs::BlobError;
use oda_client::{Chain, ChainError, Deal, Keeper, Key, Round, View};
use oda_primitives::{DealId, RangeProof, RoundNumber, message};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// How a keeper works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeeperConfig {
	/// Bytes that may be kept, in mebibytes: what is bonded for.
	pub capacity_mib: u64,
	/// The least pay for a round, in the smallest unit, for which a deal is taken.
	pub min_price: u128,
	/// Whether new deals are taken; if not, only what was taken is answered for.
	pub take: bool,
}

impl Default for KeeperConfig {
	fn default() -> Self {
		Self { capacity_mib: 1024, min_price: 0, take: true }
	}
}

/// Blocks within which a proof or a taking that was sent is looked for before it is sent again.
const SEND_AGAIN: u64 = 6;

/// Keeps.
pub async fn run(context: Context, key: Key, config: KeeperConfig) -> anyhow::Result<()> {
	demand::beside(&context, &key, keep(&context, &key, &config)).await
}

async fn keep(context: &Context, key: &Key, config: &KeeperConfig) -> anyhow::Result<()> {
	let chain = context.chain().await?;
	let account = key.account();
	bind(context, &chain, key).await?;
	enlist(context, &chain, key, config).await?;
	context.output().event(
		"keeping",
		format!("keeping up to {} MiB as {account}", config.capacity_mib),
		serde_json::json!({ "account": account, "capacity_mib": config.capacity_mib }),
	);
	let mut sent: HashMap<(DealId, RoundNumber), u64> = HashMap::new();
	let mut taking: HashMap<DealId, u64> = HashMap::new();
	let mut kept: HashSet<[u8; 32]> = HashSet::new();
	loop {
		let view = chain.finalised().await?;
		let deals = view.deals().await?;
		let round = view.round().await?;
		if let Some(round) = &round {
			for deal in &deals {
				answer(context, &chain, key, &view, round, deal, &mut sent).await?;
			}
			sent.retain(|(_, number), _| *number == round.number);
			if config.take {
				take(context, &chain, key, config, &view, round, &deals, &mut taking).await?;
			}
		}
		let mine: HashSet<_> = deals
			.iter()
			.filter(|deal| deal.replica_of(&account).is_some())
			.map(|deal| deal.blob.root)
			.collect();
		for root in mine.difference(&kept) {
			context.store().pin(root)?;
		}
		for root in kept.difference(&mine) {
			context.store().unpin(root)?;
		}
		kept = mine;
		context.observe_balance(&view, &account).await;
		chain.finalised_after(view.number()).await?;
	}
}

/// Binds this peer to the account, unless it is.
pub async fn bind(context: &Context, chain: &Chain, key: &Key) -> anyhow::Result<()> {
	let peers = context.peers().await?.context("a peer is bound, but there is to be no network")?;
	let identity = peers.identity();
	anyhow::ensure!(
		!identity.is_ephemeral(),
		"another process of this base path has the peer's key; stop it, or use another base path"
	);
	let account = key.account();
	if chain.finalised().await?.peer_of(&account).await? == Some(identity.public()) {
		return Ok(());
	}
	let message = message::peer_binding(&chain.genesis(), &account.0);
	let signature = identity.sign_binding(&message)?;
	let receipt = chain.bind_peer(key, identity.public(), signature).await.context("binding the peer")?;
	context.output().event(
		"peer_bound",
		format!("peer {} bound to {account} in block {}", identity.peer_id(), receipt.block),
		serde_json::json!({ "peer": identity.peer_id().to_string(), "account": account, "receipt": receipt }),
	);
	Ok(())
}

/// Becomes a keeper of the configured capacity, or changes it.
async fn enlist(context: &Context, chain: &Chain, key: &Key, config: &KeeperConfig) -> anyhow::Result<()> {
	let capacity = config.capacity_mib.saturating_mul(1 << 20);
	let account = key.account();
	let receipt = match own(&chain.finalised().await?, key).await? {
		None => chain.enlist(key, capacity).await.context("becoming a keeper")?,
		Some(keeper) if keeper.capacity != capacity && keeper.retiring_since.is_none() => {
			chain.set_capacity(key, capacity).await.context("changing the capacity")?
		}
		Some(_) => return Ok(()),
	};
	context.output().event(
		"enlisted",
		format!("{account} keeps up to {} MiB from block {} on", config.capacity_mib, receipt.block),
		serde_json::json!({ "account": account, "capacity": capacity, "receipt": receipt }),
	);
	Ok(())
}

async fn own(view: &View, key: &Key) -> Result<Option<Keeper>, ChainError> {
	let account = key.account();
	Ok(view.keepers().await?.into_iter().find(|keeper| keeper.account == account))
}

/// The chunk that is asked for, and its path, from the disk.
async fn prove(context: &Context, deal: &Deal, range: std::ops::Range<u64>) -> Result<RangeProof, BlobError> {
	let (store, blob) = (context.store().clone(), deal.blob);
	let work = move || {
		let proved = store.slices(&blob).and_then(|slices| slices.prove(range.clone()));
		match proved {
			// Perhaps only the outboard is; it can be made again.
			Err(BlobError::Damaged { .. }) => {
				store.forget_outboard(&blob.root)?;
				store.slices(&blob)?.prove(range)
			}
			proved => proved,
		}
	};
	tokio::task::spawn_blocking(work).await.map_err(|error| BlobError::Read(std::io::Error::other(error)))?
}

/// Answers the challenge of this round, if it has not been.
async fn answer(
	context: &Context,
	chain: &Chain,
	key: &Key,
	view: &View,
	round: &Round,
	deal: &Deal,
	sent: &mut HashMap<(DealId, RoundNumber), u64>,
) -> anyhow::Result<()> {
	let Some(range) = deal.challenge(round, &key.account()) else { return Ok(()) };
	let now = view.number();
	if sent.get(&(deal.id, round.number)).is_some_and(|at| now < at.saturating_add(SEND_AGAIN)) {
		return Ok(());
	}
	let proof = match prove(context, deal, range).await {
		Ok(proof) => proof,
		Err(error) => {
			tracing::error!(deal = deal.id, round = round.number, %error, "cannot answer a challenge; fetching");
			if matches!(error, BlobError::Damaged { .. }) {
				context.store().remove(&deal.blob.root)?;
			}
			return context.want(chain, deal.blob).await;
		}
	};
	sent.insert((deal.id, round.number), now);
	match chain.prove_storage(key, deal.id, round.number, proof).await {
		Ok(receipt) => context.output().event(
			"proved",
			format!("deal {}: proved round {} in block {}", deal.id, round.number, receipt.block),
			serde_json::json!({ "deal": deal.id, "round": round.number, "block": receipt.block }),
		),
		Err(error) => {
			tracing::warn!(deal = deal.id, round = round.number, %error, "the proof is not in");
		}
	}
	Ok(())
}

/// Takes what there is room for, once it is here.
#[allow(clippy::too_many_arguments, reason = "one step of the loop above")]
async fn take(
	context: &Context,
	chain: &Chain,
	key: &Key,
	config: &KeeperConfig,
	view: &View,
	round: &Round,
	deals: &[Deal],
	taking: &mut HashMap<DealId, u64>,
) -> anyhow::Result<()> {
	let account = key.account();
	let Some(keeper) = own(view, key).await?.filter(|keeper| keeper.retiring_since.is_none()) else {
		return Ok(());
	};
	let now = view.number();
	taking.retain(|_, at| now < at.saturating_add(SEND_AGAIN));
	let parameters = view.parameters()?;
	let mut room = keeper.capacity.saturating_sub(keeper.used);
	let mut bond = keeper.bond.saturating_sub(keeper.staked);
	for deal in deals {
		let pays = deal.pays(round.number, parameters.raise_rounds);
		let stake = parameters.stake(deal.blob.len);
		let wanted = pays.is_some_and(|price| price >= config.min_price)
			&& deal.replica_of(&account).is_none()
			&& deal.blob.len <= room
			&& stake <= bond
			&& !taking.contains_key(&deal.id);
		if !wanted {
			continue;
		}
		room = room.saturating_sub(deal.blob.len);
		bond = bond.saturating_sub(stake);
		if context.store().stat(&deal.blob.root)? != Some(deal.blob) {
			context.want(chain, deal.blob).await?;
			continue;
		}
		taking.insert(deal.id, now);
		match chain.take_replica(key, deal.id).await {
			Ok(receipt) => context.output().event(
				"taken",
				format!(
					"deal {}: keeping {} in block {}",
					deal.id,
					hex::encode(deal.blob.root),
					receipt.block
				),
				serde_json::json!({
					"deal": deal.id,
					"blob": hex::encode(deal.blob.root),
					"len": deal.blob.len,
					"receipt": receipt,
				}),
			),
			// Somebody else was first, or there is no bond left for it.
			Err(error @ ChainError::Module { .. }) => {
				tracing::info!(deal = deal.id, %error, "not taken");
			}
			Err(error) => tracing::warn!(deal = deal.id, %error, "could not take a deal"),
		}
	}
	Ok(())
}
