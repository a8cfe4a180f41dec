//! Verifiers: committees drawn by stake that re-run claims, and whose members cannot copy.
//!
//! A pallet with a claim, such as `pallet-training`, *opens* a task through [`Committees`]. Two epochs later a committee is
//! *drawn* for it, by stake, among the verifiers with room for the work. Each member re-runs all records, and *commits* to
//! its verdict and to a root over the outputs of all of them. When nobody can commit any more, a few records are drawn, and
//! all who committed *open*: verdict, root, and the outputs of those records with their proofs. When more than two thirds
//! say `Valid`, the task has *passed*. Correctness is never voted: until it is closed, a passed task can be overturned by
//! one challenger who makes the runtime re-run one record, and then everyone who said `Valid` pays; and where members show
//! different outputs of a record, nothing moves until the court has said which is right.
//!
//! ```text
//! open ─► draw ─► commit ─► records drawn ─► open ─► passed | lapsed | unavailable ─► close: Accepted | Overturned | …
//!          ▲                                  └─► disputed ─► resolved ─┘
//!          └──────── too few answers: once more, with a larger committee
//! ```
//!
//! One file a behaviour: `verifiers` (who can be drawn), `tree` (their stakes, as they were), `draw`, `phases` (what
//! happens by itself), `answers` (commit and open), `disputes`, `close` (how a task begins and ends, and what faults
//! cost), `audit` (what must hold).

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
	test,
	allow(
		clippy::arithmetic_side_effects,
		clippy::cast_possible_truncation,
		clippy::cast_precision_loss,
		clippy::expect_used,
		clippy::indexing_slicing,
		clippy::unwrap_used
	)
)]

extern crate alloc;

mod answers;
mod audit;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod close;
mod disputes;
mod draw;
#[cfg(test)]
mod mock;
mod phases;
#[cfg(test)]
mod tests;
pub mod tree;
pub mod types;
mod verifiers;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::{BenchmarkHelper, SetEpoch, Sr25519Helper};
pub use draw::EPOCHS_BEFORE_DRAW;
pub use pallet::*;
pub use phases::SEALED_TICKS;
pub use tree::Versioned;
pub use types::*;
// FRAME's prelude has another.
pub use types::Task;
pub use weights::WeightInfo;

use alloc::vec::Vec;
use codec::{Decode, Encode, MaxEncodedLen};
use oda_evaluator::Cost;
use oda_pallet_funds as funds;
use oda_pallet_traits::{AmountOf, Evidence, Role, Stakes, TaskStatus};
use oda_primitives::{OutputProof, TaskId, Tick, Verdict, hash::Finding, message};
use polkadot_sdk::{
	frame_support::{
		self, CloneNoBound, DebugNoBound, DefaultNoBound, EqNoBound, PartialEqNoBound,
		pallet_prelude::*,
		traits::{Consideration, Footprint, Randomness},
		weights::WeightMeter,
	},
	frame_system::{ensure_authorized, pallet_prelude::*},
	sp_runtime::{
		Perbill, TryRuntimeError,
		traits::{Convert, IdentifyAccount, Saturating, Verify, Zero},
		transaction_validity::TransactionPriority,
	},
};
use scale_info::TypeInfo;

/// The most entries that one page of a listing holds.
pub const MAX_PAGE: u32 = 100;

type AccountIdOf<T> = <T as polkadot_sdk::frame_system::Config>::AccountId;
/// An amount of stake.
pub type BalanceOf<T> = AmountOf<AccountIdOf<T>, <T as Config>::Stakes>;
/// A stored verifier.
pub type VerifierOf<T> = Verifier<BalanceOf<T>, <T as Config>::VerifierDeposit>;
/// A stored task.
pub type TaskOf<T> = Task<AccountIdOf<T>, BalanceOf<T>, <T as Config>::MaxMembers, <T as Config>::MaxWanted>;
/// A stored seat.
pub type SeatOf<T> = Seat<<T as Config>::MaxWanted>;
/// The answer of a member.
pub type AnswerOf<T> = Answer<<T as Config>::MaxWanted>;
/// A task, as workers ask for it.
pub type TaskViewOf<T> =
	TaskView<AccountIdOf<T>, BalanceOf<T>, <T as Config>::MaxMembers, <T as Config>::MaxWanted>;

