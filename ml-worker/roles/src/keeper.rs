//! Keeps blobs for pay: takes deals, answers the challenges of each round, and repairs.
//!
//! A blob is here, whole and checked, before its deal is taken. What is kept is pinned, so that nothing deletes it.
//! All there is to know is on the chain and in the store: after a restart the first look at the round goes on
//! where it was. A look waits for nothing slow: what takes time is done in the background, and what came of it is
//! read from the state that is looked at anyway.

mod attempts;
mod rounds;

use crate::{amount::Amount, context::Context, demand};
use anyhow::Context as _;
use attempts::Attempts;
use oda_blobs::{BlobError, BlobSource, Holder};
use oda_client::{AccountId, Chain, ChainError, Deal, Keeper, Key, Round, View};
use oda_primitives::{DealId, RangeProof, RoundNumber, message};
use rounds::Rounds;
use serde::{Deserialize, Serialize};
use std::{collections::HashSet, ops::Range, sync::Arc};
use tokio::sync::Semaphore;

/// How a keeper works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeeperConfig {
	/// Bytes that may be kept, in mebibytes: what is bonded for.
	pub capacity_mib: u64,
	/// The least pay for a round for which a deal is taken.
	pub min_price: Amount,
	/// Whether new deals are taken; if not, only what was taken is answered for.
	pub take: bool,
}

impl Default for KeeperConfig {
	fn default() -> Self {
		Self { capacity_mib: 1024, min_price: Amount(0), take: true }
	}
}

/// How many proofs are made at a time.
const PROOFS: usize = 8;

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
	let agent = Agent { context: context.clone(), chain: chain.clone(), key: key.clone() };
	let mut desk = Desk {
		agent,
		config,
		answers: Attempts::new(),
		stays: Attempts::new(),
		takings: Attempts::new(),
		proofs: Arc::new(Semaphore::new(PROOFS)),
	};
	let mut rounds = Rounds::default();
	let mut pinned: HashSet<_> = context.store().pinned(Holder::Keeper)?.into_iter().collect();
	let kept = context.metrics().kept(account.to_string());
	let mut view = chain.finalised().await?;
	loop {
		let deals = view.deals().await?;
		let round = view.round().await?;
		if let Some(round) = &round {
			desk.answer(&view, round, &deals);
		}
		pin(context, &deals, &account, &mut pinned);
		if let Some(round) = &round {
			tell(context, rounds.look(round.number, &deals, &account));
			if config.take {
				desk.stay(&view, &deals);
				desk.take(&view, round, &deals).await?;
			}
		}
		let replicas = deals.iter().filter_map(|deal| deal.replica_of(&account));
		kept.set(replicas.map(|(_, replica)| replica));
		context.observe_balance(&view, &account).await;
		view = chain.finalised_after(view.number()).await?;
	}
}

/// Says what came of challenges.
fn tell(context: &Context, outcomes: Vec<rounds::Outcome>) {
	for rounds::Outcome { deal, round, proved } in outcomes {
		context.metrics().stored(proved);
		let (event, what) = if proved { ("proved", "proved") } else { ("missed", "MISSED") };
		if !proved {
			tracing::error!(deal, round, "a round was missed");
		}
		context.output().event(
			event,
			format!("deal {deal}: {what} round {round}"),
			serde_json::json!({ "deal": deal, "round": round }),
		);
	}
}

