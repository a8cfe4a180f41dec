//! Tasks, verifiers and their answers.

use crate::{
	AccountId, Balance, Call, Chain, ChainError, Key, View,
	error::node,
	runtime::{self, runtime_types as generated},
	view::{entries, get},
};
use generated::pallet_verification::types as stored;
use oda_primitives::{OutputProof, SubmissionId, TaskId, Tick, Verdict, hash::Finding, hexadecimal, message};
use serde::Serialize;
use subxt::utils::Static;

/// One submission's records, to be re-run by all members.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Task {
	/// The submission.
	pub id: SubmissionId,
	/// The hash of what is claimed.
	#[serde(serialize_with = "hexadecimal::serialize")]
	pub claim: [u8; 32],
	/// How many records there are.
	pub records: u32,
	/// What one member needs room for.
	pub load: Load,
	/// How far it has come.
	#[serde(flatten)]
	pub phase: TaskPhase,
	/// How often members have been asked.
	pub asked: u32,
	/// Ticks in which members can commit, from the draw.
	pub window: Tick,
	/// Who has a seat: what is left of the first committee, then the present one.
	pub members: Vec<AccountId>,
	/// How many members have to say `Valid`.
	pub quorum: u32,
	/// How many of the present committee have committed.
	pub committed: u32,
	/// How many of it have opened.
	pub opened: u32,
	/// The records whose outputs they show, in ascending order.
	pub wanted: Vec<u32>,
}

/// How far a task has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "phase")]
pub enum TaskPhase {
	/// A committee is to be drawn.
	Drawing {
		/// The first epoch in which it can be.
		ready: u32,
		/// The tick at which the task lapses otherwise.
		until: Tick,
	},
	/// The members commit.
	Committing {
		/// The first tick at which commitments are refused.
		until: Tick,
	},
	/// Nobody can commit any more; which records are wanted is not known yet.
	Sealed {
		/// The tick at which the records are drawn.
		until: Tick,
	},
	/// The members open their commitments.
	Opening {
		/// The first tick at which openings are refused.
		until: Tick,
	},
	/// Members have opened different outputs of a record.
	Disputed {
		/// The record.
		record: u32,
		/// The tick at which the task lapses, unless the record is resolved.
		until: Tick,
	},
	/// Enough said `Valid`.
	Passed {
		/// The tick at which that was found.
		at: Tick,
	},
	/// Too few did.
	Lapsed,
	/// Most members could not get the weights or the data.
	Unavailable,
}

/// A member's seat in a task.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Seat {
	/// Whether it is one of a first committee that came to nothing, which is not asked again.
	pub earlier: bool,
	/// What the member has answered.
	pub answer: Answer,
}

/// What a member has answered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum Answer {
	/// Nothing.
	None,
	/// The hash of its finding.
	Committed {
		/// The hash.
		#[serde(serialize_with = "hexadecimal::serialize")]
		commitment: [u8; 32],
	},
	/// Its finding.
	Opened {
		/// What it says of the claim.
		verdict: Verdict,
	},
	/// An output that the court found to be another.
	Refuted,
}

impl Seat {
	/// Whether the member can answer at this tick, and has not: commit, or open.
	pub fn is_awaited(&self, phase: &TaskPhase, tick: Tick) -> bool {
		!self.earlier
			&& match (phase, &self.answer) {
				(TaskPhase::Committing { until }, Answer::None)
				| (TaskPhase::Opening { until }, Answer::Committed { .. }) => tick < *until,
				_ => false,
			}
	}
}

/// What verifying takes, or what a verifier has room for at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Load {
	/// Computing time, in picoseconds of the reference machine.
	pub time: u64,
	/// Bytes of weights and data.
	pub bytes: u64,
}

/// Whether a verifier is there to be drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
	/// It is.
	Awake,
	/// It was absent too often.
	Away,
	/// It rests, as it said.
	Resting,
}

/// A verifier.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Verifier {
	/// Who.
	pub account: AccountId,
	/// Whether it is there to be drawn.
	pub duty: Duty,
	/// What it has room for at a time, as it has declared last.
	pub capacity: Load,
	/// Open tasks that it is a member of.
	pub open: u32,
	/// Absences since it last answered rightly.
	pub absences: u32,
}

