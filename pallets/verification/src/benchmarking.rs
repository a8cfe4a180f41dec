//! Benchmarks: what calls and hooks cost in their worst case, tasks with as many members as they can have.

// Benchmarks run off chain, and fail loudly.
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, clippy::expect_used)]

use super::*;
use alloc::vec;
use core::marker::PhantomData;
use oda_pallet_traits::{Committees, Work};
use oda_primitives::outputs::output_siblings;
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_support::traits::Authorize,
	frame_system::RawOrigin,
	sp_core::{crypto::KeyTypeId, sr25519},
	sp_io,
	sp_runtime::{AccountId32, MultiSignature},
};

/// Makes accounts that can sign, and lets epochs pass.
pub trait BenchmarkHelper<AccountId, Signature> {
	/// Lets it be `epoch`.
	fn set_epoch(epoch: EpochIndex);
	/// An account whose key is at hand.
	fn signer() -> AccountId;
	/// Its signature of `message`.
	fn sign(signer: &AccountId, message: &[u8]) -> Signature;
}

/// Signs with sr25519 by the host's keystore, and sets the epoch by `E`.
pub struct Sr25519Helper<E>(PhantomData<E>);

/// An epoch that benchmarks can set.
pub trait SetEpoch {
	/// Lets it be `epoch`.
	fn set_epoch(epoch: EpochIndex);
}

/// Under which the host keeps the keys of the benchmarks.
const KEY_TYPE: KeyTypeId = KeyTypeId(*b"odab");

impl<E: SetEpoch> BenchmarkHelper<AccountId32, MultiSignature> for Sr25519Helper<E> {
	fn set_epoch(epoch: EpochIndex) {
		E::set_epoch(epoch);
	}

	fn signer() -> AccountId32 {
		sp_io::crypto::sr25519_generate(KEY_TYPE, None).into()
	}

	fn sign(signer: &AccountId32, message: &[u8]) -> MultiSignature {
		let public = sr25519::Public::from_raw(signer.clone().into());
		let signature = sp_io::crypto::sr25519_sign(KEY_TYPE, &public, message);
		signature.expect("the keystore made the key").into()
	}
}

/// The task of the benchmarks.
const TASK: TaskId = TaskId::Submission(7);

/// Room for any number of tasks.
const ROOM: Load = Load { time: u64::MAX, bytes: u64::MAX };

/// Gives `who` a stake, and funds for the deposit.
fn endow<T: Config>(who: &T::AccountId) {
	T::VerifierDeposit::ensure_successful(who, Pallet::<T>::footprint());
	T::Stakes::bond_for_benchmark(Role::Verifier, who, T::MinStake::get().saturating_mul(2u32.into()));
}

/// Makes `who` a verifier.
fn add<T: Config>(who: &T::AccountId) {
	endow::<T>(who);
	Pallet::<T>::do_join(who.clone(), ROOM).expect("it was just endowed, and there is a place");
}

/// Makes verifiers until there are `count`, their places `apart` so that they share few nodes.
fn add_many<T: Config>(count: u32, apart: u32) {
	let first = Eligible::<T>::get();
	// Those of genesis have room for as much as the others.
	for who in Verifiers::<T>::iter_keys().collect::<Vec<_>>() {
		Pallet::<T>::do_set_capacity(who, ROOM).expect("it is a verifier");
	}
	for index in first..count {
		NextPlace::<T>::put((index * apart).min(tree::PLACES - 1));
		add::<T>(&account("verifier", index, 0));
	}
}

/// Makes as many verifiers as a task can have members.
pub(crate) fn fill<T: Config>() {
	add_many::<T>(T::MaxMembers::get(), 1);
}

/// What there is to verify, of so many records.
fn work(records: u32) -> Work {
	Work { cost: Cost::default(), records, bytes: 1 }
}

/// Gives all verifiers, or as many as there can be, a seat of one vote.
fn seat_all<T: Config>(id: TaskId) {
	let mut task = Tasks::<T>::get(id).expect("it was opened");
	// As they are now.
	let frozen = T::Epoch::get() + 1;
	let verifiers = Verifiers::<T>::iter().take(T::MaxMembers::get() as usize);
	let chosen: Vec<_> = verifiers
		.map(|(who, verifier)| {
			let weight = Pallet::<T>::leaf(verifier.place).now();
			let mut candidate = draw::Candidate::<T>::new(who, verifier, None, weight);
			assert!(candidate.give_vote(&task, frozen), "it has room, and its stake is free");
			candidate
		})
		.collect();
	task.votes = chosen.len() as u32;
	Pallet::<T>::seat(id, task, chosen);
}

