//! Proving a claim wrong: the commitment to evidence, then the challenge, however often the process is interrupted.
//!
//! Nothing that fails ends it but the end of the submission, and what the runtime refuses by an error of its own.

use crate::{
	amount::oda,
	context,
	evaluation::{EvaluationError, Wrong},
	journal::{ChallengeEnd, ChallengeEntry, Held, JournalError},
	service::{self, Actor},
	wanted::Waiting,
};
use anyhow::Context as _;
use oda_client::{
	Call, Chain, ChainError, ChallengeOutcome, Key, NEAR_FINALITY, Phase, Receipt, Submission, View, errors,
};
use oda_primitives::{SubmissionId, Tick, hash};
use serde::Serialize;
use std::time::Duration;

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

/// Blocks between two looks whether a challenge in the journal needs somebody to see it through.
pub(crate) const LOOK_AGAIN: u64 = 4;

/// How long it is waited for a block that has a commitment before the time is looked at again.
const IN_BLOCK: Duration = Duration::from_secs(3);

/// How long it is waited for a block that has a challenge before it is sent again: it costs nothing.
const CHALLENGED: Duration = Duration::from_secs(30);

/// Whether an account has a commitment to evidence on the chain.
pub enum Commitment {
	/// Yes, and this is what goes with it.
	Ours(Held<ChallengeEntry>),
	/// Yes, and another role of the same account sees to it.
	Elsewhere,
	/// No, nor could it be had in time, or it is no longer of use.
	None,
}

/// One account's challenge of one submission.
pub struct Challenge<'a> {
	actor: &'a Actor,
	key: &'a Key,
	submission: SubmissionId,
}

impl<'a> Challenge<'a> {
	/// Of this submission, by this account.
	pub fn new(actor: &'a Actor, key: &'a Key, submission: SubmissionId) -> Self {
		Self { actor, key, submission }
	}

	fn chain(&self) -> &Chain {
		&self.actor.chain
	}

	fn entry(&self, wrong: &Wrong, salt: [u8; 32]) -> ChallengeEntry {
		ChallengeEntry {
			genesis: self.chain().genesis(),
			challenger: self.key.account().to_string(),
			submission: self.submission,
			record: wrong.evidence.record,
			salt,
			claimed: wrong.claimed,
			actual: wrong.evidence.score,
			outcome: None,
		}
	}

	/// The submission, if it can be challenged.
	async fn live(&self, view: &View) -> Result<Option<Submission>, ChainError> {
		let live = view.submission(self.submission).await?;
		Ok(live.filter(|live| matches!(live.phase, Phase::Verifying { .. })))
	}

	/// Whether it cannot be challenged any more: by final state alone, for the best chain may be another tomorrow.
	async fn is_over(&self) -> Result<bool, ChainError> {
		Ok(self.live(&self.chain().finalised().await?).await?.is_none())
	}

	/// Whether there is no time, or nothing, left to commit to.
	async fn is_late(&self, view: &View, until: Option<Tick>) -> Result<bool, ChainError> {
		if let Some(until) = until
			&& view.tick().await? >= until
		{
			return Ok(true);
		}
		Ok(self.live(view).await?.is_none() && self.is_over().await?)
	}

	/// Commits to the evidence against a wrong claim, if that is not on the chain; tried until `until`, or for as long as
	/// the submission can be challenged.
	///
	/// The secret is in the journal before the commitment is sent. A challenge of this submission that was begun before
	/// is taken up, with the record that it names.
	pub async fn commit(&self, wrong: &Wrong, until: Option<Tick>) -> anyhow::Result<Commitment> {
		let journal = self.actor.context.journal();
		self.actor.context.mark_chain(self.chain()).await?;
		let mut view = self.chain().defence_view().await?;
		loop {
			if self.is_late(&view, until).await? {
				return Ok(Commitment::None);
			}
			let name = ChallengeEntry::name_of(&self.chain().genesis(), self.submission, &self.key.account());
			let held = match journal.hold::<ChallengeEntry>(&name) {
				Ok(None) => journal.begin(self.entry(wrong, context::salt()?)),
				Ok(Some(held)) => Ok(held),
				Err(error) => Err(error),
			};
			match held {
				// It would be lost, or refused, again.
				Ok(held) if held.entry.outcome.is_some_and(ChallengeEnd::is_final) => {
					return Ok(Commitment::None);
				}
				Ok(mut held) => {
					held.entry.outcome = None;
					held.save()?;
					return Ok(match self.post(&mut held, until).await? {
						true => Commitment::Ours(held),
						false => Commitment::None,
					});
				}
				// Another role of the same account is at it. Should that end without having done it, this one does.
				Err(JournalError::Busy(_)) => {
					let standing = view.challenge_commitments(self.submission).await?;
					if standing.iter().any(|other| other.who == self.key.account()) {
						return Ok(Commitment::Elsewhere);
					}
				}
				Err(error) => return Err(error.into()),
			}
			view = service::next(self.chain(), &view).await?;
		}
	}