/// The pallet; see the crate's documentation.
///
/// The two lints are for what FRAME's macros expand to; but for the making of genesis, nothing written here uses
/// either.
#[allow(clippy::cast_possible_truncation, clippy::expect_used)]
#[frame_support::pallet]
pub mod pallet {
	use super::*;

	/// The in-code storage version.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	/// The pallet.
	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// What verification needs. The runtime's transaction extensions have to contain
	/// `frame_system::AuthorizeCall`, through which answers come in. The clock has to tick, and the session to change,
	/// before this pallet's turn in a block.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// Protocol time.
		type Clock: Get<Tick>;

		/// The epoch, which grows by one whenever [`Randomness`](Self::Randomness) is renewed: the session index. Not
		/// BABE's `EpochIndex`, which jumps where epochs were skipped: then a draw's randomness would not be of the epoch after
		/// the one in which its inputs were frozen.
		type Epoch: Get<EpochIndex>;

		/// What committees are drawn from: `RandomnessFromOneEpochAgo`, which follows from the VRFs of the epoch before this
		/// one. A draw's inputs are those of that epoch's start.
		type Randomness: Randomness<Self::Hash, BlockNumberFor<Self>>;

		/// Randomness of the last block, if it had any: `ParentBlockRandomness`. The records that members have to show are
		/// drawn from that of several blocks.
		type FreshRandomness: Randomness<Option<Self::Hash>, BlockNumberFor<Self>>;

		/// Whoever holds what verifiers answer with. What leaves a stake has to answer for at least three epochs more.
		type Stakes: Stakes<Self::AccountId>;

		/// Who listens to what verifiers do.
		type Evidence: Evidence<Self::AccountId>;

		/// What the runtime would need for a record: the court's price, whose time a verifier's capacity is counted in.
		type Price: Convert<Cost, Weight>;

		/// The deposit for a verifier's entries; with [`HoldReason::VerifierDeposit`].
		type VerifierDeposit: Consideration<Self::AccountId, Footprint>;

		/// What a commitment is signed with.
		type Signature: Verify<Signer = Self::Signer> + Parameter;

		/// Who signs it: the verifier's account.
		type Signer: IdentifyAccount<AccountId = Self::AccountId>;

		/// The most members of a task, of both its committees together.
		#[pallet::constant]
		type MaxMembers: Get<u32>;

		/// The most records whose outputs members show.
		#[pallet::constant]
		type MaxWanted: Get<u32>;

		/// The most samples of a draw.
		#[pallet::constant]
		type MaxSamples: Get<u32>;

		/// The most draws in a tick.
		#[pallet::constant]
		type MaxDraws: Get<u32>;

		/// The most tasks whose phase ends in a tick.
		#[pallet::constant]
		type MaxAdvances: Get<u32>;

		/// How many votes a committee is to have at first. They go to verifiers by stake, several to one if it has much.
		type Committee: Get<u32>;

		/// The fewest members that it can have.
		type MinCommittee: Get<u32>;

		/// The most votes that a second committee can have, which is drawn with twice as many.
		type MaxCommittee: Get<u32>;

		/// How many samples a draw takes: one for each vote at least.
		type Samples: Get<u32>;

		/// The share of them that has to be able to have a vote, or the draw does not count.
		type AbleShare: Get<Perbill>;

		/// The share of a committee's votes that has to say `Valid`, rounded up: more than two thirds, as
		/// 666,666,667 parts in a billion are.
		type Quorum: Get<Perbill>;

		/// How many records' outputs members show.
		type Wanted: Get<u32>;

		/// Ticks in which who committed can open.
		type OpenWindow: Get<Tick>;

		/// Ticks in which a disputed record can be resolved.
		type DisputeWindow: Get<Tick>;

		/// Ticks for which a task waits for a draw; at least three epochs.
		type Patience: Get<Tick>;

		/// The stake below which a verifier is not drawn.
		type MinStake: Get<BalanceOf<Self>>;

		/// The least capacity of a verifier.
		type MinCapacity: Get<Load>;

		/// What saying `Valid` of a false claim costs, and showing a false output; this and the next ones for each vote.
		type VerifierSlash: Get<BalanceOf<Self>>;

		/// What saying `Wrong` costs when nobody overturns the claim.
		type AccusationSlash: Get<BalanceOf<Self>>;

