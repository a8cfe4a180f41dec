//! Recomputes every submission that is being verified, and proves the wrong ones wrong.

use crate::{challenge, context::Context, demand, due, evaluation::EvaluationError, journal::JournalError};
use anyhow::Context as _;
use oda_blobs::BlobSource;
use oda_client::{Chain, ChainError, Claim, Key, Phase, Submission, Target, View};
use oda_primitives::{ModelId, SubmissionId, Tick};
use serde::{Deserialize, Serialize};
use std::{
	collections::{HashMap, HashSet},
	time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// How a watcher works.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WatcherConfig {
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
}

impl Default for WatcherConfig {
	fn default() -> Self {
		Self { challenge: true, demand: true, demand_after: 5, settle: true, settle_after: 3 }
	}
}

/// Ticks between two attempts to settle a submission.
const SETTLE_AGAIN: Tick = 10;

/// Between two looks for a blob that is not here.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Watches. With `once`, until all that are being verified now have been recomputed, and the wrong ones
/// challenged.
pub async fn run(
	context: Context,
	key: Option<Key>,
	config: WatcherConfig,
	once: bool,
) -> anyhow::Result<()> {
	let watching = watch(&context, key.as_ref(), &config, once);
	match &key {
		Some(key) => demand::beside(&context, key, watching).await,
		None => watching.await,
	}
}

async fn watch(
	context: &Context,
	key: Option<&Key>,
	config: &WatcherConfig,
	once: bool,
) -> anyhow::Result<()> {
	let chain = context.chain().await?;
	let mut checks: JoinSet<(SubmissionId, anyhow::Result<()>)> = JoinSet::new();
	let mut begun: HashSet<SubmissionId> = HashSet::new();
	let mut settled: HashMap<SubmissionId, Tick> = HashMap::new();
	let mut reverted: HashMap<ModelId, Tick> = HashMap::new();
	if let (Some(key), true) = (key, config.challenge) {
		for submission in challenge::unfinished(context, &chain, key)? {
			begun.insert(submission);
			let (context, key) = (context.clone(), key.clone());
			checks.spawn(async move { (submission, resume(context, key, submission).await) });
		}
	}
	context.output().event(
		"watching",
		"watching",
		serde_json::json!({ "account": key.map(Key::account), "challenge": config.challenge }),
	);
	let mut view = chain.finalised().await?;
	loop {
		let submissions = view.submissions().await?;
		for submission in &submissions {
			if let Phase::Verifying { claim, .. } = submission.phase
				&& begun.insert(submission.id)
			{
				let (context, key) = (context.clone(), key.cloned());
				let (submission, config) = (submission.clone(), config.clone());
				checks.spawn(async move {
					let id = submission.id;
					(id, check(context, key, config, submission, claim).await)
				});
			}
		}
		if let (Some(key), true) = (key, config.settle) {
			settle(&chain, key, &view, &submissions, config, &mut settled).await?;
			revert(&chain, key, &view, config, &mut reverted).await?;
		}
		if let Some(key) = key {
			context.observe_balance(&view, &key.account()).await;
		}
		let live: HashSet<SubmissionId> = submissions.iter().map(|s| s.id).collect();
		settled.retain(|id, _| live.contains(id));
		while let Some(done) = checks.try_join_next() {
			report(context, done, &mut begun);
		}
		if once {
			while let Some(done) = checks.join_next().await {
				report(context, done, &mut begun);
			}
			return Ok(());
		}
		view = chain.finalised_after(view.number()).await?;
	}
}

type Done = Result<(SubmissionId, anyhow::Result<()>), tokio::task::JoinError>;

/// A failed check is begun again with the next block.
fn report(context: &Context, done: Done, begun: &mut HashSet<SubmissionId>) {
	if !matches!(done, Ok((_, Ok(())))) {
		context.metrics().failed("watcher");
	}
	match done {
		Ok((_, Ok(()))) => {}
		Ok((submission, Err(error))) => {
			tracing::error!(submission, error = format!("{error:#}"), "the check failed");
			begun.remove(&submission);
		}
		Err(error) => tracing::error!(%error, "a check crashed"),
	}
}

async fn resume(context: Context, key: Key, submission: SubmissionId) -> anyhow::Result<()> {
	if let Some(challenged) = challenge::resume(&context, &key, submission).await? {
		context.output().event(
			"challenged",
			challenge::describe(&challenged),
			serde_json::to_value(&challenged)?,
		);
	}
	Ok(())
}

/// Demands the weights of a submission, if nobody has.
async fn demand_weights(
	context: &Context,
	chain: &Chain,
	key: &Key,
	submission: SubmissionId,
) -> anyhow::Result<()> {
	let target = Target::Submission(submission);
	if chain.finalised().await?.demand(target).await?.is_some() {
		return Ok(());
	}
	match chain.demand(key, target).await {
		Ok(receipt) => {
			context.output().event(
				"demanded",
				format!(
					"submission {submission}: demanded the weights, which nobody has, in block {}",
					receipt.block
				),
				serde_json::json!({ "submission": submission, "receipt": receipt }),
			);
			Ok(())
		}
		// Somebody else did, or they have been shown, or it is too late.
		Err(error @ ChainError::Module { .. }) => {
			tracing::info!(submission, %error, "the weights are not demanded");
			Ok(())
		}
		Err(error) => Err(error).context("demanding weights"),
	}
}