	fn commitment(&self, entry: &ChallengeEntry) -> [u8; 32] {
		let account = self.key.account().0;
		hash::challenge_commitment(&entry.genesis, entry.submission, entry.record, &account, &entry.salt)
	}

	/// Sends the commitment until it is on the chain; whether it is.
	async fn post(&self, held: &mut Held<ChallengeEntry>, until: Option<Tick>) -> anyhow::Result<bool> {
		let commitment = self.commitment(&held.entry);
		let mut said = None;
		let mut view = self.chain().defence_view().await?;
		loop {
			let standing = view.challenge_commitments(self.submission).await?;
			if standing.iter().any(|other| other.commitment == commitment) {
				return Ok(true);
			}
			if self.is_late(&view, until).await? {
				return Ok(false);
			}
			match self.commit_once(commitment, until).await {
				Ok(None) => return Ok(false),
				Ok(Some(receipt)) => {
					self.actor.context.metrics().committed_challenge();
					let entry = &held.entry;
					self.actor.context.output().event(
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
					return Ok(true);
				}
				// The places may become free, the account may be given money: it is tried until the time is over.
				Err(error) => {
					let error = error.to_string();
					if said.as_ref() != Some(&error) {
						tracing::warn!(submission = self.submission, error, "no challenge commitment yet");
						said = Some(error);
					}
				}
			}
			view = service::next(self.chain(), &view).await?;
		}
	}

	/// Sends the commitment, and waits until a block has it; nothing, if the time is over before.
	async fn commit_once(
		&self,
		commitment: [u8; 32],
		until: Option<Tick>,
	) -> Result<Option<Receipt>, ChainError> {
		let mut sent = self.chain().commit_challenge(self.key, self.submission, commitment).send().await?;
		loop {
			if let Ok(done) = tokio::time::timeout(IN_BLOCK, sent.in_block()).await {
				return done.map(Some);
			}
			if self.is_late(&self.chain().defence_view().await?, until).await? {
				return Ok(None);
			}
		}
	}

	/// Sees a challenge through, from a commitment that was or was not had: until the claim is proved wrong, or cannot be
	/// challenged any more. What came of it, if this role saw to it.
	pub async fn see_through(
		&self,
		mut commitment: Commitment,
		wrong: &Wrong,
	) -> anyhow::Result<Option<Challenged>> {
		loop {
			match commitment {
				Commitment::Ours(held) => {
					let (end, challenged) = self.finish(held).await?;
					if end != ChallengeEnd::CommitmentExpired {
						return Ok(Some(challenged));
					}
				}
				Commitment::Elsewhere => {
					// Until that has ended, or has given up.
					if self.is_over().await? {
						return Ok(None);
					}
					service::next(self.chain(), &self.chain().defence_view().await?).await?;
				}
				Commitment::None => {}
			}
			commitment = self.commit(wrong, None).await?;
			if matches!(commitment, Commitment::None) {
				return Ok(None);
			}
		}
	}

	/// Takes up a challenge from the journal; what came of it, if nobody else is at it.
	pub async fn resume(&self) -> anyhow::Result<Option<Challenged>> {
		let name = ChallengeEntry::name_of(&self.chain().genesis(), self.submission, &self.key.account());
		let mut taken_up = false;
		loop {
			let mut held = match self.actor.context.journal().hold::<ChallengeEntry>(&name) {
				Ok(Some(held)) if taken_up || held.entry.outcome.is_none() => held,
				Ok(_) | Err(JournalError::Busy(_)) => return Ok(None),
				Err(error) => return Err(error.into()),
			};
			taken_up = true;
			held.entry.outcome = None;
			held.save()?;
			self.post(&mut held, None).await?;
			let (end, challenged) = self.finish(held).await?;
			// Its block may have gone with its fork.
			if end != ChallengeEnd::CommitmentExpired || self.is_over().await? {
				return Ok(Some(challenged));
			}
		}
	}

	/// Has the chain evaluate the record, and waits until a block has done so.
	async fn challenge_once<T>(&self, call: Call<T>) -> Result<T, ChainError> {
		let mut sent = call.send().await?;
		match tokio::time::timeout(CHALLENGED, sent.in_block()).await {
			Ok(done) => done,
			Err(_) => Err(ChainError::NodeAway("no block has the challenge yet".to_owned())),
		}
	}

	/// Waits until a block of this number is final; whether the commitment has been used up by then.
	async fn is_settled(&self, commitment: &[u8; 32], block: u64) -> Result<bool, ChainError> {
		let view = self.chain().finalised_after(block.saturating_sub(1)).await?;
		if self.live(&view).await?.is_none() {
			return Ok(true);
		}
		let standing = view.challenge_commitments(self.submission).await?;
		Ok(!standing.iter().any(|other| other.commitment == *commitment))
	}

	/// Waits until the commitment is old enough, and has the chain evaluate the record.
	async fn finish(&self, mut held: Held<ChallengeEntry>) -> anyhow::Result<(ChallengeEnd, Challenged)> {
		let (id, record) = (self.submission, held.entry.record);
		let mut result = Challenged {
			submission: id,
			record,
			claimed: held.entry.claimed,
			actual: held.entry.actual,
			outcome: None,
			block: None,
			weight_ms: None,
		};
		let ours = self.commitment(&held.entry);
		let mut misses = 0;
		let mut waiting = Waiting::new(&self.actor.context, self.chain());
		let mut view = self.chain().defence_view().await?;
		let end = loop {
			let live = self.live(&view).await?;
			let Some((submission, claim)) =
				live.and_then(|live| live.claim().copied().map(|claim| (live, claim)))
			else {
				if self.is_over().await? {
					// Overturned by somebody else, perhaps: the bond is back.
					break ChallengeEnd::Over;
				}
				view = service::next(self.chain(), &view).await?;
				continue;
			};
			let standing = view.challenge_commitments(id).await?;
			let Some(commitment) = standing.into_iter().find(|other| other.commitment == ours) else {
				// In a block that is not in this state, or in none any more.
				misses += 1;
				if misses > NEAR_FINALITY {
					break ChallengeEnd::CommitmentExpired;
				}
				view = service::next(self.chain(), &view).await?;
				continue;
			};
			if view.tick().await? < commitment.opens_at {
				view = service::next(self.chain(), &view).await?;
				continue;
			}
			let spec = view.spec(submission.model).await?.context("the model has no specification")?;
			let bench = self.actor.context.bench().await?;
			let evidence = match bench.evidence(&spec, &claim.weights, record).await {
				Ok(evidence) => evidence,
				Err(EvaluationError::Missing(blob)) => {
					waiting.wait(blob).await?;
					view = self.chain().defence_view().await?;
					continue;
				}
				Err(error) => return Err(error.into()),
			};
			let cost = view.court_price(submission.model).await?.context("the model has no price")?;
			let (who, salt) = (self.key.account(), held.entry.salt);
			let call = self.chain().challenge(id, record, who, salt, evidence.proof, evidence.weights, cost);
			match self.challenge_once(call).await {
				Ok((outcome, receipt)) => {
					// A fork may have it that is left.
					if !self.is_settled(&ours, receipt.block).await? {
						tracing::warn!(submission = id, "the challenge's block is gone; it is sent again");
						view = self.chain().defence_view().await?;
						continue;
					}
					result.outcome = Some(outcome);
					result.block = Some(receipt.block);
					result.weight_ms = Some(receipt.weight.milliseconds());
					break match outcome {
						ChallengeOutcome::Overturned { .. } => ChallengeEnd::Overturned,
						ChallengeOutcome::Failed => ChallengeEnd::Failed,
					};
				}
				Err(error) if refused(&error) => {
					tracing::error!(submission = id, %error, "the challenge is refused");
					break ChallengeEnd::Refused;
				}
				Err(error) => {
					tracing::warn!(submission = id, %error, "the challenge is sent again");
					view = service::next(self.chain(), &view).await?;
				}
			}
		};
		held.entry.outcome = Some(end);
		held.save()?;
		self.actor.context.metrics().challenged(end.word());
		Ok((end, result))
	}
}

/// Whether the runtime refuses a challenge for what it is. What became of the submission and of the commitment is read
/// from the state; the price changes with the runtime.
fn refused(error: &ChainError) -> bool {
	use errors::{RuntimeError, Training};
	let passing = matches!(
		error.module(),
		Some(RuntimeError::Training(
			Training::WrongCost
				| Training::UnknownSubmission
				| Training::NoChallengeCommitment
				| Training::ChallengeCommitmentExpired
		))
	);
	error.is_final() && !passing
}

/// The challenges of an account on this chain that were begun and have not ended.
pub fn unfinished(actor: &Actor, key: &Key) -> Result<Vec<SubmissionId>, JournalError> {
	let (genesis, account) = (actor.chain.genesis(), key.account().to_string());
	let entries = actor.context.journal().list::<ChallengeEntry>()?;
	let ours = entries.into_iter().filter(|entry| entry.genesis == genesis && entry.challenger == account);
	Ok(ours.filter(|entry| entry.outcome.is_none()).map(|entry| entry.submission).collect())
}

/// Says how a challenge ended.
pub(crate) fn say(actor: &Actor, challenged: Option<&Challenged>) {
	if let Some(challenged) = challenged {
		let value = serde_json::to_value(challenged).unwrap_or_default();
		actor.context.output().event("challenged", describe(challenged), value);
	}
}

/// A challenge's end in a sentence.
pub fn describe(challenged: &Challenged) -> String {
	let Challenged { submission, record, claimed, actual, .. } = challenged;
	let cost =
		challenged.weight_ms.map_or_else(String::new, |weight| format!("; {weight:.1} ms in the block"));
	match challenged.outcome {
		Some(ChallengeOutcome::Overturned { paid, .. }) => format!(
			"submission {submission} overturned: record {record} was claimed {claimed} and scores {actual}; \
			 paid {}{cost}",
			oda(paid)
		),
		Some(ChallengeOutcome::Failed) => {
			format!(
				"submission {submission}: the challenge of record {record} failed; the bond is lost{cost}"
			)
		}
		None => format!("submission {submission} ended before the challenge of record {record}"),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::played::{Claimed, SUBMISSION, Stage, end_of, until};
	use oda_client::played::Block;

	/// What is wrong with a claim of three right records.
	async fn wrong(actor: &Actor, claimed: &Claimed) -> Wrong {
		let bench = actor.context.bench().await.unwrap();
		let evidence = bench.evidence(&claimed.spec, &claimed.claim.weights, 1).await.unwrap();
		Wrong { claimed: 1, evidence }
	}

	/// A stage with a wrong claim in a final block, and who challenges it.
	async fn set() -> (Stage, Actor, Claimed) {
		let stage = Stage::set().await;
		stage.court();
		let actor = stage.actor().await;
		let claimed = Claimed::of(&actor, [1, 1, 1]);
		stage.finalise(|block| claimed.put(block));
		(stage, actor, claimed)
	}

	/// Makes final blocks until something has ended.
	async fn run<T>(stage: &Stage, work: tokio::task::JoinHandle<T>) -> T {
		let blocks = async {
			loop {
				tokio::time::sleep(Duration::from_millis(200)).await;
				stage.finalise(|_: &mut Block| ());
			}
		};
		tokio::select! {
			done = end_of("the challenge", work) => done.unwrap(),
			() = blocks => unreachable!(),
		}
	}

	async fn is_overturned(actor: &Actor) -> bool {
		actor.chain.finalised().await.unwrap().submission(SUBMISSION).await.unwrap().is_none()
	}

	#[tokio::test]
	async fn a_challenge_for_a_fork_that_was_lost_is_made_again_for_the_one_that_stayed() {
		let (stage, actor, claimed) = set().await;
		let (wrong, acting) = (wrong(&actor, &claimed).await, actor.clone());
		let work = tokio::spawn(async move {
			let key = acting.key.clone().unwrap();
			Challenge::new(&acting, &key, SUBMISSION).see_through(Commitment::None, &wrong).await
		});
		until("it is committed to", || stage.called("Training.commit_challenge") == 1).await;
		stage.finalise(|_| ());
		until("it is made", || stage.called("Training.challenge") == 1).await;
		stage.seal(|_| ());
		assert_eq!(stage.included("Training.challenge"), 1);
		// Long enough for that to be seen.
		tokio::time::sleep(Duration::from_secs(3)).await;
		stage.lose_fork();
		let challenged = run(&stage, work).await.unwrap().unwrap();
		assert!(matches!(challenged.outcome, Some(ChallengeOutcome::Overturned { .. })));
		assert!(is_overturned(&actor).await);
		assert_eq!(stage.included("Training.commit_challenge"), 1);
	}

	#[tokio::test]
	async fn a_commitment_for_a_fork_that_was_lost_is_made_again_for_the_one_that_stayed() {
		let (stage, actor, claimed) = set().await;
		let (wrong, acting) = (wrong(&actor, &claimed).await, actor.clone());
		stage.lag();
		let work = tokio::spawn(async move {
			let key = acting.key.clone().unwrap();
			Challenge::new(&acting, &key, SUBMISSION).see_through(Commitment::None, &wrong).await
		});
		until("it is committed to", || stage.called("Training.commit_challenge") == 1).await;
		stage.seal(|_| ());
		until("it is made", || stage.called("Training.challenge") == 1).await;
		stage.lose_fork();
		stage.node.state().pool.clear();
		let challenged = run(&stage, work).await.unwrap().unwrap();
		assert!(matches!(challenged.outcome, Some(ChallengeOutcome::Overturned { .. })));
		assert!(is_overturned(&actor).await);
		assert_eq!(stage.included("Training.commit_challenge"), 1);
	}

	#[tokio::test]
	async fn a_commitment_is_posted_again_after_a_restart_and_once() {
		let (stage, first, claimed) = set().await;
		let wrong = wrong(&first, &claimed).await;
		// Killed when the secret was written down, and nothing sent.
		let entry = Challenge::new(&first, &stage.key, SUBMISSION).entry(&wrong, [3; 32]);
		first.context.mark_chain(&first.chain).await.unwrap();
		drop(first.context.journal().begin(entry).unwrap());
		drop(first);
		// Two roles of the account take it up; killed again when the node has it.
		let second = stage.actor().await;
		assert_eq!(unfinished(&second, &stage.key).unwrap(), [SUBMISSION]);
		let resume = |actor: &Actor| {
			let actor = actor.clone();
			tokio::spawn(async move {
				let key = actor.key.clone().unwrap();
				Challenge::new(&actor, &key, SUBMISSION).resume().await
			})
		};
		let (one, other) = (resume(&second), resume(&second));
		until("it is committed to", || stage.called("Training.commit_challenge") == 1).await;
		until("one leaves it to the other", || one.is_finished() != other.is_finished()).await;
		for role in [one, other] {
			role.abort();
			drop(role.await);
		}
		drop(second);
		let third = stage.actor().await;
		let challenged = run(&stage, resume(&third)).await.unwrap().unwrap();
		assert!(matches!(challenged.outcome, Some(ChallengeOutcome::Overturned { .. })));
		assert_eq!(stage.called("Training.commit_challenge"), 1);
		assert_eq!(stage.included("Training.commit_challenge"), 1);
		assert!(unfinished(&third, &stage.key).unwrap().is_empty());
	}
}
