//! Bonded verifiers who re-run objectives and attest what they found.
//!
//! A pallet with a claim, such as `pallet-training`, *opens* a task; every verifier who is active then is a member of
//! it, is to re-run all records off chain, and sends one signed [`Verdict`]. When more than two thirds said `Valid` the
//! task has *passed*. Correctness is never voted: until it is closed, a passed task can be overturned by one challenger
//! who makes the runtime re-run one record, and then everyone who signed `Valid` pays.
//!
//! ```text
//! open ──► answers until the window ends ──► close: Accepted | Overturned | Withheld | Lapsed | Void
//!             └── quorum says Valid: passed        └── slashes, and who shares the fee
//! ```
//!
//! This is the first version: the verifiers are those of genesis, all of them answer every task, and a verdict is
//! not committed before it is shown. Drawn committees come behind the same border, [`Committees`].

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
	test,
	allow(
		clippy::arithmetic_side_effects,
		clippy::cast_possible_truncation,
		clippy::expect_used,
		clippy::indexing_slicing,
		clippy::unwrap_used
	)
)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
pub mod types;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::{BenchmarkHelper, Sr25519Helper};
pub use pallet::*;
pub use types::{Fault, Outcome, Penalties, Task, Verifier};
pub use weights::WeightInfo;

use alloc::{collections::BTreeMap, vec::Vec};
use oda_pallet_funds::{self as funds, Funds};
use oda_pallet_traits::{Committees, Deed, Ending, Evidence, TaskStatus};
use oda_primitives::{TaskId, Tick, Verdict, message};
use polkadot_sdk::{
	frame_support::{
		self,
		pallet_prelude::*,
		traits::{
			Imbalance,
			fungible::{Credit, Inspect, InspectHold, MutateHold},
		},
	},
	frame_system::{self, ensure_authorized, pallet_prelude::*},
	sp_runtime::{
		Perbill, TryRuntimeError,
		traits::{IdentifyAccount, Saturating, Verify, Zero},
		transaction_validity::TransactionValidityWithRefund,
	},
};

/// The most entries that one page of a listing holds.
pub const MAX_PAGE: u32 = 100;

/// Where this pallet's reasons for refusing an attestation begin among the codes of
/// `InvalidTransaction::Custom`, which all pallets share: the code is this plus the error's index.
pub const INVALID_ATTESTATION: u8 = 64;

/// What bonds are counted in.
pub type BalanceOf<T> = <<T as Config>::Currency as Inspect<<T as frame_system::Config>::AccountId>>::Balance;

/// The bonded verifiers, by account.
pub type VerifiersOf<T> = BoundedBTreeMap<
	<T as frame_system::Config>::AccountId,
	Verifier<BalanceOf<T>>,
	<T as Config>::MaxVerifiers,
>;

/// A task as this pallet stores it.
pub type TaskOf<T> = Task<<T as frame_system::Config>::AccountId, BalanceOf<T>, <T as Config>::MaxVerifiers>;

/// The pallet; see the crate's documentation.
///
/// The two lints are for what FRAME's macros expand to; but for the making of genesis, nothing written here uses
/// either.
#[allow(clippy::cast_possible_truncation, clippy::expect_used)]
#[frame_support::pallet]
pub mod pallet {
	use super::*;

	/// The in-code storage version.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

	/// The pallet.
	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// What verification needs. The runtime's transaction extensions have to contain
	/// `frame_system::AuthorizeCall`, through which attestations come in.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// Protocol time.
		type Clock: Get<Tick>;

		/// What bonds are held, slashed and paid in.
		type Currency: Funds<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// Who listens to what verifiers do.
		type Evidence: Evidence<Self::AccountId>;

		/// The runtime's reasons for holds.
		type RuntimeHoldReason: From<HoldReason>;

		/// What an attestation is signed with.
		type Signature: Verify<Signer = Self::Signer> + Parameter;

		/// Who signs it: the verifier's account.
		type Signer: IdentifyAccount<AccountId = Self::AccountId>;

		/// The most verifiers.
		#[pallet::constant]
		type MaxVerifiers: Get<u32>;

		/// The share of a task's members that has to say `Valid`, rounded up: more than two thirds, as
		/// 666,666,667 parts in a billion are.
		type Quorum: Get<Perbill>;

		/// The bond below which a verifier gets no new tasks.
		type MinBond: Get<BalanceOf<Self>>;

		/// What signing `Valid` costs when a challenger proves a score wrong.
		type VerifierSlash: Get<BalanceOf<Self>>;

