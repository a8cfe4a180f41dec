//! Bringing weights to the chain: from commitment to the end, however often the process is interrupted.

use crate::{
	amount::oda,
	context::{self, Context},
	dispute, due, evaluation,
	journal::{Entry, Held, JournalError, Stage, SubmissionEntry},
	output::Unit,
	service::Actor,
};
use anyhow::{Context as _, bail, ensure};
use oda_client::{Chain, ChainError, Clock, Happened, Key, Phase, Submission, View, errors};
use oda_evaluator::{Comparison, ModelSpec, Scores, scores};
use oda_primitives::{BlobRef, ModelId, SubmissionId, Tick, hash};
use serde::Serialize;

/// Blocks back from the last final one whose events are looked at after an interruption; a node keeps the
/// state of at least so many.
const LOOK_BACK: u64 = 200;

/// How often the node may refuse to take a commitment before that is an error: nothing is lost by it.
const MAX_REFUSALS: u32 = 5;

/// Ticks between two attempts to settle.
const SETTLE_AGAIN: Tick = 5;

/// How a submission ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Ended {
	/// Which submission.
	pub submission: Option<SubmissionId>,
	/// Whether it became the head.
	pub accepted: bool,
	/// How, in a word.
	pub outcome: String,
	/// In which block, if the node still had its events when they were looked for.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub block: Option<u64>,
	/// What there is to say about it.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub detail: Option<Happened>,
}

/// Weights that were evaluated on all of a model's records.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluated {
	/// The sum of the scores.
	pub score: i64,
	/// How many records.
	pub records: u32,
	/// The score of every record, packed.
	#[serde(skip)]
	pub packed: Vec<u8>,
}

/// Evaluates weights on all records of a model, with a bar.
pub async fn evaluate(context: &Context, spec: &ModelSpec, weights: &BlobRef) -> anyhow::Result<Evaluated> {
	ensure!(
		weights.len == spec.graph.param_bytes(),
		"the weights have {} bytes, the model's graph needs {}",
		weights.len,
		spec.graph.param_bytes()
	);
	for blob in [weights, &spec.data.dataset().blob] {
		context.obtain(blob).await?;
	}
	let bench = context.bench().await?;
	let bar = context.output().bar(spec.records().into(), "evaluating", Unit::Steps);
	let drawn = bar.clone();
	let results = bench.results(spec, weights, move |done| drawn.set_position(done as u64)).await?;
	let found = evaluation::scores(&results);
	bar.finish_and_clear();
	let packed = scores::pack(spec.score_kind(), &found)?;
	let score = Scores::new(spec.score_kind(), spec.records(), &packed)?.sum();
	Ok(Evaluated { score, records: spec.records(), packed })
}

/// How evaluated weights compare with a model's head; `None` if it has none.
///
/// # Errors
///
/// If they are not better enough, with the numbers.
pub async fn compare(
	view: &View,
	model: ModelId,
	spec: &ModelSpec,
	evaluated: &Evaluated,
) -> anyhow::Result<Option<Comparison>> {
	let Some(head) = view.head_scores(model).await? else {
		compare_sum(view, model, spec, evaluated).await?;
		return Ok(None);
	};
	let head = Scores::new(spec.score_kind(), spec.records(), &head)?;
	let new = Scores::new(spec.score_kind(), spec.records(), &evaluated.packed)?;
	match spec.objective.compare(&new, &head) {
		Ok(comparison) => Ok(Some(comparison)),
		Err(why) => {
			let (won, lost) = new.won_lost(&head);
			bail!(NotBetter {
				why: why.to_string(),
				score: new.sum(),
				head: head.sum(),
				records: format!("{won} records won, {lost} lost"),
				needed: spec.objective.min_improvement,
			})
		}
	}
}

/// Compares with a head of which only the sum of its scores is known, because its successor fell.
async fn compare_sum(
	view: &View,
	model: ModelId,
	spec: &ModelSpec,
	evaluated: &Evaluated,
) -> anyhow::Result<()> {
	let Some(model) = view.model(model).await? else { return Ok(()) };
	let Some(head) = view.head(&model).await? else { return Ok(()) };
	let new = Scores::new(spec.score_kind(), spec.records(), &evaluated.packed)?;
	spec.objective.compare_sum(&new, head.score).map_err(|why| {
		anyhow::Error::from(NotBetter {
			why: why.to_string(),
			score: new.sum(),
			head: head.score,
			records: "of the head only the sum is known".to_owned(),
			needed: spec.objective.min_improvement,
		})
	})
}

