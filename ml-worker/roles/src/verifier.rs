//! Answers the tasks that a verifier is a member of.

use crate::{
	background::{Again, Background},
	challenge::{self, Challenge, Commitment},
	context::Context,
	evaluation::{EvaluationError, Wrong},
	metrics::OpenTasks,
	service::{self, Actor, Role, Step},
	wanted::Waiting,
};
use anyhow::Context as _;
use oda_client::{ChainError, Key, Receipt, Submission, Task, View};
use oda_primitives::{SubmissionId, Tick, Verdict};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

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

/// Ticks that an answer may need from being sent to being in a block, and by which finalised state is behind.
const LAST_TICKS: Tick = 6;

/// How long it is waited for a block that has an answer before it is sent again: it costs nothing.
const IN_BLOCK: Duration = Duration::from_secs(30);

/// Blocks after which a task that still waits for this account's answer shows that its block is gone.
const LOST: u64 = 8;

/// Between two attempts to answer.
const ATTEST_AGAIN: Duration = Duration::from_secs(2);

/// Verifies. With `once`, until all tasks that are open now are answered.
pub async fn run(context: Context, key: Key, config: VerifierConfig, once: bool) -> anyhow::Result<()> {
	service::run::<Verifier>(context, Some(key), config, once).await
}

/// A piece of a verifier's work.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Piece {
	/// Answering a task; one that is asked anew has a later end.
	Task { submission: SubmissionId, until: Tick },
	/// Seeing a challenge through that was begun before.
	Challenge { submission: SubmissionId },
}

/// The role.
pub struct Verifier {
	agent: Agent,
	open_tasks: OpenTasks,
	work: Background<Piece>,
}

/// Who does a piece of work.
#[derive(Clone)]
struct Agent {
	actor: Actor,
	key: Key,
	config: VerifierConfig,
}

impl Role for Verifier {
	const NAME: &'static str = "verifier";
	type Config = VerifierConfig;

	async fn start(actor: Actor, config: VerifierConfig) -> anyhow::Result<Self> {
		let key = actor.needed_key(Self::NAME)?;
		let account = key.account();
		let verifiers = actor.chain.finalised().await?.verifiers().await?;
		if !verifiers.iter().any(|verifier| verifier.account == account) {
			tracing::warn!(%account, "this account is not a verifier of this chain");
		}
		actor.context.output().event(
			"verifying",
			format!("verifying as {account}"),
			serde_json::json!({ "account": account }),
		);
		let open_tasks = actor.context.metrics().open_tasks(account.to_string());
		let work = Background::new(&actor.context, Self::NAME);
		Ok(Self { agent: Agent { actor, key, config }, open_tasks, work })
	}

	async fn block(&mut self, view: &View) -> anyhow::Result<Step> {
		let (account, tick, now) = (self.agent.key.account(), view.tick().await?, view.number());
		let mut tasks = view.tasks().await?;
		self.work.look(now, |piece| match piece {
			Piece::Task { submission, until } => {
				tasks.iter().any(|task| task.id == *submission && task.until == *until)
			}
			Piece::Challenge { .. } => true,
		});
		for submission in challenge::unfinished(&self.agent.actor, &self.agent.key)? {
			let agent = self.agent.clone();
			self.work.begin(Piece::Challenge { submission }, now, async move {
				let challenged = Challenge::new(&agent.actor, &agent.key, submission).resume().await?;
				challenge::say(&agent.actor, challenged.as_ref());
				Ok(Again::After(challenge::LOOK_AGAIN))
			});
		}
		tasks.retain(|task| task.awaits(&account) && tick < task.until);
		self.open_tasks.set(tasks.len());
		for task in tasks {
			let (agent, piece) = (self.agent.clone(), Piece::Task { submission: task.id, until: task.until });
			self.work.begin(piece, now, async move { agent.answer(task).await });
		}
		Ok(Step::GoOn)
	}