/// Pins the blobs of an account's replicas, and no others; what fails is tried again at the next look.
fn pin(context: &Context, deals: &[Deal], account: &AccountId, pinned: &mut HashSet<[u8; 32]>) {
	let mine = deals.iter().filter(|deal| deal.replica_of(account).is_some());
	let mine: HashSet<_> = mine.map(|deal| deal.blob.root).collect();
	let store = context.store();
	let changed: Vec<_> = mine.symmetric_difference(pinned).copied().collect();
	for root in changed {
		let done = if mine.contains(&root) {
			store.pin(Holder::Keeper, &root).map(|()| pinned.insert(root))
		} else {
			store.unpin(Holder::Keeper, &root).map(|_| pinned.remove(&root))
		};
		if let Err(error) = done {
			context.metrics().failed("keeper");
			tracing::error!(blob = hex::encode(root), %error, "what is pinned cannot be changed");
		}
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
	let receipt = match own(&chain.finalised().await?, &account).await? {
		None => chain.enlist(key, capacity).await.context("becoming a keeper")?,
		Some(keeper) if keeper.capacity != capacity && keeper.free_at.is_none() => {
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

async fn own(view: &View, account: &AccountId) -> Result<Option<Keeper>, ChainError> {
	Ok(view.keepers().await?.into_iter().find(|keeper| keeper.account == *account))
}

/// Who does a piece of work.
#[derive(Clone)]
struct Agent {
	context: Context,
	chain: Chain,
	key: Key,
}

impl Agent {
	/// The chunk that is asked for, and its path, from the disk.
	async fn prove(&self, deal: &Deal, range: Range<u64>) -> Result<RangeProof, BlobError> {
		let (store, blob) = (self.context.store().clone(), deal.blob);
		let worked = tokio::task::spawn_blocking(move || store.prove(&blob, range)).await;
		worked.map_err(|error| BlobError::Read(std::io::Error::other(error)))?
	}

	/// Gives the node the answer to a challenge; fetches the blob, if it is that which it lacks.
	async fn answer(&self, deal: &Deal, round: RoundNumber, range: Range<u64>) -> anyhow::Result<()> {
		let proof = match self.prove(deal, range).await {
			Ok(proof) => proof,
			Err(error) => {
				self.context.want(&self.chain, deal.blob).await?;
				return Err(error.into());
			}
		};
		match self.chain.pool_proof(&self.key, deal.id, round, proof).await {
			// A block has it that is not final yet.
			Err(error) if error.is("StorageDeals", "AlreadyProved") => Ok(()),
			done => Ok(done?),
		}
	}

	/// Agrees to a longer term of a renewed deal, and says so once that is final.
	async fn stay(&self, deal: &Deal) {
		match self.chain.stay_in_deal(&self.key, deal.id).await {
			Ok(receipt) => self.context.output().event(
				"stays",
				format!("deal {}: kept until round {}", deal.id, deal.until),
				serde_json::json!({ "deal": deal.id, "until": deal.until, "receipt": receipt }),
			),
			Err(error) => tracing::warn!(deal = deal.id, %error, "could not agree to a longer term"),
		}
	}

	/// Takes a replica, and says so once that is final.
	async fn take(&self, deal: &Deal) {
		let blob = hex::encode(deal.blob.root);
		match self.chain.take_replica(&self.key, deal.id).await {
			Ok(receipt) => self.context.output().event(
				"taken",
				format!("deal {}: keeping {blob} in block {}", deal.id, receipt.block),
				serde_json::json!({
					"deal": deal.id,
					"blob": blob,
					"len": deal.blob.len,
					"receipt": receipt,
				}),
			),
			// Somebody else was first, or there is no bond left for it.
			Err(error @ ChainError::Module { .. }) => tracing::info!(deal = deal.id, %error, "not taken"),
			Err(error) => tracing::warn!(deal = deal.id, %error, "could not take a deal"),
		}
	}
}

/// What is under way.
struct Desk<'a> {
	agent: Agent,
	config: &'a KeeperConfig,
	answers: Attempts<(DealId, RoundNumber)>,
	stays: Attempts<(DealId, RoundNumber)>,
	takings: Attempts<DealId>,
	proofs: Arc<Semaphore>,
}

impl Desk<'_> {
	/// Begins to answer the challenges of this round that are not answered, each by itself.
	fn answer(&mut self, view: &View, round: &Round, deals: &[Deal]) {
		let (account, now, number) = (self.agent.key.account(), view.number(), round.number);
		self.answers.tidy(|(_, of)| *of == number);
		for deal in deals {
			let Some(range) = deal.challenge(round, &account) else { continue };
			if !self.answers.is_due(&(deal.id, number), now) {
				continue;
			}
			let (agent, deal, proofs) = (self.agent.clone(), deal.clone(), Arc::clone(&self.proofs));
			self.answers.begin((deal.id, number), now, async move {
				let _turn = proofs.acquire().await;
				if let Err(error) = agent.answer(&deal, number, range).await {
					agent.context.metrics().failed("keeper");
					let error = format!("{error:#}");
					tracing::error!(deal = deal.id, round = number, error, "a challenge is not answered yet");
				}
			});
		}
	}

	/// Agrees to go on with the deals of heads that were renewed, if they pay enough. What the operator has
	/// quit stays quit.
	fn stay(&mut self, view: &View, deals: &[Deal]) {
		let (account, now) = (self.agent.key.account(), view.number());
		self.stays.tidy(|(id, until)| deals.iter().any(|deal| deal.id == *id && deal.until == *until));
		for deal in deals {
			let Some((_, replica)) = deal.replica_of(&account) else { continue };
			let renewed =
				deal.model.is_some() && replica.until < deal.until && replica.leaves_after.is_none();
			if !renewed || replica.price < self.config.min_price.0 {
				continue;
			}
			if !self.stays.is_due(&(deal.id, deal.until), now) {
				continue;
			}
			let (agent, kept) = (self.agent.clone(), deal.clone());
			self.stays.begin((deal.id, deal.until), now, async move { agent.stay(&kept).await });
		}
	}

	/// Begins to take what there is room for and is here, and to fetch what is not.
	async fn take(&mut self, view: &View, round: &Round, deals: &[Deal]) -> anyhow::Result<()> {
		let (context, account, now) = (&self.agent.context, self.agent.key.account(), view.number());
		self.takings.tidy(|id| deals.iter().any(|deal| deal.id == *id));
		let keeper = own(view, &account).await?.filter(|keeper| keeper.free_at.is_none());
		let Some(keeper) = keeper else { return Ok(()) };
		let parameters = view.parameters().await?;
		let mut room = keeper.capacity.saturating_sub(keeper.used);
		let mut bond = keeper.bond.saturating_sub(keeper.staked);
		for deal in deals {
			let pays = deal.pays(round.number);
			let stake = parameters.stake(deal.blob.len);
			let wanted = pays.is_some_and(|price| price >= self.config.min_price.0)
				&& deal.replica_of(&account).is_none()
				&& deal.blob.len <= room
				&& stake <= bond;
			if !wanted {
				continue;
			}
			room = room.saturating_sub(deal.blob.len);
			bond = bond.saturating_sub(stake);
			if !self.takings.is_due(&deal.id, now) {
				continue;
			}
			match context.store().stat(&deal.blob.root) {
				Ok(found) if found == Some(deal.blob) => {
					let (agent, taken) = (self.agent.clone(), deal.clone());
					self.takings.begin(deal.id, now, async move { agent.take(&taken).await });
				}
				Ok(_) => context.want(&self.agent.chain, deal.blob).await?,
				Err(error) => {
					context.metrics().failed("keeper");
					tracing::error!(deal = deal.id, %error, "whether its blob is here cannot be told");
				}
			}
		}
		Ok(())
	}
}