/// Weights that would not be accepted.
#[derive(Debug, thiserror::Error)]
#[error(
	"not better than the head: {why} (score {score}, the head's {head}; {records}; at least {needed} more \
	 needed)"
)]
pub struct NotBetter {
	/// Why.
	pub why: String,
	/// The sum of the scores.
	pub score: i64,
	/// The head's.
	pub head: i64,
	/// How many records they won and lost against the head's.
	pub records: String,
	/// By how much the sum has to exceed the head's.
	pub needed: u64,
}

/// A submission of these weights that was begun before and has not ended, held to be seen through.
///
/// # Errors
///
/// [`JournalError::Busy`] if another process is at it.
pub fn begun(
	context: &Context,
	chain: &Chain,
	key: &Key,
	model: ModelId,
	weights: &BlobRef,
) -> anyhow::Result<Option<Held<SubmissionEntry>>> {
	for entry in context.journal().list::<SubmissionEntry>()? {
		let same = entry.genesis == chain.genesis()
			&& entry.model == model
			&& entry.weights == *weights
			&& entry.trainer == key.account().to_string();
		if same && entry.stage != Stage::Done {
			context.output().event(
				"resumed",
				"taking up a submission of these weights that was begun before",
				serde_json::json!({ "commitment": hex::encode(entry.commitment) }),
			);
			return Ok(context.journal().hold(&entry.name())?);
		}
	}
	Ok(None)
}

/// How a submission of these weights ended that became a version of the model, if this account brought it.
pub async fn accepted(
	view: &View,
	key: &Key,
	model: ModelId,
	weights: &BlobRef,
) -> Result<Option<Ended>, ChainError> {
	let head = view.model(model).await?.and_then(|model| model.head);
	for number in (0..=head.unwrap_or_default()).rev() {
		match view.version(model, number).await? {
			Some(version) if version.weights == *weights && version.trainer == key.account() => {
				return Ok(Some(Ended {
					submission: Some(version.submission),
					accepted: true,
					outcome: "accepted".to_owned(),
					block: None,
					detail: Some(Happened::Accepted { version: number, score: version.score }),
				}));
			}
			_ => {}
		}
	}
	Ok(None)
}

/// Writes into the journal what a submission needs, unless that was done before; nothing is sent.
pub async fn prepare(
	context: &Context,
	key: &Key,
	model: ModelId,
	weights: BlobRef,
	evaluated: &Evaluated,
) -> anyhow::Result<Held<SubmissionEntry>> {
	let chain = context.chain().await?;
	if let Some(held) = begun(context, &chain, key, model, &weights)? {
		return Ok(held);
	}
	context.mark_chain(&chain).await?;
	let salt = context::salt()?;
	let commitment = hash::commitment(&chain.genesis(), &model, &key.account().0, &weights, &salt);
	let seen = chain.finalised().await?.number();
	Ok(context.journal().begin(SubmissionEntry {
		genesis: chain.genesis(),
		trainer: key.account().to_string(),
		model,
		weights,
		salt,
		commitment,
		scores: evaluated.packed.clone(),
		stage: Stage::Prepared,
		submission: None,
		seen,
		outcome: None,
	})?)
}

/// The submissions of `key` on this chain that were begun and have not ended, as far as the journal says.
pub fn unfinished(context: &Context, chain: &Chain, key: &Key) -> Result<Vec<String>, JournalError> {
	Ok(context
		.journal()
		.list::<SubmissionEntry>()?
		.into_iter()
		.filter(|entry| entry.genesis == chain.genesis())
		.filter(|entry| entry.trainer == key.account().to_string() && entry.stage != Stage::Done)
		.map(|entry| entry.name())
		.collect())
}

/// Does what is left to do for a submission, until it has ended.
pub async fn drive(context: &Context, key: &Key, held: Held<SubmissionEntry>) -> anyhow::Result<Ended> {
	let chain = context.chain().await?;
	let actor = Actor { context: context.clone(), chain: chain.clone(), key: Some(key.clone()) };
	let (trainer, commitment) = (key.account(), held.entry.commitment);
	let driver = Driver { context, chain, key, held, settled_at: None, refusals: 0, hopeless: false };
	tokio::select! {
		ended = driver.run() => ended,
		failed = dispute::defend(&actor, &trainer, &commitment) => match failed? {},
	}
}

