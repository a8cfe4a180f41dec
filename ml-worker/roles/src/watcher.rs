//! Recomputes every submission that is being verified, and proves the wrong ones wrong. Looks after the account's payment
//! channels while nobody else does.

mod channels;

use crate::{
	background::{Again, Background},
	challenge::{self, Challenge, Commitment},
	context::Context,
	dispute, due,
	evaluation::{EvaluationError, Wrong},
	service::{self, Actor, Role, Step},
	wanted::Waiting,
};
use anyhow::Context as _;
use oda_blobs::BlobSource;
use oda_client::{ChainError, Claim, Key, Phase, Submission, Target, TaskPhase, View};
use oda_evaluator::ModelSpec;
use oda_primitives::{ModelId, SubmissionId, Tick};
use serde::{Deserialize, Serialize};
use std::{
	collections::HashMap,
	time::{Duration, Instant},
};

/// How a watcher works.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WatcherConfig {
	/// Whether submissions are recomputed, and records about which verifiers differ.
	pub check: bool,
	/// Whether wrong claims are challenged, which takes a key and a bond.
	pub challenge: bool,
	/// Whether weights that nobody hands out are demanded, which takes a key and a bond.
	pub demand: bool,
	/// Ticks for which weights are looked for before they are demanded; no more than half of the time that there is.
	pub demand_after: Tick,
	/// Whether what has become due is settled.
	pub settle: bool,
	/// Ticks that others are given to settle first.
	pub settle_after: Tick,
	/// Whether the account's payment channels are looked after, which takes a key.
	pub channels: bool,
}

impl Default for WatcherConfig {
	fn default() -> Self {
		Self {
			check: true,
			challenge: true,
			demand: true,
			demand_after: 5,
			settle: true,
			settle_after: 3,
			channels: true,
		}
	}
}

/// Blocks between two attempts to settle the same.
const SETTLE_AGAIN: u64 = 10;

/// How long it is waited for a block that has a demand before the weights are looked for again.
const IN_BLOCK: Duration = Duration::from_secs(30);

/// Watches. With `once`, until all that are being verified now have been recomputed, and the wrong ones
/// challenged.
pub async fn run(
	context: Context,
	key: Option<Key>,
	config: WatcherConfig,
	once: bool,
) -> anyhow::Result<()> {
	service::run::<Watcher>(context, key, config, once).await
}

/// A piece of a watcher's work.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Piece {
	/// Recomputing a submission, and all that follows from it.
	Check { submission: SubmissionId },
	/// Seeing a challenge through that was begun before.
	Challenge { submission: SubmissionId },
	/// Having a record resolved about which verifiers differ.
	Resolve { submission: SubmissionId, record: u32 },
	/// Settling a submission.
	Settle { submission: SubmissionId },
	/// Having a head fall whose weights nobody showed.
	Revert { model: ModelId },
	/// Looking after the account's payment channels.
	Channels(channels::Piece),
}

/// The role.
pub struct Watcher {
	agent: Agent,
	work: Background<Piece>,
	/// When a submission was first seen that is due for as long as nobody settles it.
	due_since: HashMap<SubmissionId, Tick>,
	/// What there is to do as a user.
	user: channels::User,
}

/// Who does a piece of work.
#[derive(Clone)]
struct Agent {
	actor: Actor,
	config: WatcherConfig,
}

impl Role for Watcher {
	const NAME: &'static str = "watcher";
	type Config = WatcherConfig;

	async fn start(actor: Actor, config: WatcherConfig) -> anyhow::Result<Self> {
		let account = actor.key.as_ref().map(Key::account);
		let channels = config.channels && account.is_some();
		actor.context.output().event(
			"watching",
			"watching",
			serde_json::json!({ "account": account, "challenge": config.challenge, "channels": channels }),
		);
		let (work, user) = (Background::new(&actor.context, Self::NAME), channels::User::default());
		Ok(Self { agent: Agent { actor, config }, work, due_since: HashMap::new(), user })
	}

