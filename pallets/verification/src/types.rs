//! Verifiers, tasks and answers.

// The derive of `Encode` casts the pinned index of a variant with fields from `usize` to `u8`.
#![allow(clippy::cast_possible_truncation)]

use crate::tree::Versioned;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt::Debug;
use oda_pallet_traits::{Ending, TaskStatus};
use oda_primitives::{Tick, Verdict};
use polkadot_sdk::{
	frame_support::{BoundedVec, CloneNoBound, DebugNoBound, EqNoBound, PartialEqNoBound},
	sp_runtime::{Perbill, traits::Get},
};
use scale_info::TypeInfo;

/// Epochs, as [`Config::Epoch`](crate::Config::Epoch) counts them.
pub type EpochIndex = u32;

/// What verifying takes, or what a verifier has room for at a time.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Load {
	/// Computing time, in picoseconds of the reference machine that weights are measured on.
	pub time: u64,
	/// Bytes of weights and data to fetch and keep.
	pub bytes: u64,
}

impl Load {
	/// Whether it is at least `other` in both.
	pub fn covers(&self, other: &Self) -> bool {
		self.time >= other.time && self.bytes >= other.bytes
	}
}

/// What seats have taken since their verifier joined, all added up.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Usage {
	/// Picoseconds.
	pub time: u128,
	/// Bytes.
	pub bytes: u128,
	/// The stake that answers for the seats.
	pub stake: u128,
}

impl Usage {
	/// With so much more.
	pub fn plus(self, load: &Load, stake: u128) -> Self {
		Self {
			time: self.time.saturating_add(load.time.into()),
			bytes: self.bytes.saturating_add(load.bytes.into()),
			stake: self.stake.saturating_add(stake),
		}
	}

	/// What is left of it without `other`.
	pub fn minus(self, other: Self) -> Self {
		Self {
			time: self.time.saturating_sub(other.time),
			bytes: self.bytes.saturating_sub(other.bytes),
			stake: self.stake.saturating_sub(other.stake),
		}
	}
}

/// How often a verifier was absent of late.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Absences<Balance> {
	/// Absences since it last answered rightly.
	pub in_a_row: u32,
	/// The last epoch in which a task was drawn that it paid for.
	pub epoch: EpochIndex,
	/// What absences from tasks that were drawn in that epoch have cost.
	pub paid: Balance,
}

/// Whether a verifier is there to be drawn.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Duty {
	/// It is.
	#[codec(index = 0)]
	Awake,
	/// It was absent too often. It has no room for anything, but weighs what it did: if most of the stake is away, the rest is
	/// not to judge everything.
	#[codec(index = 1)]
	Away {
		/// The epoch in which it was sent away.
		since: EpochIndex,
	},
	/// It rests, as it said, and weighs nothing.
	#[codec(index = 2)]
	Resting,
}

/// A verifier. What it weighs in the draw stands in the tree, at its place.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Verifier<Balance, Ticket> {
	/// Its place in the tree of the draw.
	pub place: u32,
	/// Whether it is there.
	pub duty: Duty,
	/// What it has room for at a time, as it has declared last.
	pub capacity: Load,
	/// What draws see of that: nothing while it is away.
	pub room: Versioned<Load>,
	/// What the seats took that it has got so far.
	pub drawn: Usage,
	/// What those of them took that it has no more.
	pub closed: Versioned<Usage>,
	/// The tasks of which it is a member.
	pub open: u32,
	/// How often it was absent of late.
	pub absences: Absences<Balance>,
	/// The deposit for its entries.
	pub ticket: Ticket,
}

/// What each fault costs a verifier, for each vote of its seat.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Penalties<Balance> {
	/// The cost of [`Fault::FalseValid`] and [`Fault::FalseOutput`]: the highest, and what answers for each vote.
	pub lie: Balance,
	/// The cost of [`Fault::FalseAccusation`].
	pub false_accusation: Balance,
	/// The cost of [`Fault::Unopened`].
	pub unopened: Balance,
	/// The cost of [`Fault::Absence`] and [`Fault::Abstention`].
	pub absence: Balance,
}

impl<Balance: Copy> Penalties<Balance> {
	/// What `fault` costs for each vote.
	pub fn of(&self, fault: Fault) -> Balance {
		match fault {
			Fault::FalseValid | Fault::FalseOutput => self.lie,
			Fault::FalseAccusation => self.false_accusation,
			Fault::Unopened => self.unopened,
			Fault::Absence | Fault::Abstention => self.absence,
		}
	}
}