struct Driver<'a> {
	context: &'a Context,
	chain: Chain,
	key: &'a Key,
	held: Held<SubmissionEntry>,
	settled_at: Option<Tick>,
	/// How often the node would not take the commitment.
	refusals: u32,
	/// Whether the runtime refused the reveal for what it is.
	hopeless: bool,
}

impl Driver<'_> {
	fn stage(&mut self, stage: Stage) -> Result<(), JournalError> {
		self.held.entry.stage = stage;
		self.held.save()
	}

	fn end(&mut self, outcome: &str, block: Option<u64>, detail: Option<Happened>) -> anyhow::Result<Ended> {
		let entry = &mut self.held.entry;
		entry.outcome = Some(outcome.to_owned());
		let accepted = matches!(detail, Some(Happened::Accepted { .. }));
		let ended =
			Ended { submission: entry.submission, accepted, outcome: outcome.to_owned(), block, detail };
		self.stage(Stage::Done)?;
		self.context.metrics().submitted(outcome);
		Ok(ended)
	}

	async fn run(mut self) -> anyhow::Result<Ended> {
		let mut view = self.chain.finalised().await?;
		loop {
			self.context.observe_balance(&view, &self.key.account()).await;
			if let Some((block, happened)) = self.look_at_events(&view).await? {
				let outcome = word(&happened);
				return self.end(&outcome, Some(block), Some(happened));
			}
			if let Some(ended) = self.step(&view).await? {
				return Ok(ended);
			}
			view = self.chain.finalised_after(view.number()).await?;
		}
	}

	/// Reads what happened since it was last looked; the end and its block, if there was one.
	async fn look_at_events(&mut self, view: &View) -> anyhow::Result<Option<(u64, Happened)>> {
		let Some(submission) = self.held.entry.submission else {
			return Ok(None);
		};
		let from = (self.held.entry.seen + 1).max(view.number().saturating_sub(LOOK_BACK));
		for number in from..=view.number() {
			let Some(at) = self.chain.at(number).await? else { break };
			let clock = at.clock().await?;
			for event in at.submission_events().await? {
				if event.submission != submission {
					continue;
				}
				if event.what.is_end() {
					return Ok(Some((number, event.what)));
				}
				let output = self.context.output();
				let text = format!("submission {submission}: {}", describe(&event.what, Some(clock)));
				output.event(
					&word(&event.what),
					text,
					serde_json::json!({ "submission": submission, "block": number, "detail": event.what }),
				);
			}
			self.held.entry.seen = number;
		}
		self.held.save()?;
		Ok(None)
	}

	/// Does what can be done in this state.
	async fn step(&mut self, view: &View) -> anyhow::Result<Option<Ended>> {
		match self.held.entry.stage {
			Stage::Prepared => self.commit().await,
			Stage::Committing => {
				let account = self.key.account();
				let ours = view.submissions().await?.into_iter().find(|submission| {
					submission.trainer == account && submission.commitment == self.held.entry.commitment
				});
				let Some(ours) = ours else {
					// What was sent is followed; if it can no longer be in a block, it is signed anew.
					return self.commit().await;
				};
				self.held.entry.submission = Some(ours.id);
				self.stage(Stage::Committed)?;
				Ok(None)
			}
			Stage::Committed | Stage::Revealed => self.advance(view).await,
			Stage::Done => {
				let outcome = self.held.entry.outcome.clone().unwrap_or_else(|| "ended".to_owned());
				Ok(Some(Ended {
					submission: self.held.entry.submission,
					accepted: outcome == "accepted",
					outcome,
					block: None,
					detail: None,
				}))
			}
		}
	}

	async fn commit(&mut self) -> anyhow::Result<Option<Ended>> {
		self.stage(Stage::Committing)?;
		let commitment = self.held.entry.commitment;
		match self.chain.commit(self.key, self.held.entry.model, commitment).await {
			Ok((id, receipt)) => {
				self.held.entry.submission = Some(id);
				self.held.entry.seen = receipt.block;
				self.stage(Stage::Committed)?;
				self.context.output().event(
					"committed",
					format!("committed: submission {id} in block {}", receipt.block),
					serde_json::json!({ "submission": id, "receipt": receipt }),
				);
				Ok(None)
			}
			Err(error) if error.is_final() => {
				self.end("refused", None, None)?;
				Err(error).context("committing")
			}
			Err(error) if error.leaves_open() => {
				tracing::warn!(%error, "whether the commitment is on the chain is not known yet");
				Ok(None)
			}
			// It is in no block, nor on its way: the pool is full, say, or the fee cannot be paid.
			Err(error) => {
				self.refusals += 1;
				if self.refusals >= MAX_REFUSALS {
					self.end("refused", None, None)?;
					return Err(error).context("committing");
				}
				tracing::warn!(%error, "the commitment is sent again");
				Ok(None)
			}
		}
	}

	async fn advance(&mut self, view: &View) -> anyhow::Result<Option<Ended>> {
		let Some(id) = self.held.entry.submission else { bail!("a committed submission without a number") };
		let Some(live) = view.submission(id).await? else {
			// A node that lost blocks shows states in which it has not begun.
			if view.number() < self.held.entry.seen {
				return Ok(None);
			}
			return self.gone(view, id).await.map(Some);
		};
		match live.phase {
			Phase::Committed => self.reveal(view, &live).await,
			Phase::Queued { .. } | Phase::Verifying { .. } => {
				if self.held.entry.stage != Stage::Revealed {
					self.stage(Stage::Revealed)?;
				}
				self.settle(view, &live).await?;
				Ok(None)
			}
		}
	}

	/// It has ended, in a block whose events could not be looked at.
	async fn gone(&mut self, view: &View, id: SubmissionId) -> anyhow::Result<Ended> {
		let model = self.held.entry.model;
		let head = view.model(model).await?.and_then(|model| model.head);
		for number in (0..=head.unwrap_or_default()).rev() {
			match view.version(model, number).await? {
				Some(version) if version.submission == id => {
					let happened = Happened::Accepted { version: number, score: version.score };
					return self.end("accepted", None, Some(happened));
				}
				Some(version) if version.submission < id => break,
				_ => {}
			}
		}
		self.end("ended", None, None)
	}

	async fn reveal(&mut self, view: &View, live: &Submission) -> anyhow::Result<Option<Ended>> {
		let tick = view.tick().await?;
		if tick < live.opens_at {
			return Ok(None);
		}
		if tick >= live.closes_at {
			tracing::error!(submission = live.id, "the time for revealing is over; the bond is lost");
			self.settle(view, live).await?;
			return Ok(None);
		}
		if self.hopeless {
			return self.withdraw(live.id).await;
		}
		let entry = &self.held.entry;
		let weights = entry.weights;
		let sent = self.chain.reveal(self.key, live.id, weights, entry.salt, entry.scores.clone()).await;
		match sent {
			Ok(receipt) => {
				self.stage(Stage::Revealed)?;
				self.context.output().event(
					"reveal_final",
					format!("revealed: submission {} in block {}", live.id, receipt.block),
					serde_json::json!({ "submission": live.id, "receipt": receipt }),
				);
				Ok(None)
			}
			Err(error) if hopeless(&error) => {
				tracing::warn!(submission = live.id, %error, "the reveal was refused; withdrawing");
				self.hopeless = true;
				self.withdraw(live.id).await
			}
			// Pools empty, fees fall, runtimes change: until its time is over it is sent again.
			Err(error) => {
				tracing::warn!(submission = live.id, %error, "the reveal is sent again");
				Ok(None)
			}
		}
	}

	/// Takes back what cannot win any more.
	async fn withdraw(&mut self, id: SubmissionId) -> anyhow::Result<Option<Ended>> {
		let (weights, salt) = (self.held.entry.weights, self.held.entry.salt);
		match self.chain.withdraw(self.key, id, weights, salt).await {
			// The event says the rest.
			Ok(_) => {}
			// Nothing keeps this worker from revealing but what it would reveal.
			Err(error) if error.is_final() => {
				self.end("refused", None, None)?;
				return Err(error).context("withdrawing what cannot be revealed");
			}
			Err(error) => tracing::warn!(submission = id, %error, "withdrawing is tried again"),
		}
		Ok(None)
	}

	/// Settles it, if something is due.
	async fn settle(&mut self, view: &View, live: &Submission) -> anyhow::Result<()> {
		let tick = view.tick().await?;
		let due = due::due(view, live).await?.is_some_and(|due| tick >= due);
		let again = self.settled_at.is_none_or(|at| tick >= at.saturating_add(SETTLE_AGAIN));
		if !due || !again {
			return Ok(());
		}
		self.settled_at = Some(tick);
		match self.chain.settle(self.key, live.id).await {
			Ok(receipt) => {
				tracing::debug!(submission = live.id, block = receipt.block, "settled");
			}
			// Somebody else was first, or it was not yet time.
			Err(error @ ChainError::Module { .. }) => {
				tracing::debug!(submission = live.id, %error, "nothing to settle");
			}
			Err(error) => tracing::warn!(submission = live.id, %error, "could not settle"),
		}
		Ok(())
	}
}

