//! A committee that answers as a test says: the whole contract of [`Committees`], and no money of its own. It remembers
//! what it was told of each task's end, so that tests see who pays and who shares the fee.
//!
//! All is in the chain's storage, so that what is tried and undone is undone here too.

use super::Clock;
use codec::{Decode, Encode};
use oda_pallet_traits::{Committees, Ending, TaskStatus, Work};
use oda_primitives::{SubmissionId, TaskId, Tick, Verdict};
use polkadot_sdk::{
	frame_support::{self, ensure, storage_alias, traits::Get},
	sp_runtime::{DispatchError, DispatchResult},
};

/// The verifiers that there are, all of whom are drawn for every task. If there is none, a task is refused.
#[storage_alias]
type Bench = StorageValue<Played, Vec<u64>, frame_support::pallet_prelude::ValueQuery>;

/// For how many ticks a task waits for its draw.
#[storage_alias]
type Delay = StorageValue<Played, Tick, frame_support::pallet_prelude::ValueQuery>;

/// The open tasks.
#[storage_alias]
type Sittings = StorageMap<Played, frame_support::Blake2_128Concat, TaskId, Sitting>;

/// The tasks that have ended.
#[storage_alias]
type Closings = StorageMap<Played, frame_support::Blake2_128Concat, TaskId, Closing>;

/// What members say that a record's output is.
type Outputs = Vec<(u64, [u8; 32])>;

/// An open task.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) struct Sitting {
	pub(crate) claim: [u8; 32],
	/// Records that are evaluated, and bytes that are fetched.
	pub(crate) records: u32,
	pub(crate) bytes: u64,
	/// The first tick at which members can answer, and at which they no longer can.
	pub(crate) drawn_at: Tick,
	pub(crate) until: Tick,
	pub(crate) members: Vec<u64>,
	pub(crate) answers: Vec<(u64, Verdict)>,
	passed_at: Option<Tick>,
	/// What members say that each record's output is about which they differ.
	disputes: Vec<(u32, Outputs)>,
	/// Members whose outputs were wrong.
	mistaken: Vec<u64>,
}

/// What came of a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) enum Ended {
	Accepted,
	Overturned(u64),
	Fallen,
	Lapsed,
	Void,
}

/// What was told of a task's end.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) struct Closing {
	pub(crate) ended: Ended,
	/// Who answered rightly, with a vote each: they share the fee.
	pub(crate) right: Vec<u64>,
	/// Who signed what turned out wrong, or an output that the court did not find: they pay.
	pub(crate) wrong: Vec<u64>,
}

impl Sitting {
	fn quorum(&self) -> usize {
		self.members.len() * 2 / 3 + 1
	}

	fn count(&self, verdict: Verdict) -> usize {
		self.answers.iter().filter(|(_, answer)| *answer == verdict).count()
	}

	fn pass_if_enough(&mut self) {
		let enough = self.count(Verdict::Valid) >= self.quorum();
		self.passed_at = enough.then(|| self.passed_at.unwrap_or_else(Clock::get));
	}

	fn status(&self) -> TaskStatus {
		let now = Clock::get();
		match (self.disputes.first(), self.passed_at) {
			(Some((record, _)), _) => TaskStatus::Disputed(*record),
			(None, Some(at)) => TaskStatus::Passed(at),
			_ if 2 * self.count(Verdict::Unavailable) > self.members.len() => TaskStatus::Unavailable,
			_ if now < self.until => TaskStatus::Open,
			_ => TaskStatus::Lapsed,
		}
	}
}

/// The played committee.
pub struct Played;

impl Committees<u64> for Played {
	fn able() -> bool {
		!Bench::get().is_empty()
	}

	fn open(task: TaskId, claim: [u8; 32], work: &Work, window: Tick) -> DispatchResult {
		ensure!(Self::able(), DispatchError::Other("nobody can answer"));
		ensure!(!Sittings::contains_key(task), DispatchError::Other("the task is open"));
		ensure!(window > 0, DispatchError::Other("nobody could answer in time"));
		let drawn_at = Clock::get() + Delay::get();
		let sitting = Sitting {
			claim,
			records: work.records,
			bytes: work.bytes,
			drawn_at,
			until: drawn_at + window,
			members: Bench::get(),
			answers: Vec::new(),
			passed_at: None,
			disputes: Vec::new(),
			mistaken: Vec::new(),
		};
		Sittings::insert(task, sitting);
		Ok(())
	}

	fn status(task: TaskId) -> Option<TaskStatus> {
		Sittings::get(task).map(|sitting| sitting.status())
	}

	fn reopen(task: TaskId, window: Tick) -> Option<Tick> {
		let mut sitting = Sittings::get(task)?;
		let unavailable = sitting.count(Verdict::Unavailable);
		if sitting.passed_at.is_some() || unavailable == 0 {
			return None;
		}
		sitting.answers.retain(|(_, verdict)| *verdict != Verdict::Unavailable);
		sitting.until = (Clock::get() + window).max(sitting.until);
		let until = sitting.until;
		Sittings::insert(task, sitting);
		Some(until)
	}

	fn resolve(task: TaskId, record: u32, output: [u8; 32]) -> DispatchResult {
		let refused = || DispatchError::Other("nobody differs about it");
		let mut sitting = Sittings::get(task).ok_or_else(refused)?;
		let at = sitting.disputes.iter().position(|(disputed, _)| *disputed == record).ok_or_else(refused)?;
		for (who, said) in sitting.disputes.remove(at).1 {
			if said != output {
				sitting.mistaken.push(who);
				sitting.answers.retain(|(other, _)| *other != who);
			}
		}
		sitting.pass_if_enough();
		Sittings::insert(task, sitting);
		Ok(())
	}

