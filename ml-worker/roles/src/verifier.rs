//! Answers the tasks that a verifier is a member of.

use crate::{
	challenge,
	context::Context,
	demand,
	evaluation::{EvaluationError, Wrong},
};
use anyhow::Context as _;
use oda_client::{Chain, ChainError, Key, Submission, Task};
use oda_primitives::{SubmissionId, Tick, Verdict};
use serde::{Deserialize, Serialize};
use std::{
	collections::HashMap,
	time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// How a verifier works.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VerifierConfig {
	/// Whether what is attested to be wrong is also challenged: if nobody does, the accusation costs.
	pub challenge: bool,
}

impl Default for VerifierConfig {
	fn default() -> Self {
		Self { challenge: true }
	}
}

/// Between two looks for a blob that is not here.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Ticks that an answer may need from being sent to being in a block, and by which finalised state is behind.
const LAST_TICKS: Tick = 6;

/// Verifies. With `once`, until all tasks that are open now are answered.
pub async fn run(context: Context, key: Key, config: VerifierConfig, once: bool) -> anyhow::Result<()> {
	demand::beside(&context, &key, tasks(&context, &key, config, once)).await
}

async fn tasks(context: &Context, key: &Key, config: VerifierConfig, once: bool) -> anyhow::Result<()> {
	let chain = context.chain().await?;
	let account = key.account();
	let open_tasks = context.metrics().open_tasks(account.to_string());
	let mut view = chain.finalised().await?;
	if !view.verifiers().await?.iter().any(|verifier| verifier.account == account) {
		tracing::warn!(%account, "this account is not a verifier of this chain");
	}
	let mut answers: JoinSet<(SubmissionId, anyhow::Result<()>)> = JoinSet::new();
	let mut begun: HashMap<SubmissionId, Tick> = HashMap::new();
	for submission in challenge::unfinished(context, &chain, key)? {
		let (context, key) = (context.clone(), key.clone());
		answers.spawn(async move {
			let resumed = challenge::resume(&context, &key, submission).await;
			(submission, resumed.map(|done| say(&context, done.as_ref())))
		});
	}
	context.output().event(
		"verifying",
		format!("verifying as {account}"),
		serde_json::json!({ "account": account }),
	);
	loop {
		let tick = view.tick().await?;
		let mut open = 0;
		for task in view.tasks().await? {
			if !task.awaits(&account) || tick >= task.until {
				continue;
			}
			open += 1;
			// A task that is asked anew has a later end.
			if begun.insert(task.id, task.until) != Some(task.until) {
				let (context, key, config) = (context.clone(), key.clone(), config.clone());
				answers.spawn(async move { (task.id, answer(context, key, config, task).await) });
			}
		}
		open_tasks.set(open);
		context.observe_balance(&view, &account).await;
		while let Some(done) = answers.try_join_next() {
			report(context, done, &mut begun);
		}
		if once {
			let mut failed = None;
			while let Some(done) = answers.join_next().await {
				match done {
					Ok((_, Err(error))) => failed = Some(error),
					done => report(context, done, &mut begun),
				}
			}
			return failed.map_or(Ok(()), Err);
		}
		view = chain.finalised_after(view.number()).await?;
	}
}

type Done = Result<(SubmissionId, anyhow::Result<()>), tokio::task::JoinError>;

/// An answer that failed is begun again with the next block.
fn report(context: &Context, done: Done, begun: &mut HashMap<SubmissionId, Tick>) {
	if !matches!(done, Ok((_, Ok(())))) {
		context.metrics().failed("verifier");
	}
	match done {
		Ok((_, Ok(()))) => {}
		Ok((task, Err(error))) => {
			tracing::error!(task, error = format!("{error:#}"), "could not answer a task");
			begun.remove(&task);
		}
		Err(error) => tracing::error!(%error, "an answer crashed"),
	}
}

fn say(context: &Context, challenged: Option<&challenge::Challenged>) {
	if let Some(challenged) = challenged {
		let value = serde_json::to_value(challenged).unwrap_or_default();
		context.output().event("challenged", challenge::describe(challenged), value);
	}
}

/// What re-running all records came to.
enum Found {
	Valid,
	Wrong(Box<Wrong>),
	Unavailable,
	/// The task ended meanwhile.
	Over,
}