/// Whether the runtime refuses a reveal for what it is, so that it would refuse it in every other block too. What is
/// over is read from the state.
fn hopeless(error: &ChainError) -> bool {
	use errors::{RuntimeError, Training};
	let over = matches!(
		error.module(),
		Some(RuntimeError::Training(
			Training::RevealTooLate | Training::AlreadyRevealed | Training::UnknownSubmission
		))
	);
	error.is_final() && !over
}

/// What happened, in a word.
pub fn word(happened: &Happened) -> String {
	serde_json::to_value(happened)
		.ok()
		.and_then(|value| value.get("event")?.as_str().map(str::to_owned))
		.unwrap_or_else(|| "event".to_owned())
}

/// What happened, in a sentence. Deadlines say in how long they are where the chain's time is known.
pub fn describe(happened: &Happened, clock: Option<Clock>) -> String {
	use crate::people::account;
	let at = |tick: &Tick| clock.map_or_else(|| format!("tick {tick}"), |clock| clock.at(*tick).to_string());
	match happened {
		Happened::Committed { trainer, .. } => format!("committed by {}", account(trainer)),
		Happened::Revealed { score, fee } => {
			format!("revealed with score {score}; the verifiers' fee is {}", oda(*fee))
		}
		Happened::VerificationStarted { open_until } => {
			format!("is being verified, until {} at least; its verifiers are drawn later", at(open_until))
		}
		Happened::DrawFailed => "too few verifiers have room for it: it waits for the next draw".to_owned(),
		Happened::CommitteeDrawn { members, quorum, until } => {
			format!(
				"{members} verifiers were drawn, of whom {quorum} are needed; they commit until {}",
				at(until)
			)
		}
		Happened::FindingCommitted { verifier } => format!("{} has verified it", account(verifier)),
		Happened::RecordsDrawn { until, .. } => {
			format!("its verifiers show what they found until {}", at(until))
		}
		Happened::FindingOpened { verifier, verdict } => format!("{} says {verdict:?}", account(verifier)),
		Happened::TaskDisputed { record, until } => {
			format!(
				"verifiers differ about record {record}, which the runtime has to run before {}",
				at(until)
			)
		}
		Happened::DisputeResolved { record, claimed, actual } if claimed == actual => {
			format!("the runtime ran record {record}, which scores {actual}, as claimed")
		}
		Happened::DisputeResolved { record, claimed, actual } => {
			format!("the runtime ran record {record}, which scores {actual}, not {claimed}")
		}
		Happened::TaskUnavailable => "most verifiers cannot get its weights or the data".to_owned(),
		Happened::TaskLapsed => "too few verifiers say that it is valid".to_owned(),
		Happened::DrawnAgain { votes } => {
			format!("too few verifiers say that it is valid: others with {votes} votes are drawn")
		}
		Happened::TaskPassed => "enough verifiers say that it is valid".to_owned(),
		Happened::ChallengeCommitted { who, expires_at } => {
			format!("{} has evidence against it, until {}", account(who), at(expires_at))
		}
		Happened::ChallengeFailed { record, challenger } => {
			format!("{} challenged record {record} falsely", account(challenger))
		}
		Happened::WeightsDemanded { who: Some(who), until } => {
			format!("{} demands that its weights be posted before {}", account(who), at(until))
		}
		Happened::WeightsDemanded { who: None, until } => {
			format!("most verifiers cannot get its weights, which are to be posted before {}", at(until))
		}
		Happened::WeightsPosted { .. } => "its weights were posted".into(),
		Happened::TaskReopened { until } => {
			format!("its weights were shown, and its verifiers are asked again, until {}", at(until))
		}
		Happened::Withheld { .. } => "overturned: nobody posted its weights, which were demanded".into(),
		Happened::Refuted { .. } => {
			"refuted: verifiers differed, and the runtime found a wrong score; the bond was burned".to_owned()
		}
		Happened::Accepted { version, score } => format!("accepted as version {version} with score {score}"),
		Happened::Overturned { record, claimed, actual, challenger, .. } => {
			format!("overturned by {}: record {record} scores {actual}, not {claimed}", account(challenger))
		}
		Happened::Expired { why } => {
			let why = match why.as_str() {
				"Lapsed" => "too few verifiers said in time that it is valid",
				"NoVerifiers" => "no verifier was there to be drawn",
				"ModelClosed" => "the model takes no new head any more",
				other => other,
			};
			format!("expired: {why}; the bond was returned")
		}
		Happened::Outdated => "outdated: the head has moved; all was returned".to_owned(),
		Happened::Withdrawn => "withdrawn".to_owned(),
		Happened::Forfeited => "not revealed in time; the bond was burned".to_owned(),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::played::{self, Claimed, SUBMISSION, until};
	use errors::{RuntimeError, Training};
	use oda_client::{Refusal, TaskPhase};

	#[test]
	fn what_happened_is_said_in_amounts_and_times_that_people_read() {
		let clock = Some(Clock { now: 100, tick_millis: 3_000 });
		let revealed = Happened::Revealed { score: 7, fee: 1_088_036_691_940 };
		assert_eq!(
			describe(&revealed, clock),
			"revealed with score 7; the verifiers' fee is 1.08803669194 ODA"
		);
		let started = Happened::VerificationStarted { open_until: 110 };
		let said = |when| format!("is being verified, until {when} at least; its verifiers are drawn later");
		assert_eq!(describe(&started, clock), said("tick 110, in about 30 s"));
		assert_eq!(describe(&started, None), said("tick 110"));
		let expired = |why: &str| describe(&Happened::Expired { why: why.to_owned() }, None);
		assert!(expired("Lapsed").contains("too few verifiers said"));
		assert!(expired("NoVerifiers").contains("no verifier was there"));
	}

	#[tokio::test]
	async fn a_trainer_has_the_runtime_run_a_record_about_which_its_verifiers_differ() {
		let stage = played::Stage::set().await;
		stage.committee();
		let actor = stage.actor().await;
		let mut claimed = Claimed::of(&actor, [1, 0, 1]);
		(claimed.submission.trainer, claimed.submission.commitment) = (stage.me(), [4; 32]);
		let entry = SubmissionEntry {
			genesis: actor.chain.genesis(),
			trainer: stage.me().to_string(),
			model: claimed.spec.id(),
			weights: claimed.claim.weights,
			salt: [3; 32],
			commitment: [4; 32],
			scores: vec![0],
			stage: crate::journal::Stage::Revealed,
			submission: Some(SUBMISSION),
			seen: 5,
			outcome: None,
		};
		let held = actor.context.journal().begin(entry).unwrap();
		stage.finalise(|block| {
			claimed.put(block);
			block.set_task(&claimed.task(TaskPhase::Disputed { record: 1, until: 1_000 }, 1));
		});
		let (context, key) = (actor.context.clone(), stage.key.clone());
		let driving =
			tokio::spawn(async move { drive(&context, &key, held).await.map(|ended| ended.outcome) });
		until("it is resolved", || {
			stage.finalise(|_| ());
			stage.included("Training.resolve_dispute") > 0
		})
		.await;
		assert!(!driving.is_finished());
		driving.abort();
	}

	fn refused(error: Training) -> ChainError {
		let (pallet, name) = ("Training".to_owned(), format!("{error:?}"));
		ChainError::Module { pallet, error: name, detail: None, typed: Some(RuntimeError::Training(error)) }
	}

	#[test]
	fn a_reveal_is_given_up_for_the_runtime_s_own_reasons_alone() {
		assert!(hopeless(&refused(Training::BelowMinImprovement)));
		assert!(hopeless(&refused(Training::NotSignificant)));
		for passing in [Training::RevealTooEarly, Training::QueueFull, Training::AlreadyRevealed] {
			assert!(!hopeless(&refused(passing)));
		}
		for reason in [Refusal::Full, Refusal::Fees, Refusal::Banned, Refusal::Signature, Refusal::Exhausts] {
			let message = "the node's words".to_owned();
			assert!(!hopeless(&ChainError::Rejected { reason, code: 1010, message }), "{reason:?}");
		}
		assert!(!hopeless(&ChainError::NodeAway("away".to_owned())));
		assert!(!hopeless(&ChainError::Expired(7)));
	}
}
