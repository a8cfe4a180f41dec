//! What verification does, one behaviour a test.

mod adversaries;
mod close;
mod commit;
mod disputes;
mod draw;
mod evidence;
mod fair;
mod leaks;
mod lifecycle;
mod open;
mod parameters;
mod poll;
mod random;
mod redraw;
mod reopen;
mod snapshots;
mod state;
mod tree;
mod verifiers;
mod views;

use crate::{
	Answer, Call, Duty, Error, Event, Fault, HoldReason, Load, Outcome, Phase, SEALED_TICKS, Seats, TaskOf,
	Tasks, Usage, Verifiers, mock::*,
};
use oda_evaluator::Cost;
use oda_pallet_traits::{Committees, Ending, Role, StakeWatcher, Stakes, TaskStatus, Work};
use oda_primitives::{OutputTree, TaskId, Tick, Verdict, hash::Finding, message, refusal};
use polkadot_sdk::{
	frame_support::{
		assert_noop, assert_ok,
		traits::{
			Authorize,
			fungible::{Inspect, InspectHold},
		},
	},
	frame_system::RawOrigin,
	sp_core::{H256, Pair},
	sp_runtime::{
		AccountId32, DispatchError, DispatchResult, MultiSignature, Perbill,
		transaction_validity::{
			InvalidTransaction, TransactionSource, TransactionValidityError, ValidTransaction,
		},
	},
};

/// The task of most tests.
const TASK: TaskId = TaskId::Submission(7);
/// Another one.
const OTHER: TaskId = TaskId::Submission(8);
/// What they are about.
const CLAIM: [u8; 32] = [3; 32];
/// For how long members can commit.
const WINDOW: Tick = 10;
/// How many records the claim has.
const RECORDS: u32 = 9;
/// Nobody's account.
const STRANGER: usize = 31;

/// What is right of the task of most tests: ten records' time would be 90, and 50 bytes.
fn work() -> Work {
	Work { cost: Cost { macs: 10, ..Cost::default() }, records: RECORDS, bytes: 50 }
}

/// Runs a test on a chain of `verifiers` with equal stakes, then checks the state.
fn run(verifiers: usize, test: impl FnOnce()) {
	new_test_ext(verifiers).execute_with(|| {
		test();
		check();
	});
}

/// Checks the state, and what is reserved of the stakes.
fn check() {
	assert_ok!(Verification::do_try_state());
	for (who, verifier) in Verifiers::<Test>::iter() {
		let used = verifier.drawn.minus(verifier.closed.now());
		let reserved = Bonds::get(&who).unwrap_or_default().reserved;
		assert_eq!(u128::from(reserved), used.stake, "what is reserved is not what the seats need");
	}
}

/// The same, with the committee of [`TASK`] drawn. As many members as verifiers, up to four, with a vote each.
fn run_drawn(verifiers: usize, test: impl FnOnce()) {
	run(verifiers, || {
		draw(TASK);
		test();
	});
}

/// Opens a task and waits until its committee is drawn.
fn draw(id: TaskId) {
	next_epoch();
	assert_ok!(open_task(id));
	next_epoch();
	next_epoch();
	assert!(matches!(task(id).phase, Phase::Committing { .. }));
}

fn open_task(id: TaskId) -> DispatchResult {
	<Verification as Committees<_>>::open(id, CLAIM, &work(), WINDOW)
}

fn close(ending: Ending<AccountId32>) -> Vec<usize> {
	close_task(TASK, ending)
}

fn close_task(id: TaskId, ending: Ending<AccountId32>) -> Vec<usize> {
	close_with_votes(id, ending).into_iter().map(|(index, _)| index).collect()
}

/// Who was right, in ascending order, and with how many votes.
fn close_with_votes(id: TaskId, ending: Ending<AccountId32>) -> Vec<(usize, u32)> {
	let right = <Verification as Committees<_>>::close(id, ending);
	let mut right: Vec<_> = right.iter().map(|(who, votes)| (index_of(who), *votes)).collect();
	right.sort();
	right
}

