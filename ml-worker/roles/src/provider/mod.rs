//! Answers questions to models for pay: over HTTP for vouchers of channels, and requests on the chain.
//!
//! The server ([`oda_provider`]) takes requests, and keeps on disk what was promised and answered. The role gives it the chain
//! and the heads' weights, and redeems: vouchers are claimed many at a time, and a channel that is about to end is closed with its
//! last one. All there is to know is on the chain and in the server's folder.

pub(crate) mod chain;
pub(crate) mod claims;
mod config;
mod models;
mod requests;

pub use config::{PricedModel, ProviderConfig};

use crate::{
	amount::{Amount, oda},
	background::{Again, Background},
	card,
	context::Context,
	service::{self, Actor, Role, Step},
	standing::Candidate,
};
use anyhow::Context as _;
use chain::{Headed, Seen};
use oda_client::{AccountId, Chain, InferenceTerms, Key, StakeRole, View};
use oda_primitives::{ModelId, RequestId, VersionId};
use oda_provider::{Engine as _, Handle, Loaded, Server, claims::Claim};
use requests::{Due, Inputs, due};
use serde_json::json;
use std::{
	collections::HashMap,
	path::PathBuf,
	sync::{
		Arc,
		atomic::{AtomicU64, Ordering},
	},
};
use tokio::sync::{Semaphore, watch};

/// Blocks within which what was sent is looked for before it is sent again.
const SEND_AGAIN: u64 = 6;

/// Blocks after which it is looked again for a card that did not come.
const CARD_AGAIN: u64 = 100;

/// Provides.
pub async fn run(context: Context, key: Key, config: ProviderConfig) -> anyhow::Result<()> {
	service::run::<Provider>(context, Some(key), config, false).await
}

/// The folder of the ledger.
pub(crate) fn folder(context: &Context) -> PathBuf {
	context.settings().base_path.join(Provider::NAME)
}

/// A piece of a provider's work.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Piece {
	/// Having a version answer.
	Load { model: ModelId, version: VersionId },
	/// Getting a card.
	Card { root: [u8; 32] },
	/// Redeeming vouchers.
	Claim,
	/// Answering a request on the chain.
	Answer { request: RequestId },
	/// Having an answer to such a request paid.
	Settle { request: RequestId },
}

/// The role.
pub struct Provider {
	agent: Agent,
	models: Vec<ModelId>,
	server: Handle,
	claims: watch::Receiver<Vec<Claim>>,
	work: Background<Piece>,
	inputs: Inputs,
	/// Of versions that are loaded and no head any more: the block at which that was seen.
	replaced: HashMap<(ModelId, VersionId), u64>,
	standing: Candidate,
}

/// Who does a piece of work.
#[derive(Clone)]
struct Agent {
	actor: Actor,
	key: Key,
	receipt_key: Key,
	seen: Arc<Seen>,
	loaded: Arc<Loaded>,
	/// Whose turn it is to evaluate what was asked on the chain.
	turn: Arc<Semaphore>,
	/// The last block that has a claim.
	landed: Arc<AtomicU64>,
}

impl Role for Provider {
	const NAME: &'static str = "provider";
	type Config = ProviderConfig;