	fn answered(task: TaskId, who: &u64) -> bool {
		Sittings::get(task).is_some_and(|sitting| {
			sitting.mistaken.contains(who) || sitting.answers.iter().any(|(other, _)| other == who)
		})
	}

	fn close(task: TaskId, ending: Ending<u64>) -> Vec<(u64, u32)> {
		let Some(sitting) = Sittings::take(task) else { return Vec::new() };
		let ended = match ending {
			Ending::Accepted => Ended::Accepted,
			Ending::Overturned { challenger } => Ended::Overturned(challenger),
			Ending::Fallen => Ended::Fallen,
			Ending::Lapsed => Ended::Lapsed,
			Ending::Void => Ended::Void,
		};
		let said = |right: fn(&Verdict) -> bool| {
			let chosen = sitting.answers.iter().filter(move |(_, verdict)| right(verdict));
			chosen.map(|(who, _)| *who).collect::<Vec<_>>()
		};
		let valid = said(|verdict| *verdict == Verdict::Valid);
		let accusing = said(|verdict| matches!(verdict, Verdict::Wrong(_)));
		let (right, mut wrong) = match ended {
			Ended::Accepted => (valid, accusing),
			Ended::Overturned(_) | Ended::Fallen => (accusing, valid),
			Ended::Lapsed => (valid, Vec::new()),
			Ended::Void => (said(|verdict| *verdict != Verdict::Unavailable), Vec::new()),
		};
		wrong.extend(&sitting.mistaken);
		let sharing = right.iter().map(|who| (*who, 1)).collect();
		Closings::insert(task, Closing { ended, right, wrong });
		sharing
	}

	fn max_members() -> u32 {
		4
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn fill_for_benchmark() {
		seat(&[101, 102, 103, 104]);
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn pass_for_benchmark(task: TaskId) {
		all(task, Verdict::Valid);
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn fail_for_benchmark(task: TaskId) {
		all(task, Verdict::Unavailable);
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn lapse_for_benchmark(task: TaskId) {
		Sittings::mutate_extant(task, |sitting| sitting.until = Clock::get());
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn dispute_for_benchmark(task: TaskId, record: u32) {
		all(task, Verdict::Valid);
		let TaskId::Submission(id) = task else { unreachable!() };
		let said: Vec<_> = members(id).into_iter().map(|who| (who, [who as u8; 32])).collect();
		differ(id, record, &said).unwrap();
	}
}

#[cfg(feature = "runtime-benchmarks")]
fn all(task: TaskId, verdict: Verdict) {
	let TaskId::Submission(id) = task else { unreachable!() };
	members(id).into_iter().for_each(|who| answer(id, who, verdict).unwrap());
}

/// These are the verifiers from now on.
pub(crate) fn seat(verifiers: &[u64]) {
	Bench::put(verifiers.to_vec());
}

/// The verifiers.
pub(crate) fn bench() -> Vec<u64> {
	Bench::get()
}

/// Tasks opened from now on wait so many ticks for their draw.
pub(crate) fn draw_after(ticks: Tick) {
	Delay::put(ticks);
}

/// A submission's task.
pub(crate) fn sitting(id: SubmissionId) -> Option<Sitting> {
	Sittings::get(TaskId::Submission(id))
}

/// The members of a submission's task.
pub(crate) fn members(id: SubmissionId) -> Vec<u64> {
	sitting(id).map_or_else(Vec::new, |sitting| sitting.members)
}

/// What was told of the end of a submission's task.
pub(crate) fn closed(id: SubmissionId) -> Option<Closing> {
	Closings::get(TaskId::Submission(id))
}

/// A member answers.
pub(crate) fn answer(id: SubmissionId, who: u64, verdict: Verdict) -> DispatchResult {
	let mut sitting = sitting(id).ok_or(DispatchError::Other("no such task"))?;
	let now = Clock::get();
	ensure!((sitting.drawn_at..sitting.until).contains(&now), DispatchError::Other("not now"));
	ensure!(sitting.members.contains(&who), DispatchError::Other("no member"));
	ensure!(!Played::answered(TaskId::Submission(id), &who), DispatchError::Other("answered"));
	sitting.answers.push((who, verdict));
	sitting.pass_if_enough();
	Sittings::insert(TaskId::Submission(id), sitting);
	Ok(())
}

/// Members who have answered show that their outputs of a record differ.
pub(crate) fn differ(id: SubmissionId, record: u32, said: &[(u64, [u8; 32])]) -> DispatchResult {
	let mut sitting = sitting(id).ok_or(DispatchError::Other("no such task"))?;
	let answered = |who: &u64| sitting.answers.iter().any(|(other, _)| other == who);
	ensure!(said.iter().all(|(who, _)| answered(who)), DispatchError::Other("has not answered"));
	let known = sitting.disputes.iter().any(|(disputed, _)| *disputed == record);
	ensure!(!known && !said.is_empty(), DispatchError::Other("known, or nobody"));
	sitting.disputes.push((record, said.to_vec()));
	Sittings::insert(TaskId::Submission(id), sitting);
	Ok(())
}

/// Nobody is drawn for a submission's task: it lapses at its draw.
pub(crate) fn nobody_is_drawn(id: SubmissionId) {
	Sittings::mutate_extant(TaskId::Submission(id), |sitting| {
		sitting.members.clear();
		sitting.until = sitting.drawn_at;
	});
}

/// The record about which a submission's members differ.
pub(crate) fn disputed(id: SubmissionId) -> Option<u32> {
	match Played::status(TaskId::Submission(id)) {
		Some(TaskStatus::Disputed(record)) => Some(record),
		_ => None,
	}
}