		/// What signing `Wrong` costs when the submission is accepted.
		type AccusationSlash: Get<BalanceOf<Self>>;

		/// What not answering costs.
		type AbsenceSlash: Get<BalanceOf<Self>>;

		/// The priority of attestations in the transaction pool.
		#[pallet::constant]
		type AttestPriority: Get<TransactionPriority>;

		/// What the calls cost.
		type WeightInfo: WeightInfo;

		/// Makes signatures: for benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: BenchmarkHelper<Self::AccountId, Self::Signature>;
	}

	/// Why verification holds somebody's funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The bond of a verifier.
		#[codec(index = 0)]
		VerifierBond,
	}

	/// The bonded verifiers, active or not. One value, because opening and closing a task touches all.
	#[pallet::storage]
	pub type Verifiers<T: Config> = StorageValue<_, VerifiersOf<T>, ValueQuery>;

	/// The open tasks, by what they verify.
	#[pallet::storage]
	pub type Tasks<T: Config> = StorageMap<_, Blake2_128Concat, TaskId, TaskOf<T>>;

	/// The verifiers of genesis and their bonds, which must lie in their free balances.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Account and bond.
		pub verifiers: Vec<(T::AccountId, BalanceOf<T>)>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		/// Panics on a genesis that makes no sense: no chain starts from it.
		fn build(&self) {
			for (who, bond) in &self.verifiers {
				assert!(*bond >= T::MinBond::get(), "a genesis verifier's bond is below the minimum");
				assert!(!Verifiers::<T>::get().contains_key(who), "a genesis verifier is named twice");
				Pallet::<T>::bond(who, *bond).expect("a genesis verifier cannot be bonded");
			}
		}
	}

	/// What happened to a task or a verifier.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A task was opened for all active verifiers.
		#[codec(index = 0)]
		TaskOpened {
			/// The task.
			task: TaskId,
			/// The number of verifiers that may answer.
			members: u32,
			/// The number of verifiers that have to say `Valid`.
			quorum: u32,
			/// The first tick at which answers are refused.
			until: Tick,
		},
		/// A verifier answered.
		#[codec(index = 1)]
		Attested {
			/// The task.
			task: TaskId,
			/// The verifier that answered.
			verifier: T::AccountId,
			/// The verdict of the verifier.
			verdict: Verdict,
		},
		/// The quorum said `Valid`.
		#[codec(index = 2)]
		TaskPassed {
			/// The task.
			task: TaskId,
		},
		/// A task was closed.
		#[codec(index = 3)]
		TaskClosed {
			/// The task.
			task: TaskId,
			/// How it ended.
			outcome: Outcome,
		},
		/// A verifier lost a part of its bond.
		#[codec(index = 4)]
		Slashed {
			/// The task.
			task: TaskId,
			/// The verifier that lost it.
			verifier: T::AccountId,
			/// The fault that it lost it for.
			fault: Fault,
			/// The part of its bond that was taken.
			amount: BalanceOf<T>,
		},
		/// A challenger got its half of what the verifiers lost; the rest was burned.
		#[codec(index = 5)]
		ChallengerPaid {
			/// The task.
			task: TaskId,
			/// The challenger that was paid.
			challenger: T::AccountId,
			/// The amount that it was paid.
			amount: BalanceOf<T>,
		},
		/// A verifier's bond fell below the minimum: it gets no new tasks.
		#[codec(index = 6)]
		Deactivated {
			/// The verifier that gets no new tasks.
			verifier: T::AccountId,
			/// What is left of its bond.
			bond: BalanceOf<T>,
		},
		/// A verifier left and has its bond back.
		#[codec(index = 7)]
		Left {
			/// The account that was a verifier.
			verifier: T::AccountId,
			/// What it got back.
			bond: BalanceOf<T>,
		},
		/// What was missing can be had now: answers that said `Unavailable` are forgotten, and asked for again.
		#[codec(index = 8)]
		TaskReopened {
			/// The task.
			task: TaskId,
			/// The first tick at which answers are refused.
			until: Tick,
		},
	}

	/// Why verification refuses.
	#[pallet::error]
	pub enum Error<T> {
		/// There is no active verifier who could answer.
		#[codec(index = 0)]
		NoVerifiers,
		/// This task is open already.
		#[codec(index = 1)]
		TaskExists,
		/// A task has to be open for at least one tick.
		#[codec(index = 2)]
		EmptyWindow,
		/// There is no such task, or it was closed.
		#[codec(index = 3)]
		UnknownTask,
		/// The account is not a member of the task.
		#[codec(index = 4)]
		NotMember,
		/// The time in which the task can be answered is over.
		#[codec(index = 5)]
		WindowOver,
		/// The verifier has answered this task already.
		#[codec(index = 6)]
		AlreadyAnswered,
		/// The account is not a verifier.
		#[codec(index = 7)]
		NotVerifier,
		/// The verifier is a member of open tasks, and cannot leave before they are closed.
		#[codec(index = 8)]
		HasOpenTasks,
		/// There is no room for another verifier.
		#[codec(index = 9)]
		TooManyVerifiers,
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Answers a task; free of charge, and not signed by an account but authorised by `signature`.
		///
		/// * `task`: what is verified.
		/// * `verdict`: what the verifier found. `Wrong(i)` names the first wrong record, which has to be
		///   challenged, or the accusation costs [`Config::AccusationSlash`].
		/// * `verifier`: who answers, a member of the task.
		/// * `signature`: the verifier's, over [`message::attestation`].
		///
		/// Emits `Attested`, and `TaskPassed` when it completes the quorum. Refused by the pool with
		/// `InvalidTransaction::Custom(64 + index)` of `UnknownTask`, `NotMember`, `WindowOver` or
		/// `AlreadyAnswered`, or with `BadProof`; these errors themselves if dispatched nevertheless.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::attest())]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_attest())]
		#[pallet::authorize(Pallet::<T>::authorize_attest)]
		pub fn attest(
			origin: OriginFor<T>,
			task: TaskId,
			verdict: Verdict,
			verifier: T::AccountId,
			// Verified by `authorize`.
			_signature: T::Signature,
		) -> DispatchResult {
			ensure_authorized(origin)?;
			let mut entry = Self::answerable(task, &verifier)?;
			let answer = (verifier.clone(), verdict);
			entry.answers.try_push(answer).map_err(|_| Error::<T>::AlreadyAnswered)?;
			let passes = entry.passed_at.is_none() && entry.valid_answers() >= entry.quorum as usize;
			if passes {
				entry.passed_at = Some(T::Clock::get());
			}
			Tasks::<T>::insert(task, entry);
			Self::deposit_event(Event::Attested { task, verifier, verdict });
			if passes {
				Self::deposit_event(Event::TaskPassed { task });
			}
			Ok(())
		}

		/// Leaves the verifiers and releases the caller's whole bond.
		///
		/// The caller must be no member of an open task. Emits `Left`. Fails with `NotVerifier` or
		/// `HasOpenTasks`.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::leave())]
		pub fn leave(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let verifier = Verifiers::<T>::try_mutate(|verifiers| {
				let verifier = verifiers.get(&who).ok_or(Error::<T>::NotVerifier)?;
				ensure!(verifier.open == 0, Error::<T>::HasOpenTasks);
				verifiers.remove(&who).ok_or(Error::<T>::NotVerifier)
			})?;
			T::Currency::give_back(HoldReason::VerifierBond, &who, verifier.bond);
			Self::deposit_event(Event::Left { verifier: who, bond: verifier.bond });
			Ok(())
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			let most = T::MaxVerifiers::get();
			assert!(most > 0, "there could be no verifier");
			for members in 1..=most {
				let quorum = u64::from(Self::quorum(members));
				assert!(
					quorum.saturating_mul(3) > u64::from(members).saturating_mul(2),
					"a quorum must be more than two thirds"
				);
				assert!(quorum <= u64::from(members), "a quorum could never be reached");
			}
			let bond = T::MinBond::get();
			for (slash, message) in [
				(T::VerifierSlash::get(), "signing `Valid` must cost something, and no more than the bond"),
				(T::AccusationSlash::get(), "accusing must cost something, and no more than the bond"),
				(T::AbsenceSlash::get(), "absence must cost something, and no more than the bond"),
			] {
				assert!(!slash.is_zero() && slash <= bond, "{message}");
			}
			assert!(
				T::AbsenceSlash::get() <= T::VerifierSlash::get(),
				"staying away must not cost more than lying"
			);
			assert!(
				T::Hash::default().as_ref().len() == 32,
				"attestations name the genesis block by 32 bytes"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_block: BlockNumberFor<T>) -> Result<(), TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The verifiers: account, bond and open tasks. Those with less than `MinBond` get no new tasks.
		pub fn verifiers() -> Vec<(T::AccountId, Verifier<BalanceOf<T>>)> {
			Verifiers::<T>::get().into_iter().collect()
		}

		/// A verifier.
		pub fn verifier(who: T::AccountId) -> Option<Verifier<BalanceOf<T>>> {
			Verifiers::<T>::get().get(&who).copied()
		}

		/// An open task.
		pub fn task(id: TaskId) -> Option<TaskOf<T>> {
			Tasks::<T>::get(id)
		}

		/// How far the verification of a task has come.
		pub fn status_of(id: TaskId) -> Option<TaskStatus> {
			<Self as Committees<T::AccountId>>::status(id)
		}

		/// A page of the open tasks, in no particular order: those after `after`, or from the start; at most
		/// `limit`, and never more than [`MAX_PAGE`].
		pub fn tasks(after: Option<TaskId>, limit: u32) -> Vec<(TaskId, TaskOf<T>)> {
			let tasks = match after {
				Some(id) => Tasks::<T>::iter_from_key(id),
				None => Tasks::<T>::iter(),
			};
			tasks.take(limit.min(MAX_PAGE) as usize).collect()
		}

		/// The bytes that a verifier signs to attest `verdict` on an open task.
		pub fn attestation(task: TaskId, verdict: Verdict) -> Option<Vec<u8>> {
			Tasks::<T>::get(task).map(|entry| Pallet::<T>::signed_bytes(task, &entry, verdict))
		}
	}
}

