//! Demands for weights: answering those that this worker can, and taking what others post.
//!
//! Posting is free, and brings nothing but that the weights can be had. So the one whose claim it is answers at once,
//! and the others wait for a while of their own, by account and demand, so that not all upload the same.

use crate::{
	background::{Again, Background},
	context::Context,
	service::{self, Actor, Role, Step},
};
use oda_blobs::{BlobError, BlobSource};
use oda_client::{AccountId, Chain, ChainError, Demand, Key, Target, View};
use oda_primitives::{BlobRef, Tick};
use std::{future::Future, time::Duration};

/// How often it is looked whether somebody else has stopped answering.
const TURN: Duration = Duration::from_secs(1);

/// Blocks between two attempts to post the same weights.
const POST_AGAIN: u64 = 8;

/// Blocks back from the last final one whose bodies are looked at after an interruption.
const LOOK_BACK: u64 = 200;

/// Does `work`, and answers demands meanwhile, for as long as nobody else of this process does so for this account.
/// What comes of that is nothing to the work.
pub async fn beside<T>(
	context: &Context,
	key: &Key,
	work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
	let answers = async {
		let _turn = loop {
			match Turn::take(context, key.account()) {
				Some(turn) => break turn,
				None => tokio::time::sleep(TURN).await,
			}
		};
		service::keep_running(Answers::NAME, context.metrics(), || {
			service::follow::<Answers>(context.clone(), Some(key.clone()), (), false)
		})
		.await
	};
	tokio::select! {
		done = work => done,
		ended = answers => match ended {
			// It has no end but this one.
			Ok(()) => std::future::pending().await,
			Err(error) => Err(error),
		},
	}
}

/// That demands are answered for an account, once in a process.
struct Turn<'a> {
	context: &'a Context,
	account: AccountId,
}

impl<'a> Turn<'a> {
	fn take(context: &'a Context, account: AccountId) -> Option<Self> {
		// Made only if it is taken: to drop one that is not would give up another's.
		context.answering().insert(account.0).then(|| Self { context, account })
	}
}

impl Drop for Turn<'_> {
	fn drop(&mut self) {
		self.context.answering().remove(&self.account.0);
	}
}

/// Posts what is demanded and lies in the store, and stores what others have posted.
struct Answers {
	actor: Actor,
	key: Key,
	/// The last block that was looked at for what others have posted.
	seen: Option<u64>,
	posts: Background<Target>,
}

impl Role for Answers {
	const NAME: &'static str = "demands";
	type Config = ();

	async fn start(actor: Actor, (): ()) -> anyhow::Result<Self> {
		let key = actor.needed_key(Self::NAME)?;
		let posts = Background::new(&actor.context, Self::NAME);
		Ok(Self { actor, key, seen: None, posts })
	}

	async fn block(&mut self, view: &View) -> anyhow::Result<Step> {
		let Actor { context, chain, .. } = &self.actor;
		let seen = self.seen.unwrap_or(view.number().saturating_sub(1));
		self.seen = Some(take_posted(context, chain, view, seen).await?);
		let (demands, now) = (view.demands().await?, view.number());
		self.posts.look(now, |target| demands.iter().any(|demand| demand.target == *target));
		for demand in demands {
			if self.posts.is_due(&demand.target, now) && is_our_turn(view, &self.key, &demand).await? {
				let (actor, target) = (self.actor.clone(), demand.target);
				self.posts.begin(target, now, async move {
					post(&actor, &demand).await.map(|()| Again::After(POST_AGAIN))
				});
			}
		}
		Ok(Step::GoOn)
	}

	async fn finish(mut self) -> anyhow::Result<()> {
		self.posts.finish().await
	}
}

/// Stores the weights that were posted after block `seen`; the last block that was looked at.
async fn take_posted(context: &Context, chain: &Chain, view: &View, seen: u64) -> anyhow::Result<u64> {
	let from = (seen + 1).max(view.number().saturating_sub(LOOK_BACK));
	for number in from..=view.number() {
		// What lies on the best chain alone is looked at once it is final.
		let Some(at) = chain.at(number).await? else { return Ok(number - 1) };
		for (target, weights) in at.posted_weights().await? {
			let (store, blob) = (context.store(), BlobRef::of(&weights));
			let stored = store.has(&blob).and_then(|here| match here {
				true => Ok(()),
				false => store.put(&weights).and_then(|blob| store.mark_passing(&blob.root)),
			});
			match stored {
				Ok(()) => {
					tracing::info!(%target, root = hex::encode(blob.root), block = number, "weights were posted");
				}
				Err(error) => tracing::error!(%target, %error, "posted weights cannot be stored"),
			}
		}
	}
	Ok(view.number())
}

/// Whether it is this account that is to answer a demand at this block.
async fn is_our_turn(view: &View, key: &Key, demand: &Demand) -> Result<bool, ChainError> {
	let (tick, window) = (view.tick().await?, view.parameters().await?.demand_window);
	let mine = owner(view, demand.target).await? == Some(key.account());
	let wait = if mine { 0 } else { patience(&key.account(), demand, window / 2) };
	let turn = demand.until.saturating_sub(window).saturating_add(wait);
	Ok(tick >= turn && tick.saturating_add(1) < demand.until)
}