	async fn start(actor: Actor, config: ProviderConfig) -> anyhow::Result<Self> {
		let key = actor.needed_key(Self::NAME)?;
		config.check()?;
		let receipt_key = config.receipt_key(&key).context("the key that signs receipts")?;
		let (context, chain, account) = (&actor.context, &actor.chain, key.account());
		receipt_key.check_for(chain).await?;
		let view = chain.finalised().await?;
		let terms = view.inference_terms().await?;
		if config.offer {
			ensure_bonded(&view, &account, &terms).await?;
		}
		offer(&actor, &key, receipt_key.account(), &config, &terms).await?;

		let seen = Arc::new(Seen::new(context.clone(), chain.clone(), account));
		let loaded = Arc::<Loaded>::default();
		let folder = folder(context);
		let server = config.server(folder, receipt_key.clone(), &terms)?;
		let server = Server::start(server, Arc::clone(&seen) as _, Arc::clone(&loaded) as _).await?;
		context.metrics().serve(|registry| server.metrics().register(registry));
		let address = server.address();
		context.output().event(
			"providing",
			format!("providing as {account} at {address}"),
			json!({ "account": account, "address": address, "receipt_key": receipt_key.account() }),
		);
		let agent = Agent {
			key,
			receipt_key,
			seen,
			loaded,
			turn: Arc::new(Semaphore::new(1)),
			landed: Arc::default(),
			actor,
		};
		Ok(Self {
			models: config.models.iter().map(|priced| priced.model).collect(),
			claims: server.claims(),
			server,
			work: Background::new(&agent.actor.context, Self::NAME),
			inputs: Inputs::default(),
			replaced: HashMap::new(),
			standing: Candidate::new(account, StakeRole::Provider),
			agent,
		})
	}

	async fn block(&mut self, view: &View) -> anyhow::Result<Step> {
		let (now, chain) = (view.number(), self.agent.actor.chain.clone());
		let heads = self.heads(view).await?;
		let requests = self.agent.requests(view).await?;
		self.work.look(now, |piece| match piece {
			Piece::Load { model, version } => is_among(&heads, model, *version),
			Piece::Card { root } => {
				heads.iter().any(|headed| headed.card.as_ref().is_some_and(|card| card.blob.root == *root))
			}
			Piece::Claim => true,
			Piece::Answer { request } | Piece::Settle { request } => {
				requests.iter().any(|known| known.id == *request)
			}
		});
		self.drop_replaced(&heads, now);
		self.load(heads, now);
		self.claim(now);
		self.inputs.look(&chain, now, &requests).await?;
		let tick = view.tick().await?;
		for request in requests {
			let (agent, id) = (self.agent.clone(), request.id);
			match due(&request, tick) {
				Some(Due::Answer) => {
					let Some(input) = self.inputs.of(id) else { continue };
					let answer = async move { agent.answer(request, input).await };
					self.work.begin(Piece::Answer { request: id }, now, answer);
				}
				Some(Due::Settle) => {
					let settle = async move { agent.settle(id).await };
					self.work.begin(Piece::Settle { request: id }, now, settle);
				}
				None => {}
			}
		}
		self.standing.observe(&self.agent.actor.context, &chain, view).await;
		Ok(Step::GoOn)
	}

	async fn finish(mut self) -> anyhow::Result<()> {
		self.server.stop().await.context("the server")?;
		self.work.finish().await
	}
}

fn is_among(heads: &[Headed], model: &ModelId, version: VersionId) -> bool {
	heads.iter().any(|headed| headed.model == *model && headed.head.number == version)
}

/// Refuses an account whose stake does not answer for wrong outputs, as the chain would.
async fn ensure_bonded(view: &View, account: &AccountId, terms: &InferenceTerms) -> anyhow::Result<()> {
	let least = terms.receipt_slash.max(view.stake_terms().await?.min_provider_bond);
	let own = view.stake_pool(StakeRole::Provider, account).await?.map(|pool| pool.own);
	if let Some(error) = lacking(account, own, least) {
		anyhow::bail!(error);
	}
	Ok(())
}

/// What is wrong with an own bond, and which command helps.
fn lacking(account: &AccountId, own: Option<u128>, least: u128) -> Option<String> {
	let least = least.max(1);
	let missing = least.checked_sub(own.unwrap_or_default()).filter(|missing| *missing > 0)?;
	let (command, has) = match own {
		Some(own) => ("more", oda(own)),
		None => ("bond", "nothing".to_owned()),
	};
	let needed = oda(least);
	Some(format!(
		"a provider answers for wrong outputs with a bond of {needed} at least, and {account} has bonded {has}: \
		 ml-worker stake {command} provider {}",
		Amount(missing)
	))
}

