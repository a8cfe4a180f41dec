//! Tasks, verifiers and their answers.

use crate::{
	AccountId, Balance, Call, Chain, ChainError, Key, View,
	error::node,
	runtime::{self, runtime_types as generated},
	view::{entries, get},
};
use oda_primitives::{SubmissionId, TaskId, Tick, Verdict, message};
use serde::Serialize;
use subxt::utils::Static;

/// One submission's records, to be re-run by all members.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Task {
	/// The submission.
	pub id: SubmissionId,
	/// Who may and should answer.
	pub members: Vec<AccountId>,
	/// How many have to say `Valid`.
	pub quorum: u32,
	/// How often its members have been asked.
	pub asked: u32,
	/// When it was opened.
	pub opened_at: Tick,
	/// The first tick at which answers are refused.
	pub until: Tick,
	/// The answers, in the order in which they came.
	pub answers: Vec<(AccountId, Verdict)>,
	/// When the quorum was reached.
	pub passed_at: Option<Tick>,
}

impl Task {
	/// Whether `who` may answer and has not.
	pub fn awaits(&self, who: &AccountId) -> bool {
		self.members.contains(who) && self.answers.iter().all(|(member, _)| member != who)
	}

	/// Whether more than half of the members said `Unavailable`, and it has not passed.
	pub fn is_unavailable(&self) -> bool {
		let unavailable = self.answers.iter().filter(|(_, verdict)| *verdict == Verdict::Unavailable).count();
		self.passed_at.is_none() && unavailable * 2 > self.members.len()
	}
}

/// A bonded verifier.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Verifier {
	/// Who.
	pub account: AccountId,
	/// What is held of its funds, and left after slashes.
	pub bond: Balance,
	/// Open tasks that it is a member of.
	pub open: u32,
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

	/// The bonded verifiers, active or not.
	pub async fn verifiers(&self) -> Result<Vec<Verifier>, ChainError> {
		let verifiers = get!(self, runtime::storage().verification().verifiers(),);
		Ok(verifiers
			.map(|map| map.0)
			.into_iter()
			.flatten()
			.map(|(account, verifier)| Verifier { account, bond: verifier.bond, open: verifier.open })
			.collect())
	}
}

impl Chain {
	/// Attests what a verifier found of a submission: free of charge, authorised by the verifier's signature, which is
	/// worth nothing for another claim than the one whose hash this is, or if the task's members have been asked again.
	pub fn attest(
		&self,
		key: &Key,
		submission: SubmissionId,
		claim: &[u8; 32],
		asked: u32,
		verdict: Verdict,
	) -> Call {
		let task = TaskId::Submission(submission);
		let message = message::attestation(&self.genesis(), task, claim, asked, verdict);
		let signature = generated::sp_runtime::MultiSignature::Sr25519(key.sign(&message));
		let call = runtime::transactions().verification().attest(
			task.into(),
			verdict.into(),
			key.account(),
			signature,
		);
		self.unsigned(call, Ok)
	}
}

fn task_from(
	id: SubmissionId,
	task: generated::pallet_verification::types::Task<AccountId, Balance>,
) -> Task {
	Task {
		id,
		members: task.members.0,
		quorum: task.quorum,
		asked: task.asked,
		opened_at: task.opened_at,
		until: task.until,
		answers: task.answers.0.into_iter().map(|(who, verdict)| (who, verdict.0)).collect(),
		passed_at: task.passed_at,
	}
}