/// What the seats of a verifier take.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Seated {
	/// Computing time, in picoseconds of the machine that weights are measured on.
	pub time: u128,
	/// Bytes of weights and data.
	pub bytes: u128,
	/// The stake that answers for the seats.
	pub stake: Balance,
}

/// How a verifier fares, at one block.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct VerifierStatus {
	/// The account.
	pub account: AccountId,
	/// Whether it is there to be drawn.
	pub duty: Duty,
	/// What it weighs in draws of the epoch after the next on: nothing while it rests, or has too little stake.
	pub weight: u128,
	/// What it has room for at a time, as it has declared last.
	pub capacity: Load,
	/// What its seats take now.
	pub seated: Seated,
	/// The number of open tasks of which it is a member.
	pub open: u32,
	/// The number of its absences since it last answered rightly.
	pub absences: u32,
}

impl View {
	/// The open tasks about submissions, by number.
	pub async fn tasks(&self) -> Result<Vec<Task>, ChainError> {
		let address = runtime::storage().verification().tasks();
		let tasks = entries!(self, address, |key, value| (key.0.0, value));
		let mut tasks: Vec<_> = tasks
			.into_iter()
			.filter_map(|(id, task)| match id {
				TaskId::Submission(id) => Some(task_from(id, task)),
				TaskId::Receipt(_) | TaskId::Audit(_) => None,
			})
			.collect();
		tasks.sort_by_key(|task| task.id);
		Ok(tasks)
	}

	/// The open task about a submission.
	pub async fn task(&self, id: SubmissionId) -> Result<Option<Task>, ChainError> {
		let key = Static(TaskId::Submission(id));
		Ok(get!(self, runtime::storage().verification().tasks(), key).map(|task| task_from(id, task)))
	}

	/// A member's seat in the task about a submission.
	pub async fn seat(&self, id: SubmissionId, member: &AccountId) -> Result<Option<Seat>, ChainError> {
		let key = Static(TaskId::Submission(id));
		let seat = get!(self, runtime::storage().verification().seats(), key, *member);
		Ok(seat.map(|seat| Seat { earlier: seat.earlier, answer: answer_from(seat.answer) }))
	}

	/// A verifier.
	pub async fn verifier(&self, account: &AccountId) -> Result<Option<Verifier>, ChainError> {
		let verifier = get!(self, runtime::storage().verification().verifiers(), *account);
		Ok(verifier.map(|verifier| verifier_from(*account, &verifier)))
	}

	/// How a verifier fares; `None` if the account is not one.
	pub async fn verifier_status(&self, account: &AccountId) -> Result<Option<VerifierStatus>, ChainError> {
		let call = runtime::view_functions().verification().verifier(*account);
		let found = self.ask(call).await?;
		Ok(found.map(|verifier| VerifierStatus {
			account: *account,
			duty: duty_from(&verifier.duty),
			weight: verifier.weight,
			capacity: load_from(&verifier.capacity),
			seated: Seated {
				time: verifier.used.time,
				bytes: verifier.used.bytes,
				stake: verifier.used.stake,
			},
			open: verifier.open,
			absences: verifier.absences.in_a_row,
		}))
	}

	/// All verifiers, whether they can be drawn or not.
	pub async fn verifiers(&self) -> Result<Vec<Verifier>, ChainError> {
		let address = runtime::storage().verification().verifiers();
		Ok(entries!(self, address, |key, value| verifier_from(key.0, &value)))
	}
}

impl Chain {
	/// Commits a verifier to what it found of a submission's claim: free of charge, authorised by the verifier's
	/// signature, which is worth nothing for another claim, or if the task's members have been asked again.
	pub fn commit_finding(
		&self,
		key: &Key,
		submission: SubmissionId,
		claim: &[u8; 32],
		asked: u32,
		finding: &Finding,
	) -> Call {
		let (task, genesis) = (TaskId::Submission(submission), self.genesis());
		let commitment = finding.commitment(&genesis, task, claim, asked, &key.account().0);
		let message = message::answer(&genesis, task, claim, asked, &commitment);
		let signature = generated::sp_runtime::MultiSignature::Sr25519(key.sign(&message));
		let verification = runtime::transactions().verification();
		self.unsigned(verification.commit(task.into(), commitment, key.account(), signature), Ok)
	}