	async fn block(&mut self, view: &View) -> anyhow::Result<Step> {
		let (submissions, now) = (view.submissions().await?, view.number());
		let lives = |id: &SubmissionId| submissions.iter().any(|submission| submission.id == *id);
		let user = &self.user;
		self.work.look(now, |piece| match piece {
			Piece::Check { submission }
			| Piece::Resolve { submission, .. }
			| Piece::Settle { submission } => lives(submission),
			Piece::Challenge { .. } | Piece::Revert { .. } => true,
			Piece::Channels(piece) => user.wants(piece),
		});
		self.due_since.retain(|id, _| lives(id));
		if let Some(key) = self.agent.actor.key.clone().filter(|_| self.agent.config.challenge) {
			for submission in challenge::unfinished(&self.agent.actor, &key)? {
				let (actor, key) = (self.agent.actor.clone(), key.clone());
				self.work.begin(Piece::Challenge { submission }, now, async move {
					let challenged = Challenge::new(&actor, &key, submission).resume().await?;
					challenge::say(&actor, challenged.as_ref());
					Ok(Again::After(challenge::LOOK_AGAIN))
				});
			}
		}
		if self.agent.config.check {
			self.check(view, &submissions).await?;
		}
		if let Some(key) = self.agent.actor.key.clone().filter(|_| self.agent.config.settle) {
			self.settle(view, &key, &submissions).await?;
			self.revert(view, &key).await?;
		}
		if let Some(key) = self.agent.actor.key.clone().filter(|_| self.agent.config.channels) {
			self.channels(view, &key).await?;
		}
		Ok(Step::GoOn)
	}

	async fn finish(mut self) -> anyhow::Result<()> {
		self.work.finish().await
	}
}

impl Watcher {
	/// Begins to recompute what is being verified.
	async fn check(&mut self, view: &View, submissions: &[Submission]) -> anyhow::Result<()> {
		let now = view.number();
		for submission in submissions {
			if let Phase::Verifying { claim, .. } = submission.phase {
				let (agent, submission) = (self.agent.clone(), submission.clone());
				let piece = Piece::Check { submission: submission.id };
				self.work.begin(piece, now, async move { agent.check(submission, claim).await });
			}
		}
		for task in view.tasks().await? {
			if let TaskPhase::Disputed { record, .. } = task.phase {
				let (actor, submission) = (self.agent.actor.clone(), task.id);
				self.work.begin(Piece::Resolve { submission, record }, now, async move {
					dispute::resolve(&actor, submission, record).await?;
					Ok(Again::After(1))
				});
			}
		}
		Ok(())
	}

	/// Begins what is to be done about the account's payment channels.
	async fn channels(&mut self, view: &View, key: &Key) -> anyhow::Result<()> {
		let (actor, now) = (self.agent.actor.clone(), view.number());
		let redeem = {
			let (actor, key) = (actor.clone(), key.clone());
			async move { channels::redeem(&actor, &key).await }
		};
		self.work.begin(Piece::Channels(channels::Piece::Redeem), now, redeem);
		for (piece, work) in self.user.look(&actor, key, now).await? {
			self.work.begin(Piece::Channels(piece), now, work);
		}
		Ok(())
	}

	/// Begins to settle what is due.
	async fn settle(&mut self, view: &View, key: &Key, submissions: &[Submission]) -> anyhow::Result<()> {
		let tick = view.tick().await?;
		for submission in submissions {
			let Some(due) = due::due(view, submission).await? else { continue };
			// What is due for as long as nobody does it is given time from when it was first seen.
			let since = if due == 0 { *self.due_since.entry(submission.id).or_insert(tick) } else { due };
			if tick < since.saturating_add(self.agent.config.settle_after) {
				continue;
			}
			let (chain, key, id) = (self.agent.actor.chain.clone(), key.clone(), submission.id);
			let piece = Piece::Settle { submission: id };
			self.work.begin(piece, view.number(), async move {
				match chain.settle(&key, id).await {
					Ok(receipt) => tracing::info!(submission = id, block = receipt.block, "settled"),
					Err(error @ ChainError::Module { .. }) => {
						tracing::debug!(submission = id, %error, "nothing to settle");
					}
					Err(error) => return Err(error.into()),
				}
				Ok(Again::After(SETTLE_AGAIN))
			});
		}
		Ok(())
	}