/// Lets all verifiers be members of the task, and say `Valid`.
pub(crate) fn pass<T: Config>(id: TaskId) {
	seat_all::<T>(id);
	let mut task = Tasks::<T>::get(id).expect("it was opened");
	task.wanted = Pallet::<T>::choose_records(&[1; 32], T::MaxWanted::get(), task.records);
	for who in &task.members {
		let outputs = BoundedVec::truncate_from(vec![[7; 32]; task.wanted.len()]);
		let verdict = Verdict::Valid;
		Pallet::<T>::edit_seat(id, who, |seat| seat.answer = Answer::Opened { verdict, outputs });
	}
	(task.committed, task.opened) = (task.size, task.size);
	Pallet::<T>::conclude(id, &mut task);
	Tasks::<T>::insert(id, task);
}

/// Lets all verifiers be members of the task of whom one has committed, and it is too late for the others: if they are asked
/// again, all of them pay, and are absent once too often.
pub(crate) fn seal<T: Config>(id: TaskId) {
	seat_all::<T>(id);
	let mut task = Tasks::<T>::get(id).expect("it was opened");
	for who in &task.members {
		tire::<T>(who);
	}
	let last = task.members.last().expect("there are verifiers");
	Pallet::<T>::edit_seat(id, last, |seat| seat.answer = Answer::Committed([1; 32]));
	task.committed = 1;
	Pallet::<T>::seal(id, &mut task);
	Tasks::<T>::insert(id, task);
}

/// The verifier's next absence is one too many.
fn tire<T: Config>(who: &T::AccountId) {
	Verifiers::<T>::mutate_extant(who, |verifier| {
		verifier.absences.in_a_row = T::MaxAbsences::get().saturating_sub(1);
	});
}

/// A task of `members` members, all verifiers, who have all committed, and are to open.
fn opening<T: Config>(members: u32, last: Option<&T::AccountId>, records: u32) {
	add_many::<T>(members - u32::from(last.is_some()), tree::FAN_OUT);
	if let Some(last) = last {
		NextPlace::<T>::put(tree::PLACES - 1);
		add::<T>(last);
	}
	<Pallet<T> as Committees<_>>::open(TASK, [1; 32], &work(records), 100).expect("there are verifiers");
	seat_all::<T>(TASK);
	let mut task = Tasks::<T>::get(TASK).expect("it was opened");
	for who in &task.members {
		Pallet::<T>::edit_seat(TASK, who, |seat| seat.answer = Answer::Committed([1; 32]));
		tire::<T>(who);
	}
	task.committed = task.size;
	let until = T::Clock::get() + 1;
	Pallet::<T>::enter(TASK, &mut task, Phase::Opening { until });
	Tasks::<T>::insert(TASK, task);
}

/// Lets a member be the last that has not opened, having committed to what it can show with proofs of `depth` siblings; that.
fn last_opening<T: Config>(signer: &T::AccountId, wanted: u32, depth: u32) -> (Finding, Vec<OutputProof>) {
	let records = 1u32.checked_shl(depth).unwrap_or(u32::MAX);
	opening::<T>(T::MaxMembers::get(), Some(signer), records);
	let siblings = vec![[3; 32]; output_siblings(0, records) as usize];
	let proof = OutputProof { output: [2; 32], siblings };
	let root = proof.implied_root(signer, TASK, 0, records).expect("it has as many siblings as it needs");
	let finding = Finding { root, verdict: Verdict::Valid, salt: [4; 32] };
	let genesis = funds::genesis_hash::<T>();
	Pallet::<T>::edit_seat(TASK, signer, |seat| {
		seat.answer = Answer::Committed(finding.commitment(&genesis, TASK, &[1; 32], 1, signer));
	});
	Tasks::<T>::mutate_extant(TASK, |task| {
		task.opened = task.committed - 1;
		// One record over and over takes as many hashes as different ones.
		task.wanted = BoundedVec::truncate_from(vec![0; wanted as usize]);
	});
	(finding, vec![proof; wanted as usize])
}

/// A task that waits for the last commitment; the member's, and its signature.
fn last_commitment<T: Config>() -> (T::AccountId, [u8; 32], T::Signature) {
	let signer = T::BenchmarkHelper::signer();
	opening::<T>(T::MaxMembers::get(), Some(&signer), 1);
	Pallet::<T>::edit_seat(TASK, &signer, |seat| seat.answer = Answer::None);
	let mut task = Tasks::<T>::get(TASK).expect("it was opened");
	task.committed -= 1;
	let until = T::Clock::get() + 1;
	Pallet::<T>::enter(TASK, &mut task, Phase::Committing { until });
	let message = Pallet::<T>::signed_bytes(TASK, &task, &[5; 32]);
	Tasks::<T>::insert(TASK, task);
	let signature = T::BenchmarkHelper::sign(&signer, &message);
	(signer, [5; 32], signature)
}