	async fn finish(mut self) -> anyhow::Result<()> {
		self.work.finish().await
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

impl Agent {
	/// Re-runs a task's records and attests what was found. Where the state has no such task, or has it no longer, the
	/// next one may.
	async fn answer(&self, task: Task) -> anyhow::Result<Again> {
		let view = self.actor.chain.defence_view().await?;
		let Some(submission) = view.submission(task.id).await? else { return Ok(Again::After(1)) };
		let Some(claim) = submission.claim().copied() else { return Ok(Again::After(1)) };
		let started = Instant::now();
		let found = self.rerun(&view, &task, &submission).await?;
		let seconds = started.elapsed().as_secs_f64();
		let (verdict, wrong) = match found {
			Found::Over => return Ok(Again::After(1)),
			Found::Valid => (Verdict::Valid, None),
			Found::Unavailable => (Verdict::Unavailable, None),
			Found::Wrong(wrong) => (Verdict::Wrong(wrong.evidence.record), Some(wrong)),
		};
		let Some(wrong) = wrong.filter(|_| self.config.challenge) else {
			self.attest(&task, &claim.hash, verdict, seconds).await?;
			return Ok(Again::After(LOST));
		};
		let challenge = Challenge::new(&self.actor, &self.key, task.id);
		// The commitment comes first: the verdict shows everybody which record it is.
		let commitment = match challenge.commit(&wrong, Some(last_moment(&task))).await {
			Ok(commitment) => commitment,
			Err(error) => {
				tracing::error!(task = task.id, error = format!("{error:#}"), "no challenge commitment");
				Commitment::None
			}
		};
		let attested = self.attest(&task, &claim.hash, verdict, seconds).await;
		// The evidence is as good if the answer came too late.
		let challenged = challenge.see_through(commitment, &wrong).await?;
		challenge::say(&self.actor, challenged.as_ref());
		attested.map(|()| Again::After(LOST))
	}

	/// Re-runs all records, waiting for blobs for as long as the task's window allows.
	async fn rerun(&self, view: &View, task: &Task, submission: &Submission) -> anyhow::Result<Found> {
		let Actor { context, chain, .. } = &self.actor;
		let bench = context.bench().await?;
		let spec = view.spec(submission.model).await?.context("the model has no specification")?;
		let (Some(claim), Some(claimed)) = (submission.claim().copied(), view.claimed_scores(task.id).await?)
		else {
			return Ok(Found::Over);
		};
		bench.check_limits(&spec, &claim.weights)?;
		let mut waiting = Waiting::new(context, chain);
		// Both at once, and not the second when the first is here.
		waiting.wish([claim.weights, spec.data.dataset().blob]).await?;
		loop {
			match bench.first_wrong(&spec, &claim.weights, &claimed, |_| ()).await {
				Ok(None) => return Ok(Found::Valid),
				Ok(Some(wrong)) => return Ok(Found::Wrong(Box::new(wrong))),
				Err(EvaluationError::Missing(blob)) => {
					let view = chain.defence_view().await?;
					if self.open(&view, task.id, &claim.hash).await?.is_none() {
						return Ok(Found::Over);
					}
					if view.tick().await? >= last_moment(task) {
						return Ok(Found::Unavailable);
					}
					waiting.wait(blob).await?;
				}
				Err(error) => return Err(error.into()),
			}
		}
	}

	/// Sends an answer until it is in, or the task's window has closed.
	async fn attest(
		&self,
		task: &Task,
		claim: &[u8; 32],
		verdict: Verdict,
		seconds: f64,
	) -> anyhow::Result<()> {
		let context = &self.actor.context;
		let mut asked = task.asked;
		loop {
			let error = match self.attest_once(task, claim, asked, verdict).await {
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
				Err(error) => error,
			};
			// In by an earlier transaction, or no longer wanted?
			let open = match self.task_now(task.id, claim).await {
				Ok((open, _)) if open.is_none() => return Ok(()),
				Ok((open, tick)) => open.map(|open| (open, tick)),
				Err(error @ ChainError::AnotherChain(_)) => return Err(error.into()),
				Err(error) => {
					tracing::warn!(task = task.id, %error, "whether the answer is in is not known yet");
					None
				}
			};
			if let Some((open, tick)) = open {
				if !open.awaits(&self.key.account()) {
					context.metrics().attested(verdict);
					tracing::info!(task = task.id, ?verdict, "the answer is in after all");
					return Ok(());
				}
				asked = open.asked;
				if tick >= open.until {
					return Err(error).context("the task's window closed before the answer was in");
				}
			}
			tracing::warn!(task = task.id, %error, "the answer is sent again");
			tokio::time::sleep(ATTEST_AGAIN).await;
		}
	}

	/// Sends an answer, and waits until a block has it: whether that is final does not matter for what comes next.
	async fn attest_once(
		&self,
		task: &Task,
		claim: &[u8; 32],
		asked: u32,
		verdict: Verdict,
	) -> Result<Receipt, ChainError> {
		let mut sent = self.actor.chain.attest(&self.key, task.id, claim, asked, verdict).send().await?;
		match tokio::time::timeout(IN_BLOCK, sent.in_block()).await {
			Ok(done) => done,
			Err(_) => Err(ChainError::NodeAway("no block has the answer yet".to_owned())),
		}
	}

	/// A task as it stands, if it is about this claim, and the tick.
	async fn task_now(&self, id: SubmissionId, claim: &[u8; 32]) -> Result<(Option<Task>, Tick), ChainError> {
		let view = self.actor.chain.defence_view().await?;
		Ok((self.open(&view, id, claim).await?, view.tick().await?))
	}

	/// A task that is open and about this claim: on another fork a submission of the same number may be another.
	async fn open(
		&self,
		view: &View,
		id: SubmissionId,
		claim: &[u8; 32],
	) -> Result<Option<Task>, ChainError> {
		let submission = view.submission(id).await?;
		let same = submission.as_ref().and_then(Submission::claim).is_some_and(|now| now.hash == *claim);
		if same { view.task(id).await } else { Ok(None) }
	}
}

/// When a task has to be answered at the latest.
fn last_moment(task: &Task) -> Tick {
	let window = task.until.saturating_sub(task.opened_at);
	task.until.saturating_sub(LAST_TICKS.max(window / 5))
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::played::{Claimed, SUBMISSION, Stage, defence, end_of, until};
	use oda_client::AccountId;

	async fn verifier(actor: &Actor) -> Verifier {
		Verifier::start(actor.clone(), VerifierConfig::default()).await.unwrap()
	}

	/// Has answers be in the state.
	fn answers(stage: &Stage, claimed: &Claimed) {
		let claimed = claimed.clone();
		stage.node.state().effect = Box::new(move |block, _, called| {
			if called.name == "Verification.attest" {
				let (_, verdict, who) = called.arguments::<(oda_primitives::TaskId, Verdict, [u8; 32])>();
				block.set_task(&claimed.task(vec![(AccountId(who), verdict)]), claimed.claim.hash);
			}
		});
	}

	#[tokio::test]
	async fn an_answer_for_a_fork_that_was_lost_is_given_again_for_the_one_that_stayed() {
		let stage = Stage::set().await;
		let actor = stage.actor().await;
		let claimed = Claimed::of(&actor, [1, 0, 1]);
		answers(&stage, &claimed);
		stage.finalise(|block| claimed.put(block));
		let mut verifier = verifier(&actor).await;
		verifier.block(&defence(&actor.chain).await).await.unwrap();
		until("it is answered", || stage.called("Verification.attest") == 1).await;
		stage.seal(|_| ());
		let attested =
			|| actor.context.metrics().text().unwrap().contains("attestations_total{verdict=\"valid\"} 1");
		until("a block has the answer", attested).await;
		stage.lose_fork();
		while actor
			.chain
			.finalised()
			.await
			.unwrap()
			.task(SUBMISSION)
			.await
			.unwrap()
			.unwrap()
			.answers
			.is_empty()
		{
			stage.finalise(|_| ());
			verifier.block(&defence(&actor.chain).await).await.unwrap();
			tokio::time::sleep(Duration::from_millis(100)).await;
			assert!(stage.node.state().best() < 500, "it is not answered again");
		}
		assert_eq!(stage.called("Verification.attest"), 2);
	}

	#[tokio::test]
	async fn a_task_of_a_fork_that_was_lost_is_given_up_for_that_of_the_one_that_stayed() {
		let stage = Stage::set().await;
		let actor = stage.actor().await;
		let mut verifier = verifier(&actor).await;
		stage.lag();
		stage.seal(|block| Claimed::of_missing_weights(&actor).put(block));
		verifier.block(&defence(&actor.chain).await).await.unwrap();
		let waits = |count: u8| {
			let text = actor.context.metrics().text().unwrap();
			text.contains(&format!("blobs_awaited {count}"))
		};
		until("the weights are waited for", || waits(1)).await;
		// The same number and the same time, and other weights.
		stage.lose_fork();
		let claimed = Claimed::of(&actor, [1, 0, 1]);
		answers(&stage, &claimed);
		stage.lag();
		stage.seal(|block| claimed.put(block));
		end_of("answering", async {
			while stage.called("Verification.attest") == 0 {
				tokio::time::sleep(Duration::from_millis(100)).await;
				stage.seal(|_| ());
				verifier.block(&defence(&actor.chain).await).await.unwrap();
			}
		})
		.await;
	}
}
