//! The border between whoever has a claim verified and whoever re-runs it.
//!
//! A pallet opens a *task* for a claim, reads how far it has come, and closes it with what came of the claim:
//!
//! ```
//! use oda_pallet_traits::{Committees, Ending, TaskStatus, Work};
//! use oda_primitives::TaskId;
//! use polkadot_sdk::sp_runtime::DispatchResult;
//!
//! fn reveal<C: Committees<u64>>(submission: u64, claim: [u8; 32], work: &Work) -> DispatchResult {
//!     C::open(TaskId::Submission(submission), claim, work, 600)
//! }
//!
//! /// Who shares the fee, once enough have answered, and in what parts.
//! fn settle<C: Committees<u64>>(submission: u64) -> Option<Vec<(u64, u32)>> {
//!     let task = TaskId::Submission(submission);
//!     let passed = matches!(C::status(task)?, TaskStatus::Passed(_));
//!     passed.then(|| C::close(task, Ending::Accepted))
//! }
//! ```

use alloc::vec::Vec;
use codec::{Decode, Encode, MaxEncodedLen};
use oda_evaluator::Cost;
use oda_primitives::{TaskId, Tick};
use polkadot_sdk::sp_runtime::DispatchResult;
use scale_info::TypeInfo;

/// What verifying a claim takes: what fees and windows follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Work {
	/// The cost of evaluating one record.
	pub cost: Cost,
	/// The number of records that are evaluated.
	pub records: u32,
	/// The bytes of weights and data that have to be fetched first.
	pub bytes: u64,
}

/// How far the verification of a task has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum TaskStatus {
	/// Too few have answered.
	#[codec(index = 0)]
	Open,
	/// Enough said `Valid`, the last needed at this tick.
	#[codec(index = 1)]
	Passed(Tick),
	/// The window closed without a quorum.
	#[codec(index = 2)]
	Lapsed,
	/// Most members said `Unavailable`: as it stands, the task cannot pass.
	#[codec(index = 3)]
	Unavailable,
	/// The members' outputs of this record differ: nothing moves until the court has said what it is.
	#[codec(index = 4)]
	Disputed(u32),
}

/// How a task ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending<AccountId> {
	/// The claim was accepted: who accused it was wrong.
	Accepted,
	/// `challenger` proved on chain that the claim was wrong: who signed `Valid` pays, half to the challenger,
	/// half burned.
	Overturned {
		/// Who proved it.
		challenger: AccountId,
	},
	/// The claim fell without a challenger, because nobody showed what it is about though it was demanded, or because the court
	/// found it wrong in a dispute: who signed `Valid` pays, and nobody earns.
	Fallen,
	/// Not enough answers came in time.
	Lapsed,
	/// Nobody is to blame, for instance because the head moved meanwhile.
	Void,
}

/// What a pallet with claims needs of whoever re-runs them.
pub trait Committees<AccountId> {
	/// Whether anybody could answer a task that is opened now.
	fn able() -> bool;

	/// Opens a task about what `claim` is the hash of: a committee that has room for the work is drawn, and its members
	/// can answer for `window` ticks from then. Refused if nobody could answer.
	fn open(task: TaskId, claim: [u8; 32], work: &Work, window: Tick) -> DispatchResult;

	/// How far the verification has come; `None` if there is no such task.
	fn status(task: TaskId) -> Option<TaskStatus>;

	/// What could not be had can be had now: forgets the answers `Unavailable` and lets the task be answered for at
	/// least `window` ticks from now. The first tick at which answers are refused; `None` if there is no such task,
	/// it has passed, or nobody said `Unavailable`. A task that waits for its draw, or for the court, needs no reopening,
	/// but remembers it: `Unavailable` is no excuse for whoever is asked later.
	fn reopen(task: TaskId, window: Tick) -> Option<Tick>;

	/// The court has run a [disputed](TaskStatus::Disputed) record: its output hashes to `output`. Those who said something
	/// else pay, and their answers count no more. Refused if this record of the task is not disputed.
	fn resolve(task: TaskId, record: u32, output: [u8; 32]) -> DispatchResult;

	/// Whether `who` has answered the task: nobody who did is paid for overturning it.
	fn answered(task: TaskId, who: &AccountId) -> bool;

	/// Closes the task, applies what `ending` means for those who answered or stayed away, and returns who answered
	/// rightly, with the votes that each had: they share the fee by them. `Unavailable` is no answer in this sense.
	fn close(task: TaskId, ending: Ending<AccountId>) -> Vec<(AccountId, u32)>;

	/// The most accounts that can answer one task.
	fn max_members() -> u32;

	/// Makes as many verifiers available as there can be: for benchmarks, before `open`.
	#[cfg(feature = "runtime-benchmarks")]
	fn fill_for_benchmark() {}

	/// Makes enough verifiers answer `Valid` that the task has passed: for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn pass_for_benchmark(task: TaskId);

	/// Leaves a task such that [reopening](Self::reopen) it costs the most: for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn fail_for_benchmark(task: TaskId);

	/// Lets a task lapse for which as many verifiers as there can be were drawn and none answered: for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn lapse_for_benchmark(task: TaskId);

	/// Makes as many verifiers as there can be answer, and differ about this record: for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn dispute_for_benchmark(task: TaskId, record: u32);
}