/// Lets the task lapse, of which all verifiers are members and none answered.
pub(crate) fn lapse<T: Config>(id: TaskId) {
	seat_all::<T>(id);
	let mut task = Tasks::<T>::get(id).expect("it was opened");
	task.redrawn = true;
	Pallet::<T>::conclude(id, &mut task);
	Tasks::<T>::insert(id, task);
}

/// Lets all verifiers say `Valid`, each with another output of this record.
pub(crate) fn dispute<T: Config>(id: TaskId, record: u32) {
	seat_all::<T>(id);
	let mut task = Tasks::<T>::get(id).expect("it was opened");
	task.wanted = BoundedVec::truncate_from(vec![record]);
	for (index, who) in (0u32..).zip(&task.members) {
		let mut output = [9; 32];
		for (byte, of_index) in output.iter_mut().zip(index.to_le_bytes()) {
			*byte = of_index;
		}
		let outputs = BoundedVec::truncate_from(vec![output]);
		let verdict = Verdict::Valid;
		Pallet::<T>::edit_seat(id, who, |seat| seat.answer = Answer::Opened { verdict, outputs });
	}
	(task.committed, task.opened) = (task.size, task.size);
	Pallet::<T>::conclude(id, &mut task);
	Tasks::<T>::insert(id, task);
}