impl<T: Config> Pallet<T> {
	/// How many of `members` have to say `Valid`.
	pub(crate) fn quorum(members: u32) -> u32 {
		T::Quorum::get().mul_ceil(members).max(1)
	}

	/// Holds `bond` of `who`'s funds and makes it a verifier.
	pub(crate) fn bond(who: &T::AccountId, bond: BalanceOf<T>) -> DispatchResult {
		Verifiers::<T>::try_mutate(|verifiers| -> DispatchResult {
			let verifier = Verifier { bond, open: 0 };
			verifiers.try_insert(who.clone(), verifier).map_err(|_| Error::<T>::TooManyVerifiers)?;
			T::Currency::hold(&HoldReason::VerifierBond.into(), who, bond)
		})
	}

	/// The task, if `verifier` can answer it now.
	fn answerable(task: TaskId, verifier: &T::AccountId) -> Result<TaskOf<T>, Error<T>> {
		let entry = Tasks::<T>::get(task).ok_or(Error::<T>::UnknownTask)?;
		ensure!(entry.is_member(verifier), Error::<T>::NotMember);
		ensure!(T::Clock::get() < entry.until, Error::<T>::WindowOver);
		ensure!(entry.answer_of(verifier).is_none(), Error::<T>::AlreadyAnswered);
		Ok(entry)
	}

