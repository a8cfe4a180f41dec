//! Keeps blobs for pay: takes deals, answers the challenges of each round, and repairs.
//!
//! A blob is here, whole and checked, before its deal is taken. What is kept is pinned, so that nothing deletes it.
//! All there is to know is on the chain and in the store: after a restart the first look at the round goes on
//! where it was. A look waits for nothing slow: what takes time is done in the background, and what came of it is
//! read from the state that is looked at anyway.

mod rounds;
#[cfg(test)]
mod tests;

use crate::{
	amount::Amount,
	background::{Again, Background},
	context::Context,
	metrics::Kept,
	service::{self, Actor, Role, Step},
	wanted::{Waiting, Wish},
};
use anyhow::Context as _;
use oda_blobs::{BlobError, BlobSource, Holder};
use oda_client::{
	AccountId, Chain, ChainError, Deal, Keeper as Enlisted, Key, Round, View,
	errors::{RuntimeError, StorageDeals},
};
use oda_primitives::{DealId, RangeProof, RoundNumber, message};
use rounds::Rounds;
use serde::{Deserialize, Serialize};
use std::{
	collections::{HashMap, HashSet},
	ops::Range,
	sync::{Arc, Mutex, PoisonError},
};
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

/// Blocks within which what was sent is looked for before it is sent again.
const SEND_AGAIN: u64 = 6;

/// Blocks after which a deal is passed over whose blob has not come, and one more for each MiB of it: then twice as many,
/// and so on. What has come of it stays, and is gone on from.
const PATIENCE: u64 = 100;

/// The most deals whose blobs are fetched at a time.
const CANDIDATES: usize = 32;

/// Keeps.
pub async fn run(context: Context, key: Key, config: KeeperConfig) -> anyhow::Result<()> {
	service::run::<Keeper>(context, Some(key), config, false).await
}

/// A piece of a keeper's work.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Piece {
	/// Answering a challenge.
	Answer { deal: DealId, round: RoundNumber },
	/// Agreeing to a longer term.
	Stay { deal: DealId, until: RoundNumber },
	/// Taking a replica.
	Take { deal: DealId },
}

/// The role.
pub struct Keeper {
	agent: Agent,
	config: KeeperConfig,
	work: Background<Piece>,
	rounds: Rounds,
	pinned: HashSet<[u8; 32]>,
	/// What is fetched for deals that are not taken yet.
	candidates: HashMap<DealId, Candidate>,
	/// Deals whose blobs nobody had, or of which the runtime refused a replica: how often, and until which block they are
	/// passed over.
	shunned: HashMap<DealId, (u32, u64)>,
	kept: Kept,
}

/// A blob that is fetched, or was, for a deal that may be taken.
struct Candidate {
	root: [u8; 32],
	/// The block at which fetching it began.
	begun: u64,
	/// Fetches it for as long as this is held.
	_wish: Option<Arc<Wish>>,
}

impl Role for Keeper {
	const NAME: &'static str = "keeper";
	type Config = KeeperConfig;

	async fn start(actor: Actor, config: KeeperConfig) -> anyhow::Result<Self> {
		let key = actor.needed_key(Self::NAME)?;
		let (context, account) = (&actor.context, key.account());
		bind(context, &actor.chain, &key).await?;
		enlist(context, &actor.chain, &key, &config).await?;
		context.output().event(
			"keeping",
			format!("keeping up to {} MiB as {account}", config.capacity_mib),
			serde_json::json!({ "account": account, "capacity_mib": config.capacity_mib }),
		);
		Self::begin(actor, key, config).await
	}

	async fn block(&mut self, view: &View) -> anyhow::Result<Step> {
		let account = self.agent.key.account();
		let (deals, round) = (view.deals().await?, view.round().await?);
		let number = round.as_ref().map(|round| round.number);
		self.work.look(view.number(), |piece| match piece {
			Piece::Answer { round, .. } => Some(*round) == number,
			Piece::Stay { deal, until } => deals.iter().any(|d| d.id == *deal && d.until == *until),
			Piece::Take { deal } => deals.iter().any(|d| d.id == *deal),
		});
		if let Some(round) = &round {
			self.answer(view, round, &deals);
		}
		let is_final = self.agent.actor.chain.finalised().await?.number() >= view.number();
		self.pin(&deals, &account, is_final);
		if let Some(round) = &round {
			tell(&self.agent.actor.context, self.rounds.look(round.number, &deals, &account));
			// What is promised is promised by final state alone.
			if self.config.take && is_final {
				self.stay(view, &deals);
				self.take(view, round, &deals).await?;
			}
		}
		let replicas = deals.iter().filter_map(|deal| deal.replica_of(&account));
		self.kept.set(replicas.map(|(_, replica)| replica));
		Ok(Step::GoOn)
	}