fn overturned() -> Ending<AccountId32> {
	Ending::Overturned { challenger: key(STRANGER) }
}

fn status() -> Option<TaskStatus> {
	<Verification as Committees<AccountId32>>::status(TASK)
}

fn reopen() -> Option<Tick> {
	<Verification as Committees<AccountId32>>::reopen(TASK, WINDOW)
}

fn resolve(record: u32, output: [u8; 32]) -> DispatchResult {
	<Verification as Committees<AccountId32>>::resolve(TASK, record, output)
}

/// The open task.
fn task(id: TaskId) -> TaskOf<Test> {
	Tasks::<Test>::get(id).unwrap()
}

/// A member's seat.
fn seat(id: TaskId, index: usize) -> crate::SeatOf<Test> {
	Seats::<Test>::get(id, key(index)).unwrap()
}

/// How many votes each member of a task has, in the order of their numbers.
fn votes(id: TaskId) -> Vec<(usize, u32)> {
	members(id).into_iter().map(|index| (index, seat(id, index).votes)).collect()
}

/// The numbers of a task's members, in ascending order.
fn members(id: TaskId) -> Vec<usize> {
	let mut members: Vec<_> = task(id).members.iter().map(index_of).collect();
	members.sort();
	members
}

/// The right outputs of all records, or those of somebody whose runs differ in some.
fn outputs(wrong: &[u32]) -> Vec<[u8; 32]> {
	(0..RECORDS).map(|record| if wrong.contains(&record) { [0xee; 32] } else { [record as u8; 32] }).collect()
}

/// A member with its answer to a task.
#[derive(Clone)]
struct Member {
	index: usize,
	id: TaskId,
	finding: Finding,
	tree: OutputTree,
}

impl Member {
	/// Who has run all records, and got these outputs.
	fn with(index: usize, id: TaskId, verdict: Verdict, outputs: Vec<[u8; 32]>) -> Self {
		let tree = OutputTree::new(&key(index), id, outputs).unwrap();
		Self { index, id, finding: Finding { root: tree.root(), verdict, salt: [index as u8; 32] }, tree }
	}

	/// Who has run all records rightly.
	fn new(index: usize, verdict: Verdict) -> Self {
		Self::with(index, TASK, verdict, outputs(&[]))
	}

	fn commitment(&self) -> [u8; 32] {
		let genesis = System::block_hash(0);
		let task = task(self.id);
		self.finding.commitment(genesis.as_fixed_bytes(), self.id, &task.claim, task.asked, &key(self.index))
	}

	/// The commitment goes through the pool into a block.
	fn commit(&self) {
		let commitment = self.commitment();
		let signature = sign(self.index, self.id, &commitment);
		assert_ok!(authorize_commit(self.index, self.id, commitment, signature.clone()));
		assert_ok!(commit(self.index, self.id, commitment, signature));
	}

	fn proofs(&self) -> Vec<oda_primitives::OutputProof> {
		if self.finding.verdict == Verdict::Unavailable {
			return Vec::new();
		}
		task(self.id).wanted.iter().map(|record| self.tree.prove(*record).unwrap()).collect()
	}

	/// What the pool says of the opening.
	fn authorize_open(&self) -> Result<ValidTransaction, TransactionValidityError> {
		authorize_open(self.index, self.id, self.finding, self.proofs())
	}

	/// The opening goes through the pool into a block.
	fn open(&self) {
		assert_ok!(self.authorize_open());
		assert_ok!(open(self.index, self.id, self.finding, self.proofs()));
	}
}

/// The signature of the account of this number.
fn sign(index: usize, id: TaskId, commitment: &[u8; 32]) -> MultiSignature {
	let genesis = System::block_hash(0);
	let (claim, asked) = Tasks::<Test>::get(id).map_or((CLAIM, 1), |task| (task.claim, task.asked));
	pair(index).sign(&message::answer(genesis.as_fixed_bytes(), id, &claim, asked, commitment)).into()
}