	/// Opens what a verifier committed to, with its outputs of the wanted records: free of charge, authorised by what it
	/// shows.
	pub fn open_finding(
		&self,
		verifier: AccountId,
		submission: SubmissionId,
		finding: &Finding,
		proofs: Vec<OutputProof>,
	) -> Call {
		let task = TaskId::Submission(submission);
		let proofs = proofs.into_iter().map(Static).collect();
		let call =
			runtime::transactions().verification().open(task.into(), verifier, Static(*finding), proofs);
		self.unsigned(call, Ok)
	}

	/// Becomes a verifier with a capacity; the account has to have a stake as one. It is drawn from the next but one epoch on.
	pub fn join_verifiers(&self, key: &Key, capacity: Load) -> Call {
		self.submit(key, runtime::transactions().verification().join(capacity.into()))
	}

	/// Changes what the account has room for at a time.
	pub fn set_verifier_capacity(&self, key: &Key, capacity: Load) -> Call {
		self.submit(key, runtime::transactions().verification().set_capacity(capacity.into()))
	}

	/// Takes the account out of the draws, from the next but one epoch on.
	pub fn rest_verifier(&self, key: &Key) -> Call {
		self.submit(key, runtime::transactions().verification().rest())
	}

	/// Lets the account be drawn again, from the next but one epoch on.
	pub fn wake_verifier(&self, key: &Key) -> Call {
		self.submit(key, runtime::transactions().verification().wake())
	}

	/// Leaves the verifiers; the account's deposit is released.
	pub fn leave_verifiers(&self, key: &Key) -> Call {
		self.submit(key, runtime::transactions().verification().leave())
	}
}

impl From<Load> for stored::Load {
	fn from(load: Load) -> Self {
		Self { time: load.time, bytes: load.bytes }
	}
}

fn load_from(load: &stored::Load) -> Load {
	Load { time: load.time, bytes: load.bytes }
}

fn duty_from(duty: &stored::Duty) -> Duty {
	match duty {
		stored::Duty::Awake => Duty::Awake,
		stored::Duty::Away { .. } => Duty::Away,
		stored::Duty::Resting => Duty::Resting,
	}
}

fn phase_from(phase: &stored::Phase) -> TaskPhase {
	match *phase {
		stored::Phase::Drawing { ready, until } => TaskPhase::Drawing { ready, until },
		stored::Phase::Committing { until } => TaskPhase::Committing { until },
		stored::Phase::Sealed { until } => TaskPhase::Sealed { until },
		stored::Phase::Opening { until } => TaskPhase::Opening { until },
		stored::Phase::Disputed { record, until } => TaskPhase::Disputed { record, until },
		stored::Phase::Passed { at } => TaskPhase::Passed { at },
		stored::Phase::Lapsed { .. } => TaskPhase::Lapsed,
		stored::Phase::Unavailable => TaskPhase::Unavailable,
	}
}

fn answer_from(answer: stored::Answer) -> Answer {
	match answer {
		stored::Answer::None => Answer::None,
		stored::Answer::Committed(commitment) => Answer::Committed { commitment },
		stored::Answer::Opened { verdict, .. } => Answer::Opened { verdict: verdict.0 },
		stored::Answer::Refuted => Answer::Refuted,
	}
}

fn verifier_from<Balance, Ticket>(
	account: AccountId,
	verifier: &stored::Verifier<Balance, Ticket>,
) -> Verifier {
	Verifier {
		account,
		duty: duty_from(&verifier.duty),
		capacity: load_from(&verifier.capacity),
		open: verifier.open,
		absences: verifier.absences.in_a_row,
	}
}

fn task_from(id: SubmissionId, task: stored::Task<AccountId, Balance>) -> Task {
	Task {
		id,
		claim: task.claim,
		records: task.records,
		load: load_from(&task.load),
		phase: phase_from(&task.phase),
		asked: task.asked,
		window: task.terms.window,
		members: task.members.0,
		quorum: task.quorum,
		committed: task.committed,
		opened: task.opened,
		wanted: task.wanted.0,
	}
}
