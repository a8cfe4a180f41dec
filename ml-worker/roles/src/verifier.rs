//! Answers the tasks that a verifier is drawn for: commits to what it found, opens it, and has disputed records resolved.

use crate::{
	background::{Again, Background},
	challenge::{self, Challenge, Commitment},
	context::{self, Context},
	dispute,
	evaluation::{self, EvaluationError, Results, Wrong},
	journal::{Entry as _, FindingEntry, Held, JournalError},
	metrics::OpenTasks,
	service::{self, Actor, Role, Step},
	standing::Candidate,
	wanted::Waiting,
};
use anyhow::Context as _;
use oda_client::{
	Answer, Call, ChainError, Duty, Key, Receipt, Seat, StakeRole, Submission, Task, TaskPhase,
	Verifier as Registered, View,
};
use oda_evaluator::ModelSpec;
use oda_primitives::{BlobRef, OutputTree, SubmissionId, TaskId, Tick, Verdict};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// How a verifier works.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VerifierConfig {
	/// Whether what is found to be wrong is also challenged: if nobody does, the accusation costs.
	pub challenge: bool,
}

impl Default for VerifierConfig {
	fn default() -> Self {
		Self { challenge: true }
	}
}

/// Ticks that a commitment may need from being sent to being in a block, and by which finalised state is behind.
const LAST_TICKS: Tick = 6;

/// How long it is waited for a block that has an answer before it is sent again: it costs nothing.
const IN_BLOCK: Duration = Duration::from_secs(30);

/// Between two attempts to answer.
const SEND_AGAIN: Duration = Duration::from_secs(2);

/// Blocks after which it is looked for outputs in the journal that nobody asks for any more.
const TIDY: u64 = 50;

/// Verifies. With `once`, until all tasks that are open now are answered.
pub async fn run(context: Context, key: Key, config: VerifierConfig, once: bool) -> anyhow::Result<()> {
	service::run::<Verifier>(context, Some(key), config, once).await
}

/// A piece of a verifier's work.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Piece {
	/// Seeing a task through, from before the draw to its end.
	Task { submission: SubmissionId },
	/// Proving what it said of a claim: that it is wrong.
	Accusation { submission: SubmissionId },
	/// Seeing a challenge through that was begun before.
	Challenge { submission: SubmissionId },
}