/// What the pool says of a commitment.
fn authorize_commit(
	index: usize,
	task: TaskId,
	commitment: [u8; 32],
	signature: MultiSignature,
) -> Result<ValidTransaction, TransactionValidityError> {
	let call = RuntimeCall::from(Call::<Test>::commit { task, commitment, verifier: key(index), signature });
	call.authorize(TransactionSource::External).unwrap().map(|(valid, _)| valid)
}

/// It is dispatched without asking the pool.
fn commit(index: usize, task: TaskId, commitment: [u8; 32], signature: MultiSignature) -> DispatchResult {
	Verification::commit(RawOrigin::Authorized.into(), task, commitment, key(index), signature)
}

/// What the pool says of an opening.
fn authorize_open(
	index: usize,
	task: TaskId,
	finding: Finding,
	proofs: Vec<oda_primitives::OutputProof>,
) -> Result<ValidTransaction, TransactionValidityError> {
	let call = RuntimeCall::from(Call::<Test>::open { task, verifier: key(index), finding, proofs });
	call.authorize(TransactionSource::External).unwrap().map(|(valid, _)| valid)
}

/// It is dispatched without asking the pool.
fn open(
	index: usize,
	task: TaskId,
	finding: Finding,
	proofs: Vec<oda_primitives::OutputProof>,
) -> DispatchResult {
	Verification::open(RawOrigin::Authorized.into(), task, key(index), finding, proofs)
}

/// These members say that, and nobody else says anything; until it is found what it comes to.
fn answer(answers: &[Member]) {
	commit_all(answers);
	answers.iter().for_each(Member::open);
	wait_for_the_end_of(|phase| matches!(phase, Phase::Opening { .. }));
}

/// They commit, and the records are drawn.
fn commit_all(answers: &[Member]) {
	answers.iter().for_each(Member::commit);
	wait_for_the_end_of(|phase| matches!(phase, Phase::Committing { .. } | Phase::Sealed { .. }));
}

/// Waits until the phase of [`TASK`] is another.
fn wait_for_the_end_of(phase: impl Fn(Phase) -> bool) {
	for _ in 0..100 {
		if !phase(task(TASK).phase) {
			return;
		}
		tick();
	}
	panic!("it never ends");
}

/// What is left of a verifier's stake.
fn stake(index: usize) -> u64 {
	Played::active(Role::Verifier, &key(index))
}

/// What is left of the stakes of the first so many.
fn stakes(count: usize) -> Vec<u64> {
	(0..count).map(stake).collect()
}

/// How many open tasks the verifier is a member of.
fn open_tasks(index: usize) -> u32 {
	Verification::verifier(key(index)).unwrap().open
}

/// What exists of the currency.
fn issuance() -> u64 {
	<Balances as Inspect<_>>::total_issuance()
}

/// The pallet's events, in order.
fn events() -> Vec<Event<Test>> {
	let of_pallet = |event| match event {
		RuntimeEvent::Verification(event) => Some(event),
		_ => None,
	};
	System::events().into_iter().filter_map(|record| of_pallet(record.event)).collect()
}

/// What was slashed, of whom and for what, in order.
fn slashes() -> Vec<(usize, Fault, u64)> {
	let of_event = |event| match event {
		Event::Slashed { verifier, fault, amount, .. } => Some((index_of(&verifier), fault, amount)),
		_ => None,
	};
	events().into_iter().filter_map(of_event).collect()
}

/// What the pool says when it refuses for this error.
fn refused<R>(error: Error<Test>) -> Result<R, TransactionValidityError> {
	use codec::Encode;
	Err(InvalidTransaction::Custom(refusal::VERIFICATION + error.encode()[0]).into())
}
