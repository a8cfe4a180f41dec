//! The account's payment channels, while nobody else looks after them.
//!
//! **As their provider** it loses what it was promised and has not redeemed when a channel is closed. `serve` redeems by itself; while
//! none runs on this base path, a watcher does, from the ledger that it has left. A `serve` may start at any moment. So a
//! watcher closes only a channel whose user is closing it, on which nothing more is answered, and claims what was promised
//! on one that is about to expire: that takes nothing from what is promised later.
//!
//! **As their user** it loses nothing to a provider that closes a channel, which gets what the user has signed at most. But
//! what is left of a deposit, the deposit for an entry and the price of a request that nobody answered stay on hold until
//! somebody asks for them; and an answer that is known to be wrong can be disputed for so long only.

use crate::{background::Again, payer, provider, service::Actor};
use anyhow::{Context as _, ensure};
use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};
use oda_client::{ChainError, Key, OneShot, OneShotPhase, View};
use oda_inference::{Chore, Deposits, Payer};
use oda_primitives::{ChannelId, RequestId, Tick};
use oda_provider::{
	Ledger, Promise,
	claims::{self, Claim, Policy, Why},
};
use serde_json::json;
use std::sync::{Arc, atomic::AtomicU64};

/// Channels that are looked at together.
const TOGETHER: usize = 16;

/// Blocks between two looks at what there is to do as a user: nothing of it is a matter of minutes.
const LOOK: u64 = 20;

/// Looks between two at what all channels have paid, which the chain shows for a day at least after their
/// end.
const NOTES: u32 = 30;

/// Ticks that a provider is given to have an answer paid.
const PROVIDER_FIRST: Tick = 200;

/// A piece of work.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Piece {
	/// Redeeming what ends, as a provider.
	Redeem,
	/// Seeing to a channel, as its user.
	Tend(ChannelId, Chore),
	/// Settling a request on the chain, as its user.
	Settle(RequestId),
}

type Work = BoxFuture<'static, anyhow::Result<Again>>;

/// Redeems what the account was promised on channels that end, unless a provider runs on this base path.
pub(super) async fn redeem(actor: &Actor, key: &Key) -> anyhow::Result<Again> {
	let (folder, genesis) = (provider::folder(&actor.context), actor.chain.genesis());
	// Before the ledger is read: a provider that starts later goes by no earlier final block.
	let view = actor.chain.finalised().await?;
	let read = tokio::task::spawn_blocking(move || Ledger::promises(&folder, &genesis));
	let Some(promises) = read.await.context("reading the ledger")?? else { return Ok(Again::After(1)) };
	let tick = view.tick().await?;
	let due = stream::iter(promises.made)
		.map(|(id, promise)| due(&view, key, tick, id, promise))
		.buffer_unordered(TOGETHER)
		.try_filter_map(|claim| async move { Ok(claim) });
	let mut due: Vec<Claim> = due.try_collect().await?;
	claims::sort(&mut due);
	let again = match due.is_empty() {
		true => Again::After(1),
		false => {
			let landed = AtomicU64::default();
			provider::claims::redeem(actor, key, &due, |why| why == Why::Closing, &landed).await?
		}
	};
	let mut lost = Vec::new();
	for id in promises.damaged {
		let channel = view.channel(id).await?.filter(|channel| channel.ends_at().is_some());
		lost.extend(channel.filter(|channel| channel.provider == key.account()).map(|channel| channel.id));
	}
	ensure!(lost.is_empty(), "what is kept of channels {lost:?} is damaged: nothing can be redeemed of them");
	Ok(again)
}

/// What is due of what was promised to the account on a channel.
async fn due(
	view: &View,
	key: &Key,
	tick: Tick,
	id: ChannelId,
	promise: Promise,
) -> Result<Option<Claim>, ChainError> {
	let channel = view.channel(id).await?.filter(|channel| channel.provider == key.account());
	Ok(channel.and_then(|channel| {
		// Only what ends is due. Users ask no more on a channel that ends within its grace period.
		let policy = Policy { threshold: u128::MAX, margin: channel.grace };
		policy.due(id, &provider::chain::as_seen(&channel), &promise, tick)
	}))
}

/// What there is to do as a user.
#[derive(Default)]
pub(super) struct User {
	/// The account's wallet, once there is one.
	payer: Option<Arc<Payer<payer::User>>>,
	/// The block from which on it is looked again.
	next: u64,
	/// What there was to do at the last look.
	wanted: Vec<Piece>,
	/// How many looks there were.
	looks: u32,
}