#[benchmarks(where T::RuntimeCall: From<Call<T>>)]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn join() {
		add_many::<T>(tree::FAN_OUT, tree::PLACES / tree::FAN_OUT);
		let caller: T::AccountId = whitelisted_caller();
		endow::<T>(&caller);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), ROOM);

		assert!(Verifiers::<T>::contains_key(caller));
	}

	#[benchmark]
	fn set_capacity() {
		let caller: T::AccountId = whitelisted_caller();
		add::<T>(&caller);
		let capacity = T::MinCapacity::get();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), capacity);

		assert!(Verifiers::<T>::get(caller).is_some_and(|verifier| verifier.capacity == capacity));
	}

	#[benchmark]
	fn rest() {
		add_many::<T>(tree::FAN_OUT, tree::PLACES / tree::FAN_OUT);
		let caller: T::AccountId = whitelisted_caller();
		add::<T>(&caller);
		T::BenchmarkHelper::set_epoch(2);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()));

		assert!(Verifiers::<T>::get(caller).is_some_and(|verifier| verifier.duty == Duty::Resting));
	}

	#[benchmark]
	fn wake() {
		add_many::<T>(tree::FAN_OUT, tree::PLACES / tree::FAN_OUT);
		let caller: T::AccountId = whitelisted_caller();
		add::<T>(&caller);
		T::BenchmarkHelper::set_epoch(2);
		Pallet::<T>::do_rest(caller.clone()).expect("it is awake");
		T::BenchmarkHelper::set_epoch(3);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()));

		assert!(Verifiers::<T>::get(caller).is_some_and(|verifier| verifier.duty == Duty::Awake));
	}

	#[benchmark]
	fn dismiss() {
		add_many::<T>(tree::FAN_OUT, tree::PLACES / tree::FAN_OUT);
		let caller: T::AccountId = whitelisted_caller();
		let verifier: T::AccountId = account("away", 0, 0);
		add::<T>(&verifier);
		T::BenchmarkHelper::set_epoch(2);
		Pallet::<T>::send_away(&verifier);
		T::BenchmarkHelper::set_epoch(2 + T::AwayEpochs::get());

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), verifier.clone());

		assert!(Verifiers::<T>::get(verifier).is_some_and(|verifier| verifier.duty == Duty::Resting));
	}

	#[benchmark]
	fn leave() {
		add_many::<T>(tree::FAN_OUT, tree::PLACES / tree::FAN_OUT);
		let caller: T::AccountId = whitelisted_caller();
		add::<T>(&caller);
		Pallet::<T>::do_rest(caller.clone()).expect("it is awake");
		T::BenchmarkHelper::set_epoch(3);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()));

		assert!(!Verifiers::<T>::contains_key(caller));
	}

	#[benchmark]
	fn commit() {
		let (signer, commitment, signature) = last_commitment::<T>();

		#[extrinsic_call]
		_(RawOrigin::Authorized, TASK, commitment, signer, signature);

		assert!(Tasks::<T>::get(TASK).is_some_and(|task| matches!(task.phase, Phase::Sealed { .. })));
	}

	#[benchmark]
	fn authorize_commit() -> Result<(), BenchmarkError> {
		let (verifier, commitment, signature) = last_commitment::<T>();
		let call: T::RuntimeCall = Call::commit { task: TASK, commitment, verifier, signature }.into();

		#[block]
		{
			call.authorize(TransactionSource::InBlock)
				.ok_or("commit has no authorisation")?
				.map_err(|_| "not authorised")?;
		}

		Ok(())
	}

	#[benchmark]
	fn open(w: Linear<1, { T::MaxWanted::get() }>) {
		let signer = T::BenchmarkHelper::signer();
		let (finding, proofs) = last_opening::<T>(&signer, w, 20);

		#[extrinsic_call]
		_(RawOrigin::Authorized, TASK, signer, finding, proofs);

		assert!(Tasks::<T>::get(TASK).is_some_and(|task| task.opened == task.committed));
	}

	/// Proofs of one sibling more for each record wanted, the two hashes at the ends included.
	#[benchmark]
	fn authorize_open(h: Linear<3, { T::MaxWanted::get() * 34 }>) -> Result<(), BenchmarkError> {
		let signer = T::BenchmarkHelper::signer();
		let wanted = T::MaxWanted::get().min(h / 3).max(1);
		let depth = (h / wanted).saturating_sub(2).min(32);
		let (finding, proofs) = last_opening::<T>(&signer, wanted, depth);
		let call: T::RuntimeCall = Call::open { task: TASK, verifier: signer, finding, proofs }.into();

		#[block]
		{
			call.authorize(TransactionSource::InBlock)
				.ok_or("open has no authorisation")?
				.map_err(|_| "not authorised")?;
		}

		Ok(())
	}

	#[benchmark]
	fn poll() {
		AgendaFrom::<T>::put(T::Clock::get() + 1);
		DrawFrom::<T>::put(T::Epoch::get() + 1);
		let mut meter = WeightMeter::new();

		#[block]
		{
			Pallet::<T>::poll(&mut meter);
		}

		assert_ne!(Entropy::<T>::get(), [0; 32]);
	}

	#[benchmark]
	fn next_in_agenda() {
		let tick = T::Clock::get();
		Agenda::<T>::insert(tick, TASK, ());
		let next;

		#[block]
		{
			next = Agenda::<T>::iter_key_prefix(tick).next();
			Agenda::<T>::remove(tick, TASK);
			AgendaFrom::<T>::put(tick);
		}

		assert_eq!(next, Some(TASK));
	}

	#[benchmark]
	fn next_in_queue() {
		Pallet::<T>::enqueue(TASK, 0);
		let next;

		#[block]
		{
			let mut queue = Queues::<T>::get(0);
			next = Waiting::<T>::take(0, queue.next);
			queue.next += 1;
			Queues::<T>::insert(0, queue);
			DrawFrom::<T>::put(1);
		}

		assert_eq!(next, Some(TASK));
	}

	/// All members have committed and none has opened: all pay and rest, and a second committee is to be drawn.
	#[benchmark]
	fn advance(m: Linear<1, { T::MaxMembers::get() }>) {
		opening::<T>(m, None, 1_000);
		Tasks::<T>::mutate_extant(TASK, |task| (task.votes, task.terms.least) = (1, 1));
		T::BenchmarkHelper::set_epoch(2);
		let task = Tasks::<T>::get(TASK).expect("it was opened");

		#[block]
		{
			Pallet::<T>::advance(TASK, task);
		}

		assert!(Tasks::<T>::get(TASK).is_some_and(|task| task.redrawn));
		assert_eq!(Seats::<T>::iter().count(), 0);
		assert_eq!(Eligible::<T>::get(), 0);
	}

	/// Among four times as many verifiers as samples, far apart: few samples meet what another has met.
	#[benchmark]
	fn draw(s: Linear<1, { T::MaxSamples::get() }>, m: Linear<1, { T::MaxMembers::get() }>) {
		let verifiers = (4 * s).min(tree::PLACES);
		add_many::<T>(verifiers, tree::PLACES / verifiers);
		<Pallet<T> as Committees<_>>::open(TASK, [1; 32], &work(1), 100).expect("there are verifiers");
		Tasks::<T>::mutate_extant(TASK, |task| {
			task.votes = m;
			(task.terms.least, task.terms.samples, task.terms.able) = (1, s, Perbill::zero());
		});
		T::BenchmarkHelper::set_epoch(T::Epoch::get() + EPOCHS_BEFORE_DRAW);

		#[block]
		{
			Pallet::<T>::draw(TASK);
		}

		assert!(Tasks::<T>::get(TASK).is_some_and(|task| task.size > 0));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(0), crate::mock::Test);
}