/// Puts the offer on the chain, unless it is there; or takes it back.
async fn offer(
	actor: &Actor,
	key: &Key,
	receipt_key: AccountId,
	config: &ProviderConfig,
	terms: &InferenceTerms,
) -> anyhow::Result<()> {
	let chain: &Chain = &actor.chain;
	let there = chain.finalised().await?.offer(&key.account()).await?;
	let output = actor.context.output();
	if !config.offer {
		if there.is_some() {
			let receipt = chain.remove_offer(key).await.context("taking the offer back")?;
			output.event(
				"offer_removed",
				format!("the offer was taken back in block {}", receipt.block),
				json!({ "receipt": receipt }),
			);
		}
		return Ok(());
	}
	let offer = config.on_chain(receipt_key, terms);
	if there.as_ref() == Some(&offer) {
		return Ok(());
	}
	let receipt = chain.set_offer(key, &offer).await.context("offering")?;
	output.event(
		"offered",
		format!(
			"{} models offered at {} from block {} on",
			offer.models.len(),
			offer.endpoint,
			receipt.block
		),
		json!({ "offer": offer, "receipt": receipt }),
	);
	Ok(())
}

impl Provider {
	/// The models' heads in a state, and in the best block's: these will be the heads soon, and are loaded until then.
	async fn heads(&self, view: &View) -> anyhow::Result<Vec<Headed>> {
		let mut heads: Vec<Headed> = Vec::new();
		let best = self.agent.actor.chain.best().await?;
		for view in [view, &best] {
			for model in &self.models {
				let Some(headed) = self.agent.seen.headed(view, *model).await? else { continue };
				if !is_among(&heads, model, headed.head.number) {
					heads.push(headed);
				}
			}
		}
		Ok(heads)
	}

	/// Begins to get what is not loaded of the heads, and their cards.
	fn load(&mut self, heads: Vec<Headed>, now: u64) {
		for headed in heads {
			let (model, version) = (headed.model, headed.head.number);
			if let Some(card) = headed.card.clone().filter(|card| self.agent.seen.card(model, card).is_none())
			{
				let context = self.agent.actor.context.clone();
				self.work.begin(Piece::Card { root: card.blob.root }, now, async move {
					card::fetch(&context, &card).await.map(|_| Again::After(CARD_AGAIN))
				});
			}
			if !self.agent.loaded.is_ready(&model, version) {
				let agent = self.agent.clone();
				let load = async move { agent.load(headed).await };
				self.work.begin(Piece::Load { model, version }, now, load);
			}
		}
	}

	/// Drops what is no head any more, once the server knows that and no request waits for it.
	fn drop_replaced(&mut self, heads: &[Headed], now: u64) {
		let known = self.server.head().map_or(0, |head| head.number);
		let (server, replaced) = (&self.server, &mut self.replaced);
		self.agent.loaded.retain(|model, version| {
			let name = (*model, version);
			if is_among(heads, model, version) {
				replaced.remove(&name);
				return true;
			}
			let since = *replaced.entry(name).or_insert(now);
			let stays = known < since || server.is_under_way(model, version);
			if !stays {
				replaced.remove(&name);
			}
			stays
		});
	}