/// The role.
pub struct Verifier {
	agent: Agent,
	open_tasks: OpenTasks,
	standing: Candidate,
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
		match actor.chain.finalised().await?.verifier(&account).await? {
			None => tracing::warn!(%account, "this account is not a verifier of this chain"),
			Some(verifier) if verifier.duty != Duty::Awake => {
				tracing::warn!(%account, duty = ?verifier.duty, "this verifier gets no new tasks until it wakes");
			}
			Some(_) => {}
		}
		actor.context.output().event(
			"verifying",
			format!("verifying as {account}"),
			serde_json::json!({ "account": account }),
		);
		let open_tasks = actor.context.metrics().open_tasks(account.to_string());
		let work = Background::new(&actor.context, Self::NAME);
		let standing = Candidate::new(account, StakeRole::Verifier);
		Ok(Self { agent: Agent { actor, key, config }, open_tasks, standing, work })
	}

	async fn block(&mut self, view: &View) -> anyhow::Result<Step> {
		let (account, tick, now) = (self.agent.key.account(), view.tick().await?, view.number());
		let tasks = view.tasks().await?;
		self.work.look(now, |piece| match piece {
			Piece::Task { submission } | Piece::Accusation { submission } => {
				tasks.iter().any(|task| task.id == *submission)
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
		let registered = view.verifier(&account).await?;
		let mut awaited = 0;
		for task in tasks {
			let seat = match task.members.contains(&account) {
				true => view.seat(task.id, &account).await?,
				false => None,
			};
			awaited += usize::from(seat.as_ref().is_some_and(|seat| seat.is_awaited(&task.phase, tick)));
			if let Some(record) = seat.as_ref().and_then(accused).filter(|_| self.agent.config.challenge) {
				let (agent, task) = (self.agent.clone(), task.clone());
				let piece = Piece::Accusation { submission: task.id };
				self.work.begin(piece, now, async move { agent.accuse(task, record).await });
			}
			if concerns(&task, seat.as_ref(), registered.as_ref()) {
				let (agent, piece) = (self.agent.clone(), Piece::Task { submission: task.id });
				self.work.begin(piece, now, async move { agent.attend(task).await });
			}
		}
		self.open_tasks.set(awaited);
		let Actor { context, chain, .. } = &self.agent.actor;
		self.standing.observe(context, chain, view).await;
		if now.is_multiple_of(TIDY) {
			self.agent.tidy().await?;
		}
		Ok(Step::GoOn)
	}

	async fn finish(mut self) -> anyhow::Result<()> {
		self.work.finish().await
	}
}

/// Whether there is, or may soon be, something to do for a task.
fn concerns(task: &Task, seat: Option<&Seat>, registered: Option<&Registered>) -> bool {
	match (&task.phase, seat) {
		(TaskPhase::Drawing { .. }, _) => registered.is_some_and(|verifier| {
			let (load, room) = (task.load, verifier.capacity);
			verifier.duty == Duty::Awake && load.time <= room.time && load.bytes <= room.bytes
		}),
		(_, None | Some(Seat { earlier: true, .. } | Seat { answer: Answer::Refuted, .. })) => false,
		(TaskPhase::Committing { .. }, Some(_)) => true,
		(TaskPhase::Sealed { .. } | TaskPhase::Opening { .. } | TaskPhase::Disputed { .. }, Some(seat)) => {
			seat.answer != Answer::None
		}
		(TaskPhase::Passed { .. } | TaskPhase::Lapsed | TaskPhase::Unavailable, _) => false,
	}
}

/// The record of which a member has said that its score is claimed wrongly. It is proved once that is opened: who accuses
/// sooner is not paid for having verified. What becomes of the task does not matter: who said so and proves nothing loses.
fn accused(seat: &Seat) -> Option<u32> {
	match seat.answer {
		Answer::Opened { verdict: Verdict::Wrong(record) } => Some(record),
		_ => None,
	}
}

/// A task as it stands, and what belongs to it.
struct Standing {
	view: View,
	task: Task,
	seat: Option<Seat>,
	tick: Tick,
}

/// What re-running all records came to.
enum Found {
	All(Verdict, Results),
	Unavailable,
	/// Nothing can be committed to any more.
	Over,
}

impl Agent {
	/// Sees a task through: fetches what it is about before the draw, and answers each time that it is asked.
	async fn attend(&self, task: Task) -> anyhow::Result<Again> {
		let Actor { context, chain, .. } = &self.actor;
		let (id, claim) = (task.id, task.claim);
		let mut waiting = Waiting::new(context, chain);
		loop {
			let Some(standing) = self.standing(id, &claim).await? else { return Ok(Again::After(1)) };
			let registered = standing.view.verifier(&self.key.account()).await?;
			if !concerns(&standing.task, standing.seat.as_ref(), registered.as_ref()) {
				return Ok(Again::After(1));
			}
			let (spec, submission) = self.about(&standing.view, id).await?;
			let weights = submission.claim().context("what is verified was revealed")?.weights;
			context.bench().await?.check_limits(&spec, &weights)?;
			// Before the draw too: who is drawn then has less to do in its time.
			waiting.wish([weights, spec.data.dataset().blob]).await?;
			if !matches!(standing.task.phase, TaskPhase::Drawing { .. }) {
				let committed = |seat: Seat| matches!(seat.answer, Answer::Committed { .. });
				let committed = standing.seat.is_some_and(committed);
				self.answer(standing.task, committed, &spec, weights).await?;
			}
			service::next(chain, &standing.view).await?;
		}
	}

	/// A task as it stands, if it is about this claim: on another fork a submission of the same number may be another.
	async fn standing(&self, id: SubmissionId, claim: &[u8; 32]) -> Result<Option<Standing>, ChainError> {
		let view = self.actor.chain.defence_view().await?;
		let Some(task) = view.task(id).await?.filter(|task| task.claim == *claim) else { return Ok(None) };
		let account = self.key.account();
		let seat = if task.members.contains(&account) { view.seat(id, &account).await? } else { None };
		let tick = view.tick().await?;
		Ok(Some(Standing { view, task, seat, tick }))
	}

	async fn about(&self, view: &View, id: SubmissionId) -> anyhow::Result<(ModelSpec, Submission)> {
		let submission = view.submission(id).await?.context("a task is about a submission")?;
		let spec = view.spec(submission.model).await?.context("the model has no specification")?;
		Ok((spec, submission))
	}

	/// Answers once, to the end of what is asked. `committed`: whether the chain has a commitment that is not opened.
	async fn answer(
		&self,
		task: Task,
		committed: bool,
		spec: &ModelSpec,
		weights: BlobRef,
	) -> anyhow::Result<()> {
		let started = Instant::now();
		let Some(held) = self.finding(&task, committed, spec, weights).await? else { return Ok(()) };
		self.give(&task, &held, spec, weights, started.elapsed().as_secs_f64()).await
	}

	/// Proves on the chain that a record was claimed wrongly.
	async fn accuse(&self, task: Task, record: u32) -> anyhow::Result<Again> {
		let Actor { context, chain, .. } = &self.actor;
		let mut waiting = Waiting::new(context, chain);
		loop {
			let Some(standing) = self.standing(task.id, &task.claim).await? else {
				return Ok(Again::After(1));
			};
			let Some(claimed) = standing.view.claimed_scores(task.id).await? else {
				return Ok(Again::After(1));
			};
			let (spec, submission) = self.about(&standing.view, task.id).await?;
			let weights = submission.claim().context("what is verified was revealed")?.weights;
			match context.bench().await?.evidence(&spec, &weights, record).await {
				Ok(evidence) => {
					let claimed = evaluation::claimed_score(&spec, &claimed, record);
					let challenge = Challenge::new(&self.actor, &self.key, task.id);
					let wrong = Wrong { claimed, evidence };
					let challenged = challenge.see_through(Commitment::None, &wrong).await?;
					challenge::say(&self.actor, challenged.as_ref());
					return Ok(Again::After(challenge::LOOK_AGAIN));
				}
				Err(EvaluationError::Missing(blob)) => waiting.wait(blob).await?,
				Err(error) => return Err(error.into()),
			}
		}
	}

	/// What is committed to: as the journal has it, or found now and written down, before anything is sent. `None` if
	/// nothing can be committed to any more, another process is at it, or what was committed to is lost.
	async fn finding(
		&self,
		task: &Task,
		committed: bool,
		spec: &ModelSpec,
		weights: BlobRef,
	) -> anyhow::Result<Option<Held<FindingEntry>>> {
		let Actor { context, chain, .. } = &self.actor;
		let (journal, genesis, account) = (context.journal(), chain.genesis(), self.key.account());
		let verifier = account.to_string();
		let name = FindingEntry::name_of(&genesis, task.id, &task.claim, task.asked, &verifier);
		match journal.hold::<FindingEntry>(&name) {
			Ok(Some(held)) => return Ok(Some(held)),
			Err(JournalError::Busy(_)) => return Ok(None),
			Ok(None) if committed => {
				self.lose(task, "the journal has nothing of it");
				return Ok(None);
			}
			Err(error) if committed => {
				self.lose(task, &error.to_string());
				return Ok(None);
			}
			Ok(None) => {}
			// It is begun anew: that costs nothing as long as the chain has no commitment.
			Err(error @ JournalError::Format { .. }) => {
				tracing::error!(task = task.id, %error, "what was found is found again");
				journal.set_damaged_aside::<FindingEntry>(&name)?;
			}
			Err(error) => return Err(error.into()),
		}
		let (verdict, outputs) = match self.rerun(task, spec, weights).await? {
			Found::Over => return Ok(None),
			Found::Unavailable => (Verdict::Unavailable, Vec::new()),
			Found::All(verdict, results) => {
				(verdict, results.iter().map(|result| result.output_root).collect::<Vec<_>>())
			}
		};
		let bytes = outputs.concat();
		let tree = OutputTree::new(&account.0, TaskId::Submission(task.id), outputs);
		let root = tree.as_ref().map(OutputTree::root).unwrap_or_default();
		context.mark_chain(chain).await?;
		// Another process of this account may have been faster.
		match journal.hold::<FindingEntry>(&name) {
			Err(JournalError::Busy(_)) => return Ok(None),
			Ok(None) => {}
			known => return Ok(known?),
		}
		let entry = FindingEntry {
			genesis,
			verifier,
			submission: task.id,
			claim: task.claim,
			asked: task.asked,
			verdict,
			root,
			salt: context::salt()?,
			outputs: bytes,
		};
		match journal.begin(entry) {
			Err(JournalError::Busy(_)) => Ok(None),
			begun => Ok(Some(begun?)),
		}
	}

	/// Says, once, that what was committed to cannot be opened.
	fn lose(&self, task: &Task, why: &str) {
		if self.actor.context.metrics().finding_lost(task.id, task.asked) {
			tracing::error!(
				task = task.id,
				account = %self.key.account(),
				why,
				"the chain has a commitment of this account that this worker cannot open, which costs stake unless \
				 the process that made it does"
			);
		}
	}

	/// Whether the reference finds the outputs that are to be shown: an answer that is not opened costs less than a wrong
	/// one. Where weights or data are gone, what was found before has to do.
	async fn is_confirmed(
		&self,
		task: &Task,
		entry: &FindingEntry,
		spec: &ModelSpec,
		weights: &BlobRef,
	) -> bool {
		if entry.verdict == Verdict::Unavailable {
			return true;
		}
		let (outputs, _) = entry.outputs.as_chunks::<32>();
		let context = &self.actor.context;
		let reference = async {
			let bench = context.bench().await?;
			let found = bench.reference(spec, weights, &task.wanted).await?;
			anyhow::Ok((bench, found))
		};
		let (bench, found) = match reference.await {
			Ok(found) => found,
			Err(error) => {
				let error = format!("{error:#}");
				tracing::warn!(task = task.id, error, "what is shown is not checked once more");
				return true;
			}
		};
		let differs =
			|record: u32, found: [u8; 32]| outputs.get(record as usize).is_some_and(|own| *own != found);
		let mut pairs = task.wanted.iter().zip(&found);
		let wrong = pairs.find(|(record, found)| differs(**record, found.output_root));
		let Some((record, _)) = wrong else { return true };
		tracing::error!(
			task = task.id,
			record,
			"what was committed to is wrong, and is not opened: that costs less stake than to show it"
		);
		bench.distrust(*record);
		false
	}

	/// Re-runs all records, waiting for blobs for as long as the time to commit allows.
	async fn rerun(&self, task: &Task, spec: &ModelSpec, weights: BlobRef) -> anyhow::Result<Found> {
		let Actor { context, chain, .. } = &self.actor;
		let bench = context.bench().await?;
		let mut waiting = Waiting::new(context, chain);
		// Both at once, and not the second when the first is here.
		waiting.wish([weights, spec.data.dataset().blob]).await?;
		loop {
			let Some(standing) = self.standing(task.id, &task.claim).await? else { return Ok(Found::Over) };
			let TaskPhase::Committing { until } = standing.task.phase else { return Ok(Found::Over) };
			let free = standing.seat.is_some_and(|seat| !seat.earlier && seat.answer == Answer::None);
			let claimed = standing.view.claimed_scores(task.id).await?;
			let Some(claimed) = claimed.filter(|_| free && standing.task.asked == task.asked) else {
				return Ok(Found::Over);
			};
			let done = match bench.first_wrong(spec, &weights, &claimed, |_| ()).await {
				Ok(wrong) => {
					let verdict = wrong.map_or(Verdict::Valid, |wrong| Verdict::Wrong(wrong.evidence.record));
					bench.results(spec, &weights, |_| ()).await.map(|results| (verdict, results))
				}
				Err(error) => Err(error),
			};
			match done {
				Ok((verdict, results)) => return Ok(Found::All(verdict, results)),
				Err(EvaluationError::Missing(_)) if standing.tick >= last_moment(until, task.window) => {
					return Ok(Found::Unavailable);
				}
				Err(EvaluationError::Missing(blob)) => waiting.wait(blob).await?,
				Err(error) => return Err(error.into()),
			}
		}
	}

	/// Does what the state of each block asks of a member that has this finding: commits, opens, has a disputed record
	/// resolved. Until nothing more is asked this time.
	async fn give(
		&self,
		asked: &Task,
		held: &Held<FindingEntry>,
		spec: &ModelSpec,
		weights: BlobRef,
		seconds: f64,
	) -> anyhow::Result<()> {
		let Actor { context, chain, .. } = &self.actor;
		let (entry, id, account) = (&held.entry, asked.id, self.key.account());
		let finding = entry.finding();
		let commitment =
			finding.commitment(&entry.genesis, TaskId::Submission(id), &entry.claim, entry.asked, &account.0);
		let (mut said, mut confirmed) = (false, None);
		// What was sent is in a block of this number, or was; until the state is of a later one it is not sent again.
		let mut in_block = 0;
		loop {
			let Some(Standing { view, task, seat: Some(seat), tick }) =
				self.standing(id, &asked.claim).await?
			else {
				return Ok(());
			};
			if task.asked != asked.asked || !concerns(&task, Some(&seat), None) {
				return Ok(());
			}
			if let (Answer::Opened { verdict }, false) = (&seat.answer, said) {
				context.metrics().answered(*verdict);
				said = true;
			}
			let call = match (&task.phase, &seat.answer) {
				(TaskPhase::Committing { until }, Answer::None) if tick < *until => Some((
					"commits",
					chain.commit_finding(&self.key, id, &entry.claim, entry.asked, &finding),
				)),
				(_, Answer::Committed { commitment: on_chain }) if *on_chain != commitment => {
					self.lose(&task, "the journal has something else of it");
					None
				}
				(TaskPhase::Opening { until }, Answer::Committed { .. }) if tick < *until => {
					if confirmed.is_none() {
						confirmed = Some(self.is_confirmed(&task, entry, spec, &weights).await);
					}
					match confirmed {
						Some(true) => Some(("opens", self.opening(&task, entry)?)),
						_ => None,
					}
				}
				(TaskPhase::Disputed { record, .. }, Answer::Opened { .. })
					if entry.verdict != Verdict::Unavailable =>
				{
					dispute::resolve(&self.actor, id, *record).await?;
					None
				}
				_ => None,
			};
			let (what, call) = match call {
				Some(call) if view.number() >= in_block => call,
				_ => {
					service::next(chain, &view).await?;
					continue;
				}
			};
			match Self::send(call).await {
				Ok(receipt) => {
					in_block = receipt.block;
					self.say(what, entry, &receipt, seconds);
					if what == "opens" && !said {
						context.metrics().answered(entry.verdict);
						said = true;
					}
				}
				Err(error @ ChainError::AnotherChain(_)) => return Err(error.into()),
				// It may be in by what was sent before: the state says so.
				Err(error) => {
					tracing::warn!(task = id, %error, "a verifier {what}: to be sent again, unless it is in");
					tokio::time::sleep(SEND_AGAIN).await;
				}
			}
		}
	}

	/// What shows the outputs that are wanted of what was committed to.
	fn opening(&self, task: &Task, entry: &FindingEntry) -> anyhow::Result<Call> {
		let account = self.key.account();
		let mut proofs = Vec::new();
		if entry.verdict != Verdict::Unavailable {
			let (outputs, _) = entry.outputs.as_chunks::<32>();
			let tree = OutputTree::new(&account.0, TaskId::Submission(task.id), outputs.to_vec());
			let tree = tree.context("the journal has no outputs of what was committed to")?;
			for record in &task.wanted {
				proofs.push(tree.prove(*record).context("the journal lacks an output")?);
			}
		}
		Ok(self.actor.chain.open_finding(account, task.id, &entry.finding(), proofs))
	}

	/// Sends an answer, and waits until a block has it: whether that is final does not matter for what comes next.
	async fn send(call: Call) -> Result<Receipt, ChainError> {
		let mut sent = call.send().await?;
		match tokio::time::timeout(IN_BLOCK, sent.in_block()).await {
			Ok(done) => done,
			Err(_) => Err(ChainError::NodeAway("no block has the answer yet".to_owned())),
		}
	}

	/// Says that an answer is in a block. Before it is opened the verdict is a secret.
	fn say(&self, what: &str, entry: &FindingEntry, receipt: &Receipt, seconds: f64) {
		let FindingEntry { submission: id, verdict, .. } = entry;
		let (block, weight) = (receipt.block, receipt.weight.milliseconds());
		let output = self.actor.context.output();
		if what == "opens" {
			output.event(
				"opened",
				format!("task {id}: opened {verdict:?} in block {block}"),
				serde_json::json!({ "task": id, "verdict": verdict, "block": block, "weight_ms": weight }),
			);
		} else {
			output.event(
				"committed",
				format!("task {id}: committed to an answer in block {block} ({seconds:.1} s)"),
				serde_json::json!({ "task": id, "block": block, "weight_ms": weight, "seconds": seconds }),
			);
		}
	}

	/// Drops the outputs of tasks that have ended, by final state alone: another fork may have what this one does not.
	async fn tidy(&self) -> anyhow::Result<()> {
		let Actor { context, chain, .. } = &self.actor;
		let (journal, genesis) = (context.journal(), chain.genesis());
		let view = chain.finalised().await?;
		for entry in journal.list::<FindingEntry>()? {
			if entry.genesis != genesis || entry.outputs.is_empty() {
				continue;
			}
			let task = view.task(entry.submission).await?;
			if task.is_some_and(|task| task.claim == entry.claim && task.asked <= entry.asked) {
				continue;
			}
			// Of a submission that this state does not know yet, or one that has ended?
			if view.next_submission().await? <= entry.submission {
				continue;
			}
			match journal.hold::<FindingEntry>(&entry.name()) {
				Ok(Some(mut held)) => {
					held.entry.outputs.clear();
					held.save()?;
				}
				Ok(None) | Err(JournalError::Busy(_)) => {}
				Err(error) => return Err(error.into()),
			}
		}
		Ok(())
	}
}

/// When what was found has to be committed to at the latest.
fn last_moment(until: Tick, window: Tick) -> Tick {
	until.saturating_sub(LAST_TICKS.max(window / 5))
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::played::{Claimed, SUBMISSION, Stage, defence, end_of, until};
	use oda_client::played::Mishap;
	use oda_primitives::{OutputProof, RangeProof, hash::Finding};

	async fn verifier(actor: &Actor) -> Verifier {
		Verifier::start(actor.clone(), VerifierConfig::default()).await.unwrap()
	}

	/// What was sent: commitments, and what was opened with how many proofs.
	fn committed(stage: &Stage) -> Vec<[u8; 32]> {
		let called = stage.node.state().called();
		let commits = called.iter().filter(|called| called.name == "Verification.commit");
		commits.map(|called| called.arguments::<(TaskId, [u8; 32])>().1).collect()
	}

	fn opened(stage: &Stage) -> Vec<(Finding, Vec<OutputProof>)> {
		let called = stage.node.state().called();
		let opens = called.iter().filter(|called| called.name == "Verification.open");
		opens
			.map(|called| {
				let (_, _, finding, proofs) =
					called.arguments::<(TaskId, [u8; 32], Finding, Vec<OutputProof>)>();
				(finding, proofs)
			})
			.collect()
	}

	/// Shows blocks to a verifier, which are made one after the other, until something is so.
	async fn see(stage: &Stage, verifier: &mut Verifier, what: &str, mut is_so: impl FnMut() -> bool) {
		let chain = verifier.agent.actor.chain.clone();
		end_of(what, async {
			while !is_so() {
				verifier.block(&defence(&chain).await).await.unwrap();
				tokio::time::sleep(Duration::from_millis(100)).await;
				stage.finalise(|_| ());
			}
		})
		.await;
	}

	#[tokio::test]
	async fn an_answer_for_a_fork_that_was_lost_is_given_again_for_the_one_that_stayed() {
		let stage = Stage::set().await;
		let actor = stage.actor().await;
		let claimed = Claimed::of(&actor, [1, 0, 1]);
		stage.committee();
		stage.finalise(|block| claimed.put(block));
		let mut verifier = verifier(&actor).await;
		verifier.block(&defence(&actor.chain).await).await.unwrap();
		until("it is committed to", || stage.called("Verification.commit") == 1).await;
		stage.seal(|_| ());
		assert_eq!(stage.included("Verification.commit"), 1);
		// Long enough for that to be seen.
		tokio::time::sleep(Duration::from_secs(2)).await;
		stage.lose_fork();
		stage.node.state().pool.clear();
		assert_eq!(stage.included("Verification.commit"), 0);
		see(&stage, &mut verifier, "committing again", || stage.included("Verification.commit") == 1).await;
		assert!(committed(&stage).windows(2).all(|two| two[0] == two[1]), "it is the same commitment");
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
		stage.committee();
		stage.lag();
		stage.seal(|block| claimed.put(block));
		end_of("answering", async {
			while stage.called("Verification.commit") == 0 {
				tokio::time::sleep(Duration::from_millis(100)).await;
				stage.seal(|_| ());
				verifier.block(&defence(&actor.chain).await).await.unwrap();
			}
		})
		.await;
	}

	#[tokio::test]
	async fn a_verifier_that_was_killed_before_it_was_heard_commits_to_the_same() {
		let stage = Stage::set().await;
		let first = stage.actor().await;
		let claimed = Claimed::of(&first, [1, 0, 1]);
		stage.finalise(|block| claimed.put(block));
		let mut role = verifier(&first).await;
		role.block(&defence(&first.chain).await).await.unwrap();
		until("it is sent", || committed(&stage).len() == 1).await;
		drop((role, first));
		// No block had it, and nobody has the weights any more.
		stage.node.state().pool.clear();
		stage.committee();
		let second = stage.actor().await;
		second.context.store().remove(&claimed.claim.weights.root).unwrap();
		let mut role = verifier(&second).await;
		see(&stage, &mut role, "committing", || stage.included("Verification.commit") == 1).await;
		assert!(committed(&stage).windows(2).all(|two| two[0] == two[1]), "it is the same commitment");
	}

	#[tokio::test]
	async fn a_verifier_that_was_killed_between_commitment_and_opening_opens_what_it_committed_to() {
		let stage = Stage::set().await;
		stage.committee();
		let first = stage.actor().await;
		let claimed = Claimed::of(&first, [1, 0, 1]);
		stage.finalise(|block| claimed.put(block));
		let mut role = verifier(&first).await;
		see(&stage, &mut role, "committing", || stage.included("Verification.commit") == 1).await;
		drop((role, first));
		let opening = Task { wanted: vec![0, 2], ..claimed.task(TaskPhase::Opening { until: 1_000 }, 1) };
		stage.finalise(|block| block.set_task(&opening));
		let second = stage.actor().await;
		second.context.store().remove(&claimed.claim.weights.root).unwrap();
		let mut role = verifier(&second).await;
		see(&stage, &mut role, "opening", || stage.included("Verification.open") == 1).await;
		let (finding, proofs) = opened(&stage).remove(0);
		assert_eq!(finding.verdict, Verdict::Valid);
		let (task, me) = (TaskId::Submission(SUBMISSION), stage.me().0);
		let commitment = finding.commitment(&second.chain.genesis(), task, &claimed.claim.hash, 1, &me);
		assert_eq!(committed(&stage), [commitment]);
		assert_eq!(proofs.len(), 2);
		for (record, proof) in [0, 2].into_iter().zip(&proofs) {
			assert_eq!(proof.verify(&finding.root, &me, task, record, 3), Ok(()));
		}
	}

	/// What the journal of a worker has of what it found.
	fn found(actor: &Actor) -> Vec<FindingEntry> {
		actor.context.journal().list::<FindingEntry>().unwrap()
	}

	fn counts(actor: &Actor, line: &str) -> bool {
		actor.context.metrics().text().unwrap().lines().any(|found| found == line)
	}

	#[tokio::test]
	async fn what_is_committed_to_is_on_disk_before_it_is_sent() {
		let stage = Stage::set().await;
		let actor = stage.actor().await;
		let claimed = Claimed::of(&actor, [1, 0, 1]);
		stage.committee();
		stage.finalise(|block| claimed.put(block));
		let (journal, genesis, me) = (actor.context.journal().clone(), actor.chain.genesis(), stage.me().0);
		let claim = claimed.claim.hash;
		stage.node.state().rule = Box::new(move |_, bytes, _| {
			let called = oda_client::played::Called::of(bytes);
			if called.name == "Verification.commit" {
				let (task, commitment) = called.arguments::<(TaskId, [u8; 32])>();
				let entries = journal.list::<FindingEntry>().unwrap();
				let made =
					entries.iter().map(|entry| entry.finding().commitment(&genesis, task, &claim, 1, &me));
				assert!(made.into_iter().any(|made| made == commitment), "nothing could open it");
			}
			None
		});
		let mut role = verifier(&actor).await;
		see(&stage, &mut role, "committing", || stage.included("Verification.commit") == 1).await;
	}

	#[tokio::test]
	async fn a_verifier_that_was_killed_before_it_sent_anything_commits_to_what_it_had_written_down() {
		let stage = Stage::set().await;
		let first = stage.actor().await;
		let claimed = Claimed::of(&first, [1, 0, 1]);
		stage.finalise(|block| claimed.put(block));
		// What is sent gets nowhere.
		stage.node.state().mishap = Some(Mishap::Lost);
		let mut role = verifier(&first).await;
		role.block(&defence(&first.chain).await).await.unwrap();
		until("it is written down", || found(&first).len() == 1).await;
		let [entry] = <[_; 1]>::try_from(found(&first)).unwrap();
		drop((role, first));
		assert!(committed(&stage).is_empty());
		stage.node.state().mishap = None;
		stage.committee();
		let second = stage.actor().await;
		let mut role = verifier(&second).await;
		see(&stage, &mut role, "committing", || stage.included("Verification.commit") == 1).await;
		let (task, me) = (TaskId::Submission(SUBMISSION), stage.me().0);
		let commitment = entry.finding().commitment(&second.chain.genesis(), task, &entry.claim, 1, &me);
		assert_eq!(committed(&stage).last(), Some(&commitment));
		assert_eq!(found(&second), [entry]);
	}

	#[tokio::test]
	async fn a_commitment_whose_secret_is_lost_is_told_once_and_counted() {
		for damage in ["gone", "unreadable", "another's"] {
			let stage = Stage::set().await;
			stage.committee();
			let first = stage.actor().await;
			let claimed = Claimed::of(&first, [1, 0, 1]);
			stage.finalise(|block| claimed.put(block));
			let mut role = verifier(&first).await;
			see(&stage, &mut role, "committing", || stage.included("Verification.commit") == 1).await;
			let [mut entry] = <[_; 1]>::try_from(found(&first)).unwrap();
			let file = stage.base.path().join("journal/findings").join(entry.name()).with_extension("json");
			drop((role, first));
			match damage {
				"gone" => std::fs::remove_file(&file).unwrap(),
				"unreadable" => std::fs::write(&file, "{").unwrap(),
				_ => {
					entry.salt = [0; 32];
					std::fs::write(&file, serde_json::to_vec(&entry).unwrap()).unwrap();
				}
			}
			let opening = Task { wanted: vec![1], ..claimed.task(TaskPhase::Opening { until: 1_000 }, 1) };
			stage.finalise(|block| block.set_task(&opening));
			let second = stage.actor().await;
			let mut role = verifier(&second).await;
			see(&stage, &mut role, damage, || counts(&second, "oda_worker_findings_lost_total 1")).await;
			for _ in 0..5 {
				stage.finalise(|_| ());
				role.block(&defence(&second.chain).await).await.unwrap();
				tokio::time::sleep(Duration::from_millis(100)).await;
			}
			assert!(counts(&second, "oda_worker_findings_lost_total 1"), "{damage}");
			assert!(opened(&stage).is_empty(), "{damage}");
			// It is asked again, and answers.
			stage.finalise(|block| {
				block.set_task(&claimed.task(TaskPhase::Committing { until: 1_000 }, 2));
				block.set_seat(SUBMISSION, &stage.me(), &Seat { earlier: false, answer: Answer::None });
			});
			see(&stage, &mut role, "answering", || stage.included("Verification.commit") == 2).await;
		}
	}

	#[tokio::test]
	async fn an_entry_that_cannot_be_read_is_found_again_while_nothing_is_committed_to() {
		let stage = Stage::set().await;
		stage.committee();
		let actor = stage.actor().await;
		let claimed = Claimed::of(&actor, [1, 0, 1]);
		let verifier_name = stage.me().to_string();
		let genesis = actor.chain.genesis();
		let name = FindingEntry::name_of(&genesis, SUBMISSION, &claimed.claim.hash, 1, &verifier_name);
		let folder = stage.base.path().join("journal/findings");
		std::fs::write(folder.join(&name).with_extension("json"), "{").unwrap();
		stage.finalise(|block| claimed.put(block));
		let mut role = verifier(&actor).await;
		see(&stage, &mut role, "committing", || stage.included("Verification.commit") == 1).await;
		assert_eq!(found(&actor).len(), 1);
	}

	#[tokio::test]
	async fn outputs_of_which_the_reference_finds_others_are_not_committed_to() {
		let stage = Stage::set().await;
		stage.committee();
		let actor = stage.actor().await;
		let claimed = Claimed::of(&actor, [1, 0, 1]);
		let bench = actor.context.bench().await.unwrap();
		*bench.fault.lock().unwrap() =
			Some(|results| results.iter_mut().for_each(|result| result.output_root[0] ^= 1));
		stage.finalise(|block| claimed.put(block));
		let mut role = verifier(&actor).await;
		see(&stage, &mut role, "committing", || stage.included("Verification.commit") == 1).await;
		let right = bench.reference(&claimed.spec, &claimed.claim.weights, &[0, 1, 2]).await.unwrap();
		let right: Vec<u8> = right.iter().flat_map(|result| result.output_root).collect();
		assert_eq!(found(&actor)[0].outputs, right);
		assert!(counts(&actor, "oda_worker_engine_mismatches_total 1"));
	}

	#[tokio::test]
	async fn a_wrong_output_that_was_committed_to_is_not_shown() {
		for (wanted, shows) in [(vec![1], false), (vec![0, 2], true)] {
			let stage = Stage::set().await;
			stage.committee();
			let actor = stage.actor().await;
			let claimed = Claimed::of(&actor, [1, 0, 1]);
			let bench = actor.context.bench().await.unwrap();
			let mut outputs =
				bench.reference(&claimed.spec, &claimed.claim.weights, &[0, 1, 2]).await.unwrap();
			// A fault of the second record that nobody has seen.
			outputs[1].output_root[0] ^= 1;
			let outputs: Vec<_> = outputs.iter().map(|result| result.output_root).collect();
			let (task, me) = (TaskId::Submission(SUBMISSION), stage.me());
			let tree = OutputTree::new(&me.0, task, outputs.clone()).unwrap();
			let entry = FindingEntry {
				genesis: actor.chain.genesis(),
				verifier: me.to_string(),
				submission: SUBMISSION,
				claim: claimed.claim.hash,
				asked: 1,
				verdict: Verdict::Valid,
				root: tree.root(),
				salt: [7; 32],
				outputs: outputs.concat(),
			};
			drop(actor.context.journal().begin(entry).unwrap());
			stage.finalise(|block| claimed.put(block));
			let mut role = verifier(&actor).await;
			see(&stage, &mut role, "committing", || stage.included("Verification.commit") == 1).await;
			let opening = Task { wanted, ..claimed.task(TaskPhase::Opening { until: 1_000 }, 1) };
			stage.finalise(|block| block.set_task(&opening));
			see(&stage, &mut role, "being done", || {
				stage.included("Verification.open") == 1
					|| counts(&actor, "oda_worker_engine_mismatches_total 1")
			})
			.await;
			for _ in 0..5 {
				stage.finalise(|_| ());
				role.block(&defence(&actor.chain).await).await.unwrap();
				tokio::time::sleep(Duration::from_millis(100)).await;
			}
			assert_eq!(stage.included("Verification.open"), usize::from(shows));
			assert_eq!(counts(&actor, "oda_worker_engine_mismatches_total 1"), !shows);
		}
	}

	#[tokio::test]
	async fn who_is_asked_again_answers_anew() {
		let stage = Stage::set().await;
		stage.committee();
		let actor = stage.actor().await;
		let claimed = Claimed::of(&actor, [1, 0, 1]);
		stage.finalise(|block| claimed.put(block));
		let mut role = verifier(&actor).await;
		see(&stage, &mut role, "committing", || stage.included("Verification.commit") == 1).await;
		stage.finalise(|block| {
			block.set_task(&claimed.task(TaskPhase::Committing { until: 1_000 }, 2));
			block.set_seat(SUBMISSION, &stage.me(), &Seat { earlier: false, answer: Answer::None });
		});
		see(&stage, &mut role, "committing again", || stage.included("Verification.commit") == 2).await;
		let opening = Task { wanted: vec![1], ..claimed.task(TaskPhase::Opening { until: 1_000 }, 2) };
		stage.finalise(|block| block.set_task(&opening));
		see(&stage, &mut role, "opening", || stage.included("Verification.open") == 1).await;
		let (finding, _) = opened(&stage).remove(0);
		let (task, me) = (TaskId::Submission(SUBMISSION), stage.me().0);
		let commitment = finding.commitment(&actor.chain.genesis(), task, &claimed.claim.hash, 2, &me);
		let committed = committed(&stage);
		assert_eq!(committed.last(), Some(&commitment));
		assert_ne!(committed.first(), Some(&commitment));
	}

	#[tokio::test]
	async fn what_a_killed_verifier_had_said_is_proved_whatever_became_of_the_task() {
		let over = |phase| (phase, false);
		for (phase, earlier) in [
			over(TaskPhase::Opening { until: 1_000 }),
			over(TaskPhase::Passed { at: 10 }),
			over(TaskPhase::Lapsed),
			over(TaskPhase::Unavailable),
			(TaskPhase::Committing { until: 1_000 }, true),
		] {
			let stage = Stage::set().await;
			stage.court();
			let actor = stage.actor().await;
			let claimed = Claimed::of(&actor, [1, 1, 1]);
			stage.finalise(|block| {
				claimed.put(block);
				block.set_task(&claimed.task(phase, 1));
				let answer = Answer::Opened { verdict: Verdict::Wrong(1) };
				block.set_seat(SUBMISSION, &stage.me(), &Seat { earlier, answer });
			});
			let mut role = verifier(&actor).await;
			let what = format!("proving, in {phase:?}");
			see(&stage, &mut role, &what, || stage.included("Training.challenge") == 1).await;
		}
	}

	#[tokio::test]
	async fn nothing_is_accused_of_before_it_is_opened() {
		let stage = Stage::set().await;
		stage.committee();
		let actor = stage.actor().await;
		let claimed = Claimed::of(&actor, [1, 1, 1]);
		stage.finalise(|block| claimed.put(block));
		let mut role = verifier(&actor).await;
		see(&stage, &mut role, "committing", || stage.included("Verification.commit") == 1).await;
		for _ in 0..5 {
			stage.finalise(|_| ());
			role.block(&defence(&actor.chain).await).await.unwrap();
			tokio::time::sleep(Duration::from_millis(100)).await;
		}
		assert_eq!(stage.called("Training.commit_challenge"), 0);
		let opening = Task { wanted: vec![1], ..claimed.task(TaskPhase::Opening { until: 1_000 }, 1) };
		stage.finalise(|block| block.set_task(&opening));
		see(&stage, &mut role, "accusing", || stage.called("Training.commit_challenge") > 0).await;
		assert_eq!(stage.included("Verification.open"), 1);
		assert_eq!(opened(&stage)[0].0.verdict, Verdict::Wrong(1));
	}

	#[tokio::test]
	async fn a_member_has_a_disputed_record_resolved() {
		let stage = Stage::set().await;
		stage.committee();
		let actor = stage.actor().await;
		let claimed = Claimed::of(&actor, [1, 0, 1]);
		stage.finalise(|block| claimed.put(block));
		let mut role = verifier(&actor).await;
		see(&stage, &mut role, "committing", || stage.included("Verification.commit") == 1).await;
		let opening = Task { wanted: vec![1], ..claimed.task(TaskPhase::Opening { until: 1_000 }, 1) };
		stage.finalise(|block| block.set_task(&opening));
		see(&stage, &mut role, "opening", || stage.included("Verification.open") == 1).await;
		stage.finalise(|block| {
			block.set_task(&Task {
				phase: TaskPhase::Disputed { record: 1, until: 1_000 },
				..opening.clone()
			});
		});
		see(&stage, &mut role, "resolving", || stage.included("Training.resolve_dispute") == 1).await;
		let called = stage.node.state().called();
		let resolved = called.iter().find(|called| called.name == "Training.resolve_dispute").unwrap();
		let (id, record, proof) = resolved.arguments::<(SubmissionId, u32, RangeProof)>();
		assert_eq!((id, record), (SUBMISSION, 1));
		assert_eq!(proof.verify(&claimed.spec.data.dataset().blob, 5..10).unwrap(), [9, 0, 0, 0, 1]);
	}
}