	/// Begins to let the heads fall whose weights nobody showed.
	async fn revert(&mut self, view: &View, key: &Key) -> anyhow::Result<()> {
		let tick = view.tick().await?;
		for demand in view.demands().await? {
			let Target::Head(model) = demand.target else { continue };
			if tick < demand.until.saturating_add(self.agent.config.settle_after) {
				continue;
			}
			let (chain, key) = (self.agent.actor.chain.clone(), key.clone());
			let piece = Piece::Revert { model };
			self.work.begin(piece, view.number(), async move {
				let name = hex::encode(model);
				match chain.revert(&key, model).await {
					Ok(receipt) => tracing::info!(model = name, block = receipt.block, "the head fell"),
					Err(error @ ChainError::Module { .. }) => {
						tracing::debug!(model = name, %error, "nothing to revert");
					}
					Err(error) => return Err(error.into()),
				}
				Ok(Again::After(SETTLE_AGAIN))
			});
		}
		Ok(())
	}
}

impl Agent {
	/// Recomputes one submission; challenges it if it is wrong and there is a key. Where the state does not have it, the
	/// next one may.
	async fn check(&self, submission: Submission, claim: Claim) -> anyhow::Result<Again> {
		let view = self.actor.chain.defence_view().await?;
		let spec = view.spec(submission.model).await?.context("the model has no specification")?;
		let Some(claimed) = view.claimed_scores(submission.id).await? else { return Ok(Again::After(1)) };
		let started = Instant::now();
		let Some(wrong) = self.recompute(&view, &submission, &claim, &spec, &claimed).await? else {
			tracing::warn!(submission = submission.id, "it ended before it could be recomputed");
			return Ok(Again::After(1));
		};
		self.report(&submission, &claim, &spec, wrong.as_ref(), started.elapsed().as_secs_f64());
		if let (Some(wrong), Some(key)) = (wrong, self.actor.key.as_ref().filter(|_| self.config.challenge)) {
			let challenge = Challenge::new(&self.actor, key, submission.id);
			let challenged = challenge.see_through(Commitment::None, &wrong).await?;
			challenge::say(&self.actor, challenged.as_ref());
		}
		Ok(Again::Never)
	}

	/// The first wrong record of a submission, if one is; `None` if it ended before that was known. Weights that nobody
	/// hands out are demanded.
	async fn recompute(
		&self,
		view: &View,
		submission: &Submission,
		claim: &Claim,
		spec: &ModelSpec,
		claimed: &[u8],
	) -> anyhow::Result<Option<Option<Wrong>>> {
		let Actor { context, chain, key } = &self.actor;
		let bench = context.bench().await?;
		bench.check_limits(spec, &claim.weights)?;
		let mut waiting = Waiting::new(context, chain);
		waiting.wish([claim.weights, spec.data.dataset().blob]).await?;
		let demanding = key.as_ref().filter(|_| self.config.demand);
		let (mut demanded, missing_since) = (false, view.tick().await?);
		loop {
			let blob = match bench.first_wrong(spec, &claim.weights, claimed, |_| ()).await {
				Err(EvaluationError::Missing(blob)) => blob,
				done => return Ok(Some(done?)),
			};
			let view = chain.defence_view().await?;
			// On another fork a submission of the same number may be another.
			let now = view.submission(submission.id).await?;
			if now.as_ref().and_then(Submission::claim).is_none_or(|now| now.hash != claim.hash) {
				return Ok(None);
			}
			// Before the window closes in any case.
			let closes = due::due(&view, submission).await?.unwrap_or(Tick::MAX);
			let patience = self.config.demand_after.min(closes.saturating_sub(missing_since) / 2);
			let patient = view.tick().await? < missing_since.saturating_add(patience);
			if let Some(key) = demanding
				&& !demanded && !patient
				&& !context.store().has(&claim.weights)?
			{
				demanded = self.demand_weights(&view, key, submission.id).await?;
			}
			waiting.wait(blob).await?;
		}
	}