/// Posts demanded weights, if they are here.
async fn post(actor: &Actor, demand: &Demand) -> anyhow::Result<()> {
	let (store, blob, target) = (actor.context.store().clone(), demand.weights, demand.target);
	let weights = match tokio::task::spawn_blocking(move || store.get(&blob)).await? {
		Ok(weights) => weights,
		// Others may have them.
		Err(error) if error.is_absent() || matches!(error, BlobError::WrongLength { .. }) => return Ok(()),
		Err(error) => return Err(error.into()),
	};
	match actor.chain.post_weights(target, weights).await {
		Ok(receipt) => actor.context.output().event(
			"posted",
			format!("posted the weights of {target} in block {}", receipt.block),
			serde_json::json!({ "target": target, "receipt": receipt }),
		),
		Err(error @ ChainError::Module { .. }) => tracing::debug!(%target, %error, "somebody else was first"),
		Err(error) => return Err(error.into()),
	}
	Ok(())
}

/// Whose claim or version it is.
async fn owner(view: &View, target: Target) -> Result<Option<AccountId>, ChainError> {
	Ok(match target {
		Target::Submission(id) => view.submission(id).await?.map(|submission| submission.trainer),
		Target::Head(id) => match view.model(id).await? {
			Some(model) => view.head(&model).await?.map(|head| head.trainer),
			None => None,
		},
	})
}

/// For how many ticks an account lets others answer first, at most `longest`.
fn patience(account: &AccountId, demand: &Demand, longest: Tick) -> Tick {
	let mut hasher = blake3::Hasher::new();
	hasher.update(&account.0).update(&demand.weights.root).update(&demand.until.to_le_bytes());
	let [a, b, c, d, ..] = *hasher.finalize().as_bytes();
	1 + Tick::from(u32::from_le_bytes([a, b, c, d])) % longest.max(1)
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::played::{Claimed, SUBMISSION, Stage, defence, until};

	#[test]
	fn accounts_wait_for_different_times_within_the_bound() {
		let demand = Demand {
			target: Target::Submission(1),
			who: Some(AccountId([0; 32])),
			bond: 0,
			price: 0,
			weights: BlobRef::of(b"weights"),
			until: 100,
		};
		let waits: Vec<_> = (0..50).map(|i| patience(&AccountId([i; 32]), &demand, 20)).collect();
		assert!(waits.iter().all(|wait| (1..=20).contains(wait)), "{waits:?}");
		assert!(waits.iter().any(|wait| wait != &waits[0]), "{waits:?}");
		assert_eq!(patience(&AccountId([1; 32]), &demand, 0), 1);
	}

	/// Somebody else's submission whose weights are demanded, and are here.
	async fn set() -> (Stage, Actor, Demand) {
		let stage = Stage::set().await;
		let actor = stage.actor().await;
		let claimed = Claimed::of(&actor, [1, 0, 1]);
		let demand = Demand {
			target: Target::Submission(SUBMISSION),
			who: None,
			bond: 0,
			price: 0,
			weights: claimed.claim.weights,
			until: 130,
		};
		stage.finalise(|block| {
			claimed.put(block);
			block.govern(&[("DemandWindow", 20u64.to_le_bytes().to_vec())]);
			block.set_demand(&demand);
			block.set_tick(110);
		});
		(stage, actor, demand)
	}

	#[tokio::test]
	async fn a_turn_is_passed_on_when_the_one_whose_turn_it_is_does_not_act() {
		let (stage, actor, demand) = set().await;
		let mut answers = Answers::start(actor.clone(), ()).await.unwrap();
		let turn = 110 + patience(&stage.me(), &demand, 10);
		for tick in 110..turn {
			stage.finalise(|block| block.set_tick(tick));
			answers.block(&defence(&actor.chain).await).await.unwrap();
			assert!(answers.posts.is_due(&demand.target, u64::MAX - 1), "nothing was begun");
		}
		stage.finalise(|block| block.set_tick(turn));
		answers.block(&defence(&actor.chain).await).await.unwrap();
		until("the weights are posted", || stage.called("Training.post_weights") == 1).await;
	}

	#[tokio::test]
	async fn a_role_that_ends_passes_its_turn_to_another_of_the_account() {
		let (stage, actor, _) = set().await;
		stage.finalise(|block| block.remove_demand(Target::Submission(SUBMISSION)));
		let (end, ended) = tokio::sync::oneshot::channel::<()>();
		let (context, key) = (actor.context.clone(), stage.key.clone());
		let first = tokio::spawn(async move { beside(&context, &key, async { Ok(ended.await?) }).await });
		until("one answers", || !actor.context.answering().is_empty()).await;
		let (context, key) = (actor.context.clone(), stage.key.clone());
		let second = tokio::spawn(async move { beside::<()>(&context, &key, std::future::pending()).await });
		end.send(()).unwrap();
		first.await.unwrap().unwrap();
		let demand = Demand {
			target: Target::Submission(SUBMISSION),
			who: None,
			bond: 0,
			price: 0,
			weights: BlobRef::of(&[]),
			until: 130,
		};
		stage.finalise(|block| {
			block.set_demand(&demand);
			block.set_tick(125);
		});
		until("the other answers", || stage.called("Training.post_weights") == 1).await;
		second.abort();
	}
}