	/// Begins to redeem what is due. What was redeemed is due until the server knows of it.
	fn claim(&mut self, now: u64) {
		let known = self.server.head().map_or(0, |head| head.number);
		let due = self.claims.borrow().clone();
		if !due.is_empty() && known >= self.agent.landed.load(Ordering::Relaxed) {
			let agent = self.agent.clone();
			self.work.begin(Piece::Claim, now, async move { agent.claim(due).await });
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		evaluation,
		played::{Stage, end_of, head},
	};
	use oda_blobs::BlobSource;
	use oda_client::Version;
	use oda_evaluator::Evaluator;
	use oda_provider::chain::Chain as _;

	async fn agent(stage: &Stage) -> Agent {
		let actor = stage.actor().await;
		let seen = Arc::new(Seen::new(actor.context.clone(), actor.chain.clone(), stage.me()));
		let (key, receipt_key) = (stage.key.clone(), stage.key.clone());
		let turn = Arc::new(Semaphore::new(1));
		Agent { actor, key, receipt_key, seen, loaded: Arc::default(), turn, landed: Arc::default() }
	}

	#[tokio::test]
	async fn a_model_is_seen_as_of_the_block_that_is_asked_about() {
		let stage = Stage::set().await;
		let agent = agent(&stage).await;
		let (spec, weights) = evaluation::tests::case(agent.actor.context.store());
		let (seen, model) = (&agent.seen, spec.id());
		let first = head(stage.me(), weights, 2);
		stage.finalise(|block| block.set_model(&spec, Some(&first)));
		let before = seen.head().await.unwrap();
		let second = Version { number: 1, score: 3, ..first };
		stage.finalise(|block| block.set_model(&spec, Some(&second)));
		let after = seen.head().await.unwrap();
		assert!(after.number > before.number);
		for (at, version, score) in [(before, 0, 2), (after, 1, 3)] {
			let found = seen.model(at.hash, model).await.unwrap().unwrap();
			assert_eq!((found.version, found.score, found.weights), (version, score, weights.root));
			assert_eq!((*found.graph == spec.graph, found.card), (true, None));
		}
		assert_eq!(seen.offer(after.hash).await, Ok(None));
		assert_eq!(seen.channel(after.hash, 7).await, Ok(None));
		assert_eq!(seen.is_coming(7).await, Ok(false));
	}

	#[tokio::test]
	async fn a_model_that_has_no_head_is_not_seen() {
		let stage = Stage::set().await;
		let agent = agent(&stage).await;
		let (spec, _) = evaluation::tests::case(agent.actor.context.store());
		stage.finalise(|block| block.set_model(&spec, None));
		let at = agent.seen.head().await.unwrap().hash;
		assert!(agent.seen.model(at, spec.id()).await.unwrap().is_none());
	}

	#[tokio::test]
	async fn a_head_answers_as_the_reference_does_once_it_is_loaded() {
		let stage = Stage::set().await;
		let agent = agent(&stage).await;
		let (spec, weights) = evaluation::tests::case(agent.actor.context.store());
		stage.finalise(|block| block.set_model(&spec, Some(&head(stage.me(), weights, 2))));
		let view = agent.actor.chain.finalised().await.unwrap();
		let headed = agent.seen.headed(&view, spec.id()).await.unwrap().unwrap();
		assert!(!agent.loaded.is_ready(&spec.id(), 0));
		end_of("loading", agent.load(headed)).await.unwrap();
		assert!(agent.loaded.is_ready(&spec.id(), 0));
		let input = vec![1; usize::try_from(spec.graph.input_bytes()).unwrap()];
		let bytes = agent.actor.context.store().get(&weights).unwrap();
		let reference = Evaluator::new(&spec.graph, &bytes).unwrap().run(&input).unwrap();
		let expected: Vec<u8> = reference.iter().flat_map(|output| output.to_le_bytes()).collect();
		assert_eq!(agent.loaded.run(&spec.id(), 0, &[&input]), Ok(vec![expected]));
	}

	#[test]
	fn who_has_not_bonded_enough_is_told_how_to() {
		let account = AccountId([7; 32]);
		let unit = 1_000_000_000_000;
		assert_eq!(lacking(&account, Some(100 * unit), 100 * unit), None);
		let more = lacking(&account, Some(60 * unit), 100 * unit).unwrap();
		assert!(more.contains("ml-worker stake more provider 40"), "{more}");
		let bond = lacking(&account, None, 100 * unit).unwrap();
		assert!(bond.contains("ml-worker stake bond provider 100"), "{bond}");
	}
}
