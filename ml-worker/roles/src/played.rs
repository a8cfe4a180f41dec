//! A worker on a chain that tests play: with forks, with finality that stands still, and without other peers.

use crate::{
	context::{Context, Settings},
	evaluation::{self, Limits},
	output::Output,
	service::Actor,
};
use oda_client::{
	AccountId, Answer, Chain, ChallengeCommitment, Claim, Key, Load, Phase, Seat, Submission, Task,
	TaskPhase, Version, View,
	played::{Block, Played, event, failure},
};
use oda_engine::EngineConfig;
use oda_evaluator::{ModelSpec, ScoreKind, scores};
use oda_primitives::{BlobRef, SubmissionId, TaskId, hash::Finding};
use std::{path::Path, time::Duration};

/// Far longer than anything takes; so that a test that fails ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// The submission that tests are about.
pub(crate) const SUBMISSION: SubmissionId = 7;

/// How a worker of these tests is set up.
pub(crate) fn settings(node: &str, base: &Path) -> Settings {
	Settings {
		node: node.to_owned(),
		node_timeout: None,
		base_path: base.to_owned(),
		engine: EngineConfig { reference: true, threads: 1, ..EngineConfig::default() },
		limits: Limits::default(),
		network: None,
		prometheus: None,
		output: Output::new(true),
	}
}

/// A node and a base path; workers are started on them, one after the other.
pub(crate) struct Stage {
	pub(crate) node: Played,
	pub(crate) base: tempfile::TempDir,
	pub(crate) key: Key,
}

impl Stage {
	pub(crate) async fn set() -> Self {
		let (node, base) = (Played::start().await, tempfile::tempdir().unwrap());
		Self { node, base, key: Key::from_uri("//Alice").unwrap() }
	}

	/// A process on this base path.
	pub(crate) fn context(&self) -> Context {
		Context::open(settings(&self.node.url, self.base.path())).unwrap()
	}

	/// Who acts in a process on this base path.
	pub(crate) async fn actor(&self) -> Actor {
		let context = self.context();
		let chain = context.chain().await.unwrap();
		Actor { context, chain, key: Some(self.key.clone()) }
	}

	pub(crate) fn me(&self) -> AccountId {
		self.key.account()
	}

	/// Makes a block of all that is in the pool, whose state is changed further. It is not final.
	pub(crate) fn seal(&self, change: impl FnOnce(&mut Block)) {
		let mut state = self.node.state();
		state.seal();
		change(state.last());
	}

	/// Makes a block, as [`seal`](Self::seal) does, and makes it and all before it final.
	pub(crate) fn finalise(&self, change: impl FnOnce(&mut Block)) {
		self.seal(change);
		let mut state = self.node.state();
		state.finalised = state.best();
	}

	/// Makes blocks that are not final, until one defends by the best of them.
	pub(crate) fn lag(&self) {
		for _ in 0..=oda_client::NEAR_FINALITY {
			self.seal(|_| ());
		}
	}

	/// Drops all that is not final.
	pub(crate) fn lose_fork(&self) {
		let mut state = self.node.state();
		let finalised = state.finalised;
		state.drop_after(finalised);
	}

	/// What was called, by name.
	pub(crate) fn called(&self, name: &str) -> usize {
		self.node.state().called().iter().filter(|called| called.name == name).count()
	}

	/// How many transactions in blocks of the best chain call this.
	pub(crate) fn included(&self, name: &str) -> usize {
		let included = self.node.included();
		included.iter().filter(|bytes| oda_client::played::Called::of(bytes).name == name).count()
	}

	/// Has commitments of verifiers, and what they open, be in the state; and disputed records be resolved.
	pub(crate) fn committee(&self) {
		self.node.state().effect = Box::new(|block, place, called| match &*called.name {
			"Verification.commit" => {
				let (_, commitment, who) = called.arguments::<(TaskId, [u8; 32], [u8; 32])>();
				let seat = Seat { earlier: false, answer: Answer::Committed { commitment } };
				block.set_seat(SUBMISSION, &AccountId(who), &seat);
			}
			"Verification.open" => {
				let (_, who, finding) = called.arguments::<(TaskId, [u8; 32], Finding)>();
				let answer = Answer::Opened { verdict: finding.verdict };
				block.set_seat(SUBMISSION, &AccountId(who), &Seat { earlier: false, answer });
			}
			"Training.resolve_dispute" => {
				block.outcomes.push((place, event("Training", "DisputeResolved", &[])));
			}
			_ => {}
		});
	}