/// What goes for a task, whatever the parameters are later.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Terms<Balance> {
	/// Ticks in which the members can commit, from the draw.
	pub window: Tick,
	/// Ticks in which they can open.
	pub open_window: Tick,
	/// Ticks in which a disputed record can be resolved.
	pub dispute_window: Tick,
	/// Ticks for which the task waits for a draw.
	pub patience: Tick,
	/// The fewest members that a committee can have.
	pub least: u32,
	/// The most votes that a committee drawn again can have.
	pub most: u32,
	/// How many samples a draw takes.
	pub samples: u32,
	/// The share of the samples that has to be able, or the draw does not count.
	pub able: Perbill,
	/// The share of the votes that has to say `Valid`.
	pub quorum: Perbill,
	/// The number of records whose outputs the members show.
	pub wanted: u32,
	/// What faults cost.
	pub penalties: Penalties<Balance>,
}

/// How far a task has come. What is to happen at the tick `until` happens by itself.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Phase {
	/// A committee is to be drawn.
	#[codec(index = 0)]
	Drawing {
		/// The first epoch in which it can be.
		ready: EpochIndex,
		/// The tick at which the task lapses otherwise.
		until: Tick,
	},
	/// The members commit.
	#[codec(index = 1)]
	Committing {
		/// The first tick at which commitments are refused.
		until: Tick,
	},
	/// Nobody can commit any more; which records are wanted is not known yet.
	#[codec(index = 2)]
	Sealed {
		/// The tick at which the records are drawn.
		until: Tick,
	},
	/// The members open their commitments.
	#[codec(index = 3)]
	Opening {
		/// The first tick at which openings are refused.
		until: Tick,
	},
	/// Members have opened different outputs of a record.
	#[codec(index = 4)]
	Disputed {
		/// The record.
		record: u32,
		/// The tick at which the task lapses, unless the record is resolved.
		until: Tick,
	},
	/// Enough said `Valid`.
	#[codec(index = 5)]
	Passed {
		/// The tick at which that was found.
		at: Tick,
	},
	/// Too few did.
	#[codec(index = 6)]
	Lapsed {
		/// Because nobody resolved a disputed record.
		disputed: bool,
	},
	/// Most members could not get the weights or the data.
	#[codec(index = 7)]
	Unavailable,
}

impl Phase {
	/// The tick at which something is to happen by itself.
	pub fn until(&self) -> Option<Tick> {
		match self {
			Self::Drawing { until, .. }
			| Self::Committing { until }
			| Self::Sealed { until }
			| Self::Opening { until }
			| Self::Disputed { until, .. } => Some(*until),
			Self::Passed { .. } | Self::Lapsed { .. } | Self::Unavailable => None,
		}
	}

	/// Whether all had their time to commit.
	pub fn committed(&self, now: Tick) -> bool {
		match self {
			Self::Drawing { .. } => false,
			Self::Committing { until } => now >= *until,
			_ => true,
		}
	}

	/// Whether all who committed had their time to open.
	pub fn opened(&self, now: Tick) -> bool {
		match self {
			Self::Drawing { .. } | Self::Committing { .. } | Self::Sealed { .. } => false,
			Self::Opening { until } => now >= *until,
			_ => true,
		}
	}
}

impl From<Phase> for TaskStatus {
	fn from(phase: Phase) -> Self {
		match phase {
			Phase::Drawing { .. }
			| Phase::Committing { .. }
			| Phase::Sealed { .. }
			| Phase::Opening { .. } => Self::Open,
			Phase::Disputed { record, .. } => Self::Disputed(record),
			Phase::Passed { at } => Self::Passed(at),
			Phase::Lapsed { .. } => Self::Lapsed,
			Phase::Unavailable => Self::Unavailable,
		}
	}
}

/// A claim that a committee re-runs.
#[derive(
	CloneNoBound, PartialEqNoBound, EqNoBound, DebugNoBound, Encode, Decode, MaxEncodedLen, TypeInfo,
)]
#[scale_info(skip_type_params(MaxMembers, MaxWanted))]
#[codec(mel_bound(AccountId: MaxEncodedLen, Balance: MaxEncodedLen))]
pub struct Task<
	AccountId: Clone + PartialEq + Eq + Debug,
	Balance: Clone + PartialEq + Eq + Debug,
	MaxMembers: Get<u32>,
	MaxWanted: Get<u32>,