	/// What a member signs.
	fn signed_bytes(task: TaskId, entry: &TaskOf<T>, verdict: Verdict) -> Vec<u8> {
		message::attestation(&funds::genesis_hash::<T>(), task, &entry.claim, entry.asked, verdict)
	}

	/// Whether an attestation may enter the pool and the block: the cheap checks first, the signature last.
	pub(crate) fn authorize_attest(
		_source: TransactionSource,
		task: &TaskId,
		verdict: &Verdict,
		verifier: &T::AccountId,
		signature: &T::Signature,
	) -> TransactionValidityWithRefund {
		let entry = Self::answerable(*task, verifier).map_err(Self::refusal)?;
		let bytes = Self::signed_bytes(*task, &entry, *verdict);
		if !signature.verify(bytes.as_slice(), verifier) {
			return Err(InvalidTransaction::BadProof.into());
		}
		ValidTransaction::with_tag_prefix("OdaAttest")
			.priority(T::AttestPriority::get())
			.and_provides((*task, verifier))
			.longevity(entry.until.saturating_sub(T::Clock::get()).max(1))
			.propagate(true)
			.build()
			.map(|valid| (valid, Weight::zero()))
	}

	/// How the pool says why an attestation is refused.
	fn refusal(error: Error<T>) -> TransactionValidityError {
		let index = error.encode().first().copied().unwrap_or_default();
		InvalidTransaction::Custom(INVALID_ATTESTATION.saturating_add(index)).into()
	}