impl User {
	/// Whether a piece is still to be done.
	pub(super) fn wants(&self, piece: &Piece) -> bool {
		*piece == Piece::Redeem || self.wanted.contains(piece)
	}

	/// What is to be begun at a block.
	pub(super) async fn look(
		&mut self,
		actor: &Actor,
		key: &Key,
		block: u64,
	) -> anyhow::Result<Vec<(Piece, Work)>> {
		if block < self.next {
			return Ok(Vec::new());
		}
		self.next = block.saturating_add(LOOK);
		let mut begun: Vec<(Piece, Work)> = Vec::new();
		let view = actor.chain.finalised().await?;
		let tick = view.tick().await?;
		for request in view.one_shots().await? {
			if request.user == key.account() && is_over(&request, tick) {
				let (actor, key, id) = (actor.clone(), key.clone(), request.id);
				begun.push((Piece::Settle(id), async move { settle(&actor, &key, id).await }.boxed()));
			}
		}
		if self.payer.is_none() && payer::has_wallet(&actor.context, &key.account()) {
			// Nothing is put in here.
			let deposits = Deposits { requests: 0, most: 0, term: 0 };
			self.payer = Some(Arc::new(payer::open(&actor.context, key.clone(), deposits).await?));
		}
		if let Some(payer) = &self.payer {
			if self.looks.is_multiple_of(NOTES)
				&& let Err(error) = payer.chain().observe_payments().await
			{
				tracing::warn!(error = format!("{error:#}"), "what channels have paid is not noted");
			}
			self.looks = self.looks.wrapping_add(1);
			for (channel, chore) in payer.chores().await? {
				let (actor, payer) = (actor.clone(), Arc::clone(payer));
				let work = async move { tend(&actor, &payer, channel, chore).await };
				begun.push((Piece::Tend(channel, chore), work.boxed()));
			}
		}
		self.wanted = begun.iter().map(|(piece, _)| *piece).collect();
		Ok(begun)
	}
}

/// Sees to a channel.
async fn tend(
	actor: &Actor,
	payer: &Payer<payer::User>,
	channel: ChannelId,
	chore: Chore,
) -> anyhow::Result<Again> {
	payer.see_to(channel, chore).await?;
	let (step, text) = match chore {
		// The court's words are told where it is asked.
		Chore::Dispute { .. } | Chore::Forget => return Ok(Again::After(1)),
		Chore::Close => ("closing", "its end is asked for, because an answer was wrong"),
		Chore::Finish => ("finished", "ended, and what was left of its deposit came back"),
		Chore::Remove => ("removed", "forgotten, and the deposit for its entry came back"),
	};
	actor.context.metrics().channels(step, 1);
	actor.context.output().event(
		"channel",
		format!("channel {channel}: {text}"),
		json!({ "channel": channel, "step": step }),
	);
	Ok(Again::After(1))
}

/// Whether a request on the chain can be settled, and nobody else is going to.
fn is_over(request: &OneShot, tick: Tick) -> bool {
	match request.phase {
		OneShotPhase::Asked(until) => tick >= until,
		OneShotPhase::Answered(_, until) => tick >= until.saturating_add(PROVIDER_FIRST),
	}
}

