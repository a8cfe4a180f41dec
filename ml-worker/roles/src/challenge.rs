//! Proving a claim wrong: the commitment to evidence, then the challenge, however often the process is interrupted.

use crate::{
	context::{self, Context},
	evaluation::Wrong,
	journal::{ChallengeEntry, Entry, Held, JournalError},
};
use anyhow::Context as _;
use oda_client::{Chain, ChainError, ChallengeOutcome, Key, LIFETIME, Phase, Submission};
use oda_primitives::{SubmissionId, hash};
use serde::Serialize;

/// How a challenge ended.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Challenged {
	/// The submission.
	pub submission: SubmissionId,
	/// The record.
	pub record: u32,
	/// What was claimed.
	pub claimed: i32,
	/// What it scores by the reference evaluator.
	pub actual: i32,
	/// What the chain found; nothing if the submission ended before.
	#[serde(flatten)]
	pub outcome: Option<ChallengeOutcome>,
	/// The number of the challenge's block.
	pub block: Option<u64>,
	/// Milliseconds that the challenge weighed.
	pub weight_ms: Option<f64>,
}

/// The name that a challenge has in the journal.
fn name(chain: &Chain, key: &Key, submission: SubmissionId) -> String {
	entry(chain, key, submission, 0, [0; 32], 0, 0).name()
}

fn entry(
	chain: &Chain,
	key: &Key,
	submission: SubmissionId,
	record: u32,
	salt: [u8; 32],
	claimed: i32,
	actual: i32,
) -> ChallengeEntry {
	ChallengeEntry {
		genesis: chain.genesis(),
		challenger: key.account().to_string(),
		submission,
		record,
		salt,
		claimed,
		actual,
		committing_until: None,
		outcome: None,
	}
}

/// The challenges of `key` on this chain that were begun and have not ended.
pub fn unfinished(context: &Context, chain: &Chain, key: &Key) -> Result<Vec<SubmissionId>, JournalError> {
	Ok(context
		.journal()
		.list::<ChallengeEntry>()?
		.into_iter()
		.filter(|entry| entry.genesis == chain.genesis() && entry.outcome.is_none())
		.filter(|entry| entry.challenger == key.account().to_string())
		.map(|entry| entry.submission)
		.collect())
}

/// Commits to the evidence against a wrong claim, if that is not on the chain; what [`finish`] takes up.
///
/// The secret is in the journal before the commitment is sent. A challenge of this submission that was begun before is
/// taken up, with the record that it names.
pub async fn commit(
	context: &Context,
	key: &Key,
	submission: &Submission,
	wrong: &Wrong,
) -> anyhow::Result<Held<ChallengeEntry>> {
	let chain = context.chain().await?;
	let journal = context.journal();
	let mut held = match journal.hold::<ChallengeEntry>(&name(&chain, key, submission.id))? {
		Some(held) => held,
		None => {
			let (record, actual) = (wrong.evidence.record, wrong.evidence.score);
			let salt = context::salt()?;
			journal.begin(entry(&chain, key, submission.id, record, salt, wrong.claimed, actual))?
		}
	};
	post(context, &chain, key, &mut held).await?;
	Ok(held)
}

/// Whether our commitment is on the chain.
async fn committed(chain: &Chain, key: &Key, held: &Held<ChallengeEntry>) -> anyhow::Result<bool> {
	let ours = our_commitment(chain, key, &held.entry);
	let commitments = chain.finalised().await?.challenge_commitments(held.entry.submission).await?;
	Ok(commitments.iter().any(|other| other.who == key.account() && other.commitment == ours))
}

fn our_commitment(chain: &Chain, key: &Key, entry: &ChallengeEntry) -> [u8; 32] {
	let account = key.account().0;
	hash::challenge_commitment(&chain.genesis(), entry.submission, entry.record, &account, &entry.salt)
}

async fn post(
	context: &Context,
	chain: &Chain,
	key: &Key,
	held: &mut Held<ChallengeEntry>,
) -> anyhow::Result<()> {
	loop {
		if committed(chain, key, held).await? {
			return Ok(());
		}
		let view = chain.finalised().await?;
		let live = view.submission(held.entry.submission).await?;
		if !live.is_some_and(|live| matches!(live.phase, Phase::Verifying { .. })) {
			return Ok(());
		}
		if held.entry.committing_until.is_some_and(|until| view.number() <= until) {
			// Sent before an interruption: it may still come.
			chain.finalised_after(view.number()).await?;
			continue;
		}
		held.entry.committing_until = Some(view.number() + 3 * LIFETIME);
		held.save()?;
		let entry = &held.entry;
		match chain.commit_challenge(key, entry.submission, our_commitment(chain, key, entry)).await {
			Ok(receipt) => {
				context.metrics().committed_challenge();
				context.output().event(
					"challenge_committed",
					format!(
						"submission {}: committed to evidence against record {} in block {}",
						entry.submission, entry.record, receipt.block
					),
					serde_json::json!({
						"submission": entry.submission,
						"record": entry.record,
						"claimed": entry.claimed,
						"actual": entry.actual,
						"receipt": receipt,
					}),
				);
				return Ok(());
			}
			Err(ChainError::Expired(_) | ChainError::NodeAway(_) | ChainError::Node(_)) => {}
			Err(error) => {
				held.entry.committing_until = None;
				held.save()?;
				return Err(error).context("committing to a challenge");
			}
		}
	}
}

