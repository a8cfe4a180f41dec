//! What verification does, one behaviour a test.

mod attest;
mod close;
mod evidence;
mod genesis;
mod leaks;
mod leave;
mod open;
mod random;
mod snapshots;
mod state;
mod views;

use crate::{
	Call, Error, Event, Fault, HoldReason, INVALID_ATTESTATION, Outcome, TaskOf, Tasks, Verifiers, mock::*,
};
use oda_pallet_traits::{Committees, Ending, TaskStatus};
use oda_primitives::{TaskId, Tick, Verdict, message};
use polkadot_sdk::{
	frame_support::{
		assert_noop, assert_ok,
		traits::{Authorize, fungible::InspectHold},
	},
	frame_system::RawOrigin,
	sp_runtime::{
		AccountId32, DispatchError, DispatchResult, MultiSignature,
		transaction_validity::{
			InvalidTransaction, TransactionSource, TransactionValidityError, ValidTransaction,
		},
	},
};

/// The task of most tests.
const TASK: TaskId = TaskId::Submission(7);
/// What it is about.
const CLAIM: [u8; 32] = [3; 32];
/// For how long it is open: from tick 100 to 110.
const WINDOW: Tick = 10;

/// Runs a test on a chain of `verifiers`, then checks the state.
fn run(verifiers: usize, test: impl FnOnce()) {
	new_test_ext(verifiers).execute_with(|| {
		test();
		assert_ok!(Verification::do_try_state());
	});
}

/// The same, with [`TASK`] open.
fn run_open(verifiers: usize, test: impl FnOnce()) {
	run(verifiers, || {
		assert_ok!(open());
		test();
	});
}

/// The keyring's account of this number.
fn key(index: usize) -> AccountId32 {
	KEYS[index].to_account_id()
}

fn open() -> DispatchResult {
	<Verification as Committees<_>>::open(TASK, CLAIM, WINDOW)
}

fn close(ending: Ending<AccountId32>) -> Vec<AccountId32> {
	let mut innocent = <Verification as Committees<_>>::close(TASK, ending);
	innocent.sort_by_key(|who| (0..KEYS.len()).find(|index| key(*index) == *who));
	innocent
}

fn status() -> Option<TaskStatus> {
	<Verification as Committees<AccountId32>>::status(TASK)
}

/// How often the members of a task have been asked.
fn asked(task: TaskId) -> u32 {
	Tasks::<Test>::get(task).map_or(1, |task| task.asked)
}

/// The signature of the keyring's account of this number.
fn sign(index: usize, task: TaskId, verdict: Verdict) -> MultiSignature {
	let genesis = System::block_hash(0);
	KEYS[index]
		.sign(&message::attestation(genesis.as_fixed_bytes(), task, &CLAIM, asked(task), verdict))
		.into()
}

/// What the pool says of an attestation.
fn authorize(
	verifier: AccountId32,
	task: TaskId,
	verdict: Verdict,
	signature: MultiSignature,
) -> Result<ValidTransaction, TransactionValidityError> {
	let call = RuntimeCall::from(Call::<Test>::attest { task, verdict, verifier, signature });
	call.authorize(TransactionSource::External).unwrap().map(|(valid, _)| valid)
}

/// An attestation goes through the pool into a block.
fn attest(index: usize, verdict: Verdict) {
	let signature = sign(index, TASK, verdict);
	assert_ok!(authorize(key(index), TASK, verdict, signature.clone()));
	assert_ok!(dispatch(index, verdict, signature));
}

/// It is dispatched without asking the pool.
fn dispatch(index: usize, verdict: Verdict, signature: MultiSignature) -> DispatchResult {
	Verification::attest(RawOrigin::Authorized.into(), TASK, verdict, key(index), signature)
}

/// What is held of the account as a verifier.
fn held(index: usize) -> u64 {
	Balances::balance_on_hold(&HoldReason::VerifierBond.into(), &key(index))
}

/// The bond that the pallet has written down.
fn bond(index: usize) -> u64 {
	Verification::verifier(key(index)).unwrap().bond
}

/// How many open tasks the verifier is a member of.
fn open_tasks(index: usize) -> u32 {
	Verification::verifier(key(index)).unwrap().open
}

/// The open task.
fn task() -> TaskOf<Test> {
	Tasks::<Test>::get(TASK).unwrap()
}

/// The pallet's events, in order.
fn events() -> Vec<Event<Test>> {
	let of_pallet = |event| match event {
		RuntimeEvent::Verification(event) => Some(event),
		_ => None,
	};
	System::events().into_iter().filter_map(|record| of_pallet(record.event)).collect()
}