		/// What committing and not opening costs.
		type UnopenedSlash: Get<BalanceOf<Self>>;

		/// What not answering costs.
		type AbsenceSlash: Get<BalanceOf<Self>>;

		/// The most that a verifier pays for absences from tasks that were drawn in one epoch.
		type AbsenceCap: Get<BalanceOf<Self>>;

		/// After how many absences in a row a verifier is not drawn until it wakes.
		type MaxAbsences: Get<u32>;

		/// After how many epochs anybody may let a verifier rest that is away. Until then its stake counts as unable; from then
		/// on those who are left may judge without it.
		type AwayEpochs: Get<EpochIndex>;

		/// The priority of answers in the transaction pool.
		#[pallet::constant]
		type AnswerPriority: Get<TransactionPriority>;

		/// What the calls and hooks cost.
		type WeightInfo: WeightInfo;

		/// Makes signatures and sets the epoch: for benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: BenchmarkHelper<Self::AccountId, Self::Signature>;
	}

	/// Why verification holds somebody's funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The deposit for a verifier's entries.
		#[codec(index = 0)]
		VerifierDeposit,
	}

	/// The verifiers.
	#[pallet::storage]
	pub type Verifiers<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, VerifierOf<T>>;

	/// Who has a place in the tree.
	#[pallet::storage]
	pub type Places<T: Config> = StorageMap<_, Twox64Concat, u32, T::AccountId>;

	/// The first place that nobody has ever had.
	#[pallet::storage]
	pub type NextPlace<T: Config> = StorageValue<_, u32, ValueQuery>;

	/// The places that somebody had and nobody has: a stack.
	#[pallet::storage]
	pub type FreePlaces<T: Config> = StorageMap<_, Twox64Concat, u32, u32>;

	/// How many they are.
	#[pallet::storage]
	pub type FreePlaceCount<T: Config> = StorageValue<_, u32, ValueQuery>;

	/// The tree of what verifiers weigh in the draw, and did.
	#[pallet::storage]
	pub type Nodes<T: Config> = StorageMap<_, Twox64Concat, tree::NodeId, tree::Node, ValueQuery>;

	/// The number of verifiers that are awake and weigh something.
	#[pallet::storage]
	pub type Eligible<T: Config> = StorageValue<_, u32, ValueQuery>;

	/// The open tasks, by what they verify.
	#[pallet::storage]
	pub type Tasks<T: Config> = StorageMap<_, Blake2_128Concat, TaskId, TaskOf<T>>;

	/// The seats of a task's members.
	#[pallet::storage]
	pub type Seats<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, TaskId, Blake2_128Concat, T::AccountId, SeatOf<T>>;

	/// The tasks of which a verifier is a member.
	#[pallet::storage]
	pub type SeatsOf<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Blake2_128Concat, TaskId, ()>;

	/// The numbers of the tasks that can be drawn from an epoch on.
	#[pallet::storage]
	pub type Queues<T: Config> = StorageMap<_, Twox64Concat, EpochIndex, Queue, ValueQuery>;

	/// The tasks that wait for a draw, by epoch and number.
	#[pallet::storage]
	pub type Waiting<T: Config> = StorageDoubleMap<_, Twox64Concat, EpochIndex, Twox64Concat, u64, TaskId>;

	/// The first epoch whose queue is not done.
	#[pallet::storage]
	pub type DrawFrom<T: Config> = StorageValue<_, EpochIndex>;

	/// The tasks whose phase ends, by tick.
	#[pallet::storage]
	pub type Agenda<T: Config> = StorageDoubleMap<_, Twox64Concat, Tick, Blake2_128Concat, TaskId, ()>;

	/// The first tick of the agenda that is not done.
	#[pallet::storage]
	pub type AgendaFrom<T: Config> = StorageValue<_, Tick>;

	/// The randomness of all blocks so far, stirred together.
	#[pallet::storage]
	pub type Entropy<T: Config> = StorageValue<_, [u8; 32], ValueQuery>;

	/// The verifiers of genesis and their capacities. They need a stake by then.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Account, picoseconds and bytes.
		pub verifiers: Vec<(T::AccountId, u64, u64)>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		/// Panics on a genesis that makes no sense: no chain starts from it.
		fn build(&self) {
			for (who, time, bytes) in &self.verifiers {
				Pallet::<T>::do_join(who.clone(), Load { time: *time, bytes: *bytes })
					.expect("a genesis verifier cannot join");
			}
		}
	}

	/// What happened to a task or a verifier.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An account became a verifier.
		#[codec(index = 0)]
		Joined {
			/// The new verifier.
			verifier: T::AccountId,
			/// What it has room for at a time.
			capacity: Load,
		},
		/// A verifier has room for more or less.
		#[codec(index = 1)]
		CapacitySet {
			/// The verifier.
			verifier: T::AccountId,
			/// What it has room for at a time now.
			capacity: Load,
		},
		/// A verifier rests: it is not drawn from the next but one epoch on.
		#[codec(index = 2)]
		Rested {
			/// The verifier that rests.
			verifier: T::AccountId,
		},
		/// A verifier is there again: it rests no more, or is away no more.
		#[codec(index = 3)]
		Woken {
			/// The verifier that can be drawn again.
			verifier: T::AccountId,
		},
		/// A verifier left, and has its deposit back.
		#[codec(index = 4)]
		Left {
			/// The account that was a verifier.
			verifier: T::AccountId,
		},
		/// A verifier begins or ceases to weigh something in the draw.
		#[codec(index = 5)]
		EligibilityChanged {
			/// The verifier.
			verifier: T::AccountId,
			/// Whether it can be drawn, once what it weighs now is frozen.
			eligible: bool,
		},
		/// A task was opened.
		#[codec(index = 6)]
		TaskOpened {
			/// The task.
			task: TaskId,
			/// The first epoch in which its committee can be drawn.
			ready: EpochIndex,
			/// What each member needs room for.
			load: Load,
		},
		/// Too small a share of the stake was able to take a seat: the task waits for the next epoch.
		#[codec(index = 7)]
		DrawFailed {
			/// The task.
			task: TaskId,
			/// The number of samples that were able.
			able: u32,
			/// The number of samples.
			samples: u32,
		},
		/// A committee was drawn, and can commit.
		#[codec(index = 8)]
		CommitteeDrawn {
			/// The task.
			task: TaskId,
			/// The number of members that were drawn.
			members: u32,
			/// The votes that they have together.
			votes: u32,
			/// How many of the votes have to say `Valid`.
			quorum: u32,
			/// The first tick at which commitments are refused.
			until: Tick,
		},
		/// A member committed to what it found.
		#[codec(index = 9)]
		Committed {
			/// The task.
			task: TaskId,
			/// The verifier that committed.
			verifier: T::AccountId,
		},
		/// Nobody can commit any more, and all who did are to open.
		#[codec(index = 10)]
		RecordsDrawn {
			/// The task.
			task: TaskId,
			/// The records whose outputs they show, in this order.
			records: Vec<u32>,
			/// The first tick at which openings are refused.
			until: Tick,
		},
		/// A member showed what it had committed to.
		#[codec(index = 11)]
		Opened {
			/// The task.
			task: TaskId,
			/// The verifier that opened.
			verifier: T::AccountId,
			/// The verdict of the verifier.
			verdict: Verdict,
		},
		/// Members show different outputs of a record: nothing moves until the court has said which is right.
		#[codec(index = 12)]
		TaskDisputed {
			/// The task.
			task: TaskId,
			/// The record.
			record: u32,
			/// The tick at which the task lapses otherwise.
			until: Tick,
		},
		/// The court said what the output of a disputed record is.
		#[codec(index = 13)]
		DisputeResolved {
			/// The task.
			task: TaskId,
			/// The record.
			record: u32,
			/// The BLAKE3 root of its output.
			output: [u8; 32],
		},
		/// The quorum said `Valid`.
		#[codec(index = 14)]
		TaskPassed {
			/// The task.
			task: TaskId,
		},
		/// Most members could not get the weights or the data.
		#[codec(index = 15)]
		TaskUnavailable {
			/// The task.
			task: TaskId,
		},
		/// No committee could be drawn in time, too few said `Valid`, or nobody resolved a disputed record.
		#[codec(index = 16)]
		TaskLapsed {
			/// The task.
			task: TaskId,
		},
		/// Too few said `Valid`: a second committee will be drawn.
		#[codec(index = 17)]
		DrawnAgain {
			/// The task.
			task: TaskId,
			/// The number of votes that it is to have.
			votes: u32,
		},
		/// What was missing can be had now: the answers are forgotten, and asked for again.
		#[codec(index = 18)]
		TaskReopened {
			/// The task.
			task: TaskId,
			/// The first tick at which commitments are refused.
			until: Tick,
		},
		/// A verifier lost a part of its stake.
		#[codec(index = 19)]
		Slashed {
			/// The task.
			task: TaskId,
			/// The verifier that lost it.
			verifier: T::AccountId,
			/// The fault that it lost it for.
			fault: Fault,
			/// The part of its stake that was taken.
			amount: BalanceOf<T>,
		},
		/// A challenger got its half of what the verifiers lost; the rest was burned.
		#[codec(index = 20)]
		ChallengerPaid {
			/// The task.
			task: TaskId,
			/// The challenger that was paid.
			challenger: T::AccountId,
			/// The amount that it was paid.
			amount: BalanceOf<T>,
		},
		/// A task was closed.
		#[codec(index = 21)]
		TaskClosed {
			/// The task.
			task: TaskId,
			/// How it ended.
			outcome: Outcome,
		},
		/// A verifier was absent too often: it is not drawn until it wakes, and its stake counts as unable.
		#[codec(index = 22)]
		SentAway {
			/// The verifier that is away.
			verifier: T::AccountId,
		},
	}

	/// Why verification refuses.
	#[pallet::error]
	pub enum Error<T> {
		/// There are too few verifiers that could be drawn.
		#[codec(index = 0)]
		NoVerifiers,
		/// This task is open already.
		#[codec(index = 1)]
		TaskExists,
		/// Members have to have at least one tick to commit.
		#[codec(index = 2)]
		EmptyWindow,
		/// There is no such task, or it was closed.
		#[codec(index = 3)]
		UnknownTask,
		/// The account is not a member of the task.
		#[codec(index = 4)]
		NotMember,
		/// The time in which the members can commit, or open, is over.
		#[codec(index = 5)]
		WindowOver,
		/// The member has committed already.
		#[codec(index = 6)]
		AlreadyCommitted,
		/// The account is not a verifier.
		#[codec(index = 7)]
		NotVerifier,
		/// The verifier is a member of open tasks.
		#[codec(index = 8)]
		HasOpenTasks,
		/// There is no room for another verifier.
		#[codec(index = 9)]
		TooManyVerifiers,
		/// There is no record to verify.
		#[codec(index = 10)]
		NoRecords,
		/// The account is a verifier already.
		#[codec(index = 11)]
		AlreadyVerifier,
		/// The account's stake as a verifier is below the least.
		#[codec(index = 12)]
		StakeTooLow,
		/// The capacity is below the least that a verifier has.
		#[codec(index = 13)]
		CapacityTooSmall,
		/// The verifier rests already.
		#[codec(index = 14)]
		AlreadyResting,
		/// The verifier does not rest; or, where it wakes, is not away either.
		#[codec(index = 15)]
		NotResting,
		/// The verifier can still be drawn: what it weighed before it rested is frozen.
		#[codec(index = 16)]
		StillInDraw,
		/// The members of the task do not commit now.
		#[codec(index = 17)]
		NotCommitting,
		/// The members of the task do not open now.
		#[codec(index = 18)]
		NotOpening,
		/// The member has not committed.
		#[codec(index = 19)]
		NotCommitted,
		/// The member has opened already.
		#[codec(index = 20)]
		AlreadyOpened,
		/// The member has committed to something else.
		#[codec(index = 21)]
		OtherCommitment,
		/// The claim has no such record.
		#[codec(index = 22)]
		NoSuchRecord,
		/// There is not one output for each wanted record; or there is one, and the verdict is `Unavailable`.
		#[codec(index = 23)]
		OutputCount,
		/// A proof has too few or too many siblings.
		#[codec(index = 24)]
		ProofSiblings,
		/// An output does not belong to the root.
		#[codec(index = 25)]
		OtherOutput,
		/// The outputs of this record are not disputed.
		#[codec(index = 26)]
		NotDisputed,
		/// The verifier is not away: only it can let itself rest.
		#[codec(index = 27)]
		NotAway,
		/// The verifier has not been away for [`Config::AwayEpochs`] epochs.
		#[codec(index = 28)]
		NotAwayForLong,
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Makes the caller, who has a stake as a verifier, one that is drawn; from the next but one epoch on.
		///
		/// Puts [`Config::VerifierDeposit`] on hold.
		///
		/// - `capacity`: what it has room for at a time: picoseconds of computing on the reference machine, and bytes. It is
		///   not drawn for what it has no room for.
		///
		/// Events: `Joined`, `EligibilityChanged`. Errors: `AlreadyVerifier`, `CapacityTooSmall`, `StakeTooLow`,
		/// `TooManyVerifiers`; the deposit cannot be held.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::join())]
		pub fn join(origin: OriginFor<T>, capacity: Load) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_join(who, capacity)
		}

		/// Changes what the caller has room for at a time; in draws from the next but one epoch on. What it has been drawn for
		/// stays.
		///
		/// - `capacity`: picoseconds of computing on the reference machine, and bytes.
		///
		/// Event: `CapacitySet`. Errors: `NotVerifier`, `CapacityTooSmall`.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::set_capacity())]
		pub fn set_capacity(origin: OriginFor<T>, capacity: Load) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_set_capacity(who, capacity)
		}

		/// Takes the caller out of the draws from the next but one epoch on. It answers what it has been or is drawn for until
		/// then.
		///
		/// Events: `Rested`, `EligibilityChanged`. Errors: `NotVerifier`, `AlreadyResting`.
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::rest())]
		pub fn rest(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_rest(who)
		}

		/// Lets the caller be drawn again, from the next but one epoch on, after it rested or was absent too often.
		///
		/// Events: `Woken`, `EligibilityChanged`. Errors: `NotVerifier`, `NotResting`, `StakeTooLow`.
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::wake())]
		pub fn wake(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_wake(who)
		}

		/// Lets a verifier rest that has been away for [`Config::AwayEpochs`] epochs at least, so that its stake does not keep
		/// draws from counting any more, from the next but one epoch on. Anybody can call it.
		///
		/// - `verifier`: the verifier that is away.
		///
		/// Event: `Rested`. Errors: `NotVerifier`, `NotAway`, `NotAwayForLong`.
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::dismiss())]
		pub fn dismiss(origin: OriginFor<T>, verifier: T::AccountId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_dismiss(&verifier)
		}

		/// Leaves the verifiers, and releases the deposit. The stake is another matter.
		///
		/// The caller rests, and so long that no draw can name it any more, and is a member of no open task. Event: `Left`.
		/// Errors: `NotVerifier`, `NotResting`, `HasOpenTasks`, `StillInDraw`.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::leave())]
		pub fn leave(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_leave(who)
		}

		/// Commits a member to what it found; free of charge, and not signed by an account but authorised by `signature`.
		///
		/// - `task`: what is verified.
		/// - `commitment`: [`Finding::commitment`]. It has to be opened when the records are drawn, or it costs
		///   [`Config::UnopenedSlash`].
		/// - `verifier`: who commits, a member of the task.
		/// - `signature`: the verifier's, over [`message::answer`].
		///
		/// Event: `Committed`. Refused by the pool with `InvalidTransaction::Custom(64 + index)` of `UnknownTask`,
		/// `NotCommitting`, `WindowOver`, `NotMember` or `AlreadyCommitted`, or with `BadProof`; these errors themselves if
		/// dispatched nevertheless.
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::commit())]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_commit())]
		#[pallet::authorize(Pallet::<T>::authorize_commit)]
		pub fn commit(
			origin: OriginFor<T>,
			task: TaskId,
			commitment: [u8; 32],
			verifier: T::AccountId,
			// Verified by `authorize`.
			_signature: T::Signature,
		) -> DispatchResult {
			ensure_authorized(origin)?;
			Self::do_commit(task, commitment, verifier)
		}

		/// Shows what a member committed to; free of charge, and not signed: the commitment fixes all of it.
		///
		/// - `task`: what is verified.
		/// - `verifier`: who committed.
		/// - `finding`: root, verdict and salt that hash to the commitment. `Wrong(i)` names a wrong record, which has to be
		///   challenged, or the accusation costs [`Config::AccusationSlash`].
		/// - `proofs`: the outputs of the task's wanted records, in their order, with their proofs under the root; none if the
		///   verdict is `Unavailable`.
		///
		/// Event: `Opened`. Refused by the pool with `InvalidTransaction::Custom(64 + index)` of `UnknownTask`, `NotOpening`,
		/// `WindowOver`, `NotMember`, `NotCommitted`, `AlreadyOpened`, `NoSuchRecord`, `OtherCommitment`, `OutputCount`,
		/// `ProofSiblings` or `OtherOutput`; those of these errors that do not concern the proofs if dispatched nevertheless.
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::open(u32::try_from(proofs.len()).unwrap_or(u32::MAX)))]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_open(Pallet::<T>::hashes(proofs)))]
		#[pallet::authorize(Pallet::<T>::authorize_open)]
		pub fn open(
			origin: OriginFor<T>,
			task: TaskId,
			verifier: T::AccountId,
			finding: Finding,
			// Verified by `authorize`.
			proofs: Vec<OutputProof>,
		) -> DispatchResult {
			ensure_authorized(origin)?;
			Self::do_open(task, verifier, &finding, &proofs)
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_poll(_block: BlockNumberFor<T>, meter: &mut WeightMeter) {
			Self::poll(meter);
		}

		fn integrity_test() {
			Self::check_parameters();
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_block: BlockNumberFor<T>) -> Result<(), TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// A verifier.
		pub fn verifier(who: T::AccountId) -> Option<VerifierView<BalanceOf<T>>> {
			Verifiers::<T>::get(who).map(Self::view)
		}

		/// A page of the verifiers, in no particular order: those after `after`, or from the start; at most `limit`, and
		/// never more than [`MAX_PAGE`].
		pub fn verifiers(
			after: Option<T::AccountId>,
			limit: u32,
		) -> Vec<(T::AccountId, VerifierView<BalanceOf<T>>)> {
			let verifiers = match after {
				Some(who) => Verifiers::<T>::iter_from_key(who),
				None => Verifiers::<T>::iter(),
			};
			let page = verifiers.take(limit.min(MAX_PAGE) as usize);
			page.map(|(who, verifier)| (who, Self::view(verifier))).collect()
		}

		/// An open task with its members' seats: phase, deadlines, wanted records, answers.
		pub fn task(id: TaskId) -> Option<TaskViewOf<T>> {
			let task = Tasks::<T>::get(id)?;
			let seats = task.members.iter().filter_map(|who| Seats::<T>::get(id, who)).collect();
			Some(TaskView { task, seats })
		}

		/// How far the verification of a task has come.
		pub fn status_of(id: TaskId) -> Option<TaskStatus> {
			Tasks::<T>::get(id).map(|task| task.phase.into())
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

		/// A page of the open tasks of which `who` is a member, with its seats, in no particular order: those after `after`,
		/// or from the start; at most `limit`, and never more than [`MAX_PAGE`].
		pub fn tasks_of(
			who: T::AccountId,
			after: Option<TaskId>,
			limit: u32,
		) -> Vec<(TaskId, TaskOf<T>, SeatOf<T>)> {
			let ids = match after {
				Some(id) => SeatsOf::<T>::iter_key_prefix_from(&who, SeatsOf::<T>::hashed_key_for(&who, id)),
				None => SeatsOf::<T>::iter_key_prefix(&who),
			};
			let page = ids.take(limit.min(MAX_PAGE) as usize);
			page.filter_map(|id| Some((id, Tasks::<T>::get(id)?, Seats::<T>::get(id, &who)?))).collect()
		}

		/// The bytes that a verifier signs to commit to what it found of an open task.
		pub fn answer_message(task: TaskId, commitment: [u8; 32]) -> Option<Vec<u8>> {
			Tasks::<T>::get(task).map(|entry| Pallet::<T>::signed_bytes(task, &entry, &commitment))
		}
	}
}

impl<T: Config> Pallet<T> {
	/// The hashes that checking these proofs takes at most.
	pub(crate) fn hashes(proofs: &[OutputProof]) -> u32 {
		let hashes = proofs.iter().map(|proof| proof.siblings.len().saturating_add(2));
		u32::try_from(hashes.fold(0usize, usize::saturating_add)).unwrap_or(u32::MAX)
	}

	fn view(verifier: VerifierOf<T>) -> VerifierView<BalanceOf<T>> {
		VerifierView {
			weight: Self::leaf(verifier.place).now(),
			duty: verifier.duty,
			capacity: verifier.capacity,
			used: verifier.drawn.minus(verifier.closed.now()),
			open: verifier.open,
			absences: verifier.absences,
		}
	}
}