	/// What `who`, who is bonded, has to pay, and for what: its bond shrinks; the half that a challenger may have.
	fn slash(
		task: TaskId,
		who: &T::AccountId,
		verifier: &mut Verifier<BalanceOf<T>>,
		fault: Fault,
		penalty: BalanceOf<T>,
	) -> Credit<T::AccountId, T::Currency> {
		let was_active = verifier.bond >= T::MinBond::get();
		let penalty = penalty.min(verifier.bond);
		let (amount, reward) = T::Currency::punish(HoldReason::VerifierBond, who, penalty);
		verifier.bond = verifier.bond.saturating_sub(amount);
		Self::deposit_event(Event::Slashed { task, verifier: who.clone(), fault, amount });
		if was_active && verifier.bond < T::MinBond::get() {
			Self::deposit_event(Event::Deactivated { verifier: who.clone(), bond: verifier.bond });
		}
		reward
	}

	/// What a member is guilty of, given how the task ended.
	fn fault(ending: &Ending<T::AccountId>, answer: Option<Verdict>, window_over: bool) -> Option<Fault> {
		match (ending, answer) {
			(Ending::Overturned { .. } | Ending::Withheld, Some(Verdict::Valid)) => Some(Fault::FalseValid),
			(Ending::Accepted, Some(Verdict::Wrong(_))) => Some(Fault::FalseAccusation),
			// Who proves an accusation ends the task by it: without proof it was no answer. It costs no more than that, for
			// a liar may have taken all places for challenges.
			(Ending::Lapsed, Some(Verdict::Wrong(_))) => Some(Fault::Absence),
			// Enough others could verify it: who could not was as good as absent.
			(Ending::Accepted, Some(Verdict::Unavailable)) => Some(Fault::Absence),
			(Ending::Accepted | Ending::Lapsed, None) if window_over => Some(Fault::Absence),
			_ => None,
		}
	}

	/// Checks bonds, memberships and tasks against each other.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let verifiers = Verifiers::<T>::get();
		let mut open: BTreeMap<T::AccountId, u32> = BTreeMap::new();
		for (_, task) in Tasks::<T>::iter() {
			let members: &[T::AccountId] = &task.members;
			ensure!(members.is_sorted_by(|a, b| a < b), "members out of order, or one of them twice");
			ensure!(task.opened_at < task.until, "a task without a window");
			ensure!((1..=members.len()).contains(&(task.quorum as usize)), "a quorum that cannot be reached");
			for member in members {
				let count = open.entry(member.clone()).or_default();
				*count = count.saturating_add(1);
			}
			for (at, (who, _)) in task.answers.iter().enumerate() {
				ensure!(task.is_member(who), "an answer of somebody who is no member");
				let earlier = task.answers.iter().take(at);
				ensure!(earlier.into_iter().all(|(other, _)| other != who), "two answers of one member");
			}
			let passed = task.valid_answers() >= task.quorum as usize;
			ensure!(passed == task.passed_at.is_some(), "passed without a quorum, or not passed with one");
			ensure!(
				task.passed_at.is_none_or(|at| (task.opened_at..task.until).contains(&at)),
				"passed outside the window"
			);
		}
		for (who, verifier) in &verifiers {
			let held = T::Currency::balance_on_hold(&HoldReason::VerifierBond.into(), who);
			ensure!(held == verifier.bond, "a bond is not what is held");
			ensure!(open.remove(who).unwrap_or_default() == verifier.open, "open tasks are miscounted");
		}
		ensure!(open.is_empty(), "a member of an open task has left");
		Ok(())
	}
}

impl<T: Config> Committees<T::AccountId> for Pallet<T> {
	fn able() -> bool {
		let least = T::MinBond::get();
		Verifiers::<T>::get().values().any(|verifier| verifier.bond >= least)
	}

	fn open(task: TaskId, claim: [u8; 32], window: Tick) -> DispatchResult {
		ensure!(window > 0, Error::<T>::EmptyWindow);
		ensure!(!Tasks::<T>::contains_key(task), Error::<T>::TaskExists);
		let mut verifiers = Verifiers::<T>::get();
		let mut members = BoundedVec::new();
		let least = T::MinBond::get();
		for (who, verifier) in verifiers.iter_mut().filter(|(_, v)| v.bond >= least) {
			// There are no more members than verifiers, and both have one bound.
			if members.try_push(who.clone()).is_ok() {
				verifier.open = verifier.open.saturating_add(1);
			}
		}
		ensure!(!members.is_empty(), Error::<T>::NoVerifiers);
		Verifiers::<T>::put(verifiers);
		let count = u32::try_from(members.len()).unwrap_or(u32::MAX);
		let quorum = Self::quorum(count);
		let opened_at = T::Clock::get();
		let until = opened_at.saturating_add(window);
		let entry = Task {
			members,
			quorum,
			claim,
			asked: 1,
			opened_at,
			until,
			answers: BoundedVec::new(),
			passed_at: None,
			penalties: Penalties {
				false_valid: T::VerifierSlash::get(),
				false_accusation: T::AccusationSlash::get(),
				absence: T::AbsenceSlash::get(),
			},
		};
		Tasks::<T>::insert(task, entry);
		Self::deposit_event(Event::TaskOpened { task, members: count, quorum, until });
		Ok(())
	}