	/// Demands the weights of a submission, if nobody has; whether that is done with.
	async fn demand_weights(&self, view: &View, key: &Key, submission: SubmissionId) -> anyhow::Result<bool> {
		let target = Target::Submission(submission);
		if view.demand(target).await?.is_some() {
			return Ok(true);
		}
		let mut sent = self.actor.chain.demand(key, target).send().await?;
		let demanded = tokio::time::timeout(IN_BLOCK, sent.in_block()).await;
		match demanded.unwrap_or_else(|_| Err(ChainError::NodeAway("no block has the demand yet".to_owned())))
		{
			Ok(receipt) => self.actor.context.output().event(
				"demanded",
				format!(
					"submission {submission}: demanded the weights, which nobody has, in block {}",
					receipt.block
				),
				serde_json::json!({ "submission": submission, "receipt": receipt }),
			),
			// Somebody else did, or they have been shown, or it is too late.
			Err(error @ ChainError::Module { .. }) => {
				tracing::info!(submission, %error, "the weights are not demanded");
			}
			Err(error) => {
				tracing::warn!(submission, %error, "the weights could not be demanded yet");
				return Ok(false);
			}
		}
		Ok(true)
	}

	/// Says what recomputing came to.
	fn report(
		&self,
		submission: &Submission,
		claim: &Claim,
		spec: &ModelSpec,
		wrong: Option<&Wrong>,
		seconds: f64,
	) {
		let context = &self.actor.context;
		context.metrics().checked(submission.id, wrong.is_none());
		let text = match wrong {
			None => format!(
				"submission {}: all {} records are as claimed, score {} ({seconds:.1} s)",
				submission.id,
				spec.records(),
				claim.score
			),
			Some(wrong) => format!(
				"submission {}: record {} was claimed {} and scores {} ({seconds:.1} s)",
				submission.id, wrong.evidence.record, wrong.claimed, wrong.evidence.score
			),
		};
		context.output().event(
			"checked",
			text,
			serde_json::json!({
				"submission": submission.id,
				"model": format!("0x{}", hex::encode(submission.model)),
				"weights": format!("0x{}", hex::encode(claim.weights.root)),
				"records": spec.records(),
				"score": claim.score,
				"right": wrong.is_none(),
				"wrong": wrong.map(|wrong| serde_json::json!({
					"record": wrong.evidence.record,
					"claimed": wrong.claimed,
					"actual": wrong.evidence.score,
				})),
				"seconds": seconds,
			}),
		);
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::played::{Claimed, SUBMISSION, Stage, defence, end_of, until};

	fn waits(context: &Context, count: u8) -> bool {
		context.metrics().text().unwrap().contains(&format!("blobs_awaited {count}"))
	}

	#[tokio::test]
	async fn a_submission_of_a_fork_that_was_lost_is_given_up_and_its_successor_recomputed() {
		let stage = Stage::set().await;
		let actor = stage.actor().await;
		let context = actor.context.clone();
		let mut watcher = Watcher::start(actor.clone(), WatcherConfig::default()).await.unwrap();
		// Nobody has the weights.
		stage.lag();
		stage.seal(|block| Claimed::of_missing_weights(&actor).put(block));
		watcher.block(&defence(&actor.chain).await).await.unwrap();
		until("the weights are waited for", || waits(&context, 1)).await;
		// The same number, and other weights: here, and wrongly claimed.
		stage.lose_fork();
		stage.court();
		stage.lag();
		stage.seal(|block| Claimed::of(&actor, [1, 1, 1]).put(block));
		stage.seal(|_| ());
		end_of("recomputing", async {
			while stage.called("Training.commit_challenge") == 0 {
				tokio::time::sleep(Duration::from_millis(100)).await;
				stage.seal(|_| ());
				watcher.block(&defence(&actor.chain).await).await.unwrap();
			}
		})
		.await;
	}

	#[tokio::test]
	async fn a_submission_of_a_fork_that_was_lost_is_given_up() {
		let stage = Stage::set().await;
		let actor = stage.actor().await;
		let context = actor.context.clone();
		let mut watcher = Watcher::start(actor.clone(), WatcherConfig::default()).await.unwrap();
		stage.lag();
		stage.seal(|block| Claimed::of_missing_weights(&actor).put(block));
		watcher.block(&defence(&actor.chain).await).await.unwrap();
		until("the weights are waited for", || waits(&context, 1)).await;
		stage.lose_fork();
		stage.lag();
		let piece = Piece::Check { submission: SUBMISSION };
		end_of("the check", async {
			while !watcher.work.is_due(&piece, u64::MAX - 1) {
				tokio::time::sleep(Duration::from_millis(100)).await;
				watcher.block(&defence(&actor.chain).await).await.unwrap();
			}
		})
		.await;
	}
}