/// Takes up a challenge from the journal.
pub async fn resume(
	context: &Context,
	key: &Key,
	submission: SubmissionId,
) -> anyhow::Result<Option<Challenged>> {
	let chain = context.chain().await?;
	let Some(mut held) = context.journal().hold::<ChallengeEntry>(&name(&chain, key, submission))? else {
		return Ok(None);
	};
	post(context, &chain, key, &mut held).await?;
	finish(context, key, held).await.map(Some)
}

/// Waits until the commitment is old enough, and has the chain evaluate the record.
pub async fn finish(
	context: &Context,
	key: &Key,
	mut held: Held<ChallengeEntry>,
) -> anyhow::Result<Challenged> {
	let chain = context.chain().await?;
	let bench = context.bench().await?;
	let mut view = chain.finalised().await?;
	let id = held.entry.submission;
	let mut result = Challenged {
		submission: id,
		record: held.entry.record,
		claimed: held.entry.claimed,
		actual: held.entry.actual,
		outcome: None,
		block: None,
		weight_ms: None,
	};
	loop {
		let live = view.submission(id).await?;
		let Some((submission, Phase::Verifying { claim, .. })) = live.map(|live| (live.clone(), live.phase))
		else {
			// Overturned by somebody else, perhaps: the bond is back.
			return end(context, &mut held, result, "over");
		};
		let ours = our_commitment(&chain, key, &held.entry);
		let commitments = view.challenge_commitments(id).await?;
		let Some(commitment) = commitments.into_iter().find(|other| other.commitment == ours) else {
			return end(context, &mut held, result, "commitment_expired");
		};
		if view.tick().await? < commitment.opens_at {
			view = chain.finalised_after(view.number()).await?;
			continue;
		}
		let spec = view.spec(submission.model).await?.context("the model has no specification")?;
		let evidence = bench.evidence(&spec, &claim.weights, held.entry.record).await?;
		let cost = view.court_price(submission.model).await?.context("the model has no price")?;
		let sent = chain
			.challenge(
				id,
				held.entry.record,
				key.account(),
				held.entry.salt,
				evidence.proof,
				evidence.weights,
				cost,
			)
			.await;
		match sent {
			Ok((outcome, receipt)) => {
				result.outcome = Some(outcome);
				result.block = Some(receipt.block);
				result.weight_ms = Some(receipt.weight.milliseconds());
				let word = match outcome {
					ChallengeOutcome::Overturned { .. } => "overturned",
					ChallengeOutcome::Failed => "failed",
				};
				return end(context, &mut held, result, word);
			}
			Err(error)
				// The price changes with the runtime.
				if error.is("Training", "ChallengeTooEarly")
					|| error.is("Training", "WrongCost")
					|| matches!(
						error,
						ChainError::Expired(_) | ChainError::NodeAway(_) | ChainError::Node(_)
					) =>
			{
				tracing::warn!(submission = id, %error, "the challenge is sent again");
				view = chain.finalised_after(view.number()).await?;
			}
			Err(error) if error.is("Training", "UnknownSubmission") || error.is("Training", "NotVerifying") => {
				return end(context, &mut held, result, "over");
			}
			Err(error) => {
				// Tried again with the next block, but counted once.
				let first = held.entry.outcome.replace(error.to_string()).is_none();
				held.save()?;
				if first {
					context.metrics().challenged("refused");
				}
				return Err(error).context("challenging");
			}
		}
	}
}

fn end(
	context: &Context,
	held: &mut Held<ChallengeEntry>,
	result: Challenged,
	word: &str,
) -> anyhow::Result<Challenged> {
	held.entry.outcome = Some(word.to_owned());
	held.save()?;
	context.metrics().challenged(word);
	Ok(result)
}

/// A challenge's end in a sentence.
pub fn describe(challenged: &Challenged) -> String {
	let Challenged { submission, record, claimed, actual, .. } = challenged;
	let cost =
		challenged.weight_ms.map_or_else(String::new, |weight| format!("; {weight:.1} ms in the block"));
	match challenged.outcome {
		Some(ChallengeOutcome::Overturned { paid, .. }) => format!(
			"submission {submission} overturned: record {record} was claimed {claimed} and scores {actual}; \
			 paid {paid}{cost}"
		),
		Some(ChallengeOutcome::Failed) => {
			format!(
				"submission {submission}: the challenge of record {record} failed; the bond is lost{cost}"
			)
		}
		None => format!("submission {submission} ended before the challenge of record {record}"),
	}
}