	fn status(task: TaskId) -> Option<TaskStatus> {
		let entry = Tasks::<T>::get(task)?;
		Some(match entry.passed_at {
			Some(at) => TaskStatus::Passed(at),
			None if entry.mostly_unavailable() => TaskStatus::Unavailable,
			None if T::Clock::get() < entry.until => TaskStatus::Open,
			None => TaskStatus::Lapsed,
		})
	}

	fn reopen(task: TaskId, window: Tick) -> Option<Tick> {
		Tasks::<T>::mutate(task, |entry| {
			let entry = entry.as_mut().filter(|entry| entry.passed_at.is_none())?;
			let answers = entry.answers.len();
			entry.answers.retain(|(_, verdict)| *verdict != Verdict::Unavailable);
			if entry.answers.len() == answers {
				return None;
			}
			entry.asked = entry.asked.saturating_add(1);
			entry.until = T::Clock::get().saturating_add(window).max(entry.until);
			Self::deposit_event(Event::TaskReopened { task, until: entry.until });
			Some(entry.until)
		})
	}

	/// Half of what the verifiers lose to a challenger goes to it, unless it answered the task itself or its
	/// account cannot hold it; the rest is burned, as is everything else that is slashed.
	fn close(task: TaskId, ending: Ending<T::AccountId>) -> Vec<T::AccountId> {
		let Some(entry) = Tasks::<T>::take(task) else { return Vec::new() };
		let window_over = T::Clock::get() >= entry.until;
		let rewarded = match &ending {
			Ending::Overturned { challenger } if entry.answer_of(challenger).is_none() => Some(challenger),
			_ => None,
		};
		let mut reward = Credit::<T::AccountId, T::Currency>::zero();
		let mut innocent = Vec::new();
		Verifiers::<T>::mutate(|verifiers| {
			for member in &entry.members {
				let answer = entry.answer_of(member);
				let fault = Self::fault(&ending, answer, window_over);
				let right = fault.is_none() && answer.is_some_and(|verdict| verdict != Verdict::Unavailable);
				if right {
					innocent.push(member.clone());
				}
				let deed = match fault {
					Some(Fault::Absence) => Some(Deed::Absent(task)),
					Some(Fault::FalseValid | Fault::FalseAccusation) => Some(Deed::Misverified(task)),
					None => right.then_some(Deed::Verified(task)),
				};
				if let Some(deed) = deed {
					T::Evidence::saw(member, deed);
				}
				// Nobody leaves while a member of an open task.
				let Some(verifier) = verifiers.get_mut(member) else { continue };
				verifier.open = verifier.open.saturating_sub(1);
				let Some(fault) = fault else { continue };
				let half = Self::slash(task, member, verifier, fault, entry.penalties.of(fault));
				if rewarded.is_some() {
					reward.subsume(half);
				}
			}
		});
		if let Some(challenger) = rewarded {
			let amount = T::Currency::reward(challenger, reward);
			if !amount.is_zero() {
				Self::deposit_event(Event::ChallengerPaid { task, challenger: challenger.clone(), amount });
			}
		}
		Self::deposit_event(Event::TaskClosed { task, outcome: Outcome::from(&ending) });
		innocent
	}

	fn answered(task: TaskId, who: &T::AccountId) -> bool {
		Tasks::<T>::get(task).is_some_and(|task| task.answers.iter().any(|(verifier, _)| verifier == who))
	}

	fn max_members() -> u32 {
		T::MaxVerifiers::get()
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn fill_for_benchmark() {
		benchmarking::fill::<T>();
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn pass_for_benchmark(task: TaskId) {
		benchmarking::answer::<T>(task, Verdict::Valid);
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn fail_for_benchmark(task: TaskId) {
		benchmarking::answer::<T>(task, Verdict::Unavailable);
	}
}