> {
	/// The hash of what is claimed, which every answer binds.
	pub claim: [u8; 32],
	/// The number of records that are to be re-run.
	pub records: u32,
	/// What one member needs room for.
	pub load: Load,
	/// How far it has come.
	pub phase: Phase,
	/// How often members have been asked, which every answer binds: once for the first committee, and once more for each
	/// [reopening](oda_pallet_traits::Committees::reopen) and for the second committee.
	pub asked: u32,
	/// From which asking on what some could not get has been shown to all.
	pub shown: Option<u32>,
	/// Whether this is the second committee, or will be.
	pub redrawn: bool,
	/// How many votes are to be drawn.
	pub votes: u32,
	/// The epoch in which the present committee was drawn: what absences from it cost is capped with those of that epoch.
	pub drawn: EpochIndex,
	/// Who has a seat: what is left of the first committee, then the present one.
	pub members: BoundedVec<AccountId, MaxMembers>,
	/// The votes of the present committee, whatever became of its members.
	pub size: u32,
	/// How many of them have to say `Valid`.
	pub quorum: u32,
	/// Those of members who are asked, and whose outputs were not refuted.
	pub answering: u32,
	/// Those of them who have committed.
	pub committed: u32,
	/// Those of them who have opened.
	pub opened: u32,
	/// The records whose outputs they show, in ascending order.
	pub wanted: BoundedVec<u32, MaxWanted>,
	/// What else was agreed when it was opened.
	pub terms: Terms<Balance>,
}

impl<AccountId, Balance, MaxMembers, MaxWanted> Task<AccountId, Balance, MaxMembers, MaxWanted>
where
	AccountId: Clone + PartialEq + Eq + Debug,
	Balance: Clone + PartialEq + Eq + Debug,
	MaxMembers: Get<u32>,
	MaxWanted: Get<u32>,
{
	/// Whether `Unavailable` is no excuse for who is asked now: what is needed was shown before.
	pub fn shown_before(&self) -> bool {
		self.shown.is_some_and(|first| first <= self.asked)
	}
}

/// What a member has answered.
#[derive(
	CloneNoBound, PartialEqNoBound, EqNoBound, DebugNoBound, Encode, Decode, MaxEncodedLen, TypeInfo,
)]
#[scale_info(skip_type_params(MaxWanted))]
pub enum Answer<MaxWanted: Get<u32>> {
	/// Nothing.
	#[codec(index = 0)]
	None,
	/// The hash of its finding.
	#[codec(index = 1)]
	Committed([u8; 32]),
	/// Its finding.
	#[codec(index = 2)]
	Opened {
		/// What it says of the claim.
		verdict: Verdict,
		/// Its outputs of the wanted records, in their order; none if it says `Unavailable`.
		outputs: BoundedVec<[u8; 32], MaxWanted>,
	},
	/// An output that the court found to be another. It has paid.
	#[codec(index = 3)]
	Refuted,
}

impl<MaxWanted: Get<u32>> Answer<MaxWanted> {
	/// The verdict, if it was opened.
	pub fn verdict(&self) -> Option<Verdict> {
		match self {
			Self::Opened { verdict, .. } => Some(*verdict),
			_ => None,
		}
	}
}

/// A member's seat.
#[derive(
	CloneNoBound, PartialEqNoBound, EqNoBound, DebugNoBound, Encode, Decode, MaxEncodedLen, TypeInfo,
)]
#[scale_info(skip_type_params(MaxWanted))]
pub struct Seat<MaxWanted: Get<u32>> {
	/// Whether it is one of a first committee that came to nothing. Its answer stands: the member is not asked again, and
	/// what it said has the votes that the second draw gives it.
	pub earlier: bool,
	/// The votes that its answer has in the present committee.
	pub votes: u32,
	/// The lies that its stake is reserved for: the most votes that it has had. What it pays and earns follows them.
	pub reserved: u32,
	/// What the member has answered.
	pub answer: Answer<MaxWanted>,
}

impl<MaxWanted: Get<u32>> Seat<MaxWanted> {
	/// The seat of a member that is asked.
	pub fn new(votes: u32) -> Self {
		Self { earlier: false, votes, reserved: votes, answer: Answer::None }
	}
}