/// Re-runs a task's records and attests what was found.
async fn answer(context: Context, key: Key, config: VerifierConfig, task: Task) -> anyhow::Result<()> {
	let chain = context.chain().await?;
	let view = chain.finalised().await?;
	let Some(submission) = view.submission(task.id).await? else { return Ok(()) };
	let Some(claim) = submission.claim().copied() else { return Ok(()) };
	let started = Instant::now();
	let found = rerun(&context, &chain, &task, &submission).await?;
	let seconds = started.elapsed().as_secs_f64();
	let (verdict, commitment) = match found {
		Found::Over => return Ok(()),
		Found::Valid => (Verdict::Valid, None),
		Found::Unavailable => (Verdict::Unavailable, None),
		Found::Wrong(wrong) => {
			// The commitment comes first: the verdict shows everybody which record it is.
			let commitment = match config.challenge {
				true => challenge::commit(&context, &key, &submission, &wrong)
					.await
					.inspect_err(|error| {
						tracing::error!(
							task = task.id,
							error = format!("{error:#}"),
							"no challenge commitment"
						)
					})
					.ok(),
				false => None,
			};
			(Verdict::Wrong(wrong.evidence.record), commitment)
		}
	};
	let attested = attest(&context, &chain, &key, &task, &claim.hash, verdict, seconds).await;
	// The evidence is as good if the answer came too late.
	if let Some(commitment) = commitment {
		let challenged = challenge::finish(&context, &key, commitment).await?;
		say(&context, Some(&challenged));
	}
	attested
}

/// Re-runs all records, waiting for blobs for as long as the task's window allows.
async fn rerun(
	context: &Context,
	chain: &Chain,
	task: &Task,
	submission: &Submission,
) -> anyhow::Result<Found> {
	let bench = context.bench().await?;
	let view = chain.finalised().await?;
	let spec = view.spec(submission.model).await?.context("the model has no specification")?;
	let (Some(claim), Some(claimed)) = (submission.claim(), view.claimed_scores(task.id).await?) else {
		return Ok(Found::Over);
	};
	// Both at once, and not the second when the first is here.
	for blob in [claim.weights, spec.data.dataset().blob] {
		if context.store().stat(&blob.root)?.is_none() {
			context.want(chain, blob).await?;
		}
	}
	let mut said = None;
	loop {
		match bench.first_wrong(&spec, &claim.weights, &claimed, |_| ()).await {
			Ok(None) => return Ok(Found::Valid),
			Ok(Some(wrong)) => return Ok(Found::Wrong(Box::new(wrong))),
			Err(EvaluationError::Missing(blob)) => {
				context.want(chain, blob).await?;
				let view = chain.finalised().await?;
				if view.task(task.id).await?.is_none() {
					return Ok(Found::Over);
				}
				let (tick, window) = (view.tick().await?, task.until.saturating_sub(task.opened_at));
				let reserve = LAST_TICKS.max(window / 5);
				if tick.saturating_add(reserve) >= task.until {
					return Ok(Found::Unavailable);
				}
				if said.replace(blob) != Some(blob) {
					tracing::warn!(
						task = task.id,
						blob = hex::encode(blob.root),
						ticks_left = task.until - reserve - tick,
						"waiting for a blob that is not here"
					);
				}
				let _waiting = context.metrics().awaiting_blob();
				tokio::time::sleep(LOOK_AGAIN).await;
			}
			Err(error) => return Err(error.into()),
		}
	}
}

async fn attest(
	context: &Context,
	chain: &Chain,
	key: &Key,
	task: &Task,
	claim: &[u8; 32],
	verdict: Verdict,
	seconds: f64,
) -> anyhow::Result<()> {
	let mut asked = task.asked;
	loop {
		match chain.attest(key, task.id, claim, asked, verdict).await {
			Ok(receipt) => {
				context.metrics().attested(verdict);
				context.output().event(
					"attested",
					format!(
						"task {}: attested {verdict:?} in block {} ({seconds:.1} s)",
						task.id, receipt.block
					),
					serde_json::json!({
						"task": task.id,
						"verdict": verdict,
						"block": receipt.block,
						"weight_ms": receipt.weight.milliseconds(),
						"seconds": seconds,
					}),
				);
				return Ok(());
			}
			Err(error) => {
				// In by an earlier transaction, or no longer wanted?
				let view = chain.finalised().await?;
				let open = view.task(task.id).await?;
				// How a task that is gone was answered is not known.
				let Some(open) = open else { return Ok(()) };
				if !open.awaits(&key.account()) {
					context.metrics().attested(verdict);
					tracing::info!(task = task.id, ?verdict, "the answer is in after all");
					return Ok(());
				}
				asked = open.asked;
				if view.tick().await? >= open.until {
					return Err(error).context("the task's window closed before the answer was in");
				}
				match error {
					ChainError::Rejected { .. }
					| ChainError::Expired(_)
					| ChainError::Node(_)
					| ChainError::NodeAway(_) => {
						tracing::warn!(task = task.id, %error, "the answer is sent again");
						chain.finalised_after(view.number()).await?;
					}
					error => return Err(error).context("attesting"),
				}
			}
		}
	}
}