	async fn finish(mut self) -> anyhow::Result<()> {
		self.work.finish().await
	}
}

/// Has a blob stay no longer for a deal that was not taken, and deletes it, unless something else needs it.
fn drop_candidate(context: &Context, root: &[u8; 32]) -> anyhow::Result<()> {
	context.store().unpin(Holder::Candidate, root)?;
	// What the owner stored is the owner's.
	if context.store().is_passing(root) && !context.is_needed(root)? {
		context.store().remove(root)?;
	}
	Ok(())
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

async fn own(view: &View, account: &AccountId) -> Result<Option<Enlisted>, ChainError> {
	Ok(view.keepers().await?.into_iter().find(|keeper| keeper.account == *account))
}

/// Who does a piece of work.
#[derive(Clone)]
struct Agent {
	actor: Actor,
	key: Key,
	/// Whose turn it is to read the disk.
	proofs: Arc<Semaphore>,
	/// Deals of which the runtime refused a replica, until that is taken note of.
	refused: Arc<Mutex<Vec<DealId>>>,
}

impl Agent {
	/// The chunk that is asked for, and its path, from the disk.
	async fn prove(&self, deal: &Deal, range: Range<u64>) -> Result<RangeProof, BlobError> {
		let _turn = self.proofs.acquire().await;
		let (store, blob) = (self.actor.context.store().clone(), deal.blob);
		let worked = tokio::task::spawn_blocking(move || store.prove(&blob, range)).await;
		worked.map_err(|error| BlobError::Read(std::io::Error::other(error)))?
	}

	/// Gives the node the answer to a challenge; gets the blob, if it is that which it lacks.
	async fn answer(&self, deal: &Deal, round: RoundNumber, range: Range<u64>) -> anyhow::Result<()> {
		let Actor { context, chain, .. } = &self.actor;
		let mut waiting = Waiting::new(context, chain);
		let proof = loop {
			match self.prove(deal, range.clone()).await {
				Ok(proof) => break proof,
				Err(error) if error.is_absent() => waiting.wait(deal.blob).await?,
				Err(error) => return Err(error.into()),
			}
			// As long as this answer is asked for: a fork that is left may have asked for another.
			let view = chain.defence_view().await?;
			let asked = match (view.round().await?, view.deal(deal.id).await?) {
				(Some(now), Some(deal)) if now.number == round => deal.challenge(&now, &self.key.account()),
				_ => None,
			};
			if asked.as_ref() != Some(&range) {
				return Ok(());
			}
		};
		match chain.pool_proof(&self.key, deal.id, round, proof).await {
			// A block has it that is not final yet.
			Err(error)
				if matches!(
					error.module(),
					Some(RuntimeError::StorageDeals(StorageDeals::AlreadyProved))
				) =>
			{
				Ok(())
			}
			done => Ok(done?),
		}
	}

	/// Agrees to a longer term of a renewed deal, and says so once that is final.
	async fn stay(&self, deal: &Deal) -> anyhow::Result<()> {
		let receipt = self.actor.chain.stay_in_deal(&self.key, deal.id).await?;
		self.actor.context.output().event(
			"stays",
			format!("deal {}: kept until round {}", deal.id, deal.until),
			serde_json::json!({ "deal": deal.id, "until": deal.until, "receipt": receipt }),
		);
		Ok(())
	}

	/// Takes a replica of what is here, whole and checked, and says so once that is final.
	async fn take(&self, deal: &Deal) -> anyhow::Result<()> {
		let (store, blob) = (self.actor.context.store().clone(), deal.blob);
		match tokio::task::spawn_blocking(move || store.open_blob(&blob)).await? {
			Ok(_) => {}
			// It is fetched again.
			Err(error) if error.is_absent() => return Ok(()),
			Err(error) => return Err(error.into()),
		}
		let blob = hex::encode(deal.blob.root);
		match self.actor.chain.take_replica(&self.key, deal.id).await {
			Ok(receipt) => self.actor.context.output().event(
				"taken",
				format!("deal {}: keeping {blob} in block {}", deal.id, receipt.block),
				serde_json::json!({
					"deal": deal.id,
					"blob": blob,
					"len": deal.blob.len,
					"receipt": receipt,
				}),
			),
			// Somebody else was first, or there is no bond left for it. To be refused costs a fee each time.
			Err(error @ ChainError::Module { .. }) => {
				tracing::info!(deal = deal.id, %error, "not taken");
				self.refused.lock().unwrap_or_else(PoisonError::into_inner).push(deal.id);
			}
			Err(error) => return Err(error.into()),
		}
		Ok(())
	}
}

impl Keeper {
	/// Takes up what lies in the store.
	async fn begin(actor: Actor, key: Key, config: KeeperConfig) -> anyhow::Result<Self> {
		let context = &actor.context;
		let kept = context.metrics().kept(key.account().to_string());
		let pinned = context.store().pinned(Holder::Keeper)?.into_iter().collect();
		// What a process fetched that was interrupted may be taken already, or be about to.
		let deals = actor.chain.finalised().await?.deals().await?;
		let mut candidates = HashMap::new();
		for root in context.store().pinned(Holder::Candidate)? {
			match deals.iter().find(|deal| deal.blob.root == root) {
				Some(deal) => drop(candidates.insert(deal.id, Candidate { root, begun: 0, _wish: None })),
				None => drop_candidate(context, &root)?,
			}
		}
		let work = Background::new(context, Self::NAME);
		Ok(Self {
			agent: Agent { actor, key, proofs: Arc::new(Semaphore::new(PROOFS)), refused: Arc::default() },
			config,
			work,
			rounds: Rounds::default(),
			pinned,
			candidates,
			shunned: HashMap::new(),
			kept,
		})
	}

	/// Begins to answer the challenges of this round that are not answered, each by itself.
	fn answer(&mut self, view: &View, round: &Round, deals: &[Deal]) {
		let (account, now, number) = (self.agent.key.account(), view.number(), round.number);
		for deal in deals {
			let Some(range) = deal.challenge(round, &account) else { continue };
			let (agent, deal) = (self.agent.clone(), deal.clone());
			let piece = Piece::Answer { deal: deal.id, round: number };
			self.work.begin(piece, now, async move {
				agent.answer(&deal, number, range).await.map(|()| Again::After(SEND_AGAIN))
			});
		}
	}

	/// Pins the blobs of an account's replicas, and, by final state, no others; what fails is tried again at the next
	/// block.
	fn pin(&mut self, deals: &[Deal], account: &AccountId, is_final: bool) {
		let mine = deals.iter().filter(|deal| deal.replica_of(account).is_some());
		let mine: HashSet<_> = mine.map(|deal| deal.blob.root).collect();
		let context = &self.agent.actor.context;
		let store = context.store();
		let changed: Vec<_> = mine.symmetric_difference(&self.pinned).copied().collect();
		for root in changed {
			let done = if !is_final && !mine.contains(&root) {
				continue;
			} else if mine.contains(&root) {
				store.pin(Holder::Keeper, &root).map(|()| self.pinned.insert(root))
			} else {
				store.unpin(Holder::Keeper, &root).map(|_| self.pinned.remove(&root))
			};
			if let Err(error) = done {
				context.metrics().failed(Self::NAME);
				tracing::error!(blob = hex::encode(root), %error, "what is pinned cannot be changed");
			}
		}
	}

	/// Agrees to go on with the deals of heads that were renewed, if they pay enough. What the operator has
	/// quit stays quit.
	fn stay(&mut self, view: &View, deals: &[Deal]) {
		let (account, now) = (self.agent.key.account(), view.number());
		for deal in deals {
			let Some((_, replica)) = deal.replica_of(&account) else { continue };
			let renewed =
				deal.model.is_some() && replica.until < deal.until && replica.leaves_after.is_none();
			if !renewed || replica.price < self.config.min_price.0 {
				continue;
			}
			let (agent, kept) = (self.agent.clone(), deal.clone());
			let piece = Piece::Stay { deal: deal.id, until: deal.until };
			let stay = async move { agent.stay(&kept).await.map(|()| Again::After(SEND_AGAIN)) };
			self.work.begin(piece, now, stay);
		}
	}

	/// Begins to take what there is room for and is here, and to fetch what is not. What is kept and what is fetched
	/// have no more bytes together than were bonded for.
	async fn take(&mut self, view: &View, round: &Round, deals: &[Deal]) -> anyhow::Result<()> {
		let (account, now) = (self.agent.key.account(), view.number());
		let enlisted = own(view, &account).await?.filter(|keeper| keeper.free_at.is_none());
		let parameters = view.parameters().await?;
		let mut room = enlisted.as_ref().map_or(0, |keeper| keeper.capacity.saturating_sub(keeper.used));
		let mut bond = enlisted.as_ref().map_or(0, |keeper| keeper.bond.saturating_sub(keeper.staked));
		let mut wanted = HashSet::new();
		self.shunned.retain(|id, _| deals.iter().any(|deal| deal.id == *id));
		let refused = std::mem::take(&mut *self.agent.refused.lock().unwrap_or_else(PoisonError::into_inner));
		for deal in refused {
			self.shun(deal, now);
		}
		for deal in deals {
			self.lose_patience(deal, now)?;
		}
		let is_taking = |id: &DealId| !self.work.is_due(&Piece::Take { deal: *id }, now);
		// First those that are being taken, then those that are fetched, so that they are not given up for others.
		let (taking, others): (Vec<_>, Vec<_>) = deals.iter().partition(|deal| is_taking(&deal.id));
		let (begun, others): (Vec<_>, Vec<_>) =
			others.into_iter().partition(|deal| self.candidates.contains_key(&deal.id));
		for deal in taking.into_iter().chain(begun).chain(others) {
			let pays = deal.pays(round.number);
			let stake = parameters.stake(deal.blob.len);
			let is_free = deal.replica_of(&account).is_none();
			let fits = pays.is_some_and(|price| price >= self.config.min_price.0)
				&& is_free && deal.blob.len <= room
				&& stake <= bond
				&& self.shunned.get(&deal.id).is_none_or(|(_, until)| now >= *until)
				&& wanted.len() < CANDIDATES;
			// What came of a transaction that was sent is not known yet, even if it should be in vain.
			if fits || is_free && is_taking(&deal.id) {
				room = room.saturating_sub(deal.blob.len);
				bond = bond.saturating_sub(stake);
			}
			if fits {
				wanted.insert(deal.id);
			}
		}
		// What is being taken, or was, is not given up.
		let taken = |id: &DealId| deals.iter().any(|d| d.id == *id && d.replica_of(&account).is_some());
		let held: HashSet<_> = self.candidates.keys().copied().filter(|id| taken(id)).collect();
		let under_way: HashSet<_> = self.candidates.keys().copied().filter(is_taking).collect();
		for id in held {
			if let Some(candidate) = self.candidates.remove(&id)
				&& self.pinned.contains(&candidate.root)
			{
				self.agent.actor.context.store().unpin(Holder::Candidate, &candidate.root)?;
			}
		}
		self.give_up(|id| wanted.contains(id) || under_way.contains(id));
		for deal in deals.iter().filter(|deal| wanted.contains(&deal.id)) {
			self.take_one(deal, now).await?;
		}
		Ok(())
	}

	/// Passes a deal over for a while whose blob nobody has had for long: others may be real.
	fn lose_patience(&mut self, deal: &Deal, now: u64) -> anyhow::Result<()> {
		let Some(candidate) = self.candidates.get_mut(&deal.id) else { return Ok(()) };
		if self.agent.actor.context.store().stat(&candidate.root)?.is_some() {
			return Ok(());
		}
		// Of a process that was interrupted: it begins anew.
		if candidate.begun == 0 {
			candidate.begun = now;
		}
		let patience = PATIENCE.saturating_add(deal.blob.len >> 20);
		if now.saturating_sub(candidate.begun) >= patience {
			self.shun(deal.id, now);
		}
		Ok(())
	}

	/// Passes a deal over for a while, twice as long each time.
	fn shun(&mut self, deal: DealId, now: u64) {
		let times = self.shunned.get(&deal).map_or(0, |(times, _)| *times);
		let pause = PATIENCE.saturating_mul(1 << times.min(6));
		self.shunned.insert(deal, (times.saturating_add(1), now.saturating_add(pause)));
	}

	/// Gives up what was fetched for deals that are not wanted any more. What was taken meanwhile is pinned.
	fn give_up(&mut self, wanted: impl Fn(&DealId) -> bool) {
		let context = &self.agent.actor.context;
		let given_up: Vec<_> = self.candidates.extract_if(|id, _| !wanted(id)).collect();
		for (deal, candidate) in given_up {
			if self.candidates.values().any(|other| other.root == candidate.root) {
				continue;
			}
			if let Err(error) = drop_candidate(context, &candidate.root) {
				context.metrics().failed(Self::NAME);
				tracing::error!(deal, error = format!("{error:#}"), "what was fetched cannot be deleted");
			}
		}
	}

	async fn take_one(&mut self, deal: &Deal, now: u64) -> anyhow::Result<()> {
		let Actor { context, chain, .. } = &self.agent.actor;
		let store = context.store();
		if store.has(&deal.blob)? {
			let (agent, taken) = (self.agent.clone(), deal.clone());
			let piece = Piece::Take { deal: deal.id };
			self.work.begin(piece, now, async move {
				agent.take(&taken).await.map(|()| Again::After(SEND_AGAIN))
			});
		}
		let here = store.stat(&deal.blob.root)?.is_some();
		match self.candidates.get_mut(&deal.id) {
			Some(candidate) if !here => candidate._wish = context.wish(chain, deal.blob).await?,
			Some(_) => {}
			None if !here => {
				store.pin(Holder::Candidate, &deal.blob.root)?;
				let wish = context.wish(chain, deal.blob).await?;
				self.candidates.insert(deal.id, Candidate { root: deal.blob.root, begun: now, _wish: wish });
			}
			// Somebody else's, that is here anyway.
			None => {}
		}
		Ok(())
	}
}