/// The votes of a committee, by what they say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tally {
	/// Those for `Valid`.
	pub(crate) valid: u32,
	/// Those for `Wrong`, whichever the record.
	pub(crate) wrong: u32,
	/// Those for `Unavailable`.
	pub(crate) unavailable: u32,
}

impl Tally {
	/// Whether more could have what was needed, and answered, than said that they could not.
	pub(crate) fn overrules_unavailable(&self) -> bool {
		self.unavailable < self.valid.saturating_add(self.wrong)
	}

	/// Those of these seats.
	pub(crate) fn of<'a, MaxWanted: Get<u32> + 'a>(seats: impl Iterator<Item = &'a Seat<MaxWanted>>) -> Self {
		let mut tally = Self::default();
		for seat in seats {
			let votes = match seat.answer.verdict() {
				Some(Verdict::Valid) => &mut tally.valid,
				Some(Verdict::Wrong(_)) => &mut tally.wrong,
				Some(Verdict::Unavailable) => &mut tally.unavailable,
				None => continue,
			};
			*votes = votes.saturating_add(seat.votes);
		}
		tally
	}
}

/// Tasks that wait for a draw, in the order of their numbers.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Queue {
	/// The number of the next one to be drawn.
	pub next: u64,
	/// The number of the next one to be put in.
	pub end: u64,
}

/// What a verifier paid for.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Fault {
	/// It said `Valid`, and somebody proved on chain that the claim was wrong, or nobody showed what it was about.
	#[codec(index = 0)]
	FalseValid,
	/// It said `Wrong`, and nobody overturned the claim.
	#[codec(index = 1)]
	FalseAccusation,
	/// It did not commit within the window; or its outputs were disputed, and nobody resolved who was right.
	#[codec(index = 2)]
	Absence,
	/// It showed an output that the court found to be another.
	#[codec(index = 3)]
	FalseOutput,
	/// It committed, and did not open.
	#[codec(index = 4)]
	Unopened,
	/// It said `Unavailable` of what had been shown to all, or what others, more than said so, could verify.
	#[codec(index = 5)]
	Abstention,
}

/// How a task ended, as an event says it.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Outcome {
	/// The claim was accepted.
	#[codec(index = 0)]
	Accepted,
	/// Somebody proved on chain that a score was wrong.
	#[codec(index = 1)]
	Overturned,
	/// Too few answers came in time.
	#[codec(index = 2)]
	Lapsed,
	/// Nobody is to blame.
	#[codec(index = 3)]
	Void,
	/// It fell without a challenger: nobody showed what it is about though it was demanded, or the court found it wrong.
	#[codec(index = 4)]
	Fallen,
}

impl<AccountId> From<&Ending<AccountId>> for Outcome {
	fn from(ending: &Ending<AccountId>) -> Self {
		match ending {
			Ending::Accepted => Self::Accepted,
			Ending::Overturned { .. } => Self::Overturned,
			Ending::Lapsed => Self::Lapsed,
			Ending::Void => Self::Void,
			Ending::Fallen => Self::Fallen,
		}
	}
}

/// A verifier, as workers ask for it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct VerifierView<Balance> {
	/// What it weighs in draws of the next but one epoch on; nothing while it rests or has too little stake.
	pub weight: u128,
	/// Whether it is there to be drawn.
	pub duty: Duty,
	/// What it has room for at a time, as it has declared last.
	pub capacity: Load,
	/// What its seats take now.
	pub used: Usage,
	/// The tasks of which it is a member.
	pub open: u32,
	/// How often it was absent of late.
	pub absences: Absences<Balance>,
}

/// A task, as workers ask for it.
#[derive(CloneNoBound, PartialEqNoBound, EqNoBound, DebugNoBound, Encode, Decode, TypeInfo)]
#[scale_info(skip_type_params(MaxMembers, MaxWanted))]
pub struct TaskView<
	AccountId: Clone + PartialEq + Eq + Debug,
	Balance: Clone + PartialEq + Eq + Debug,
	MaxMembers: Get<u32>,
	MaxWanted: Get<u32>,
> {
	/// The task.
	pub task: Task<AccountId, Balance, MaxMembers, MaxWanted>,
	/// The seats of its members, in the members' order.
	pub seats: alloc::vec::Vec<Seat<MaxWanted>>,
}