/// Recomputes one submission; challenges it if it is wrong and there is a key.
async fn check(
	context: Context,
	key: Option<Key>,
	config: WatcherConfig,
	submission: Submission,
	claim: Claim,
) -> anyhow::Result<()> {
	let (chain, bench) = (context.chain().await?, context.bench().await?);
	let view = chain.finalised().await?;
	let spec = view.spec(submission.model).await?.context("the model has no specification")?;
	let Some(claimed) = view.claimed_scores(submission.id).await? else { return Ok(()) };
	let started = Instant::now();
	for blob in [claim.weights, spec.data.dataset().blob] {
		if context.store().stat(&blob.root)?.is_none() {
			context.want(&chain, blob).await?;
		}
	}
	let demanding = key.as_ref().filter(|_| config.demand);
	let (mut said, mut demanded, missing_since) = (None, false, view.tick().await?);
	let wrong = loop {
		match bench.first_wrong(&spec, &claim.weights, &claimed, |_| ()).await {
			Err(EvaluationError::Missing(blob)) => {
				context.want(&chain, blob).await?;
				if said.replace(blob) != Some(blob) {
					tracing::warn!(
						submission = submission.id,
						blob = hex::encode(blob.root),
						"waiting for a blob that is not here"
					);
				}
				let waiting = context.metrics().awaiting_blob();
				tokio::time::sleep(LOOK_AGAIN).await;
				drop(waiting);
				let view = chain.finalised().await?;
				if view.submission(submission.id).await?.is_none() {
					tracing::warn!(submission = submission.id, "it ended before it could be recomputed");
					return Ok(());
				}
				// Before the window closes in any case.
				let closes = due::due(&view, &submission).await?.unwrap_or(Tick::MAX);
				let patience = config.demand_after.min(closes.saturating_sub(missing_since) / 2);
				let patient = view.tick().await? < missing_since.saturating_add(patience);
				if let Some(key) = demanding
					&& !demanded && !patient
					&& !context.store().has(&claim.weights)?
				{
					demand_weights(&context, &chain, key, submission.id).await?;
					demanded = true;
				}
			}
			result => break result?,
		}
	};
	context.metrics().checked(submission.id, wrong.is_none());
	let seconds = started.elapsed().as_secs_f64();
	let text = match &wrong {
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
			"wrong": wrong.as_ref().map(|wrong| serde_json::json!({
				"record": wrong.evidence.record,
				"claimed": wrong.claimed,
				"actual": wrong.evidence.score,
			})),
			"seconds": seconds,
		}),
	);
	if let (Some(wrong), Some(key)) = (wrong, key.filter(|_| config.challenge)) {
		let held = match challenge::commit(&context, &key, &submission, &wrong).await {
			// Another role of the same account is at it.
			Err(error) if matches!(error.downcast_ref(), Some(JournalError::Busy(_))) => return Ok(()),
			held => held?,
		};
		let challenged = challenge::finish(&context, &key, held).await?;
		context.output().event(
			"challenged",
			challenge::describe(&challenged),
			serde_json::to_value(&challenged)?,
		);
	}
	Ok(())
}

/// Lets the heads fall whose weights nobody showed.
async fn revert(
	chain: &Chain,
	key: &Key,
	view: &View,
	config: &WatcherConfig,
	reverted: &mut HashMap<ModelId, Tick>,
) -> anyhow::Result<()> {
	let tick = view.tick().await?;
	let demands = view.demands().await?;
	reverted.retain(|model, _| demands.iter().any(|demand| demand.target == Target::Head(*model)));
	for demand in demands {
		let Target::Head(model) = demand.target else { continue };
		let tried = reverted.get(&model).is_some_and(|at| tick < at.saturating_add(SETTLE_AGAIN));
		if tick < demand.until.saturating_add(config.settle_after) || tried {
			continue;
		}
		reverted.insert(model, tick);
		match chain.revert(key, model).await {
			Ok(receipt) => tracing::info!(model = hex::encode(model), block = receipt.block, "the head fell"),
			Err(error @ ChainError::Module { .. }) => {
				tracing::debug!(model = hex::encode(model), %error, "nothing to revert");
			}
			Err(error) => tracing::warn!(model = hex::encode(model), %error, "could not revert"),
		}
	}
	Ok(())
}

/// Settles what is due.
async fn settle(
	chain: &Chain,
	key: &Key,
	view: &View,
	submissions: &[Submission],
	config: &WatcherConfig,
	settled: &mut HashMap<SubmissionId, Tick>,
) -> anyhow::Result<()> {
	let tick = view.tick().await?;
	for submission in submissions {
		let Some(due) = due::due(view, submission).await? else { continue };
		// What is due for as long as nobody does it is given time from when it was first seen.
		let since = if due == 0 { *settled.entry(submission.id).or_insert(tick) } else { due };
		let tried =
			settled.get(&submission.id).is_some_and(|at| due != 0 && tick < at.saturating_add(SETTLE_AGAIN));
		if tick < since.saturating_add(config.settle_after) || tried {
			continue;
		}
		settled.insert(submission.id, tick);
		match chain.settle(key, submission.id).await {
			Ok(receipt) => tracing::info!(submission = submission.id, block = receipt.block, "settled"),
			Err(error @ ChainError::Module { .. }) => {
				tracing::debug!(submission = submission.id, %error, "nothing to settle");
			}
			Err(error) => tracing::warn!(submission = submission.id, %error, "could not settle"),
		}
	}
	Ok(())
}