	/// Has challenges, and commitments to them, do what they do on the chain; all challenges are right.
	pub(crate) fn court(&self) {
		self.node.state().effect = Box::new(|block, place, called| match &*called.name {
			"Training.commit_challenge" => {
				let (id, commitment) = called.arguments::<(SubmissionId, [u8; 32])>();
				let who = Key::from_uri("//Alice").unwrap().account();
				let made = ChallengeCommitment { who, commitment, bond: 1, opens_at: 0, expires_at: 1_000 };
				block.set_challenge_commitments(id, &[made]);
			}
			"Training.challenge" => {
				let id = called.arguments::<SubmissionId>();
				if !block.is_committed_against(id) {
					block.failures.insert(place, failure("Training", "NoChallengeCommitment"));
					return;
				}
				block.set_challenge_commitments(id, &[]);
				block.remove_submission(id);
				block.outcomes.push((place, event("Training", "Overturned", &[])));
			}
			_ => {}
		});
	}
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
	let wait = async {
		while !is_so() {
			tokio::time::sleep(Duration::from_millis(20)).await;
		}
	};
	assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "{what}");
}

/// What something comes to, if it does.
pub(crate) async fn end_of<T>(what: &str, work: impl Future<Output = T>) -> T {
	match tokio::time::timeout(PATIENCE, work).await {
		Ok(done) => done,
		Err(_) => panic!("it does not end: {what}"),
	}
}

/// The state by which one defends.
pub(crate) async fn defence(chain: &Chain) -> View {
	chain.defence_view().await.unwrap()
}

/// A submission that is being verified, and all that goes with it: of three records the second is right if it is
/// claimed with 0.
#[derive(Clone)]
pub(crate) struct Claimed {
	pub(crate) spec: ModelSpec,
	pub(crate) submission: Submission,
	pub(crate) claim: Claim,
	scores: Vec<u8>,
	members: Vec<AccountId>,
}

impl Claimed {
	/// Of weights that are in the store, with these scores.
	pub(crate) fn of(actor: &Actor, scores: [i32; 3]) -> Self {
		let (spec, weights) = evaluation::tests::case(actor.context.store());
		let claim = Claim { weights, score: 2, hash: [u8::from(scores[1] != 0); 32], fee: 0, revealed_at: 5 };
		let submission = Submission {
			id: SUBMISSION,
			model: spec.id(),
			trainer: AccountId([9; 32]),
			commitment: [0; 32],
			committed_at: 1,
			opens_at: 2,
			closes_at: 100,
			head_at_commit: None,
			bond: 0,
			phase: Phase::Verifying {
				claim,
				opened_at: 5,
				open_until: 1_000,
				held_until: 0,
				challenge_window: 10,
				shown: false,
				refuted: false,
			},
		};
		let scores = scores::pack(ScoreKind::Bit, &scores).unwrap();
		let members = actor.key.iter().map(Key::account).collect();
		Self { spec, submission, claim, scores, members }
	}

	/// The same, of weights that nobody has.
	pub(crate) fn of_missing_weights(actor: &Actor) -> Self {
		let mut claimed = Self::of(actor, [1, 0, 1]);
		claimed.claim.weights = BlobRef { root: [8; 32], len: 0 };
		claimed.claim.hash = [8; 32];
		if let Phase::Verifying { claim, .. } = &mut claimed.submission.phase {
			*claim = claimed.claim;
		}
		claimed
	}

	/// The task about it.
	pub(crate) fn task(&self, phase: TaskPhase, asked: u32) -> Task {
		Task {
			id: SUBMISSION,
			claim: self.claim.hash,
			records: 3,
			load: Load::default(),
			phase,
			asked,
			window: 990,
			members: self.members.clone(),
			quorum: 1,
			committed: 0,
			opened: 0,
			wanted: Vec::new(),
		}
	}

	/// Puts all of it into a block's state.
	pub(crate) fn put(&self, block: &mut Block) {
		block.set_tick(10);
		block.set_model(&self.spec, None);
		block.set_submission(&self.submission);
		block.set_claimed_scores(SUBMISSION, &self.scores);
		block.set_task(&self.task(TaskPhase::Committing { until: 1_000 }, 1));
		for member in &self.members {
			block.set_seat(SUBMISSION, member, &Seat { earlier: false, answer: Answer::None });
		}
	}
}

/// A head of a model.
pub(crate) fn head(trainer: AccountId, weights: BlobRef, score: i64) -> Version {
	Version { number: 0, trainer, weights, score, submission: 1, accepted_at: 1, replaced: None }
}