/// Settles a request on the chain.
async fn settle(actor: &Actor, key: &Key, request: RequestId) -> anyhow::Result<Again> {
	match actor.chain.settle_request(key, request).await {
		Ok(receipt) => actor.context.output().event(
			"settled",
			format!("request {request}: settled in block {}", receipt.block),
			json!({ "request": request, "receipt": receipt }),
		),
		// Somebody else was first.
		Err(error @ ChainError::Module { .. }) => tracing::info!(request, %error, "not settled"),
		Err(error) => return Err(error.into()),
	}
	Ok(Again::After(1))
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		played::{Stage, defence, end_of},
		service::Role,
		watcher::{Watcher, WatcherConfig},
	};
	use oda_client::{AccountId, Channel, ChannelPhase, played::event};
	use oda_inference::api::{Signature, SignedVoucher};
	use oda_primitives::{Voucher, inference::Price};
	use std::time::Duration;

	const CHANNEL: ChannelId = 7;

	/// A channel of 1,000 planck, at tick 100.
	fn channel(user: AccountId, provider: AccountId, phase: ChannelPhase) -> Channel {
		Channel {
			id: CHANNEL,
			user,
			provider,
			model: [3; 32],
			key: user,
			receipt_key: provider,
			price: Price { per_request: 1, per_mmac: 0 },
			deposit: 1_000,
			claimed: 200,
			grace: 50,
			receipts: 1_000,
			expires_at: 1_000,
			phase,
		}
	}

	fn put(stage: &Stage, channel: &Channel) {
		stage.finalise(|block| {
			block.govern(&[]);
			block.set_tick(100);
			block.set_channel(channel);
		});
	}

	const OTHER: AccountId = AccountId([9; 32]);

	/// The ledger of a provider that was promised 500 planck.
	async fn ledger(actor: &Actor) -> Ledger {
		let ledger = Ledger::open(&provider::folder(&actor.context), &actor.chain.genesis()).unwrap();
		let held = ledger.hold(CHANNEL, 0).unwrap().unwrap();
		let voucher = Voucher { channel: CHANNEL, version: 0, amount: 500, nonce: 3 };
		let last = Some(SignedVoucher { voucher, signature: Signature::Sr25519([0; 64]) });
		held.promise(Promise { last, ..Promise::default() }).await.unwrap();
		ledger
	}

	/// How often a watcher has closed the channel, and claimed of it, after one look.
	async fn redeemed(stage: &Stage, actor: &Actor) -> (usize, usize) {
		let running = stage.node.run();
		end_of("redeeming", redeem(actor, &stage.key)).await.unwrap();
		running.abort();
		(stage.called("Inference.close"), stage.called("Inference.claim"))
	}

	#[tokio::test]
	async fn a_channel_that_its_user_closes_is_closed_with_the_last_voucher_while_no_provider_runs() {
		let stage = Stage::set().await;
		let actor = stage.actor().await;
		drop(ledger(&actor).await);
		put(&stage, &channel(OTHER, stage.me(), ChannelPhase::Closing(140)));
		assert_eq!(redeemed(&stage, &actor).await, (1, 0));
		let called = stage.node.state().called();
		let (id, last, voucher) = called[0].arguments::<(ChannelId, u8, Voucher)>();
		assert_eq!((id, last, voucher.amount, voucher.nonce), (CHANNEL, 1, 500, 3));
		let counted = "oda_worker_channels_total{step=\"redeemed\"} 1";
		assert!(actor.context.metrics().text().unwrap().contains(counted));
	}

	#[tokio::test]
	async fn a_channel_that_expires_soon_is_claimed_and_not_closed() {
		let stage = Stage::set().await;
		let actor = stage.actor().await;
		drop(ledger(&actor).await);
		let open = channel(OTHER, stage.me(), ChannelPhase::Open);
		put(&stage, &Channel { expires_at: 150, ..open });
		// Whoever serves now may be promised more on it.
		assert_eq!(redeemed(&stage, &actor).await, (0, 1));
	}

	#[tokio::test]
	async fn nothing_is_redeemed_that_is_not_about_to_be_lost() {
		let stage = Stage::set().await;
		let actor = stage.actor().await;
		drop(ledger(&actor).await);
		let mine = channel(OTHER, stage.me(), ChannelPhase::Open);
		let closing = ChannelPhase::Closing(140);
		for safe in [
			Channel { expires_at: 151, ..mine.clone() },
			Channel { phase: closing, claimed: 500, ..mine.clone() },
			Channel { phase: ChannelPhase::Closed(140), ..mine.clone() },
			// It is another provider's.
			Channel { phase: closing, provider: OTHER, ..mine },
		] {
			put(&stage, &safe);
			assert_eq!(redeemed(&stage, &actor).await, (0, 0), "{safe:?}");
		}
	}

	#[tokio::test]
	async fn a_provider_that_runs_redeems_by_itself() {
		let stage = Stage::set().await;
		let actor = stage.actor().await;
		let running = ledger(&actor).await;
		put(&stage, &channel(OTHER, stage.me(), ChannelPhase::Closing(140)));
		assert_eq!(redeemed(&stage, &actor).await, (0, 0));
		drop(running);
		assert_eq!(redeemed(&stage, &actor).await, (1, 0));
	}

	#[tokio::test]
	async fn a_damaged_promise_of_a_channel_that_lives_is_told_and_no_other_waits_for_it() {
		let stage = Stage::set().await;
		let actor = stage.actor().await;
		let ledger = ledger(&actor).await;
		drop(ledger.hold(8, 0).unwrap().unwrap().promise(Promise::default()).await);
		drop(ledger);
		let folder = provider::folder(&actor.context).join(hex::encode(actor.chain.genesis()));
		std::fs::write(folder.join("8/promise"), b"{}").unwrap();
		put(&stage, &channel(OTHER, stage.me(), ChannelPhase::Closing(140)));
		let damaged = Channel { id: 8, ..channel(OTHER, stage.me(), ChannelPhase::Open) };
		put(&stage, &damaged);
		let running = stage.node.run();
		let error = end_of("redeeming", redeem(&actor, &stage.key)).await.unwrap_err();
		running.abort();
		assert!(error.to_string().contains("[8] is damaged"), "{error}");
		assert_eq!(stage.called("Inference.close"), 1);
	}

	/// Watches until something was called.
	async fn watched(stage: &Stage, actor: &Actor, name: &str) {
		let config = WatcherConfig { check: false, ..WatcherConfig::default() };
		let mut watcher = Watcher::start(actor.clone(), config).await.unwrap();
		end_of(name, async {
			while stage.included(name) == 0 {
				watcher.block(&defence(&actor.chain).await).await.unwrap();
				tokio::time::sleep(Duration::from_millis(20)).await;
				stage.finalise(|_| ());
			}
			// What is under way sees it.
			let running = stage.node.run();
			watcher.finish().await.unwrap();
			running.abort();
		})
		.await;
	}

	/// The account's wallet, which knows a channel.
	async fn wallet(stage: &Stage, actor: &Actor, channel: &Channel) -> Payer<payer::User> {
		put(stage, channel);
		let deposits = Deposits { requests: 0, most: 0, term: 0 };
		let payer = payer::open(&actor.context, stage.key.clone(), deposits).await.unwrap();
		payer::remember(&payer, CHANNEL).await.unwrap();
		payer
	}

	#[tokio::test]
	async fn what_is_left_of_a_channel_comes_back_once_its_term_has_passed() {
		let stage = Stage::set().await;
		let actor = stage.actor().await;
		let open = channel(stage.me(), OTHER, ChannelPhase::Open);
		wallet(&stage, &actor, &Channel { expires_at: 100, ..open }).await;
		watched(&stage, &actor, "Inference.finish_close").await;
		let counted = "oda_worker_channels_total{step=\"finished\"} 1";
		assert!(actor.context.metrics().text().unwrap().contains(counted));
	}

	#[tokio::test]
	async fn a_closed_channel_is_removed_once_its_receipts_are_evidence_no_more() {
		let stage = Stage::set().await;
		let actor = stage.actor().await;
		wallet(&stage, &actor, &channel(stage.me(), OTHER, ChannelPhase::Closed(100))).await;
		watched(&stage, &actor, "Inference.remove").await;
	}

	#[tokio::test]
	async fn the_end_of_a_channel_is_asked_for_whose_provider_was_wrong() {
		let stage = Stage::set().await;
		let actor = stage.actor().await;
		let payer = wallet(&stage, &actor, &channel(stage.me(), OTHER, ChannelPhase::Open)).await;
		let mut ledger = payer.wallet().take(CHANNEL, Duration::ZERO).await.unwrap();
		ledger.stop("it was wrong", b"").unwrap();
		drop(ledger);
		stage.node.state().effect = Box::new(|block, place, called| {
			if called.name == "Inference.begin_close" {
				block.outcomes.push((place, event("Inference", "CloseBegun", &[])));
			}
		});
		watched(&stage, &actor, "Inference.begin_close").await;
	}

	#[tokio::test]
	async fn an_account_without_a_wallet_gets_none() {
		let stage = Stage::set().await;
		let actor = stage.actor().await;
		put(&stage, &channel(stage.me(), OTHER, ChannelPhase::Open));
		let begun = User::default().look(&actor, &stage.key, 10).await.unwrap();
		assert!(begun.is_empty() && !stage.base.path().join("wallets").exists());
	}

	#[test]
	fn a_request_that_nobody_answered_is_settled_at_once_and_an_answer_is_its_providers_first() {
		let phases = [OneShotPhase::Asked(100), OneShotPhase::Answered(0, 100)];
		let over = phases.map(|phase| {
			let request = OneShot {
				id: 1,
				user: OTHER,
				provider: OTHER,
				model: [0; 32],
				version: 0,
				receipt_key: OTHER,
				input: [0; 32],
				count: 1,
				price: 1,
				dispute: 10,
				phase,
			};
			[99, 100, 100 + PROVIDER_FIRST].map(|tick| is_over(&request, tick))
		});
		assert_eq!(over, [[false, true, true], [false, false, true]]);
	}
}
